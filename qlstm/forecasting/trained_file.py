"""One file that forecasts: a trained forecaster as an archive of arrays.

What is fitted is a tree of dataclasses and NamedTuples. Its arrays lie in the archive,
the rest is JSON in the header, where each part has the name of its type. Only types
that this package knows are built again, from fields of their own: nothing in a file is
evaluated.
"""

import dataclasses
import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qlstm.archive import Damage, one_line, open_archive
from qlstm.forecasting.base import Fitted, Forecaster
from qlstm.forecasting.baselines.linear import Linear
from qlstm.forecasting.baselines.recurrent import (
    ElmanCell,
    LSTMCell,
    RecurrentParams,
)
from qlstm.forecasting.conformal import Coverage
from qlstm.forecasting.data import Scaler
from qlstm.forecasting.examples import Layout
from qlstm.forecasting.leads import Lead
from qlstm.forecasting.metrics import Errors
from qlstm.forecasting.quantum import FittedQuantum
from qlstm.forecasting.trained import TrainedForecaster
from qlstm.params import QLSTMConfig, QLSTMParams, check_params, params_type
from qlstm.store import (
    FORECASTER,
    MODEL,
    damaged,
    kind_of,
    load_model,
    read_arrays,
    read_head,
    require,
    write_parts,
)

TUPLES = (QLSTMParams, RecurrentParams, Linear, Layout, Scaler, Lead, Errors, Coverage)
"""NamedTuples that a fitted forecaster consists of."""
CELLS = (ElmanCell, LSTMCell)
"""Networks, which are classes without fields."""
KEYS = ("arrays", "content", "format_version", "kind", "sha256")
MOST_VALUES = 10**6
"""Values in a window, and values ahead."""


def save_forecaster(path: str | os.PathLike, trained: TrainedForecaster) -> None:
    """Save a trained forecaster with all that forecasting takes.

    Args:
        path: File to write, by custom ``.npz``. An existing one is replaced.
        trained: From `train_forecaster`.

    Raises:
        TypeError: If a forecaster of one's own has a field that is no number, text,
            array, or dataclass or NamedTuple of these.

    Example:
        >>> import pathlib, tempfile
        >>> from qlstm.forecasting import Series, make_forecaster, train_forecaster
        >>> rng = np.random.default_rng(0)
        >>> series = Series(np.sin(np.arange(99.0)), None, "level", "m", {})
        >>> trained = train_forecaster(series, make_forecaster("ar"), rng=rng)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "level.npz")
        ...     save_forecaster(path, trained)
        ...     loaded = load_forecaster(path)
        >>> found = loaded.forecast(series, interval=None).values
        >>> np.array_equal(found, trained.forecast(series, interval=None).values)
        True
    """
    arrays: dict[str, NDArray] = {}
    content = _encode(trained, arrays)
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    header = {"kind": FORECASTER, "arrays": shapes, "content": content}
    write_parts(path, header, arrays)


def load_forecaster(
    path: str | os.PathLike,
    *,
    n_steps: int | None = None,
    scaler: Scaler | None = None,
) -> TrainedForecaster:
    """Load what `save_forecaster` wrote, or a bare model.

    Args:
        path: The file. A model of `save_model`, of version 0.1.0 as well, has neither
            a scale nor a window: the next arguments say them, and its forecasts have no
            intervals.
        n_steps: Values in a window, for a bare model alone.
        scaler: Of the series, for a bare model alone; None leaves values as they are.

    Returns:
        The forecaster.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, of another kind or version, needs a
            forecaster that is not registered, or is a bare model and `n_steps` is not
            given (or the other way round).
    """
    if kind_of(path) == MODEL:
        return _from_model(path, n_steps, scaler)
    if n_steps is not None or scaler is not None:
        raise ValueError(
            "Arguments `n_steps` and `scaler` must be None for a file that knows them, "
            f"as {os.fspath(path)} does."
        )
    try:
        with open_archive(path) as archive:
            header = read_head(path, archive, FORECASTER)
            require(
                "list of keys", sorted(header), tuple(sorted(header)) == KEYS, str(KEYS)
            )
            shapes = header["arrays"]
            fits = isinstance(shapes, dict) and all(map(_is_shape, shapes.values()))
            require("arrays", shapes, fits, "shapes by name")
            wanted = {name: tuple(shape) for name, shape in shapes.items()}
            arrays = read_arrays(archive, header, wanted)
        found = _decode(header["content"], arrays)
        _check(found)
    except _Unknown as unknown:
        raise ValueError(
            f"File {os.fspath(path)} needs {unknown}, which is not known here: import "
            "the module that registers it first."
        ) from None
    except Damage as damage:
        raise damaged(path, damage) from None
    return found


