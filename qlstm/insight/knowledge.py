"""What the memory knows about past inputs: in bits, and for a linear readout.

Curves have one number for each lag, as in `qlstm.insight.diagnostics`: lag 0 is the
last input. Use independent inputs: if inputs depend on each other, a memory of the last
one alone knows something of all others.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_rng, check_size
from qlstm.insight.diagnostics import check_sequences, last_memory
from qlstm.params import QLSTMConfig, QLSTMParams
from qsim import I2, PAULI_X, PAULI_Y, PAULI_Z
from qsim.entanglement import entropy


class HolevoCurve(NamedTuple):
    """What the memory knows about each input, in bits: see `holevo_information`."""

    information: NDArray[np.float64]
    """``chi_k = raw - control``, ``(n_steps,)``; about 0 where nothing is known."""
    raw: NDArray[np.float64]
    """Before the control is subtracted, ``(n_steps,)``."""
    control: NDArray[np.float64]
    """The same with shuffled inputs, what a finite sample shows by chance."""


class MemoryCapacity(NamedTuple):
    """How well past inputs can be read off the memory: see `memory_capacity`."""

    r2: NDArray[np.float64]
    """Held-out ``R^2`` of each input, ``(n_steps, n_features)``; 1 is perfect, 0 no
    better than the mean, and below 0 worse, by chance."""
    total: float
    """``MC = sum_k MC_k``, over all lags and features."""


def holevo_information(
    params: QLSTMParams,
    inputs: ArrayLike,
    config: QLSTMConfig,
    *,
    feature: int = 0,
    n_bins: int = 8,
    n_shuffles: int = 4,
    rng: np.random.Generator,
) -> HolevoCurve:
    """Holevo information of the memory about each past input.

    ``chi_k = S(mean rho) - mean_b S(mean of rho, given x_(T-k) in bin b)``

    No measurement of the memory tells more about the bin than chi bits. The bins are
    quantiles, equally full. In a finite sample chi is positive for anything; a control
    with shuffled inputs measures by how much, and is subtracted.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``; many, some 100 a bin.
        config: The configuration; any memory rule.
        feature: Which feature to ask about.
        n_bins: Number of bins; chi is at most its logarithm.
        n_shuffles: Shuffles that the control is a mean of.
        rng: Source of randomness, for the shuffles and the draws of `sampled`.

    Returns:
        A `HolevoCurve` (information, raw, control).

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If the parameters, inputs, feature or counts are wrong.

    References:
        Holevo, Probl. Inf. Transm. 9, 177 (1973).

    Example:
        >>> from qlstm import init_params
        >>> config = QLSTMConfig(memory="mixed")
        >>> rng = np.random.default_rng(0)
        >>> params = init_params(config, rng)
        >>> inputs = rng.uniform(-1, 1, (2000, 6, 1))
        >>> holevo_information(params, inputs, config, rng=rng).information.round(2) + 0
        array([0.41, 0.35, 0.04, 0.01, 0.  , 0.  ])
    """
    check_rng(rng)
    check_size("n_bins", n_bins)
    check_size("n_shuffles", n_shuffles)
    params, inputs = check_sequences(params, inputs, config, max(n_bins, 2))
    if not 0 <= feature < config.n_features:
        raise ValueError(
            f"Argument `feature` must lie in 0..{config.n_features - 1}, "
            f"but is {feature}."
        )
    rho = config.rule.density(last_memory(params, inputs, config, rng))
    total = entropy(rho.mean(axis=0)[None])[0]
    batch = len(inputs)
    shuffled = [rng.permutation(batch) for _ in range(n_shuffles)]
    control = total - np.mean([_binned_entropy(rho, row, n_bins) for row in shuffled])
    orders = np.argsort(inputs[:, ::-1, feature], axis=0, kind="stable").T
    raw = total - np.array([_binned_entropy(rho, order, n_bins) for order in orders])
    return HolevoCurve(raw - control, raw, np.full(len(raw), control))


def memory_capacity(
    params: QLSTMParams,
    inputs: ArrayLike,
    config: QLSTMConfig,
    *,
    rng: np.random.Generator | None = None,
) -> MemoryCapacity:
    """Linear memory capacity: how well past inputs can be read off the memory.

    ``MC_k = 1 - sum (x - x_fit)^2 / sum (x - mean x)^2`` for ``x = x_(T-k)``

    A least-squares fit on the first half of the sequences is tested on the second. Its
    features are the expectation values of all Pauli operators of the memory, or, where
    the memory is loaded from probabilities p, these p. No value is cut off at 0, so
    that chance adds nothing on average.

    Args:
        params: The parameters.
        inputs: Independent sequences ``(batch, n_steps, n_features)``, in random order,
            many times as many as there are Pauli operators, ``4**n_ancilla``.
        config: The configuration; any memory rule.
        rng: Source of randomness; the rule `sampled` needs it, no other uses it.

    Returns:
        A `MemoryCapacity` (r2, total). Lag 0 counts in the total.

    Raises:
        ValueError: If the parameters or inputs are wrong, there are too few sequences,
            or an input never changes.

    References:
        Jaeger, "Short term memory in echo state networks", GMD report 152 (2001).

    Example:
        >>> from qlstm import init_params
        >>> config = QLSTMConfig(memory="mixed")
        >>> rng = np.random.default_rng(0)
        >>> params = init_params(config, rng)
        >>> inputs = rng.uniform(-1, 1, (2000, 6, 1))
        >>> memory_capacity(params, inputs, config).r2[:, 0].round(1) + 0
        array([0.9, 0.9, 0.5, 0.2, 0. , 0. ])
    """
    params, inputs = check_sequences(params, inputs, config, 2)
    features = _features(last_memory(params, inputs, config, rng), config)
    half, n_features = len(inputs) // 2, features.shape[1]
    if half < 2 * n_features:
        raise ValueError(
            f"Argument `inputs` must hold at least {4 * n_features} sequences, twice "
            f"as many for the fit as it has features, but holds {len(inputs)}."
        )
    past = inputs[:, ::-1].reshape(len(inputs), -1)
    if (np.ptp(past[half:], axis=0) == 0).any():
        raise ValueError("Argument `inputs` must vary over the sequences at each step.")
    fit = np.linalg.lstsq(features[:half], past[:half])[0]
    residual = past[half:] - features[half:] @ fit
    r2 = 1 - (residual**2).mean(axis=0) / past[half:].var(axis=0)
    return MemoryCapacity(r2.reshape(inputs.shape[1:]), float(r2.sum()))


def pauli_expectations(rho: NDArray) -> NDArray[np.float64]:
    """Expectation values of all Pauli operators, the identity first.

    ``<P> = Tr rho P`` for ``P = P_1 (x) ... (x) P_n``, in the order I, X, Y, Z.

    Args:
        rho: Density matrices ``(batch, 2**n, 2**n)``.

    Returns:
        float64 array ``(batch, 4**n)``; without the first column, for one wire, the
        Bloch vector.

    Example:
        >>> pauli_expectations(np.array([[[1.0, 0.0], [0.0, 0.0]]]))
        array([[1., 0., 0., 1.]])
    """
    batch, d, _ = rho.shape
    n = d.bit_length() - 1
    single = np.stack([I2, PAULI_X, PAULI_Y, PAULI_Z])
    values = rho.reshape(batch, 1, d, d)
    for _ in range(n):  # one wire after the other: (batch, 4^done, rest, rest)
        rest = values.shape[-1] // 2
        wire = values.reshape(batch, -1, 2, rest, 2, rest)
        values = np.einsum("pba,xkarbs->xkprs", single, wire)
        values = values.reshape(batch, -1, rest, rest)
    return values[:, :, 0, 0].real


def _binned_entropy(rho: NDArray, order: NDArray, n_bins: int) -> float:
    """Mean entropy of the mean memory in each bin, the bins cut from an order."""
    edges = np.linspace(0, len(rho), n_bins + 1).astype(int)
    counts = np.diff(edges)
    means = np.add.reduceat(rho[order], edges[:-1]) / counts[:, None, None]
    return float(counts @ entropy(means) / len(rho))


def _features(memory: NDArray, config: QLSTMConfig) -> NDArray[np.float64]:
    """What a linear readout sees, with a constant: p, or all Pauli expectations."""
    p = config.rule.populations(memory)
    if p is not None:
        return np.column_stack([p, np.ones(len(p))])
    return pauli_expectations(config.rule.density(memory))
