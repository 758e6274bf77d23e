"""Records: their likelihood, moments of short words, and what is learnt from them."""

from itertools import pairwise, product

import checker
import dense
import numpy as np
import pytest

from qlstm import QLSTMConfig, init_params
from qlstm.processes import (
    Process,
    cell_process,
    clock_cell,
    fit_records,
    log_likelihood,
    moment_loss_and_grad,
    process_loss_and_grad,
    qubit_clock,
    record_log_loss,
    record_loss_and_grad,
    record_objective,
    sample,
    square_and_diamond,
    square_and_diamond_cell,
    stationary_state,
    word_frequencies,
    word_probabilities,
)
from qlstm.processes.floors import cell_floored_loss, scored
from qlstm.processes.moments import word_loss
from qlstm.processes.operators import (
    build,
    fixed_point,
    fixed_point_backward,
    transfers,
)
from qlstm.processes.records import (
    listen,
    listen_backward,
    loss_of,
    prepare_records,
)

CELLS = {
    "RY": {"rotation": "RY"},
    "RX": {"rotation": "RX"},
    "RY, 2+1": {"rotation": "RY", "n_system": 2},
    "RX, 1+2, inverse": {"rotation": "RX", "n_ancilla": 2, "disentangler": "inverse"},
    "RY, 1+2, inverse": {"rotation": "RY", "n_ancilla": 2, "disentangler": "inverse"},
    "RY, separate": {"rotation": "RY", "cut": "separate"},
    "RX, angles in": {"rotation": "RX", "n_system": 2, "encoding": "angle"},
    "RY, angles in": {"rotation": "RY", "n_ancilla": 2, "encoding": "angle"},
    "affine readout": {"rotation": "RY", "readout": "affine"},
}
every_cell = pytest.mark.parametrize("options", CELLS.values(), ids=CELLS)
SITUATIONS = [
    ("first", None, 0),
    ("first", "constant", 3),
    ("first", "changing", 0),
    ("first", "changing", 4),
    ("stationary", None, 0),
    ("stationary", "constant", 3),
]
every_situation = pytest.mark.parametrize("start, given, skip", SITUATIONS)


def configured(n_system=1, n_ancilla=1, **options):
    return QLSTMConfig(2, n_system, n_ancilla, 2, memory="sampled", **options)


def drawn(config, rng):
    """Angles all around, and a bias that is not short."""
    params = init_params(config, rng)
    angles = {
        name: rng.uniform(-np.pi, np.pi, getattr(params, name).shape)
        for name in ("entangler", "disentangler")
    }
    return params._replace(proj_bias=rng.normal(size=params.proj_bias.shape), **angles)


def given_inputs(given, records, rng):
    if given is None:
        return None
    shape = () if given == "constant" else records.shape
    return rng.normal(size=(*shape, 2))


def floored_bits(kraus, records, floor, skip, sigma):
    """The definition: density matrices, symbol by symbol, each a die's now and then.

    Kraus operators are ``(n_sequences, length, n_symbols, d, d)``.
    """
    bits = []
    for of_record, record in zip(kraus, records, strict=True):
        memory = sigma
        for t, symbol in enumerate(record):
            operator = of_record[t, symbol]
            grown = operator @ memory @ operator.conj().T
            memory = (1 - floor) * grown + floor / kraus.shape[2] * memory
            p = np.trace(memory).real
            memory = memory / p
            if t >= skip:
                bits.append(-np.log2(p))
    return np.mean(bits)


def floored(params, config, records, given, skip, start, floor):
    """Loss, gradient, and the loss by its definition."""
    x = np.zeros((1, 2)) if given is None else given
    x = np.atleast_2d(x)
    ready = prepare_records(records, x, config, skip, 1)
    loss, grads = cell_floored_loss(
        params, config, ready.x, scored(ready), floor, start
    )
    each = build(params, x.reshape(-1, 2), config).kraus
    each = each.reshape(*x.shape[:-1], *each.shape[1:])
    each = np.broadcast_to(each, (*records.shape, *each.shape[-3:]))
    sigma = np.diag([1.0] + [0.0] * (config.ancilla_dim - 1))
    if start == "stationary":
        kraus = cell_process(params, config, x[0]).kraus  # may have several memories
        sigma = fixed_point(transfers(kraus).sum(axis=0)).sigma
        sigma = sigma.reshape(kraus.shape[1:])
    return loss, grads, floored_bits(each, records, floor, skip, sigma)


