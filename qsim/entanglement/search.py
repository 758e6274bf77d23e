"""Entangling and disentangling power: a search over input states.

    E_up(U)   = sup [S(U psi) - S(psi)]
    E_down(U) = sup [S(psi) - S(U psi)] = E_up(U^dag)

over pure states psi of AA' : BB', S the entropy of entanglement. The search is L-BFGS
on the unit sphere with the exact gradient. What it finds is a certificate from below:
a state, whose gain anyone can check with `entanglement_gain`. That no state does better
is numerical evidence only, so each result carries an upper bound that is proved.

States are arrays ``(dA, dA', dB, dB')``: Alice's axes, then Bob's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.entanglement.bounds import dual_upper_bound, log_negativity_capacity
from qsim.entanglement.checks import check_bipartite, integers
from qsim.entanglement.gain import (
    entanglement_gain,
    gain_objective,
    minimize,
    product_objective,
)
from qsim.numbers import is_integer

REACHED = 1e-6
"""A start counts as having reached the best if it ends this close to it, in ebits."""


def _summary(result: "EntanglingPower | PowerInterval") -> str:
    """One line: the interval, and how many starts agree."""
    lower, upper = result[:2]
    return (
        f"{type(result).__name__}: {lower:.6f} <= E <= {upper:.6f} ebits "
        f"({result.n_reached} of {result.n_starts} starts agree)"
    )


class EntanglingPower(NamedTuple):
    """What a search found: see `entangling_power` and `disentangling_power`."""

    value: float
    """Entropy that U gives to (or takes from) `state`, in ebits. The power is at
    least this, and for the given ancillas, as far as the search can tell, equal."""
    upper_bound: float
    """Proved, with any ancillas, by `dual_upper_bound` at the maximally mixed pair."""
    state: NDArray[np.complex128]
    """The input that reaches `value`, ``(dA, dA', dB, dB')``."""
    n_starts: int
    """How many starting points were tried."""
    n_reached: int
    """How many of them ended within 1e-6 of the best."""

    __repr__ = _summary


class PowerInterval(NamedTuple):
    """A certified interval for E_up: what `entangling_power_bounds` returns."""

    lower: float
    """The gain of `state`, in ebits; E_up is at least this."""
    upper: float
    """The dual bound at (rho_a, rho_b); E_up, with any ancillas, is at most this."""
    state: NDArray[np.complex128]
    """The input that proves `lower`, ``(dA, dA', dB, dB')``."""
    rho_a: NDArray
    """With `rho_b`, proves `upper` through `dual_upper_bound`, ``(dA, dA)``."""
    rho_b: NDArray
    """Density matrix on B, ``(dB, dB)``."""
    n_starts: int
    """How many starting points the lower end's search tried."""
    n_reached: int
    """How many of them ended within 1e-6 of the best."""

    __repr__ = _summary


