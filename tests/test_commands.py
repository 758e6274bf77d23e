"""The commands for people with data: train, predict, evaluate, info."""

import json
import re
import shlex

import numpy as np
import pytest

from qlstm import QLSTMConfig, init_params, predict, save_model
from qlstm.commands.main import SUBCOMMANDS, main
from qlstm.forecasting import load_csv, load_forecaster, make_forecaster, walk_forward
from qlstm.insight import stage_powers, stage_unitaries
from qsim.entanglement import schmidt_strength


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a file as people have it: semicolons, decimal commas, two gaps."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    values = 10 + 3 * np.sin(np.arange(200) / 9) + 0.2 * rng.normal(size=200)
    days = np.datetime64("2023-01-01") + np.arange(200)
    rows = [
        f"{day};{value:.2f};{k % 7}".replace(".", ",")
        for k, (day, value) in enumerate(zip(days, values))
    ]
    for k in (50, 51):
        rows[k] = f"{days[k]};;0"
    (tmp_path / "river.csv").write_text("\n".join(["date;level;rain", *rows]))
    return tmp_path


def save_small_model(path, **options):
    """A model of 2 + 2 wires, and what it is."""
    config = QLSTMConfig(**{"rotation": "RY", "n_layers": 1} | options)
    params = init_params(config, np.random.default_rng(2))
    save_model(path, params, config)
    return params, config


SMALL = "--models ar persistence"
TRAINED = f"train --csv river.csv --column level --out river.npz {SMALL}"


def qlstm(text, capsys):
    """Status, output and errors of a command line."""
    status = 0
    try:
        main(shlex.split(text))
    except SystemExit as stop:
        status = stop.code or 0
    found = capsys.readouterr()
    return status, found.out, found.err


def fails(text, capsys, message):
    """The command ends with status 2 and one line."""
    status, _, err = qlstm(text, capsys)
    assert status == 2
    assert re.search(message, err), err
    assert err.startswith("error: ") and len(err.splitlines()) == 1


@pytest.mark.parametrize("module", SUBCOMMANDS[:5])
def test_examples_of_the_help_run(module, folder, capsys):
    name = module.__name__.rsplit(".", 1)[1]
    lines = module.EXAMPLE.strip().splitlines()[1:]
    assert lines[0].strip().startswith(f"qlstm {name} ")
    if name != "train":
        assert qlstm(TRAINED, capsys)[0] == 0
    save_small_model(folder / "model.npz")
    for line in lines:
        words = line.strip().removeprefix("qlstm ")
        quick = " --epochs 1" if words.startswith("train") else ""
        status, out, err = qlstm(words + quick, capsys)
        assert (status, err) == (0, "")
        assert max(map(len, out.splitlines())) <= 80
    status, out, _ = qlstm(f"{name} --help", capsys)
    assert status == 0
    assert module.EXAMPLE.strip() in out  # line by line, as it is to be typed


def test_training_writes_the_best_by_validation(folder, capsys):
    status, out, err = qlstm(TRAINED, capsys)
    assert (status, err) == (0, "")
    assert "2 of them missing, 2023-01-01 to 2023-07-19, step 1 day" in out
    record = json.loads((folder / "river.json").read_text())
    rmse = {name: one["valid_rmse"] for name, one in record["models"].items()}
    assert record["chosen"] == min(rmse, key=rmse.get) == "ar"
    series = load_csv("river.csv", column="level")
    assert record["series"][0]["sha256"] == series.sha256
    trained = load_forecaster("river.npz")
    held = trained.residuals[: trained.n_calibration, 0]
    assert rmse["ar"] == pytest.approx(np.sqrt(np.mean(held**2)), rel=1e-12)
    assert trained.to_dict()["leads"] == record["models"]["ar"]["leads"]


def test_options_reach_the_forecasters(folder, capsys):
    text = TRAINED.replace(
        SMALL,
        "--models quantum:memory=mixed,epochs=1 ar:p=3 --members 2 --layers 1 "
        "--rotation RY --choose quantum:memory=mixed,epochs=1 --window 4 --horizon 2",
    )
    assert qlstm(text, capsys)[0] == 0
    trained = load_forecaster("river.npz")
    config = trained.models[0].members[1].config
    assert (config.memory, config.n_layers, config.rotation) == ("mixed", 1, "RY")
    assert (trained.n_steps, trained.horizon) == (4, 2)
    record = json.loads((folder / "river.json").read_text())
    assert list(record["models"])[1:] == ["ar:p=3", "persistence"]  # always beside


