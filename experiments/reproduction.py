"""The paper's two experiments in every reading: ``python -m experiments.reproduction``.

Each protocol, rotation and memory rule of the paper over many seeds, beside persistence
and an autoregression. Stopped at any moment, the same command goes on where it was.
What the readings are and what comes out: docs/reproduction.md.
"""

import argparse
import warnings
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter
from scipy.stats import spearmanr

from qlstm.commands import (
    Parser,
    add_sweep_options,
    format_table,
    positive_int,
    run_configs,
    run_main,
    seed_int,
    series_record,
)
from qlstm.files import versions, write_json
from qlstm.forecasting import Dataset, audit, check_copy, load_csv, skill
from qlstm.params import PAPER_MEMORIES, ROTATIONS
from qlstm.plots import BLUE, GREY, ORANGE, new_figure, save_figure
from qlstm.sweeps.files import RunFolder, run_key
from qlstm.sweeps.forecasts import (
    PROTOCOLS,
    complete_config,
    load_dataset,
    run_forecast,
)

SPIKE = 1.2
"""A spike is an epoch whose loss is at least this many times that of the one before."""
SETTLED = 20
"""First epochs, in which losses and switches fall together for reasons of their own."""
STYLES = {
    "RX collapse": {"fmt": "o", "color": BLUE},
    "RX probabilities": {"fmt": "s", "color": BLUE, "mfc": "white"},
    "RY collapse": {"fmt": "o", "color": ORANGE},
    "RY probabilities": {"fmt": "s", "color": ORANGE, "mfc": "white"},
    "persistence": {"fmt": "D", "color": GREY},
    "AR(10)": {"fmt": "^", "color": "black"},
}

Run = dict[str, float]


class Reading(NamedTuple):
    """One protocol, and every run under it."""

    name: str
    """``sine`` or ``weather``, and the protocol's name."""
    dataset: Dataset
    """Of the first seed."""
    beyond: float
    """Median share of all targets that lie outside [-1, 1]."""
    runs: dict[str, list[Run]]
    """By model, one for each seed in order."""


def main(args: argparse.Namespace) -> None:
    """Do the runs that are left, then report them all."""
    if args.csv is None and (args.column or args.date_column):
        raise ValueError("Options --column and --date-column go with --csv.")
    n_seeds = args.seeds or (2 if args.quick else 50)
    epochs = args.epochs or (2 if args.quick else None)
    datasets = [{"name": "sine", "protocol": p} for p in PROTOCOLS["sine"]]
    if args.csv is not None:
        columns = {"column": args.column, "date_column": args.date_column}
        source = {"name": "csv", "path": str(args.csv)} | columns
        datasets += [source | {"protocol": p} for p in PROTOCOLS["csv"]]
    numbers = {"sine": n_seeds, "csv": args.weather_seeds or n_seeds}
    groups = [
        (
            make_configs(dataset, epochs),
            range(args.seed, args.seed + numbers[dataset["name"]]),
        )
        for dataset in datasets
    ]
    _do(groups, args)
    files = RunFolder(args.out)
    readings = [make_reading(configs, seeds, files) for configs, seeds in groups]
    for reading in readings:
        print(f"\n{report(reading)}")
    _write(args, readings)


def make_configs(dataset: dict[str, Any], epochs: int | None) -> dict[str, dict]:
    """The runs of one protocol without their seeds, by the name of the model."""
    models = {
        f"{rotation} {memory}": {
            "name": "quantum",
            "rotation": rotation,
            "memory": memory,
        }
        for rotation in ROTATIONS
        for memory in PAPER_MEMORIES
    }
    models["AR(10)"] = {"name": "ar"}
    return {
        name: complete_config({"dataset": dataset, "model": model}, epochs)
        for name, model in models.items()
    }


def _do(groups: list[tuple[dict, range]], args: argparse.Namespace) -> None:
    """Every run that has not finished; a failure ends the command with status 1."""
    runs = [
        config | {"seed": seed}
        for configs, seeds in groups
        for config in configs.values()
        for seed in seeds
    ]
    tally = run_configs(run_quietly, runs, args)
    if tally.failed:
        raise SystemExit(1)


