"""A step as a quantum channel on the memory: its spectrum, and what it retains.

With the input u put in, a step takes the memory's density matrix to
``sum_i K_i sigma K_i^dag``, ``K_i = <i|_sys W |u>_sys``. That is what the rule `mixed`
does, and `sampled` in the mean over its draws. No other built-in rule is a linear map
of density
matrices: `collapse` chooses its branch by the state, `probabilities` and `marginals`
divide by a length that depends on it, and `reset` lets nothing through.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.memory import RULES
from qlstm.model import step_kraus
from qlstm.params import QLSTMConfig, QLSTMParams
from qsim.entanglement import entropy


class MemoryChannel(NamedTuple):
    """What one step does to the memory, for each input: see `memory_channel`."""

    matrix: NDArray
    """``T = sum_i K_i (x) conj(K_i)``, ``(batch, n_steps, d^2, d^2)``; it acts on
    density matrices read row by row."""
    eigenvalues: NDArray[np.complex128]
    """Of `matrix`, by decreasing modulus, the first 1, ``(batch, n_steps, d^2)``."""
    rate: NDArray[np.float64]
    """Modulus of the second one, ``|lambda_2|``. The share of the slowest deviation
    that survives a step, if the input stays the same. ``(batch, n_steps)``."""
    tau: NDArray[np.float64]
    """``-1 / ln |lambda_2|``, in steps. The time in which it falls to 1/e; 0 where
    `rate` is 0, ``inf`` where it is 1. ``(batch, n_steps)``."""


def memory_channel(
    params: QLSTMParams, inputs: ArrayLike, config: QLSTMConfig
) -> MemoryChannel:
    """The channel that a step is for the memory, and how fast it forgets.

    ``T_u = sum_i K_i (x) conj(K_i)``, ``K_i = <i|_sys W |u>_sys``

    An eigenvector of 1 with trace 1 is a memory that a constant input leaves as it is.
    If ``|lambda_2| < 1``, it is the only one and every memory settles to it. If
    ``|lambda_2| = 1``, something never dies out (`rate` is 1 and `tau` inf): there are
    several such memories, or some go round for ever. A nilpotent channel
    (docs/memory.md) has ``lambda_2 = 0``, but rounding moves an m-fold eigenvalue by
    about ``1e-16 ** (1 / m)``: with 2 + 2 wires read anything under 1e-3 as 0.

    Args:
        params: The parameters.
        inputs: Inputs ``(batch, n_steps, n_features)``, a channel for each.
        config: The configuration; its memory rule must be `mixed` or `sampled`. To ask
            what the circuit of another rule could carry, say so with
            ``dataclasses.replace(config, memory="mixed")``.

    Returns:
        A `MemoryChannel` (matrix, eigenvalues, rate, tau); ``d = 2**n_ancilla``.

    Raises:
        ValueError: If the memory rule is no channel, or the parameters or inputs are
            wrong.

    References:
        Wolf, "Quantum Channels and Operations: Guided Tour" (2012), section 6.

    Example:
        With 1 + 1 wires a layer has one CNOT. Without rotations the CNOTs of the two
        stages cancel, and nothing is forgotten:

        >>> config = QLSTMConfig(n_system=1, n_ancilla=1, n_layers=1, memory="mixed")
        >>> angles = np.zeros((2, 1, 2))
        >>> params = QLSTMParams(np.ones((1, 2)), np.ones(2), *angles)
        >>> memory_channel(params, [[[0.5]]], config).rate
        array([[1.]])
    """
    matrix = config.rule.transfer(_kraus(params, inputs, config)).swapaxes(0, 1)
    eigenvalues = np.linalg.eigvals(matrix).astype(np.complex128)
    order = np.argsort(-np.abs(eigenvalues), axis=-1, kind="stable")
    eigenvalues = np.take_along_axis(eigenvalues, order, axis=-1)
    rate = np.abs(eigenvalues[..., 1])
    rate = np.where(rate > 1 - 1e-12, 1.0, rate)  # 1 but for rounding
    with np.errstate(divide="ignore"):
        tau = np.abs(1 / np.log(rate))
    return MemoryChannel(matrix, eigenvalues, rate, tau)


def quantum_retention(
    params: QLSTMParams, inputs: ArrayLike, config: QLSTMConfig
) -> NDArray[np.float64]:
    """How much of an entangled memory is left, step by step.

    ``I(R : anc_k) = S(R) + S(anc_k) - S(R anc_k)``

    The memory starts maximally entangled with a reference R that nobody touches:
    ``2 n_ancilla`` bits. Each step can only lower that number. Half of it bounds two
    measures of the entanglement that is left from above, the squashed and the
    distillable; others, such as the entanglement of formation and the logarithmic
    negativity, can be larger.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration; its memory rule must be `mixed` or `sampled`, as in
            `memory_channel`.

    Returns:
        float64 array ``(batch, n_steps + 1)`` in bits; column k is after k steps.

    Raises:
        ValueError: If the memory rule is no channel, or the parameters or inputs are
            wrong.

    References:
        Schumacher and Nielsen, Phys. Rev. A 54, 2629 (1996): data processing.
        Christandl and Winter, J. Math. Phys. 45, 829 (2004): squashed entanglement, and
        that it bounds the distillable.

    Example:
        >>> from qlstm import init_params
        >>> config = QLSTMConfig(memory="mixed")
        >>> rng = np.random.default_rng(0)
        >>> params = init_params(config, rng)
        >>> left = quantum_retention(params, rng.uniform(-1, 1, (1, 5, 1)), config)
        >>> left.round(2) + 0
        array([[4.  , 2.52, 0.85, 0.02, 0.  , 0.  ]])
    """
    kraus = _kraus(params, inputs, config)
    n_steps, batch, _, d, _ = kraus.shape
    grown = np.broadcast_to(np.eye(d * d), (batch, d * d, d * d))
    left = [np.full(batch, 2.0 * config.n_ancilla)]
    for t in range(n_steps):
        grown = config.rule.transfer(kraus[t]) @ grown
        # rho_(r a)(r' a') = T_(a a')(r r') / d: a channel is known by what it does here
        tensor = grown.reshape(batch, d, d, d, d)  # a, a', r, r'
        joint = tensor.transpose(0, 3, 1, 4, 2).reshape(batch, d * d, d * d) / d
        ancilla = np.einsum("bacrr->bac", tensor) / d
        information = config.n_ancilla + entropy(ancilla) - entropy(joint)
        left.append(np.maximum(information, 0.0))
    return np.stack(left, axis=1)


def _kraus(params: QLSTMParams, inputs: ArrayLike, config: QLSTMConfig) -> NDArray:
    """Kraus operators of every step, ``(n_steps, batch, 2**n_system, d, d)``."""
    if not config.rule.is_channel:
        channels = ", ".join(sorted(k for k, v in RULES.items() if v.is_channel))
        raise ValueError(
            f"Argument `config.memory` must be one of {channels}, whose steps are "
            f"quantum channels, but is {config.memory!r}. For the circuit alone, pass "
            'dataclasses.replace(config, memory="mixed").'
        )
    return step_kraus(params, inputs, config)
