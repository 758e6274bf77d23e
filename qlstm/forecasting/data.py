"""From a series to windows, scaled and split: every choice is named in a `Protocol`.

The paper and its public code disagree on much; each reading is one protocol, and
nothing outside this file chooses for it (docs/reproduction.md tells them apart).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_choice, check_rng, check_size
from qlstm.forecasting.checks import check_series, gap_note, warn_of_markers
from qlstm.options import Training

NOISES = ("none", "gaussian", "uniform", "gaussian twice")
SPLITS = ("windows", "random", "series", "targets")


@dataclass(frozen=True)
class Protocol:
    """One reading of an experiment, with every choice fixed.

    Args:
        name: Its name on the command line.
        noise: Sine only: ``"gaussian"`` (sigma 0.1), ``"uniform"`` (within +-0.1),
            ``"gaussian twice"`` (sigma 0.1, added two times) or ``"none"``.
        split: ``"windows"``: cut windows, the first `train_share` train.
            ``"random"``: cut windows, a random `train_share` of them trains.
            ``"series"``: split the values, then cut windows in each part.
            ``"targets"``: targets split in time into training, validation and test;
            a window's inputs may reach back over a cut, never forward.
        scaling: ``"none"``, or ``"minmax"``: to [0, 1] by the first `train_share` of
            the values, which are the training part if the split is by series or
            targets.
        gaps: ``"drop values"``: take missing values out and close up. ``"drop
            windows"``: keep them as gaps and drop every window that holds one.
        epochs: Epochs of training.
        train_share: Share of values or windows that train.
        val_share: Share for validation, right after it (``"targets"`` only).
        n_steps: Values in a window.
        batch_size: Windows in a minibatch.
        learning_rate: Adam's step size.
    """

    name: str
    noise: str
    split: str
    scaling: str
    gaps: str
    epochs: int
    train_share: float = 0.8
    val_share: float = 0.0
    n_steps: int = 10
    batch_size: int = 5
    learning_rate: float = 0.01

    @property
    def training(self) -> Training:
        """Its options of training; the others are the defaults."""
        return Training(self.epochs, self.batch_size, self.learning_rate)


def _strict(noise: str, scaling: str, epochs: int) -> Protocol:
    """The protocol without leaks: targets split 70/10/20 in time."""
    return Protocol(
        "strict", noise, "targets", scaling, "drop windows", epochs, 0.7, 0.1
    )


SINE_PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("figure", "gaussian", "windows", "none", "drop values", 150),
        Protocol("text", "uniform", "random", "none", "drop values", 150),
        Protocol("repository", "gaussian twice", "series", "none", "drop values", 150),
        _strict("gaussian", "none", 150),
    )
}
"""Readings of the paper's noisy sine (section 3 and Fig. 4)."""

WEATHER_PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("figure", "none", "windows", "minmax", "drop values", 100),
        _strict("none", "minmax", 100),
    )
}
"""Readings of the paper's weather experiment (section 3 and Fig. 5)."""


class Scaler(NamedTuple):
    """An affine map: ``scaled = (value - offset) / scale``."""

    offset: float = 0.0
    scale: float = 1.0

    def transform(self, values: ArrayLike) -> NDArray[np.float64]:
        """Scale values."""
        return (as_real("values", values) - self.offset) / self.scale

    def inverse(self, scaled: ArrayLike) -> NDArray[np.float64]:
        """Bring scaled values back to their units."""
        return as_real("scaled", scaled) * self.scale + self.offset


class Windows(NamedTuple):
    """Sequences with the value that follows each."""

    inputs: NDArray[np.float64]
    """``(n_windows, n_steps, 1)``."""
    targets: NDArray[np.float64]
    """``(n_windows,)``."""
    index: NDArray[np.intp]
    """Position of each target in the series, ``(n_windows,)``."""

    @property
    def input_index(self) -> NDArray[np.intp]:
        """Positions of the inputs, right before each target, ``(n, n_steps)``."""
        return self.index[:, None] - np.arange(self.inputs.shape[1], 0, -1)


class Dataset(NamedTuple):
    """What a protocol makes of a series."""

    train: Windows
    validation: Windows
    """Empty unless the protocol has a validation part."""
    test: Windows
    scaler: Scaler
    scaler_index: NDArray[np.intp]
    """Positions of the values that the scaler was fitted on; empty if on none."""
    values: NDArray[np.float64]
    """The series the windows were cut from, in original units."""
    protocol: Protocol