def entangling_power(
    unitary: ArrayLike,
    dims: Sequence[int],
    *,
    ancillas: Sequence[int] | None = None,
    inputs: str = "arbitrary",
    n_starts: int | None = None,
    rng: np.random.Generator,
) -> EntanglingPower:
    """Entangling power of a unitary: the most entanglement that one use can add.

    ``E_up(U) = sup_psi S(U psi) - S(psi)``; with product inputs
    ``E_0(U) = sup S(U (alpha_AA' (x) beta_BB'))``

    SciPy's optimizer works on short vectors, so BLAS threads cost more than they give:
    set ``OPENBLAS_NUM_THREADS=1`` for the process.

    The value is numerical: a maximum over `n_starts` local searches, reached by the
    returned state. One start lies near maximally entangled pairs AA' and BB', where
    the gain is the Schmidt strength, half lie near product states, the rest are random.

    Args:
        unitary: Unitary ``(dA dB, dA dB)``.
        dims: The dimensions ``(dA, dB)``.
        ancillas: Sizes ``(dA', dB')`` of the ancillas. ``(1, 1)`` is none. Without
            this argument ``(dA, dB)``, which is enough for product inputs, or
            ``dA + dB`` twice where inputs are arbitrary and the dimensions differ:
            there random unitaries gain up to 1e-3 ebits by it. That still larger ones
            gain nothing is not proved.
        inputs: ``"arbitrary"``, or ``"product"`` for inputs without entanglement.
        n_starts: Number of starting points. Without it, 4, or 12 where local maxima
            are more common: product inputs, or ancillas smaller than ``(dA, dB)``.
        rng: Source of randomness.

    Returns:
        An `EntanglingPower` (value, upper_bound, state, n_starts, n_reached).

    Raises:
        TypeError: If `rng` is not a generator.
        ValueError: If another argument is wrong.

    References:
        Bennett, Harrow, Leung and Smolin, IEEE Trans. Inf. Theory 49, 1895 (2003);
        Leifer, Henderson and Linden, Phys. Rev. A 67, 012306 (2003).

    Example:
        Ancillas help SWAP: it exchanges halves of two Bell pairs.

        >>> from qsim.entanglement import SWAP
        >>> rng = np.random.default_rng(0)
        >>> entangling_power(SWAP, (2, 2), rng=rng)
        EntanglingPower: 2.000000 <= E <= 2.000000 ebits (4 of 4 starts agree)
        >>> alone = entangling_power(SWAP, (2, 2), ancillas=(1, 1), rng=rng)
        >>> round(abs(alone.value), 6)
        0.0
    """
    unitary, dims = check_bipartite(unitary, dims)
    if inputs not in ("arbitrary", "product"):
        raise ValueError(
            f"Argument `inputs` must be one of arbitrary, product, but is {inputs!r}."
        )
    product = inputs == "product"
    if ancillas is None:
        enough = product or dims[0] == dims[1]
        ancillas = dims if enough else (sum(dims), sum(dims))
    ancillas = _check_ancillas(ancillas)
    if n_starts is None:
        smaller = ancillas[0] < dims[0] or ancillas[1] < dims[1]
        n_starts = 12 if product or smaller else 4
    _check_search(n_starts, rng)
    ends = [
        _search(unitary, dims, ancillas, product, start, n_starts, rng)
        for start in range(n_starts)
    ]
    gains = np.array([entanglement_gain(unitary, end, dims) for end in ends])
    best = int(gains.argmax())
    return EntanglingPower(
        value=float(gains[best]),
        upper_bound=dual_upper_bound(unitary, dims),
        state=ends[best],
        n_starts=n_starts,
        n_reached=int((gains > gains[best] - REACHED).sum()),
    )


def disentangling_power(
    unitary: ArrayLike,
    dims: Sequence[int],
    *,
    ancillas: Sequence[int] | None = None,
    n_starts: int | None = None,
    rng: np.random.Generator,
) -> EntanglingPower:
    """Disentangling power of a unitary: the most entanglement that one use can remove.

    ``E_down(U) = sup_psi S(psi) - S(U psi) = E_up(U^dag)``

    For two qubits it equals the entangling power; in general it does not: see
    `QUBIT_QUTRIT`. The value is numerical, as `entangling_power`'s.

    Args:
        unitary: Unitary ``(dA dB, dA dB)``.
        dims: The dimensions ``(dA, dB)``.
        ancillas: Sizes ``(dA', dB')`` of the ancillas, as in `entangling_power`.
        n_starts: Number of starting points, as in `entangling_power`.
        rng: Source of randomness.

    Returns:
        An `EntanglingPower`; `state` is the input of U, so that
        ``entanglement_gain(unitary, state, dims)`` is minus the value.

    Raises:
        TypeError: If `rng` is not a generator.
        ValueError: If another argument is wrong.

    References:
        Linden, Smolin and Winter, Phys. Rev. Lett. 103, 030501 (2009).

    Example:
        >>> from qsim import CNOT
        >>> rng = np.random.default_rng(0)
        >>> disentangling_power(CNOT, (2, 2), ancillas=(1, 1), rng=rng)
        EntanglingPower: 1.000000 <= E <= 1.000000 ebits (12 of 12 starts agree)
    """
    unitary, (d_a, d_b) = check_bipartite(unitary, dims)
    adjoint = unitary.conj().T
    found = entangling_power(
        adjoint, (d_a, d_b), ancillas=ancillas, n_starts=n_starts, rng=rng
    )
    tensor = adjoint.reshape(d_a, d_b, d_a, d_b)
    return found._replace(state=np.einsum("abcd,cxdy->axby", tensor, found.state))


