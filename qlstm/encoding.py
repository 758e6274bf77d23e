"""The encodings of an input, and their backward passes.

`amplitude`, the paper's (eq. 3): an affine map, normalized, loaded as amplitudes of the
system register. `angle`: an affine map whose values turn the system wires before every
layer, so the input is uploaded again and again.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.params import QLSTMConfig, QLSTMParams


class Encoded(NamedTuple):
    """The inputs as they enter the circuit, time first."""

    values: NDArray
    """Amplitudes ``u = a / |a|``, ``(n_steps, n_models, batch, 2**n_system)``, real and
    of norm 1; or angles in radians, layer by layer, ``(..., 2 * n_layers *
    n_system)``."""
    norm: NDArray
    """``|a|``, ``(n_steps, n_models, batch, 1)``; for angles 1."""


def encode(inputs: NDArray, params: QLSTMParams, config: QLSTMConfig) -> Encoded:
    """Encode every input of every sequence.

    ``a = x @ proj_weight + proj_bias``; as amplitudes, ``u = a / |a|``

    Args:
        inputs: Array ``(n_models, batch, n_steps, n_features)``.
        params: The parameters, ``(n_models, ...)`` each.
        config: The configuration.

    Returns:
        The `Encoded` inputs.

    Raises:
        ValueError: If a projection is zero or overflows; names the sample and step.

    References:
        Daskin, eq. 3, plus a bias: without it, normalizing one feature leaves only its
        sign. Re-uploading: Perez-Salinas et al., Quantum 4, 226 (2020).
    """
    x = inputs.transpose(2, 0, 1, 3)
    projected = x @ params.proj_weight + params.proj_bias[:, None]
    if config.encoding == "angle":
        return Encoded(projected, np.ones((*projected.shape[:-1], 1)))
    norm = np.sqrt(np.vecdot(projected, projected))[..., None]
    if not 0 < norm.min() <= norm.max() < np.inf:
        wrong = np.argwhere(~((norm > 0) & (norm < np.inf)))[0]
        step, _, sample, _ = (int(k) for k in wrong)
        raise ValueError(
            "The projection `inputs @ proj_weight + proj_bias` must have a positive, "
            f"finite norm, but at sample {sample}, step {step} its norm is "
            f"{norm[tuple(wrong)]}."
        )
    return Encoded(projected / norm, norm)


def encode_backward(
    grad_values: NDArray, encoded: Encoded, inputs: NDArray, config: QLSTMConfig
) -> tuple[NDArray, NDArray]:
    """Gradients of the projection (docs/gradients.md, eq. 9).

    ``grad_weight = sum x^T grad_a``, ``grad_bias = sum grad_a``

    Args:
        grad_values: Gradient of the encoded values, real, in their shape.
        encoded: What `encode` returned.
        inputs: The inputs it was given.
        config: The configuration it was given.

    Returns:
        Gradients of `proj_weight` and of `proj_bias`, ``(n_models, ...)`` each.
    """
    grad_a = _projected_backward(grad_values, encoded, config).swapaxes(0, 1)
    grad_a = grad_a.reshape(len(grad_a), -1, grad_a.shape[-1])
    x = inputs.swapaxes(1, 2).reshape(len(inputs), -1, inputs.shape[-1])
    return x.swapaxes(1, 2) @ grad_a, grad_a.sum(axis=1)


def encode_inputs_backward(
    grad_values: NDArray, encoded: Encoded, params: QLSTMParams, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Gradient of the inputs: ``grad_x = grad_a V^T``.

    Args:
        grad_values: As in `encode_backward`.
        encoded: As in `encode_backward`.
        params: The parameters that `encode` was given.
        config: The configuration it was given.

    Returns:
        Array ``(n_models, batch, n_steps, n_features)``.
    """
    grad_a = _projected_backward(grad_values, encoded, config)
    return np.moveaxis(grad_a @ params.proj_weight.swapaxes(1, 2), 0, 2)


def _projected_backward(
    grad_values: NDArray, encoded: Encoded, config: QLSTMConfig
) -> NDArray[np.float64]:
    """``grad_a = (grad_u - u (u . grad_u)) / |a|``; for angles as it is."""
    if config.encoding == "angle":
        return grad_values
    u, norm = encoded
    along = np.vecdot(u, grad_values)[..., None]
    return (grad_values - u * along) / norm