def noisy_sine(
    protocol: Protocol, rng: np.random.Generator, n_points: int = 100
) -> NDArray[np.float64]:
    """The paper's series: a sine on [0, 8 pi], with the protocol's noise.

    Args:
        protocol: One of `SINE_PROTOCOLS`.
        rng: Source of the noise.
        n_points: Number of values.

    Returns:
        float64 array ``(n_points,)``.

    Raises:
        ValueError: If the protocol's noise is unknown or `n_points` is not positive.

    Example:
        >>> noisy_sine(SINE_PROTOCOLS["figure"], np.random.default_rng(0)).shape
        (100,)
    """
    check_size("n_points", n_points)
    check_rng(rng)
    check_choice("protocol.noise", protocol.noise, NOISES)
    clean = np.sin(np.linspace(0, 8 * np.pi, n_points))
    if protocol.noise == "none":
        return clean
    if protocol.noise == "gaussian":
        return clean + rng.normal(0, 0.1, n_points)
    if protocol.noise == "uniform":
        return clean + rng.uniform(-0.1, 0.1, n_points)
    return clean + rng.normal(0, 0.1, (2, n_points)).sum(axis=0)


def make_windows(values: ArrayLike, n_steps: int) -> Windows:
    """Cut every run of `n_steps` values and the value after it.

    Args:
        values: Series ``(n,)``; windows that hold nan are dropped.
        n_steps: Values in a window.

    Returns:
        `Windows`, in order of time.

    Raises:
        ValueError: If the series is not one-dimensional, holds infinity, or is not
            longer than a window, or `n_steps` is not positive.

    Example:
        >>> windows = make_windows([1.0, 2.0, 3.0, 4.0], 2)
        >>> windows.inputs[:, :, 0], windows.targets
        (array([[1., 2.],
               [2., 3.]]), array([3., 4.]))
    """
    check_size("n_steps", n_steps)
    values = check_series("values", values)
    _check_length(values, n_steps, gap_note(values))
    inputs, targets, _, index = cut_windows(values, n_steps, [1])
    return Windows(inputs, targets[:, 0], index[:, 0])


