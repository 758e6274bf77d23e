"""Regressors in the manners of scikit-learn, which they do not need.

`QLSTMRegressor` is the quantum LSTM, `BaselineRegressor` any forecaster of
`qlstm.forecasting`, so that both compete in one grid search. A row of ``X`` is a
window, a column of ``y`` a value to forecast.
"""

from qlstm.estimator.baseline import BaselineRegressor
from qlstm.estimator.quantum import QLSTMRegressor

__all__ = ["BaselineRegressor", "QLSTMRegressor"]
