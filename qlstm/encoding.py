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
    """Amplitudes of the system register, time first."""

    amplitudes: NDArray
    """``u = a / |a|``, ``(n_steps, batch, 2**n_system)``, real and of norm 1."""
    norm: NDArray
    """``|a|``, ``(n_steps, batch, 1)``."""


class EncodedAngles(NamedTuple):
    """Angles of the system wires before each layer, time first."""

    angles: NDArray
    """In radians, ``(n_steps, batch, 2 * n_layers * n_system)``, layer by layer."""


def encode(
    inputs: NDArray, params: QLSTMParams, config: QLSTMConfig
) -> Encoded | EncodedAngles:
    """Encode every input of every sequence.

    ``a = x @ proj_weight + proj_bias``; as amplitudes, ``u = a / |a|``

    Args:
        inputs: Array ``(batch, n_steps, n_features)``.
        params: The model's parameters.
        config: Its configuration.

    Returns:
        `Encoded` amplitudes and norms, or `EncodedAngles`.

    Raises:
        ValueError: If a projection is zero or overflows; names the sample and step.

    References:
        Daskin, eq. 3, plus a bias: without it, normalizing one feature leaves only its
        sign. Re-uploading: Perez-Salinas et al., Quantum 4, 226 (2020).
    """
    projected = inputs.swapaxes(0, 1) @ params.proj_weight + params.proj_bias
    if config.encoding == "angle":
        return EncodedAngles(projected)
    norm = np.sqrt(np.vecdot(projected, projected))[..., None]
    if not 0 < norm.min() <= norm.max() < np.inf:
        step, sample = np.argwhere(~((norm > 0) & (norm < np.inf)))[0][:2]
        raise ValueError(
            "The projection `inputs @ proj_weight + proj_bias` must have a positive, "
            f"finite norm, but at sample {sample}, step {step} its norm is "
            f"{norm[step, sample, 0]}."
        )
    return Encoded(projected / norm, norm)


def encode_backward(
    grad_encoded: NDArray, encoded: Encoded | EncodedAngles, inputs: NDArray
) -> tuple[NDArray, NDArray]:
    """Gradients of the projection (docs/gradients.md, eq. 9).

    ``grad_a = (grad_u - u (u . grad_u)) / |a|`` for amplitudes; for angles the gradient
    of the angles as it is.

    Args:
        grad_encoded: Gradient with respect to the amplitudes, real, or to the angles;
            time first.
        encoded: What `encode` returned.
        inputs: The inputs it was given, ``(batch, n_steps, n_features)``.

    Returns:
        Gradients of `proj_weight` and of `proj_bias`.
    """
    grad_a = grad_projected(grad_encoded, encoded)
    grad_a = grad_a.reshape(-1, grad_a.shape[-1])
    x = inputs.swapaxes(0, 1).reshape(len(grad_a), -1)
    return x.T @ grad_a, grad_a.sum(axis=0)


def grad_projected(
    grad_encoded: NDArray, encoded: Encoded | EncodedAngles
) -> NDArray[np.float64]:
    """Gradient of the affine map's values, time first (see `encode_backward`)."""
    if isinstance(encoded, EncodedAngles):
        return grad_encoded
    u, norm = encoded
    along = np.vecdot(u, grad_encoded)[..., None]
    return (grad_encoded - u * along) / norm


def encode_inputs_backward(
    grad_encoded: NDArray, encoded: Encoded | EncodedAngles, params: QLSTMParams
) -> NDArray[np.float64]:
    """Gradient of the inputs: ``grad_x = grad_a V^T``.

    Args:
        grad_encoded: As in `encode_backward`.
        encoded: As in `encode_backward`.
        params: The parameters that `encode` was given.

    Returns:
        Array ``(batch, n_steps, n_features)``.
    """
    grad_a = grad_projected(grad_encoded, encoded)
    return (grad_a @ params.proj_weight.T).swapaxes(0, 1)
