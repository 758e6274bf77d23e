"""The model as plain data: a frozen configuration and a NamedTuple of arrays."""

from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_choice, check_fits, check_rng, check_size
from qlstm.memory import RULES
from qlstm.readout import READOUTS, Readout
from qlstm.rule import MemoryRule, Rngs, VectorRule

ROTATIONS = ("RX", "RY")
MEMORIES = tuple(RULES)
PAPER_MEMORIES = ("collapse", "probabilities")
DISENTANGLERS = ("flip", "inverse")
LOSSES = ("last", "all")
ENCODINGS = ("amplitude", "angle")
PREDICTS = ("value", "change")
CHUNK = 1024
"""Most sequences that `predict` runs at a time."""
CHUNK_BYTES = 2**26
"""About what such a run may take: fewer sequences where they are larger."""
MATRIX_WIRES = 6
"""Up to so many wires the circuit is multiplied out, to its matrix."""
MAX_WIRES = 40
"""A state of so many wires takes 18 TB."""
MAX_SIZE = 10**6
"""Most features or layers."""
TOGETHER_BYTES = 5 * 2**20
"""What models that are trained as one batch may take together."""
CUTS = ("entangled", "separate")


@dataclass(frozen=True)
class QLSTMConfig:
    """Everything that is chosen before training.

    Args:
        n_features: Values in each input ``x_t``.
        n_system: Wires of the system register; it encodes ``x_t`` and is read out.
        n_ancilla: Wires of the ancilla register; it holds the memory.
        n_layers: Layers of each of the two stages, entangler and disentangler.
        rotation: ``"RX"`` (PennyLane's default) or ``"RY"`` (the paper's public code).
        memory: The rule that makes the next memory, one of `MEMORIES`, or one of your
            own (see `register_memory`).
        disentangler: ``"flip"``, the paper's: U_dis is the entangler's circuit with
            its rows of angles applied from last to first; or ``"inverse"``: U_dis is
            the adjoint of that circuit. Either way it has its own angles.
        loss: ``"last"`` compares the last step's output with the target, ``"all"``
            every step's output with its own.
        encoding: ``"amplitude"``, the paper's, or ``"angle"``: the input turns the
            system wires before every layer (re-uploading).
        readout: ``"expectation"``, the paper's ``<Z>``, which cannot leave [-1, 1];
            ``"affine"``: a trained scale and offset behind it; or one of your own (see
            `register_readout`).
        predicts: ``"value"``, or ``"change"``: the output is added to the last value.
        cut: ``"entangled"``: the ring of CNOTs goes through both registers. Or
            ``"separate"``: each register has a ring of its own, so that no gate crosses
            the cut; for ablations.
        n_outputs: Outputs of a step, each from a system wire of its own; the targets
            are then vectors.

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
    encoding: str = "amplitude"
    readout: str = "expectation"
    predicts: str = "value"
    n_outputs: int = 1
    cut: str = "entangled"

    def __post_init__(self) -> None:
        for name in ("n_features", "n_system", "n_ancilla", "n_layers", "n_outputs"):
            check_size(name, getattr(self, name))
            object.__setattr__(self, name, int(getattr(self, name)))  # JSON takes it
        if self.n_wires > MAX_WIRES:
            raise ValueError(
                f"Arguments `n_system` and `n_ancilla` must be at most {MAX_WIRES} "
                f"wires together, but are {self.n_system} and {self.n_ancilla}."
            )
        for name in ("n_features", "n_layers"):
            if getattr(self, name) > MAX_SIZE:
                raise ValueError(
                    f"Argument `{name}` must be at most {MAX_SIZE}, "
                    f"but is {getattr(self, name)}."
                )
        check_choice("rotation", self.rotation, ROTATIONS)
        check_choice("memory", self.memory, tuple(RULES))
        check_choice("disentangler", self.disentangler, DISENTANGLERS)
        check_choice("loss", self.loss, LOSSES)
        check_choice("encoding", self.encoding, ENCODINGS)
        check_choice("readout", self.readout, tuple(READOUTS))
        check_choice("predicts", self.predicts, PREDICTS)
        check_choice("cut", self.cut, CUTS)
        if self.n_outputs > self.n_system:
            raise ValueError(
                "Argument `n_outputs` must be at most `n_system`, a wire for each, but "
                f"is {self.n_outputs} for {self.n_system} wire(s)."
            )
        for name, value in (("disentangler", "flip"), ("cut", "entangled")):
            if self.encoding == "angle" and getattr(self, name) != value:
                raise ValueError(
                    f"Argument `{name}` must be {value!r} with angle encoding, "
                    f"but is {getattr(self, name)!r}."
                )

    @property
    def rule(self) -> MemoryRule:
        """The memory rule that `memory` names."""
        return RULES[self.memory]

    @property
    def output_map(self) -> Readout:
        """The readout that `readout` names."""
        return READOUTS[self.readout]

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
    """Weights of the affine encoding, ``(n_features, 2**n_system)``; for angles
    ``(n_features, 2 * n_layers * n_system)``."""
    proj_bias: NDArray[np.float64]
    """Bias of the affine encoding, ``(2**n_system,)``, or ``(2 * n_layers *
    n_system,)``."""
    entangler: NDArray[np.float64]
    """Angles of U_en in radians, ``(n_layers, n_wires)``, rows applied in order."""
    disentangler: NDArray[np.float64]
    """Angles of U_dis in radians, ``(n_layers, n_wires)``; the last row is applied
    first."""


@cache
def params_type(names: tuple[str, ...]) -> type[QLSTMParams]:
    """`QLSTMParams`, with a readout's own arrays behind the four.

    Args:
        names: Names of the readout's arrays; none for the paper's readout.

    Returns:
        `QLSTMParams` itself, or a NamedTuple that is a subclass of it.
    """
    if not names:
        return QLSTMParams
    longer = namedtuple("QLSTMParams", (*QLSTMParams._fields, *names))
    rebuild = {"__reduce__": lambda self: (_rebuild, (names, *self)), "__slots__": ()}
    return type("QLSTMParams", (longer, QLSTMParams), rebuild)


def _rebuild(names: tuple[str, ...], *arrays: NDArray) -> QLSTMParams:
    """What unpickling calls: the type is made when it is asked for."""
    return params_type(names)(*arrays)


def param_shapes(config: QLSTMConfig) -> QLSTMParams:
    """The shape of each parameter array, in the layout of `QLSTMParams`."""
    angles = (config.n_layers, config.n_wires)
    encoded = config.system_dim
    if config.encoding == "angle":
        encoded = 2 * config.n_layers * config.n_system
    shapes = (config.n_features, encoded), (encoded,), angles, angles
    readout = config.output_map.shapes(config)
    return params_type(tuple(readout))(*shapes, *readout.values())


def init_params(config: QLSTMConfig, rng: np.random.Generator) -> QLSTMParams:
    """Draw initial parameters as the paper's code does.

    Angles are uniform in [0, 1) radians, the projection uniform in
    ``[-1, 1) / sqrt(n_features)``. An affine readout starts as the identity, another
    one as it says itself.

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
    check_rng(rng)
    check_fits(8 * config.n_params, f"A model of {config.n_params:,} parameters")
    shapes = param_shapes(config)
    bound = 1 / np.sqrt(config.n_features)
    return type(shapes)(
        rng.uniform(-bound, bound, shapes.proj_weight),
        rng.uniform(-bound, bound, shapes.proj_bias),
        rng.uniform(0, 1, shapes.entangler),
        rng.uniform(0, 1, shapes.disentangler),
        *config.output_map.first(config).values(),
    )


