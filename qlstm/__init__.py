"""A quantum LSTM in NumPy, with hand-written gradients and optimizer."""

from qlstm.adam import AdamState, adam_init, adam_update
from qlstm.gradient import LossGradient, loss_and_grad, loss_gradient
from qlstm.model import predict
from qlstm.params import (
    DISENTANGLERS,
    MEMORIES,
    PAPER_MEMORIES,
    ROTATIONS,
    QLSTMConfig,
    QLSTMParams,
    init_params,
)
from qlstm.store import load_model, load_state, save_model, save_state
from qlstm.train import TrainState, fit, train, train_init

__all__ = [
    "DISENTANGLERS",
    "MEMORIES",
    "PAPER_MEMORIES",
    "ROTATIONS",
    "AdamState",
    "LossGradient",
    "QLSTMConfig",
    "QLSTMParams",
    "TrainState",
    "adam_init",
    "adam_update",
    "fit",
    "init_params",
    "load_model",
    "load_state",
    "loss_and_grad",
    "loss_gradient",
    "predict",
    "save_model",
    "save_state",
    "train",
    "train_init",
]
