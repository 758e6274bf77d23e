"""Outcomes that are given: the record of a measurement in the place of a choice."""

from itertools import product

import checker
import dense
import numpy as np
import one
import pytest

from qlstm import QLSTMConfig, init_params, loss_and_grad, loss_gradient, predict
from qlstm.insight import trace
from qlstm.params import CHUNK

RECORDED = ("collapse", "sampled")
CIRCUITS = {
    "flip": {},
    "inverse": {"disentangler": "inverse"},
    "angle": {"encoding": "angle"},
    "separate": {"cut": "separate"},
    "affine, two outputs": {"readout": "affine", "n_outputs": 2, "loss": "all"},
}
METHODS = {
    "parameter-shift": 1e-12,
    "amplitude-shift": 1e-12,
    "finite-difference": 1e-7,
}
every_rule = pytest.mark.parametrize("memory", RECORDED)
every_rotation = pytest.mark.parametrize("rotation", ["RX", "RY"])
every_circuit = pytest.mark.parametrize("circuit", CIRCUITS)


def draw(seed=0, batch=4, n_steps=4, **options):
    """A model with angles in the whole circle, inputs, and targets of the loss's shape."""
    rng = np.random.default_rng(seed)
    config = QLSTMConfig(**options)
    params = init_params(config, rng)
    turns = rng.uniform(-np.pi, np.pi, (2, *params.entangler.shape))
    params = params._replace(entangler=turns[0], disentangler=turns[1])
    inputs = rng.uniform(-1, 1, (batch, n_steps, config.n_features))
    shape = (batch,) if config.loss == "last" else (batch, n_steps)
    shape += (config.n_outputs,) if config.n_outputs > 1 else ()
    return config, params, inputs, rng.uniform(-1, 1, shape)


def any_record(config, inputs, seed=1):
    """Outcomes at random."""
    shape = len(inputs), inputs.shape[1] - 1
    return np.random.default_rng(seed).integers(config.system_dim, size=shape)


def chosen(params, inputs, config):
    """What `collapse` chooses, ``(batch, n_steps - 1)``."""
    return np.array(one.forward(params, inputs, config).outcomes).T


def by_hand(params, sequence, config, record):
    """Outputs of one sequence whose outcomes were observed, from dense matrices."""
    matrix = dense.layers_matrix(params.disentangler[::-1], config.rotation)
    matrix = matrix @ dense.layers_matrix(params.entangler, config.rotation)
    z_last = dense.embed(dense.PAULI["RZ"], [config.n_system - 1], config.n_wires)
    memory, outputs = np.eye(config.ancilla_dim)[0], []
    for t, x in enumerate(sequence):
        a = x @ params.proj_weight + params.proj_bias
        psi = matrix @ np.kron(a / np.linalg.norm(a), memory)
        outputs.append((psi.conj() @ z_last @ psi).real)
        if t < len(record):
            branch = psi.reshape(config.system_dim, -1)[record[t]]
            memory = branch / np.linalg.norm(branch)
    return outputs


# -- values ------------------------------------------------------------------------


