"""Trained models and training runs as ``.npz`` files, written whole or not at all.

A model whose file ends in ``.json`` is written and read as JSON (`qlstm.model_json`).
A file is one archive: a header, which is JSON, and arrays. What is read is compared
with what must be there: the header first, then the sizes that its configuration asks
for.
"""

import hashlib
import json
import os
import reprlib
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qlstm.adam import AdamState
from qlstm.archive import (
    LONGEST_HEAD,
    Archive,
    Damage,
    Shape,
    one_line,
    open_archive,
)
from qlstm.files import atomic_path, parse_json
from qlstm.memory import RULES
from qlstm.model_json import is_json, read_model_json, write_model_json
from qlstm.params import QLSTMConfig, QLSTMParams, check_params, param_shapes
from qlstm.readout import READOUTS
from qlstm.run_state import TrainState

FORMAT_VERSION = 2
"""Version 1, of 0.1.0, had no sha256."""
MODEL, STATE, FORECASTER = "qlstm-model", "qlstm-state", "qlstm-forecaster"
MAX_HEADER = {MODEL: 2**20, STATE: 2**25, FORECASTER: 2**25}
"""Most bytes of a header; that of a state holds some 100,000 epochs of history."""
MAX_PARTS = 10_000
"""Most keys and lists in a header."""
HEADER = "entry 'header.npy'"
RUN = ("rng_state", "epoch", "best_epoch", "best_loss", "history", "adam_step")
"""What the header of a state has beside that of a model."""
PCG64 = ("bit_generator", "state", "has_uint32", "uinteger")

Header = dict[str, Any]


def save_model(
    path: str | os.PathLike, params: QLSTMParams, config: QLSTMConfig
) -> None:
    """Save a model: its parameters, its configuration and the format's version.

    Args:
        path: File to write, by custom ``.npz``; with ``.json`` it is JSON, which can be
            read and changed by hand, and taken to the explorer's page. An existing one
            is replaced.
        params: The parameters.
        config: The configuration.

    Raises:
        ValueError: If the parameters do not fit the configuration.

    Example:
        >>> import pathlib, tempfile
        >>> from qlstm import init_params
        >>> config = QLSTMConfig(rotation="RY")
        >>> params = init_params(config, np.random.default_rng(0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "model.npz")
        ...     save_model(path, params, config)
        ...     loaded, loaded_config = load_model(path)
        >>> loaded_config == config, np.array_equal(loaded.entangler, params.entangler)
        (True, True)
    """
    params = check_params(params, config)
    if is_json(path):
        return write_model_json(path, params, config)
    header = {"kind": MODEL} | _described(config)
    write_parts(path, header, dict(params._asdict()))


def load_model(path: str | os.PathLike) -> tuple[QLSTMParams, QLSTMConfig]:
    """Load what `save_model` wrote.

    Args:
        path: The file.

    Returns:
        The parameters and the configuration.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, of another kind or another version, or its
            memory rule or readout is not registered.
    """
    if is_json(path):
        return read_model_json(path)
    try:
        with open_archive(path) as archive:
            header, config = _read_header(path, archive, MODEL)
            shapes = param_shapes(config)
            arrays = read_arrays(archive, header, shapes._asdict())
    except Damage as damage:
        raise damaged(path, damage) from None
    return type(shapes)(**arrays), config


def save_state(path: str | os.PathLike, state: TrainState, config: QLSTMConfig) -> None:
    """Save a training run, to be continued by `train`.

    Args:
        path: File to write.
        state: The whole state of the run.
        config: The model's configuration.

    Raises:
        ValueError: If the state's parameters do not fit the configuration, or it is a
            state that `train` does not come to.
    """
    check_params(state.params, config)
    header = {
        "kind": STATE,
        **_described(config),
        "rng_state": state.rng_state,
        "epoch": state.epoch,
        "best_epoch": state.best_epoch,
        "best_loss": state.best_loss,
        "history": state.history,
        "adam_step": state.adam.step,
    }
    arrays = {f"params_{k}": v for k, v in state.params._asdict().items()}
    arrays |= {f"best_{k}": v for k, v in state.best_params._asdict().items()}
    arrays["first_moment"] = state.adam.first_moment
    arrays["second_moment"] = state.adam.second_moment
    arrays["outcomes"] = state.outcomes
    try:
        _check_run(header)
        _check_run_arrays(arrays, config)
    except Damage as damage:
        raise ValueError(
            f"Argument `state` must be one that can be loaded again, but {damage}."
        ) from None
    write_parts(path, header, arrays)


