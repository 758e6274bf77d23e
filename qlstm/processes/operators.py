"""What the cell's parameters, its Kraus operators and its stationary memory share.

Everything here goes both ways: Kraus operators of some inputs from the parameters, the
channel's matrices from Kraus operators, the fixed point from these; each function
stands beside its backward pass. A gradient is that of docs/gradients.md, eq. 1;
derivations: docs/gradients.md, section 10.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.cell import circuit_angles, split_angles
from qlstm.checks import as_real, check_choice
from qlstm.encoding import Encoded, encode, encode_backward
from qlstm.model import CELLS
from qlstm.params import QLSTMConfig, QLSTMParams

STARTS = ("first", "stationary")
"""Memories that a record may start with."""
FIXED = 1e-10
"""Singular values of ``1 - T`` below this are 0 but for rounding."""


class Built(NamedTuple):
    """Kraus operators of some inputs, and what their backward pass needs."""

    kraus: NDArray
    """``(n_inputs, d_s, d_a, d_a)``."""
    inputs: NDArray[np.float64]
    """As the encoding takes them, ``(1, n_inputs, 1, n_features)``."""
    encoded: Encoded
    angles: NDArray[np.float64]
    circuit: object


def build(params: QLSTMParams, x: NDArray, config: QLSTMConfig) -> Built:
    """The Kraus operators ``K_i = <i|_sys W |u>_sys`` of checked inputs.

    Args:
        params: Checked parameters of one model.
        x: The inputs, ``(n_inputs, n_features)``.
        config: The configuration.
    """
    stacked = type(params)(*(array[None] for array in params))
    inputs, angles = x[None, :, None], circuit_angles(stacked, config)
    encoded = encode(inputs, stacked, config)
    kraus, circuit = CELLS[config.encoding].kraus(encoded.values, angles, config)
    return Built(kraus[0, 0], inputs, encoded, angles, circuit)


def build_backward(
    grad_kraus: NDArray, built: Built, params: QLSTMParams, config: QLSTMConfig
) -> QLSTMParams:
    """The parameters' gradient from that of the Kraus operators, in their shape."""
    grad_angles, grad_values = CELLS[config.encoding].kraus_backward(
        grad_kraus[None, None],
        built.encoded.values,
        built.angles,
        built.circuit,
        config,
    )
    grads = (
        *encode_backward(grad_values, built.encoded, built.inputs, config),
        *split_angles(grad_angles, config),
    )
    readout = (np.zeros_like(array) for array in params[len(grads) :])  # plays no part
    return type(params)(*(grad[0] for grad in grads), *readout)


def transfers(kraus: NDArray) -> NDArray:
    """``T_i = K_i (x) conj(K_i)``, which act on memories read row by row.

    Args:
        kraus: ``(n_symbols, d, d)``.

    Returns:
        Array ``(n_symbols, d^2, d^2)``; their sum is the channel.
    """
    n_symbols, d, _ = kraus.shape
    pairs = np.einsum("iac,ibd->iabcd", kraus, kraus.conj())
    return pairs.reshape(n_symbols, d * d, d * d)


def transfers_backward(grad: NDArray, kraus: NDArray) -> NDArray:
    """``grad_K_ac = sum_bd (grad_T_ab,cd + conj(grad_T_ba,dc)) K_bd``, eq. 27b."""
    n_symbols, d, _ = kraus.shape
    grad = grad.reshape(n_symbols, d, d, d, d)
    both = grad + grad.conj().transpose(0, 2, 1, 4, 3)
    return np.einsum("iabcd,ibd->iac", both, kraus)


class FixedPoint(NamedTuple):
    """A stationary memory, and what its backward pass needs."""

    sigma: NDArray
    """Row by row, ``(d^2,)``."""
    projector: NDArray
    """Pi, onto what the channel leaves as it is, ``(d^2, d^2)``."""
    resolvent: NDArray
    """``S = (1 - T + Pi)^-1 - Pi``, ``(d^2, d^2)``."""


def fixed_point(channel: NDArray) -> FixedPoint:
    """The memory that a channel leaves as it is, ``sigma = T sigma = Pi e``.

    Pi is the limit of ``(1 + T + ... + T^(n-1)) / n``, and e the maximally mixed
    memory: where several memories are stationary, sigma is the mean over a long run
    that starts with e.

    Args:
        channel: ``T = sum_i T_i``, ``(d^2, d^2)``.
    """
    n = len(channel)
    d = round(n**0.5)
    left, singular, right = np.linalg.svd(np.eye(n) - channel)
    fixed = singular < FIXED
    fixed[-1] = True
    rows, columns = left[:, fixed].conj().T, right[fixed].conj().T
    projector = columns @ np.linalg.solve(rows @ columns, rows)
    resolvent = np.linalg.inv(np.eye(n) - channel + projector) - projector
    return FixedPoint(projector @ np.eye(d).ravel() / d, projector, resolvent)


def fixed_point_backward(grad_sigma: NDArray, point: FixedPoint) -> NDArray:
    """``grad_T = S^dag grad_sigma sigma^dag + Pi^dag grad_sigma (S e)^dag``.

    From ``dPi = S dT Pi + Pi dT S`` (docs/gradients.md, eq. 27). Where one memory is
    stationary, the second term only holds the trace, which no channel changes.
    """
    n = len(grad_sigma)
    d = round(n**0.5)
    turned = point.resolvent @ np.eye(d).ravel() / d
    return np.outer(
        point.resolvent.conj().T @ grad_sigma, point.sigma.conj()
    ) + np.outer(point.projector.conj().T @ grad_sigma, turned.conj())


def check_start(start: str, n_inputs: int) -> None:
    """Say so when a start is unknown, or no memory is stationary."""
    check_choice("start", start, STARTS)
    if start == "stationary" and n_inputs > 1:
        raise ValueError(
            "Argument `start` must be 'first' where inputs change, for no memory is "
            "stationary, but is 'stationary'."
        )


def check_constant(
    x: ArrayLike | None, config: QLSTMConfig, name: str = "x"
) -> NDArray[np.float64]:
    """A constant input as ``(1, n_features)``; None is zeros: the bias acts alone."""
    if x is None:
        return np.zeros((1, config.n_features))
    x = as_real(name, x)
    if x.shape != (config.n_features,):
        raise ValueError(
            f"Argument `{name}` must have shape ({config.n_features},) if it is "
            f"constant, but has {x.shape}."
        )
    if not np.isfinite(x).all():
        raise ValueError(f"Argument `{name}` must be finite, but is {x!r:.60}.")
    return x[None]
