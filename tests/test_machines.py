"""Machines against sums over all paths, their fit against closed forms, and networks."""

from itertools import permutations, product

import numpy as np
import pytest
from checker import relative_error

from qlstm.forecasting.baselines import fit_network
from qlstm.forecasting.baselines.networks import init_recurrent
from qlstm.forecasting.baselines.symbols import (
    CELLS,
    SymbolNetwork,
    one_hot_before,
    symbol_loss_and_grad,
)
from qlstm.forecasting.examples import Layout
from qlstm.processes import (
    Machine,
    check_machine,
    entropy_rate,
    fit_machine,
    fit_machine_to_words,
    log_likelihood,
    machine_excess,
    machine_log_likelihood,
    machine_word_probabilities,
    qubit_clock,
    sample,
    square_and_diamond,
    stationary_start,
    word_probabilities,
)
from qlstm.processes.baum_welch import (
    RecordCounts,
    WordCounts,
    baum_welch,
    maximize,
    random_machines,
)

CLOCK = qubit_clock(4 / 5, np.pi / 6)


def random_machine(seed, n_symbols=2, n_states=3):
    """One machine of random numbers."""
    start, edges = random_machines(np.random.default_rng(seed), 1, n_symbols, n_states)
    return Machine(start[0], edges[0])


def over_all_paths(machine, word):
    """The sum over all sequences of states, one by one."""
    total = 0.0
    for path in product(range(machine.n_states), repeat=len(word) + 1):
        p = machine.start[path[0]]
        for t, symbol in enumerate(word):
            p *= machine.edges[symbol, path[t], path[t + 1]]
        total += p
    return total


def counts_over_all_paths(machine, words, weights):
    """How often each first state and each edge is used, given the words."""
    first, edges = np.zeros(machine.start.shape), np.zeros(machine.edges.shape)
    for word, weight in zip(words, weights, strict=True):
        for path in product(range(machine.n_states), repeat=len(word) + 1):
            steps = list(zip(word, path, path[1:], strict=False))
            p = machine.start[path[0]] * np.prod([machine.edges[s] for s in steps])
            share = weight * p / over_all_paths(machine, word)
            first[path[0]] += share
            for step in steps:
                edges[step] += share
    return first, edges


def stacked(machine):
    """A machine as one of many."""
    return machine.start[None], machine.edges[None]


ONE = np.array([0])


@pytest.mark.parametrize("n_symbols, n_states, length", [(2, 3, 5), (4, 2, 3)])
def test_words_and_records_are_sums_over_paths(n_symbols, n_states, length):
    machine = random_machine(0, n_symbols, n_states)
    words = np.array(list(product(range(n_symbols), repeat=length)))
    expected = np.array([over_all_paths(machine, word) for word in words])
    found = machine_word_probabilities(machine, length)
    assert found.shape == (n_symbols,) * length
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-13)
    bits = machine_log_likelihood(machine, words)
    np.testing.assert_allclose(bits, np.log2(expected) / length, rtol=1e-13)
    heard = machine_word_probabilities(machine, 2).ravel()
    given = np.log2(expected / np.repeat(heard, n_symbols ** (length - 2)))
    bits = machine_log_likelihood(machine, words, skip=2)
    np.testing.assert_allclose(bits, given / (length - 2), rtol=1e-12)


@pytest.mark.parametrize("length", [1, 3, 4, 5])
@pytest.mark.parametrize("n_symbols", [2, 3])
def test_expected_counts_are_sums_over_paths(n_symbols, length):
    """Records in blocks of two symbols, with a rest or without; words in halves."""
    rng = np.random.default_rng(length)
    machine = random_machine(1, n_symbols, 2)
    records = rng.integers(0, n_symbols, (6, length))
    records[1] = records[0]
    data = RecordCounts(records, n_symbols, most=n_symbols**2)
    value, *grads = data.gradient(*stacked(machine), ONE)
    assert value[0] / np.log(2) == pytest.approx(
        machine_log_likelihood(machine, records).mean(), rel=1e-13
    )
    expected = counts_over_all_paths(machine, records, np.full(6, 1 / records.size))
    for array, grad, counts in zip(machine, grads, expected, strict=True):
        np.testing.assert_allclose(array * grad[0], counts, rtol=1e-12, atol=1e-16)
    if length > 4:
        return
    words = np.array(list(product(range(n_symbols), repeat=length)))
    weights = rng.dirichlet(np.ones(len(words)))
    weights = np.where(np.arange(len(words)) == 1, 0, weights)  # one is never seen
    data = WordCounts(weights.reshape(1, *(n_symbols,) * length))
    value, *grads = data.gradient(*stacked(machine), ONE)
    bits = machine_log_likelihood(machine, words)
    assert value[0] / np.log(2) == pytest.approx(weights @ bits, rel=1e-13)
    expected = counts_over_all_paths(machine, words, weights / length)
    for array, grad, counts in zip(machine, grads, expected, strict=True):
        np.testing.assert_allclose(array * grad[0], counts, rtol=1e-12, atol=1e-16)


