"""From outcome probabilities to outputs, and back.

The paper's output is ``<Z>`` of the last system wire (eq. 12), which cannot leave
[-1, 1]. A readout is an observable of the system register, diagonal in the basis that
is measured, for each output, and a map behind it that may have trained arrays. Options
of every readout: outputs that are changes from the last value, and several wires for
several outputs. Derivations: docs/gradients.md, section 4.

Arrays begin with the axes of steps, models and sequences, ``(n_steps, n_models, batch,
...)``; a readout's own arrays have the axis of models alone.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qlstm.params import QLSTMConfig, QLSTMParams

Arrays = dict[str, NDArray]


class Readout:
    """The paper's readout, and the base of others: ``y_k = <Z_k>``, nothing trained."""

    bounded = True
    """Whether outputs stay in [-1, 1], so that some targets cannot be met."""

    def shapes(self, config: "QLSTMConfig") -> dict[str, tuple[int, ...]]:
        """Shapes of the readout's own trained arrays, by name."""
        return {}

    def first(self, config: "QLSTMConfig") -> Arrays:
        """These arrays before training."""
        return {}

    def observables(self, config: "QLSTMConfig") -> NDArray[np.float64]:
        """Value of each output's observable for each system outcome.

        Args:
            config: The configuration.

        Returns:
            Array ``(2**n_system, n_outputs)``: eigenvalues of Z on the last wires.
        """
        return readout_signs(config.n_system, config.n_outputs)

    def outputs(self, z: NDArray, own: Arrays) -> NDArray[np.float64]:
        """Outputs from expectation values.

        Args:
            z: Expectation values of the observables, ``(..., n_models, batch,
                n_outputs)``.
            own: The readout's arrays, ``(n_models, ...)`` each.

        Returns:
            Array of the shape of `z`.
        """
        return z

    def outputs_backward(
        self, grad_y: NDArray, z: NDArray, own: Arrays
    ) -> tuple[NDArray, Arrays]:
        """Gradients of the expectation values, and of the readout's arrays by name."""
        return grad_y, {}


class Affine(Readout):
    """A trained scale and offset: ``y_k = scale_k <Z_k> + offset_k``."""

    bounded = False

    def shapes(self, config: "QLSTMConfig") -> dict[str, tuple[int, ...]]:
        """One scale and one offset for each output."""
        return dict.fromkeys(("readout_scale", "readout_offset"), (config.n_outputs,))

    def first(self, config: "QLSTMConfig") -> Arrays:
        """The identity."""
        ones = np.ones(config.n_outputs)
        return {"readout_scale": ones, "readout_offset": np.zeros(config.n_outputs)}

    def outputs(self, z: NDArray, own: Arrays) -> NDArray[np.float64]:
        """``y_k = scale_k <Z_k> + offset_k``."""
        return z * own["readout_scale"][:, None] + own["readout_offset"][:, None]

    def outputs_backward(
        self, grad_y: NDArray, z: NDArray, own: Arrays
    ) -> tuple[NDArray, Arrays]:
        """``grad_z = scale grad_y``; sums of ``z grad_y`` and of ``grad_y``."""
        by_model = grad_y.swapaxes(0, 1).reshape(grad_y.shape[1], -1, grad_y.shape[-1])
        z = z.swapaxes(0, 1).reshape(by_model.shape)
        sums = (z * by_model).sum(axis=1), by_model.sum(axis=1)
        names = ("readout_scale", "readout_offset")
        return grad_y * own["readout_scale"][:, None], dict(
            zip(names, sums, strict=True)
        )


READOUTS: dict[str, Readout] = {"expectation": Readout(), "affine": Affine()}
"""Readouts by the names of `QLSTMConfig.readout`."""