def check_params(params: QLSTMParams, config: QLSTMConfig) -> QLSTMParams:
    """Return `params` as float64 arrays, or say which has a wrong shape or value."""
    shapes = param_shapes(config)
    if len(params) != len(shapes):
        raise ValueError(
            f"Argument `params` must hold {', '.join(shapes._fields)} for a readout "
            f"{config.readout!r}, but holds {len(params)} arrays."
        )
    arrays = []
    for name, array, shape in zip(shapes._fields, params, shapes, strict=True):
        array = as_real(f"params.{name}", array)
        if array.shape != shape:
            raise ValueError(
                f"Argument `params.{name}` must have shape {shape}, "
                f"but has {array.shape}."
            )
        arrays.append(array)
    if not np.isfinite(np.concatenate([array.ravel() for array in arrays])).all():
        raise ValueError("Argument `params` must be finite, but holds nan or inf.")
    return type(shapes)(*arrays)


def stack_params(models: Sequence[QLSTMParams]) -> QLSTMParams:
    """The parameters of several models as one, ``(n_models, ...)`` each."""
    return type(models[0])(*map(np.stack, zip(*models, strict=True)))


def check_inputs(
    inputs: ArrayLike, config: QLSTMConfig, name: str = "inputs"
) -> NDArray[np.float64]:
    """Return float64 ``(batch, n_steps, n_features)``, or say what is off."""
    inputs = as_real(name, inputs)
    if (
        inputs.ndim != 3
        or inputs.shape[2] != config.n_features
        or 0 in inputs.shape[:2]
    ):
        raise ValueError(
            f"Argument `{name}` must have shape (batch, n_steps, "
            f"{config.n_features}), none of them 0, but has {inputs.shape}."
        )
    finite = np.isfinite(inputs)
    if not finite.all():
        sample, step, feature = np.argwhere(~finite)[0]
        value = inputs[sample, step, feature]
        raise ValueError(
            f"Argument `{name}` must be finite, but sample {sample}, "
            f"step {step} is {value}."
        )
    return inputs


