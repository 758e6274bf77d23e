"""`qlstm.processes` in bits: entropies against closed forms and explicit circuits."""

from itertools import pairwise

import dense
import numpy as np
import pytest
from test_processes import CLOCKS, NO_DOUBLE, random_cell, random_process

from qlstm import predict
from qlstm.insight import trace
from qlstm.processes import (
    Process,
    causal_states,
    cell_process,
    clock_cell,
    entropy_rate,
    evenodd_cell,
    evenodd_inputs,
    excess_entropy,
    memory_entropies,
    memory_entropy,
    past_future_information,
    probability_clock,
    probability_clock_cell,
    qubit_clock,
    simulator_entropy,
    square_and_diamond,
    square_and_diamond_cell,
    stationary_state,
    statistical_complexity,
    tetrahedron,
    trine,
    word_probabilities,
)
from qsim.entanglement import entropy


def bits(p):
    """Shannon entropy of an array of probabilities."""
    p = np.ravel(p)[np.ravel(p) > 0]
    return -(p * np.log2(p)).sum()


# Exact cells


def assert_writes(cell, process, length):
    """A cell writes a process: every word, from the stationary memory."""
    found = word_probabilities(cell_process(*cell), length)
    np.testing.assert_allclose(
        found, word_probabilities(process, length), rtol=0, atol=1e-14
    )


def test_a_cell_of_two_and_one_wires_is_square_and_diamond():
    cell = square_and_diamond_cell()
    assert (cell.config.n_system, cell.config.n_ancilla) == (2, 1)
    assert cell.config.rotation == "RY"
    assert_writes(cell, square_and_diamond(), 7)


@pytest.mark.parametrize("s, alpha", [*CLOCKS, (0.05, -2.0), (0.99, 7.0)])
def test_four_angles_are_a_clock(s, alpha):
    cell = clock_cell(s, alpha)
    assert cell.params.entangler.size + cell.params.disentangler.size == 4
    assert_writes(cell, qubit_clock(s, alpha), 12)


@pytest.mark.parametrize("s, alpha", [(0.6, 0.6), (0.3, 2.0)])
def test_and_the_published_one(s, alpha):
    assert_writes(probability_clock_cell(s, alpha), probability_clock(s, alpha), 12)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("memory", ["collapse", "sampled", "mixed"])
def test_evenodd_is_certain(k, memory):
    params, config, _ = evenodd_cell(k)
    config = type(config)(**vars(config) | {"memory": memory})
    for multiple in range(10):
        inputs = evenodd_inputs(multiple * 2**k)
        y = predict(params, inputs, config, rng=np.random.default_rng(0))
        assert y[0] == pytest.approx((-1) ** multiple, abs=1e-12)


def test_evenodd_in_between_is_a_turning_qubit():
    params, config, _ = evenodd_cell(3)
    for n in range(17):
        y = predict(params, evenodd_inputs(n), config)[0]
        assert y == pytest.approx(np.cos(n * np.pi / 8), abs=1e-12)


# The ledger across time


def deferred_entropies(u, w, d_s, d_a, n_steps):
    """Every step has a system register of its own, which is kept: no outcome is read.

    The joint state of all of them and the memory, and the memory's entropy.
    """
    psi, found = np.eye(d_a)[:1].astype(complex), []  # (outputs, memory)
    for _ in range(n_steps):
        joint = np.einsum("k,ol->okl", u, psi).reshape(len(psi), -1)
        psi = (joint @ w.T).reshape(-1, d_a)
        probabilities = np.linalg.svd(psi, compute_uv=False) ** 2
        found.append(bits(probabilities))
    return found


@pytest.mark.parametrize("rotation", ["RX", "RY"])
@pytest.mark.parametrize("sizes, n_steps", [((1, 1), 10), ((1, 2), 10), ((2, 1), 8)])
def test_the_memory_s_entropy_is_that_of_the_deferred_circuit(sizes, n_steps, rotation):
    params, config = random_cell(11, *sizes, rotation)
    angles = np.concatenate([params.entangler, params.disentangler[::-1]])
    w = dense.layers_matrix(angles, rotation)
    a = 0.3 * params.proj_weight[0] + params.proj_bias
    dims = config.system_dim, config.ancilla_dim
    expected = deferred_entropies(a / np.linalg.norm(a), w, *dims, n_steps)
    process, first = cell_process(params, config, [0.3]), np.eye(dims[1])[0]
    found = memory_entropies(process, n_steps, first)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_and_that_of_the_mixed_rule():
    params, config = random_cell(12, 2, 2, "RX")
    config = type(config)(**vars(config) | {"memory": "mixed"})
    memories = trace(params, np.full((1, 8, 1), 0.3), config).memory_after[0]
    process = cell_process(params, config, [0.3])
    found = memory_entropies(process, 8, np.eye(4)[0])
    np.testing.assert_allclose(found, entropy(memories), rtol=0, atol=1e-12)


