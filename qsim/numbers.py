"""What people pass, as arrays of real or complex numbers: one rule for each kind.

- Booleans, integers, half and single precision become float64 or complex128, and so
  does extended precision, rounded.
- A masked array is its data; a masked entry is an error, not what lies beneath it.
- nan and inf are errors, unless a function says that it takes them.
- Complex numbers are an error where real ones are wanted.
- Strings, dates and other objects are errors, even if they spell numbers.

And two rules of sizes: what a count is, and what fits into the memory.
"""

import os

import numpy as np
from numpy.typing import ArrayLike, NDArray


def as_numbers(
    name: str, values: ArrayLike, finite: bool = True
) -> NDArray[np.float64 | np.complex128]:
    """What came as float64 or complex128, or why it is no array of numbers.

    Args:
        name: The argument's name, for the message.
        values: What was passed. An array of either type is returned as it is.
        finite: Whether nan and inf are errors.

    Raises:
        TypeError: If these are no numbers.
        ValueError: If an entry is masked, nan or inf, or rows differ in length.
    """
    array = as_plain(name, values)
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"Argument `{name}` must be an array of numbers, but is of {array.dtype}."
        )
    with np.errstate(over="ignore"):  # extended precision may become inf
        double = np.complex128 if array.dtype.kind == "c" else np.float64
        array = array.astype(double, copy=False)
    if finite and not np.isfinite(array).all():
        raise ValueError(f"Argument `{name}` must be finite, but holds nan or inf.")
    return array


def as_real(name: str, values: ArrayLike, finite: bool = True) -> NDArray[np.float64]:
    """What came as float64, or why it is no array of real numbers: see `as_numbers`."""
    array = as_numbers(name, values, finite)
    if array.dtype.kind == "c":
        raise ValueError(f"Argument `{name}` must be real here, but is complex.")
    return array


def as_number(name: str, value: float, finite: bool = True) -> float:
    """What came as one real number: see `as_real`."""
    array = as_real(name, value, finite)
    if array.ndim:
        raise ValueError(
            f"Argument `{name}` must be one number, but has shape {array.shape}."
        )
    return float(array)


def as_plain(name: str, values: ArrayLike) -> NDArray:
    """What came as a plain array of its own type, without a mask."""
    if _is_masked(values):
        raise ValueError(f"Argument `{name}` must hold no masked entry, but one is.")
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"Argument `{name}` must be an array of numbers, but: {error}"
        ) from None


def _is_masked(values: ArrayLike) -> bool:
    """Whether an entry is masked, of an array or of one in a list."""
    if isinstance(values, (list, tuple)):
        return any(map(_is_masked, values))
    return isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values)


def resolution(values: ArrayLike) -> float:
    """Machine epsilon of what came: float64's, or that of half or single precision."""
    dtype = np.asarray(values).dtype
    eps = np.finfo(dtype).eps if dtype.kind in "fc" else 0.0
    return float(max(eps, np.finfo(float).eps))


def is_integer(value: object) -> bool:
    """Whether a value is a Python or NumPy integer; True and 2.0 are none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_count(name: str, value: int) -> None:
    """Say so if a number is no integer, or there are none of something."""
    if not is_integer(value):
        raise TypeError(f"Argument `{name}` must be an integer, but is {value!r}.")
    if value < 1:
        raise ValueError(f"Argument `{name}` must be at least 1, but is {value}.")


def check_fits(n_bytes: int, what: str) -> None:
    """Say so, before anything is allocated, when arrays are larger than the memory.

    Args:
        n_bytes: About how much they take.
        what: What they belong to, the subject of the message.

    Raises:
        MemoryError: If the machine has less.
    """
    if not hasattr(os, "sysconf"):
        return  # Windows: NumPy says it when it allocates
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if n_bytes > has:
        power = int(n_bytes).bit_length() - 1
        needs = f"{n_bytes / 1e9:,.0f} GB" if power < 100 else f"2**{power} bytes"
        raise MemoryError(
            f"{what} needs about {needs}, but this machine has {has / 1e9:,.0f} GB."
        )


def check_wires_fit(n_wires: int, what: str, batch: int = 1, sides: int = 1) -> None:
    """Say so when states (or, with two sides, matrices) of many wires do not fit."""
    exponent = min(sides * int(n_wires), 10_000)  # more are too many anyhow
    check_fits(8 * int(batch) * 2**exponent, f"{what} of {n_wires} wires")
