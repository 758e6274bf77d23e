"""Regressors in the hands of scikit-learn; skipped without it."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from qlstm import QLSTMRegressor
from qlstm.estimator import BaselineRegressor

OPTIONS = "its options are those of the named forecaster, so it takes **options"
IMPOSSIBLE = {
    "check_no_attributes_set_in_init": OPTIONS,
    "check_do_not_raise_errors_in_init_or_set_param": OPTIONS,
    "check_do_not_raise_errors_in_init_or_set_params": OPTIONS,  # its name since 1.7
}
QUICK = {"epochs": 2, "batch_size": 50}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "impossible"),
    [
        (QLSTMRegressor(**QUICK), {}),
        (QLSTMRegressor(**QUICK, n_members=2, memory="mixed", rotation="RY"), {}),
        (QLSTMRegressor(**QUICK, warm_start=False, validation_share=0.2), {}),
        (BaselineRegressor("ar"), IMPOSSIBLE),
        (BaselineRegressor("ridge"), IMPOSSIBLE),
        (BaselineRegressor("lstm", epochs=1), IMPOSSIBLE),
    ],
    ids=str,
)
def test_the_checks_of_scikit_learn_pass(model, impossible):
    found = check_estimator(model, expected_failed_checks=impossible, on_fail=None)
    failed = {one["check_name"] for one in found if one["status"] == "failed"}
    assert not failed
    assert len(found) > 40
    skipped = {one["check_name"] for one in found if one["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}


def waves():
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(80) / 3) + 0.1 * rng.normal(size=80)
    windows = np.lib.stride_tricks.sliding_window_view(values, 6)
    return windows[:, :5], windows[:, 5]


@pytest.mark.filterwarnings("ignore:.*targets cannot be met")
def test_a_grid_search_over_memories_in_a_pipeline():
    X, y = waves()
    pipeline = make_pipeline(StandardScaler(), QLSTMRegressor(epochs=3, random_state=0))
    grid = {"qlstmregressor__memory": ["collapse", "mixed"]}
    grid["qlstmregressor__n_layers"] = [1, 2]
    search = GridSearchCV(pipeline, grid, cv=TimeSeriesSplit(3)).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 4 and search.best_score_ == scores.max()
    again = clone(search.best_estimator_).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


def test_baselines_compete_in_one_grid():
    X, y = waves()
    grid = [
        {"name": ["ar"], "p": [1, 3]},
        {"name": ["ridge"], "penalty": [0.1, 1.0]},
        {"name": ["persistence"]},
    ]
    search = GridSearchCV(BaselineRegressor(), grid, cv=TimeSeriesSplit(3)).fit(X, y)
    assert len(search.cv_results_["params"]) == 5
    one = clone(BaselineRegressor("ar", p=3))
    mean = cross_val_score(one, X, y, cv=TimeSeriesSplit(3)).mean()
    assert search.cv_results_["mean_test_score"][1] == pytest.approx(mean)


def test_its_error_is_that_of_scikit_learn():
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        QLSTMRegressor().predict([[0.0]])