class _Unknown(Exception):
    """A type that this process does not know."""


def _from_model(
    path: str | os.PathLike, n_steps: int | None, scaler: Scaler | None
) -> TrainedForecaster:
    """A bare model as a forecaster that knows no residuals."""
    params, config = load_model(path)
    if n_steps is None:
        raise ValueError(
            f"Argument `n_steps` must say how many values {os.fspath(path)} sees, as "
            "it is a bare model without a window or a scale."
        )
    if config.n_features != 1:
        raise ValueError(
            "A bare model must have one feature to forecast a series, but "
            f"{os.fspath(path)} has {config.n_features}."
        )
    horizon = config.n_outputs
    layout = Layout(n_steps, 1, horizon if horizon > 1 else None)
    n_params = sum(array.size for array in params)
    return TrainedForecaster(
        forecaster=None,
        models=(FittedQuantum(layout, n_params, params, config, {}, 0),),
        scalers=(scaler or Scaler(),),
        name="",
        unit="",
        frequency="",
        columns=(),
        n_steps=n_steps,
        horizon=horizon,
        strategy="joint" if horizon > 1 else "recursive",
        residuals=np.empty((0, horizon)),
        n_calibration=0,
        leads=(),
        record={"model_file": os.path.basename(os.fspath(path))},
    )


def _types() -> dict[str, type]:
    """The types that a file may name."""
    kinds = [*TUPLES, QLSTMConfig, TrainedForecaster]
    kinds += [*_subclasses(Fitted), *_subclasses(Forecaster)]
    return {kind.__name__: kind for kind in kinds}


def _subclasses(kind: type) -> Iterator[type]:
    """All classes below one."""
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)


def _encode(value: Any, arrays: dict[str, NDArray]) -> Any:
    """A value as JSON; arrays and lists of numbers go into `arrays`."""
    inner = partial(_encode, arrays=arrays)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else {"number": str(float(value))}
    if isinstance(value, np.ndarray) or _is_row(value):
        name = f"a{len(arrays)}"
        arrays[name] = np.asarray(value, np.float64)
        return {"array": name, "as": type(value).__name__}
    if isinstance(value, type) and value in CELLS:
        return {"cell": value.__name__}
    if dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, "fields": _each(fields, inner)}
    if hasattr(value, "_asdict"):
        return {"type": type(value).__name__, "fields": _each(value._asdict(), inner)}
    if isinstance(value, (tuple, list)):
        return {type(value).__name__: [inner(part) for part in value]}
    if isinstance(value, dict):
        kept = {name: part for name, part in value.items() if name != "seconds"}
        return {"dict": _each(kept, inner)}
    raise TypeError(
        "A fitted forecaster must consist of numbers, texts, arrays, dataclasses and "
        f"NamedTuples to be saved, but holds a {type(value).__name__}."
    )


def _each(parts: dict[str, Any], inner: Any) -> dict[str, Any]:
    """Every value of a dict."""
    return {name: inner(part) for name, part in parts.items()}


def _is_row(value: Any) -> bool:
    """Whether a value is a list of numbers, such as a history."""
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(v, float) for v in value)
    )


def _is_shape(shape: Any) -> bool:
    """Whether a value is the shape of an array."""
    return (
        isinstance(shape, list)
        and len(shape) <= 4
        and all(type(n) is int and 0 <= n < 2**31 for n in shape)
    )


