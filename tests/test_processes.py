"""`qlstm.processes`: what processes write, against products and circuits of their own."""

from itertools import product

import dense
import numpy as np
import pytest
from scipy import stats

from qlstm import QLSTMConfig, init_params
from qlstm.insight import trace
from qlstm.processes import (
    Machine,
    Process,
    cell_process,
    check_process,
    classical_memory_bound,
    clock_cell,
    log_likelihood,
    machine_word_probabilities,
    memory_rank,
    probability_clock,
    qubit_clock,
    sample,
    square_and_diamond,
    square_and_diamond_cell,
    stationary_state,
    tetrahedron,
    trine,
    word_matrix,
    word_probabilities,
)
from qlstm.processes.baum_welch import WordCounts, baum_welch, random_machines

CLOCKS = [(0.8, 0.5), (0.7, 0.9), (4 / 5, np.pi / 6)]


def random_cell(seed, n_system=1, n_ancilla=1, rotation="RY", **options):
    """Parameters with angles all around, a configuration, and a constant input."""
    rng = np.random.default_rng([7, seed])
    config = QLSTMConfig(
        1, n_system, n_ancilla, rotation=rotation, memory="sampled", **options
    )
    params = init_params(config, rng)
    angles = (rng.uniform(-np.pi, np.pi, a.shape) for a in params[2:4])
    return params._replace(
        **dict(zip(params._fields[2:4], angles, strict=True))
    ), config


def random_process(*args, **options):
    return cell_process(*random_cell(*args, **options), [0.3])


PROCESSES = {
    "square and diamond": square_and_diamond(),
    "its cell": cell_process(*square_and_diamond_cell()),
    "trine": trine(),
    "tetrahedron": tetrahedron(),
    "published clock": probability_clock(),
    **{f"clock {s:g} {a:.3g}": qubit_clock(s, a) for s, a in CLOCKS},
    **{f"cell of {s:g} {a:.3g}": cell_process(*clock_cell(s, a)) for s, a in CLOCKS},
    "RX 1+2": random_process(1, 1, 2, "RX"),
    "RX 2+1, angles in": random_process(2, 2, 1, "RX", encoding="angle"),
    "RY 2+2, inverse": random_process(3, 2, 2, disentangler="inverse"),
}
every_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)


def long_hand(process, word, start):
    """``tr K_w rho K_w^dag``, a product for each word."""
    operator = np.eye(process.dim)
    for symbol in word:
        operator = process.kraus[symbol] @ operator
    return np.trace(operator @ start @ operator.conj().T).real


def stationary_by_powers(process):
    """A mean over a million steps, by squaring the channel's matrix."""
    kraus = process.kraus
    step = sum(np.kron(k, k.conj()) for k in kraus)
    mean = np.eye(len(step))
    for _ in range(20):  # mean over 2^k steps
        mean = (mean + mean @ step) / 2
        step = step @ step
    first = np.zeros((process.dim, process.dim))
    first[0, 0] = 1
    return (mean @ first.ravel()).reshape(first.shape)


@every_process
def test_words_have_the_probability_of_their_product(process):
    length = {2: 8, 3: 5, 4: 4}[process.n_symbols]
    vector = np.linalg.qr(dense.random_matrix(np.random.default_rng(0), process.dim))[0]
    pure = vector[:, 0]
    for start, rho in (
        (None, stationary_state(process)),
        (pure, np.outer(pure, pure.conj())),
        (np.eye(process.dim) / process.dim, np.eye(process.dim) / process.dim),
    ):
        found = word_probabilities(process, length, start)
        words = list(product(range(process.n_symbols), repeat=length))
        expected = [long_hand(process, word, rho) for word in words]
        np.testing.assert_allclose(found.ravel(), expected, rtol=0, atol=1e-14)
        assert found.sum() == pytest.approx(1, abs=1e-12)
        matrix = word_matrix(process, 1, length - 1, start)
        np.testing.assert_allclose(matrix.ravel(), expected, rtol=0, atol=1e-14)


