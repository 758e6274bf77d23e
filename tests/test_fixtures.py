"""This version against version 0.1.0: see fixtures/make_fixtures.py.

Old files are read, old runs go on, and the numbers are those of then. A test that fails
here shows a change of the numbers or of the files; new fixtures are no cure.
"""

import csv
import importlib.util
import json
import runpy
import shutil
import subprocess
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from qlstm import (
    QLSTMConfig,
    init_params,
    load_model,
    load_state,
    loss_and_grad,
    loss_gradient,
    predict,
    train,
    train_init,
)
from qlstm.insight import EntanglementMonitor
from qlstm.sweeps import RunFolder

VERSION = "0.1.0"
ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "fixtures" / VERSION
TOLERANCE = 1e-13
"""Absolute, for numbers of order 1: room for sums in another order."""


def read(name):
    """The content of a JSON file of the fixtures."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


MODELS, STATES, CASES = read("models.json"), read("states.json"), read("cases.json")


def run(experiment, *options):
    """An experiment in a process of its own."""
    command = [sys.executable, "-m", f"experiments.{experiment}", *map(str, options)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )


def run_here(experiment, monkeypatch, *options):
    """An experiment in this process, which is faster."""
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.setattr("sys.argv", [experiment, *map(str, options)])
    runpy.run_module(f"experiments.{experiment}", run_name="__main__")


def assert_near(today, then):
    """Compare arrays; the scale is that of the larger numbers, at least 1."""
    assert np.shape(today) == np.shape(then)
    scale = max(1.0, np.abs(then).max(initial=0.0))
    np.testing.assert_allclose(today, then, rtol=0, atol=TOLERANCE * scale)


def assert_same(today, then, ignored=("seconds", "versions")):
    """Compare JSON exactly, but floats to 9 digits, and some keys not at all."""
    assert type(today) is type(then)
    if isinstance(then, dict):
        assert today.keys() == then.keys()
        for key in then.keys() - set(ignored):
            assert_same(today[key], then[key], ignored)
    elif isinstance(then, list):
        assert len(today) == len(then)
        for one, other in zip(today, then, strict=True):
            assert_same(one, other, ignored)
    elif isinstance(then, float):
        assert today == pytest.approx(then, rel=1e-9, abs=1e-12)
    else:
        assert today == then


def assert_configured(config, then):
    """The configuration has every value that was recorded; it may have more."""
    assert {key: getattr(config, key) for key in then} == then


def make_params(config, content):
    """Recorded parameters in the layout of a configuration; others are left out."""
    params = init_params(config, np.random.default_rng(0))
    return params._replace(**{k: np.array(content[k]) for k in params._fields})


def test_the_fixtures_are_of_their_version():
    content = read("versions.json")
    assert content["versions"]["qlstm"] == VERSION
    assert content["made_by"] == "tests/fixtures/make_fixtures.py"


def test_numpy_draws_what_it_drew():
    """If this fails, then NumPy has changed, and others fail for that reason."""
    rng = np.random.default_rng(0)
    draws = {
        "random": rng.random(3),
        "normal": rng.normal(size=3),
        "integers": rng.integers(2**63, size=3),
        "permutation": rng.permutation(12),
        "spawned": rng.spawn(1)[0].random(3),
    }
    assert {k: v.tolist() for k, v in draws.items()} == read("versions.json")["draws"]


def test_models_of_every_readout_and_encoding_are_there():
    kinds = {(m["config"]["readout"], m["config"]["encoding"]) for m in MODELS.values()}
    assert kinds == set(product(("expectation", "affine"), ("amplitude", "angle")))
    assert {path.stem for path in (FOLDER / "models").iterdir()} == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_an_old_model_predicts_the_same(name):
    params, config = load_model(FOLDER / "models" / f"{name}.npz")
    then = MODELS[name]
    assert_configured(config, then["config"])
    y = predict(params, then["inputs"], config, all_steps=True)
    assert_near(y, np.array(then["predictions"]))


def train_to_the_end(name, state, config):
    """Train on the recorded data with the recorded options."""
    data = STATES["data"]
    validation = data["validation"] if name == "validation" else None
    options = dict(STATES["runs"][name]["options"])
    if options.pop("monitor", None) == "entanglement":
        options["monitor"] = EntanglementMonitor(data["inputs"], config)
    return train(
        state,
        data["inputs"],
        data["targets"],
        config,
        validation=validation,
        **options,
    )


def assert_same_end(state, then):
    """Compare the state at the end of a run with the recorded one."""
    for part in ("params", "best_params"):
        params = getattr(state, part)._asdict()
        assert params.keys() == then[part].keys()
        for key, value in then[part].items():
            assert_near(params[key], np.array(value))
    assert (state.epoch, state.best_epoch) == (then["epoch"], then["best_epoch"])
    assert_near(state.best_loss, then["best_loss"])
    later = {"K_step"} if "K_en" in then["history"] else set()  # monitored since 0.2.0
    assert set(state.history) == {*then["history"], "seconds"} | later
    for key, values in then["history"].items():
        assert_near(np.array(state.history[key]), np.array(values))
    assert state.outcomes.tolist() == then["outcomes"]


@pytest.mark.parametrize("name", STATES["runs"])
def test_an_old_run_goes_on_as_it_did(name):
    state, config = load_state(FOLDER / "states" / f"{name}.npz")
    then = STATES["runs"][name]
    assert_configured(config, then["config"])
    assert state.epoch == len(state.history["seconds"]) == STATES["saved"]
    assert_same_end(train_to_the_end(name, state, config), then["end"])


@pytest.mark.parametrize("name", STATES["runs"])
def test_an_old_run_is_repeated(name):
    then = STATES["runs"][name]
    config = QLSTMConfig(**then["config"])
    rng = np.random.default_rng(then["seed"])
    state = train_init(make_params(config, then["start"]), rng)
    assert_same_end(train_to_the_end(name, state, config), then["end"])


def sweep(out):
    """The command of the sweep, without the model that cannot run."""
    grid = read("sweep.json")
    assert grid.pop()["model"] == {"name": "ar", "p": 20}
    path = out.with_name("grid.json")
    path.write_text(json.dumps(grid), encoding="utf-8")
    return run("sweep", "--configs", path, "--seeds", 2, "--workers", 1, "--out", out)


def table(folder):
    """The rows of a sweep's table that finished."""
    with open(folder / "table.csv", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["status"] == "finished"]