def run_quietly(config: dict[str, Any]) -> dict[str, Any]:
    """A run without the warning about targets out of reach, which the report counts."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*targets cannot be met")
        return run_forecast(config)


def make_reading(configs: dict[str, dict], seeds: range, files: RunFolder) -> Reading:
    """Read the runs of one protocol and measure what the sweep did not."""
    where = next(iter(configs.values()))["dataset"]
    runs: dict[str, list[Run]] = {name: [] for name in STYLES}
    beyond, first = [], _load(where, seeds[0])
    for seed in seeds:
        dataset = _load(where, seed)
        parts = dataset.train, dataset.validation, dataset.test
        targets = np.concatenate([part.targets for part in parts])
        beyond.append(np.mean(np.abs(targets) > 1))
        for name, config in configs.items():
            result = files.load_run(run_key(config | {"seed": seed}))["result"]
            runs[name].append({"seed": seed} | measure(dataset, result))
        last = dataset.scaler.inverse(dataset.test.inputs[:, -1, 0])
        repeated = {"test_predictions": last, "history": {}}
        runs["persistence"].append({"seed": seed} | measure(dataset, repeated))
    task = "sine" if where["name"] == "sine" else "weather"
    return Reading(f"{task} {where['protocol']}", first, float(np.median(beyond)), runs)


def measure(dataset: Dataset, result: dict[str, Any]) -> Run:
    """The numbers of one run, losses and errors in the units that the model sees.

    Args:
        dataset: The run's windows.
        result: ``test_predictions``, and the ``history`` of a quantum model.

    Returns:
        ``mse``, ``skill``, ``copy`` (0 or 1), ``r_before`` and ``r_target`` (correlation
        of the predictions with the value before and with the one they predict); of a
        quantum model also ``first_loss``, ``last_loss`` and ``spikes``, and if it
        counts switches, ``switches`` and ``switches_at_spikes``, means over epochs,
        and ``switch_correlation``, Spearman's of the switches in an epoch with the
        size of the loss's relative change.
    """
    predictions = np.asarray(result["test_predictions"])
    check = check_copy(predictions, dataset.values, dataset.test.index)
    errors = dataset.scaler.transform(predictions) - dataset.test.targets
    last = dataset.test.inputs[:, -1, 0] - dataset.test.targets
    mse = float(np.mean(errors**2))
    run = {
        "mse": mse,
        "skill": skill(mse, float(np.mean(last**2))),
        "copy": int(check.is_copy),
        "r_before": float(check.correlation[1]),
        "r_target": float(check.correlation[0]),
    }
    known = {name: value for name, value in run.items() if not np.isnan(value)}
    return known | _measure_history(result["history"])


def _measure_history(history: dict[str, list[float]]) -> Run:
    """Losses, spikes and branch switches of a training run."""
    if not history:
        return {}
    loss = np.array(history["loss"])
    spiked = loss[1:] >= SPIKE * loss[:-1]
    run = {"first_loss": loss[0], "last_loss": loss[-1], "spikes": spiked.sum()}
    if "branch_switches" in history:
        switches = np.array(history["branch_switches"])[1:]  # the first has no before
        run["switches"] = switches.mean() if len(switches) else 0
        if spiked.any():
            run["switches_at_spikes"] = switches[spiked].mean()
        moves, late = np.abs(np.diff(np.log(loss)))[SETTLED:], switches[SETTLED:]
        if len(late) > 1 and np.ptp(late) > 0:
            run["switch_correlation"] = spearmanr(moves, late).statistic
    return {name: float(value) for name, value in run.items()}


def quartiles(runs: list[Run], name: str) -> dict[str, float] | None:
    """Median and quartiles over the runs that have the number; None if none has."""
    values = [run[name] for run in runs if name in run]
    if not values:
        return None
    cuts = np.percentile(values, [50, 25, 75]).tolist()
    return dict(zip(("median", "q25", "q75"), cuts, strict=True))


def report(reading: Reading) -> str:
    """What the protocol is, what `audit` finds, and a table of medians."""
    data = reading.dataset
    parts = f"{len(data.train.targets)} training and {len(data.test.targets)} test"
    n_seeds = len(next(iter(reading.runs.values())))
    headline = (
        f"{reading.name}: {parts} windows; {100 * reading.beyond:.0f} % of the targets "
        f"lie outside [-1, 1]. Medians [quartiles] over {n_seeds} seeds."
    )
    findings = [f"audit: {finding}" for finding in audit(data).findings]
    columns = {
        "first_loss": "first loss",
        "last_loss": "last loss",
        "mse": "test MSE",
        "skill": "skill",
    }
    rows = [
        [
            name,
            *(_cell(runs, column) for column in columns),
            f"{sum(run['skill'] > 0 for run in runs)}/{len(runs)}",
            f"{sum(run['copy'] for run in runs)}/{len(runs)}",
            *(_cell(runs, r) for r in ("r_before", "r_target")),
        ]
        for name, runs in reading.runs.items()
    ]
    last = ["better", "copies", "r before", "r target"]
    table = format_table(["model", *columns.values(), *last], rows)
    return "\n".join([headline, *findings, table])


def _cell(runs: list[Run], name: str) -> str:
    """A median with its quartiles."""
    found = quartiles(runs, name)
    if found is None:
        return "-"
    if name.startswith("r_"):
        return f"{found['median']:.2f}"
    digits = 2 if name == "skill" else 4
    median, low, high = (f"{value:.{digits}f}" for value in found.values())
    return f"{median} [{low}, {high}]"


def draw(readings: list[Reading]) -> Figure:
    """Test errors as medians with quartiles: a panel a series, a group a protocol."""
    panels: dict[str, list[Reading]] = {}
    for reading in readings:
        panels.setdefault(reading.name.split()[0], []).append(reading)
    figure, axes = new_figure(len(panels), 1, figsize=(9, 0.8 + 3.9 * len(panels)))
    figure.suptitle("Read every model beside persistence and AR(10)")
    for ax, (task, group) in zip(axes[:, 0], panels.items(), strict=True):
        _draw_panel(ax, task, group)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=9)
    return figure


def _draw_panel(ax: Axes, task: str, group: list[Reading]) -> None:
    """One series; each protocol has its models side by side."""
    for k, (name, style) in enumerate(STYLES.items()):
        found = [quartiles(reading.runs[name], "mse") for reading in group]
        median, low, high = (
            np.array([f[part] for f in found]) for part in ("median", "q25", "q75")
        )
        x = np.arange(len(group)) + 0.13 * (k - (len(STYLES) - 1) / 2)
        ax.errorbar(
            x, median, [median - low, high - median], label=name, capsize=3, **style
        )
    for k in range(1, len(group)):
        ax.axvline(k - 0.5, color="#cccccc", lw=0.8)
    ax.set_xticks(range(len(group)), [reading.name.split()[1] for reading in group])
    ax.set_xlim(-0.5, len(group) - 0.5)
    ax.tick_params(axis="x", length=0)
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    wide = LogLocator(subs=(1, 1.5, 2, 3, 5, 7))
    ax.yaxis.set_major_locator(wide if high > 3 * low else MaxNLocator(6))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.grid(axis="y", color="#eeeeee")
    ax.set_axisbelow(True)
    unit = "" if task == "sine" else ", scaled units"
    title = f"{task}: median and quartiles over {len(group[0].runs[name])} seeds"
    ax.set(title=title, xlabel="protocol", ylabel=f"test MSE{unit}")


def _write(args: argparse.Namespace, readings: list[Reading]) -> None:
    """Write the JSON file and the figure, and say where."""
    content = {
        "experiment": "reproduction",
        "first_seed": args.seed,
        "epochs": args.epochs,
        "quick": args.quick,
        "versions": versions(),
        "readings": {reading.name: _content(reading) for reading in readings},
    }
    names = [args.out / f"reproduction.{suffix}" for suffix in ("json", "png")]
    if args.csv is not None:
        columns = {"column": args.column, "date_column": args.date_column}
        content["weather"] = series_record(load_csv(args.csv, **columns))
    write_json(names[0], content)
    save_figure(names[1], draw(readings))
    print(f"\nWrote {', '.join(map(str, names))}.")


def _content(reading: Reading) -> dict[str, Any]:
    """A reading as JSON takes it."""
    data = reading.dataset
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    return {
        "protocol": vars(data.protocol),
        "n_windows": {name: len(part.targets) for name, part in parts.items()},
        "audit": [str(finding) for finding in audit(data).findings],
        "share_beyond_reach": reading.beyond,
        "models": {
            name: {"summary": _summary(runs), "runs": runs}
            for name, runs in reading.runs.items()
        },
    }


def _summary(runs: list[Run]) -> dict[str, Any]:
    """Quartiles of every number, and the counts."""
    names = dict.fromkeys(n for run in runs for n in run if n not in ("seed", "copy"))
    return {name: quartiles(runs, name) for name in names} | {
        "n": len(runs),
        "n_better": sum(run["skill"] > 0 for run in runs),
        "n_copies": sum(run["copy"] for run in runs),
    }


@cache
def _load_cached(items: tuple, seed: int) -> Dataset:
    """`load_dataset` with arguments that can be keys."""
    return load_dataset(dict(items), seed)


def _load(where: dict[str, Any], seed: int) -> Dataset:
    """The windows of a run."""
    return _load_cached(tuple(where.items()), seed)


def _parser() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.reproduction", __doc__)
    add = parser.add_argument
    add("--csv", type=Path, help="CSV file of daily means, for the weather protocols")
    add("--column", help="value column of the CSV file")
    add("--date-column", help="date column of the CSV file")
    add("--seeds", type=positive_int, help="number of seeds; None: 50, quick 2")
    add("--weather-seeds", type=positive_int, help="for the CSV file; None: as many")
    add("--seed", type=seed_int, default=0, help="the first of them")
    add("--epochs", type=positive_int, help="None: the protocol's, quick 2")
    add("--quick", action="store_true", help="a look that takes seconds")
    add_sweep_options(parser, Path("results/reproduction"))
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
