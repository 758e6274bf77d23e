"""A quantum LSTM in NumPy, with hand-written gradients and optimizer."""

from typing import TYPE_CHECKING, Any

from qlstm.adam import AdamState, adam_init, adam_update
from qlstm.gradient import LossGradient, loss_and_grad, loss_gradient
from qlstm.memory import RecordRule
from qlstm.model import predict
from qlstm.options import Training
from qlstm.params import (
    DISENTANGLERS,
    MEMORIES,
    PAPER_MEMORIES,
    ROTATIONS,
    QLSTMConfig,
    QLSTMParams,
    init_params,
)
from qlstm.readout import Readout, register_readout
from qlstm.registry import register_memory
from qlstm.rule import DensityRule, MemoryRule, VectorRule
from qlstm.run_state import TrainState, train_init
from qlstm.store import load_model, load_state, save_model, save_state
from qlstm.train import fit, fit_many, train

if TYPE_CHECKING:
    from qlstm.estimator import QLSTMRegressor

__version__ = "0.2.0.dev0"

__all__ = [
    "DISENTANGLERS",
    "MEMORIES",
    "PAPER_MEMORIES",
    "ROTATIONS",
    "AdamState",
    "DensityRule",
    "LossGradient",
    "MemoryRule",
    "QLSTMConfig",
    "QLSTMParams",
    "QLSTMRegressor",
    "Readout",
    "RecordRule",
    "TrainState",
    "Training",
    "VectorRule",
    "adam_init",
    "adam_update",
    "fit",
    "fit_many",
    "init_params",
    "load_model",
    "load_state",
    "loss_and_grad",
    "loss_gradient",
    "predict",
    "register_memory",
    "register_readout",
    "save_model",
    "save_state",
    "train",
    "train_init",
]


def __getattr__(name: str) -> Any:
    """`QLSTMRegressor`, which stands above the core and is loaded when it is used."""
    if name == "QLSTMRegressor":
        from qlstm.estimator import QLSTMRegressor

        return QLSTMRegressor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