def cut_windows(
    values: NDArray[np.float64], n_steps: int, leads: list[int], start: int = 0
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Cut windows without gaps and the values some steps after them, without checks.

    Args:
        values: Series ``(n,)``, nan where a value is missing.
        n_steps: Values in a window.
        leads: How many steps after the end of a window its targets lie, ascending.
        start: Position of the first window's first value.

    Returns:
        Inputs ``(n_windows, n_steps, 1)``, targets ``(n_windows, n_leads)``, and the
        positions of both, ``(n_windows, n_steps)`` and ``(n_windows, n_leads)``.
    """
    first = np.arange(start, len(values) - n_steps - leads[-1] + 1)[:, None]
    offsets = np.append(np.arange(n_steps), n_steps - 1 + np.array(leads))
    index = first + offsets
    index = index[~np.isnan(values[index]).any(axis=1)]
    input_index, index = index[:, :n_steps], index[:, n_steps:]
    return values[input_index][:, :, None], values[index], input_index, index


def fit_minmax(values: ArrayLike) -> Scaler:
    """A scaler that takes the smallest value to 0 and the largest to 1.

    Args:
        values: Values to fit on; nan is left out.

    Returns:
        A `Scaler`.

    Raises:
        ValueError: If the values do not vary.

    Example:
        >>> fit_minmax([2.0, 4.0, np.nan]).transform([3.0])
        array([0.5])
    """
    values = as_real("values", values).ravel()
    return _fit_minmax(values, gap_note(values))


def _fit_minmax(values: NDArray[np.float64], note: str) -> Scaler:
    """The same of checked values; the note tells of the gaps of their series."""
    known = values[~np.isnan(values)]
    if known.size == 0 or known.min() == known.max():
        raise ValueError(
            "Argument `values` must hold two different values to set a scale, but "
            f"holds {known.size} and they do not vary{note}."
        )
    low, scale = float(known.min()), float(known.max() - known.min())
    if not np.isfinite(scale):
        raise ValueError(
            "Argument `values` must have a finite range, but reaches from "
            f"{low:.3g} to {known.max():.3g}."
        )
    return Scaler(low, scale)


def fit_minmax_or_shift(values: NDArray[np.float64]) -> Scaler:
    """As `fit_minmax`; values that do not vary are shifted to 0, their scale is 1.

    For one stretch of a walk over a series, which may be flat.
    """
    known = values[~np.isnan(values)]
    if known.size and known.min() == known.max():
        return Scaler(float(known[0]))
    return fit_minmax(values)


def step_targets(windows: Windows) -> NDArray[np.float64]:
    """Targets of every step, for a loss over all steps: ``(n_windows, n_steps)``."""
    return np.column_stack([windows.inputs[:, 1:, 0], windows.targets])


def prepare(values: ArrayLike, protocol: Protocol, rng: np.random.Generator) -> Dataset:
    """Scale a series, cut it into windows and split them as a protocol says.

    It warns of a value that looks like the mark of a missing one, such as -9999.

    Args:
        values: Series ``(n,)`` in original units, nan or masked where a value is
            missing.
        protocol: The reading to follow.
        rng: Used by a random split alone.

    Returns:
        A `Dataset`; its windows are scaled.

    Raises:
        TypeError: If the values are not real numbers, or a random split has no `rng`.
        ValueError: If the series is not one-dimensional, is too short for the windows
            or for a part, holds infinity or gaps only, or does not vary, or if a name
            in the protocol is unknown.

    Example:
        >>> protocol = SINE_PROTOCOLS["figure"]
        >>> rng = np.random.default_rng(0)
        >>> data = prepare(noisy_sine(protocol, rng), protocol, rng)
        >>> len(data.train.targets), len(data.test.targets)
        (72, 18)
    """
    values = check_series("values", values)
    _check_shares(protocol)
    check_choice("protocol.scaling", protocol.scaling, ("none", "minmax"))
    check_choice("protocol.gaps", protocol.gaps, ("drop values", "drop windows"))
    check_choice("protocol.split", protocol.split, SPLITS)
    warn_of_markers(values)
    note = gap_note(values)
    if protocol.gaps == "drop values":
        values = values[~np.isnan(values)]
    scaler, scaler_index = Scaler(), np.arange(0)
    if protocol.scaling == "minmax":
        scaler_index = np.arange(_cut(protocol.train_share, len(values)))
        scaler = _fit_minmax(values[scaler_index], note)
    _check_length(values, protocol.n_steps, note)
    windows = make_windows(scaler.transform(values), protocol.n_steps)
    parts = [
        Windows(*(array[rows] for array in windows))
        for rows in _split_rows(windows, len(values), protocol, rng)
    ]
    for name, part in (("training", parts[0]), ("test", parts[2])):
        if len(part.targets) == 0:
            raise ValueError(
                f"Argument `values` must be long enough for a {name} part, but its "
                f"{len(values)} values leave no {name} window of {protocol.n_steps} "
                f"steps{note}."
            )
    return Dataset(*parts, scaler, scaler_index, values, protocol)


def _split_rows(
    windows: Windows, n_values: int, protocol: Protocol, rng: np.random.Generator
) -> tuple[NDArray, NDArray, NDArray]:
    """Rows of the training, validation and test windows."""
    rows = np.arange(len(windows.targets))
    nothing = rows[:0]
    n_train = _cut(protocol.train_share, len(rows))
    if protocol.split == "windows":
        return rows[:n_train], nothing, rows[n_train:]
    if protocol.split == "random":
        check_rng(rng)
        shuffled = rng.permutation(rows)
        return np.sort(shuffled[:n_train]), nothing, np.sort(shuffled[n_train:])
    cut = _cut(protocol.train_share, n_values)
    if protocol.split == "series":
        first = windows.index - protocol.n_steps  # a window's first value
        return rows[windows.index < cut], nothing, rows[first >= cut]
    second = _cut(protocol.train_share + protocol.val_share, n_values)
    after, test = windows.index >= cut, windows.index >= second
    return rows[~after], rows[after & ~test], rows[test]


def _check_length(values: NDArray[np.float64], n_steps: int, note: str) -> None:
    """Say so when a series is not longer than a window; the note tells of its gaps."""
    if len(values) <= n_steps:
        raise ValueError(
            f"Argument `values` must be longer than a window of {n_steps} steps, "
            f"but has {len(values)} values{note}."
        )


def _check_shares(protocol: Protocol) -> None:
    """Say so when the parts of a protocol are no parts."""
    train, validation = protocol.train_share, protocol.val_share
    if not (0 < train < 1 and 0 <= validation and train + validation < 1):
        raise ValueError(
            "Arguments `protocol.train_share` and `protocol.val_share` must be shares "
            f"that leave something to test on, but are {train} and {validation}."
        )


def _cut(share: float, n: int) -> int:
    """``floor(share * n)``, where shares such as 0.7 + 0.1 mean what they say."""
    return int(share * n + 1e-9)