def load_state(path: str | os.PathLike) -> tuple[TrainState, QLSTMConfig]:
    """Load what `save_state` wrote.

    Args:
        path: The file.

    Returns:
        The training state and the configuration.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, of another kind or another version, or its
            memory rule or readout is not registered.
    """
    try:
        with open_archive(path) as archive:
            header, config = _read_header(path, archive, STATE)
            _check_run(header)
            shapes = param_shapes(config)
            moment = (config.n_params,)
            wanted: dict[str, Shape | None] = {
                f"{part}_{name}": shape
                for part in ("params", "best")
                for name, shape in shapes._asdict().items()
            } | {"first_moment": moment, "second_moment": moment, "outcomes": None}
            arrays = read_arrays(archive, header, wanted)
            _check_run_arrays(arrays, config)
    except Damage as damage:
        raise damaged(path, damage) from None
    params, best = (
        type(shapes)(*(arrays[f"{part}_{name}"] for name in shapes._fields))
        for part in ("params", "best")
    )
    state = TrainState(
        params=params,
        adam=AdamState(
            header["adam_step"], arrays["first_moment"], arrays["second_moment"]
        ),
        rng_state=header["rng_state"],
        epoch=header["epoch"],
        best_params=best,
        best_epoch=header["best_epoch"],
        best_loss=header["best_loss"],
        history=header["history"],
        outcomes=arrays["outcomes"],
    )
    return state, config


def _described(config: QLSTMConfig) -> Header:
    """A configuration for a header, and the modules of what is registered in it."""
    parts = {"memory": config.rule, "readout": config.output_map}
    modules = {kind: type(part).__module__ for kind, part in parts.items()}
    own = {k: module for k, module in modules.items() if module != f"qlstm.{k}"}
    return {"config": asdict(config)} | ({"modules": own} if own else {})


def _check_registered(path: str | os.PathLike, header: Header) -> None:
    """Say so when a file needs a memory rule or a readout that is not registered."""
    modules = header.get("modules", {})
    for kind, known in (("memory", RULES), ("readout", READOUTS)):
        name = header["config"].get(kind)
        if kind in modules and name not in known:
            raise ValueError(
                f"File {os.fspath(path)} needs the {kind} {name!r}, "
                f"which is not registered: call `register_{kind}` first, as its module "
                f"{modules[kind]} does."
            )


def write_parts(
    path: str | os.PathLike, header: Header, arrays: dict[str, NDArray]
) -> None:
    """Write header and arrays as one archive without pickles, and their digest.

    Args:
        path: The file.
        header: What JSON takes; its ``kind`` is a key of `MAX_HEADER`.
        arrays: By name.

    Raises:
        ValueError: If the header is too long.
    """
    header = header | {"format_version": FORMAT_VERSION}
    header |= {"sha256": digest(header, arrays)}
    text = np.array(json.dumps(header))
    most, parts = MAX_HEADER[header["kind"]] - LONGEST_HEAD, count_parts(str(text))
    if text.nbytes > most or parts > MAX_PARTS:
        raise ValueError(
            f"The header of a file must have at most {most:,} bytes and {MAX_PARTS:,} "
            f"keys and lists, but has {text.nbytes:,} and {parts:,}: shorten the "
            "history."
        )
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, header=text, **arrays)


def count_parts(text: str) -> int:
    """About how many keys and lists JSON has; each takes time and memory."""
    return sum(map(text.count, "[{:"))