@every_process
def test_the_stationary_memory_stays(process):
    sigma = stationary_state(process)
    after = sum(k @ sigma @ k.conj().T for k in process.kraus)
    np.testing.assert_allclose(after, sigma, rtol=0, atol=1e-14)
    np.testing.assert_allclose(sigma, stationary_by_powers(process), rtol=0, atol=1e-5)


@pytest.mark.parametrize("rotation", ["RX", "RY"])
@pytest.mark.parametrize(
    "options",
    [{}, {"encoding": "angle"}, {"disentangler": "inverse"}, {"cut": "separate"}],
    ids=str,
)
def test_a_cell_writes_what_it_measures(options, rotation):
    """Records that the trained cell samples, and the probabilities it sees on the way."""
    params, config = random_cell(5, 2, 2, rotation, **options)
    n_steps, rng = 6, np.random.default_rng(1)
    inputs = np.full((20, n_steps, 1), 0.3)
    seen = trace(params, inputs, config, rng)
    process, first = cell_process(params, config, [0.3]), np.eye(4)[0]
    found = log_likelihood(process, seen.outcome, start=first)
    expected = np.log2(seen.record_probability[:, -1]) / n_steps
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rotation", ["RX", "RY"])
def test_a_cell_is_the_paper_s_circuit(rotation):
    params, config = random_cell(6, 2, 1, rotation)
    angles = np.concatenate([params.entangler, params.disentangler[::-1]])
    w = dense.layers_matrix(angles, rotation)
    a = 0.3 * params.proj_weight[0] + params.proj_bias
    u = a / np.linalg.norm(a)
    expected = np.einsum("ijkl,k->ijl", w.reshape(4, 2, 4, 2), u)
    found = cell_process(params, config, [0.3]).kraus
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


def next_symbols(process):
    """``P(j | i)`` of the stationary process."""
    both = word_probabilities(process, 2)
    return both / both.sum(axis=1, keepdims=True)


def test_processes_in_closed_form():
    same, other = np.eye(4), 1 - np.eye(4)
    opposite = np.eye(4)[[1, 0, 3, 2]]
    square = same / 2 + (other - opposite) / 4
    np.testing.assert_allclose(next_symbols(square_and_diamond()), square, atol=1e-14)
    np.testing.assert_allclose(
        next_symbols(tetrahedron()), same / 2 + other / 6, atol=1e-14
    )
    three = np.eye(3) * 2 / 3 + (1 - np.eye(3)) / 6
    np.testing.assert_allclose(next_symbols(trine()), three, atol=1e-14)


@pytest.mark.parametrize("s, alpha", CLOCKS)
def test_the_clock_s_silence_is_a_turning_phase(s, alpha):
    """``Phi(n) = s^n (a + b cos(n theta + phi))``: three values fix it."""
    click, n = np.array([1.0, 0.0]), np.arange(18)
    silence = [
        word_probabilities(qubit_clock(s, alpha), k, click).ravel()[0] if k else 1.0
        for k in n
    ]
    theta = np.arccos((1 + s) ** 2 * np.cos(alpha) ** 2 / (2 * s) - 1)
    columns = np.stack([np.ones(18), np.cos(n * theta), np.sin(n * theta)], axis=1)
    scaled = silence / s**n
    fitted = columns @ np.linalg.solve(columns[:3], scaled[:3])
    np.testing.assert_allclose(fitted, scaled, rtol=0, atol=1e-11)


RANKS = {("RY", 1): 3, ("RY", 2): 10, ("RY", 3): 36, ("RX", 2): 16, ("RX", 3): 64}


@pytest.mark.parametrize("rotation, n_ancilla", RANKS)
def test_the_rank_counts_real_or_complex_matrices(rotation, n_ancilla):
    process = random_process(8, 2, n_ancilla, rotation)
    assert memory_rank(process) == RANKS[rotation, n_ancilla]
    if n_ancilla < 3:
        singular = np.linalg.svd(word_matrix(process, 4, 4), compute_uv=False)
        rank = (singular > 1e-13 * singular[0]).sum()
        assert rank == RANKS[rotation, n_ancilla]


