"""The affine amplitude encoding of an input, and its backward pass (paper, eq. 3)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.params import QLSTMParams


class Encoded(NamedTuple):
    """Amplitudes of the system register, time first."""

    amplitudes: NDArray
    """``u = a / |a|``, ``(n_steps, batch, 2**n_system)``, real and of norm 1."""
    norm: NDArray
    """``|a|``, ``(n_steps, batch, 1)``."""


def encode(inputs: NDArray, params: QLSTMParams) -> Encoded:
    """Encode every input of every sequence.

    ``a = x @ proj_weight + proj_bias, u = a / |a|``

    Args:
        inputs: Array ``(batch, n_steps, n_features)``.
        params: The model's parameters.

    Returns:
        `Encoded` amplitudes and norms.

    Raises:
        ValueError: If a projection is zero or overflows; names the sample and step.

    References:
        Daskin, eq. 3, plus a bias: without it, normalizing one feature leaves only its
        sign.
    """
    projected = inputs.swapaxes(0, 1) @ params.proj_weight + params.proj_bias
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
    grad_amplitudes: NDArray, encoded: Encoded, inputs: NDArray
) -> tuple[NDArray, NDArray]:
    """Gradients of the projection (docs/gradients.md, eq. 9).

    ``grad_a = (grad_u - u (u . grad_u)) / |a|``

    Args:
        grad_amplitudes: Gradient with respect to the amplitudes, real,
            ``(n_steps, batch, 2**n_system)``.
        encoded: What `encode` returned.
        inputs: The inputs it was given, ``(batch, n_steps, n_features)``.

    Returns:
        Gradients of `proj_weight` and of `proj_bias`.
    """
    u, norm = encoded
    along = np.vecdot(u, grad_amplitudes)[..., None]
    grad_a = ((grad_amplitudes - u * along) / norm).reshape(-1, u.shape[-1])
    x = inputs.swapaxes(0, 1).reshape(len(grad_a), -1)
    return x.T @ grad_a, grad_a.sum(axis=0)