def without_empty(row):
    """A row without the columns that only failed runs fill."""
    return {name: value for name, value in row.items() if value}


def test_an_old_sweep_has_nothing_left_to_do(tmp_path):
    then, out = FOLDER / "sweep", tmp_path / "sweep"
    shutil.copytree(then, out)
    process = sweep(out)
    assert (process.stderr, process.returncode) == ("", 0)
    lines = process.stdout.splitlines()
    assert lines[0] == f"7 runs in {out}"
    assert lines[1] == "0 finished, 0 failed, 7 skipped (finished before)."
    for name in ("runs", "failed"):
        names = {path.name for path in (then / name).iterdir()}
        assert {path.name for path in (out / name).iterdir()} == names
    for path in (then / "runs").iterdir():
        assert (out / "runs" / path.name).read_bytes() == path.read_bytes()
    old, new = table(then), table(out)
    assert list(map(without_empty, new)) == list(map(without_empty, old))


def test_a_run_that_failed_then_is_refused_at_the_start(tmp_path):
    (path,) = (FOLDER / "sweep" / "failed").glob("*.json")
    then = json.loads(path.read_text(encoding="utf-8"))
    assert RunFolder(FOLDER / "sweep").load(then["config"])["error"] == then["error"]
    process = run("sweep", "--models", "ar:p=20", "--out", tmp_path / "new")
    assert process.returncode == 2
    assert process.stderr.startswith("error: Argument `p` must be at most the 10 steps")
    assert process.stderr.endswith('This is model {"name":"ar","p":20}.\n')
    assert not list(tmp_path.iterdir())


FORECASTS = ("train", "test", "test_mse_scaled", "test_predictions", "skill")
"""What a trained model that draws says of a series: 0.2.0 draws as `Quantum` did, from
another generator than the sweeps of 0.1.0. Its training is the same."""


def test_every_run_of_an_old_sweep_is_repeated(tmp_path):
    process = sweep(tmp_path / "sweep")
    assert "7 finished, 0 failed, 0 skipped" in process.stdout, process.stderr
    digest = ("seconds", "versions", "warnings", "sha256")
    drawn, paths = 0, sorted((FOLDER / "sweep" / "runs").glob("*.json"))
    assert len(paths) == 7
    for path in paths:
        today, then = (
            json.loads(file.read_text(encoding="utf-8"))
            for file in (tmp_path / "sweep" / "runs" / path.name, path)
        )
        sampled = then["config"]["model"].get("memory") == "sampled"
        drawn += sampled
        assert_same(today, then, digest + FORECASTS * sampled)
    assert drawn == 1


def assert_the_same_models(today, then):
    """But for an angle that has no effect: its gradient is rounding, which Adam divides
    by 1e-8, so it moves by some 1e-11 a step, to wherever rounding points."""
    moved = [
        content["models"][1]["params"]["entangler"][0].pop(1)
        for content in (today, then)
    ]
    assert today["models"][1]["name"] == "RX probabilities"
    assert moved[0] == pytest.approx(moved[1], abs=1e-8)
    assert_same(today, then)


