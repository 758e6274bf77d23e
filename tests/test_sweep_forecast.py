"""Forecasting sweeps: the run, and the command."""

import csv
import hashlib
import json
import os
import re
import runpy
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from experiments.sweep import parse_model
from qlstm import QLSTMConfig
from qlstm.files import sha256_of_json
from qlstm.forecasting import (
    FORECASTERS,
    SINE_PROTOCOLS,
    WEATHER_PROTOCOLS,
    Fitted,
    Forecaster,
    Quantum,
    forecast_with,
    load_csv,
    noisy_sine,
    prepare,
)
from qlstm.sweeps import forecasts
from qlstm.sweeps.files import RunFolder, run_key
from qlstm.sweeps.forecasts import (
    complete_config,
    load_dataset,
    run_forecast,
    try_forecasts,
)

ROOT = Path(__file__).resolve().parents[1]
SMALL = {"name": "quantum", "n_system": 1, "n_ancilla": 1, "n_layers": 1}
SPEC = "quantum:RX:collapse:n_system=1:n_ancilla=1:n_layers=1"


def sine(model, seed=0, epochs=2, protocol="figure"):
    """A whole configuration on the sine."""
    dataset = {"name": "sine", "protocol": protocol}
    return complete_config({"dataset": dataset, "model": model, "seed": seed}, epochs)


@pytest.fixture
def days(tmp_path):
    """A CSV file of 120 days."""
    first = np.datetime64("2024-05-10")
    lines = [f"{first + k},{10 + 12 * np.sin(k / 9):.1f}" for k in range(120)]
    path = tmp_path / "days.csv"
    path.write_text("\n".join(["date,tavg", *lines]) + "\n", encoding="utf-8")
    return path


MADE = []
"""What `Noisy` was fitted to: options, the first draw, validation data."""


@dataclass(frozen=True)
class Noisy(Forecaster):
    """A forecaster with an option and epochs, that repeats the last value."""

    units: int = 1
    epochs: int = 150

    def _fit(self, examples, rng, validation):
        MADE.append((self.get_params(), float(rng.normal()), validation))
        return FittedNoisy(examples.layout, 3)


class FittedNoisy(Fitted):
    def _predict(self, inputs):
        return inputs[:, -1]


def test_a_run_is_that_of_the_sine_experiment():
    config = sine(SMALL | {"rotation": "RY", "memory": "sampled"}, seed=3)
    result = run_forecast(config)
    protocol, rng = SINE_PROTOCOLS["figure"], np.random.default_rng(3)
    values = noisy_sine(protocol, rng)
    model = QLSTMConfig(1, 1, 1, 1, "RY", "sampled")
    dataset = prepare(values, protocol, rng)
    expected = forecast_with("", Quantum(model, epochs=2), dataset, seed=3)
    assert result["test"] == expected.test._asdict()
    assert result["train"] == expected.train._asdict()
    assert result["skill"] == expected.skill
    assert result["test_predictions"] == expected.test_predictions.tolist()
    assert result["history"] == {"loss": expected.history["loss"]}
    assert result["n_params"] == model.n_params
    assert result["series_sha256"] == hashlib.sha256(values.tobytes()).hexdigest()
    persistence = result["persistence"]["mse"]
    assert result["skill"] == pytest.approx(1 - result["test"]["mse"] / persistence)


def test_models_of_one_seed_see_one_series():
    models = [SMALL, SMALL | {"rotation": "RY"}, {"name": "persistence"}]
    runs = [[run_forecast(sine(m, seed)) for m in models] for seed in (0, 1)]
    series = [{run["series_sha256"] for run in group} for group in runs]
    assert [len(group) for group in series] == [1, 1]
    assert series[0] != series[1]
    assert len({run["persistence"]["mse"] for run in runs[0]}) == 1
    assert runs[0][2]["skill"] == 0


def test_other_models_come_from_the_registry(monkeypatch):
    monkeypatch.setitem(FORECASTERS, "noisy", Noisy)
    config = sine({"name": "noisy", "units": 3}, seed=5, epochs=7, protocol="strict")
    assert config["model"] == {"name": "noisy", "units": 3, "epochs": 7}
    result = run_forecast(config)
    options, draw, validation = MADE[-1]
    assert options == {"units": 3, "epochs": 7}
    assert result["n_params"] == 3 and result["history"] == {}
    assert len(validation.targets) == 10
    noise = np.random.default_rng(5).normal(0, 0.1, 100)
    assert not np.isclose(noise / 0.1, draw).any()
    assert "epochs" not in sine({"name": "persistence"})["model"]