def test_the_sine_needs_no_file(folder, capsys):
    text = f"--sine --seed 3 --out sine.npz {SMALL}"
    assert qlstm(f"train {text}", capsys)[0] == 0
    for name in ("predict", "evaluate"):
        status, out, err = qlstm(f"{name} sine.npz --sine --seed 3", capsys)
        assert (status, err) == (0, "") and "noisy sine, 100 values" in out
    same = json.loads((folder / "sine.json").read_text())["series"][0]["sha256"]
    found = json.loads(qlstm("evaluate sine.npz --sine --seed 3 --json", capsys)[1])
    assert found["series"]["sha256"] == same


def test_further_columns_forecast_beside(folder, capsys):
    assert qlstm(f"{TRAINED} --inputs rain", capsys)[0] == 0
    assert load_forecaster("river.npz").columns == ("rain",)
    status, out, _ = qlstm("predict river.npz --csv river.csv", capsys)
    assert status == 0 and "beside it rain" in out  # columns are known by the file


def test_predict_gives_what_python_gives(folder, capsys):
    qlstm(TRAINED, capsys)
    text = "predict river.npz --csv river.csv --interval 0.8 --json --out week.csv"
    status, out, _ = qlstm(text, capsys)
    series = load_csv("river.csv", column="level")
    found = load_forecaster("river.npz").forecast(series, interval=0.8)
    assert status == 0 and json.loads(out) == found.to_dict()
    rows = [line.split(",") for line in (folder / "week.csv").read_text().splitlines()]
    assert rows[0] == ["ahead", "date", "forecast", "lower", "upper"]
    np.testing.assert_array_equal([float(row[2]) for row in rows[1:]], found.values)
    assert rows[7][1] == "2023-07-26"


def test_figures_and_tables_are_written(folder, capsys):
    outputs = "--figure {0}.pdf --latex {0}.tex"
    assert qlstm(f"{TRAINED} {outputs.format('train')}", capsys)[0] == 0
    for name in ("predict", "evaluate"):
        text = f"{name} river.npz --csv river.csv {outputs.format(name)}"
        status, out, _ = qlstm(text, capsys)
        assert status == 0 and f"Wrote {name}.tex, {name}.pdf." in out
    for name in ("train", "predict", "evaluate"):
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        latex = (folder / f"{name}.tex").read_text()
        assert latex.count(r"\begin{tabular}") == 1 and r"\caption{" in latex


def test_evaluate_compares_on_the_same_origins(folder, capsys):
    qlstm(TRAINED, capsys)
    text = "evaluate river.npz --csv river.csv --against ridge persistence --json"
    status, out, _ = qlstm(text, capsys)
    found = json.loads(out)
    assert status == 0 and found["first_origin"] == 160
    values = load_csv("river.csv", column="level").values
    walk = walk_forward(
        values, make_forecaster("ridge"), n_steps=10, first_origin=160, horizon=7,
        refit_every=None, rng=np.random.default_rng(0),
    )  # fmt: skip
    for row in found["comparisons"][:2]:
        miss = (walk.predictions - walk.targets)[:, row["ahead"] - 1]
        assert row["other"] == pytest.approx(np.sqrt(np.mean(miss**2)), rel=1e-12)
    trained = load_forecaster("river.npz")
    assert found["leads"] == trained.to_dict()["leads"]
    assert found["comparisons"][2]["other"] == pytest.approx(
        np.sqrt(np.mean((values[160:194] - values[159:193]) ** 2)), rel=1e-12
    )


def test_evaluate_tests_a_refitted_model_on_new_values_alone(folder, capsys):
    qlstm(f"{TRAINED} --refit", capsys)
    text = "evaluate river.npz --csv river.csv"
    fails(text, capsys, "must hold 10 known values and 7 after them to be tested")
    path = folder / "river.csv"
    more = "".join(f"\n2023-07-{day};{day},1;0" for day in range(20, 32))
    path.write_text(path.read_text() + more)
    status, out, _ = qlstm(f"{text} --json", capsys)
    assert (status, _) == (0, "")
    assert json.loads(out)["first_origin"] == 200


