"""Regressors in the manners of scikit-learn, without scikit-learn."""

import io
import pickle

import numpy as np
import pytest

import qlstm
from qlstm import QLSTMRegressor
from qlstm.estimator import BaselineRegressor
from qlstm.forecasting import Quantum, make_forecaster, r2

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (30, 4))
Y = X[:, -1] / 2 - X[:, -2] / 4


def small(**options):
    return QLSTMRegressor(**{"epochs": 3, "random_state": 0} | options)


def test_it_is_the_forecaster_to_the_bit():
    ours = small(rotation="RY", memory="mixed", n_layers=1).fit(X, Y)
    config = qlstm.QLSTMConfig(
        rotation="RY", memory="mixed", n_layers=1, readout="affine"
    )
    theirs = Quantum(config, epochs=3).fit(
        X[..., None], Y, rng=np.random.default_rng(0)
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X[..., None]))
    assert ours.config_ == theirs.config
    assert ours.history_["loss"] == theirs.history["loss"]
    assert (ours.n_iter_, ours.n_features_in_) == (3, 4)


def test_columns_are_step_by_step():
    steps = RNG.uniform(-1, 1, (30, 4, 2))
    flat = small(n_features=2).fit(steps.reshape(30, 8), Y)
    deep = small().fit(steps, Y)
    np.testing.assert_array_equal(
        flat.predict(steps.reshape(30, 8)), deep.predict(steps)
    )
    assert flat.config_.n_features == 2 and flat.n_features_in_ == 8


def test_an_ensemble_is_the_mean_of_models_trained_alone():
    ours = small(n_members=3).fit(X, Y)
    assert len(ours.params_) == len(ours.history_) == 3
    alone = []
    for rng in np.random.default_rng(0).spawn(3):
        model = Quantum(qlstm.QLSTMConfig(readout="affine"), epochs=3)
        alone.append(model.fit(X[..., None], Y, rng=rng).predict(X[..., None]))
    np.testing.assert_allclose(ours.predict(X), np.mean(alone, axis=0), rtol=1e-12)


@pytest.mark.parametrize("memory", ["collapse", "sampled"])
@pytest.mark.parametrize("share", [0.0, 0.2])
def test_a_warm_start_goes_on_to_the_bit(memory, share):
    options = {"memory": memory, "validation_share": share}
    long = small(epochs=5, **options).fit(X, Y)
    short = small(epochs=2, warm_start=True, **options).fit(X, Y)
    short.set_params(epochs=3).fit(X, Y)
    np.testing.assert_array_equal(short.predict(X), long.predict(X))
    assert short.history_["loss"] == long.history_["loss"]
    assert short.n_iter_ == 5


def test_a_warm_start_takes_new_windows_of_the_same_sizes():
    model = small(warm_start=True).fit(X, Y)
    before = model.history_["loss"][-1]
    model.fit(X[:20] * 0.9, Y[:20])
    assert model.n_iter_ == 6 and model.history_["loss"][-1] < before
    with pytest.raises(ValueError, match="had the layout .4, 1, None."):
        model.fit(X[:, :3], Y)
    with pytest.raises(ValueError, match="must be those of the last `fit` with"):
        model.set_params(memory="mixed").fit(X, Y)
    with pytest.raises(ValueError, match="`n_members` must be 1 with `warm_start`"):
        small(warm_start=True, n_members=2).fit(X, Y)


def test_without_a_warm_start_fitting_again_starts_anew():
    model = small()
    first = model.fit(X, Y).predict(X)
    np.testing.assert_array_equal(model.fit(X, Y).predict(X), first)


def test_targets_may_be_vectors_with_a_wire_each():
    many = np.stack([Y, -Y, Y / 2], axis=1)
    model = small().fit(X, many)
    assert model.predict(X).shape == (30, 3)
    assert (model.config_.n_system, model.config_.n_outputs) == (3, 3)
    with pytest.raises(ValueError, match="`n_outputs` must be at most `n_system`"):
        small(n_system=2).fit(X, many)


def test_the_last_windows_only_measure():
    model = small(validation_share=0.5, epochs=2).fit(X, Y)
    assert len(model.history_["val_loss"]) == 2
    other = Y.copy()
    other[15:] += 3
    again = small(validation_share=0.5, epochs=2).fit(X, other)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))


def test_the_score_is_r2():
    model = small().fit(X, Y)
    assert model.score(X, Y) == pytest.approx(r2(model.predict(X), Y), rel=1e-12)
    weights = np.repeat([1.0, 0.0], 15)
    part = model.score(X[:15], Y[:15])
    assert model.score(X, Y, sample_weight=weights) == pytest.approx(part, rel=1e-12)
    assert model.score(X, np.ones(30)) == 0.0
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X, Y[:5])


@pytest.mark.parametrize(
    "seed", [3, np.random.RandomState(3), np.random.default_rng(3)]
)
def test_randomness_has_a_source(seed):
    found = small(random_state=seed).fit(X, Y).predict(X)
    assert np.isfinite(found).all()
    assert not np.array_equal(found, small(random_state=4).fit(X, Y).predict(X))