def test_a_quantum_model_takes_every_option_of_its_forecaster():
    plain = sine(SMALL)
    given = {"learning_rate": 0.05, "schedule": "cosine", "frozen": ["entangler"]}
    config = sine(SMALL | given)
    assert config["model"] == plain["model"] | given
    assert run_key(config) != run_key(plain)
    result = run_forecast(config)
    protocol, rng = SINE_PROTOCOLS["figure"], np.random.default_rng(0)
    dataset = prepare(noisy_sine(protocol, rng), protocol, rng)
    forecaster = Quantum(QLSTMConfig(1, 1, 1, 1), epochs=2, **given)
    expected = forecast_with("", forecaster, dataset, seed=0)
    assert result["test_predictions"] == expected.test_predictions.tolist()
    assert (result["n_params"], run_forecast(plain)["n_params"]) == (6, 8)
    for name, value in (("learning_rate", -1), ("schedule", "x"), ("clip_norm", 0)):
        with pytest.raises(ValueError, match=f"`{name}` must be"):
            sine(SMALL | {name: value})


def test_the_key_of_a_configuration_is_that_of_version_0_1_0():
    """Options that were not given do not enter it, nor those that came later."""
    key = "73b0b929b7c35a1969e60efcc9705786d0f45ac199e4b0df4a8ce4abe069ab6a"
    assert run_key(sine(SMALL | {"rotation": "RY"}, seed=1)) == key


def test_a_whole_configuration_stays_as_it_is(days):
    for dataset in ({"name": "sine"}, {"name": "csv", "path": str(days)}):
        config = complete_config({"dataset": dataset, "model": SMALL, "seed": 1})
        assert complete_config(config, 99) == config
        assert config["model"]["epochs"] == {"sine": 150, "csv": 100}[dataset["name"]]
        assert json.loads(json.dumps(config)) == config


def test_a_csv_dataset_is_its_content(days, monkeypatch):
    monkeypatch.chdir(days.parent)
    dataset = {"name": "csv", "path": "days.csv", "protocol": "strict"}
    config = complete_config({"dataset": dataset, "model": SMALL, "seed": 2}, 1)
    assert config["dataset"]["path"] == str(days)
    digest = hashlib.sha256(days.read_bytes()).hexdigest()
    assert config["dataset"]["sha256"] == digest
    result = run_forecast(config)
    protocol, rng = WEATHER_PROTOCOLS["strict"], np.random.default_rng(2)
    series = prepare(load_csv(days).values, protocol, rng)
    model = QLSTMConfig(1, 1, 1, 1)
    expected = forecast_with("", Quantum(model, epochs=1), series, seed=2)
    assert result["test"] == expected.test._asdict()
    assert "val_loss" in result["history"]

    days.write_text(days.read_text().replace("10.0", "10.1", 1), encoding="utf-8")
    with pytest.raises(ValueError, match="days.csv must be the one that the sweep"):
        run_forecast(config)
    changed = complete_config({"dataset": dataset, "model": SMALL, "seed": 2}, 1)
    assert run_key(changed) != run_key(config)


