"""The tables of a sweep."""

import csv
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from qlstm.sweeps import expand_grid, run_rows, run_sweep, summarize
from qlstm.sweeps.table import _write_csv, _write_parquet, summary_text

GRID = [
    {"model": {"name": "a", "lags": [[1, 2]]}, "seed": [0, 1, 2, 3]},
    {"model": {"name": "b"}, "seed": [0, 1]},
]
CONFIGS = expand_grid(GRID)


def run(config):
    """A number that depends on the seed, beside a list and a truth value."""
    if config == CONFIGS[3]:
        raise ValueError("no, thanks")
    mse = (config["seed"] + 0.1) ** 2
    return {"test": {"mse": mse, "good": True}, "history": {"loss": [1.0]}, "n": 3}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The rows of a sweep in which one run failed."""
    folder = tmp_path_factory.mktemp("sweep")
    with ThreadPoolExecutor(1) as executor:
        run_sweep(run, CONFIGS, folder, executor, say=len)
    return run_rows(folder, [*CONFIGS, {"model": "never run"}, CONFIGS[0]])


def test_a_row_is_a_run(rows):
    assert len(rows) == 6
    assert [row["config.seed"] for row in rows] == [0, 1, 2, 3, 0, 1]
    first = {k: v for k, v in rows[0].items() if k not in ("key", "seconds")}
    assert first == {
        "status": "finished",
        "error": None,
        "config.model.name": "a",
        "config.model.lags": "[1, 2]",
        "config.seed": 0,
        "result.test.mse": 0.1**2,
        "result.test.good": True,
        "result.n": 3,
        "attempt": 1,
    }
    assert rows[3]["status"] == "failed"
    assert rows[3]["error"] == "ValueError: no, thanks"
    assert "result.n" not in rows[3]


def test_the_summary_is_over_the_seeds(rows):
    a, b = summarize(rows)
    assert (a["config.model.name"], a["n"], a["failed"]) == ("a", 3, 1)
    assert (b["config.model.name"], b["n"], b["failed"]) == ("b", 2, 0)
    assert "config.seed" not in a and "result.test.good.median" not in a
    values = (np.arange(3) + 0.1) ** 2
    for part, share in (("q25", 25), ("median", 50), ("q75", 75)):
        expected = np.percentile(values, share)
        assert a[f"result.test.mse.{part}"] == pytest.approx(expected)
    assert a["result.n.median"] == 3
    assert a["seconds.median"] >= 0


def test_groups_tell_one_from_true():
    rows = [{"status": "finished", "config.x": x} for x in (1, True, 1.0, "1")]
    assert len(summarize(rows)) == 4


def test_the_text_shows_what_differs(rows):
    text = summary_text(summarize(rows), {"result.test.mse": "MSE", "result.x": "x"})
    header, _, a, b = text.splitlines()
    assert header.split() == ["model.name", "n", "failed", "MSE", "x"]
    assert a.split() == ["a", "3", "1", "1.2100", "[0.6100,", "2.8100]", "-"]
    assert b.split()[:3] == ["b", "2", "0"]


def test_the_text_of_one_group_names_it(rows):
    text = summary_text(summarize(rows[4:]), {})
    assert text.splitlines()[0].split() == ["model.name", "n", "failed"]
    bare = summarize([{"status": "finished", "result.x": 1}])
    assert summary_text(bare, {}).splitlines()[2].split() == ["all", "1", "0"]


def test_csv_keeps_every_digit(rows, tmp_path):
    _write_csv(tmp_path / "table.csv", rows)
    with open(tmp_path / "table.csv", encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 6
    assert float(found[1]["result.test.mse"]) == rows[1]["result.test.mse"]
    assert found[4]["config.model.lags"] == found[3]["result.n"] == ""
    assert found[3]["error"] == "ValueError: no, thanks"


def test_parquet_has_types(rows, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    odd = [rows[0] | {"config.x": 1, "config.big": 2**80}, rows[1] | {"config.x": "y"}]
    assert _write_parquet(tmp_path / "table.parquet", [*odd, *rows[2:]])
    found = parquet.read_table(tmp_path / "table.parquet")
    assert found.num_rows == 6
    column = found["result.test.mse"].to_pylist()
    assert column == [row.get("result.test.mse") for row in rows]
    assert str(found.schema.field("config.seed").type) == "int64"
    assert str(found.schema.field("result.test.good").type) == "bool"
    assert found["config.x"].to_pylist()[:3] == ["1", "y", None]
    assert found["config.big"].to_pylist()[:2] == [str(2**80), None]


def test_without_pyarrow_there_is_no_parquet(rows, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert not _write_parquet(tmp_path / "table.parquet", rows)
    assert not list(tmp_path.iterdir())
