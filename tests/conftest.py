"""What every test finds, and leaves as it was."""

import pytest

from qlstm.forecasting import FORECASTERS
from qlstm.memory import RULES
from qlstm.readout import READOUTS


@pytest.fixture(autouse=True)
def registries():
    """What a test or a page registers is gone after it."""
    kept = [(known, dict(known)) for known in (RULES, READOUTS, FORECASTERS)]
    yield
    for registry, before in kept:
        registry.clear()
        registry.update(before)
