"""The comparison of all models as people run it: table, JSON, going on, errors."""

import contextlib
import io
import json
import re
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from drawing import draw_fast
from scipy import stats

from experiments.benchmark_models.report import NOISE_FLOOR, REFERENCES, Row, verdict
from experiments.comparison.report import compare, equivalence_text
from experiments.comparison.runs import run_model
from qlstm.forecasting import SINE_PROTOCOLS, paired_wilcoxon
from qlstm.sweeps.forecasts import run_forecast

NAME = "benchmark_models"


def run_here(monkeypatch, module, *options, workers=("--workers", "1")):
    """The command in this process, its runs in a thread: no process to wait for."""
    monkeypatch.setattr("qlstm.commands.sweeps.ProcessWorkers", ThreadPoolExecutor)
    draw_fast(monkeypatch)
    monkeypatch.setattr("sys.argv", [module, *workers, *map(str, options)])
    monkeypatch.delitem(sys.modules, f"experiments.{module}", raising=False)
    runpy.run_module(f"experiments.{module}", run_name="__main__")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """What a quick run prints, and its folder."""
    out, said, errors = tmp_path_factory.mktemp(NAME), io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(errors),
    ):
        run_here(monkeypatch, NAME, "--quick", "--out", out)
    assert errors.getvalue() == ""  # no progress without a terminal, no warnings
    return said.getvalue(), out


@pytest.fixture(scope="module")
def content(done):
    """The JSON file of that run."""
    return json.loads((done[1] / f"{NAME}.json").read_text())


def cells_of(text, label):
    """The cells of a row of the table."""
    (line,) = [ln for ln in text.splitlines() if re.match(re.escape(label) + r"  ", ln)]
    return line.removeprefix(label).replace("[", "").replace("]", "").split()


def test_every_number_of_the_table_is_in_the_json(done, content):
    for row in content["rows"]:
        test = row["test_mse"]
        p = [row["against"].get(name, {}).get("p_holm") for name in REFERENCES]
        expected = [
            str(row["n_params"]),
            f"{row['train_mse']['median']:.4f}",
            f"{test['median']:.4f}",
            f"{test['q1']:.4f},",
            f"{test['q3']:.4f}",
            f"{row['skill']['median']:+.2f}",
            f"{row['copies']:.0%}",
            *("-" if value is None else f"{value:.2g}" for value in p),
            f"{row['seconds']['median']:.2f}",
        ]
        assert cells_of(done[0], row["label"]) == expected
    assert content["text"] in done[0]


def test_medians_and_tests_are_those_of_the_values(content):
    rows = {row["label"]: row for row in content["rows"]}
    base = rows["AR(10)"]["values"]["test_mse"]
    assert content["seeds"] == [0, 1]
    for row in rows.values():
        values = row["values"]["test_mse"]
        assert len(values) == 2
        assert row["test_mse"]["median"] == np.median(values)
        if row["label"] != "AR(10)":
            found = row["against"]["AR(10)"]
            assert found["p"] == paired_wilcoxon(values, base).p_value
            assert found["difference"] == np.median(np.subtract(values, base))


def test_networks_have_both_budgets_and_sizes_are_as_named(content):
    rows = {row["label"]: row for row in content["rows"]}
    assert len(rows) == 31
    assert rows["LSTM matched"]["n_params"] <= 24
    assert rows["RY collapse"]["n_params"] == 24
    for name in ("RNN", "LSTM"):
        for size in ("matched", "2 units", "8 units"):
            normal, long = (rows[f"{name} {size}{s}"]["model"] for s in ("", ", long"))
            assert (normal["schedule"], long["schedule"]) == ("constant", "cosine")
    long = {"epochs": 2, "learning_rate": 0.02, "schedule": "cosine", "batch_size": 5}
    for label, row in rows.items():
        if label.endswith("long"):
            assert long.items() <= row["model"].items()


def test_all_models_of_a_seed_see_one_series(done, content):
    found = {}
    for path in (done[1] / "runs").iterdir():
        run = json.loads(path.read_text())
        found.setdefault(run["config"]["seed"], set()).add(
            run["result"]["series_sha256"]
        )
    assert [found[seed] for seed in (0, 1)] == [{s} for s in content["series_sha256"]]
    assert found[0] != found[1]


def test_a_second_start_does_nothing_anew(done, content, monkeypatch, capsys):
    runs = {path: path.stat().st_mtime_ns for path in (done[1] / "runs").iterdir()}
    run_here(monkeypatch, NAME, "--quick", "--out", done[1])
    assert "0 finished, 0 failed, 62 skipped" in capsys.readouterr().out
    assert runs == {p: p.stat().st_mtime_ns for p in (done[1] / "runs").iterdir()}
    assert json.loads((done[1] / f"{NAME}.json").read_text()) == content