@every_situation
@every_cell
def test_the_floored_loss_and_its_gradient(options, start, given, skip):
    """The loss is its definition; the gradient agrees with differences."""
    rng, config = np.random.default_rng(1), configured(**options)
    records = rng.integers(0, config.system_dim, (4, 6))
    rest = records, given_inputs(given, records, rng), skip, start, 0.1
    params = drawn(config, rng)
    loss, _, expected = floored(params, config, *rest)
    assert abs(loss - expected) < 1e-12
    error = checker.relative_error(
        rng,
        lambda: drawn(config, rng),
        lambda params: floored(params, config, *rest)[0],
        lambda params: floored(params, config, *rest)[1],
    )
    assert error < 1e-6


@every_situation
def test_without_a_floor_it_is_the_log_loss(start, given, skip):
    """Another program: pure states, and words that are worked out once."""
    rng, config = np.random.default_rng(2), configured(n_system=2, rotation="RY")
    records = rng.integers(0, 4, (5, 7))
    params, inputs = drawn(config, rng), given_inputs(given, records, rng)
    loss, grads = record_loss_and_grad(
        params, config, records, inputs=inputs, skip=skip, start=start
    )
    found = floored(params, config, records, inputs, skip, start, 0.0)
    assert abs(found[0] - loss) < 1e-12
    for ours, theirs in zip(found[1], grads, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-11)


@pytest.mark.parametrize("floor, skip", [(0.0, 0), (0.2, 3)])
def test_the_gradient_for_any_operators_against_differences(floor, skip):
    """Complex ones, each entry for itself: real part and imaginary part."""
    rng = np.random.default_rng(3)
    free = rng.normal(size=(6, 2)) + 1j * rng.normal(size=(6, 2))
    kraus = np.linalg.qr(free)[0].reshape(3, 2, 2)
    records, process = rng.integers(0, 3, (4, 6)), Process(kraus)
    options = {"skip": skip, "floor": floor}
    loss, grad = process_loss_and_grad(process, records, **options)
    each = np.broadcast_to(kraus, (4, 6, 3, 2, 2))
    sigma = stationary_state(process)
    assert abs(loss - floored_bits(each, records, floor, skip, sigma)) < 1e-12
    generator = rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6))
    generator = generator - generator.conj().T  # exp of it keeps the channel's trace

    def at(step):
        values, vectors = np.linalg.eigh(1j * generator)
        turn = (vectors * np.exp(-1j * step * values)) @ vectors.conj().T
        turned = (turn @ kraus.reshape(6, 2)).reshape(3, 2, 2)
        return process_loss_and_grad(Process(turned), records, **options)[0]

    h = 1e-4
    slope = (-at(2 * h) + 8 * at(h) - 8 * at(-h) + at(-2 * h)) / (12 * h)
    along = (generator @ kraus.reshape(6, 2)).reshape(3, 2, 2)
    assert abs(np.vdot(grad, along).real - slope) < 1e-9


def test_a_floor_makes_impossible_records_cheap_enough():
    """Square and diamond never write 0 behind 1: it costs what the die says."""
    records = np.array([[0, 1, 0, 1, 0, 1, 1, 0] * 4])
    process, last = square_and_diamond(), -np.inf
    for floor in (0.3, 0.1, 1e-3, 1e-6):
        loss, grad = process_loss_and_grad(process, records, floor=floor)
        assert np.isfinite(grad).all()
        assert last < loss <= np.log2(4 / floor)
        last = loss


def test_an_objective_is_asked_again_and_again():
    rng, config = np.random.default_rng(4), configured(rotation="RY")
    records = rng.integers(0, 2, (5, 7))
    for start, given, skip in SITUATIONS:
        options = {"inputs": given_inputs(given, records, rng)}
        options |= {"skip": skip, "start": start}
        objective = record_objective(records, config, **options)
        for _ in range(2):
            params = drawn(config, rng)
            loss, grads = objective(params)
            expected = record_loss_and_grad(params, config, records, **options)
            assert loss == pytest.approx(expected[0], abs=1e-14)
            for ours, theirs in zip(grads, expected[1], strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-13)


def test_an_objective_passes_where_a_record_is_impossible():
    params, config, _ = square_and_diamond_cell()
    loss, grads = record_objective([[0, 1]], config, start="stationary")(params)
    assert 50 < loss < 200
    assert all(np.isfinite(array).all() for array in grads)


