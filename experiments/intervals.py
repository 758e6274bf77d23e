"""Do 90 % intervals hold 90 % of the values? Step by step ahead, on many series.

``python -m experiments.intervals`` trains forecasters on synthetic series of four
kinds, makes conformal intervals from the validation part of each, and counts how many
values of its test part they hold, 1 to 7 steps ahead. The standard error is that over
series. ``--csv`` or ``--sample`` takes one measured series in their place; its standard
error is that over blocks of the test part, as neighbours err alike.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qlstm.commands import (
    Parser,
    Progress,
    add_csv_options,
    check_results,
    csv_source,
    format_table,
    positive_int,
    run_main,
    seed_int,
    write_results,
)
from qlstm.files import versions
from qlstm.forecasting import (
    Series,
    conformal_intervals,
    load_csv,
    load_sample,
    make_forecaster,
    train_forecaster,
)

LEVEL = 0.9
HORIZON = 7
BURN_IN = 100
BLOCK = 4 * HORIZON
"""Targets in a block of a measured series."""


def autoregression(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """AR(2) with a cycle: ``x_t = 1.2 x_(t-1) - 0.5 x_(t-2) + e_t``."""
    noise, values = rng.normal(size=n + BURN_IN), np.zeros(n + BURN_IN)
    for t in range(2, n + BURN_IN):
        values[t] = 1.2 * values[t - 1] - 0.5 * values[t - 2] + noise[t]
    return values[BURN_IN:]


def wave(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A sine of random period and phase in Gaussian noise of 0.2."""
    period, phase = rng.uniform(8, 30), rng.uniform(0, 2 * np.pi)
    values = np.sin(2 * np.pi * np.arange(n) / period + phase)
    return values + 0.2 * rng.normal(size=n)


def walk(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random walk with a drift, which is not stationary: nothing is promised."""
    return np.cumsum(0.05 + 0.3 * rng.normal(size=n))


def season(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A season of seven steps in Laplace noise, whose tails are heavy."""
    values = 3 * np.sin(2 * np.pi * (np.arange(n) % 7) / 7)
    return values + rng.laplace(scale=0.6, size=n)


KINDS = {"AR(2)": autoregression, "sine": wave, "season": season, "walk": walk}
ALL, DRIFTING = "stationary", "walk"


def options() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.intervals", __doc__)
    source = parser.add_mutually_exclusive_group()
    add_csv_options(parser, "CSV file of a measured series", source)
    source.add_argument("--sample", action="store_true", help="Seattle, offline")
    add = parser.add_argument
    add(
        "--series",
        type=positive_int,
        default=200,
        help="stationary series; walks: a quarter of it",
    )
    add("--length", type=positive_int, default=400, help="values in each of them")
    add(
        "--models",
        nargs="+",
        default=["persistence", "ar", "ridge", "quantum"],
        metavar="MODEL",
        help="forecasters",
    )
    add("--epochs", type=positive_int, default=10, help="epochs of those that train")
    add("--seed", type=seed_int, default=0, help="seed")
    add("--out", type=Path, default=Path("results"), help="folder of the results")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure every forecaster on every series, and print shares.

    Args:
        args: The parsed options.
    """
    check_results(args.out, "intervals.json")
    own = _measured(args)
    rows, content = [], {}
    for model in args.models:
        if own is not None:
            inside = _inside(own, model, args, np.random.default_rng(args.seed))
            parts = np.array_split(inside, max(2, len(inside) // BLOCK))
            groups = {"measured": [part.mean(axis=0) for part in parts]}
        else:
            groups = _synthetic(model, args)
        content[model] = {k: np.mean(v, axis=0).tolist() for k, v in groups.items()}
        rows += [_row(model, kind, np.array(v)) for kind, v in groups.items()]
    header = ["model", "series", *map(str, range(1, HORIZON + 1)), "s.e."]
    print(format_table(header, rows))
    print(
        f"\nShares of test values inside {LEVEL:.0%} intervals, in %, by steps ahead; "
        "s.e.: the\nlargest standard error of a row, "
        f"{'over blocks' if own else 'over series'}."
    )
    record = {"options": {k: str(v) for k, v in vars(args).items()}, "shares": content}
    write_results(args.out, {"intervals.json": record | {"versions": versions()}})


def _measured(args: argparse.Namespace) -> Series | None:
    """The measured series, if one is named."""
    if args.sample:
        return load_sample()
    source = csv_source(args)
    return load_csv(**source) if source else None


def _synthetic(model: str, args: argparse.Namespace) -> dict[str, list[NDArray]]:
    """The share inside of each series, by kind, and of all that are stationary."""
    steady = [kind for kind in KINDS if kind != DRIFTING]
    kinds = [steady[k % len(steady)] for k in range(args.series)]
    kinds += [DRIFTING] * max(1, args.series // 4)
    found: dict[str, list[NDArray]] = {kind: [] for kind in (*steady, ALL, DRIFTING)}
    progress = Progress(f"{model:<12} ")
    for k, kind in enumerate(kinds):
        rng = np.random.default_rng([args.seed, k])
        series = Series(KINDS[kind](args.length, rng), None, kind, "", {})
        share = _inside(series, model, args, rng).mean(axis=0)
        for group in (kind, ALL) if kind != DRIFTING else (kind,):
            found[group].append(share)
        progress.update(k + 1, len(kinds), kind)
    progress.clear()
    return {kind: shares for kind, shares in found.items() if shares}


def _inside(
    series: Series, model: str, args: argparse.Namespace, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Whether each test value lies in its interval, ``(n_origins, HORIZON)``."""
    trains = model in ("quantum", "lstm", "rnn")
    own = {"epochs": args.epochs} if trains else {}
    own |= {"readout": "affine"} if model == "quantum" else {}
    forecaster = make_forecaster(model, **own)
    trained = train_forecaster(series, forecaster, horizon=HORIZON, rng=rng)
    tested = trained.walk(series, first_origin=trained.record["cuts"][1])
    residuals = trained.residuals[: trained.n_calibration]
    inside = np.empty(tested.targets.shape, dtype=bool)
    for h in range(HORIZON):
        band = conformal_intervals(
            tested.predictions[:, h], residuals[:, h], alpha=1 - LEVEL
        )
        targets = tested.targets[:, h]
        inside[:, h] = (band.lower <= targets) & (targets <= band.upper)
    return inside


def _row(model: str, kind: str, shares: NDArray[np.float64]) -> list[str]:
    """A line of the table, in percent."""
    n = len(shares)
    error = shares.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(1, np.nan)
    cells = [f"{100 * value:.1f}" for value in shares.mean(axis=0)]
    return [model, kind, *cells, f"{100 * error.max():.1f}"]


if __name__ == "__main__":
    run_main(main, options())