@pytest.mark.parametrize("module", [NAME, "ablation"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seeds", "0"], "must be a positive integer"),
        (["--protocol", "none"], "must be one of figure, text, repository, strict"),
        (["--column", "t"], "go with --csv"),
        (["--csv", "missing.csv"], "missing.csv"),
    ],
)
def test_errors_are_one_line(module, options, message, monkeypatch, capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        run_here(monkeypatch, module, *options, "--out", tmp_path)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error


@pytest.mark.filterwarnings("ignore:.*targets cannot be met")
def test_a_run_is_that_of_the_sweep():
    dataset, seed = {"name": "sine", "protocol": "figure"}, 3
    cell = {"name": "quantum", "rotation": "RY", "memory": "mixed", "epochs": 2}
    for model in (cell, {"name": "lstm", "hidden": 2, "epochs": 2}):
        config = {"dataset": dataset, "model": model, "seed": seed}
        found, sweep = run_model(config), run_forecast(config)
        for name in ("test_predictions", "n_params", "skill", "series_sha256"):
            assert found[name] == sweep[name]


def test_a_fixed_row_is_not_tested_against_a_fixed_reference():
    table = {"one": [1.0] * 6, "two": [2.0] * 6, "three": [3.0, 4, 5, 6, 7, 8]}
    found = compare(table, "one")
    assert list(found) == ["three"]
    assert found["three"]["p"] == found["three"]["p_holm"] == 2 / 2**6
    assert list(compare(table, "three")) == ["one", "two"]


def test_the_verdict_follows_from_the_numbers():
    def made(label, kind, difference, p):
        spread = {"median": 1 + difference, "q1": 0.0, "q3": 2.0}
        against = {r: {"difference": difference, "p_holm": p} for r in REFERENCES}
        values = {"test_mse": list(ar * (1 + difference))}
        return Row(
            label, kind, {}, 3, spread, spread, spread, 0.0, spread, against, values
        )

    ar = np.random.default_rng(0).uniform(1, 2, 20)

    rows = [
        made("good", "quantum", -0.5, 0.001),
        made("alike", "quantum", -0.1, 0.2),
        made("bad", "quantum", 0.5, 0.001),
        made("ridge", "baseline", 0.1, 0.2),
        made("AR(10)", "baseline", 0.0, 1.0),
    ]
    text = verdict(rows, 20)
    assert text.startswith("1 of the 3 trained quantum models is shown to forecast")
    assert verdict(rows[1:], 20).startswith("None of the 2 trained quantum models is")
    assert "Below AR(10): good (-0.5000), p = 0.001." in text
    assert "Not shown to differ from AR(10): alike (-0.1000), p = 0.2." in text
    assert "Above AR(10): bad (+0.5000), p = 0.001." in text
    same = "good 0.50 (0.50 to 0.50), p = 1, not shown to be; alike 0.90 (0.90 to 0.90)"
    assert f"ratio with its 90% interval): {same}" in text
    assert "take more seeds" not in text
    assert "take more seeds" in verdict(rows, 5)
    untested = verdict([row._replace(against={}) for row in rows], 1)  # of one seed
    assert untested.startswith("None of the 3 trained quantum models is shown")


def test_equivalence_is_of_ratios_and_within_a_margin():
    rng = np.random.default_rng(0)
    ar = rng.uniform(1, 2, 200)
    table = {
        "AR(10)": list(ar),
        "same": list(ar * np.exp(rng.normal(0, 0.1, 200))),
        "worse": list(ar * 1.2 * np.exp(rng.normal(0, 0.1, 200))),
    }
    text = equivalence_text(table, ["same", "worse"], "AR(10)")
    log_ratio = np.log(table["same"]) - np.log(ar)
    test = stats.ttest_1samp(log_ratio, np.log(1.1), alternative="less")
    other = stats.ttest_1samp(log_ratio, -np.log(1.1), alternative="greater")
    p = max(test.pvalue, other.pvalue)
    assert f"p = {p:.2g}, equivalent; worse 1.2" in text
    assert text.endswith("p = 1, not shown to be.")
    assert equivalence_text(table, [], "AR(10)") == ""
    assert equivalence_text({"AR(10)": [1.0], "same": [1.0]}, ["same"], "AR(10)") == ""
    perfect = {"AR(10)": [0.0, 1.0], "same": [1.0, 1.0]}
    assert equivalence_text(perfect, ["same"], "AR(10)") == ""


def test_noise_floor_is_that_of_the_noise(content):
    assert content["noise_floor"] == pytest.approx(0.01)
    assert set(NOISE_FLOOR) == {p.noise for p in SINE_PROTOCOLS.values()}