@every_situation
@every_cell
def test_gradient_of_records_against_differences(options, start, given, skip):
    rng, config = np.random.default_rng(1), configured(**options)
    records = rng.integers(0, config.system_dim, (5, 7))
    keywords = {
        "inputs": given_inputs(given, records, rng),
        "skip": skip,
        "start": start,
    }
    error = checker.relative_error(
        rng,
        lambda: drawn(config, rng),
        lambda params: record_log_loss(params, config, records, **keywords),
        lambda params: record_loss_and_grad(params, config, records, **keywords)[1],
    )
    assert error < 1e-6


def encoded(params, x, config):
    """What enters the circuit at an input, and the norm it was divided by."""
    a = x @ params.proj_weight + params.proj_bias
    norm = 1.0 if config.encoding == "angle" else np.linalg.norm(a)
    return a / norm, norm


class Shifted:
    """Kraus operators of one input from full matrices, as they are and moved.

    A move turns one angle by a quarter turn or, where amplitudes enter, adds a unit
    vector to them: half the difference of what is quadratic is its derivative.
    """

    def __init__(self, params, value, config):
        def kraus(value, entangler, disentangler):
            return dense.step_kraus(value, entangler, disentangler, config)

        arrays = [value, params.entangler, params.disentangler]
        steps = [np.pi / 2 if config.encoding == "angle" else 1.0, *2 * [np.pi / 2]]
        self.kraus, self.moved = kraus(*arrays), []
        for which, step in enumerate(steps):
            for index in np.ndindex(arrays[which].shape):
                pair = []
                for sign in (1, -1):
                    moved = [array.copy() for array in arrays]
                    moved[which][index] += sign * step
                    pair.append(kraus(*moved))
                self.moved.append(pair)


def probability(operators, memory):
    """``tr K_L ... K_1 memory K_1^dag ... K_L^dag``, projection after projection."""
    for operator in operators:
        memory = operator @ memory @ operator.conj().T
    return np.trace(memory).real


def stationary_derivatives(step):
    """The stationary memory, and its derivative along each move of its one input.

    ``(1 - T) dsigma = dT sigma``, ``tr dsigma = 0``; T is linear in the state behind
    each gate, so dT is half a difference of shifted channels.
    """

    def channel(kraus):
        return sum(np.kron(k, k.conj()) for k in kraus)

    t = channel(step.kraus)
    d = round(len(t) ** 0.5)
    rows = np.concatenate([np.eye(d * d) - t, np.eye(d).reshape(1, -1)])
    solve = np.linalg.pinv(rows)
    sigma = solve[:, -1]  # (1 - T) sigma = 0, tr sigma = 1
    found = []
    for up, down in step.moved:
        d_t = (channel(up) - channel(down)) / 2
        found.append((solve[:, :-1] @ d_t @ sigma).reshape(d, d))
    return sigma.reshape(d, d), found


def shift_gradient(params, config, records, inputs, skip, start):
    """Log-loss, and its gradient by shifts of every gate occurrence: full matrices.

    The probability D of a record is linear in the state behind each occurrence, so ``d
    log D = (D(+) - D(-)) / 2D``, summed over the steps. A stationary start is not: it
    adds D at the start's derivative.
    """
    total = {name: np.zeros_like(getattr(params, name)) for name in params._fields}
    bits, first = 0.0, np.zeros(2 * [config.ancilla_dim])
    first[0, 0] = 1.0
    for record, xs in zip(records, inputs, strict=True):
        steps = [Shifted(params, encoded(params, x, config)[0], config) for x in xs]
        plain = [step.kraus[i] for step, i in zip(steps, record, strict=True)]
        memory, d_memory = first, [np.zeros_like(first)] * len(steps[0].moved)
        if start == "stationary":
            memory, d_memory = stationary_derivatives(steps[0])
        for length, sign in ((len(record), 1), (skip, -1)):
            heard = plain[:length]
            d = probability(heard, memory)
            bits += sign * np.log2(d)
            of_start = [probability(heard, moved) for moved in d_memory]
            _add(total, np.array(of_start) * sign / d, params, xs[0], config)
            for t in range(length):
                halves = []
                for pair in steps[t].moved:
                    up, down = (
                        probability(
                            [*heard[:t], moved[record[t]], *heard[t + 1 :]], memory
                        )
                        for moved in pair
                    )
                    halves.append((up - down) / 2)
                _add(total, np.array(halves) * sign / d, params, xs[t], config)
    symbols = len(records) * (records.shape[1] - skip)
    grads = [-grad / (symbols * np.log(2)) for grad in total.values()]
    return -bits / symbols, grads