def test_records_and_their_words_give_the_same_fit():
    """All words of 6 symbols, each as often as 4,096 drawn records have it."""
    records = sample(CLOCK, 4096, 6, np.random.default_rng(0))
    counts = np.zeros((2,) * 6)
    np.add.at(counts, tuple(records.T), 1 / len(records))
    options = {"n_starts": 3, "max_iterations": 60}
    by_records = fit_machine(records, 2, 3, rng=np.random.default_rng(1), **options)
    by_words = fit_machine_to_words(counts, 3, rng=np.random.default_rng(1), **options)
    np.testing.assert_allclose(by_records.log_losses, by_words.log_losses, atol=1e-9)
    some = fit_machine(records, 2, 3, rng=np.random.default_rng(1), **options)
    np.testing.assert_array_equal(some.machine.edges, by_records.machine.edges)


@pytest.mark.parametrize("kind", ["records", "words"])
def test_the_likelihood_never_falls(kind):
    """Plain steps one by one, and the longer ones after each number of iterations."""
    records = sample(CLOCK, 40, 12, np.random.default_rng(0))
    words = word_probabilities(CLOCK, 5)
    data = RecordCounts(records, 2) if kind == "records" else WordCounts(words[None])
    first = random_machines(np.random.default_rng(1), 5, 2, 3)
    now, plain = first, []
    for _ in range(40):
        value, *grads = data.gradient(*now, np.arange(5))
        plain.append(value)
        now = maximize(*now, *grads)
    assert np.diff(plain, axis=0).min() > -1e-14
    longer = [baum_welch(data, *first, 0.0, n)[2] for n in range(1, 41)]
    assert np.diff(longer, axis=0).min() >= 0
    np.testing.assert_allclose(longer[0], plain[0] / np.log(2), rtol=1e-14)
    assert (longer[-1] > plain[-1] / np.log(2)).all()


def test_starts_do_not_see_each_other():
    """Five at once are five alone, and each one's loss is that of its machine."""
    records = sample(CLOCK, 30, 11, np.random.default_rng(0))
    data = RecordCounts(records, 2)
    first = random_machines(np.random.default_rng(1), 5, 2, 2)
    together = baum_welch(data, *first, 1e-6, 300)
    for n in range(5):
        alone = baum_welch(data, *(a[n : n + 1] for a in first), 1e-6, 300)
        for one, all_ in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], all_[n], rtol=1e-9, atol=1e-12)
    fit = fit_machine(records, 2, 2, n_starts=5, rng=np.random.default_rng(1))
    losses = [-machine_log_likelihood(m, records).mean() for m in fit.machines]
    np.testing.assert_allclose(fit.log_losses, losses, rtol=1e-12)
    assert fit.best == np.argmin(losses) and fit.machine is fit.machines[fit.best]
    for machine in fit.machines:
        check_machine(machine)


def test_a_coin_is_fitted_by_relative_frequencies():
    records = np.random.default_rng(0).integers(0, 3, (50, 7))
    share = np.bincount(records.ravel()) / records.size
    fit = fit_machine(records, 3, 1, n_starts=2, rng=np.random.default_rng(1))
    np.testing.assert_allclose(fit.machine.edges.ravel(), share, atol=1e-12)
    np.testing.assert_allclose(fit.log_losses, -share @ np.log2(share), atol=1e-12)


