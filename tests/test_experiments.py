"""The experiments as people run them: tables, JSON, figures, errors."""

import hashlib
import json
import os
import re
import runpy
import select
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from qlstm.forecasting import SINE_PROTOCOLS, noisy_sine
from qlstm.tables import number_text

ROOT = Path(__file__).resolve().parents[1]
NAMES = ["RX collapse", "RX probabilities", "RY collapse", "RY probabilities"]
SMALL = ["--layers", "1", "--system-qubits", "1", "--ancilla-qubits", "1"]


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


def write_csv(path, rows, header="date,tavg"):
    """A CSV file of dates and values."""
    lines = [header, *(f"{day},{value}" for day, value in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def days(n):
    """Rows of n days with a wave for a temperature."""
    first = np.datetime64("2024-05-10")
    return [(str(first + k), f"{10 + 12 * np.sin(k / 9):.1f}") for k in range(n)]


def without_time(content):
    """JSON content but for keys named "seconds"."""
    if isinstance(content, dict):
        return {k: without_time(v) for k, v in content.items() if k != "seconds"}
    if isinstance(content, list):
        return [without_time(v) for v in content]
    return content


def table_rows(text):
    """The table's cells by the name of the model."""
    lines = text.splitlines()
    rule = next(k for k, line in enumerate(lines) if set(line) == {"-"})
    rows = {}
    for line in lines[rule + 1 :]:
        if not line:
            break
        name, *cells = re.split(r" {2,}", line)
        rows[name] = cells
    return lines[rule - 1], rows


def expected_cells(record, scaled):
    """The cells of a forecast that is recorded in JSON."""
    cells = [
        number_text(record[part][key])
        for part in ("train", "test")
        for key in ("mse", "rmse", "mae")
    ]
    cells += [number_text(record["test_mse_scaled"])] * scaled
    return [*cells, f"{record['skill']:+.3f}", f"{record['seconds']:.2f}"]


@pytest.fixture(scope="module")
def sine(tmp_path_factory):
    """The default experiment with two epochs: its process and its folder."""
    folder = tmp_path_factory.mktemp("sine") / "new" / "folder"
    return run("sine", "--epochs", 2, "--out", folder), folder


@pytest.fixture(scope="module")
def weather(tmp_path_factory):
    """The experiment on a CSV file with a gap, strict, and a seed of its own."""
    folder = tmp_path_factory.mktemp("weather")
    rows = days(120)
    del rows[40]
    path = write_csv(folder / "days.csv", rows)
    options = ["--csv", path, "--protocol", "strict", "--memory", "collapse"]
    options += ["--seed", 3, "--epochs", 2, "--out", folder, *SMALL]
    return run("weather", *options), folder


def test_sine_prints_what_it_did(sine):
    process, folder = sine
    assert (process.returncode, process.stderr) == (0, "")
    first, reach, second = process.stdout.splitlines()[:3]
    assert reach == (
        "6 of the 72 training targets lie outside [-1, 1], which <Z> cannot reach."
    )
    assert first == (
        "noisy sine, 100 values, protocol `figure`: 72 training and 18 test windows "
        "of 10 steps, 2 epochs."
    )
    assert "persistence" in second
    files = ["sine.json", "sine_RX.png", "sine_RY.png"]
    assert sorted(path.name for path in folder.iterdir()) == files
    wrote = ", ".join(str(folder / name) for name in files)
    assert process.stdout.splitlines()[-1] == f"Wrote {wrote}."


@pytest.mark.parametrize("experiment", ["sine", "weather"])
def test_every_number_shown_is_in_the_json(experiment, request):
    process, folder = request.getfixturevalue(experiment)
    content = json.loads((folder / f"{experiment}.json").read_text())
    header, rows = table_rows(process.stdout)
    records = [*content["models"], *content["baselines"]]
    assert list(rows) == [record["name"] for record in records]
    scaled = experiment == "weather"
    assert ("scaled test MSE" in header) == scaled
    for record in records:
        assert rows[record["name"]] == expected_cells(record, scaled)
    counts = content["n_windows"]
    line = process.stdout.splitlines()[0]
    assert f"{counts['train']} training" in line and f"{counts['test']} test" in line
    assert f"{content['epochs']} epochs" in line
    assert f"{len(content['series']['values'])} values" in line
    assert rows["persistence"][-2] == "+0.000"


def test_sine_records_where_it_came_from(sine):
    content = json.loads((sine[1] / "sine.json").read_text())
    assert [model["name"] for model in content["models"]] == NAMES
    assert (content["experiment"], content["seed"], content["epochs"]) == ("sine", 0, 2)
    assert content["protocol"]["name"] == "figure"
    assert content["versions"]["numpy"] == np.__version__
    assert content["models"][0]["config"] == {
        "n_features": 1,
        "n_system": 2,
        "n_ancilla": 2,
        "n_layers": 2,
        "rotation": "RX",
        "memory": "collapse",
        "disentangler": "flip",
        "loss": "last",
        "encoding": "amplitude",
        "readout": "expectation",
        "predicts": "value",
        "n_outputs": 1,
        "cut": "entangled",
    }
    values = noisy_sine(SINE_PROTOCOLS["figure"], np.random.default_rng(0))
    series = content["series"]
    np.testing.assert_array_equal(series["values"], values)
    digest = hashlib.sha256(values.astype("<f8").tobytes()).hexdigest()
    assert series["sha256"] == digest
    assert series["provenance"] == {
        "source": "synthetic",
        "noise": "gaussian",
        "seed": 0,
    }
    np.testing.assert_array_equal(content["test_targets"], values[82:])
    assert content["test_index"] == list(range(82, 100))
    for model in content["models"]:
        assert len(model["history"]["loss"]) == 2
        errors = np.subtract(model["test_predictions"], content["test_targets"])
        assert model["test"]["mse"] == pytest.approx(np.mean(errors**2))


def test_weather_records_its_gap_and_scale(weather):
    process, folder = weather
    assert (process.returncode, process.stderr) == (0, "")
    content = json.loads((folder / "weather.json").read_text())
    assert content["series"]["values"][40] is None
    provenance = content["series"]["provenance"]
    assert (provenance["source"], provenance["file"]) == ("csv", "days.csv")
    assert (provenance["rows"], provenance["gaps"]) == (120, 1)
    assert content["series"]["unit"] == "degC"
    known = [v for v in content["series"]["values"][:84] if v is not None]
    assert content["scaler"]["offset"] == min(known)
    assert content["scaler"]["scale"] == pytest.approx(max(known) - min(known))
    assert content["n_windows"] == {"train": 63, "validation": 12, "test": 24}
    assert content["test_index"] == list(range(96, 120))
    expected = [content["series"]["values"][k] for k in content["test_index"]]
    np.testing.assert_allclose(content["test_targets"], expected)
    assert content["seed"] == 3
    assert [model["name"] for model in content["models"]] == [NAMES[0], NAMES[2]]
    assert "12 validation" in process.stdout


@pytest.mark.parametrize("experiment, count", [("sine", 2), ("weather", 2)])
def test_figures_are_pictures(experiment, count, request):
    _, folder = request.getfixturevalue(experiment)
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == count
    for path in pictures:
        assert path.read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_json_and_figures(sine, tmp_path, monkeypatch):
    run_here("sine", monkeypatch, "--epochs", 2, "--out", tmp_path)
    first, again = (
        json.loads((folder / "sine.json").read_text()) for folder in (sine[1], tmp_path)
    )
    assert first != again  # the clock
    assert without_time(first) == without_time(again)
    for name in ("sine_RX.png", "sine_RY.png"):
        assert (sine[1] / name).read_bytes() == (tmp_path / name).read_bytes()


def test_another_seed_gives_another_series(tmp_path, monkeypatch, sine):
    options = ["--seed", 1, "--epochs", 1, "--rotation", "RY", "--memory"]
    run_here("sine", monkeypatch, *options, "probabilities", "--out", tmp_path, *SMALL)
    content = json.loads((tmp_path / "sine.json").read_text())
    first = json.loads((sine[1] / "sine.json").read_text())
    assert content["series"]["sha256"] != first["series"]["sha256"]
    assert [model["name"] for model in content["models"]] == ["RY probabilities"]
    assert {path.name for path in tmp_path.iterdir()} == {"sine.json", "sine_RY.png"}


@pytest.mark.parametrize("protocol", ["text", "repository", "strict"])
def test_every_sine_protocol_runs(protocol, tmp_path, monkeypatch, capsys):
    options = ["--protocol", protocol, "--rotation", "RX", "--memory", "collapse"]
    options += ["--epochs", 1, "--out", tmp_path, *SMALL]
    run_here("sine", monkeypatch, *options)
    assert f"protocol `{protocol}`" in capsys.readouterr().out
    content = json.loads((tmp_path / "sine.json").read_text())
    assert content["protocol"]["name"] == protocol


def test_the_sample_says_it_is_seattle(tmp_path, monkeypatch, capsys):
    pytest.importorskip("vega_datasets")
    options = ["--sample", "--rotation", "RX", "--memory", "collapse"]
    run_here("weather", monkeypatch, *options, "--epochs", 1, "--out", tmp_path, *SMALL)
    assert "Seattle" in capsys.readouterr().out
    content = json.loads((tmp_path / "weather.json").read_text())
    assert "not Ontario" in content["series"]["provenance"]["place"]


@pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")
def test_a_terminal_shows_a_bar(tmp_path):
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "experiments.sine", "--epochs", "3"]
    command += ["--rotation", "RX", "--memory", "collapse", "--out", str(tmp_path)]
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
    bars = re.findall(
        r"RX collapse +\[#*-*\] epoch (\d+)/3  loss \d\.\d{4}  \d+ s left", text
    )
    assert bars and all(0 < int(epoch) < 3 for epoch in bars)
    assert text.endswith("\r\x1b[K")


def bad_csv(case, folder):
    """A file for a case of `BAD_FILES`."""
    rows, header = days(60), "date,tavg"
    if case == "duplicate":
        rows[20] = rows[19]
    elif case == "text":
        rows[15] = (rows[15][0], "mild")  # row 1 is the header
    elif case == "infinite":
        rows[15] = (rows[15][0], "inf")
    elif case == "column":
        header = "date,rain"
    elif case == "short":
        rows = rows[:10]
    elif case == "constant":
        rows = [(day, "7.0") for day, _ in rows]
    elif case == "empty":
        rows = []
    if case == "missing":
        return folder / "none.csv"
    return write_csv(folder / "bad.csv", rows, header)


BAD_FILES = {
    "missing": "none.csv does not exist",
    "column": r"'date', 'rain'.*--column|'date', 'rain'.*none is tavg",
    "duplicate": "each date once, but bad.csv has 2024-05-29 in rows 21 and 22",
    "text": "bad.csv row 17 has 'mild'",
    "infinite": "finite numbers in column 'tavg', but bad.csv row 17 has 'inf'",
    "short": "longer than a window of 10 steps, but has 10 values",
    "constant": "must hold two different values to set a scale",
    "empty": "has a header but no rows",
}


def assert_one_line(text, pattern):
    """An error is one line that says what is wrong."""
    assert text.startswith("error: ") and text.endswith("\n")
    assert text.count("\n") == 1 and "Traceback" not in text
    assert re.search(pattern, text), text


def fail_here(experiment, monkeypatch, capsys, *options):
    """Run in this process, see status 2 and no output, and return the error."""
    with pytest.raises(SystemExit) as status:
        run_here(experiment, monkeypatch, *options)
    assert status.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.parametrize("protocol", ["figure", "strict"])
@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_one_line(case, protocol, tmp_path, monkeypatch, capsys):
    path, out = bad_csv(case, tmp_path), tmp_path / "out"
    options = ["--csv", path, "--protocol", protocol, "--out", out]
    error = fail_here("weather", monkeypatch, capsys, *options)
    assert_one_line(error, BAD_FILES[case])
    assert not out.exists()


ROWS = "2024-05-10;1.234\n2024-05-11;2.345\n"
CSV_ERRORS = {
    "column": ("date,tavg\n2024-05-10,1\n", "--column x", "Option --column must be a"),
    "column not named": ("date,x\n2024-05-10,1\n", "", "none is .*one with --column"),
    "column twice": ("date,x,x\n2024-05-10,1,2\n", "--column x", "Option --column mu"),
    "date column": ("day,tavg\n2024-05-10,1\n", "", "with --date-column"),
    "path": ("", "", "Option --csv must name a CSV file"),
    "rows": ("date,tavg\n2024-05-10\n", "", "Option --csv must have 2 cells"),
    "word": ("date,tavg\n2024-05-10,NA\n", "", "Option --csv .*--missing names"),
    "word of others": ("date,tavg\n2024-05-10,NA\n", "--missing M", "--missing names"),
    "sentinel": ("date,tavg\n2024-05-10,-9999\n", "", "absolute zero.*--missing"),
    "separator": ("date;x,tavg\n2024-05-10;1,5\n", "", "Option --separator must"),
    "decimal": (f"date;tavg\n{ROWS}", "", "Option --decimal must .*'1.234'"),
    "months": ("date,tavg\n2024-05,1\n2024,2\n", "", "Option --csv must hold months"),
    "start": ("date,tavg\n2024-05-10,1\n", "--start 2025-01-01", "Options --start and"),
}


@pytest.mark.parametrize("case", CSV_ERRORS)
def test_errors_about_a_file_name_options(case, tmp_path, monkeypatch, capsys):
    text, options, pattern = CSV_ERRORS[case]
    path, out = tmp_path / "bad.csv", tmp_path / "out"
    path.write_text(text, encoding="utf-8")
    options = ["--csv", path, *options.split(), "--out", out]
    error = fail_here("weather", monkeypatch, capsys, *options)
    assert_one_line(error, pattern)
    assert "`" not in error.replace("Argument `values`", "")


GAPS = {
    "weekdays only": lambda k: k % 7 < 5,
    "every 9th day missing": lambda k: k % 9 != 8,
    "a year in progress": lambda k: k < 40,
    "a late start": lambda k: k > 270,
}


@pytest.mark.parametrize("blank", [True, False])
@pytest.mark.parametrize("case", GAPS)
def test_gaps_are_not_blamed_on_the_length(case, blank, tmp_path, monkeypatch, capsys):
    """Whether the days are there with blank cells, or not there at all."""
    rows = [
        (day, value if GAPS[case](k) or k in (0, 299) else "")
        for k, (day, value) in enumerate(days(300))
        if blank or GAPS[case](k) or k in (0, 299)
    ]
    path, out = write_csv(tmp_path / "days.csv", rows), tmp_path / "out"
    options = ["--csv", path, "--protocol", "strict", "--out", out]
    error = fail_here("weather", monkeypatch, capsys, *options)
    gaps = sum(not GAPS[case](k) and k not in (0, 299) for k in range(300))
    assert_one_line(error, f"{gaps} of 300 values are gaps, and at most .* in a row")


BAD_OPTIONS = [
    ("--epochs 0", "argument --epochs: must be a positive integer, but is '0'"),
    ("--epochs two", "argument --epochs: must be a positive integer, but is 'two'"),
    ("--layers 0", "argument --layers: must be a positive integer"),
    ("--system-qubits -1", "argument --system-qubits: must be a positive integer"),
    ("--ancilla-qubits 0", "argument --ancilla-qubits: must be a positive integer"),
    ("--seed -1", "argument --seed: must be a non-negative integer, but is '-1'"),
    ("--memory brain", "argument --memory: invalid choice: 'brain'.*probabilities"),
    ("--rotation RZ", "argument --rotation: invalid choice: 'RZ'.*RX"),
    ("--protocol none", "argument --protocol: invalid choice: 'none'.*figure"),
    ("--unheard", "unrecognized arguments: --unheard"),
]
BAD_SOURCES = [
    ("--csv a.csv --sample", "--sample: not allowed with argument --csv"),
    ("--csv a.csv --station 1", "--station: not allowed with argument --csv"),
    ("--column tavg", "Options --column and --date-column go with --csv"),
    ("--sample --date-column day", "Options --column and --date-column go with --csv"),
    ("--missing -9999", "Option --missing goes with --csv"),
    ("--csv a.csv --separator x", "--separator: invalid choice: 'x'"),
    ("--sample --start 2013-01-01", "--start and --end do not go with --sample"),
    ("--sample --end 2013-01-01", "--start and --end do not go with --sample"),
]


@pytest.mark.parametrize(
    "experiment, options, pattern",
    [
        *(("sine", *case) for case in BAD_OPTIONS),
        *(("weather", *case) for case in [*BAD_OPTIONS, *BAD_SOURCES]),
        ("sine", "--csv a.csv", "unrecognized arguments: --csv a.csv"),
    ],
)
def test_bad_options_are_one_line(experiment, options, pattern, monkeypatch, capsys):
    error = fail_here(experiment, monkeypatch, capsys, *options.split())
    assert_one_line(error, pattern)


@pytest.mark.parametrize("case", ["text", "option"])
def test_a_process_leaves_with_status_two(case, tmp_path):
    out = tmp_path / "out"
    if case == "option":
        process, pattern = run("weather", "--epochs", 0), "--epochs: must be a positive"
    else:
        path, pattern = bad_csv(case, tmp_path), BAD_FILES[case]
        process = run("weather", "--csv", path, "--out", out)
    assert (process.returncode, process.stdout) == (2, "")
    assert_one_line(process.stderr, pattern)
    assert not out.exists()


@pytest.mark.parametrize("experiment", ["sine", "weather"])
def test_help_names_every_option(experiment, monkeypatch, capsys):
    with pytest.raises(SystemExit) as status:
        run_here(experiment, monkeypatch, "--help")
    assert status.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--memory", "--rotation", "--protocol", "--seed", "--epochs"):
        assert option in shown