def check_targets(
    targets: ArrayLike, inputs: NDArray, config: QLSTMConfig, name: str = "targets"
) -> NDArray[np.float64]:
    """Return `targets` as float64 of the loss's shape, or say what is off."""
    targets = as_real(name, targets)
    shape = inputs.shape[:1] if config.loss == "last" else inputs.shape[:2]
    shape += (config.n_outputs,) if config.n_outputs > 1 else ()
    if targets.shape != shape:
        raise ValueError(
            f"Argument `{name}` must have shape {shape} for a loss over "
            f"{config.loss} steps, but has {targets.shape}."
        )
    finite = np.isfinite(targets)
    if not finite.all():
        where = tuple(int(k) for k in np.argwhere(~finite)[0])
        raise ValueError(
            f"Argument `{name}` must be finite, but sample {where[0]} "
            f"is {targets[where]}."
        )
    return targets


class Single(NamedTuple):
    """One checked model below the public border: every array has an axis of models."""

    params: QLSTMParams
    """``(1, ...)`` each."""
    inputs: NDArray[np.float64]
    """``(1, batch, n_steps, n_features)``."""
    rngs: Rngs
    """A list of one generator, or None."""
    record: NDArray[np.int64] | None
    """Given outcomes, ``(n_steps - 1, 1, batch)``."""


def check_model(
    params: QLSTMParams,
    inputs: ArrayLike,
    config: QLSTMConfig,
    rng: np.random.Generator | None = None,
    record: ArrayLike | None = None,
) -> Single:
    """Check what every run of a single model is given, and add the axis of models.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration.
        rng: Source of randomness, which rules that draw need.
        record: Outcomes that were observed, ``(batch, n_steps - 1)``.

    Returns:
        A `Single`.

    Raises:
        MemoryError: If the states of a run take more than there is.
        TypeError: If `rng` is no generator.
        ValueError: If shapes do not fit, a value is not finite, or `rng` is missing.
    """
    params, inputs = check_params(params, config), check_inputs(inputs, config)
    if rng is not None:
        check_rng(rng)
    elif config.rule.draws and record is None:
        raise ValueError(
            "Argument `rng` must be a numpy.random.Generator for memory "
            f"{config.memory!r}, but is None."
        )
    check_run_fits(config, min(len(inputs), CHUNK), inputs.shape[1])
    rngs = None if rng is None else [rng]
    record = _check_record(record, inputs, config)
    stacked = type(params)(*(array[None] for array in params))
    return Single(stacked, inputs[None], rngs, record)


