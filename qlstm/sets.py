"""The data of models that are trained together: shared by all, or a set for each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, warn_user
from qlstm.params import QLSTMConfig, check_inputs, check_targets
from qlstm.readout import out_of_reach


class Sets(NamedTuple):
    """Checked data: a first axis of models, of length 1 where all share them."""

    inputs: NDArray[np.float64]
    targets: NDArray[np.float64]
    validation: tuple[NDArray[np.float64], NDArray[np.float64]] | None

    def of(self, models: Sequence[int]) -> "Sets":
        """Those of some of the models; what is shared is not copied."""

        def part(data: NDArray) -> NDArray:
            if len(data) > 1:
                return data if len(models) == len(data) else data[models]
            return np.broadcast_to(data, (len(models), *data.shape[1:]))

        held_out = self.validation and tuple(map(part, self.validation))
        return Sets(part(self.inputs), part(self.targets), held_out)


def check_sets(
    inputs: ArrayLike,
    targets: ArrayLike,
    validation: tuple[ArrayLike, ArrayLike] | None,
    config: QLSTMConfig,
    n_models: int | None = None,
) -> Sets:
    """Check data that all share or, with a number of models, maybe a set for each."""
    pair = _check_pair(inputs, targets, config, n_models)
    held_out = validation and _check_pair(*validation, config, n_models)
    return Sets(*pair, held_out)


def _check_pair(
    inputs: ArrayLike, targets: ArrayLike, config: QLSTMConfig, n_models: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inputs and targets with a first axis of models, of length 1 if they are shared.

    One more axis than a single model's tells that there is a set for each.
    """
    inputs, targets = as_real("inputs", inputs), as_real("targets", targets)
    usual = 1 + (config.loss == "all") + (config.n_outputs > 1)
    found, numbers = [], range(n_models or 0)
    for name, data, ndim in (("inputs", inputs, 3), ("targets", targets, usual)):
        own = n_models is not None and data.ndim == ndim + 1
        if own and len(data) != n_models:
            raise ValueError(
                f"Argument `{name}` must hold a set for each of {n_models} models, or "
                f"one that all share, but holds {len(data)}."
            )
        found.append(
            ([f"{name}[{k}]" for k in numbers], data) if own else ([name], data[None])
        )
    (x_names, inputs), (t_names, targets) = found
    for name, data in zip(x_names, inputs, strict=True):
        check_inputs(data, config, name)
    for name, data in zip(t_names, targets, strict=True):
        check_targets(data, inputs[0], config, name)
    return inputs, targets


def warn_out_of_reach(sets: Sets, config: QLSTMConfig) -> None:
    """Warn when some targets cannot be met, for each set that is a model's own."""
    n_sets = max(len(sets.inputs), len(sets.targets))
    inputs, targets, _ = sets.of(range(n_sets))
    for k in range(n_sets):
        count = out_of_reach(targets[k], inputs[k], config)
        if count:
            warn_user(
                f"{count} of {targets[k].size} targets cannot be met: <Z> stays in "
                '[-1, 1]. Scale them, or set readout="affine".',
                model=k if n_sets > 1 else None,
            )
