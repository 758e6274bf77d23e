"""What every test finds, and leaves as it was."""

import pytest

from qlstm.memory import RULES
from qlstm.readout import READOUTS


@pytest.fixture(autouse=True)
def registries():
    """Rules and readouts that a test registers are gone after it."""
    kept = [(registry, dict(registry)) for registry in (RULES, READOUTS)]
    yield
    for registry, before in kept:
        registry.clear()
        registry.update(before)
