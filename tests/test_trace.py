"""The ledger of every step, and the monitor of training, recomputed independently."""

from dataclasses import replace

import dense
import numpy as np
import one
import pytest
from scipy.linalg import logm

from qlstm import QLSTMConfig, fit, init_params, predict
from qlstm.insight import EntanglementMonitor, trace
from qlstm.insight.trace import MONITOR_SEQUENCES
from qsim import circuit_matrix
from qsim.entanglement import entanglement_entropy, operator_schmidt

VECTORS = tuple(memory for memory in one.MEMORIES if memory != "mixed")
RECORDED = ("collapse", "sampled")
KEYS = ("S_en", "S_out", "K_en", "K_dis", "K_step")
every_rotation = pytest.mark.parametrize("rotation", ["RX", "RY"])


def draw(seed=0, batch=3, n_steps=4, **options):
    """A model and sequences."""
    rng = np.random.default_rng(seed)
    config = QLSTMConfig(**options)
    params = init_params(config, rng)
    return params, rng.uniform(-1, 1, (batch, n_steps, config.n_features)), config


def ledger_of(params, inputs, config, seed=7):
    """The ledger; `sampled` always draws the same."""
    return trace(params, inputs, config, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("disentangler", ["flip", "inverse"])
@pytest.mark.parametrize("sizes", [(1, 1), (1, 2), (2, 2), (3, 1)])
@every_rotation
@pytest.mark.parametrize("memory", VECTORS)
def test_the_states_are_those_of_the_slow_model(memory, rotation, sizes, disentangler):
    params, inputs, config = draw(
        1,
        n_system=sizes[0],
        n_ancilla=sizes[1],
        rotation=rotation,
        memory=memory,
        disentangler=disentangler,
    )
    ledger = ledger_of(params, inputs, config)
    u_en = dense.layers_matrix(params.entangler, rotation)
    order = -1 if disentangler == "flip" else 1
    u_dis = dense.layers_matrix(params.disentangler[::order], rotation)
    if disentangler == "inverse":
        u_dis = u_dis.conj().T
    for at in np.ndindex(*ledger.readout.shape):
        psi = np.kron(ledger.encoded[at], ledger.memory_before[at])
        for state in (ledger.state_en, ledger.state_out):
            psi = (u_en if state is ledger.state_en else u_dis) @ psi
            np.testing.assert_allclose(state[at].ravel(), psi, atol=1e-13)


@every_rotation
@pytest.mark.parametrize("memory", VECTORS)
def test_entropies_are_the_simulator_s(memory, rotation):
    params, inputs, config = draw(2, rotation=rotation, memory=memory)
    ledger = ledger_of(params, inputs, config)
    for state, entropy in (
        (ledger.state_en, ledger.S_en),
        (ledger.state_out, ledger.S_out),
    ):
        expected = entanglement_entropy(state.reshape(-1, 2, 2, 2, 2), [0, 1])
        np.testing.assert_allclose(entropy.ravel(), expected, atol=1e-10)
    np.testing.assert_array_equal(ledger.forgotten, ledger.S_en - ledger.S_out)


@every_rotation
@pytest.mark.parametrize("memory", VECTORS)
def test_spectra_are_squared_schmidt_coefficients(memory, rotation):
    params, inputs, config = draw(
        3, rotation=rotation, memory=memory, n_system=1, n_ancilla=2
    )
    ledger = ledger_of(params, inputs, config)
    for state, spectrum in (
        (ledger.state_en, ledger.spectrum_en),
        (ledger.state_out, ledger.spectrum_out),
    ):
        squares = np.linalg.svd(state, compute_uv=False) ** 2
        np.testing.assert_allclose(spectrum[..., :2], squares, atol=1e-13)
        np.testing.assert_allclose(spectrum[..., 2:], 0, atol=1e-13)


@pytest.mark.parametrize("memory", one.MEMORIES)
def test_angle_encoding_has_a_ledger_too(memory):
    params, inputs, config = draw(16, memory=memory, encoding="angle")
    ledger = ledger_of(params, inputs, config)
    rng = np.random.default_rng(7)
    y = predict(params, inputs, config, all_steps=True, rng=rng)
    np.testing.assert_allclose(ledger.readout, y, atol=1e-13)
    assert ledger.encoded.shape == (3, 4, 8)
    for state, entropy in (
        (ledger.state_en, ledger.S_en),
        (ledger.state_out, ledger.S_out),
    ):
        if memory != "mixed":
            expected = entanglement_entropy(state.reshape(-1, 2, 2, 2, 2), [0, 1])
            np.testing.assert_allclose(entropy.ravel(), expected, atol=1e-10)
        assert 0 <= entropy.min() <= entropy.max() <= 2


def bits(rho):
    """Entropy by the matrix logarithm; a little identity keeps it finite."""
    rho = rho + 1e-14 * np.eye(len(rho))
    return -np.trace(rho @ logm(rho)).real / np.log(2)


@pytest.mark.parametrize("sizes", [(1, 1), (2, 2), (1, 2)])
@every_rotation
def test_mixed_has_half_the_mutual_information(rotation, sizes):
    params, inputs, config = draw(
        4, rotation=rotation, memory="mixed", n_system=sizes[0], n_ancilla=sizes[1]
    )
    ledger = trace(params, inputs, config)
    d_s, d_a = config.system_dim, config.ancilla_dim
    for state, found in (
        (ledger.state_en, ledger.S_en),
        (ledger.state_out, ledger.S_out),
    ):
        for at in np.ndindex(*found.shape):
            tensor = state[at].reshape(d_s, d_a, d_s, d_a)
            system = np.einsum("iaja->ij", tensor)
            ancilla = np.einsum("iaib->ab", tensor)
            expected = (bits(system) + bits(ancilla) - bits(state[at])) / 2
            np.testing.assert_allclose(found[at], expected, atol=1e-6)
            top = np.linalg.eigvalsh(ancilla)[::-1]
            which = ledger.spectrum_en if found is ledger.S_en else ledger.spectrum_out
            np.testing.assert_allclose(which[at], top, atol=1e-12)


def test_mixed_agrees_with_pure_states_in_the_first_step():
    params, inputs, config = draw(5, n_steps=1)
    pure, mixed = (
        trace(params, inputs, replace(config, memory=m)) for m in ("collapse", "mixed")
    )
    np.testing.assert_allclose(mixed.S_en, pure.S_en, atol=1e-7)
    np.testing.assert_allclose(mixed.S_out, pure.S_out, atol=1e-7)


@pytest.mark.parametrize("memory", one.MEMORIES)
def test_the_readout_is_the_prediction(memory):
    params, inputs, config = draw(6, memory=memory)
    ledger = ledger_of(params, inputs, config)
    y = predict(params, inputs, config, all_steps=True, rng=np.random.default_rng(7))
    np.testing.assert_allclose(ledger.readout, y, atol=1e-14)
    signs = np.array([1, -1, 1, -1])
    np.testing.assert_allclose(ledger.outcome_probabilities @ signs, y, atol=1e-13)


@pytest.mark.parametrize("memory", one.MEMORIES)
def test_each_memory_enters_the_next_step(memory):
    params, inputs, config = draw(7, memory=memory)
    ledger = ledger_of(params, inputs, config)
    np.testing.assert_array_equal(
        ledger.memory_after[:, :-1], ledger.memory_before[:, 1:]
    )
    first = ledger.memory_before[:, 0].reshape(len(inputs), -1)
    np.testing.assert_array_equal(first, np.eye(first.shape[1])[[0] * len(inputs)])
    longer = np.concatenate([inputs, inputs[:, :1]], axis=1)
    expected = ledger_of(params, longer, config).memory_before[:, -1]
    np.testing.assert_allclose(ledger.memory_after[:, -1], expected, atol=1e-15)


@pytest.mark.parametrize("memory", RECORDED)
def test_the_record_is_kept_with_its_probability(memory):
    params, inputs, config = draw(8, memory=memory, batch=6)
    ledger = ledger_of(params, inputs, config)
    assert ledger.outcome.dtype == np.int64
    assert len(np.unique(ledger.outcome)) > 1
    for k in range(6):
        so_far = 1.0
        for t in range(4):
            i = ledger.outcome[k, t]
            branch = ledger.state_out[k, t, i]
            p = np.linalg.norm(branch) ** 2
            so_far *= p
            np.testing.assert_allclose(ledger.outcome_probabilities[k, t, i], p)
            np.testing.assert_allclose(ledger.record_probability[k, t], so_far)
            np.testing.assert_allclose(
                ledger.memory_after[k, t], branch / np.sqrt(p), atol=1e-14
            )
    if memory == "collapse":
        likeliest = ledger.outcome_probabilities.argmax(axis=-1)
        np.testing.assert_array_equal(ledger.outcome, likeliest)


@pytest.mark.parametrize("memory", [m for m in one.MEMORIES if m not in RECORDED])
def test_rules_without_an_outcome_say_minus_one(memory):
    params, inputs, config = draw(9, memory=memory)
    ledger = trace(params, inputs, config)
    assert (ledger.outcome == -1).all()
    assert np.isnan(ledger.record_probability).all()


@pytest.mark.parametrize("memory", one.MEMORIES)
def test_the_margin_separates_the_two_likeliest(memory):
    params, inputs, config = draw(10, memory=memory)
    ledger = ledger_of(params, inputs, config)
    for at in np.ndindex(*ledger.margin.shape):
        first, second = sorted(ledger.outcome_probabilities[at], reverse=True)[:2]
        assert abs(ledger.margin[at] - (first - second)) < 1e-15


def test_the_frame_has_a_row_for_each_step():
    params, inputs, config = draw(11, batch=2, n_steps=3)
    ledger = trace(params, inputs, config)
    frame = ledger.to_frame()
    assert list(frame.columns) == [
        "sequence",
        "step",
        "readout",
        "S_en",
        "S_out",
        "forgotten",
        "outcome_entropy",
        "margin",
        "outcome",
        "record_probability",
    ]
    assert frame["sequence"].tolist() == [0, 0, 0, 1, 1, 1]
    assert frame["step"].tolist() == [0, 1, 2, 0, 1, 2]
    row = frame.query("sequence == 1 and step == 2").iloc[0]
    p = ledger.outcome_probabilities[1, 2]
    assert row["readout"] == ledger.readout[1, 2]
    assert row["forgotten"] == ledger.S_en[1, 2] - ledger.S_out[1, 2]
    assert row["outcome"] == ledger.outcome[1, 2]
    np.testing.assert_allclose(row["outcome_entropy"], -(p * np.log2(p)).sum())


def test_arguments_are_not_modified():
    params, inputs, config = draw(12)
    copies = [array.copy() for array in (*params, inputs)]
    trace(params, inputs, config)
    for before, after in zip(copies, (*params, inputs), strict=True):
        np.testing.assert_array_equal(before, after)


def test_wrong_inputs_are_refused():
    params, inputs, config = draw(13)
    with pytest.raises(ValueError, match="Argument `inputs` must have shape"):
        trace(params, inputs[0], config)
    with pytest.raises(ValueError, match="Argument `rng` must be"):
        trace(params, inputs, replace(config, memory="sampled"))


# -- the monitor -------------------------------------------------------------------


def monitored(memory, batch, **options):
    """Two epochs with and one epoch without the monitor's numbers, from the same seed."""
    params, inputs, config = draw(14, batch=batch, memory=memory, **options)
    fitted, history = fit(
        params,
        inputs,
        np.zeros(batch),
        config,
        epochs=2,
        rng=np.random.default_rng(0),
        monitor=EntanglementMonitor(inputs, config, np.random.default_rng(3)),
    )
    return fitted, history, inputs, config


@pytest.mark.parametrize("disentangler", ["flip", "inverse"])
@every_rotation
@pytest.mark.parametrize("memory", ["collapse", "probabilities", "mixed", "reset"])
def test_the_monitor_s_last_numbers_are_those_of_the_result(
    memory, rotation, disentangler
):
    fitted, history, inputs, config = monitored(
        memory, 6, rotation=rotation, disentangler=disentangler
    )
    ledger = trace(fitted, inputs, config)
    order = -1 if disentangler == "flip" else 1
    u_en = circuit_matrix(fitted.entangler, rotation)
    u_dis = circuit_matrix(fitted.disentangler[::order], rotation)
    strengths = []
    step = (u_dis if disentangler == "flip" else u_dis.conj().T) @ u_en
    for unitary in (
        u_en,
        u_dis,
        step,
    ):  # a unitary and its adjoint have the same strength
        p = operator_schmidt(unitary, (4, 4)).probabilities
        p = p[p > 1e-15]
        strengths.append(-(p * np.log2(p)).sum())
    expected = [ledger.S_en.mean(), ledger.S_out.mean(), *strengths]
    for key, value in zip(KEYS, expected, strict=True):
        assert len(history[key]) == 2
        assert abs(history[key][-1] - value) < 1e-9, key


def test_it_looks_at_no_more_than_some_sequences():
    batch = 2 * MONITOR_SEQUENCES + 7
    fitted, history, inputs, config = monitored("probabilities", batch)
    rows = np.linspace(0, batch - 1, MONITOR_SEQUENCES).astype(int)
    assert rows[0] == 0
    assert rows[-1] == batch - 1
    expected = trace(fitted, inputs[rows], config).S_out.mean()
    assert abs(history["S_out"][-1] - expected) < 1e-12
    assert abs(expected - trace(fitted, inputs, config).S_out.mean()) > 1e-6


def test_it_draws_for_sampled():
    fitted, history, inputs, config = monitored("sampled", 5)
    seed = int(np.random.default_rng(3).integers(2**63))
    ledger = ledger_of(fitted, inputs, config, seed)
    assert abs(history["S_en"][-1] - ledger.S_en.mean()) < 1e-12
    assert abs(history["S_out"][-1] - ledger.S_out.mean()) < 1e-12
    assert np.isfinite([history[key] for key in KEYS]).all()


def test_it_draws_the_same_for_each_epoch_and_each_model():
    params, inputs, config = draw(14, batch=5, memory="sampled")
    other, _, _ = draw(15, memory="sampled")
    monitor = EntanglementMonitor(inputs, config, np.random.default_rng(3))
    first, second, third = monitor([params, other, params])
    assert first == third != second
    assert monitor([params]) == [first]
    assert monitor([other]) == [second]
    again = EntanglementMonitor(inputs, config, np.random.default_rng(4))
    assert again([params]) != [first]


def test_it_does_not_move_a_generator_of_the_run():
    params, inputs, config = draw(14, batch=5, memory="sampled")
    runs = [
        fit(
            params,
            inputs,
            np.zeros(5),
            config,
            epochs=3,
            rng=np.random.default_rng(0),
            monitor=monitor,
        )
        for monitor in (
            None,
            EntanglementMonitor(inputs, config, np.random.default_rng(3)),
        )
    ]
    (blind, plain), (fitted, history) = runs
    assert history["loss"] == plain["loss"]
    for first, second in zip(fitted, blind, strict=True):
        np.testing.assert_array_equal(first, second)


def test_it_needs_a_generator_for_a_rule_that_draws():
    _, inputs, config = draw(14, memory="sampled")
    with pytest.raises(TypeError, match="Argument `rng` must be"):
        EntanglementMonitor(inputs, config)


def test_it_checks_its_inputs():
    _, inputs, config = draw(14)
    with pytest.raises(ValueError, match="Argument `inputs` must have shape"):
        EntanglementMonitor(inputs[0], config)


@pytest.mark.parametrize("memory", ["collapse", "probabilities", "mixed"])
def test_watching_changes_nothing(memory):
    fitted, history, inputs, config = monitored(memory, 5)
    params = draw(14, batch=5, memory=memory)[0]
    rng = np.random.default_rng(0)
    blind, plain = fit(params, inputs, np.zeros(5), config, epochs=2, rng=rng)
    assert history["loss"] == plain["loss"]
    assert not set(KEYS) & set(plain)
    for first, second in zip(fitted, blind, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_monitor_is_callable():
    params, inputs, config = draw(15)
    with pytest.raises(TypeError, match="`monitor` must be callable, but is 'entropy'"):
        fit(
            params,
            inputs,
            np.zeros(3),
            config,
            epochs=1,
            rng=np.random.default_rng(0),
            monitor="entropy",
        )
