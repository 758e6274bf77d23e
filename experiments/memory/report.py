"""Tables and paragraphs of `experiments.memory`: what its numbers say, and do not."""

import numpy as np

from experiments.memory.runs import (
    PROTOCOL,
    TRAINED,
    Circuit,
    Curves,
    Found,
    Run,
    Sizes,
    by_model,
)
from experiments.memory.statistics import Change, Correlation
from qlstm.commands import format_table, number_text
from qlstm.forecasting import Dataset
from qlstm.insight import Trace


def report(
    found: Found,
    moved: list[Change],
    follows: list[Correlation],
    sizes: Sizes,
    dataset: Dataset,
) -> str:
    """Tables, then a paragraph for each figure."""
    train, test = dataset.train.targets, dataset.test.targets
    headline = (
        f"Noisy sine, protocol `{PROTOCOL.name}`: {len(train)} training and "
        f"{len(test)} test windows; {(np.abs(train) > 1).sum()} of the training "
        "targets lie outside [-1, 1], where <Z> cannot go."
    )
    parts = [
        headline,
        f"Memory at initial parameters, {sizes.draws} draws, mean ± standard deviation",
        curves_table(found.circuits, found.curves),
        f"Test errors, {sizes.seeds} seeds, {sizes.epochs} epochs",
        errors_table(found.runs, found.baselines),
        "Does training move entanglement? Medians in ebits and paired Wilcoxon tests",
        changes_table(moved),
        "Does the test error follow it? Spearman's correlation over the seeds",
        correlations_table(follows),
        *(ledger_text(rotation, both) for rotation, both in found.ledgers.items()),
        curves_text(found.circuits, found.curves),
        training_text(moved),
        errors_text(found.runs, follows, found.baselines),
    ]
    return "\n\n".join(parts)


def curves_table(circuits: list[Circuit], curves: list[Curves]) -> str:
    """Means over the draws of the parameters."""
    header = ["rule", "l_eff", "MC", "sum of chi", "MC_k, k = 0 to 3"]
    rows = []
    for c in curves:
        total = (c.effective_length, c.capacity.sum(axis=1), c.information.sum(axis=1))
        r2 = " ".join(f"{v:.2f}" for v in c.capacity.mean(axis=0)[:4])
        cells = [f"{v.mean():.2f} ± {v.std():.2f}" for v in total]
        rows.append([f"{c.rotation} {c.memory}", *cells, r2])
    lines = [format_table(header, rows), ""]
    for c in circuits:
        left = ", ".join(f"{v:.3f}" for v in c.retention.mean(axis=0)[:6])
        lines.append(
            f"{c.rotation} circuit: mean |lambda_2| {c.rate.mean():.3f}; I(R:anc_k) "
            f"{left} bits; collapse S_en {c.S_en.mean():.3f}, S_out "
            f"{c.S_out.mean():.3f} ebits; median probability of its record of 10 "
            f"outcomes {np.median(c.record_probability):.1e}."
        )
    return "\n".join(lines)


def errors_table(runs: list[Run], baselines: dict[str, float]) -> str:
    """Test errors over the seeds, and with the history exchanged."""
    header = ["model", "median MSE", "min", "max", "other history"]
    header += ["|dy/dx_T|", "T-1", "T-2"]
    rows = []
    for name, mine in by_model(runs).items():
        mse = np.array([r.test_mse for r in mine])
        ratio = np.median([r.swapped_mse for r in mine] / mse)
        cells = [number_text(v) for v in (np.median(mse), mse.min(), mse.max())]
        slopes = np.median([r.gradient for r in mine], axis=0)[:3]  # none if untrained
        rows.append([" ".join(name), *cells, f"{ratio:.1f}"])
        rows[-1] += [f"{v:.3f}" for v in slopes]
    rows += [[name, number_text(mse)] for name, mse in baselines.items()]
    return format_table(header, [row + ["-"] * (8 - len(row)) for row in rows])


def changes_table(moved: list[Change]) -> str:
    """Every paired test."""
    header = ["model", "quantity", "start", "end", "change", "p", "Holm"]
    header += ["shuffled", "p against"]
    rows = []
    for c in moved:
        if c.p is not None and "shuffled" not in c.model:
            control = "-" if c.control_change is None else f"{c.control_change:+.3f}"
            cells = [f"{c.start:.3f}", f"{c.end:.3f}", f"{c.change:+.3f}"]
            cells += [_p(c.p), _p(c.p_holm), control, _p(c.p_control)]
            rows.append([f"{c.rotation} {c.model}", c.quantity, *cells])
    return format_table(header, rows)


def correlations_table(follows: list[Correlation]) -> str:
    """Every rank correlation with the test error."""
    rows = [
        [f"{c.rotation} {c.model}", c.quantity, f"{c.rho:+.2f}", _p(c.p), _p(c.p_holm)]
        for c in follows
        if c.rho is not None
    ]
    return format_table(["model", "quantity", "rho", "p", "Holm"], rows)