def test_the_clock_s_ledger():
    found = memory_entropies(qubit_clock(4 / 5, np.pi / 6), 200, [1, 0])
    expected = [0.110, 0.511, 0.860, 0.966, 0.916, 0.843]
    np.testing.assert_allclose(found[:6], expected, atol=5e-4)
    assert found[-1] == pytest.approx(0.8709, abs=5e-5)


def test_no_past_tells_more_than_the_memory_s_entropy():
    """1,000 random cells of both rotations, from the first basis state."""
    slack = []
    for seed in range(1000):
        sizes = (1, 1 + seed % 2)
        process = random_process(seed, *sizes, ("RX", "RY")[seed % 3 % 2])
        first = np.eye(process.dim)[0]
        limits = memory_entropies(process, 3, first)
        told = [past_future_information(process, t, 3, first) for t in (1, 2, 3)]
        slack.append(limits - told)
        assert (limits <= sizes[1] + 1e-12).all()
    assert np.min(slack) > -1e-12
    assert np.median(slack) < 0.9  # the bound is not idle


def test_information_is_that_of_the_words():
    process = qubit_clock(0.7, 0.9)
    words = word_probabilities(process, 5).reshape(4, 8)
    expected = bits(words.sum(axis=0)) + bits(words.sum(axis=1)) - bits(words)
    found = past_future_information(process, 2, 3)
    assert found == pytest.approx(expected, abs=1e-13)


# Rates and complexities

INTERVALS = {
    **{f"clock {s:g} {a:.3g}": qubit_clock(s, a) for s, a in CLOCKS},
    "published": probability_clock(),
}


def interval_distribution(process, top=400):
    """Probability that the next click comes n steps after one, n = 1, 2, ..."""
    silence, click = process.kraus
    memory = np.linalg.svd(click)[0][:, 0]
    found = []
    for _ in range(top):
        found.append(np.linalg.norm(click @ memory) ** 2)
        memory = silence @ memory
    return np.array(found)


@pytest.mark.parametrize("process", INTERVALS.values(), ids=INTERVALS)
def test_a_clock_s_rate_is_that_of_its_intervals(process):
    """Intervals are independent: h = H(interval) / E(interval)."""
    p = interval_distribution(process)
    mean = p @ np.arange(1, len(p) + 1)
    value, error = entropy_rate(process, 80)
    assert error < 1e-7
    assert value == pytest.approx(bits(p) / mean, abs=error + 1e-11)


@pytest.mark.parametrize("process", INTERVALS.values(), ids=INTERVALS)
def test_a_clock_s_excess_entropy_is_that_of_since_and_until(process):
    """Steps since the last click and until the next: P(n, m) = p(n + m) / mean."""
    p = interval_distribution(process)
    mean = p @ np.arange(1, len(p) + 1)
    n, m = np.ogrid[: len(p), : len(p)]
    joint = np.where(n + m < len(p), p[np.minimum(n + m, len(p) - 1)], 0) / mean
    expected = bits(joint.sum(axis=0)) + bits(joint.sum(axis=1)) - bits(joint)
    value, error = excess_entropy(process, 60)
    assert error < 1e-5
    assert value == pytest.approx(expected, abs=error + 1e-10)