def entangling_power_bounds(
    unitary: ArrayLike,
    dims: Sequence[int],
    *,
    ancillas: Sequence[int] | None = None,
    n_starts: int | None = None,
    rng: np.random.Generator,
) -> PowerInterval:
    """Interval that is certain to hold the entangling power, with its two proofs.

    ``S(U psi) - S(psi) <= E_up(U) <= dual_upper_bound(U, rho_a, rho_b)``

    Both ends hold up to rounding, whatever the optimizers did. For the disentangling
    power pass the adjoint of U.

    Args:
        unitary: Unitary ``(dA dB, dA dB)``.
        dims: The dimensions ``(dA, dB)``.
        ancillas: Sizes ``(dA', dB')`` for the lower end, as in `entangling_power`. The
            upper end holds for ancillas of any size.
        n_starts: Number of starting points, as in `entangling_power`.
        rng: Source of randomness.

    Returns:
        A `PowerInterval` (lower, upper, state, rho_a, rho_b, n_starts, n_reached).

    Raises:
        TypeError: If `rng` is not a generator.
        ValueError: If another argument is wrong.

    Example:
        >>> from qsim.entanglement import canonical_gate
        >>> root = canonical_gate(np.pi / 8, np.pi / 8, 0)  # sqrt iSWAP
        >>> entangling_power_bounds(root, (2, 2), rng=np.random.default_rng(0))
        PowerInterval: 1.375652 <= E <= 1.543107 ebits (4 of 4 starts agree)
    """
    unitary, dims = check_bipartite(unitary, dims)
    found = entangling_power(
        unitary, dims, ancillas=ancillas, n_starts=n_starts, rng=rng
    )
    capacity = log_negativity_capacity(unitary, dims)
    return PowerInterval(
        found.value, capacity.upper_bound, found.state, *capacity[2:], *found[3:]
    )


def _search(
    unitary: NDArray,
    dims: tuple[int, int],
    ancillas: tuple[int, int],
    product: bool,
    start: int,
    n_starts: int,
    rng: np.random.Generator,
) -> NDArray[np.complex128]:
    """One local search; the state ``(dA, dA', dB, dB')`` where it ends."""
    alpha, beta = (_random(side, rng) for side in zip(dims, ancillas, strict=True))
    if start == 0:  # near maximally entangled pairs AA' and BB'
        alpha, beta = (_unit(np.eye(*x.shape) + 0.1 * x) for x in (alpha, beta))
    if product:
        objective = product_objective(unitary, dims, ancillas)
        begin = np.concatenate([alpha.ravel(), beta.ravel()])
    else:
        objective = gain_objective(unitary, dims, ancillas)
        begin = np.einsum("ax,by->abxy", alpha, beta)
        near = 0.9 if start <= n_starts // 2 else 0.0
        begin = near * begin + (1 - near) * _random(begin.shape, rng)
    end = minimize(objective, begin, 2000)
    if product:
        alpha, beta = (
            part.reshape(-1, size)
            for part, size in zip(np.split(end, [alpha.size]), ancillas, strict=True)
        )
        return _unit(np.einsum("ax,by->axby", alpha, beta))
    return _unit(end.reshape(*dims, *ancillas).swapaxes(1, 2))


def _random(shape: Sequence[int], rng: np.random.Generator) -> NDArray[np.complex128]:
    """A random unit vector of this shape, uniform on the complex sphere."""
    return _unit(rng.normal(size=shape) + 1j * rng.normal(size=shape))


def _unit(array: NDArray) -> NDArray:
    """The array divided by its norm."""
    return array / np.linalg.norm(array)


def _check_ancillas(ancillas: Sequence[int]) -> tuple[int, int]:
    """Return `ancillas` as two integers, or say what is wrong."""
    pair = integers(ancillas)
    if len(pair) != 2 or min(pair) < 1:
        raise ValueError(
            f"Argument `ancillas` must be two positive integers, but is {ancillas!r}."
        )
    return pair


def _check_search(n_starts: int, rng: np.random.Generator) -> None:
    """Say what is wrong with the arguments of a search, if anything."""
    if not is_integer(n_starts) or n_starts < 1:
        raise ValueError(
            f"Argument `n_starts` must be a positive integer, but is {n_starts!r}."
        )
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            "Argument `rng` must be a numpy.random.Generator, "
            f"but is {type(rng).__name__}."
        )