def test_a_manifest_comes_out_again(folder, capsys):
    qlstm(f"{TRAINED} --models quantum:epochs=2 ar", capsys)
    status, out, _ = qlstm("evaluate --manifest river.json", capsys)
    assert status == 0 and "the same data, results and model, to the bit" in out
    record = json.loads((folder / "river.json").read_text())
    record["models"]["ar"]["leads"][0]["rmse"] += 1e-12
    (folder / "river.json").write_text(json.dumps(record))
    status, out, _ = qlstm("evaluate --manifest river.json", capsys)
    assert status == 1 and "models.ar.leads[0].rmse: was" in out
    text = (folder / "river.csv").read_text()
    (folder / "river.csv").write_text(text.replace("2023-02-20;;", "2023-02-20;1;"))
    status, out, _ = qlstm("evaluate --manifest river.json --json", capsys)
    found = json.loads(out)
    assert status == 1 and not found["same"]
    assert any("series[0].sha256" in line for line in found["differs"])


def test_a_bare_model_is_tested_on_the_second_half(folder, capsys):
    params, config = save_small_model(folder / "model.npz")
    words = "model.npz --csv river.csv --column level --window 10 --scale 5 15"
    status, out, err = qlstm(f"evaluate {words} --against ridge --json", capsys)
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["first_origin"] == 100
    values = load_csv("river.csv", column="level").values
    windows = np.lib.stride_tricks.sliding_window_view(values, 10)[90:-1]
    forecasts = 5 + 10 * predict(params, (windows[..., None] - 5) / 10, config)
    rmse = np.sqrt(np.mean((forecasts - values[100:]) ** 2))
    assert found["leads"][0]["rmse"] == pytest.approx(rmse, rel=1e-12)
    assert found["leads"][0]["coverage"] is None
    status, out, _ = qlstm(f"predict {words} --no-interval --json", capsys)
    assert status == 0 and len(json.loads(out)["values"]) == 1
    assert (
        "does not say what it was trained on" in qlstm(f"evaluate {words}", capsys)[1]
    )


def test_info_knows_every_kind(folder, capsys):
    qlstm(TRAINED, capsys)
    status, out, _ = qlstm("info river.npz", capsys)
    assert status == 0
    assert "trained on level from river.csv" in out and "p=None" in out
    sha256 = load_csv("river.csv", column="level").sha256
    assert sha256 in out
    assert json.loads(qlstm("info river.npz --json", capsys)[1])["n_params"] == 11


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("models/affine_amplitude.npz", "a bare model"),
        ("states/collapse.npz", "a training that has done 3 epochs"),
    ],
)
def test_info_reads_files_of_0_1_0(path, words, request, capsys):
    fixtures = request.path.parent / "fixtures" / "0.1.0"
    status, out, _ = qlstm(f"info {fixtures / path}", capsys)
    assert status == 0 and words in out and "n_ancilla" in out


def powers(text, capsys):
    """The JSON of `qlstm power`, by unitary."""
    status, out, _ = qlstm(f"power {text} --json", capsys)
    assert status == 0
    return {one["unitary"]: one for one in json.loads(out)}


@pytest.mark.parametrize(
    ("gate", "strength", "mean"),
    [("CNOT", 1, 2 / 9), ("CZ", 1, 2 / 9), ("DCNOT", 2, 2 / 9), ("SWAP", 2, 0)],
)
def test_power_of_gates_is_known(gate, strength, mean, capsys):
    one = powers(f"--gate {gate}", capsys)[gate]
    low, high = one["entangling_power"]
    for value in (one["schmidt_strength"], low, high, one["disentangling_power"]):
        assert value == pytest.approx(strength, abs=1e-6)
    assert one["mean_entangling_power"] == pytest.approx(mean, abs=1e-9)


def test_power_of_a_canonical_gate_is_in_multiples_of_a_quarter_pi(capsys):
    one = powers("--weyl 0.5 0 0", capsys)["exp(-i ...)"]
    p = np.cos(np.pi / 8) ** 2
    expected = -p * np.log2(p) - (1 - p) * np.log2(1 - p)
    assert one["schmidt_strength"] == pytest.approx(expected, abs=1e-9)