def test_the_sine_experiment_writes_the_same_json(tmp_path, monkeypatch):
    run_here("sine", monkeypatch, "--epochs", 5, "--out", tmp_path)
    today = json.loads((tmp_path / "sine.json").read_text(encoding="utf-8"))
    assert_the_same_models(today, read("sine.json"))


def test_the_weather_experiment_writes_the_same_json(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location(
        "make_fixtures", FOLDER.parent / "make_fixtures.py"
    )
    make_fixtures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_fixtures)
    path = tmp_path / "days.csv"
    path.write_text(make_fixtures.days(), encoding="utf-8")
    options = ("--csv", path, "--epochs", 5, "--out", tmp_path)
    run_here("weather", monkeypatch, *options)
    today = json.loads((tmp_path / "weather.json").read_text(encoding="utf-8"))
    assert_the_same_models(today, read("weather.json"))


def case_config(name):
    """The configuration of a case."""
    return QLSTMConfig(**CASES["defaults"] | CASES["cases"][name]["options"])


def case_sizes(name):
    """How many numbers the gradient and the predictions of a case have."""
    config = case_config(name)
    inputs = np.array(CASES["inputs"][str(config.n_features)])
    return config.n_params, inputs.shape[0] * inputs.shape[1] * config.n_outputs


def split_cases():
    """The stored gradient and predictions of each case."""
    ends = np.cumsum([case_sizes(name) for name in CASES["cases"]], axis=0)
    with np.load(FOLDER / "cases.npz") as archive:
        flat = archive["gradients"], archive["predictions"]
    assert [array.size for array in flat] == ends[-1].tolist()
    parts = (np.split(flat[k], ends[:-1, k]) for k in range(2))
    return dict(zip(CASES["cases"], zip(*parts, strict=True), strict=True))


STORED = split_cases()


@pytest.fixture
def case(request):
    """A case: its name, configuration, parameters, inputs and targets."""
    name = request.param
    config = case_config(name)
    params = make_params(config, CASES["parameters"][CASES["cases"][name]["shape"]])
    inputs = np.array(CASES["inputs"][str(config.n_features)])
    targets = np.array(CASES["targets"][str(config.n_outputs)])
    targets = targets if config.loss == "all" else targets[:, -1]
    targets = targets if config.n_outputs > 1 else targets[..., 0]
    return name, config, params, inputs, targets


def draws():
    """What the rule `sampled` draws from."""
    return np.random.default_rng(CASES["draws_seed"])


def test_every_combination_is_there():
    configs = [case_config(name) for name in CASES["cases"]]
    found = {
        (c.memory, c.rotation, c.encoding, c.disentangler, c.readout) for c in configs
    }
    memories = ("collapse", "probabilities", "marginals", "sampled", "mixed", "reset")
    kinds = {("amplitude", "flip"), ("amplitude", "inverse"), ("angle", "flip")}
    readouts = ("expectation", "affine")
    assert found == {
        (memory, rotation, *kind, readout)
        for memory, rotation, kind, readout in product(
            memories, ("RX", "RY"), kinds, readouts
        )
    }
    options = {item for config in configs for item in asdict(config).items()}
    assert options >= {
        ("loss", "all"),
        ("cut", "separate"),
        ("predicts", "change"),
        ("n_outputs", 2),
        ("n_features", 2),
        *(("n_layers", n) for n in (1, 2, 3)),
    }
    registers = {(config.n_system, config.n_ancilla) for config in configs}
    assert registers == {(2, 2), (1, 2), (3, 1), (3, 2)}


def test_no_case_is_near_a_tie():
    shapes = {case["shape"] for case in CASES["cases"].values()}
    assert CASES["margins"].keys() == CASES["parameters"].keys() == shapes
    assert min(CASES["margins"].values()) > 1e-3


@pytest.mark.parametrize("case", CASES["cases"], indirect=True)
def test_loss_and_gradient(case):
    name, config, params, inputs, targets = case
    then = CASES["cases"][name]
    method = then.get("gradient", "reverse")
    loss, grads = loss_and_grad(params, inputs, targets, config, method, draws())
    assert_near(loss, then["loss"])
    assert grads._fields == params._fields
    assert_near(np.concatenate([g.ravel() for g in grads]), STORED[name][0])
    if "evaluations" in then:
        found = loss_gradient(params, inputs, targets, config, method, draws())
        assert found.evaluations == then["evaluations"]


@pytest.mark.parametrize("case", CASES["cases"], indirect=True)
def test_predictions(case):
    name, config, params, inputs, _ = case
    y = predict(params, inputs, config, all_steps=True, rng=draws())
    shape = (5, 4, 2) if config.n_outputs == 2 else (5, 4)
    assert_near(y, STORED[name][1].reshape(shape))
