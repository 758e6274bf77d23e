"""What is asked of numbers in several places, said once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real


def check_finite(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as float64, or say which is nan or inf."""
    values = as_real(name, values)
    known = np.isfinite(values)
    if not known.all():
        where = tuple(np.argwhere(~known)[0])
        sample = f"sample {where[0]} holds {values[where]}" if where else f"is {values}"
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


def check_share(name: str, value: float) -> None:
    """Say so when a share is not between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"Argument `{name}` must be between 0 and 1, but is {value}.")
