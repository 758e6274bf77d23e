"""``qlstm info``: what a file of this package holds."""

import argparse
import dataclasses
import json
import textwrap
from pathlib import Path
from typing import Any

from qlstm.commands.parser import Parser
from qlstm.forecasting import TrainedForecaster, load_forecaster
from qlstm.params import QLSTMConfig
from qlstm.store import FORECASTER, STATE, kind_of, load_model, load_state

EXAMPLE = """
example:
  qlstm info river.npz
"""


def add(subparsers: "argparse._SubParsersAction[Parser]") -> Parser:
    """Add the parser of this subcommand.

    Args:
        subparsers: Those of `qlstm`.
    """
    words = "Say what a saved forecaster, model or training state holds."
    parser = subparsers.add_parser(
        "info", help=words, description=words, epilog=EXAMPLE
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def run(options: argparse.Namespace) -> None:
    """Read the file and print what it holds.

    Args:
        options: The parsed options of `add`.
    """
    kind = kind_of(options.file)
    if kind == FORECASTER:
        trained = load_forecaster(options.file)
        content, text = trained.to_dict(), _told(trained)
    elif kind == STATE:
        state, config = load_state(options.file)
        content = _of_config(config) | {"epoch": state.epoch}
        content["last_loss"] = state.history.get("loss", [None])[-1:]
        text = f"a training that has done {state.epoch} epochs\n{_lines(content)}"
    else:
        _, config = load_model(options.file)
        content = _of_config(config)
        text = (
            "a bare model; qlstm predict needs --window, and --scale if its\n"
            f"values were scaled\n{_lines(content)}"
        )
    if options.json:
        print(json.dumps({"kind": kind, **content}, indent=1))
    else:
        print(f"{options.file}: {text}")


def _of_config(config: QLSTMConfig) -> dict[str, Any]:
    """A configuration and its size."""
    return {"n_params": config.n_params, "config": dataclasses.asdict(config)}


def _told(trained: TrainedForecaster) -> str:
    """A forecaster in words: itself, its test, and where it comes from."""
    record = trained.record
    lines = [f"{trained}\n"]
    for own in record["source"]:
        about = own["provenance"]
        place = about.get("file") or about.get("station") or about["source"]
        when = "".join(
            f", {about[k]}" for k in ("first_date", "last_date") if k in about
        )
        lines.append(f"trained on {own['name']} from {place}{when}")
        lines.append(f"  sha256 {own['sha256']}")
    options = trained.to_dict()["forecaster"]["options"]
    lines += textwrap.wrap(f"options: {_joined(options, '=')}", 80)
    parts = record["windows"]
    refit = ", then all once more" if record["refit"] else ""
    lines.append(
        f"windows: {parts['training']} training{refit}, {parts['calibration']} "
        f"validation, {parts['test']} test"
    )
    lines += textwrap.wrap(f"versions: {_joined(record['versions'], ' ')}", 80)
    return "\n".join(lines)


def _joined(parts: dict[str, Any], mark: str) -> str:
    """Names and values in a row."""
    return ", ".join(f"{name}{mark}{value}" for name, value in parts.items())


def _lines(content: dict[str, Any]) -> str:
    """Names and values, a line each."""
    flat = content | content.get("config", {})
    flat.pop("config", None)
    width = max(map(len, flat))
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in flat.items())