def _add(total, derivatives, params, x, config):
    """Derivatives along the moves of one step, onto the gradient of the parameters."""
    value, norm = encoded(params, x, config)
    of_value, of_angles = np.split(derivatives, [value.size])
    if config.encoding == "amplitude":
        of_value = (of_value - value * (value @ of_value)) / norm
    total["proj_weight"] += np.outer(x, of_value)
    total["proj_bias"] += of_value
    shape = total["entangler"].shape
    first, second = np.split(of_angles, 2)
    total["entangler"] += first.reshape(shape)
    total["disentangler"] += second.reshape(shape)


@pytest.mark.parametrize("skip", [0, 2])
@pytest.mark.parametrize("start", ["first", "stationary"])
@every_cell
def test_gradient_of_records_against_parameter_shift(options, start, skip):
    """Inputs at each step; with a stationary start a constant one."""
    rng, config = np.random.default_rng(2), configured(**options)
    params, records = drawn(config, rng), rng.integers(0, config.system_dim, (2, 4))
    given = rng.normal(size=(2, 4, 2))
    if start == "stationary":
        records, given = records[:1], given[0, 0]
    found = record_loss_and_grad(
        params, config, records, inputs=given, skip=skip, start=start
    )
    each = np.broadcast_to(given, (*records.shape, 2))
    loss, shifted = shift_gradient(params, config, records, each, skip, start)
    np.testing.assert_allclose(found[0], loss, rtol=0, atol=1e-12)
    for grad, exact in zip(found[1], shifted, strict=True):
        np.testing.assert_allclose(grad, exact, rtol=0, atol=1e-12)


def test_gradient_of_a_stationary_memory_among_several():
    """Two blocks that never mix, and a level that decays into both of them."""
    rng = np.random.default_rng(10)
    at, along = rng.normal(size=(2, 3, 5, 5, 2)) @ [1, 1j]  # symbol, to, from
    grad = rng.normal(size=(25, 2)) @ [1, 1j]
    reaches = np.zeros((5, 5))
    reaches[:2, :2] = reaches[2:4, 2:4] = reaches[:, 4] = 1

    def channel(h):
        q, _ = np.linalg.qr((reaches * (at + h * along)).reshape(15, 5))
        return transfers(q.reshape(3, 5, 5)).sum(axis=0)

    def value(h):
        return np.vdot(grad, fixed_point(channel(h)).sigma).real

    point = fixed_point(channel(0.0))
    assert np.trace(point.projector).real == pytest.approx(2)
    found = np.vdot(fixed_point_backward(grad, point), checker.derivative(channel)).real
    assert found == pytest.approx(checker.derivative(value), rel=1e-8)


@pytest.mark.parametrize("start", ["first", "stationary"])
@pytest.mark.parametrize("name", ["RY", "RY, 2+1", "RX, angles in", "RY, angles in"])
def test_log_loss_is_that_of_the_cell_s_process(name, start):
    rng, config = np.random.default_rng(3), configured(**CELLS[name])
    params, x = drawn(config, rng), rng.normal(size=2)
    process, first = cell_process(params, config, x), np.eye(config.ancilla_dim)[0]
    records = sample(process, 30, 20, rng, first)
    for skip in (0, 7):
        loss = record_log_loss(
            params, config, records, inputs=x, skip=skip, start=start
        )
        begin = first if start == "first" else None
        each = log_likelihood(process, records, begin, skip)
        np.testing.assert_allclose(loss, -each.mean(), rtol=1e-12)