def digest(header: Header, arrays: dict[str, NDArray]) -> str:
    """The sha256 of a header, but for the digest itself, and of the arrays."""
    rest = {key: value for key, value in header.items() if key != "sha256"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {arrays[name].shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def kind_of(path: str | os.PathLike) -> str:
    """What a file says it is, a key of `MAX_HEADER`.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no file of this package, or of a later version.
    """
    if is_json(path):
        return MODEL
    try:
        with open_archive(path) as archive:
            return read_head(path, archive)["kind"]
    except Damage as damage:
        raise damaged(path, damage) from None


def read_head(
    path: str | os.PathLike, archive: Archive, kind: str | None = None
) -> Header:
    """A file's header as it stands, of the kind that is wanted, or what is wrong.

    Args:
        path: The file, for messages.
        archive: The open file.
        kind: A key of `MAX_HEADER`; None for any.

    Returns:
        The header, a dict.

    Raises:
        Damage: If it is no header of this package.
        ValueError: If it is one of another kind or version.
    """
    most = max(MAX_HEADER.values()) if kind is None else MAX_HEADER[kind]
    text = archive.read_text("header", most)
    if count_parts(text) > MAX_PARTS:
        raise Damage(f"{HEADER}: it must have at most {MAX_PARTS} keys and lists")
    try:
        header = parse_json(text)
    except ValueError as error:
        raise Damage(f"{HEADER} is no JSON: {one_line(error)}") from None
    require("content", header, isinstance(header, dict), "a dict")
    found = tuple(header.get(key) for key in ("kind", "format_version"))
    kinds = ", ".join(MAX_HEADER)
    require("kind", found[0], found[0] in tuple(MAX_HEADER), f"among {kinds}")
    require("format_version", found[1], _is_count(found[1]), "an integer")
    kind = found[0] if kind is None else kind
    if found[0] != kind or found[1] not in (1, FORMAT_VERSION):
        raise ValueError(
            f"File {os.fspath(path)} must be a {kind} of format version 1 or "
            f"{FORMAT_VERSION}, but is a {found[0]} of version {found[1]} ({HEADER})."
        )
    return header


def _read_header(
    path: str | os.PathLike, archive: Archive, kind: str
) -> tuple[Header, QLSTMConfig]:
    """A file's header and the configuration in it, or what is wrong with them."""
    header = read_head(path, archive, kind)
    wanted = {"kind", "format_version", "config"}
    wanted |= set(RUN) if kind == STATE else set()
    wanted |= {"sha256"} if header["format_version"] == FORMAT_VERSION else set()
    keys = sorted(header)
    fits = wanted <= set(header) <= wanted | {"modules"}
    require("list of keys", keys, fits, f"{', '.join(sorted(wanted))}")
    modules, config = header.get("modules", {}), header["config"]
    fits = isinstance(modules, dict) and all(map(_is_name, modules.values()))
    require("modules", modules, fits and set(modules) <= {"memory", "readout"}, "names")
    fits = isinstance(config, dict) and all(
        _is_name(value) or _is_count(value) for value in config.values()
    )
    require("config", config, fits, "a dict of sizes and names")
    _check_registered(path, header)
    try:
        return header, QLSTMConfig(**config)
    except (TypeError, ValueError) as error:
        raise Damage(f"{HEADER}: {one_line(error)}") from None


def read_arrays(
    archive: Archive, header: Header, shapes: dict[str, Shape | None]
) -> dict[str, NDArray]:
    """The arrays of a file: these and no others, finite, with the right digest."""
    archive.check_names(["header", *shapes])
    arrays = {
        name: archive.read_array(name, "<f8" if shape is not None else "<i8", shape)
        for name, shape in shapes.items()
    }
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise Damage(f"entry '{name}.npy' must be finite, but holds nan or inf")
    if "sha256" in header and header["sha256"] != digest(header, arrays):
        raise Damage(f"{HEADER}: its sha256 is not that of the file")
    return arrays


def _check_run(header: Header) -> None:
    """Say so when the numbers of a training run are not what `train` comes to."""
    for name in ("epoch", "best_epoch", "adam_step"):
        value = header[name]
        require(name, value, _is_count(value), "a non-negative integer")
    epoch, best, history = (header[k] for k in ("epoch", "best_loss", "history"))
    fits = header["best_epoch"] <= epoch
    require("best_epoch", header["best_epoch"], fits, f"at most the epoch, {epoch}")
    fits = _is_number(best) and (np.isfinite(best) or best == np.inf)
    require("best_loss", best, fits, "a finite number, or infinity")
    fits = isinstance(history, dict)
    require("history", history, fits, "a dict of lists of numbers")
    for name, row in history.items():
        fits = isinstance(row, list) and len(row) <= epoch and _are_numbers(row)
        what = f"a list of at most {epoch} numbers"
        require(f"history of {name[:80]!r}", row, fits, what)
    length = len(history.get("loss", []))
    require("history of 'loss'", length, length == epoch, f"{epoch} long")
    rng = header["rng_state"]
    require("rng_state", rng, _is_pcg64(rng), "the state of a PCG64")


def _check_run_arrays(arrays: dict[str, NDArray], config: QLSTMConfig) -> None:
    """Say so when moments or outcomes are not what `train` comes to."""
    for name in ("first_moment", "second_moment"):
        moment = arrays[name]
        fits = moment.dtype == np.float64 and moment.shape == (config.n_params,)
        if not fits or not np.isfinite(moment).all():
            raise Damage(f"entry '{name}.npy' must be {config.n_params} finite numbers")
    if (arrays["second_moment"] < 0).any():
        raise Damage("entry 'second_moment.npy' must not be negative")
    outcomes = arrays["outcomes"]
    fits = outcomes.dtype == np.int64 and outcomes.ndim == 2
    if not fits or (len(outcomes) == 0 and outcomes.shape != (0, 0)):
        raise Damage("entry 'outcomes.npy' must have a row for each sequence")
    if ((outcomes < 0) | (outcomes >= config.system_dim)).any():
        raise Damage(f"entry 'outcomes.npy' must be from 0 to {config.system_dim - 1}")


def require(name: str, value: Any, holds: bool, what: str) -> None:
    """Raise `Damage` when a value of the header is not what it must be."""
    if not holds:
        raise Damage(
            f"{HEADER}: its {name} must be {what}, but is {reprlib.repr(value)}"
        )


def _is_count(value: Any) -> bool:
    """Whether a value is an integer from 0 that fits into 63 bits."""
    return _is_int(value) and 0 <= value < 2**63


def _is_number(value: Any) -> bool:
    """Whether a value is a number, which may be nan."""
    return isinstance(value, float) or (_is_int(value) and abs(value) < 2**63)


def _are_numbers(row: list) -> bool:
    """Whether a long list holds numbers only."""
    kinds = set(map(type, row))
    return all(issubclass(kind, (int, float)) for kind in kinds - {bool}) and (
        bool not in kinds and (kinds <= {float} or all(map(_is_number, row)))
    )


def _is_name(value: Any) -> bool:
    """Whether a value is a text that fits into a message."""
    return isinstance(value, str) and len(value) <= 200 and value.isprintable()


def _is_pcg64(state: Any) -> bool:
    """Whether a value is what `numpy.random.PCG64` gives and takes as its state."""
    if not isinstance(state, dict) or state.get("bit_generator") != "PCG64":
        return False
    inner = state.get("state")
    if set(state) != set(PCG64) or not isinstance(inner, dict):
        return False
    bounds = {"state": 2**128, "inc": 2**128, "has_uint32": 2, "uinteger": 2**32}
    numbers = {name: value for name, value in state.items() if name in bounds} | inner
    if set(inner) != {"state", "inc"}:
        return False
    fits = all(
        _is_int(value) and 0 <= value < bounds[name] for name, value in numbers.items()
    )
    return fits and inner["inc"] % 2 == 1


def _is_int(value: Any) -> bool:
    """Whether a value is an integer; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def damaged(path: str | os.PathLike, damage: Damage) -> ValueError:
    """The error for a file that is not what it should be."""
    return ValueError(
        f"File {os.fspath(path)} must be a complete .npz written by this package, "
        f"but could not be read ({damage})."
    )