@pytest.mark.parametrize("process", INTERVALS.values(), ids=INTERVALS)
def test_a_clock_s_complexity_is_that_of_the_time_since_a_click(process):
    p = interval_distribution(process)
    since = p[::-1].cumsum()[::-1]
    expected = bits(since / since.sum())
    assert statistical_complexity(process) == pytest.approx(expected, abs=1e-10)
    # the q-simulator: |s_n> = sum_m sqrt(P(m | n)) |m>, m the steps until the click
    states = np.zeros((200, 200))
    for k in range(200):
        states[k, : 200 - k] = np.sqrt(p[k:200] / since[k])
    rho = (states * (since[:200] / since.sum())[:, None]).T @ states
    expected = bits(np.linalg.eigvalsh(rho).clip(0))
    assert simulator_entropy(process) == pytest.approx(expected, abs=1e-9)


TABLE = {
    "square and diamond": (square_and_diamond(), 1.5, 0.5, 1.0, 1.2018, 2.0),
    "clock 4/5 pi/6": (
        qubit_clock(4 / 5, np.pi / 6),
        0.66285,
        None,
        0.8709,
        0.822,
        3.540,
    ),
    "clock .8 .5": (qubit_clock(0.8, 0.5), 0.66077, None, 0.861, None, 3.536),
    "clock .7 .9": (qubit_clock(0.7, 0.9), 0.83415, None, 0.865, None, 2.861),
    "published": (probability_clock(), 0.83771, None, 0.834, None, 2.395),
}


@pytest.mark.parametrize(
    "process, rate, excess, memory, simulator, complexity", TABLE.values(), ids=TABLE
)
def test_the_numbers_of_the_page(process, rate, excess, memory, simulator, complexity):
    assert entropy_rate(process, 80).value == pytest.approx(rate, abs=5.1e-6)
    if excess is not None:
        assert excess_entropy(process, 2).value == pytest.approx(excess, abs=1e-10)
    assert memory_entropy(process) == pytest.approx(memory, abs=5.1e-4)
    if simulator is not None:
        assert simulator_entropy(process) == pytest.approx(simulator, abs=5.1e-4)
    assert statistical_complexity(process) == pytest.approx(complexity, abs=5.1e-4)


@pytest.mark.parametrize("seed", range(12))
def test_both_bounds_hold_and_close_in(seed):
    """Of random cells: a longer word's interval lies within a shorter one's."""
    process = random_process(seed, 1 + seed % 2, 1, ("RY", "RX")[seed % 2])
    for measure, lengths in ((entropy_rate, (1, 3, 6)), (excess_entropy, (1, 2, 4))):
        ends = [
            (value - error, value + error)
            for value, error in (measure(process, n) for n in lengths)
        ]
        for (low, high), (inner_low, inner_high) in pairwise(ends):
            assert low <= inner_low + 1e-10
            assert inner_high <= high + 1e-10


def test_the_rate_s_upper_bound_is_that_of_blocks():
    process = random_process(3, 1, 2, "RX")
    block = [bits(word_probabilities(process, n)) for n in (5, 6)]
    value, error = entropy_rate(process, 6)
    assert value + error == pytest.approx(block[1] - block[0], abs=1e-9)


@pytest.mark.parametrize("process, n", [(square_and_diamond(), 4), (trine(), 3)])
def test_symbols_are_causal_states(process, n):
    emit, _, weights, blurred = causal_states(process)
    assert blurred == 0
    assert emit.shape == (n, process.n_symbols)
    np.testing.assert_allclose(weights, 1 / n, atol=1e-14)
    assert statistical_complexity(process) == pytest.approx(np.log2(n), abs=1e-12)


@pytest.mark.parametrize("s, alpha", [(0.8, 0.1), (0.7, 0.9)])
def test_a_coin_beside_a_clock_is_no_memory(s, alpha):
    """Each path is rarer with a coin, but the states and their weights are the same."""
    clock = qubit_clock(s, alpha)
    both = Process(np.repeat(clock.kraus, 2, axis=0) / np.sqrt(2))
    for measure in (statistical_complexity, simulator_entropy):
        assert measure(both) == pytest.approx(measure(clock), abs=1e-9)


def test_excess_lies_below_both_memories():
    for process in (*INTERVALS.values(), square_and_diamond(), tetrahedron()):
        excess, error = excess_entropy(process, 40 if process.n_symbols == 2 else 3)
        assert excess - error <= simulator_entropy(process) + 1e-9
        assert excess - error <= memory_entropy(process) + 1e-9
        assert simulator_entropy(process) <= statistical_complexity(process) + 1e-9