def test_a_constant_input_may_be_given_at_each_step():
    rng, config = np.random.default_rng(4), configured()
    params, x = drawn(config, rng), rng.normal(size=2)
    records = rng.integers(0, 2, (6, 9))
    once = record_loss_and_grad(params, config, records, inputs=x)
    each = np.broadcast_to(x, (6, 9, 2))
    always = record_loss_and_grad(params, config, records, inputs=each)
    assert once[0] == always[0]
    for first, second in zip(once[1], always[1], strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("start, skip", list(product(["first", "stationary"], [0, 5])))
def test_words_of_any_length_give_the_same(start, skip):
    rng, config = np.random.default_rng(5), configured(n_system=2, rotation="RY")
    params, records = drawn(config, rng), rng.integers(0, 4, (20, 13))
    found = []
    for block in (1, 2, 3, 8):
        ready = prepare_records(records, np.zeros((1, 2)), config, skip, block)
        run = listen(params, config, ready, start)
        grads = listen_backward(run, ready, params, config)
        found.append(np.concatenate([[loss_of(run, ready)], *map(np.ravel, grads)]))
    np.testing.assert_allclose(found[1:], [found[0]] * 3, rtol=0, atol=1e-12)


def test_equal_records_count_as_often_as_they_occur():
    rng, config = np.random.default_rng(6), configured()
    params, records = drawn(config, rng), rng.integers(0, 2, (3, 6))
    twice = record_log_loss(params, config, records[[0, 1, 2, 1]])
    each = [record_log_loss(params, config, records[[k]]) for k in (0, 1, 2, 1)]
    np.testing.assert_allclose(twice, np.mean(each), rtol=1e-13)


@pytest.mark.parametrize("name", ["RY", "RY, 2+1", "RX, angles in", "RY, angles in"])
def test_the_fixed_point_is_the_stationary_state(name):
    rng, config = np.random.default_rng(7), configured(**CELLS[name])
    params, x = drawn(config, rng), rng.normal(size=(1, 2))
    sigma = fixed_point(transfers(build(params, x, config).kraus[0]).sum(axis=0)).sigma
    expected = stationary_state(cell_process(params, config, x[0]))
    np.testing.assert_allclose(sigma.reshape(expected.shape), expected, atol=1e-12)


def test_where_several_memories_are_stationary_a_long_run_is_averaged():
    kraus = np.zeros((2, 3, 3))  # two levels that stay, one that decays to the first
    kraus[0] = np.diag([1.0, 1.0, 0.0])
    kraus[1, 0, 2] = 1.0
    sigma = fixed_point(transfers(kraus).sum(axis=0)).sigma.reshape(3, 3)
    np.testing.assert_allclose(sigma, np.diag([2, 1, 0]) / 3, atol=1e-14)


@pytest.mark.parametrize("loss", ["moments", "words"])
@every_cell
def test_gradient_of_words_against_differences(options, loss):
    rng, config = np.random.default_rng(8), configured(**options)
    records, x = rng.integers(0, config.system_dim, (9, 8)), rng.normal(size=2)
    words = [word_frequencies(records, n, config.system_dim) for n in (1, 2, 3)]

    def value(params):
        if loss == "moments":
            return moment_loss_and_grad(params, config, words, x=x)
        flat = [f.ravel() for f in words]
        return word_loss(params, config, x[None], flat)

    error = checker.relative_error(
        rng,
        lambda: drawn(config, rng),
        lambda params: value(params)[0],
        lambda params: value(params)[1],
    )
    assert error < 1e-6


@pytest.mark.parametrize("name", ["RY", "RX, 1+2, inverse", "RY, angles in"])
def test_gradient_of_moments_against_parameter_shift(name):
    """Word by word, ``dP = P d log P``: each is a record from the stationary memory."""
    rng, config = np.random.default_rng(8), configured(**CELLS[name])
    params, x = drawn(config, rng), rng.normal(size=2)
    words = [rng.dirichlet(np.ones(2**n)).reshape(n * [2]) for n in (1, 2)]
    expected, square = [np.zeros_like(array) for array in params], 0.0
    for f in words:
        for word in np.ndindex(f.shape):
            given, n = np.broadcast_to(x, (1, len(word), 2)), len(word)
            rates = shift_gradient(
                params, config, np.array([word]), given, 0, "stationary"
            )
            p, share = 2.0 ** (-n * rates[0]), 1 / (f**2).sum()
            square += share * (p - f[word]) ** 2
            for total, rate in zip(expected, rates[1], strict=True):
                total -= share * 2 * (p - f[word]) * p * n * np.log(2) * rate
    loss, grads = moment_loss_and_grad(params, config, words, x=x)
    np.testing.assert_allclose(loss, square, rtol=1e-12)
    for grad, exact in zip(grads, expected, strict=True):
        np.testing.assert_allclose(grad, exact, rtol=0, atol=1e-12)


def test_moments_are_those_of_word_probabilities():
    rng, config = np.random.default_rng(9), configured(n_system=2, rotation="RY")
    params, x = drawn(config, rng), rng.normal(size=2)
    records = rng.integers(0, 4, (50, 10))
    words = [word_frequencies(records, n, 4) for n in (1, 2, 3, 4)]
    process = cell_process(params, config, x)
    expected = sum(
        ((word_probabilities(process, n) - f) ** 2).sum() / (f**2).sum()
        for n, f in enumerate(words, start=1)
    )
    loss, _ = moment_loss_and_grad(params, config, words, x=x)
    np.testing.assert_allclose(loss, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "cell, process",
    [
        (clock_cell(0.7, 0.9), qubit_clock(0.7, 0.9)),
        (square_and_diamond_cell(), square_and_diamond()),
    ],
)
def test_an_exact_cell_has_the_right_moments(cell, process):
    words = [word_probabilities(process, n) for n in range(1, 5)]
    loss, grads = moment_loss_and_grad(cell.params, cell.config, words)
    assert loss < 1e-28
    assert max(np.abs(grad).max() for grad in grads) < 1e-13


def test_frequencies_count_windows():
    records = np.array([[0, 1, 2, 0], [2, 2, 2, 2]])
    counts = np.zeros((3, 3))
    for record in records:
        for pair in pairwise(record):
            counts[pair] += 1
    np.testing.assert_array_equal(word_frequencies(records, 2, 3), counts / 6)


def clock_records(seed, n=200):
    return sample(qubit_clock(0.7, 0.9), n, 40, np.random.default_rng(seed))


CLOCK = QLSTMConfig(1, 1, 1, 1, rotation="RY", memory="sampled")


def test_the_clock_is_learnt():
    truth, rng = qubit_clock(0.8, 0.5), np.random.default_rng([13, 1])
    records, held_out = (sample(truth, n, 40, rng) for n in (400, 1000))
    found = fit_records(records, CLOCK, n_starts=4, rng=rng)
    loss = record_log_loss(found.params, CLOCK, held_out, skip=15, start="stationary")
    assert abs(loss + log_likelihood(truth, held_out, skip=15).mean()) < 0.003
    assert found.log_loss == found.log_losses.min()


def test_a_fit_is_its_seed_s_and_more_starts_leave_the_first():
    records, options = clock_records(1, 50), {"max_iterations": 5}
    few, many = (
        fit_records(records, CLOCK, n_starts=n, rng=np.random.default_rng(2), **options)
        for n in (2, 3)
    )
    np.testing.assert_array_equal(few.log_losses, many.log_losses[:2])
    assert few.iterations.shape == (2, 2)
    assert few.iterations.max() <= 5


@pytest.mark.parametrize("phases", ["moments", "words", "floored", "likelihood"])
def test_each_phase_lowers_its_loss(phases):
    records = clock_records(3, 50)
    short, long = (
        fit_records(
            records,
            CLOCK,
            n_starts=1,
            rng=np.random.default_rng(4),
            phases=phases,
            max_iterations=n,
        )
        for n in (1, 20)
    )
    name = "moment_losses" if phases == "moments" else "log_losses"
    assert getattr(long, name)[0] < getattr(short, name)[0]


def test_separate_registers_learn_how_often_symbols_occur():
    config = QLSTMConfig(1, 1, 1, 1, rotation="RY", memory="sampled", cut="separate")
    records = clock_records(5)
    found = fit_records(records, config, n_starts=1, rng=np.random.default_rng(6))
    f = word_frequencies(records, 1, 2)
    np.testing.assert_allclose(found.log_loss, -(f * np.log2(f)).sum(), atol=1e-6)


def test_a_transducer_is_learnt():
    rng = np.random.default_rng(7)
    config = QLSTMConfig(1, 1, 1, 2, rotation="RY", memory="sampled")
    inputs = rng.integers(0, 2, (100, 12, 1)) * 1.0
    records = inputs[..., 0].astype(int)  # the input, repeated
    found = fit_records(records, config, n_starts=4, rng=rng, inputs=inputs)
    assert found.log_loss < 0.01
    assert np.isnan(found.moment_losses).all()


def fit(records, **options):
    options = {"n_starts": 1, "rng": np.random.default_rng(0), **options}
    return fit_records(records, CLOCK, **options)


EXACT = square_and_diamond_cell()
RECORDS = np.array([[0, 2, 1, 3], [0, 1, 2, 2]])


@pytest.mark.parametrize(
    "call, error, text",
    [
        (
            lambda: record_log_loss(*EXACT[:2], RECORDS, start="stationary"),
            ValueError,
            "symbol 1 of record 1 has probability 0 at place 1",
        ),
        (
            lambda: record_loss_and_grad(*EXACT[:2], [[0, 4]]),
            ValueError,
            "must hold symbols from 0 to 3, but record 0 has 4 at place 1",
        ),
        (
            lambda: record_log_loss(*EXACT[:2], [[0, 2]], skip=2),
            ValueError,
            "`skip` must lie in 0..1",
        ),
        (
            lambda: record_log_loss(*EXACT[:2], [[0, 2]], start="last"),
            ValueError,
            "`start` must be one of first, stationary",
        ),
        (
            lambda: record_log_loss(
                *EXACT[:2], [[0, 2]], inputs=[[[0.0], [1.0]]], start="stationary"
            ),
            ValueError,
            "`start` must be 'first' where inputs change",
        ),
        (
            lambda: record_log_loss(*EXACT[:2], [[0, 2]], inputs=np.zeros((1, 3, 1))),
            ValueError,
            r"`inputs` must have shape \(1, 2, 1\), an input for each symbol",
        ),
        (
            lambda: record_log_loss(*EXACT[:2], [[0, 2]], inputs=[0.0, 1.0]),
            ValueError,
            r"`inputs` must have shape \(1,\) if it is constant, but has \(2,\)",
        ),
        (
            lambda: record_log_loss(*EXACT[:2], [[0, 2]], inputs=[np.nan]),
            ValueError,
            "`inputs` must be finite, but is array",
        ),
        (
            lambda: record_log_loss(*EXACT[:2], [[0, 2]], inputs=[[[0.0]], [[0.0, 1]]]),
            TypeError,
            "`inputs` must be an array of real numbers",
        ),
        (
            lambda: word_frequencies([[0, 1]], 3, 2),
            ValueError,
            "`length` must be at most 2, the length of the records, but is 3",
        ),
        (
            lambda: word_frequencies(np.zeros((1, 30), int), 21, 2),
            ValueError,
            "`length` must leave at most 1,048,576 words",
        ),
        (
            lambda: moment_loss_and_grad(*EXACT[:2], []),
            ValueError,
            "`frequencies` must hold a length",
        ),
        (
            lambda: moment_loss_and_grad(*EXACT[:2], [np.ones(3)]),
            ValueError,
            r"`frequencies\[0\]` must have shape \(4,\)",
        ),
        (
            lambda: moment_loss_and_grad(*EXACT[:2], [np.zeros(4)]),
            ValueError,
            r"`frequencies\[0\]` must hold probabilities that sum to 1",
        ),
        (
            lambda: moment_loss_and_grad(*EXACT[:2], None),
            TypeError,
            "`frequencies` must be a sequence of arrays, but is None",
        ),
        (
            lambda: fit_records(
                [[0, 1]], CLOCK, n_starts=1, rng=np.random.default_rng(0), phases="adam"
            ),
            ValueError,
            "`phases` must hold some of moments, words, floored, likelihood",
        ),
        (
            lambda: fit_records(
                [[0, 1]],
                CLOCK,
                n_starts=1,
                rng=np.random.default_rng(0),
                inputs=[[[0.0], [1.0]]],
                phases="moments",
            ),
            ValueError,
            "`phases` must hold 'floored' or 'likelihood' where inputs change",
        ),
        (
            lambda: fit_records(
                [[0, 1]], CLOCK, n_starts=1, rng=np.random.default_rng(0), word_length=3
            ),
            ValueError,
            "`word_length` must be at most 2, the length of the records",
        ),
        (
            lambda: process_loss_and_grad(qubit_clock(0.7, 0.9), [[0, 1]], floor=1),
            ValueError,
            "`floor` must be at least 0 and below 1, but is 1",
        ),
        (
            lambda: process_loss_and_grad(qubit_clock(0.7, 0.9), [[0, 1]], floor="a"),
            TypeError,
            "`floor` must be",
        ),
        (
            lambda: record_objective([[0, 1]], CLOCK, start="last"),
            ValueError,
            "`start` must be one of first, stationary",
        ),
        (lambda: fit([[0], [1]]), ValueError, "at least 2 symbols long, for one"),
        (
            lambda: fit([[0], [1]], inputs=[[[0.0]], [[1.0]]]),
            ValueError,
            r"at least 2 symbols long, .* but has shape \(2, 1\)",
        ),
        (
            lambda: fit([[0, 1]], inputs=[[[0.0], [1.0]]], word_length=2),
            ValueError,
            "`word_length` must be None where inputs change",
        ),
        (
            lambda: fit(np.zeros((2, 30), int), word_length=25),
            ValueError,
            r"`word_length` must leave at most 1,048,576 words, .* 2\*\*25",
        ),
        (lambda: fit([[0, 1]], word_length=2.0), TypeError, "`word_length` must be an"),
        (lambda: fit([[0, 1]], phases=0), ValueError, r"`phases` must .* is \(0,\)"),
        (lambda: fit([[0, 1]], phases=[["words"]]), ValueError, "`phases` must hold"),
        (lambda: fit([[0, 1]], phases=[]), ValueError, "`phases` must hold"),
        (lambda: fit([[0, 1]], start=0), ValueError, "`start` must be one of first"),
        (lambda: fit([[0, 1]], start=np.ones(2)), ValueError, "`start` must be one"),
        (lambda: fit([[0, 1]], n_starts=0), ValueError, "`n_starts` must be at least"),
        (
            lambda: fit_records([[0, 1]], CLOCK, n_starts=1, rng=0),
            TypeError,
            "`rng` must be a numpy.random.Generator",
        ),
    ],
)
def test_bad_input_is_one_line(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call()
    assert "\n" not in str(caught.value)


TAKE_RECORDS = {
    "record_log_loss": lambda records: record_log_loss(*EXACT[:2], records),
    "record_loss_and_grad": lambda records: record_loss_and_grad(*EXACT[:2], records),
    "fit_records": lambda records: fit(records),
    "word_frequencies": lambda records: word_frequencies(records, 2, 2),
    "log_likelihood": lambda records: log_likelihood(qubit_clock(0.7, 0.9), records),
    "process_loss_and_grad": lambda records: process_loss_and_grad(
        qubit_clock(0.7, 0.9), records
    ),
    "record_objective": lambda records: record_objective(records, CLOCK),
}
WRONG_RECORDS = [
    ([], ValueError, r"must have shape \(n_sequences, length\), .* has \(0,\)"),
    ([[], []], ValueError, r"but has \(2, 0\)"),
    ([0, 1, 1], ValueError, r"but has \(3,\)"),
    ([[[0, 1]]], ValueError, r"but has \(1, 1, 2\)"),
    ([[0.0, 1.0]], TypeError, "must be integers, but is of float64"),
    ([[True, False]], TypeError, "must be integers, but is of bool"),
    (["0110"], TypeError, "must be integers, but is of <U4"),
    (None, TypeError, "must be integers, but is of object"),
    ([[0, 1], [0, 1, 1]], ValueError, "must be an array of numbers, but: .* inhomogen"),
    (np.ma.array([[0, 1]], mask=[[0, 1]]), ValueError, "must hold no masked entry"),
    ([[0, 1], [0, -1]], ValueError, "record 1 has -1 at place 1"),
    ([[0, 1], [4, 1]], ValueError, "record 1 has 4 at place 0"),
]


@pytest.mark.parametrize("records, error, text", WRONG_RECORDS)
@pytest.mark.parametrize("call", TAKE_RECORDS.values(), ids=TAKE_RECORDS)
def test_wrong_records_are_one_line_everywhere(call, records, error, text):
    with pytest.raises(error, match="^Argument `records` .*" + text) as caught:
        call(records)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("start", ["first", "stationary"])
@pytest.mark.parametrize("skip", [0, 2])
def test_a_first_symbol_that_cannot_be_is_named(start, skip):
    """Without rotations and with the first input the cell writes 0 and nothing else."""
    still = init_params(CLOCK, np.random.default_rng(0))
    still = still._replace(
        proj_bias=np.eye(2)[0],
        entangler=0 * still.entangler,
        disentangler=0 * still.disentangler,
    )
    options = {"start": start, "skip": skip}
    assert record_log_loss(still, CLOCK, [[0, 0, 0]], **options) == 0
    for call in (record_log_loss, record_loss_and_grad):
        with pytest.raises(ValueError, match="symbol 1 of record 2 has .* at place 0"):
            call(still, CLOCK, [[0, 0, 0], [0, 0, 0], [1, 0, 0]], **options)
