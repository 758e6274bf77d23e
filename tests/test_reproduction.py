"""The reproduction as people run it: tables, JSON, going on, errors."""

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from test_benchmark_models import run_here

from qlstm import QLSTMConfig
from qlstm.forecasting import (
    SINE_PROTOCOLS,
    Quantum,
    check_copy,
    forecast_baselines,
    forecast_with,
    noisy_sine,
    prepare,
)

MODELS = [
    "RX collapse",
    "RX probabilities",
    "RY collapse",
    "RY probabilities",
    "persistence",
    "AR(10)",
]


def run(*options):
    """The command in this process, its runs in a thread; what it says."""
    said, errors = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(errors),
    ):
        run_here(monkeypatch, "reproduction", *options)
    assert errors.getvalue() == ""
    return said.getvalue()


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """A CSV file of 120 noisy days, one of them missing."""
    first, rng = np.datetime64("2024-05-10"), np.random.default_rng(0)
    values = 10 + 12 * np.sin(np.arange(120) / 9) + rng.normal(0, 2, 120)
    lines = [f"{first + k},{v:.1f}" for k, v in enumerate(values) if k != 20]
    path = tmp_path_factory.mktemp("data") / "days.csv"
    path.write_text("\n".join(["date,tavg", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def quick(days, tmp_path_factory):
    """The quick run: its options, its process and its JSON file."""
    out = tmp_path_factory.mktemp("out")
    options = ["--quick", "--csv", days, "--column", "tavg", "--weather-seeds", 3]
    options += ["--out", out]
    text = run(*options)
    content = json.loads((out / "reproduction.json").read_text(encoding="utf-8"))
    return options, text, content


def test_there_is_a_table_for_each_protocol(quick):
    _, text, content = quick
    names = [f"sine {name}" for name in ("figure", "text", "repository", "strict")]
    names += ["csv figure", "csv strict"]
    assert list(content["readings"]) == names
    assert re.findall(r"^((?:sine|csv) \w+):", text, re.MULTILINE) == names
    for name, reading in content["readings"].items():
        assert list(reading["models"]) == MODELS
        assert name.endswith(reading["protocol"]["name"])
    assert text.count("\nRY probabilities") == 6
    assert "70 finished, 0 failed, 0 skipped " in text
    assert text.count("audit: no training window holds an evaluated target") == 1
    assert text.count("audit: training and scaler share one cut") == 1
    assert text.count("the detector would call half copies here") == 6
    assert text.count("Equivalent to AR(10) within 10%") == 6


@pytest.mark.filterwarnings("ignore:.*targets cannot be met")
def test_the_numbers_are_those_of_one_run(quick):
    content = quick[2]["readings"]["sine figure"]
    protocol, rng = SINE_PROTOCOLS["figure"], np.random.default_rng(1)
    dataset = prepare(noisy_sine(protocol, rng), protocol, rng)
    config = QLSTMConfig(rotation="RY", memory="collapse")
    forecast = forecast_with("", Quantum(config, epochs=2), dataset, seed=1)
    found = content["models"]["RY collapse"]["runs"][1]
    check = check_copy(forecast.test_predictions, dataset.values, dataset.test.index)
    loss = forecast.history["loss"]
    expected = {
        "seed": 1,
        "mse": forecast.test.mse,
        "skill": forecast.skill,
        "copy": int(check.is_copy),
        "half_missed": check.half_missed,
        "r_before": check.correlation[1],
        "r_target": check.correlation[0],
        "first_loss": loss[0],
        "last_loss": loss[1],
        "spikes": float(loss[1] >= 1.2 * loss[0]),
        "switches": forecast.history["branch_switches"][1],
    }
    found.pop("switches_at_spikes", None)
    assert found == pytest.approx(expected)
    names = ("persistence", "AR(10)")
    for name, baseline in zip(names, forecast_baselines(dataset), strict=True):
        run = content["models"][name]["runs"][1]
        assert run["mse"] == pytest.approx(baseline.test.mse)
        assert run["skill"] == pytest.approx(baseline.skill)


def test_summaries_are_medians_and_counts(quick):
    for name, reading in quick[2]["readings"].items():
        seeds = [0, 1] if name.startswith("sine") else [0, 1, 2]
        for model in reading["models"].values():
            runs, summary = model["runs"], model["summary"]
            assert [run["seed"] for run in runs] == seeds
            values = [run["mse"] for run in runs]
            cuts = np.percentile(values, [50, 25, 75])
            assert list(summary["mse"].values()) == pytest.approx(cuts)
            assert summary["n_better"] == sum(run["skill"] > 0 for run in runs)
            assert summary["n_copies"] == sum(run["copy"] for run in runs)
        persistence = reading["models"]["persistence"]["summary"]
        assert persistence["n_copies"] == persistence["n"] == len(seeds)
        assert persistence["r_before"]["median"] == pytest.approx(1)


def test_only_the_model_s_seed_varies_on_a_file(quick):
    for name, reading in quick[2]["readings"].items():
        of_each = [run["mse"] for run in reading["models"]["AR(10)"]["runs"]]
        assert (of_each[0] == of_each[1]) == name.startswith("csv")
        trained = [run["mse"] for run in reading["models"]["RX collapse"]["runs"]]
        assert trained[0] != trained[1]


def test_started_again_it_goes_on(quick):
    options, text, _ = quick
    out = Path(options[-1])
    lost = min((out / "runs").iterdir())
    lost.unlink()
    (out / "reproduction.png").unlink()
    again = run(*options)
    assert "1 finished, 0 failed, 69 skipped " in again
    assert lost.exists() and (out / "reproduction.png").stat().st_size > 10_000
    assert again.splitlines()[2:] == text.splitlines()[2:]


@pytest.mark.parametrize(
    "options, message",
    [
        ("--column t", "Options --column and --date-column go with --csv"),
        ("--csv none.csv", "none.csv does not exist"),
        ("--seeds 0", "argument --seeds: must be a positive integer"),
        ("--seed -1", "argument --seed: must be a non-negative integer"),
        ("--epochs x", "argument --epochs: must be a positive integer"),
        ("--weather-seeds 0", "argument --weather-seeds: must be a positive"),
        ("--workers 0", "argument --workers: must be a positive integer"),
    ],
)
def test_wrong_options_are_one_line(options, message, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as status:
        run_here(monkeypatch, "reproduction", "--quick", *options.split(), "--out", out)
    assert status.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert message in error
    assert not out.exists()


def test_a_column_that_is_not_there(days, tmp_path, monkeypatch, capsys):
    options = ["--quick", "--csv", days, "--column", "wind", "--out", tmp_path / "out"]
    with pytest.raises(SystemExit) as status:
        run_here(monkeypatch, "reproduction", *options)
    assert status.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "wind" in error


def test_a_file_where_a_folder_should_be(tmp_path, monkeypatch, capsys):
    (tmp_path / "out").write_text("taken")
    with pytest.raises(SystemExit) as status:
        run_here(monkeypatch, "reproduction", "--quick", "--out", tmp_path / "out")
    assert status.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