def test_rx_on_two_wires_keeps_the_memory_s_x():
    """Two memories stay, so from |0> it writes a mixture, of rank 2."""
    process = random_process(9, 1, 1, "RX")
    with pytest.raises(ValueError, match="has 2 independent fixed points"):
        stationary_state(process)
    matrix = word_matrix(process, 3, 3, start=[1, 0])
    assert np.linalg.matrix_rank(matrix, tol=1e-13) == 2


def test_other_ranks():
    assert memory_rank(random_process(9, 2, 1, "RX")) == 4
    assert memory_rank(Process(np.ones((1, 1, 1)))) == 1


def turned(process, rng):
    """The same process in another basis of its memory."""
    numbers = rng.normal(size=(2, process.dim, process.dim))
    basis, _ = np.linalg.qr(numbers[0] + 1j * numbers[1])
    return Process(basis @ process.kraus @ basis.conj().T)


@pytest.mark.parametrize("s, alpha", [(0.8, 3e-3), (0.8, 2e-4), (0.8, 0.5)])
def test_rounding_adds_nothing_to_the_rank(s, alpha):
    """A clock with a coin on a second wire, which has the clock's rank, 3."""
    clock, coin = qubit_clock(s, alpha), np.array([0.6, 0.8])
    reset = coin[:, None] * np.eye(2)[:, None, :]
    both = Process(np.concatenate([np.kron(k, reset) for k in clock.kraus]))
    ranks = [memory_rank(clock), memory_rank(both)]
    ranks += [memory_rank(turned(both, np.random.default_rng(k))) for k in range(5)]
    assert max(ranks) <= 3
    if alpha > 1e-3:
        assert min(ranks) == 3
    assert memory_rank(qubit_clock(1 - 1e-9, alpha)) <= 3


@every_process
def test_a_rank_does_not_depend_on_the_basis(process):
    for seed in range(3):
        other = turned(process, np.random.default_rng(seed))
        assert memory_rank(other) == memory_rank(process)


def test_a_bound_that_is_rounding_is_0():
    """As many states as the rank can be: whatever is left of the sum is rounding."""
    wide = [(tetrahedron(), 4, 8), (square_and_diamond(), 3, 8)]
    wide += [(random_process(k), 3, 9) for k in range(40)]
    wide += [(random_process(k, 2, 1, "RX"), 4, 5) for k in range(40)]
    assert not any(classical_memory_bound(*each).tv for each in wide)


@pytest.mark.parametrize(
    "n_states, length, tv, excess",
    [(1, 2, 0.125, 0.02254), (2, 2, 0.0625, 0.00564), (4, 2, 0.0, 0.0)],
)
def test_certificates_of_square_and_diamond(n_states, length, tv, excess):
    bound = classical_memory_bound(square_and_diamond(), n_states, length)
    assert bound.tv == pytest.approx(tv, abs=1e-15)
    assert bound.excess_log_loss == pytest.approx(excess, abs=5e-6)
    assert bound.excess_log_loss == pytest.approx(tv**2 / np.log(2), abs=1e-15)
    np.testing.assert_allclose(
        bound.singular_values, [0.25, 0.125, 0.125, 0], atol=1e-15
    )


def test_certificates_are_those_of_the_best_split():
    process = qubit_clock(4 / 5, np.pi / 6)
    bound = classical_memory_bound(process, 2, 7)
    tails = [
        np.linalg.svd(word_matrix(process, k, 7 - k), compute_uv=False)[2:].sum()
        for k in range(1, 7)
    ]
    assert bound.tv == pytest.approx(max(tails) / 2, abs=1e-15)
    assert (bound.past, bound.future) == (np.argmax(tails) + 1, 6 - np.argmax(tails))
    assert classical_memory_bound(process, 3, 7).tv == 0  # the rank is 3