def _p(value: float | None) -> str:
    """A p-value, or a dash."""
    if value is None:
        return "-"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def ledger_text(rotation: str, ledgers: dict[str, Trace]) -> str:
    """What to see in the ledger."""
    before, after = ledgers.values()
    margin = [np.median(ledger.margin) for ledger in (before, after)]
    record = [np.median(t.record_probability[:, -1]) for t in (before, after)]
    return (
        f"memory_ledger_{rotation}.png. Each step starts from a product state, so "
        f"every bar of the top row is made and taken back within one step. {rotation} "
        f"collapse, all test windows: U_en makes {before.S_en.mean():.2f} ebits before "
        f"training and {after.S_en.mean():.2f} after, U_dis takes back "
        f"{before.forgotten.mean():.2f} and {after.forgotten.mean():.2f}. The "
        f"likeliest outcome leads the next by {margin[0]:.2f} before and "
        f"{margin[1]:.2f} after (medians), and the record of likeliest outcomes has "
        f"probability {record[0]:.1e} and {record[1]:.1e}: a device that "
        "has to find it runs the sequence the inverse of that many times."
    )


def curves_text(circuits: list[Circuit], curves: list[Curves]) -> str:
    """What to see in the curves."""
    lines = ["memory_curves.png."]
    for circuit in circuits:
        mine = {c.memory: c for c in curves if c.rotation == circuit.rotation}
        collapse, mixed = mine["collapse"], mine["mixed"]
        left = circuit.retention.mean(axis=0)
        lines.append(
            f"{circuit.rotation}: collapse is sensitive for "
            f"{collapse.effective_length.mean():.1f} of {collapse.forgetting.shape[1]} "
            f"lags, mixed for {mixed.effective_length.mean():.1f}, but mixed has the "
            f"larger capacity, {mixed.capacity.sum(axis=1).mean():.2f} against "
            f"{collapse.capacity.sum(axis=1).mean():.2f}. An entangled memory keeps "
            f"{left[1]:.2f} of {left[0]:.0f} bits for one step, {left[2]:.2f} for two "
            f"and {left[min(4, len(left) - 1)]:.3f} for four."
        )
    lines.append("`reset`, without a memory, is the zero line.")
    return " ".join(lines)


def training_text(moved: list[Change]) -> str:
    """Whether training moves entanglement."""
    lines = ["memory_training.png."]
    for rotation in dict.fromkeys(c.rotation for c in moved):
        for model in TRAINED:
            mine = [c for c in moved if (c.rotation, c.model) == (rotation, model)]
            significant = [c for c in mine if c.p_holm is not None and c.p_holm < 0.05]
            said = [
                f"{c.quantity} {c.start:.2f} -> {c.end:.2f} (Holm p {_p(c.p_holm)}, "
                f"against shuffled targets p {_p(c.p_control)})"
                for c in significant
            ]
            still = [c.quantity for c in mine if c.p is None]
            rest = [
                c.quantity for c in mine if c.p is not None and c not in significant
            ]
            line = f"{rotation} {model}: significant after Holm's correction: "
            line += ("; ".join(said) or "nothing") + "."
            if rest:
                line += f" Not significant: {', '.join(rest)}."
            if still:
                names = ", ".join(still)
                line += f" Cannot move (equal to rounding at every seed): {names}."
            lines.append(line)
    anew = [c.p for c in moved if c.model == "drawn anew" and c.p is not None]
    lines.append(
        f"Parameters drawn anew differ from the first draw in "
        f"{sum(p < 0.05 for p in anew)} of {len(anew)} quantities at p < 0.05, "
        "uncorrected."
    )
    return " ".join(lines)


def errors_text(
    runs: list[Run], follows: list[Correlation], baselines: dict[str, float]
) -> str:
    """Whether the test error follows entanglement."""
    tested = [c for c in follows if c.p_holm is not None]
    raw = sum(c.p < 0.05 for c in tested)
    kept = [c for c in tested if c.p_holm < 0.05]
    said = [f"{c.rotation} {c.model} {c.quantity} rho {c.rho:+.2f}" for c in kept]
    summary = (
        f"memory_errors.png. Of {len(tested)} rank correlations between the test error "
        f"and a quantity after training, {raw} have p < 0.05 by themselves, where "
        f"chance gives {0.05 * len(tested):.1f}, and {len(kept)} after Holm's "
        f"correction{': ' * bool(said)}{'; '.join(said)}."
    )
    lines, groups = [summary], by_model(runs)
    for (rotation, model), mine in groups.items():
        if model not in TRAINED:
            continue
        none = groups[rotation, "reset"]
        slope = np.median([r.gradient for r in mine], axis=0)
        swapped = np.array([r.swapped_mse / r.test_mse for r in mine])
        ours, others = (np.median([r.test_mse for r in rs]) for rs in (mine, none))
        better = sum(a.test_mse < b.test_mse for a, b in zip(mine, none, strict=True))
        lines.append(
            f"{rotation} {model}: |dy/dx| {slope[0]:.2f} at lag 0 and {slope[1]:.3f} "
            f"at lag 1; exchanging the history for another window's multiplies the "
            f"error by {np.median(swapped):.1f} ({swapped.min():.1f} to "
            f"{swapped.max():.1f}); a lower error than the model without memory in "
            f"{better} of {len(mine)} seeds, median {ours:.4f} against {others:.4f}."
        )
    lines.append(", ".join(f"{n} has {v:.4f}" for n, v in baselines.items()) + ".")
    return " ".join(lines)