def test_a_markov_chain_is_fitted_by_relative_frequencies():
    """One state a symbol: zeros stay, and the rest are the counts."""
    records = sample(square_and_diamond(), 60, 9, np.random.default_rng(0))
    before, after = records[:, :-1].ravel(), records[:, 1:].ravel()
    counts = np.zeros((4, 4))
    np.add.at(counts, (before, after), 1)
    share = counts / counts.sum(axis=1, keepdims=True)
    # a fifth state comes before the first symbol; state i has just written i
    start, edges = np.eye(5)[4:], np.zeros((1, 4, 5, 5))
    for i in range(4):
        edges[0, i, :, i] = 1 / 4
    found = baum_welch(RecordCounts(records, 4), start, edges, 1e-12, 50)
    np.testing.assert_allclose(found[1][0].sum(axis=0)[:4, :4], share, atol=1e-12)
    first = np.bincount(records[:, 0], minlength=4) / len(records)
    np.testing.assert_allclose(found[1][0].sum(axis=0)[4, :4], first, atol=1e-12)


def test_names_of_states_do_not_matter():
    machine, records = random_machine(2), sample(CLOCK, 20, 9, np.random.default_rng(3))
    fitted = [
        baum_welch(RecordCounts(records, 2), *stacked(renamed(machine, order)), 0, 15)
        for order in permutations(range(3))
    ]
    plain = Machine(fitted[0][0][0], fitted[0][1][0])
    for order, (start, edges, bits, _) in zip(permutations(range(3)), fitted):
        assert bits[0] == pytest.approx(fitted[0][2][0], rel=1e-13)
        expected = renamed(plain, order)
        np.testing.assert_allclose(start[0], expected.start, atol=1e-10)
        np.testing.assert_allclose(edges[0], expected.edges, atol=1e-10)
    words = machine_word_probabilities(machine, 5)
    other = machine_word_probabilities(renamed(machine, (2, 0, 1)), 5)
    np.testing.assert_allclose(words, other, rtol=1e-13)


def renamed(machine, order):
    """The same machine with its states in another order."""
    order = list(order)
    return Machine(machine.start[order], machine.edges[:, order][:, :, order])