def fitted_words(words, n_states, n_starts=6):
    """What the best machine of so many starts writes, for each of the processes."""
    first = random_machines(
        np.random.default_rng(n_states), len(words) * n_starts, 2, n_states
    )
    data = WordCounts(np.repeat(words, n_starts, axis=0))
    start, edges, bits, _ = baum_welch(data, *first, 1e-9, 200)
    best = np.arange(len(words)) * n_starts
    best += bits.reshape(len(words), n_starts).argmax(axis=1)
    return np.array(
        [
            machine_word_probabilities(Machine(start[n], edges[n]), words.ndim - 1)
            for n in best
        ]
    )


def test_no_fitted_machine_beats_the_certificate():
    """200 random cells, words of four symbols, machines of one and two states."""
    processes = [random_process(seed, 1, 1) for seed in range(200)]
    words = np.array([word_probabilities(p, 4) for p in processes])
    for n_states in (1, 2):
        bounds = [classical_memory_bound(p, n_states, 4) for p in processes]
        fitted = fitted_words(words, n_states)
        tv = np.abs(fitted - words).sum(axis=(1, 2, 3, 4)) / 2
        excess = (
            stats.entropy(
                words.reshape(200, -1), fitted.reshape(200, -1), base=2, axis=1
            )
            / 4
        )
        gap_tv = tv - [b.tv for b in bounds]
        gap = excess - [b.excess_log_loss for b in bounds]
        assert gap_tv.min() > -1e-12
        assert gap.min() > -1e-12
        assert max(b.tv for b in bounds) > 0.01  # there is something to beat


@pytest.mark.parametrize("n_states", [3, 4])
def test_a_machine_of_as_many_states_has_no_bound_above_its_gap(n_states):
    """Words that a machine wrote itself: the certificate must be silent."""
    first = random_machines(np.random.default_rng(n_states), 1, 2, n_states)
    words = machine_word_probabilities(Machine(*(array[0] for array in first)), 6)
    matrix = words.reshape(8, 8)
    singular = np.linalg.svd(matrix, compute_uv=False)
    assert singular[n_states:].sum() < 1e-14 < singular[n_states - 1]


def test_samples_follow_the_words():
    for process in (square_and_diamond(), qubit_clock(0.7, 0.9), tetrahedron()):
        record = sample(process, 20_000, 3, np.random.default_rng(2))
        shape = (process.n_symbols,) * 3
        counts = np.bincount(np.ravel_multi_index(record.T, shape), minlength=0)
        expected = word_probabilities(process, 3).ravel() * len(record)
        counts = np.pad(counts, (0, len(expected) - len(counts)))
        possible = expected > 1e-9
        assert counts[~possible].sum() == 0
        found = stats.chisquare(counts[possible], expected[possible])
        assert found.pvalue > 1e-3


@every_process
def test_samples_do_not_depend_on_the_basis(process):
    """Nor on which eigenvectors a library returns for the stationary memory."""
    other = turned(process, np.random.default_rng(8))
    drawn = [sample(p, 50, 12, np.random.default_rng(9)) for p in (process, other)]
    np.testing.assert_array_equal(*drawn)


def test_samples_start_where_they_are_told_and_repeat():
    process = square_and_diamond()
    draws = [
        sample(process, 500, 4, np.random.default_rng(3), start=[1, 0])
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*draws)
    assert set(draws[0][:, 0]) == {0, 2, 3}  # |1> never comes first


@every_process
def test_likelihood_is_that_of_the_words(process):
    record = sample(process, 6, 5, np.random.default_rng(4))
    words = word_probabilities(process, 5)
    heads = word_probabilities(process, 2)
    found = log_likelihood(process, record)
    p = np.array([words[tuple(r)] for r in record])
    np.testing.assert_allclose(found, np.log2(p) / 5, rtol=0, atol=1e-11)
    head = np.array([heads[tuple(r[:2])] for r in record])
    found = log_likelihood(process, record, skip=2)
    np.testing.assert_allclose(found, np.log2(p / head) / 3, rtol=0, atol=1e-11)


