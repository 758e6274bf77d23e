"""What a value must be: checks of the public border, and their one-line errors."""

import sys
import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.numbers import as_plain, check_fits

__all__ = [
    "as_real",
    "check_choice",
    "check_fits",
    "check_rng",
    "check_size",
    "check_symbols",
    "warn_user",
]


def as_real(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as float64, or say that they are not real numbers.

    Integers, truth values and floats of any precision are converted; a masked entry
    becomes nan. Strings, complex numbers and objects are refused.
    """
    if type(values) is np.ndarray and values.dtype == np.float64:
        return values  # the usual case, and the inner loop's
    if isinstance(values, (list, tuple)) and any(map(np.ma.isMaskedArray, values)):
        values = np.ma.array(values)  # asarray would read what lies under the masks
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"their type is {array.dtype}")
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Argument `{name}` must be an array of real numbers, but {error}."
        ) from None
    with np.errstate(over="ignore"):
        real = array.astype(np.float64)
    if np.ma.isMaskedArray(values):
        real[np.ma.getmaskarray(values)] = np.nan
    if (np.isinf(real) & np.isfinite(array)).any():
        raise ValueError(f"Argument `{name}` must fit in float64, but is larger.")
    return real


def check_rng(rng: np.random.Generator) -> None:
    """Say so when a source of randomness is none."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"Argument `rng` must be a numpy.random.Generator, but is {rng!r}."
        )


def check_size(name: str, value: int) -> None:
    """Say so when a size is not a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"Argument `{name}` must be an integer, but is {value!r}.")
    if value < 1:
        raise ValueError(f"Argument `{name}` must be at least 1, but is {value}.")


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Say so when a name is not among the known ones."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(
            f"Argument `{name}` must be one of {', '.join(known)}, but is {value!r}."
        )


def check_symbols(
    records: ArrayLike, n_symbols: int, skip: int = 0
) -> NDArray[np.int64]:
    """Return records as integers ``(n_sequences, length)``, or say what is off."""
    records = as_plain("records", records)
    if records.size and records.dtype.kind not in "iu":
        raise TypeError(
            f"Argument `records` must be integers, but is of {records.dtype}."
        )
    if records.ndim != 2 or 0 in records.shape:
        raise ValueError(
            "Argument `records` must have shape (n_sequences, length), none of them 0, "
            f"but has {records.shape}."
        )
    wrong = np.argwhere((records < 0) | (records >= n_symbols))
    if len(wrong):
        record, place = wrong[0]
        raise ValueError(
            f"Argument `records` must hold symbols from 0 to {n_symbols - 1}, but "
            f"record {record} has {records[record, place]} at place {place}."
        )
    if isinstance(skip, bool) or not isinstance(skip, (int, np.integer)):
        raise TypeError(f"Argument `skip` must be an integer, but is {skip!r}.")
    if not 0 <= skip < records.shape[1]:
        raise ValueError(
            f"Argument `skip` must lie in 0..{records.shape[1] - 1}, but is {skip}."
        )
    return records.astype(np.int64)


def warn_user(text: str, model: int | None = None) -> None:
    """Warn, and blame the line outside of these packages that led here.

    The number of the model, of those that are trained together, goes with the warning
    as its attribute `model`.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("qlstm"):
        level, frame = level + 1, frame.f_back
    warning = UserWarning(text)
    warning.model = model
    warnings.warn(warning, stacklevel=level)
