"""Models x datasets x seeds, each run done once: ``python -m experiments.sweep``.

Stopped at any moment, the same command goes on where it was. Exit status 0 if all runs
finished, 1 if some failed or the workers are gone, 2 if the options are wrong. See
docs/sweeps.md.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qlstm.commands import (
    Parser,
    add_csv_options,
    add_sweep_options,
    check_results,
    csv_source,
    positive_int,
    run_configs,
    run_main,
    seed_int,
)
from qlstm.sweeps import (
    PROTOCOLS,
    TOGETHER,
    complete_config,
    expand_grid,
    run_forecast,
    try_forecasts,
    write_tables,
)

MODELS = ",".join(
    f"quantum:{rotation}:{memory}"
    for rotation in ("RX", "RY")
    for memory in ("collapse", "probabilities")
)
SHOWN = {
    "result.test.mse": "test MSE [quartiles]",
    "result.persistence.mse": "persistence",
    "result.skill": "skill",
    "seconds": "seconds",
}


def main(args: argparse.Namespace) -> int:
    """Do the runs that are left, and report them all."""
    configs = make_configs(args)
    try_forecasts(configs)
    check_results(args.out, "table.csv", "summary.csv", "summary.txt")
    tally = run_configs(run_forecast, configs, args, TOGETHER)
    text, paths = write_tables(args.out, configs, SHOWN)
    print(f"{text}\n\nWrote {', '.join(map(str, paths))}.")
    return int(tally.failed > 0)


def make_configs(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Every configuration that the options ask for; the seeds vary fastest."""
    if args.configs is not None and args.models is not None:
        raise ValueError("Options --models and --configs do not go together.")
    if args.configs is None:
        models = (args.models or MODELS).split(",")
        templates = [{"model": parse_model(text)} for text in models]
    else:
        templates = _read_configs(args.configs)
    configs = []
    for template in templates:
        alone = [template] if "dataset" in template else []
        crossed = alone or [template | {"dataset": d} for d in _datasets(args)]
        for config in crossed:
            config = complete_config(config, args.epochs)
            seeds = range(args.first_seed, args.first_seed + args.seeds)
            seeds = [config["seed"]] if "seed" in config else seeds
            configs += [config | {"seed": seed} for seed in seeds]
    return configs


def parse_model(text: str) -> dict[str, Any]:
    """A model as the command line writes it: ``quantum:RX:collapse:n_layers=1``.

    Args:
        text: A name, and options ``name=value`` after colons. A quantum model may
            have its rotation and its memory rule without their names, in this order.

    Returns:
        The model's part of a configuration.

    Raises:
        ValueError: If a value has no name.
    """
    name, *parts = text.strip().split(":")
    model, unnamed = {"name": name}, ["rotation", "memory"] if name == "quantum" else []
    for part in parts:
        option, equals, value = part.partition("=")
        if equals:
            model[option] = _parse_value(value)
        elif unnamed:
            model[unnamed.pop(0)] = part
        else:
            raise ValueError(
                f"Option --models must be like quantum:RX:collapse or lstm:epochs=5, "
                f"but has {text!r}."
            )
    return model


def _parse_value(text: str) -> Any:
    """A number, true, false or null as in JSON; anything else is a word."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_configs(path: Path) -> list[dict[str, Any]]:
    """The configurations of a JSON file, a grid or a list of them."""
    try:
        templates = expand_grid(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"File {path} must be a grid in JSON: {error}") from None
    for template in templates:
        if not isinstance(template, dict):
            raise TypeError(
                f"File {path} must hold dicts with a model, but holds {template!r}."
            )
    return templates


def _datasets(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The datasets of the options, under each of the protocols."""
    names = args.datasets.split(",")
    if ("csv" in names) != (args.csv is not None):
        raise ValueError("Options --datasets csv and --csv must be given together.")
    source = csv_source(args)
    for name in names:
        if name not in PROTOCOLS:
            raise ValueError(
                f"Option --datasets must be some of {', '.join(PROTOCOLS)}, "
                f"but has {name!r}."
            )
        default = next(iter(PROTOCOLS[name]))
        for protocol in (args.protocol or default).split(","):
            dataset = {"name": name, "protocol": protocol}
            yield dataset | (source if name == "csv" else {})


def _parser() -> Parser:
    """The options of this command."""
    parser = Parser("experiments.sweep", __doc__)
    add = parser.add_argument
    add(
        "--models",
        help="names with options, such as quantum:RX:collapse,lstm:epochs=50; "
        "None: the paper's four",
    )
    add("--configs", type=Path, help="JSON file with a grid, in the place of --models")
    add("--datasets", default="sine", help="sine, csv or both: sine,csv")
    add_csv_options(parser)
    known = "; ".join(f"{name}: {' '.join(p)}" for name, p in PROTOCOLS.items())
    add("--protocol", help=f"one or more ({known}); None: figure")
    add("--seeds", type=positive_int, default=20, help="number of seeds")
    add("--first-seed", type=seed_int, default=0, help="the first of them")
    add("--epochs", type=positive_int, help="epochs, if not the protocol's")
    add_sweep_options(parser, Path("results/sweep"))
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
