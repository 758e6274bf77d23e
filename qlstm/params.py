"""The model as plain data: a frozen configuration and a NamedTuple of arrays."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

ROTATIONS = ("RX", "RY")
MEMORIES = (
    "collapse",
    "probabilities",
    "marginals",
    "sampled",
    "mixed",
    "reset",
)
PAPER_MEMORIES = ("collapse", "probabilities")
DISENTANGLERS = ("flip", "inverse")
LOSSES = ("last", "all")


@dataclass(frozen=True)
class QLSTMConfig:
    """Everything that is chosen before training.

    Args:
        n_features: Values in each input ``x_t``.
        n_system: Wires of the system register; it encodes ``x_t`` and is read out.
        n_ancilla: Wires of the ancilla register; it holds the memory.
        n_layers: Layers of each of the two stages, entangler and disentangler.
        rotation: ``"RX"`` (PennyLane's default) or ``"RY"`` (the paper's public code).
        memory: The rule that makes the next memory, one of `MEMORIES`.
        disentangler: ``"flip"``, the paper's: U_dis is the entangler's circuit with
            its rows of angles applied from last to first; or ``"inverse"``: U_dis is
            the adjoint of that circuit. Either way it has its own angles.
        loss: ``"last"`` compares the last step's output with the target, ``"all"``
            every step's output with its own.

    Raises:
        TypeError: If a size is not an integer.
        ValueError: If a size is not positive or a name is unknown.

    Example:
        >>> QLSTMConfig(rotation="RY").n_params
        24
    """

    n_features: int = 1
    n_system: int = 2
    n_ancilla: int = 2
    n_layers: int = 2
    rotation: str = "RX"
    memory: str = "collapse"
    disentangler: str = "flip"
    loss: str = "last"

    def __post_init__(self) -> None:
        for name in ("n_features", "n_system", "n_ancilla", "n_layers"):
            check_size(name, getattr(self, name))
            object.__setattr__(self, name, int(getattr(self, name)))  # JSON takes it
        check_choice("rotation", self.rotation, ROTATIONS)
        check_choice("memory", self.memory, MEMORIES)
        check_choice("disentangler", self.disentangler, DISENTANGLERS)
        check_choice("loss", self.loss, LOSSES)

    @property
    def n_wires(self) -> int:
        """Wires of both registers."""
        return self.n_system + self.n_ancilla

    @property
    def system_dim(self) -> int:
        """Dimension of the system register, ``2**n_system``."""
        return 2**self.n_system

    @property
    def ancilla_dim(self) -> int:
        """Dimension of the ancilla register, ``2**n_ancilla``."""
        return 2**self.n_ancilla

    @property
    def n_params(self) -> int:
        """Number of trained numbers."""
        return sum(int(np.prod(shape)) for shape in param_shapes(self))


class QLSTMParams(NamedTuple):
    """The trained arrays; gradients have the same layout."""

    proj_weight: NDArray[np.float64]
    """Weights of the affine encoding, ``(n_features, 2**n_system)``."""
    proj_bias: NDArray[np.float64]
    """Bias of the affine encoding, ``(2**n_system,)``."""
    entangler: NDArray[np.float64]
    """Angles of U_en in radians, ``(n_layers, n_wires)``, rows applied in order."""
    disentangler: NDArray[np.float64]
    """Angles of U_dis in radians, ``(n_layers, n_wires)``; the last row is applied
    first."""


def param_shapes(config: QLSTMConfig) -> QLSTMParams:
    """The shape of each parameter array, in the layout of `QLSTMParams`."""
    angles = (config.n_layers, config.n_wires)
    return QLSTMParams(
        (config.n_features, config.system_dim), (config.system_dim,), angles, angles
    )


def init_params(config: QLSTMConfig, rng: np.random.Generator) -> QLSTMParams:
    """Draw initial parameters as the paper's code does.

    Angles are uniform in [0, 1) radians, the projection uniform in
    ``[-1, 1) / sqrt(n_features)``.

    Args:
        config: The model's configuration.
        rng: Source of randomness.

    Returns:
        `QLSTMParams` of float64 arrays.

    Example:
        >>> params = init_params(QLSTMConfig(), np.random.default_rng(0))
        >>> params.entangler.shape
        (2, 4)
    """
    shapes = param_shapes(config)
    bound = 1 / np.sqrt(config.n_features)
    return QLSTMParams(
        rng.uniform(-bound, bound, shapes.proj_weight),
        rng.uniform(-bound, bound, shapes.proj_bias),
        rng.uniform(0, 1, shapes.entangler),
        rng.uniform(0, 1, shapes.disentangler),
    )


def check_params(params: QLSTMParams, config: QLSTMConfig) -> QLSTMParams:
    """Return `params` as float64 arrays, or say which has a wrong shape or value."""
    arrays = []
    for name, array, shape in zip(
        QLSTMParams._fields, params, param_shapes(config), strict=True
    ):
        array = np.asarray(array, dtype=np.float64)
        if array.shape != shape:
            raise ValueError(
                f"Argument `params.{name}` must have shape {shape}, "
                f"but has {array.shape}."
            )
        arrays.append(array)
    if not np.isfinite(np.concatenate([array.ravel() for array in arrays])).all():
        raise ValueError("Argument `params` must be finite, but holds nan or inf.")
    return QLSTMParams(*arrays)


def check_inputs(inputs: ArrayLike, config: QLSTMConfig) -> NDArray[np.float64]:
    """Return `inputs` as float64 ``(batch, n_steps, n_features)``, or say what is off."""
    inputs = np.asarray(inputs, dtype=np.float64)
    if (
        inputs.ndim != 3
        or inputs.shape[2] != config.n_features
        or 0 in inputs.shape[:2]
    ):
        raise ValueError(
            "Argument `inputs` must have shape (batch, n_steps, "
            f"{config.n_features}), none of them 0, but has {inputs.shape}."
        )
    finite = np.isfinite(inputs)
    if not finite.all():
        sample, step, feature = np.argwhere(~finite)[0]
        value = inputs[sample, step, feature]
        raise ValueError(
            f"Argument `inputs` must be finite, but sample {sample}, "
            f"step {step} is {value}."
        )
    return inputs


def check_targets(
    targets: ArrayLike, inputs: NDArray, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Return `targets` as float64 of the loss's shape, or say what is off."""
    targets = np.asarray(targets, dtype=np.float64)
    shape = inputs.shape[:1] if config.loss == "last" else inputs.shape[:2]
    if targets.shape != shape:
        raise ValueError(
            f"Argument `targets` must have shape {shape} for a loss over "
            f"{config.loss} steps, but has {targets.shape}."
        )
    finite = np.isfinite(targets)
    if not finite.all():
        where = tuple(int(k) for k in np.argwhere(~finite)[0])
        raise ValueError(
            f"Argument `targets` must be finite, but sample {where[0]} "
            f"is {targets[where]}."
        )
    return targets


def check_size(name: str, value: int) -> None:
    """Say so when a size is not a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"Argument `{name}` must be an integer, but is {value!r}.")
    if value < 1:
        raise ValueError(f"Argument `{name}` must be at least 1, but is {value}.")


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Say so when a name is not among the known ones."""
    if value not in known:
        raise ValueError(
            f"Argument `{name}` must be one of {', '.join(known)}, but is {value!r}."
        )
