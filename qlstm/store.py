"""Trained models and training runs as ``.npz`` files, written whole or not at all."""

import json
import os
import zipfile
import zlib
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qlstm.adam import AdamState
from qlstm.files import atomic_path
from qlstm.memory import RULES
from qlstm.params import QLSTMConfig, QLSTMParams, check_params, param_shapes
from qlstm.readout import READOUTS
from qlstm.train import TrainState

FORMAT_VERSION = 1


def save_model(
    path: str | os.PathLike, params: QLSTMParams, config: QLSTMConfig
) -> None:
    """Save a model: its parameters, its configuration and the format's version.

    Args:
        path: File to write, by custom ``.npz``; an existing one is replaced.
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
    header = {"kind": "qlstm-model"} | _described(config)
    _write(path, header, dict(params._asdict()))


def load_model(path: str | os.PathLike) -> tuple[QLSTMParams, QLSTMConfig]:
    """Load what `save_model` wrote.

    Args:
        path: The file.

    Returns:
        The parameters and the configuration.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is cut short, of another kind or another version, or its
            memory rule or readout is not registered.
    """
    header, arrays = _read(path, "qlstm-model")
    _check_registered(path, header)
    try:
        config = QLSTMConfig(**header["config"])
        layout = type(param_shapes(config))
        params = layout(*(arrays[name] for name in layout._fields))
        return check_params(params, config), config
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error


def save_state(path: str | os.PathLike, state: TrainState, config: QLSTMConfig) -> None:
    """Save a training run, to be continued by `train`.

    Args:
        path: File to write.
        state: The whole state of the run.
        config: The model's configuration.

    Raises:
        ValueError: If the state's parameters do not fit the configuration.
    """
    check_params(state.params, config)
    header = {
        "kind": "qlstm-state",
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
    _write(path, header, arrays)


def load_state(path: str | os.PathLike) -> tuple[TrainState, QLSTMConfig]:
    """Load what `save_state` wrote.

    Args:
        path: The file.

    Returns:
        The training state and the configuration.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is cut short, of another kind or another version, or its
            memory rule or readout is not registered.
    """
    header, arrays = _read(path, "qlstm-state")
    _check_registered(path, header)
    try:
        config = QLSTMConfig(**header["config"])
        layout = type(param_shapes(config))
        params, best = (
            check_params(
                layout(*(arrays[f"{part}_{k}"] for k in layout._fields)), config
            )
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
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    return state, config


def _described(config: QLSTMConfig) -> dict[str, Any]:
    """A configuration for a header, and the modules of what is registered in it."""
    parts = {"memory": config.rule, "readout": config.output_map}
    modules = {kind: type(part).__module__ for kind, part in parts.items()}
    own = {k: module for k, module in modules.items() if module != f"qlstm.{k}"}
    return {"config": asdict(config)} | ({"modules": own} if own else {})


def _check_registered(path: str | os.PathLike, header: dict[str, Any]) -> None:
    """Say so when a file needs a memory rule or a readout that is not registered."""
    modules = header.get("modules", {})
    for kind, known in (("memory", RULES), ("readout", READOUTS)):
        if kind in modules and header["config"][kind] not in known:
            raise ValueError(
                f"File {os.fspath(path)} needs the {kind} {header['config'][kind]!r}, "
                f"which is not registered: call `register_{kind}` first, as its module "
                f"{modules[kind]} does."
            )


def _write(
    path: str | os.PathLike, header: dict[str, Any], arrays: dict[str, NDArray]
) -> None:
    """Write header and arrays as one archive without pickles."""
    header = header | {"format_version": FORMAT_VERSION}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, header=np.array(json.dumps(header)), **arrays)


def _read(
    path: str | os.PathLike, kind: str
) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Read header and arrays, or say what is wrong with the file."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(str(arrays.pop("header")))
        found = header["kind"], header["format_version"]
    except FileNotFoundError:
        raise FileNotFoundError(f"No model file at {os.fspath(path)}.") from None
    except (
        AttributeError,
        EOFError,
        KeyError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise _damaged(path, error) from error
    if found != (kind, FORMAT_VERSION):
        raise ValueError(
            f"File {os.fspath(path)} must be a {kind} of format version "
            f"{FORMAT_VERSION}, but is a {found[0]} of version {found[1]}."
        )
    return header, arrays


def _damaged(path: str | os.PathLike, error: Exception) -> ValueError:
    """The error for a file that is not what it should be."""
    reason = type(error).__name__
    if isinstance(error, (KeyError, ValueError)) and "pickle" not in str(error):
        reason = " ".join(str(error).split()) or reason
    return ValueError(
        f"File {os.fspath(path)} must be a complete .npz written by this package, "
        f"but could not be read ({reason})."
    )