@every_circuit
@every_rotation
@every_rule
def test_what_collapse_chose_gives_what_collapse_gave(memory, rotation, circuit):
    """Bit for bit, and without a source of randomness."""
    config, params, inputs, targets = draw(rotation=rotation, **CIRCUITS[circuit])
    record = chosen(params, inputs, config)
    assert len(np.unique(record)) > 1
    given = QLSTMConfig(rotation=rotation, memory=memory, **CIRCUITS[circuit])
    np.testing.assert_array_equal(
        predict(params, inputs, given, all_steps=True, record=record),
        predict(params, inputs, config, all_steps=True),
    )
    loss, grads = loss_and_grad(params, inputs, targets, config)
    found, found_grads = loss_and_grad(params, inputs, targets, given, record=record)
    assert found == loss
    for ours, theirs in zip(found_grads, grads, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@every_rule
def test_what_was_drawn_gives_what_it_gave(memory):
    config, params, inputs, targets = draw(1, memory="sampled")
    run = one.forward(params, inputs, config, rng=np.random.default_rng(7))
    record = np.array(run.outcomes).T
    given = QLSTMConfig(memory=memory)
    y = predict(params, inputs, given, all_steps=True, record=record)
    np.testing.assert_array_equal(y.T, run.outputs)
    drawn = loss_and_grad(params, inputs, targets, config, rng=np.random.default_rng(7))
    found = loss_and_grad(params, inputs, targets, given, record=record)
    assert found[0] == drawn[0]
    for ours, theirs in zip(found[1], drawn[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("n_system, n_ancilla", [(1, 1), (2, 1), (1, 2), (2, 2)])
@every_rotation
@every_rule
def test_another_record_gives_its_branch(memory, rotation, n_system, n_ancilla):
    config, params, inputs, _ = draw(
        2, memory=memory, rotation=rotation, n_system=n_system, n_ancilla=n_ancilla
    )
    record = any_record(config, inputs)
    y = predict(params, inputs, config, all_steps=True, record=record)
    expected = [
        by_hand(params, sequence, config, outcomes)
        for sequence, outcomes in zip(inputs, record, strict=True)
    ]
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)
    same = [row.tolist() for row in record]  # a list of lists will do
    last = predict(params, inputs, config, record=same)
    np.testing.assert_array_equal(last, y[:, -1])


@every_rule
def test_all_records_together_are_mixed(memory):
    """``sum_r p(r) y(r)`` over every record r is the mean output."""
    config, params, inputs, _ = draw(3, batch=1, n_steps=3, memory=memory)
    records = np.array(list(product(range(4), repeat=2)))
    many = np.repeat(inputs, len(records), axis=0)
    rng = np.random.default_rng(0)
    ledger = trace(params, many, config, rng=rng, record=records)
    weights = ledger.record_probability[:, 1]
    assert weights.sum() == pytest.approx(1, abs=1e-13)
    mean = weights @ predict(params, many, config, record=records)
    mixed = QLSTMConfig(memory="mixed")
    np.testing.assert_allclose(mean, predict(params, inputs, mixed)[0], atol=1e-13)


@pytest.mark.parametrize("route", one.ROUTES)
def test_both_routes_take_a_record(route):
    config, params, inputs, targets = draw(4)
    record = any_record(config, inputs)
    found = one.reverse(params, inputs, targets, config, route, record=record.T)
    loss, grads = loss_and_grad(params, inputs, targets, config, record=record)
    assert found.loss == pytest.approx(loss, abs=1e-13)
    np.testing.assert_array_equal(found.forward.outcomes, record.T)
    np.testing.assert_allclose(
        checker.flatten(found.grads), checker.flatten(grads), rtol=0, atol=1e-12
    )


def test_more_sequences_than_a_chunk_keep_their_records():
    config, params, inputs, _ = draw(5, CHUNK + 3, 3, n_system=1, n_ancilla=1)
    record = any_record(config, inputs)
    y = predict(params, inputs, config, record=record)
    rows = [0, CHUNK - 1, CHUNK, CHUNK + 2]
    alone = predict(params, inputs[rows], config, record=record[rows])
    np.testing.assert_allclose(y[rows], alone, atol=1e-14)


@every_rule
def test_a_single_step_has_an_empty_record(memory):
    config, params, inputs, _ = draw(6, n_steps=1, memory=memory)
    empty = np.zeros((4, 0), dtype=int)
    y = predict(params, inputs, QLSTMConfig())
    np.testing.assert_array_equal(predict(params, inputs, config, record=empty), y)


@every_rule
def test_a_ledger_of_a_record(memory):
    config, params, inputs, _ = draw(7, memory=memory)
    record = any_record(config, inputs)
    ledger = trace(params, inputs, config, np.random.default_rng(0), record)
    np.testing.assert_array_equal(ledger.outcome[:, :-1], record)
    y = predict(params, inputs, config, all_steps=True, record=record)
    np.testing.assert_allclose(ledger.readout, y, atol=1e-13)
    for k, t in np.ndindex(record.shape):
        branch = ledger.state_out[k, t, record[k, t]]
        expected = branch / np.linalg.norm(branch)
        np.testing.assert_allclose(ledger.memory_after[k, t], expected, atol=1e-13)
    p = np.take_along_axis(ledger.outcome_probabilities[:, :-1], record[..., None], -1)
    np.testing.assert_allclose(
        ledger.record_probability[:, :-1], np.cumprod(p[..., 0], axis=1)
    )


# -- gradients -----------------------------------------------------------------------


@every_circuit
@every_rotation
@every_rule
def test_all_methods_agree_under_a_record(memory, rotation, circuit):
    """No outcome can switch, so that no margin matters."""
    config, params, inputs, targets = draw(
        8, memory=memory, rotation=rotation, **CIRCUITS[circuit]
    )
    record = any_record(config, inputs)

    def gradient(method):
        result = loss_gradient(params, inputs, targets, config, method, record=record)
        return checker.flatten(result.grads)

    exact = gradient("reverse")
    assert np.linalg.norm(exact) > 1e-3
    scale = max(1.0, np.abs(exact).max())
    for method, tolerance in METHODS.items():
        found = gradient(method)
        np.testing.assert_allclose(found, exact, rtol=0, atol=tolerance * scale)


def test_the_naive_shift_sees_the_record_too():
    """With a single step it is exact, so the record must reach its shifted runs."""
    config, params, inputs, targets = draw(9, n_steps=2, loss="all")
    record = any_record(config, inputs)
    naive, other = (
        loss_and_grad(
            params, inputs, targets, config, "naive-parameter-shift", record=outcomes
        )[1]
        for outcomes in (record, (record + 1) % 4)
    )
    assert np.abs(naive.entangler - other.entangler).max() > 1e-3


# -- errors --------------------------------------------------------------------------


def calls(params, inputs, targets, config, record):
    """Everything that takes a record."""
    yield lambda: predict(params, inputs, config, record=record)
    yield lambda: loss_and_grad(params, inputs, targets, config, record=record)
    yield lambda: loss_gradient(params, inputs, targets, config, record=record)
    yield lambda: trace(params, inputs, config, np.random.default_rng(0), record)


WRONG = {
    "shape": (
        lambda record: record[:, 1:],
        r"`record` must be integers of shape \(4, 3\), .* but is int64 of shape \(4, 2\)",
    ),
    "time first": (lambda record: record.T, r"of shape \(4, 3\).*of shape \(3, 4\)"),
    "kind": (lambda record: record + 0.0, r"must be integers .*but is float64"),
    "truth": (lambda record: record > 0, r"must be integers .*but is bool"),
    "too large": (
        lambda record: record * 0 + 4,
        r"`record` must lie in 0\.\.3, but holds 4 to 4",
    ),
    "negative": (
        lambda record: record - 3 * (record == record.min()),
        r"`record` must lie in 0\.\.3, but holds -3 to",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_records(what):
    config, params, inputs, targets = draw(10)
    change, message = WRONG[what]
    record = any_record(config, inputs)
    assert record.min() == 0
    for call in calls(params, inputs, targets, config, change(record)):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("memory", [m for m in one.MEMORIES if m not in RECORDED])
def test_rules_that_keep_no_outcome_take_no_record(memory):
    config, params, inputs, targets = draw(11, memory=memory)
    message = (
        "`record` needs a memory rule that keeps an outcome, but memory "
        f"'{memory}' keeps none"
    )
    for call in calls(params, inputs, targets, config, any_record(config, inputs)):
        with pytest.raises(ValueError, match=message):
            call()


@every_rotation
@every_rule
def test_an_impossible_outcome_is_named(memory, rotation):
    """Angles of zero leave two CNOTs, which cancel: the input is what is measured.

    With RX the probability is not 0 but 3e-64, which is rounding.
    """
    config, params, inputs, targets = draw(
        12, memory=memory, rotation=rotation, n_system=1, n_ancilla=1, n_layers=1
    )
    params = params._replace(
        proj_weight=np.zeros((1, 2)),
        proj_bias=np.array([2.0, 0.0]),
        entangler=np.zeros((1, 2)),
        disentangler=np.zeros((1, 2)),
    )
    record = np.zeros((4, 3), dtype=int)
    y = predict(params, inputs, config, record=record)
    np.testing.assert_allclose(y, 1, atol=1e-14)
    record[2, 1] = 1
    message = (
        "`record` must hold outcomes of positive probability, but outcome 1 has "
        "probability "
    )
    for call in calls(params, inputs, targets, config, record):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_record_is_not_modified():
    config, params, inputs, targets = draw(13)
    record = any_record(config, inputs)
    record.flags.writeable = False
    for call in calls(params, inputs, targets, config, record):
        call()
