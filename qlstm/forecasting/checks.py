"""What is asked of numbers in several places, said once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, warn_user

ROUNDING = 1e-12
"""Relative difference up to which two numbers are the same but for rounding."""


def check_finite(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as float64, or say which is nan, inf or masked."""
    masked, values = np.ma.getmaskarray(values), as_real(name, values)
    known = np.isfinite(values)
    if not known.all():
        where = tuple(np.argwhere(~known)[0])
        hidden = masked.shape == values.shape and masked[where]
        value = "a masked entry" if hidden else values[where]
        sample = f"sample {where[0]} holds {value}" if where else f"is {value}"
        raise ValueError(f"Argument `{name}` must be finite, but {sample}.")
    return values


def check_series(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as a float64 series, or say what is off; nan is a gap."""
    values = as_real(name, values)
    if values.ndim != 1 or np.isinf(values).any():
        raise ValueError(
            f"Argument `{name}` must be one-dimensional and hold no infinity, "
            f"but has shape {values.shape}."
        )
    return values


def gap_note(values: NDArray[np.float64]) -> str:
    """What the gaps of a series leave, the end of a message; empty without gaps."""
    gaps = np.isnan(values)
    if not gaps.any():
        return ""
    ends = np.flatnonzero(np.concatenate([[True], gaps, [True]]))
    return (
        f": {gaps.sum()} of {len(values)} values are gaps, and at most "
        f"{np.diff(ends).max() - 1} in a row are known"
    )


def warn_of_markers(values: NDArray[np.float64]) -> None:
    """Warn of a value far outside the others that repeats or is written in nines."""
    levels, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if len(levels) < 4:
        return
    low, high = levels[1], levels[-2]
    for level, count in ((levels[0], counts[0]), (levels[-1], counts[-1])):
        away = max(low - level, level - high) / (high - low)
        nines = abs(level) >= 99 and set(f"{abs(level):.10g}") <= set("9.")
        if away > (1 if nines else 10) and (nines or count > 1):
            warn_user(
                f"The value {level:.10g} lies far outside all others ({low:g} to "
                f"{high:g}) and occurs {count} time(s). If it marks missing values, "
                "make them gaps: nan in an array, an empty cell or --missing for a "
                "file."
            )


def exponent(values: NDArray[np.float64]) -> int:
    """The e for which ``values / 2^e`` is at most 1 and can be squared, to the bit."""
    return int(np.frexp(np.abs(values).max(initial=0.0))[1])


def rescale(name: str, value: float, power: int) -> float:
    """``value 2^power``, or say that it is too large for float64."""
    with np.errstate(over="ignore"):
        result = float(np.ldexp(value, power))
    if not np.isfinite(result):
        raise ValueError(
            f"Argument `{name}` must be small enough for a result in float64, but is "
            "too large."
        )
    return result


def check_share(name: str, value: float) -> None:
    """Say so when a share is not between 0 and 1."""
    if np.ndim(value) or not 0 < as_real(name, value) < 1:
        raise ValueError(f"Argument `{name}` must be between 0 and 1, but is {value}.")
