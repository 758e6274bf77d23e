"""The quantum cell that is not trained, and its readout."""

import numpy as np
import pytest

from qlstm import QLSTMConfig, init_params
from qlstm.forecasting.baselines import Reservoir
from qlstm.forecasting.baselines import reservoir as module
from qlstm.forecasting.baselines.linear import fit_ridge
from qlstm.forecasting.baselines.reservoir import reservoir_features
from qlstm.insight import trace
from qlstm.params import MEMORIES

CONFIG = QLSTMConfig(rotation="RY", memory="probabilities")


def data(n=20, n_steps=4, n_features=1):
    """Windows and targets."""
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (n, n_steps, n_features)), rng.normal(size=n)


def fitted(forecaster, inputs, targets, seed=3):
    """The forecaster after its fit."""
    return forecaster.fit(inputs, targets, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("rotation", ["RX", "RY"])
def test_features_are_the_joint_probabilities_of_the_last_steps(rotation, memory):
    config = QLSTMConfig(n_system=2, n_ancilla=1, rotation=rotation, memory=memory)
    params = init_params(config, np.random.default_rng(1))
    inputs, _ = data()

    def draws():
        return np.random.default_rng(2)

    features = reservoir_features(params, inputs, config, 3, draws())
    assert features.shape == (20, 3 * 8)
    p = features.reshape(20, 3, 4, 2)
    ledger = trace(params, inputs, config, rng=draws())
    expected = ledger.outcome_probabilities[:, -3:]
    np.testing.assert_allclose(p.sum(axis=3), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(p.sum(axis=(2, 3)), 1, rtol=0, atol=1e-12)
    readout = p.sum(axis=3) @ [1.0, -1.0, 1.0, -1.0]
    np.testing.assert_allclose(readout, ledger.readout[:, -3:], rtol=0, atol=1e-12)


def test_the_next_memory_is_made_of_the_features():
    """Under `probabilities` the memory is the ancilla's share, normalized."""
    params = init_params(CONFIG, np.random.default_rng(1))
    inputs, _ = data()
    features = reservoir_features(params, inputs, CONFIG, 1, np.random.default_rng(2))
    p = features.reshape(20, 4, 4).sum(axis=1)
    memory = trace(params, inputs, CONFIG).memory_after[:, -1]
    expected = p / np.linalg.norm(p, axis=1, keepdims=True)
    np.testing.assert_allclose(memory, expected, rtol=0, atol=1e-12)


def test_the_cell_is_the_one_a_quantum_model_starts_from():
    model = fitted(Reservoir(CONFIG), *data())
    init_rng, *_ = np.random.default_rng(3).spawn(3)
    for ours, expected in zip(model.params, init_params(CONFIG, init_rng), strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("steps, n_params", [(1, 17), (4, 65)])
def test_the_readout_is_ridge_regression(steps, n_params):
    inputs, targets = data()
    model = fitted(Reservoir(CONFIG, readout_steps=steps), inputs, targets)
    rng = np.random.default_rng(0)  # not used by this rule
    features = reservoir_features(model.params, inputs, CONFIG, steps, rng)
    readout, penalty = fit_ridge(features, targets[:, None], None)
    assert (model.n_params, model.penalty) == (n_params, penalty)
    np.testing.assert_array_equal(model.predict(inputs), readout(features)[:, 0])
    strict = fitted(Reservoir(CONFIG, penalty=7.0), inputs, targets)
    assert strict.penalty == 7.0


@pytest.mark.parametrize(
    "options", [{"encoding": "angle"}, {"readout": "affine", "predicts": "change"}]
)
def test_other_cells_are_read_out_alike(options):
    inputs, targets = data()
    model = fitted(Reservoir(QLSTMConfig(**options)), inputs, targets)
    assert (model.n_params, model.predict(inputs).shape) == (17, (20,))


def test_leads_share_the_cell():
    inputs, targets = data()
    model = fitted(
        Reservoir(CONFIG, penalty=0.1), inputs, np.column_stack([targets, -targets])
    )
    predicted = model.predict(inputs[:3])
    assert (predicted.shape, model.n_params) == ((3, 2), 34)
    np.testing.assert_allclose(predicted[:, 0], -predicted[:, 1], atol=1e-12)


def test_the_number_of_features_comes_from_the_data():
    inputs, targets = data(n_features=2)
    assert fitted(Reservoir(CONFIG), inputs, targets).config.n_features == 2
    with pytest.raises(ValueError, match=r"`inputs` must have shape .* 3\)"):
        fitted(Reservoir(QLSTMConfig(n_features=3)), inputs, targets)


def test_the_same_seed_gives_the_same_bits_even_where_outcomes_are_drawn():
    inputs, targets = data()
    forecaster = Reservoir(QLSTMConfig(memory="sampled"))
    first, again, other = (fitted(forecaster, inputs, targets, s) for s in (1, 1, 2))
    predicted = first.predict(inputs)
    np.testing.assert_array_equal(predicted, first.predict(inputs))
    np.testing.assert_array_equal(predicted, again.predict(inputs))
    assert (predicted != other.predict(inputs)).all()


def test_many_windows_are_run_in_parts(monkeypatch):
    params = init_params(CONFIG, np.random.default_rng(1))
    inputs, _ = data()
    whole = reservoir_features(params, inputs, CONFIG, 2, np.random.default_rng(2))
    monkeypatch.setattr(module, "CHUNK", 7)
    parts = reservoir_features(params, inputs, CONFIG, 2, np.random.default_rng(2))
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-14)


def test_options_are_checked():
    with pytest.raises(ValueError, match="`readout_steps` must be at least 1"):
        Reservoir(readout_steps=0)
    with pytest.raises(ValueError, match="`penalty` must be None, or finite"):
        Reservoir(penalty=-1.0)
    text = "`readout_steps` must be at most the 4 steps of a window, but is 5"
    with pytest.raises(ValueError, match=text):
        fitted(Reservoir(readout_steps=5), *data())
