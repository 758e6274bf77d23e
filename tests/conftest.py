"""What every test finds, and leaves as it was."""

import signal

import pytest

from qlstm.forecasting import FORECASTERS
from qlstm.memory import RULES
from qlstm.readout import READOUTS

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a script;
    signal.signal(signal.SIGINT, signal.default_int_handler)  # processes inherit it


@pytest.fixture(autouse=True)
def registries():
    """What a test or a page registers is gone after it."""
    kept = [(known, dict(known)) for known in (RULES, READOUTS, FORECASTERS)]
    yield
    for registry, before in kept:
        registry.clear()
        registry.update(before)