def test_a_csv_dataset_says_how_its_file_is_written(days, tmp_path):
    """What is not given does not enter the key."""
    plain = {"name": "csv", "path": str(days), "protocol": "strict"}
    config = {"model": SMALL, "seed": 2}
    known = complete_config(config | {"dataset": plain}, 1)
    names = ("name", "path", "protocol", "sha256", "column", "date_column")
    assert set(known["dataset"]) == set(names)
    unset = dict.fromkeys(("missing", "separator", "decimal")) | {"missing": []}
    assert complete_config(config | {"dataset": plain | unset}, 1) == known

    text = days.read_text().replace(",", ";").replace(".", ",").split("\n")
    text[60] = text[60].split(";")[0] + ";-999"
    marked = tmp_path / "marked.csv"
    marked.write_text("\n".join(text), encoding="utf-8")
    given = {"missing": ["-999"], "separator": ";", "decimal": ","}
    dataset = plain | {"path": str(marked)} | given
    whole = complete_config(config | {"dataset": dataset}, 1)
    assert {name: whole["dataset"][name] for name in given} == given
    assert complete_config(whole) == whole
    values = load_dataset(whole["dataset"], 2).values
    expected = load_csv(days).values
    expected[59] = np.nan
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"model": None}, TypeError, "model must be a dict, but is None"),
        ({"model": {}}, TypeError, "model's name must be a string"),
        ({"model": SMALL | {"n_layers": 0}}, ValueError, "`n_layers` must be at least"),
        ({"model": SMALL | {"wires": 1}}, ValueError, "Options of 'quantum'.*'wires'"),
        ({"model": SMALL | {"epochs": 0}}, ValueError, "`epochs` must be at least 1"),
        ({"model": SMALL | {"loss": "all"}}, ValueError, "n_features 1 and the loss"),
        ({"dataset": {}}, ValueError, "`dataset.name` must be one of sine, csv"),
        ({"dataset": {"name": "sine", "path": "x"}}, ValueError, "name, protocol"),
        ({"dataset": {"name": "csv"}}, ValueError, "must have a path"),
        ({"dataset": {"name": "csv", "path": "no"}}, OSError, "does not exist"),
        (
            {"dataset": {"name": "sine", "protocol": "x"}},
            ValueError,
            "protocol.*strict",
        ),
        ({"seed": -1}, ValueError, "seed must be a non-negative integer, but is -1"),
        ({"seed": True}, ValueError, "seed must be a non-negative integer"),
        ({"seeds": 3}, ValueError, "must have dataset, model and seed"),
    ],
)
def test_bad_configurations(change, error, message):
    config = {"dataset": {"name": "sine"}, "model": SMALL, "seed": 0} | change
    with pytest.raises(error, match=message):
        complete_config(config)
    with pytest.raises(TypeError, match="must be a dict, but is 3"):
        complete_config(3)


def test_models_on_the_command_line():
    assert parse_model("quantum:RX:collapse") == {
        "name": "quantum",
        "rotation": "RX",
        "memory": "collapse",
    }
    assert parse_model(" quantum:RY:n_layers=3:disentangler=inverse") == {
        "name": "quantum",
        "rotation": "RY",
        "n_layers": 3,
        "disentangler": "inverse",
    }
    assert parse_model("lstm:rate=0.1:bias=false") == {
        "name": "lstm",
        "rate": 0.1,
        "bias": False,
    }


def run_here(monkeypatch, *options):
    """The command in this process."""
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.setattr("sys.argv", ["sweep", *map(str, options)])
    monkeypatch.delitem(sys.modules, "experiments.sweep", raising=False)
    runpy.run_module("experiments.sweep", run_name="__main__")


def run(*options):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "experiments.sweep", *map(str, options)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )


def test_a_sweep_prints_its_summary(tmp_path, monkeypatch, capsys):
    specs = f"{SPEC},{SPEC.replace('RX', 'RY')}"
    options = ["--models", specs, "--epochs", 1, "--workers", 1, "--out", tmp_path]
    options += ["--protocol", "figure,strict"]
    process = run(*options, "--seeds", 2)
    assert (process.returncode, process.stderr) == (0, "")
    lines = process.stdout.splitlines()
    assert lines[0] == f"8 runs in {tmp_path}"
    assert lines[1] == "8 finished, 0 failed, 0 skipped (finished before)."
    columns = ["dataset.protocol", "model.rotation", "n", "failed", "test", "MSE"]
    assert lines[3].split()[:6] == columns and "persistence" in lines[3]
    assert [line.split()[:3] for line in lines[5:9]] == [
        [protocol, rotation, "2"]
        for rotation in ("RX", "RY")
        for protocol in ("figure", "strict")
    ]
    assert (tmp_path / "summary.txt").read_text() == "\n".join(lines[3:9]) + "\n"
    with open(tmp_path / "table.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert {row["key"] for row in rows} == {p.stem for p in tmp_path.glob("runs/*")}
    assert [row["config.seed"] for row in rows] == ["0", "1"] * 4
    with open(tmp_path / "summary.csv", encoding="utf-8", newline="") as file:
        summary = list(csv.DictReader(file))
    shown = [line.split()[4] for line in lines[5:9]]
    assert shown == [f"{float(s['result.test.mse.median']):.4f}" for s in summary]

    run_here(monkeypatch, *options, "--seeds", 1, "--first-seed", 1)
    assert "0 finished, 0 failed, 4 skipped" in capsys.readouterr().out


def test_a_grid_from_a_file(tmp_path, monkeypatch, capsys, days):
    grid = [
        {"model": SMALL | {"rotation": ["RX", "RY"], "epochs": 1}},
        {
            "model": SMALL | {"epochs": 1},
            "dataset": {"name": "csv", "path": str(days)},
            "seed": [7, 8, 9],
        },
    ]
    path = tmp_path / "grid.json"
    path.write_text(json.dumps(grid))
    out = tmp_path / "out"
    options = ["--configs", path, "--seeds", 2, "--workers", 1, "--out", out]
    run_here(monkeypatch, *options)
    assert capsys.readouterr().out.startswith(f"7 runs in {out}\n7 finished")
    records = [json.loads(p.read_text()) for p in (out / "runs").iterdir()]
    seeds = sorted(
        (r["config"]["dataset"]["name"], r["config"]["seed"]) for r in records
    )
    assert (
        seeds
        == [*(("csv", s) for s in (7, 8, 9)), *[("sine", 0)] * 2] + [("sine", 1)] * 2
    )


def test_failed_runs_give_status_one(tmp_path, monkeypatch, capsys):
    """What fails in a worker, although it did not at the start."""
    monkeypatch.setattr("qlstm.sweeps.try_forecasts", lambda configs: None)
    models = f"{SPEC},quantum:n_system=36"
    options = ["--models", models, "--seeds", 1, "--epochs", 1, "--workers", 1]
    with pytest.raises(SystemExit) as status:
        run_here(monkeypatch, *options, "--out", tmp_path)
    assert status.value.code == 1
    out, err = capsys.readouterr()
    assert "1 finished, 1 failed" in out
    assert re.fullmatch(r"Run \w{64} failed: .*(Memory|Value)Error: .*\n", err)
    header, _, good, bad = out.splitlines()[3:7]
    columns = ["model.n_ancilla", "model.n_layers", "model.n_system", "n", "failed"]
    assert header.split()[:5] == columns
    assert good.split()[:5] == ["1", "1", "1", "1", "0"]
    assert bad.split() == ["2", "2", "36", "0", "1", "-", "-", "-", "-"]
    assert len(list((tmp_path / "failed").glob("*.txt"))) == 1


@pytest.mark.parametrize(
    "options, message",
    [
        ("--models quantum:RZ", "`rotation` must be one of RX, RY"),
        ("--models quantum:RX:brain", "`memory` must be one of"),
        ("--models quantum:RX:collapse:2", "must be like quantum:RX:collapse"),
        ("--models quantum --configs x.json", "do not go together"),
        ("--configs none.json", "No such file"),
        ("--datasets moon", "must be some of sine, csv, but has 'moon'"),
        ("--datasets csv", "--datasets csv and --csv must be given together"),
        ("--csv a.csv", "--datasets csv and --csv must be given together"),
        ("--column t", "go with --csv"),
        ("--missing -9", "Option --missing goes with --csv"),
        ("--separator ;", "Option --separator goes with --csv"),
        ("--datasets csv --csv none.csv", "none.csv does not exist"),
        ("--protocol moon", "`dataset.protocol` must be one of figure, text"),
        ("--seeds 0", "argument --seeds: must be a positive integer"),
        ("--first-seed -1", "argument --first-seed: must be a non-negative"),
        ("--epochs 0", "argument --epochs: must be a positive integer"),
        ("--workers 0", "argument --workers: must be a positive integer"),
        ("--retries -1", "argument --retries: must be a non-negative integer"),
        ("--workers 2 --scheduler tcp://127.0.0.1:9", "do not go together"),
    ],
)
def test_wrong_options_are_one_line(options, message, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as status:
        run_here(monkeypatch, *options.split(), "--out", out)
    assert status.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert re.search(message, error), error
    assert not out.exists()


@pytest.mark.parametrize(
    "content, message",
    [
        ("{", "must be a grid in JSON"),
        ("[1]", "must hold dicts with a model, but holds 1"),
        ('{"model": []}', "must be a grid in JSON: A list in a grid"),
        ('[{"seed": 1}]', "must have dataset, model and seed, but has"),
    ],
)
def test_a_bad_file_of_configurations(content, message, tmp_path, monkeypatch, capsys):
    path = tmp_path / "grid.json"
    path.write_text(content)
    with pytest.raises(SystemExit) as status:
        run_here(monkeypatch, "--configs", path, "--out", tmp_path / "out")
    assert status.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and message in error


def test_a_folder_in_use_gives_status_two(tmp_path, monkeypatch, capsys):
    options = ["--models", SPEC, "--seeds", 1, "--epochs", 1, "--out", tmp_path]
    with RunFolder(tmp_path).locked(), pytest.raises(SystemExit) as status:
        run_here(monkeypatch, *options)
    assert status.value.code == 2
    assert "must be used by one sweep at a time" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")
def test_a_terminal_shows_a_bar(tmp_path):
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "experiments.sweep", "--models", SPEC]
    command += ["--seeds", "6", "--epochs", "5", "--workers", "1", "--out", tmp_path]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=slave
    ) as process:
        os.close(slave)
        shown, deadline = b"", time.monotonic() + 600
        while time.monotonic() < deadline:
            if not select.select([master], [], [], 1.0)[0]:
                continue
            try:
                data = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            shown += data
        assert process.wait(timeout=600) == 0
    os.close(master)
    text = shown.decode()
    assert re.search(r"\[#+-+\] \d done, 0 failed, \d to do  \d+ s left", text)
    assert text.endswith("\r\x1b[K")


@pytest.mark.parametrize(
    "model, message",
    [
        ({"name": "quantum", "n_outputs": 2}, "`targets` must have shape"),
        ({"name": "ar", "p": 20}, "`p` must be at most the 10 steps of a window"),
        ({"name": "reservoir", "readout_steps": 11}, "`readout_steps` must be at"),
        ({"name": "lstm", "match_params": 3}, "`match_params` must be at least 14"),
        ({"name": "quantum", "n_ancilla": 30}, "needs about .* GB"),
        ({"name": "quantum", "gradient": "parameter-shift", "memory": "x"}, "memory"),
    ],
)
def test_a_model_that_cannot_run_fails_at_the_start(model, message):
    with pytest.raises((ValueError, MemoryError), match=message):
        try_forecasts([sine(SMALL, seed=0), sine(model, seed=1)])


def test_models_that_can_run_are_tried_once_and_leave_nothing(monkeypatch):
    calls = []
    original = forecasts._try_forecast
    monkeypatch.setattr(
        forecasts, "_try_forecast", lambda c: calls.append(c["seed"]) or original(c)
    )
    models = [SMALL, {"name": "ar"}, {"name": "rnn"}, {"name": "persistence"}]
    try_forecasts([sine(model, seed=seed) for model in models for seed in (0, 1, 2)])
    assert calls == [0, 0, 0, 0]


def test_a_sweep_knows_its_runs_when_the_file_has_moved(days, tmp_path):
    def config(path):
        dataset = {"name": "csv", "path": str(path)}
        return complete_config({"dataset": dataset, "model": SMALL, "seed": 0}, 1)

    first = config(days)
    moved = days.rename(tmp_path / "elsewhere.csv")
    second = config(moved)
    assert first["dataset"]["path"] != second["dataset"]["path"]
    assert run_key(first) == run_key(second)
    files = RunFolder(tmp_path / "sweep")
    old = sha256_of_json({"format_version": 1, "config": first})  # as 0.1.0 named it
    assert old != run_key(first)
    files.save_run(old, {"config": first, "attempt": 1, "result": {}})
    assert files.load_finished(first)["key"] == old
    assert files.load_finished(second) is None  # an old run knows its path only
    files.save_run(run_key(first), {"config": first, "attempt": 2, "result": {}})
    assert files.load_finished(second)["attempt"] == 2


def test_a_stuck_sensor_does_not_lose_the_run(days):
    lines = days.read_text(encoding="utf-8").splitlines()
    stuck = [line if k < 70 else f"{line[:10]},3.0" for k, line in enumerate(lines)]
    days.write_text("\n".join(stuck) + "\n", encoding="utf-8")
    dataset = {"name": "csv", "path": str(days), "protocol": "strict"}
    config = {"dataset": dataset, "model": {"name": "ar"}, "seed": 0}
    found = run_forecast(complete_config(config))
    assert found["skill"] is None and found["persistence"]["mse"] == 0
    assert found["test"]["mse"] > 0
    json.dumps(found, allow_nan=False)
