"""Which memory and how many layers? A grid search with scikit-learn.

``python -m experiments.grid_search`` needs ``pip install ".[sklearn]"``. It cuts
windows from the noisy sine, keeps the last fifth for the test, and searches memory
rules and layers with `GridSearchCV` and `TimeSeriesSplit`, in a pipeline behind a
`StandardScaler`. AR and ridge have a grid of their own. All are chosen by the same
splits and tested on the same windows, beside persistence.
"""

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from qlstm import QLSTMRegressor
from qlstm.commands import (
    Parser,
    check_results,
    format_table,
    number_text,
    positive_int,
    run_main,
    seed_int,
    write_results,
)
from qlstm.estimator import BaselineRegressor
from qlstm.files import versions
from qlstm.forecasting import SINE_PROTOCOLS, errors, make_windows, noisy_sine, skill

QUANTUM = {"memory": ["collapse", "probabilities", "mixed"], "n_layers": [1, 2, 3]}
GRIDS: dict[str, dict[str, list]] = {
    "ar": {"p": [1, 2, 3, 5, 10]},
    "ridge": {"penalty": [1e-3, 1e-2, 0.1, 1.0, 10.0]},
    "persistence": {},
}
HEADER = ["model", "chosen", "tried", "CV MSE", "test MSE", "skill", "seconds"]


def options() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.grid_search", __doc__)
    add = parser.add_argument
    add("--window", type=positive_int, default=10, help="values in a window")
    add("--splits", type=positive_int, default=3, help="splits of TimeSeriesSplit")
    add("--epochs", type=positive_int, default=100, help="epochs of quantum models")
    add("--seed", type=seed_int, default=0, help="seed of the noise and of the starts")
    add("--out", type=Path, default=Path("results"), help="folder of the results")
    return parser


def main(args: argparse.Namespace) -> None:
    """Search every grid, test what was chosen, print one table.

    Args:
        args: The parsed options.
    """
    try:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        raise ImportError(
            'This experiment needs scikit-learn: pip install ".[sklearn]".'
        ) from None
    check_results(args.out, "grid_search.json")
    values = noisy_sine(SINE_PROTOCOLS["strict"], np.random.default_rng(args.seed))
    inputs, targets, _ = make_windows(values, args.window)
    X, y = inputs[..., 0], targets
    cut = int(0.8 * len(X))
    quantum = QLSTMRegressor(epochs=args.epochs, random_state=args.seed)
    models: dict[str, tuple[Any, dict]] = {"quantum": (quantum, QUANTUM)}
    models |= {name: (BaselineRegressor(name), grid) for name, grid in GRIDS.items()}
    print(f"{cut} windows of {args.window} values to search, {len(X) - cut} to test.\n")
    rows = []
    for name, (model, grid) in models.items():
        scaled = name != "persistence"  # which repeats a value as it is
        pipeline = make_pipeline(StandardScaler() if scaled else "passthrough", model)
        step = pipeline.steps[-1][0]
        named = {f"{step}__{option}": tried for option, tried in grid.items()}
        rows.append(_search(name, pipeline, named, (X, y), cut, args.splits))
    persistence = rows[-1]["test"]
    for row in rows:
        row["skill"] = skill(row["test"], persistence)
    print(format_table(HEADER, [_cells(row) for row in rows]))
    print("\nSkill: 1 - MSE / MSE of persistence, on the test windows.")
    record = {"options": vars(args) | {"out": str(args.out)}, "rows": rows}
    write_results(args.out, {"grid_search.json": record | {"versions": versions()}})


def _search(
    name: str, pipeline: Any, grid: dict, data: tuple, cut: int, splits: int
) -> dict[str, Any]:
    """The best of a grid by the splits of the first part, tested on the last."""
    from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

    X, y = data
    search = GridSearchCV(
        pipeline, grid, cv=TimeSeriesSplit(splits), scoring="neg_mean_squared_error"
    )
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*targets cannot be met")
        search.fit(X[:cut], y[:cut])
    return {
        "model": name,
        "chosen": {k.split("__")[1]: v for k, v in search.best_params_.items()},
        "tried": len(search.cv_results_["params"]),
        "splits": -float(search.best_score_),
        "test": errors(search.predict(X[cut:]), y[cut:]).mse,
        "seconds": time.perf_counter() - start,
    }


def _cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    chosen = ", ".join(f"{name}={value}" for name, value in row["chosen"].items())
    numbers = [number_text(row[name]) for name in ("splits", "test")]
    skills = [f"{row['skill']:+.3f}", f"{row['seconds']:.1f}"]
    return [row["model"], chosen or "-", str(row["tried"]), *numbers, *skills]


if __name__ == "__main__":
    run_main(main, options())