def test_long_records_do_not_underflow():
    records = sample(CLOCK, 2, 10_000, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    fit = fit_machine(records, 2, 2, n_starts=2, rng=rng, max_iterations=20)
    assert np.isfinite(fit.log_losses).all()
    bits = machine_log_likelihood(fit.machine, records).mean()
    assert -bits == pytest.approx(fit.log_losses.min(), rel=1e-12)
    rate = -log_likelihood(CLOCK, records).mean()
    assert 0.03 < fit.log_losses.min() - rate < 0.07  # .0508 in the long run


def test_the_machine_that_wrote_it_is_found():
    """Words of a machine: with as many states the divergence goes to 0."""
    machine = Machine(np.array([0.5, 0.5]), np.zeros((2, 2, 2)))
    machine.edges[0] = [[0.7, 0.1], [0.0, 0.2]]
    machine.edges[1] = [[0.0, 0.2], [0.5, 0.3]]
    words = machine_word_probabilities(machine, 8)
    entropy = -(words * np.log2(words)).sum() / 8
    rng = np.random.default_rng(0)
    fit = fit_machine_to_words(words, 2, rng=rng, tolerance=1e-11)
    assert 0 <= fit.log_losses.min() - entropy + 1e-14 < 1e-6


def test_square_and_diamond_needs_four_states():
    """Excess of the best machines in the long run, docs/quantum_memory.md, section 5."""
    words = word_probabilities(square_and_diamond(), 4)
    for n_states, excess in ((1, 0.5), (2, 0.25), (3, 0.0668), (4, 0.0)):
        rng = np.random.default_rng(n_states)
        fit = fit_machine_to_words(words, n_states, n_starts=12, rng=rng)
        found = machine_excess(fit.machine, square_and_diamond(), 5)
        assert found.value == pytest.approx(excess, abs=1e-4)
        assert found.error < 1e-6


def test_the_clock_s_machines_lose_what_is_known():
    """Best known in the long run: .0681, .0508, .0387, .0252, from longer words."""
    words = word_probabilities(CLOCK, 10)
    for n_states, excess in ((1, 0.0681), (2, 0.0508), (3, 0.0387)):
        rng = np.random.default_rng(n_states)
        fit = fit_machine_to_words(words, n_states, n_starts=6, rng=rng)
        found = machine_excess(fit.machine, CLOCK, 12)
        assert found.value - found.error < excess < found.value + found.error
        assert found.value == pytest.approx(excess, abs=2e-3)
        assert found.error < 0.01


def test_the_bounds_of_the_excess_hold():
    """Longer words stay within the bounds of shorter ones."""
    for seed in range(20):
        machine = random_machine(seed)
        machine = machine._replace(start=stationary_start(machine))
        short, long = (machine_excess(machine, CLOCK, n) for n in (4, 12))
        assert abs(short.value - long.value) <= short.error + long.error
        assert long.error < short.error
        assert long.value > 0


def test_the_excess_of_a_coin_and_of_a_machine_that_excludes():
    coin = Machine([1.0], [[[0.5]], [[0.5]]])
    value, _ = machine_excess(coin, CLOCK, 12)
    assert value == pytest.approx(1 - entropy_rate(CLOCK, 12).value, abs=1e-12)
    silent = Machine([1.0], [[[1.0]], [[0.0]]])
    assert machine_excess(silent, CLOCK, 3) == (np.inf, np.inf)
    assert machine_log_likelihood(silent, [[0, 0], [0, 1]]).tolist() == [0, -np.inf]
    heard = machine_log_likelihood(silent, [[1, 0]], skip=1)
    assert heard.tolist() == [-np.inf]


def test_the_stationary_start_stays():
    machine = random_machine(5, 3, 4)
    start = stationary_start(machine)
    np.testing.assert_allclose(start @ machine.edges.sum(axis=0), start, atol=1e-15)
    two = Machine([0.5, 0.5], np.eye(2)[None])
    with pytest.raises(ValueError, match="one stationary state, but has 2"):
        stationary_start(two)


GOOD = Machine([1.0], [[[0.5]], [[0.5]]])
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: check_machine("one"), TypeError, "must be a Machine, but is 'one'"),
        (lambda: check_machine(Machine([1], [[1]])), ValueError, "but has .1, 1."),
        (lambda: check_machine(GOOD._replace(start=[1, 0])), ValueError, "has .2,."),
        (lambda: check_machine(GOOD._replace(start=[2])), ValueError, "sum to 1, but"),
        (
            lambda: check_machine(Machine([1], [[[1.5]], [[-0.5]]])),
            ValueError,
            "the least is -0.5",
        ),
        (lambda: check_machine(Machine([np.nan], [[[1]]])), ValueError, "is nan"),
        (lambda: machine_word_probabilities(GOOD, 30), ValueError, "1,048,576 words"),
        (
            lambda: machine_word_probabilities(Machine([1], [[[1]]]), 65),
            ValueError,
            "at most 64",
        ),
        (lambda: machine_log_likelihood(GOOD, [[2]]), ValueError, "record 0 has 2 at"),
        (lambda: machine_log_likelihood(GOOD, [[0.0]]), TypeError, "must be integers"),
        (lambda: machine_log_likelihood(GOOD, [[0]], 1), ValueError, "lie in 0..0"),
        (
            lambda: machine_excess(GOOD, square_and_diamond(), 2),
            ValueError,
            "as many symbols, but have 2 and 4",
        ),
        (lambda: fit_machine([[3]], 2, 1, rng=RNG), ValueError, "record 0 has 3"),
        (lambda: fit_machine([[0]], 2, 0, rng=RNG), ValueError, "`n_states` must be"),
        (lambda: fit_machine([[0]], 2, 1, rng=0), TypeError, "`rng` must be"),
        (
            lambda: fit_machine([[0]], 2, 1, rng=RNG, tolerance=-1),
            ValueError,
            "`tolerance` must be at least 0",
        ),
        (
            lambda: fit_machine_to_words(np.ones((2, 3)) / 6, 1, rng=RNG),
            ValueError,
            "an axis of n_symbols for each symbol of a word, but has shape .2, 3.",
        ),
        (
            lambda: fit_machine([[0]], 2, 1, rng=RNG, tolerance="small"),
            TypeError,
            "`tolerance` must be an array of numbers, but is of <U5",
        ),
        (lambda: fit_machine([], 2, 1, rng=RNG), ValueError, r"has .0,."),
        (lambda: fit_machine([[0], [0, 1]], 2, 1, rng=RNG), ValueError, "`records` mu"),
        (lambda: machine_log_likelihood(GOOD, [[0]], -1), ValueError, "but is -1"),
        (lambda: fit_machine_to_words([1, 1], 1, rng=RNG), ValueError, "sum to 1"),
        (lambda: fit_network([[5]], 2, rng=RNG), ValueError, "record 0 has 5"),
        (lambda: fit_network([[0.5]], 2, rng=RNG), TypeError, "must be integers"),
        (lambda: fit_network([[0]], 2, kind="gru", rng=RNG), ValueError, "lstm, rnn"),
        (
            lambda: fit_network([[0]], 2, learning_rate="fast", rng=RNG),
            TypeError,
            "`learning_rate` must be an array of numbers, but is of <U4",
        ),
    ],
)
def test_errors_say_what_must_hold(call, error, text):
    with pytest.raises(error, match=text) as found:
        call()
    assert "\n" not in str(found.value)


