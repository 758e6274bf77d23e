"""What was learnt, as tables and as JSON."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from experiments.quantum_memory.rows import (
    CLOCKS,
    PUBLISHED,
    SQUARE,
    Sizes,
    starts_of,
    states_name,
)
from experiments.quantum_memory.runs import (
    Outcome,
)
from experiments.quantum_memory.statistics import (
    EXACT,
    LITERATURE,
    SOLVED,
    SUCCESS,
    Summary,
    accuracies,
    against_cell,
    certificate,
    cuts,
    exact_difference,
    part,
    published_excess,
    share,
    shortfalls,
    summarize,
    true_accuracies,
)
from qlstm.commands import format_table

# -- tables ------------------------------------------------------------------------


def report(outcomes: list[Outcome], sizes: Sizes) -> str:
    """Every table."""
    tables = [_held_out(outcomes, process, sizes) for process in (SQUARE, *CLOCKS)]
    tables += [_published(outcomes, process) for process in (SQUARE, PUBLISHED)]
    tables += [_ways(outcomes), _curves(outcomes), _words(outcomes)]
    return "\n\n".join([*tables, _evenodd(outcomes)])


def _held_out(outcomes: list[Outcome], process: str, sizes: Sizes) -> str:
    """Learners on records of the standard size."""
    found = [
        summarize(o) for o in part(outcomes, "held out") if o.row.process == process
    ]
    tests = against_cell(found)
    rows = [
        [
            one.learner,
            str(one.n_parameters),
            str(one.n_starts),
            _cell(one),
            f"{one.n_solved}/{len(one.gaps)}",
            _share(one.n_success, one.n_starts * len(one.gaps)),
            f"{one.seconds:.2f}",
            _p(tests.get(one.learner)),
        ]
        for one in found
    ]
    head = (
        f"{process}: learnt from {sizes.n_sequences} records of {sizes.length}, judged "
        f"on {sizes.held_out} others behind their first {sizes.skip} symbols. Bits a "
        "symbol above the truth, of the start with "
        f"the lowest training loss: median [quartiles] over the seeds. Exact circuit: "
        f"words of {EXACT.get(process, 8)} differ by at most "
        f"{exact_difference(process):.0e}."
    )
    columns = ["learner", "numbers", "starts", "excess", f"< {SOLVED:g}"]
    columns += [f"starts < {SUCCESS:g} [95 %]", "s a start", "p"]
    note = (
        "p: the cell against machines of 2 and more states, paired by seed (Wilcoxon, "
        f"Holm). {starts_of(process, sizes)} starts a seed, of the networks one."
    )
    return "\n".join([head, format_table(columns, rows), note])


def _published(outcomes: list[Outcome], process: str) -> str:
    """Description accuracy under the protocol of the literature."""
    rows, stated = [], LITERATURE[process]
    found = [o for o in part(outcomes, "published") if o.row.process == process]
    for outcome in found:
        low, median, high = cuts(accuracies(outcome, process))
        rows.append(
            [
                outcome.row.learner,
                f"{median:.4f} [{low:.4f}, {high:.4f}]",
                f"{-cuts(shortfalls(outcome, process))[1]:+.4f}",
                f"{stated[outcome.row.learner]:.3f}"
                if outcome.row.learner in stated
                else "-",
            ]
        )
    truth = cuts(true_accuracies(found[0], process))[1]
    rows.append(["truth", f"{truth:.4f}", "", f"{stated['truth']:.3f}"])
    head = (
        f"{process}, protocol of the literature: description accuracy DA = 1 - "
        "log-loss / log2(symbols), median [quartiles] over "
        f"{len(found[0].results)} seeds."
    )
    columns = ["learner", "DA", "less the truth's, paired", "published"]
    return "\n".join([head, format_table(columns, rows)])


def _ways(outcomes: list[Outcome]) -> str:
    """How many starts succeed by each way of training, and what a start costs."""
    rows: dict[str, list[str]] = {}
    for outcome in part(outcomes, "ways"):
        one = summarize(outcome)
        n = one.n_starts * len(one.gaps)
        cells = rows.setdefault(one.learner, [one.learner])
        cells += [
            f"{one.n_success}/{n}",
            _share(one.n_success, n),
            f"{one.seconds:.2f}",
        ]
    columns = ["way of training"]
    for process in dict.fromkeys(o.row.process for o in part(outcomes, "ways")):
        columns += [process, "[95 %]", "s a start"]
    head = (
        f"Share of starts that end within {SUCCESS:g} bits of the truth on records "
        "kept back, by way of training (Wilson's interval)."
    )
    return "\n".join([head, format_table(columns, list(rows.values()))])


def _curves(outcomes: list[Outcome]) -> str:
    """Median excess by number of training records."""
    found = [summarize(outcome) for outcome in part(outcomes, "curves")]
    at = sorted({one.at for one in found})
    rows: dict[tuple[str, str], list[str]] = {}
    for one in found:
        first = [one.process, one.learner]
        rows.setdefault((one.process, one.learner), first).append(f"{one.median:.4f}")
    head = (
        f"Learning curves: median excess over {len(found[0].gaps)} seeds, by number of "
        "training records (inf: some record kept back was said to be impossible)."
    )
    return "\n".join(
        [head, format_table(["process", "learner", *map(str, at)], list(rows.values()))]
    )


def _words(outcomes: list[Outcome]) -> str:
    """What machines lose that see the exact probabilities, beside certificates."""
    rows = []
    for outcome in part(outcomes, "words"):
        process, k, result = outcome.row.process, outcome.row.at, outcome.results[0]
        excess, error = (
            np.inf if result[name] is None else result[name]
            for name in ("excess", "error")
        )
        stated = published_excess(process).get(states_name(k))
        rows.append(
            [
                process,
                str(k),
                f"{excess:.5f}",
                f"{error:.0e}",
                f"{certificate(process, k):.5f}",
                "-" if stated is None else f"{stated:.3f}",
            ]
        )
    head = (
        "Machines fitted to exact probabilities of words, the best of all starts: "
        "excess in the long run, and what is proved for any machine of as many states."
    )
    columns = ["process", "states", "excess", "+-", "certificate", "published"]
    return "\n".join([head, format_table(columns, rows)])


def _evenodd(outcomes: list[Outcome]) -> str:
    """How often the judge of EVENODD is found."""
    (outcome,) = part(outcomes, "evenodd")
    one = summarize(outcome)
    right = [result["right"] for result in outcome.results]
    n, n_right = len(right), sum(every == 1 for every in right)
    starts = _share(one.n_success, n * one.n_starts)
    _, low, high = share(n_right, n)
    return (
        f"{one.process}: found in {n_right} of {n} seeds [{100 * low:.0f} to "
        f"{100 * high:.0f} %] with {one.n_starts} starts of {one.seconds:.2f} s: every "
        f"answer right on sequences five times as long. Of all starts {starts} end "
        f"within {SUCCESS:g} bits. In the seeds where it is not found, "
        f"{_percent(s for s in right if s < 1)} of the answers are right; a coin has "
        "50 %."
    )


def _percent(values: Iterable[float]) -> str:
    """Least and greatest of some shares."""
    values = list(values)
    return f"{100 * min(values):.0f} to {100 * max(values):.0f} %" if values else "none"


def _cell(one: Summary) -> str:
    """A median with its quartiles."""
    return f"{one.median:.4f} [{one.low:.4f}, {one.high:.4f}]"


def _share(found: int, n: int) -> str:
    """A share with its interval, in per cent."""
    middle, low, high = (100 * value for value in share(found, n))
    return f"{middle:.0f} % [{low:.0f}, {high:.0f}]"


def _p(p_value: float | None) -> str:
    """A p value."""
    return "-" if p_value is None else f"{p_value:.2g}"


# -- JSON --------------------------------------------------------------------------


def record(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """Every row with its summary and its runs, as JSON takes them."""
    return [_record(outcome) for outcome in outcomes]


def _record(outcome: Outcome) -> dict[str, Any]:
    """One row."""
    found = outcome.row._asdict() | {"results": outcome.results}
    if outcome.row.part == "words":
        return found
    summary = summarize(outcome)._asdict()
    for name in ("process", "learner", "at"):
        del summary[name]
    summary["gaps"] = [g if np.isfinite(g) else None for g in summary["gaps"]]
    for name in ("median", "low", "high"):
        if not np.isfinite(summary[name]):
            summary[name] = None
    return found | {"summary": summary}
