"""A trained model as JSON: to read it, to change it by hand, to take it to a page.

The archive of `qlstm.store` is smaller, has a digest and takes training runs, too; a
number is the same to the last bit in both.
"""

import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from qlstm.files import parse_json, write_json
from qlstm.params import QLSTMConfig, QLSTMParams, check_params, param_shapes

KIND = "qlstm-model-json"
FORMAT_VERSION = 1
MAX_BYTES = 2**26
"""Most bytes of a file that is read."""


def is_json(path: str | os.PathLike) -> bool:
    """Whether a model's file is JSON, by its suffix."""
    return Path(path).suffix.lower() == ".json"


def write_model_json(
    path: str | os.PathLike, params: QLSTMParams, config: QLSTMConfig
) -> None:
    """Write a checked model: kind, version, configuration and nested lists."""
    arrays = {name: array.tolist() for name, array in params._asdict().items()}
    header = {"kind": KIND, "format_version": FORMAT_VERSION}
    write_json(path, header | {"config": asdict(config), "params": arrays})


def read_model_json(path: str | os.PathLike) -> tuple[QLSTMParams, QLSTMConfig]:
    """Read what `write_model_json` or the explorer's page wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is something else, with what in one line.
    """
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        content = _checked(parse_json(data.decode("utf-8")))
        config = QLSTMConfig(**content["config"])
        shapes = param_shapes(config)
        _check_keys("params", content["params"], set(shapes._fields))
        arrays = (np.array(content["params"][name]) for name in shapes._fields)
        return check_params(type(shapes)(*arrays), config), config
    except (TypeError, ValueError, OverflowError) as error:
        text = " ".join(str(error).split())
        raise ValueError(
            f"File {os.fspath(path)} must be a model as JSON, written by this package "
            f"or by the explorer's page, but could not be read ({text})."
        ) from None


def _checked(content: Any) -> dict[str, Any]:
    """The content with its parts, or what is wrong with them."""
    _check_keys("content", content, {"kind", "format_version", "config", "params"})
    found = content["kind"], content["format_version"]
    if found != (KIND, FORMAT_VERSION):
        raise ValueError(
            f"it must be a {KIND} of version {FORMAT_VERSION}, but is a "
            f"{found[0]!r:.40} of version {found[1]!r:.40}"
        )
    _check_keys(
        "config", content["config"], {field.name for field in fields(QLSTMConfig)}
    )
    return content


def _check_keys(name: str, found: Any, wanted: set[str]) -> None:
    """Say so when a part is no dict of just these keys."""
    if not isinstance(found, dict) or set(found) != wanted:
        keys = sorted(found) if isinstance(found, dict) else found
        raise ValueError(
            f"its {name} must hold {', '.join(sorted(wanted))}, but is {keys!r:.200}"
        )