# -- networks ----------------------------------------------------------------------


def random_network(kind, rng, n_symbols=3, n_hidden=4):
    """A network of random numbers, larger than those that training starts from."""
    layout = Layout(1, n_symbols, n_symbols)
    params = init_recurrent(CELLS[kind], n_hidden, layout, rng)
    return type(params)(*(2 * array for array in params))


@pytest.mark.parametrize("kind", CELLS)
def test_gradients_of_networks(kind):
    rng = np.random.default_rng(0)
    records = rng.integers(0, 3, (5, 7))
    data = one_hot_before(records, 3), records
    error = relative_error(
        rng,
        lambda: random_network(kind, rng),
        lambda params: float(symbol_loss_and_grad(CELLS[kind], params, *data)[0]),
        lambda params: symbol_loss_and_grad(CELLS[kind], params, *data)[1],
    )
    assert error < 1e-8


@pytest.mark.parametrize("kind", CELLS)
def test_probabilities_of_networks_sum_to_one_over_words(kind):
    network = random_network(kind, np.random.default_rng(1))
    words = np.array(list(product(range(3), repeat=4)))
    network = SymbolNetwork(CELLS[kind], network, [])
    bits = network.log_likelihood(words)
    assert np.exp2(4 * bits).sum() == pytest.approx(1, abs=1e-13)
    loss = symbol_loss_and_grad(
        network.cell, network.params, one_hot_before(words, 3), words
    )[0]
    assert loss == pytest.approx(-bits.mean(), rel=1e-13)
    first = network.log_likelihood(words[:, :1])
    rest = network.log_likelihood(words, skip=1)
    np.testing.assert_allclose(4 * bits, first + 3 * rest, rtol=1e-12)


def test_models_at_once_are_models_alone():
    rng = np.random.default_rng(2)
    models = [random_network("lstm", rng) for _ in range(3)]
    records = rng.integers(0, 3, (3, 5, 7))
    inputs = np.stack([one_hot_before(each, 3) for each in records])
    together = type(models[0])(*map(np.stack, zip(*models, strict=True)))
    loss, grads = symbol_loss_and_grad(CELLS["lstm"], together, inputs, records)
    for n, params in enumerate(models):
        one, grad = symbol_loss_and_grad(CELLS["lstm"], params, inputs[n], records[n])
        assert loss[n] == pytest.approx(one, rel=1e-13)
        for array, of_one in zip(grads, grad, strict=True):
            np.testing.assert_allclose(array[n], of_one, rtol=1e-10, atol=1e-14)


def test_a_network_learns_the_square_and_the_diamond():
    """Two states lose a quarter of a bit, and a few floats nearly nothing."""
    process, rng = square_and_diamond(), np.random.default_rng(0)
    records, held_out = (sample(process, n, 20, rng) for n in (100, 200))
    options = {"kind": "rnn", "epochs": 40, "learning_rate": 0.02}
    fits = [
        fit_network(records, 4, rng=np.random.default_rng(1), **options)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(fits[0].losses, fits[1].losses)
    bits = fits[0].log_likelihood(held_out, skip=5).mean()
    excess = log_likelihood(process, held_out, skip=5).mean() - bits
    assert 0 < excess < 0.06


def test_a_word_that_rounding_makes_possible_costs_nothing():
    """The best machine of two states on the square and the diamond loses 1/4 bit."""
    edges = np.zeros((4, 2, 2))
    edges[[0, 1], [0, 1], [0, 1]] = 1 / 2
    edges[2:] = 1 / 8
    machine = Machine(np.full(2, 0.5), edges)
    rounded = word_probabilities(square_and_diamond(), 3)
    assert (rounded[rounded < 0.001] > 0).any()  # words that cannot be
    value, error = machine_excess(machine, square_and_diamond(), 4)
    assert value == pytest.approx(0.25, abs=1e-12)
    assert error < 1e-9


def test_a_machine_that_excludes_what_may_be_loses_infinitely_much():
    silent = Machine(np.ones(1), np.array([[[1.0]], [[0.0]], [[0.0]], [[0.0]]]))
    assert machine_excess(silent, square_and_diamond(), 2).value == np.inf
