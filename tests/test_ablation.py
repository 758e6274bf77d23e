"""The ablation as people run it: table, JSON, going on, rows that cannot be."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_benchmark_models import cells_of, run_here

from experiments.ablation import make_entries
from experiments.comparison.runs import Entry, Setting, do_runs, make_parser
from qlstm import MEMORIES
from qlstm.forecasting import SINE_PROTOCOLS, make_forecaster, paired_wilcoxon


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """What a quick run prints, its folder and its JSON file."""
    out, patch = tmp_path_factory.mktemp("ablation"), pytest.MonkeyPatch()
    lines = []
    with patch.context() as monkeypatch:
        monkeypatch.setattr("builtins.print", lambda *a, **k: lines.append(str(a[0])))
        run_here(monkeypatch, "ablation", "--quick", "--out", out)
    content = json.loads((out / "ablation.json").read_text())
    return "\n".join(lines), out, content


def test_every_number_of_the_table_is_in_the_json(done):
    text, _, content = done
    for row in content["rows"]:
        expected = [str(row["n_params"])]
        for values in (row["skill"], row["difference"]):
            shown = [f"{values[name]:+.3f}" for name in ("median", "q1", "q3")]
            expected += [shown[0], f"{shown[1]},", shown[2]]
        p = [row["p"], row["p_holm"]]
        expected += ["-" if value is None else f"{value:.2g}" for value in p]
        expected += [f"{row['copies']:.0%}", f"{row['seconds']['median']:.2f}"]
        assert cells_of(text, row["label"]) == expected
    assert content["text"] in text


def test_differences_are_from_the_full_model_of_the_same_seed(done):
    rows = {row["label"]: row for row in done[2]["rows"]}
    full = rows["full"]["skills"]
    for label, row in rows.items():
        assert row["differences"] == np.subtract(row["skills"], full).tolist()
        if label not in ("full", "AR(10)"):
            assert row["p"] == paired_wilcoxon(row["skills"], full).p_value
            assert row["p"] <= row["p_holm"] <= 1
    assert rows["AR(10)"]["p"] is rows["full"]["p"] is None


def test_each_row_changes_what_it_says(done):
    rows = {row["label"]: row for row in done[2]["rows"]}
    full = rows["full"]["model"]
    for label, row in rows.items():
        changed = {k: v for k, v in row["model"].items() if full.get(k) != v}
        assert len(changed) == (0 if label == "full" else 1) or label == "AR(10)"
    assert [rows[f"{n} layers"]["n_params"] for n in (3, 4)] == [32, 40]
    assert rows["no bias"]["n_params"] == 20
    assert rows["angles frozen at random"]["n_params"] == 8
    memories = {row["model"].get("memory") for row in rows.values()} - {None}
    assert memories == set(MEMORIES)


def test_a_second_start_does_nothing_anew(done, monkeypatch, capsys):
    run_here(monkeypatch, "ablation", "--quick", "--out", done[1])
    assert "0 finished, 0 failed, 28 skipped" in capsys.readouterr().out
    assert json.loads((done[1] / "ablation.json").read_text()) == done[2]


@pytest.fixture
def wave(tmp_path):
    """A CSV file; without a bias, its smallest value, scaled to 0, has no amplitudes."""
    days = np.datetime64("2024-01-01") + np.arange(40)
    lines = [f"{d},{10 * np.sin(k):.2f}" for k, d in enumerate(days)]
    path = tmp_path / "wave.csv"
    path.write_text("\n".join(["date,temp", *lines]))
    return path


def test_a_row_that_cannot_be_is_left_out_and_named(
    wave, tmp_path, monkeypatch, capsys
):
    options = ["--csv", wave, "--out", tmp_path, "--seeds", 1, "--epochs", 1]
    run_here(monkeypatch, "ablation", *options)
    text = capsys.readouterr().out
    content = json.loads((tmp_path / "ablation.json").read_text())
    assert list(content["failed"]) == ["no bias"]
    assert "Left out, a run failed: no bias: ValueError: " in text
    assert "wave.csv, one series" in text
    assert "of initial parameters only" in text
    assert len(content["rows"]) == 13


def test_without_its_reference_there_is_no_comparison(wave, tmp_path, monkeypatch):
    monkeypatch.setattr("qlstm.commands.sweeps.ProcessWorkers", ThreadPoolExecutor)
    options = ["--csv", wave, "--out", tmp_path, "--seeds", 1, "--workers", 1]
    args = make_parser("ablation", "").parse_args(list(map(str, options)))
    model = {"name": "quantum", "bias": False, "epochs": 1}
    entries = [
        Entry("mean", "baseline", {"name": "mean"}),
        Entry("bare", "quantum", model),
    ]
    setting = Setting.asked_for(args)
    outcome = do_runs(args, setting, entries, ["mean"])
    assert (list(outcome.entries), list(outcome.failed)) == (["mean"], ["bare"])
    with pytest.raises(ValueError, match="Nothing to compare with: bare failed: Valu"):
        do_runs(args, setting, entries, ["mean", "bare"])


@pytest.mark.parametrize("base", ["paper", "tuned"])
def test_all_entries_can_be_made(base):
    setting = Setting({}, SINE_PROTOCOLS["strict"], range(2), None)
    entries = make_entries(base, setting)
    labels = [entry.label for entry in entries]
    assert len(set(labels)) == len(labels) == 14
    for _, _, model in entries:
        make_forecaster(**model)
    assert entries[0].model["epochs"] == {"paper": 150, "tuned": 300}[base]


def test_an_ablation_where_persistence_is_perfect(tmp_path, monkeypatch, capsys):
    values = [*np.random.default_rng(0).normal(size=50), *[0.5] * 30]
    days = np.datetime64("2024-01-01") + np.arange(80)
    pairs = zip(days, values, strict=True)
    path = tmp_path / "flat.csv"
    path.write_text("\n".join(["date,temp", *(f"{d},{v:.2f}" for d, v in pairs)]))
    options = ["--csv", path, "--out", tmp_path, "--seeds", 1, "--epochs", 1]
    run_here(monkeypatch, "ablation", *options)
    text = capsys.readouterr().out
    assert "skill is undefined and nothing is compared" in text
    rows = json.loads((tmp_path / "ablation.json").read_text())["rows"]
    assert all(row["test_mse"]["median"] > 0 for row in rows)
    assert rows[0]["skill"] == {"median": None, "q1": None, "q3": None}
    assert rows[0]["differences"] == [None]
    full = next(line for line in text.splitlines() if line.startswith("full"))
    assert full.split()[2:5] == [f"{rows[0]['test_mse']['median']:.4f}", "-", "-"]
    assert (tmp_path / "ablation.png").is_file()