@pytest.mark.parametrize("seed", range(20))
def test_what_a_pure_memory_never_writes(seed):
    """The stationary memory is the first state, which writes 0 for ever."""
    stuck = Process(np.array([[[1.0, 0], [0, 0]], [[0, 1], [0, 0]]]))
    process = turned(stuck, np.random.default_rng(seed))
    with pytest.raises(ValueError, match="symbol 1 of record 0 has probability 0"):
        log_likelihood(process, [[1, 0]])


def test_a_start_is_scaled_to_norm_1():
    long = [1 + 4e-7, 0]
    words = word_probabilities(square_and_diamond(), 3, long)
    assert words.sum() == pytest.approx(1, abs=1e-14)
    stays = Process(np.eye(2)[None])
    assert log_likelihood(stays, [[0, 0]], long) == pytest.approx(0, abs=1e-14)


def test_a_long_record_does_not_underflow():
    process = qubit_clock(0.8, 0.5)
    record = sample(process, 3, 5000, np.random.default_rng(5))
    assert log_likelihood(process, record) == pytest.approx(-0.66077, abs=0.03)


# What is wrong, in one line

CLOCK = qubit_clock(0.8, 0.5)
NO_DOUBLE = Process(
    np.array([[[1, 0], [1, 0]], [[0, np.sqrt(2)], [0, 0]]]) / np.sqrt(2)
)
"""A click leaves |0>, and |0> never clicks."""
WRONG = [
    (lambda: Process(CLOCK.kraus * 1.001), "must be trace-preserving, but"),
    (lambda: Process(CLOCK.kraus[:, :1]), "must have shape"),
    (lambda: Process(np.zeros((0, 2, 2))), "must have shape"),
    (lambda: Process(CLOCK.kraus * np.nan), "process.kraus"),
]


@pytest.mark.parametrize("make, message", WRONG)
@pytest.mark.parametrize(
    "use",
    [
        check_process,
        stationary_state,
        memory_rank,
        lambda p: word_probabilities(p, 2),
        lambda p: classical_memory_bound(p, 1, 2),
        lambda p: sample(p, 1, 1, np.random.default_rng(0)),
        lambda p: log_likelihood(p, [[0]]),
    ],
)
def test_what_is_no_process(use, make, message):
    with pytest.raises(ValueError, match=message) as caught:
        use(make())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [CLOCK.kraus, "clock", None])
def test_an_array_is_no_process(value):
    with pytest.raises(TypeError, match="must be a Process"):
        check_process(value)


@pytest.mark.parametrize(
    "records, options, error, message",
    [
        ([[0, 2]], {}, ValueError, "record 0 has 2 at place 1"),
        ([[0, 1], [-1, 0]], {}, ValueError, "record 1 has -1 at place 0"),
        ([[1, 0]], {"start": [1, 0]}, ValueError, "symbol 1 of record 0.* at place 0"),
        ([[0, 1], [1, 1]], {}, ValueError, "symbol 1 of record 1 .* 0 at place 1"),
        ([[0.5, 1]], {}, TypeError, "must be integers"),
        ([0, 1], {}, ValueError, "must have shape"),
        ([[0, 1]], {"skip": 2}, ValueError, "`skip` must lie in 0..1"),
        ([[0, 1]], {"skip": 0.5}, TypeError, "`skip` must be an integer"),
        ([[0, 1]], {"start": [1, 1]}, ValueError, "`start` must have norm 1"),
        ([[0, 1]], {"start": [1, 0, 0]}, ValueError, "`start` must be a vector"),
        ([[0, 1]], {"start": np.diag([2, -1])}, ValueError, "start"),
    ],
)
def test_records_that_cannot_be(records, options, error, message):
    with pytest.raises(error, match=message) as caught:
        log_likelihood(NO_DOUBLE, records, **options)
    assert "\n" not in str(caught.value)