def test_options_are_kept_as_they_are_given():
    model = QLSTMRegressor(epochs=7, memory="reset")
    params = model.get_params()
    assert params["epochs"] == 7 and params["memory"] == "reset"
    assert QLSTMRegressor(**params).get_params() == params
    assert repr(model) == "QLSTMRegressor(memory='reset', epochs=7)"
    assert model.set_params(epochs=8) is model and model.epochs == 8
    with pytest.raises(
        ValueError, match="Invalid parameter 'epoch' for QLSTMRegressor"
    ):
        model.set_params(epoch=8)
    with pytest.raises(TypeError, match="positional"):
        QLSTMRegressor(2)


def test_a_pickle_predicts_the_same():
    model = small().fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_names_of_columns_are_remembered():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model = small().fit(frame, Y)
    assert model.feature_names_in_.tolist() == list("abcd")
    np.testing.assert_array_equal(model.predict(frame), model.predict(X))
    with pytest.raises(ValueError, match="names should match"):
        model.predict(frame[list("bacd")])
    assert not hasattr(model.fit(X, Y), "feature_names_in_")


@pytest.mark.parametrize("name", ["persistence", "drift", "mean", "ar", "ridge", "rnn"])
def test_a_baseline_is_its_forecaster(name):
    options = {"epochs": 1} if name == "rnn" else {}
    ours = BaselineRegressor(name, random_state=0, **options).fit(X, Y)
    theirs = make_forecaster(name, **options).fit(
        X[..., None], Y, rng=np.random.default_rng(0)
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X[..., None]))


def test_a_baseline_has_the_options_of_the_named_one():
    model = BaselineRegressor("ar", p=2)
    assert model.get_params()["p"] == 2
    assert BaselineRegressor(**model.get_params()).get_params() == model.get_params()
    model.set_params(name="ridge", penalty=0.5)
    assert "p" not in model.get_params() and model.get_params()["penalty"] == 0.5
    model.fit(X, Y)
    with pytest.raises(ValueError, match="Invalid parameter 'p'"):
        model.set_params(p=3)
    with pytest.raises(ValueError, match="`p` must be an option of ridge, which has"):
        BaselineRegressor("ridge", p=3).fit(X, Y)
    with pytest.raises(ValueError, match="`name` must be one of"):
        BaselineRegressor("magic").fit(X, Y)


@pytest.mark.parametrize(
    ("inputs", "targets", "error", "message"),
    [
        (X[0], Y, ValueError, "Expected 2D array .* Reshape your data"),
        (X, None, ValueError, "requires y to be passed, but the target y is None"),
        (X, Y[:5], ValueError, "inconsistent numbers of samples"),
        (X * np.nan, Y, ValueError, "Input X contains NaN"),
        (X, Y * np.inf, ValueError, "Input y contains"),
        (X * 1j, Y, ValueError, "Complex data not supported"),
        (X[:0], Y[:0], ValueError, r"0 sample\(s\) .* a minimum of 1"),
        (X[:, :0], Y, ValueError, r"0 feature\(s\) .* a minimum of 1"),
        (np.float64(1), Y, ValueError, "got scalar array"),
    ],
)
def test_what_cannot_be_fitted_is_said(inputs, targets, error, message):
    with pytest.raises(error, match=message):
        small().fit(inputs, targets)


def test_other_windows_are_refused():
    class Sparse:
        def toarray(self):
            raise AssertionError

    with pytest.raises(TypeError, match="Sparse data were passed for X"):
        small().fit(Sparse(), Y)
    with pytest.raises(ValueError, match="is not fitted yet: call `fit` first"):
        small().predict(X)
    model = small().fit(X, Y)
    with pytest.raises(ValueError, match="X has 3 features, but QLSTMRegressor is exp"):
        model.predict(X[:, :3])
    with pytest.raises(ValueError, match="a multiple of 3 columns"):
        small(n_features=3).fit(X, Y)
    with pytest.raises(ValueError, match="`validation_share` must leave a window"):
        small(validation_share=0.9).fit(X[:1], Y[:1])
    with pytest.raises(AttributeError, match="_model"):
        _ = small().params_
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = qlstm.Nothing


def test_the_package_lists_it():
    assert qlstm.QLSTMRegressor is QLSTMRegressor
    assert "QLSTMRegressor" in qlstm.__all__


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_is_shown_on_a_terminal_alone(terminal, monkeypatch):
    class Stream(io.StringIO):
        def isatty(self):
            return terminal

    stream = Stream()
    monkeypatch.setattr("sys.stderr", stream)
    model = small(verbose=True, warm_start=True).fit(X, Y)
    for text in ("epoch 1/3", "epoch 4/6"):
        assert (text in stream.getvalue()) is terminal
        stream.truncate(0)
        model.fit(X, Y)
