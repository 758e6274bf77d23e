"""What a measurement shows: probabilities, expectation values, reduced states."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.numbers import as_plain, check_wires_fit
from qsim.state import check_state, check_wires


def split_state(state: ArrayLike, wires: Sequence[int]) -> tuple[NDArray, list[int]]:
    """The state as a matrix ``(batch, 2**k, rest)``: the wires as rows, in order."""
    state = check_state(state)
    wires = check_wires(wires, state.ndim - 1)
    moved = np.moveaxis(state, [w + 1 for w in wires], range(1, len(wires) + 1))
    return moved.reshape(len(state), 2 ** len(wires), -1), wires


def probabilities(state: ArrayLike, wires: Sequence[int]) -> NDArray[np.float64]:
    """Born probabilities of the outcomes of some wires.

    ``p(i) = || <i|_wires |state> ||^2``

    Args:
        state: Array ``(batch, 2, ..., 2)``.
        wires: The k wires that are measured; the first is the top bit of the outcome.

    Returns:
        float64 array ``(batch, 2**k)``.

    Raises:
        ValueError: If the state's shape or the wires are wrong.

    Example:
        >>> from qsim import HADAMARD, apply_gate, zero_state
        >>> probabilities(apply_gate(zero_state(2), HADAMARD, [0]), [0]).round(3)
        array([[0.5, 0.5]])
    """
    matrix, _ = split_state(state, wires)
    return (matrix.real**2 + matrix.imag**2).sum(axis=2)


def expval_z(state: ArrayLike, wire: int) -> NDArray[np.float64]:
    """Expectation value of Pauli Z on one wire, ``<Z> = p(0) - p(1)``.

    Args:
        state: Array ``(batch, 2, ..., 2)``.
        wire: The wire that is measured.

    Returns:
        float64 array ``(batch,)``.

    Raises:
        ValueError: If the state's shape or the wire is wrong.

    Example:
        >>> from qsim import RY, apply_gate, zero_state
        >>> expval_z(apply_gate(zero_state(1), RY(np.pi / 3), [0]), 0).round(3)
        array([0.5])
    """
    p = probabilities(state, [wire])
    return p[:, 0] - p[:, 1]


def reduced_density_matrix(
    state: ArrayLike, wires: Sequence[int]
) -> NDArray[np.float64 | np.complex128]:
    """Density matrix of some wires, the others traced out.

    ``rho = Tr_rest |state><state|``

    Args:
        state: Array ``(batch, 2, ..., 2)``.
        wires: The k wires that are kept, in the order of the result's bits.

    Returns:
        Array ``(batch, 2**k, 2**k)``, complex128 if the state is complex.

    Raises:
        MemoryError: If the matrices are larger than the machine's memory.
        ValueError: If the state's shape or the wires are wrong.

    Example:
        Half of a Bell pair is maximally mixed:

        >>> bell = np.array([[[1.0, 0.0], [0.0, 1.0]]]) / np.sqrt(2)
        >>> reduced_density_matrix(bell, [1]).round(3)
        array([[[0.5, 0. ],
                [0. , 0.5]]])
    """
    matrix, wires = split_state(state, wires)
    check_wires_fit(len(wires), "A density matrix", len(matrix), sides=2)
    return matrix @ matrix.conj().swapaxes(1, 2)


class Collapsed(NamedTuple):
    """A register after another one was measured: what `collapse` returns."""

    state: NDArray
    """Normalized state of the wires that were not measured, ``(batch, 2, ..., 2)``."""
    outcomes: NDArray[np.intp]
    """The outcome of each sample, ``(batch,)``."""
    probability: NDArray[np.float64]
    """The Born probability of that outcome, ``(batch,)``."""


def collapse(
    state: ArrayLike, wires: Sequence[int], outcomes: ArrayLike | None = None
) -> Collapsed:
    """State of the other wires after a register was measured.

    ``|h> = <i|_wires |state> / sqrt(p(i))``

    Args:
        state: Array ``(batch, 2, ..., 2)``.
        wires: The k wires that are measured, at least one fewer than there are.
        outcomes: Outcome of each sample, integers ``(batch,)``. Without it, each
            sample's likeliest outcome; ties go to the lowest.

    Returns:
        A `Collapsed` (state, outcomes, probability).

    Raises:
        ValueError: If the shapes or wires are wrong, no wire is left, or an outcome is
            out of range or has probability zero.

    References:
        Daskin, "Quantum RNNs and LSTMs through entangling and disentangling power of
        unitary transformations", eqs. 9 and 10.

    Example:
        >>> bell = np.array([[[0.6, 0.0], [0.0, 0.8]]])
        >>> state, outcomes, probability = collapse(bell, [0])
        >>> state, outcomes, probability
        (array([[0., 1.]]), array([1]), array([0.64]))
    """
    matrix, wires = split_state(state, wires)
    batch, n_outcomes, rest = matrix.shape
    if rest == 1:
        raise ValueError(
            "Argument `wires` must leave a wire unmeasured, but names all."
        )
    p = (matrix.real**2 + matrix.imag**2).sum(axis=2)
    if outcomes is None:
        outcomes = p.argmax(axis=1)
    outcomes = _check_outcomes(outcomes, batch, n_outcomes)
    chosen = p[np.arange(batch), outcomes]
    if (chosen <= 0).any():
        sample = int(np.flatnonzero(chosen <= 0)[0])
        raise ValueError(
            "Argument `outcomes` must have non-zero probability, but outcome "
            f"{outcomes[sample]} of sample {sample} has probability 0."
        )
    after = matrix[np.arange(batch), outcomes] / np.sqrt(chosen)[:, None]
    shape = (batch, *(2,) * (rest.bit_length() - 1))
    return Collapsed(after.reshape(shape), outcomes, chosen)


def _check_outcomes(
    outcomes: ArrayLike, batch: int, n_outcomes: int
) -> NDArray[np.intp]:
    """Return `outcomes` as integers ``(batch,)``, or say what is wrong."""
    outcomes = as_plain("outcomes", outcomes)
    if outcomes.shape != (batch,) or outcomes.dtype.kind not in "iu":
        raise ValueError(
            f"Argument `outcomes` must be integers of shape {(batch,)}, "
            f"but is {outcomes.dtype} of shape {outcomes.shape}."
        )
    if ((outcomes < 0) | (outcomes >= n_outcomes)).any():
        raise ValueError(
            f"Argument `outcomes` must lie in 0..{n_outcomes - 1}, "
            f"but holds {outcomes.min()} to {outcomes.max()}."
        )
    return outcomes.astype(np.intp)
