"""From outcome probabilities to outputs, and back.

The paper's output is ``<Z>`` of the last system wire (eq. 12), which cannot leave
[-1, 1]. Options: a trained scale and offset, outputs that are changes from the last
value, and several wires for several outputs. Derivations: docs/gradients.md, section 4.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qlstm.params import QLSTMConfig, QLSTMParams


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
    probabilities: NDArray, params: QLSTMParams, inputs: NDArray, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Outputs of every step.

    ``y_k = <Z_k>``; with ``readout="affine"``, ``y_k = scale_k <Z_k> + offset_k``;
    with ``predicts="change"`` the step's own input (first feature) is added.

    Args:
        probabilities: Of the system's outcomes, ``(n_steps, batch, 2**n_system)``.
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration.

    Returns:
        Array ``(n_steps, batch, n_outputs)``.
    """
    y = probabilities @ readout_signs(config.n_system, config.n_outputs)
    if config.readout == "affine":
        y = y * params.readout_scale + params.readout_offset
    if config.predicts == "change":
        y = y + inputs[:, :, 0].T[:, :, None]
    return y


def read_out_backward(
    grad_outputs: NDArray,
    probabilities: NDArray,
    params: QLSTMParams,
    config: QLSTMConfig,
) -> tuple[NDArray, dict[str, NDArray]]:
    """Pull a gradient of the outputs back.

    ``grad_p_i = sum_k z_ik scale_k grad_y_k``, ``grad_scale_k = sum <Z_k> grad_y_k``,
    ``grad_offset_k = sum grad_y_k``

    Args:
        grad_outputs: Gradient of the outputs, ``(n_steps, batch, n_outputs)``.
        probabilities: What `read_out` was given.
        params: The parameters it was given.
        config: The configuration it was given.

    Returns:
        Gradient of the probabilities, and with an affine readout those of
        `readout_scale` and `readout_offset` by name.
    """
    signs = readout_signs(config.n_system, config.n_outputs)
    if config.readout == "expectation":
        return grad_outputs @ signs.T, {}
    flat = grad_outputs.reshape(-1, config.n_outputs)
    z = (probabilities @ signs).reshape(flat.shape)
    grad_p = (grad_outputs * params.readout_scale) @ signs.T
    sums = {"readout_scale": (z * flat).sum(axis=0), "readout_offset": flat.sum(axis=0)}
    return grad_p, sums


def out_of_reach(targets: NDArray, inputs: NDArray, config: QLSTMConfig) -> int:
    """How many targets no output can meet, because ``<Z>`` is bounded.

    Args:
        targets: ``(batch,)`` or with more axes, as for a loss.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration.

    Returns:
        The count; 0 with an affine readout.
    """
    if config.readout == "affine":
        return 0
    if config.predicts == "change":
        last = inputs[:, :, :1] if config.loss == "all" else inputs[:, -1, :1]
        targets = targets.reshape(*last.shape[:-1], -1) - last
    return int((np.abs(targets) > 1).sum())
