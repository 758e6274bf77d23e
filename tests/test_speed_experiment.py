"""`experiments.speed`, small: what it times and what it says."""

import re
import sys

import numpy as np
import pytest

from experiments import speed


def test_jobs_take_turns_after_a_round_to_warm_up():
    order = []
    jobs = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = speed.interleaved(jobs, 3)
    assert order == list("abababab")
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}


def test_minibatches_are_told_in_units():
    text = speed.minibatches(2)
    names = ("RX collapse", "RX probabilities", "RY collapse", "RY probabilities")
    for name in names:
        cells = re.search(rf"^{name} +(\d+) +(\d+) +(\d+) +(\d+)$", text, re.MULTILINE)
        assert cells, text
        low, median, high, units = map(int, cells.groups())
        assert 0 < low <= median <= high and units > 1
    assert text.endswith("2 minibatches each")


def test_the_simulator_stands_beside_lightning_and_beside_its_definition():
    pytest.importorskip("pennylane_lightning")
    lines = speed.simulator([3], 1).splitlines()
    assert "gate by gate ms" in lines[0]
    cells = [float(cell) for cell in re.split(r" {2,}", lines[2])]
    assert cells[0] == 3 and len(cells) == 8 and min(cells) > 0


def test_what_differs_is_not_timed(monkeypatch):
    pytest.importorskip("pennylane_lightning")
    wrong = speed._value(np.ones((4, 2))) + 1e-9
    monkeypatch.setattr(speed, "_value_by_gates", lambda angles: wrong)
    with pytest.raises(ValueError, match="The values on 2 wires differ by"):
        speed.simulator([2], 1)


def test_without_lightning(monkeypatch):
    monkeypatch.setitem(sys.modules, "pennylane", None)
    with pytest.raises(ImportError, match=r'pip install "qlstm\[bench\]"'):
        speed.simulator([2], 1)
