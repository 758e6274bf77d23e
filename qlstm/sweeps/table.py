"""The runs of a sweep as a tidy table, and their medians over the seeds."""

import csv
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from qlstm.files import atomic_path, write_text
from qlstm.forecasting import quartiles
from qlstm.sweeps.files import RunFolder, run_key
from qlstm.tables import format_table, number_text

Row = dict[str, Any]


def run_rows(folder: str | os.PathLike, configs: Iterable[dict]) -> list[Row]:
    """One row a run: its key, status, configuration, scalar results and time.

    Args:
        folder: The folder of the sweep.
        configs: The configurations that `run_sweep` was given; their order is that of
            the rows. Runs that were not done have none.

    Returns:
        Rows of ``key``, ``status`` (``finished`` or ``failed``), ``error``,
        ``config.*`` (lists as JSON text), ``result.*`` (without lists, which stay in
        the run files), ``seconds`` and ``attempt``.

    Raises:
        DamagedRunError: If a run file is damaged.
    """
    unique = {run_key(config): config for config in configs}.values()
    records = map(RunFolder(folder).load, unique)
    return [_row(record) for record in records if record is not None]


def _row(record: dict[str, Any]) -> Row:
    """The row of one run."""
    config = _flatten(record["config"], "config")
    result = _flatten(record.get("result", {}), "result")
    return {
        "key": record["key"],
        "status": "failed" if "error" in record else "finished",
        "error": record.get("error"),
        **{k: json.dumps(v) if isinstance(v, list) else v for k, v in config.items()},
        **{k: v for k, v in result.items() if not isinstance(v, list)},
        "seconds": record.get("seconds"),
        "attempt": record["attempt"],
    }


def _flatten(content: dict[str, Any], prefix: str) -> Row:
    """A nested dict as one level, the names joined by dots."""
    row = {}
    for name, value in content.items():
        name = f"{prefix}.{name}"
        row |= _flatten(value, name) if isinstance(value, dict) else {name: value}
    return row


def summarize(rows: Sequence[Row], seed: str = "config.seed") -> list[Row]:
    """Median and quartiles of every number, over runs that differ in the seed alone.

    Args:
        rows: What `run_rows` made.
        seed: The column that is left out of the grouping.

    Returns:
        One row a group, in order of appearance: the other ``config.*`` columns, ``n``
        finished and ``failed`` runs, and for each numeric ``result.*`` column and
        ``seconds`` its ``.median``, ``.q25`` and ``.q75``.

    Example:
        >>> rows = [
        ...     {"status": "finished", "config.seed": s, "result.mse": s / 4}
        ...     for s in range(5)
        ... ]
        >>> summarize(rows)[0]["result.mse.median"], summarize(rows)[0]["n"]
        (0.5, 5)
    """
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        named = {k: v for k, v in row.items() if k.startswith("config.") and k != seed}
        # repr tells 1 from True and 1.0, which are equal as keys of a dict
        groups.setdefault(tuple(sorted(map(repr, named.items()))), []).append(row)
    measured = [n for n in _columns(rows) if n.startswith("result.") or n == "seconds"]
    return [_summary(members, measured, seed) for members in groups.values()]


def _summary(members: list[Row], numbers: list[str], seed: str) -> Row:
    """The row of one group."""
    first = members[0]
    summary = {k: v for k, v in first.items() if k.startswith("config.") and k != seed}
    finished = [row for row in members if row["status"] == "finished"]
    summary |= {"n": len(finished), "failed": len(members) - len(finished)}
    for name in numbers:
        values = [row[name] for row in finished if _is_number(row.get(name))]
        if values:
            parts = zip(("median", "q25", "q75"), quartiles(values), strict=True)
            summary |= {f"{name}.{part}": value for part, value in parts}
    return summary


def _is_number(value: Any) -> bool:
    """Whether a value is a number, and not a truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def summary_text(summary: Sequence[Row], shown: dict[str, str]) -> str:
    """The summary as text: what differs between groups, and some numbers.

    Args:
        summary: What `summarize` made, at least one row.
        shown: Columns to show with their titles, such as ``{"result.mse": "MSE"}``.

    Returns:
        The table; a number is its median, with the first and third quartile.
    """
    config = [name for name in _columns(summary) if name.startswith("config.")]
    values = [{repr(row[name]) for row in summary if name in row} for name in config]
    varied = [n for n, v in zip(config, values, strict=True) if len(v) > 1] or config[
        :1
    ]
    header = [name.removeprefix("config.") for name in varied] or ["runs"]
    rows = []
    for row in summary:
        cells = [str(row.get(name, "-")) for name in varied] or ["all"]
        cells += [str(row["n"]), str(row["failed"])]
        rows.append(cells + [_cell(row, name) for name in shown])
    return format_table([*header, "n", "failed", *shown.values()], rows)


def _cell(row: Row, name: str) -> str:
    """A median with its quartiles."""
    if f"{name}.median" not in row:
        return "-"
    median, low, high = (row[f"{name}.{part}"] for part in ("median", "q25", "q75"))
    return f"{number_text(median)} [{number_text(low)}, {number_text(high)}]"


def write_tables(
    folder: str | os.PathLike, configs: Iterable[dict], shown: dict[str, str]
) -> tuple[str, list[Path]]:
    """Write the runs as ``table.csv`` and, with pyarrow, Parquet; their summary, too.

    The summary is ``summary.csv``, and as text ``summary.txt``.

    Args:
        folder: The folder of the sweep.
        configs: As for `run_rows`.
        shown: As for `summary_text`.

    Returns:
        The text, and the paths of the files.
    """
    rows = run_rows(folder, configs)
    summary = summarize(rows)
    text, paths = summary_text(summary, shown), [Path(folder, "table.csv")]
    _write_csv(paths[0], rows)
    if _write_parquet(paths[0].with_suffix(".parquet"), rows):
        paths.append(paths[0].with_suffix(".parquet"))
    paths += [Path(folder, f"summary.{suffix}") for suffix in ("csv", "txt")]
    _write_csv(paths[-2], summary)
    write_text(paths[-1], text + "\n")
    return text, paths


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows with all digits; a value that a row does not have is blank."""
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, _columns(rows), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(path: Path, rows: Sequence[Row]) -> bool:
    """Write rows if pyarrow is installed; a column of several types is written as text.

    Returns whether pyarrow is installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return False
    columns = {}
    for name in _columns(rows):
        values = [row.get(name) for row in rows]
        try:
            columns[name] = pyarrow.array(values)
        except (pyarrow.ArrowException, OverflowError):
            texts = [None if value is None else str(value) for value in values]
            columns[name] = pyarrow.array(texts)
    with atomic_path(path) as temporary:
        pyarrow.parquet.write_table(pyarrow.table(columns), temporary)
    return True


def _columns(rows: Iterable[Row]) -> list[str]:
    """Every column that a row has, those of the first rows first."""
    return list(dict.fromkeys(name for row in rows for name in row))
