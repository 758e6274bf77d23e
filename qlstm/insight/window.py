"""What `explain` takes: a window, its targets, a record; and what it says otherwise."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real
from qlstm.params import QLSTMConfig
from qlstm.rule import DensityRule, VectorRule

MAX_KETS = 6
"""Most wires whose kets are listed."""


def check_window(window: ArrayLike, config: QLSTMConfig) -> NDArray[np.float64]:
    """Return a window as ``(n_steps, n_features)``, or say what is off."""
    window, n = as_real("window", window), config.n_features
    shape = window.shape
    if window.ndim == 1 and n == 1:
        window = window[:, None]
    if window.ndim != 2 or window.shape[1] != n or not len(window):
        short = " or (n_steps,)" if n == 1 else ""
        raise ValueError(
            f"Argument `window` must have shape (n_steps, {n}){short}, at least one "
            f"step, but has {shape}."
        )
    wrong = np.argwhere(~np.isfinite(window))
    if len(wrong):
        step, feature = wrong[0]
        raise ValueError(
            f"Argument `window` must be finite, but step {step + 1} of {len(window)} "
            f"is {window[step, feature]}."
        )
    return window


def check_shown(config: QLSTMConfig) -> None:
    """Say so when there are too many kets, or the rule is not one of gates."""
    if config.n_wires > MAX_KETS:
        raise ValueError(
            f"Argument `config` must have at most {MAX_KETS} wires, so that all kets "
            f"can be listed, but has {config.n_system} + {config.n_ancilla}; `trace` "
            "takes more."
        )
    if type(config.rule).evolve not in (VectorRule.evolve, DensityRule.evolve):
        raise ValueError(
            "Argument `config` must have a memory rule without an `evolve` of its own, "
            f"which gates cannot follow, but memory {config.memory!r} has one; `trace` "
            "takes it."
        )


def check_record(record: ArrayLike | None, n_steps: int) -> NDArray | None:
    """Outcomes as a batch of one, or an error that says how many there must be."""
    if record is None:
        return None
    record = np.asarray(record)
    if record.shape != (n_steps - 1,):
        raise ValueError(
            f"Argument `record` must have shape ({n_steps - 1},), an outcome for each "
            f"step but the last, but has {record.shape}."
        )
    return record[None].astype(int) if record.size == 0 else record[None]


def check_window_targets(
    targets: ArrayLike, n_steps: int, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Targets as those of a batch of one, or an error that says which shape fits."""
    targets = as_real("targets", targets)
    shape = () if config.n_outputs == 1 else (config.n_outputs,)
    shape = shape if config.loss == "last" else (n_steps, *shape)
    if shape == () and targets.shape == (1,):
        targets = targets[0, ...]
    if targets.shape != shape:
        wanted = f"have shape {shape}" if shape else "be one number"
        over = "all steps" if config.loss == "all" else "the last step"
        raise ValueError(
            f"Argument `targets` must {wanted} for a loss over {over}, but has shape "
            f"{targets.shape}."
        )
    if not np.isfinite(targets).all():
        raise ValueError("Argument `targets` must be finite, but holds nan or inf.")
    return targets[None]
