"""The manifest of a training: what was done, and whether it comes out so again."""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qlstm.commands.train import option_names, train_all
from qlstm.files import parse_json, sha256_of_file
from qlstm.forecasting import save_forecaster

KEYS = ("options", "series", "models", "chosen", "model_file", "versions")


def check_manifest(options: argparse.Namespace) -> int:
    """Train again as a manifest says, and print what differs.

    Args:
        options: ``manifest``, its file; ``json``, whether to print JSON.

    Returns:
        0 if the results are the same to the bit, else 1. Versions of packages may
        differ.

    Raises:
        OSError: If the manifest or the data cannot be read.
        ValueError: If it is no manifest, or other options are given.
    """
    recorded = _read(options)
    outcome = train_all(argparse.Namespace(**recorded["options"] | {"json": True}))
    found = outcome.record
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "again.npz")
        save_forecaster(path, outcome.chosen.trained)
        found["model_file"] = recorded["model_file"] | {"sha256": sha256_of_file(path)}
    results = list(_differences("series", recorded["series"], found["series"]))
    if not results:  # other data have other results
        for key in ("models", "chosen", "model_file"):
            results += _differences(key, recorded[key], found[key])
    others = list(_differences("versions", recorded["versions"], found["versions"]))
    if options.json:
        print(json.dumps({"same": not results, "differs": results, "versions": others}))
    else:
        print("\n".join([*others, *results, _verdict(len(results), options.manifest)]))
    return int(bool(results))


def _verdict(count: int, path: Path) -> str:
    """The last line."""
    if not count:
        return f"{path}: the same data, results and model, to the bit."
    return f"{path}: {count} entries differ."


def _read(options: argparse.Namespace) -> dict[str, Any]:
    """The manifest's content."""
    if options.file is not None or options.csv is not None:
        raise ValueError("Option --manifest must stand alone: it names the data.")
    path = options.manifest
    try:
        recorded = parse_json(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of a bad encoding, too
        raise ValueError(
            f"Option --manifest must be JSON, but {path}: {error}."
        ) from None
    if not isinstance(recorded, dict) or any(key not in recorded for key in KEYS):
        raise ValueError(
            f"Option --manifest must be what qlstm train wrote, but {path} has not "
            f"{', '.join(KEYS)}."
        )
    given, wanted = recorded["options"], option_names()
    if not isinstance(given, dict) or set(given) != wanted:
        odd = sorted(wanted.symmetric_difference(given))[:5]
        raise ValueError(
            f"Option --manifest must have the options of this version's qlstm train, "
            f"but {path} differs in {', '.join(map(str, odd))}."
        )
    return recorded


def _differences(name: str, before: Any, now: Any) -> Iterator[str]:
    """A line for each entry that is another one now."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            yield from _differences(f"{name}.{key}", before.get(key), now.get(key))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for k, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from _differences(f"{name}[{k}]", old, new)
    elif before != now:
        yield f"{name}: was {before}, is {now}"