def check_run_fits(config: QLSTMConfig, batch: int, n_steps: int) -> None:
    """Say so when the arrays of a run are larger than the memory (see `check_fits`)."""
    what = f"A run with {config.n_system} + {config.n_ancilla} wires"
    check_fits(_run_bytes(config, batch, n_steps), what)


def models_at_once(
    config: QLSTMConfig, batch: int, n_steps: int, route: str | None = None
) -> int:
    """How many models run as one batch: as many as stay in the cache."""
    return max(1, TOGETHER_BYTES // _run_bytes(config, batch, n_steps, route))


def sequences_at_once(config: QLSTMConfig, n_steps: int) -> int:
    """How many sequences are predicted at a time, whatever the number of models."""
    return max(1, min(CHUNK, CHUNK_BYTES // _run_bytes(config, 1, n_steps)))


def _run_bytes(
    config: QLSTMConfig, batch: int, n_steps: int, route: str | None = None
) -> int:
    """About what the arrays of a run with its backward pass take."""
    dim, n_states = 2**config.n_wires, batch * n_steps
    amplitudes = 3 * n_states * dim  # branches, their gradients, the states in hand
    chosen = choose_route(config, route)
    if chosen == "kraus":
        amplitudes = 3 * dim**2 + 2 * n_states * dim * config.ancilla_dim
    elif chosen == "matrix":
        amplitudes = 3 * dim**2 + 6 * n_states * dim
    return amplitudes * (8 if config.rotation == "RY" else 16)


def choose_route(config: QLSTMConfig, route: str | None = None) -> str:
    """By what a step is made: ``"kraus"``, ``"matrix"`` or ``"direct"``.

    Args:
        config: The configuration.
        route: The one that is asked for, where there is a choice.

    Loss and gradient under the collapse rule, in ms, 10 steps, kraus / matrix / direct:

    ======  =======  ==================  ==================
    wires   windows  RX                  RY
    ======  =======  ==================  ==================
    2 + 2   5        1.0 / 1.1 / 1.9     1.0 / 1.0 / 2.2
    2 + 2   40       2.5 / 2.0 / 2.5     1.6 / 1.7 / 3.1
    2 + 2   256      11 / 6.9 / 5.8      4.1 / 3.4 / 5.4
    3 + 3   1        1.4 / 1.4 / 2.1     1.7 / 1.6 / 3.3
    3 + 3   40       9.2 / 4.4 / 3.0     2.6 / 2.0 / 4.6
    4 + 4   1        18 / 14 / 3.1       9.1 / 8.9 / 5.0
    4 + 4   40       61 / 35 / 8.8       27 / 16 / 16
    ======  =======  ==================  ==================

    Of 50 models as one batch, 2 + 2 wires and 5 windows, kraus takes 1.9 (RX) and 1.2
    times (RY) as long as matrix.
    """
    has_choice = (
        config.encoding == "amplitude" and type(config.rule).evolve is VectorRule.evolve
    )
    if not has_choice:
        return "kraus"
    return route or ("direct" if config.n_wires > MATRIX_WIRES else "matrix")


def _check_record(
    record: ArrayLike | None, inputs: NDArray, config: QLSTMConfig
) -> NDArray[np.int64] | None:
    """Return outcomes as ``(n_steps - 1, 1, batch)``, or say what is off with them."""
    if record is None:
        return None
    if not config.rule.keeps:
        raise ValueError(
            "Argument `record` needs a memory rule that keeps an outcome, but memory "
            f"{config.memory!r} keeps none."
        )
    outcomes = np.asarray(record)
    shape = (len(inputs), inputs.shape[1] - 1)
    if outcomes.dtype.kind not in "iu" or outcomes.shape != shape:
        raise ValueError(
            f"Argument `record` must be integers of shape {shape}, an outcome for each "
            f"step but the last, but is {outcomes.dtype} of shape {outcomes.shape}."
        )
    if outcomes.size and not 0 <= outcomes.min() <= outcomes.max() < config.system_dim:
        raise ValueError(
            f"Argument `record` must lie in 0..{config.system_dim - 1}, but holds "
            f"{outcomes.min()} to {outcomes.max()}."
        )
    return outcomes.T[:, None].astype(np.int64)
