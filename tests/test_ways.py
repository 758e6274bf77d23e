"""Ways of training one qubit: gradients, starts, what they return."""

import numpy as np
import pytest
from scipy.linalg import polar

from experiments.quantum_memory import ways
from experiments.quantum_memory.learners import cell_config
from qlstm.processes import (
    fit_records,
    qubit_clock,
    record_log_loss,
    sample,
    square_and_diamond,
)

PROCESSES = {"clock": qubit_clock(0.7, 0.9), "square": square_and_diamond()}
OPTIONS = {"n_steps": 30, "word_length": 2}


def records_of(name, n=12, length=9, seed=0):
    """Some records."""
    return sample(PROCESSES[name], n, length, np.random.default_rng(seed))


# -- the free isometry -------------------------------------------------------------


def free_matrix(shape, seed):
    """A complex matrix of normal numbers."""
    return ways.Free(*np.random.default_rng(seed).normal(size=(2, *shape)))


def test_the_polar_factor_is_scipy_s():
    free = free_matrix((6, 2), 6)
    found = ways.polar_factor(free.real + 1j * free.imaginary).factor
    np.testing.assert_allclose(found, polar(free.real + 1j * free.imaginary)[0])


def test_the_free_operators_are_those_of_a_channel():
    kraus = ways.operators(free_matrix((8, 2), 7))[0].kraus
    total = np.einsum("iba,ibc->ac", kraus.conj(), kraus)
    np.testing.assert_allclose(total, np.eye(2), atol=1e-14)


def test_the_polar_factor_does_not_see_a_stretch():
    """``Z -> r Z`` leaves U as it is."""
    rng = np.random.default_rng(8)
    free, grad = rng.normal(size=(2, 6, 2)) + 1j * rng.normal(size=(2, 6, 2))
    back = ways.polar_backward(grad, ways.polar_factor(free))
    assert abs(np.vdot(back, free).real) < 1e-12


@pytest.mark.parametrize("name, d", [("clock", 2), ("square", 2), ("square", 3)])
def test_the_isometry_s_gradient_agrees_with_differences(name, d):
    records = records_of(name)
    n_symbols = PROCESSES[name].n_symbols
    free, way = (free_matrix((n_symbols * d, d), seed) for seed in (1, 2))
    _, grad = ways.isometry_loss(free, records)

    def at(step):
        moved = (x + step * w for x, w in zip(free, way, strict=True))
        return ways.isometry_loss(ways.Free(*moved), records)[0]

    h = 1e-3
    slope = (-at(2 * h) + 8 * at(h) - 8 * at(-h) + at(-2 * h)) / (12 * h)
    found = sum(np.vdot(g, w) for g, w in zip(grad, way, strict=True))
    assert abs(found - slope) < 1e-9


# -- training ----------------------------------------------------------------------


@pytest.mark.parametrize("way", list(ways.WAYS))
def test_the_loss_is_that_of_the_records(way):
    records, config = records_of("clock", n=20), cell_config(PROCESSES["clock"], 1)
    rng = np.random.default_rng(9)
    for one in ways.train(way, records, config, 2, rng, **OPTIONS):
        assert abs(one.log_loss - one.bits(records, 0)) < 1e-9
        halves = [one.bits(part, 2) for part in (records[:10], records[10:])]
        assert abs(np.mean(halves) - one.bits(records, 2)) < 1e-9
        assert one.seconds > 0


@pytest.mark.parametrize("way", list(ways.WAYS))
def test_a_start_does_not_know_how_many_there_are(way):
    records, config = records_of("clock", n=20), cell_config(PROCESSES["clock"], 1)
    losses = [
        [one.log_loss for one in ways.train(way, records, config, n, rng, **OPTIONS)]
        for n, rng in ((1, np.random.default_rng(10)), (2, np.random.default_rng(10)))
    ]
    assert losses[0] == losses[1][:1]


def test_moments_first_is_what_fit_records_does():
    records, config = records_of("clock", n=20), cell_config(PROCESSES["clock"], 1)
    rng = np.random.default_rng(12)
    found = ways.train("moments", records, config, 2, rng, **OPTIONS)
    rng = np.random.default_rng(12)
    fit = fit_records(records, config, n_starts=2, rng=rng, word_length=2)
    assert [one.log_loss for one in found] == fit.log_losses.tolist()


def test_adam_lowers_the_loss_of_the_circuit():
    records, config = records_of("square", n=30), cell_config(PROCESSES["square"], 1)
    rng = np.random.default_rng(13).spawn(1)[0]
    first = ways.circuit_start(config, rng)
    (found,) = ways.train(
        "adam", records, config, 1, np.random.default_rng(13), **OPTIONS
    )
    before = record_log_loss(first, config, records, start="stationary")
    assert found.log_loss < before - 0.05


def test_adam_lowers_the_loss_of_the_isometry():
    records, config = records_of("square", n=30), cell_config(PROCESSES["square"], 1)
    rng = np.random.default_rng(13).spawn(1)[0]
    first = ways.Free(*rng.normal(size=(2, 8, 2)))
    (found,) = ways.train(
        "isometry", records, config, 1, np.random.default_rng(13), **OPTIONS
    )
    assert found.log_loss < ways.isometry_loss(first, records)[0] - 0.05


def test_adam_of_one_step_goes_down_its_rate():
    """The first step has the length of the rate in every number."""
    config = cell_config(PROCESSES["clock"], 1)
    start = ways.circuit_start(config, np.random.default_rng(0))
    ones = type(start)(*(np.ones_like(array) for array in start))
    (found,) = [ways.adam(lambda params: (0.0, ones), start, 1)]
    for before, after in zip(start, found, strict=True):
        np.testing.assert_allclose(before - after, ways.RATE, rtol=1e-6)