def _decode(value: Any, arrays: dict[str, NDArray]) -> Any:
    """What `_encode` was given."""
    inner = partial(_decode, arrays=arrays)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if not isinstance(value, dict):
        raise Damage(f"its content holds a {type(value).__name__}")
    match value:
        case {"number": "nan" | "inf" | "-inf" as text, **rest} if not rest:
            return float(text)
        case {"array": str(name), "as": str(kind), **rest} if not rest:
            if name not in arrays:
                raise Damage(f"its content needs the array {name[:80]!r}")
            return _as_kind(arrays[name], kind)
        case {"cell": str(name), **rest} if not rest:
            return _named(name, {cell.__name__: cell for cell in CELLS})
        case {"type": str(name), "fields": dict(fields), **rest} if not rest:
            return _build(_kind_of(name, tuple(fields)), _each(fields, inner))
        case {"tuple": list(parts), **rest} if not rest:
            return tuple(inner(part) for part in parts)
        case {"list": list(parts), **rest} if not rest:
            return [inner(part) for part in parts]
        case {"dict": dict(parts), **rest} if not rest:
            return _each(parts, inner)
    raise Damage(f"its content holds a dict of {', '.join(map(repr, value))[:80]}")


def _as_kind(array: NDArray, kind: str) -> Any:
    """An array, or a list of numbers."""
    if kind == "ndarray":
        return array
    if kind == "list" and array.ndim == 1:
        return array.tolist()
    raise Damage(f"its content has an array as {kind[:80]!r}")


def _kind_of(name: str, fields: tuple[str, ...]) -> type:
    """A type by its name; parameters may have a readout's behind the four."""
    base = QLSTMParams._fields
    if name == QLSTMParams.__name__ and fields[: len(base)] == base:
        try:
            return params_type(fields[len(base) :])
        except (TypeError, ValueError) as error:  # such as a name with a blank
            raise Damage(f"its {name}: {one_line(error)}") from None
    return _named(name, _types())


def _named(name: str, known: dict[str, type]) -> type:
    """A type by its name."""
    if name not in known:
        raise _Unknown(f"the type {name[:80]!r}")
    return known[name]


def _build(kind: type, fields: dict[str, Any]) -> Any:
    """A dataclass or NamedTuple from fields; they must be all it has."""
    wanted = getattr(kind, "_fields", None) or [
        f.name for f in dataclasses.fields(kind)
    ]
    if sorted(fields) != sorted(wanted):
        raise Damage(f"its {kind.__name__} has not the fields {', '.join(wanted)}")
    try:
        return kind(**fields)
    except (TypeError, ValueError) as error:
        raise Damage(f"its {kind.__name__}: {one_line(error)}") from None


def _check(found: Any) -> None:
    """Say so when what was built could not forecast."""
    if not isinstance(found, TrainedForecaster):
        raise Damage("its content is no forecaster")
    sizes = (found.n_steps, found.horizon)
    if not all(type(n) is int and 0 < n < MOST_VALUES for n in sizes):
        raise Damage(f"its window and horizon are {sizes}"[:200])
    texts = (found.name, found.unit, found.frequency, found.strategy, *found.columns)
    if not all(isinstance(text, str) for text in texts):
        raise Damage("its names must be texts")
    residuals, n_features = found.residuals, len(found.scalers)
    if getattr(residuals, "ndim", 0) != 2 or residuals.shape[1] != found.horizon:
        raise Damage(f"its residuals must have {found.horizon} columns")
    for scaler in found.scalers:
        if not (isinstance(scaler, Scaler) and all(map(_is_finite, scaler))):
            raise Damage("its scalers must be finite")
    n_models = found.horizon if found.strategy == "direct" else 1
    if len(found.models) != n_models or n_features != 1 + len(found.columns):
        raise Damage("its models or scalers are not as many as they must be")
    for model in found.models:
        if not isinstance(model, Fitted):
            raise Damage("its models must be fitted forecasters")
        if model.layout[:2] != (found.n_steps, n_features):
            raise Damage("its models see other windows")
        _check_model(model)


def _check_model(model: Fitted) -> None:
    """Say so when a fitted forecaster's parts do not fit one another."""
    for member in getattr(model, "members", ()):
        _check_model(member)
    try:
        if hasattr(model, "config"):
            check_params(model.params, model.config)
        else:
            window = np.zeros((1, model.layout.n_steps, model.layout.n_features))
            model.predict(window)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise Damage(f"its {type(model).__name__}: {one_line(error)}") from None


def _is_finite(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, float) and np.isfinite(value)