def test_power_of_a_model_is_that_of_its_stages_and_their_product(folder, capsys):
    params, config = save_small_model(folder / "model.npz")
    found = powers("model.npz", capsys)
    expected = stage_powers(params, config, rng=np.random.default_rng(0))
    for stage in ("en", "dis"):
        one = found[f"U_{stage}"]
        assert one["entangling_power"][0] == pytest.approx(
            expected[f"E_up_{stage}"], abs=1e-6
        )
        assert one["disentangling_power"] == pytest.approx(
            expected[f"E_down_{stage}"], abs=1e-6
        )
    u_en, u_dis = stage_unitaries(params, config)
    assert found["step"]["schmidt_strength"] == pytest.approx(
        schmidt_strength(u_dis @ u_en, (4, 4)), abs=1e-12
    )
    assert found["step"]["dims"] == [4, 4]


def test_power_takes_one_of_a_forecasters_models(folder, capsys):
    qlstm(f"{TRAINED} --models quantum --epochs 1 --members 2 --choose quantum", capsys)
    fails("power river.npz", capsys, "--number must name one of the 2 models of river")
    fails("power river.npz --number 3", capsys, "--number must name one of the 2")
    one = load_forecaster("river.npz").models[0].members[1]
    expected = schmidt_strength(stage_unitaries(one.params, one.config)[0], (4, 4))
    found = powers("river.npz --number 2", capsys)["U_en"]["schmidt_strength"]
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("power", "one of the arguments FILE --gate --weyl is required"),
        ("power river.npz", "must hold a quantum model, but river.npz holds none"),
        ("power model.npz --number 1", "--number goes with a forecaster's file"),
        ("power --gate CNOT --number 1", "--number goes with FILE"),
        ("power --gate TOFFOLI", "invalid choice: 'TOFFOLI'"),
        ("power --weyl inf 0 0", "--weyl must be finite"),
        ("power angle.npz", "must be 'amplitude'"),
        ("power separate.npz", "whose registers meet, but .* cut 'separate'"),
        ("train --out a.npz", "one of the arguments --csv --station .* is required"),
        ("train --sine --inputs x --out a.npz", "--inputs goes with --csv"),
        ("train --sine --start 2020-01-01 --out a.npz", "--start goes with --csv or"),
        ("train --sine --models magic --out a.npz", "--models must be among persist"),
        ("train --sine --models ar ar --out a.npz", "each once, but ar twice"),
        ("train --sine --models ar:p --out a.npz", "options such as ar:p=3"),
        ("train --sine --models ar:q=3 --out a.npz", "--models, ar:q=3: "),
        ("train --sine --models ar --choose b --out a.npz", "--choose must be among"),
        ("train --sine --out a.npz --figure a.txt", "--figure must end with .pdf"),
        ("train --sine --out a.npz --latex a.npz", "two of them name a.npz"),
        ("train --sine --out nowhere.npz --window 0", "positive integer, but is '0'"),
        ("train --csv river.csv --column snow --out a.npz", "'snow' is not one of"),
        ("predict river.npz --csv river.csv --horizon 99", "--no-interval must be"),
        ("predict river.npz --csv river.csv --interval 2", "between 0 and 1"),
        ("predict river.npz --csv river.csv --window 3", "--window and --scale must"),
        ("predict nothing.npz --sine", "nothing.npz"),
        ("predict river.csv --sine", "river.csv must be a complete .npz"),
        ("predict river.npz --sine --scale 2 1", "--scale must rise"),
        ("evaluate", "FILE must name a saved forecaster"),
        ("evaluate river.npz", "One of --csv, --station, --sample and --sine"),
        ("evaluate river.npz --manifest river.json", "--manifest must stand alone"),
        ("evaluate --manifest river.csv", "--manifest must be JSON"),
        ("evaluate --manifest other.json", "must be what qlstm train wrote"),
        ("evaluate --manifest old.json", "--manifest must have the options of this"),
        ("info river.csv", "river.csv must be a complete .npz"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text, message, folder, capsys):
    assert qlstm(TRAINED, capsys)[0] == 0
    (folder / "other.json").write_text("{}")
    old = json.loads((folder / "river.json").read_text())
    old["options"].pop("horizon")
    (folder / "old.json").write_text(json.dumps(old))
    save_small_model(folder / "model.npz")
    save_small_model(folder / "angle.npz", encoding="angle")
    save_small_model(folder / "separate.npz", cut="separate")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    fails(text, capsys, message)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert before == after  # and nothing is left
