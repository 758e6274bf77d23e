"""A quantum LSTM in NumPy, with hand-written gradients and optimizer."""

from qlstm.adam import AdamState, adam_init, adam_update
from qlstm.model import loss_and_grad, predict
from qlstm.params import QLSTMConfig, QLSTMParams, init_params

__all__ = [
    "AdamState",
    "QLSTMConfig",
    "QLSTMParams",
    "adam_init",
    "adam_update",
    "init_params",
    "loss_and_grad",
    "predict",
]