def register_readout(name: str, readout: Readout) -> None:
    """Make a readout of your own known by name, here and in `QLSTMConfig`.

    Args:
        name: What `QLSTMConfig.readout` calls it.
        readout: An instance of a subclass of `Readout`.

    Raises:
        TypeError: If it is no `Readout`.
        ValueError: If the name is taken.
    """
    if not isinstance(readout, Readout):
        raise TypeError(f"Argument `readout` must be a Readout, but is {readout!r}.")
    kinds = type(READOUTS.get(name, readout)), type(readout)
    own = name in READOUTS and kinds[0].__module__ == __name__
    if own or kinds[0].__qualname__ != kinds[1].__qualname__:
        raise ValueError(f"Argument `name` must be a new name, but {name!r} is taken.")
    READOUTS[name] = readout


@cache
def readout_signs(n_system: int, n_outputs: int = 1) -> NDArray[np.float64]:
    """Eigenvalues of Z on the last system wires for each system outcome.

    Args:
        n_system: Wires of the system register.
        n_outputs: How many of them are read out; output k is wire
            ``n_system - n_outputs + k``.

    Returns:
        Array ``(2**n_system, n_outputs)``.
    """
    wires = np.arange(n_outputs)[::-1]  # the last wire is the lowest bit
    signs = 1.0 - 2.0 * (np.arange(2**n_system)[:, None] >> wires & 1)
    signs.flags.writeable = False
    return signs


def read_out(
    probabilities: NDArray,
    params: "QLSTMParams",
    inputs: NDArray,
    config: "QLSTMConfig",
) -> NDArray[np.float64]:
    """Outputs of every step.

    ``y = f(<O>)`` with the readout's observables O and its map f; with
    ``predicts="change"`` the step's own input (first feature) is added.

    Args:
        probabilities: Of the system's outcomes, ``(n_steps, n_models, batch,
            2**n_system)``.
        params: The parameters, ``(n_models, ...)`` each.
        inputs: Sequences ``(n_models, batch, n_steps, n_features)``.
        config: The configuration.

    Returns:
        Array ``(n_steps, n_models, batch, n_outputs)``.
    """
    readout = config.output_map
    z = probabilities @ readout.observables(config)
    y = readout.outputs(z, _own(params))
    if config.predicts == "change":
        y = y + np.moveaxis(inputs[..., :1], 2, 0)
    return y


def read_out_backward(
    grad_outputs: NDArray,
    probabilities: NDArray,
    params: "QLSTMParams",
    config: "QLSTMConfig",
) -> tuple[NDArray, Arrays]:
    """Pull a gradient of the outputs back.

    ``grad_z = f'(z) grad_y``, ``grad_p_i = sum_k o_ik grad_z_k``

    Args:
        grad_outputs: Gradient of the outputs, ``(n_steps, n_models, batch,
            n_outputs)``.
        probabilities: What `read_out` was given.
        params: The parameters it was given.
        config: The configuration it was given.

    Returns:
        Gradient of the probabilities, and those of the readout's arrays by name.
    """
    readout = config.output_map
    observables = readout.observables(config)
    z = probabilities @ observables
    grad_z, grad_own = readout.outputs_backward(grad_outputs, z, _own(params))
    return grad_z @ observables.T, grad_own


def _own(params: "QLSTMParams") -> Arrays:
    """The readout's own arrays, which stand behind the four of every model."""
    return dict(zip(params._fields[4:], params[4:], strict=True))


def out_of_reach(targets: NDArray, inputs: NDArray, config: "QLSTMConfig") -> int:
    """How many targets no output can meet, because ``<Z>`` is bounded.

    Args:
        targets: ``(batch,)`` or with more axes, as for a loss.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration.

    Returns:
        The count; 0 for a readout that is not bounded.
    """
    if not config.output_map.bounded:
        return 0
    if config.predicts == "change":
        last = inputs[:, :, :1] if config.loss == "all" else inputs[:, -1, :1]
        targets = targets.reshape(*last.shape[:-1], -1) - last
    return int((np.abs(targets) > 1).sum())