@pytest.mark.parametrize("s, alpha", [(0.5, 0.05), (0.8, 0.05), (0.3, 0.3)])
def test_an_overdamped_clock_has_states_that_come_together(s, alpha):
    """All ages differ, but less and less: they have too many bits to be counted."""
    clock = qubit_clock(s, alpha)
    assert causal_states(clock).blurred > 0.01
    with pytest.raises(ValueError, match="can be told apart") as caught:
        statistical_complexity(clock)
    assert "\n" not in str(caught.value)
    excess, error = excess_entropy(clock, 60)
    assert excess - error <= simulator_entropy(clock) <= 1


@pytest.mark.parametrize("alpha", [0.0, np.pi])
def test_a_clock_that_never_clicks_has_one_state(alpha):
    clock = qubit_clock(0.8, alpha)
    assert statistical_complexity(clock) == simulator_entropy(clock) == 0


def test_a_simulator_whose_states_slowly_turn_out_different():
    """Two states that symbols show; their overlap solves c = (1 - 1.5e) c: it is 0."""
    e = 1e-6
    stay = np.diag([np.sqrt(1 - e), np.sqrt(1 - 2 * e)])
    change = np.sqrt([[0, 2 * e], [e, 0]])
    kraus = [stay * [1, 0], stay * [0, 1], change * [1, 0], change * [0, 1]]
    shown = Process(np.array(kraus))
    entropy_of_two = -np.array([1, 2]) @ np.log2([1 / 3, 2 / 3]) / 3
    assert simulator_entropy(shown) == pytest.approx(entropy_of_two, abs=1e-9)


@pytest.mark.parametrize("e, f", [(1.1e-9, 3.7e-9), (1e-6, 3e-6), (0.1, 0.3)])
def test_a_slow_memory_has_a_larger_error(e, f):
    """Two states that symbols show, left with probability e and f."""
    step = np.array([[1 - e, f], [e, 1 - f]])  # from column to row
    kraus = np.zeros((2, 2, 2, 2))
    for a, b in np.ndindex(2, 2):
        kraus[a, b, a, b] = np.sqrt(step[a, b])
    weights = np.array([f, e]) / (e + f)
    value, error = excess_entropy(Process(kraus.reshape(4, 2, 2)), 3)
    true = -weights @ np.log2(weights)  # a symbol names the states before and after
    assert abs(value - true) <= error < 1e-6


# What is wrong, in one line


def test_states_that_do_not_close():
    with pytest.raises(ValueError, match="causal states that close") as caught:
        statistical_complexity(random_process(5, 1, 1))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "use, message",
    [
        (lambda p: word_probabilities(p, 21), r"there are 2\*\*21\."),
        (lambda p: word_probabilities(p, 10**9), "words, but there are"),
        (lambda _: word_probabilities(Process([[[1]]]), 65), "must be at most 64"),
        (lambda p: past_future_information(p, 15, 15), "words, but there are"),
        (lambda p: entropy_rate(p, 0), "must be"),
        (lambda p: entropy_rate(random_process(1, 2, 1), 12), "memories, but is 12"),
        (lambda p: memory_entropies(p, 3, [1, 1]), "must have norm 1"),
    ],
)
def test_words_too_many(use, message):
    with pytest.raises(ValueError, match=message) as caught:
        use(NO_DOUBLE)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_two_stationary_memories():
    with pytest.raises(
        ValueError, match="one stationary memory, but its channel has 4"
    ):
        stationary_state(Process(np.eye(2)[None]))


@pytest.mark.parametrize(
    "s, alpha", [(1.0, 0.5), (0.0, 0.5), (np.nan, 1), (0.5, np.inf)]
)
def test_clocks_that_are_none(s, alpha):
    for make in (qubit_clock, clock_cell, probability_clock, probability_clock_cell):
        with pytest.raises(ValueError, match="`s`|`alpha`"):
            make(s, alpha)


@pytest.mark.parametrize("k, error", [(0, ValueError), (1.5, TypeError)])
def test_evenodd_of_no_power(k, error):
    with pytest.raises(error, match="`k` must be"):
        evenodd_cell(k)


def test_a_cell_s_input_has_its_features():
    with pytest.raises(ValueError, match=r"`x` must have shape \(1,\), but has \(2,\)"):
        cell_process(*random_cell(1), [0.3, 0.1])
