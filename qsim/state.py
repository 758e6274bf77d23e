"""States ``(batch, 2, ..., 2)``: wire ``w`` is axis ``w + 1``, wire 0 the top bit."""

import operator
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.numbers import as_numbers, check_count, check_wires_fit


def zero_state(n_wires: int, batch: int = 1) -> NDArray[np.float64]:
    """All wires in ``|0>``.

    Args:
        n_wires: Number of wires, at least 1.
        batch: Number of copies, at least 1.

    Returns:
        float64 array ``(batch, 2, ..., 2)`` with ``n_wires`` axes of length 2.

    Raises:
        MemoryError: If the state is larger than the machine's memory.
        ValueError: If either number is below 1.

    Example:
        >>> zero_state(2)
        array([[[1., 0.],
                [0., 0.]]])
    """
    check_count("n_wires", n_wires)
    check_count("batch", batch)
    check_wires_fit(n_wires, f"A batch of {batch} state(s)", batch)
    state = np.zeros((batch, *(2,) * n_wires))
    state[(slice(None), *(0,) * n_wires)] = 1.0
    return state


def apply_gate(state: ArrayLike, gate: ArrayLike, wires: Sequence[int]) -> NDArray:
    """Apply a gate to any wires of a batch of states: one contraction, one transpose.

    Args:
        state: Array ``(batch, 2, ..., 2)``.
        gate: Matrix ``(2**k, 2**k)``.
        wires: The k wires the gate acts on; the first is the gate's top bit.

    Returns:
        A new array of the state's shape: complex128 if state or gate is complex.

    Raises:
        ValueError: If the state, the gate's shape or the wires do not fit together.

    Example:
        A Bell pair:

        >>> from qsim import CNOT, HADAMARD
        >>> plus = apply_gate(zero_state(2), HADAMARD, [0])
        >>> apply_gate(plus, CNOT, [0, 1]).round(3)
        array([[[0.707, 0.   ],
                [0.   , 0.707]]])
    """
    state = check_state(state)
    wires = check_wires(wires, state.ndim - 1)
    gate = as_numbers("gate", gate)
    k = len(wires)
    if gate.shape != (2**k, 2**k):
        raise ValueError(
            f"Argument `gate` must have shape {(2**k, 2**k)} for {k} wire(s), "
            f"but has {gate.shape}."
        )
    axes = [wire + 1 for wire in wires]
    tensor = gate.reshape((2,) * (2 * k))
    out = np.tensordot(tensor, state, axes=(range(k, 2 * k), axes))
    return np.moveaxis(out, range(k), axes)


def check_state(state: ArrayLike) -> NDArray:
    """Return `state` as an array, or say why it is not a batch of states."""
    state = as_numbers("state", state)
    if state.ndim < 2 or any(size != 2 for size in state.shape[1:]):
        raise ValueError(
            "Argument `state` must have shape (batch, 2, ..., 2), "
            f"but has {state.shape}."
        )
    if len(state) == 0:
        raise ValueError("Argument `state` must hold at least one state, but is empty.")
    return state


def check_wires(wires: Sequence[int], n_wires: int) -> list[int]:
    """Return `wires` as a list, or say which wire is out of range or doubled."""
    try:
        wires = [operator.index(wire) for wire in wires]
    except TypeError:
        raise TypeError(
            f"Argument `wires` must be a sequence of integers, but is {wires!r}."
        ) from None
    if not wires:
        raise ValueError("Argument `wires` must name at least one wire, but is empty.")
    if len(set(wires)) != len(wires):
        raise ValueError(f"Argument `wires` must be distinct, but is {wires}.")
    for wire in wires:
        if not 0 <= wire < n_wires:
            raise ValueError(
                f"Argument `wires` must lie in 0..{n_wires - 1}, but holds {wire}."
            )
    return wires
