"""The experiment on entangling power: what it prints, writes and refuses."""

import contextlib
import io
import json
import os
import runpy
import subprocess
import sys

import numpy as np
import pytest
from drawing import draw_fast
from neighbours import contents, fill

from experiments.entangling_power import runs as power_runs
from qlstm.sweeps.workers import THREADS

STUDIES = ("gates", "sandwich", "circuits", "map")


def run_here(monkeypatch, *options):
    """The experiment in this process, which it takes for one with one thread."""
    for name in THREADS:
        monkeypatch.setenv(name, "1")
    draw_fast(monkeypatch)
    monkeypatch.setattr("sys.argv", ["entangling_power", *map(str, options)])
    runpy.run_module("experiments.entangling_power", run_name="__main__")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A quick run: what it said, its folder."""
    folder, said, errors = tmp_path_factory.mktemp("r"), io.StringIO(), io.StringIO()
    users = fill(folder, tmp_path_factory.mktemp("outside"))[0]
    options = ["--quick", "--starts", "1", "--seed", "3", "--draws", "2"]
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(errors),
    ):
        run_here(monkeypatch, *options, "--out", folder)
    assert errors.getvalue() == ""  # progress is for terminals
    assert contents(folder).items() > users.items()
    return said.getvalue(), folder


@pytest.fixture(scope="module")
def content(quick):
    """The JSON files of the run, by study."""
    folder = quick[1]
    return {
        study: json.loads((folder / f"entangling_power_{study}.json").read_text())
        for study in STUDIES
    }


def test_every_study_prints_draws_and_writes(quick, content):
    out, folder = quick
    for study in STUDIES:
        assert f"entangling_power_{study}.json" in out
        assert (folder / f"entangling_power_{study}.png").stat().st_size > 10_000
        header = content[study]
        assert header["experiment"] == "entangling_power"
        assert header["study"] == study
        assert header["seed"] == 3
        assert header["starts"] == 1
        assert {"python", "numpy", "scipy", "qlstm"} <= set(header["versions"])
    assert len(list(folder.glob("entangling_power_*"))) == 2 * len(STUDIES)
    assert "-0.000" not in out
    assert "qubit-qutrit, down" in out
    assert "the certified intervals do not overlap in" in out


def test_the_same_seed_gives_the_same_numbers(content, monkeypatch):
    """Of some gates and ensembles: each has a generator of its own."""
    gates, ensembles = power_runs.named_gates()[:4], power_runs.ENSEMBLES[:2]
    monkeypatch.setattr(power_runs, "named_gates", lambda: gates)
    monkeypatch.setattr(power_runs, "ENSEMBLES", ensembles)
    again = [power_runs.measure_gates(1, 3), *power_runs.measure_circuits(2, 1, 3)]
    circuits = content["circuits"]
    draws = {each.name: circuits["draws"][each.name] for each in ensembles}
    found = [content["gates"]["gates"][:4], draws, circuits["qubit_qutrit"]]
    assert json.loads(json.dumps(again)) == found


def test_the_named_gates(content):
    rows = {row["name"]: row for row in content["gates"]["gates"]}
    columns = ["K", "LN", "E_0_unassisted", "E_0_assisted", "E_unassisted"]
    columns += ["E_assisted"]
    wanted = {
        "CNOT": [1, 1, 1, 1, 1, 1],
        "iSWAP": [2, 2, 1, 2, 1, 2],
        "SWAP": [2, 2, 0, 2, 0, 2],
        "sqrt SWAP": [1.548795, 1.776968, 1, 1.548795, 1, 1.652710],
        "local": [0, 0, 0, 0, 0, 0],
        "CNOT ring, 0,1:2,3": [2, 2, 2, 2, 2, 2],
        "CNOT ring, 0,2:1,3": [4, 4, 2, 4, 2, 4],
        "qubit-qutrit, up": [1.918296, 2, 1, 2, 1, 2],
        "qubit-qutrit, down": [1.918296, 1.962500, 1, 1.926612, 1, 1.939982],
    }
    for name, values in wanted.items():
        found = [rows[name][column] for column in columns]
        np.testing.assert_allclose(found, values, atol=1e-5)
    for row in rows.values():
        low, high = row["certified"]
        assert row["K"] - 1e-9 <= row["E_assisted"] == low <= high + 1e-9
        np.testing.assert_allclose(high, row["LN"], atol=1e-6)
    np.testing.assert_allclose(rows["CNOT"]["weyl_over_pi_4"], [1, 0, 0], atol=1e-7)
    assert abs(rows["CNOT"]["e_p"] - 2 / 9) < 1e-12
    up, down = rows["qubit-qutrit, up"], rows["qubit-qutrit, down"]
    assert up["is_maximal"]
    assert not down["is_maximal"]
    assert abs(down["maximality_residual"] - 1 / np.sqrt(11)) < 1e-12
    assert down["certified"][1] < up["certified"][0]
    assert up["e_p"] == pytest.approx(down["e_p"], abs=1e-12)


@pytest.mark.parametrize("line", ["ising", "heisenberg"])
def test_the_sandwich_and_its_closed_forms(content, line):
    data = content["sandwich"]["lines"][line]
    found = {key: np.array(values) for key, values in data["found"].items()}
    chain = np.stack([found[key] for key in ("K", "E_0", "E_up", "upper")])
    assert (np.diff(chain, axis=0) > -1e-6).all()
    closed = {key: np.array(values) for key, values in data["closed"].items()}
    np.testing.assert_allclose(closed["K"], found["K"], atol=1e-12)
    np.testing.assert_allclose(closed["LN"], found["upper"], atol=1e-6)
    if line == "ising":
        np.testing.assert_allclose(closed["E_0"], found["E_0"], atol=1e-6)
        np.testing.assert_allclose(closed["E_up"], found["E_up"], atol=1e-6)
    else:
        best = np.maximum(closed["K"], closed["E_0_unassisted"])
        assert (found["E_0"] > best - 1e-6).all()
        assert found["E_0"][1] > found["K"][1] + 1e-3  # a = pi/32


def test_the_circuits(content):
    circuits = content["circuits"]
    table, draws = circuits["table"], circuits["draws"]
    flat = table[power_runs.RX_FLAT]
    values = [flat["K"], flat["E_up"]["min"], flat["E_down"]["min"], flat["e_p"]]
    np.testing.assert_allclose(values, [4, 4, 4, 0.6], atol=1e-12)
    for name in ("RX, 1 layer, [0, 2 pi]", "RY, 1 layer, [0, 2 pi]"):
        row = table[name]
        values = [row["K"], row["E_up"]["mean"], row["e_p"]]
        np.testing.assert_allclose(values, [2, 2, 0.48], atol=1e-9)
    assert table[power_runs.RY_TURN]["up_over_down"] == 0
    assert table[power_runs.INVERSE_TURN]["down_over_up"] == 0
    for name, row in table.items():
        assert row["n_draws"] == len(draws[name]) == 2
        up = [draw["up"][0] for draw in draws[name]]
        assert row["E_up"]["mean"] == pytest.approx(np.mean(up), abs=1e-12)
        for draw in draws[name]:
            assert draw["K"] < min(draw["up"][0], draw["down"][0]) + 1e-9
    gate = circuits["qubit_qutrit"]
    assert gate["down"][1] < 1.9626 < gate["up"][0]


def test_counts_tell_found_from_proved():
    def draw(up, down):
        return {"K": 3.0, "e_p": 0.5, "up": up, "down": down}

    row = power_runs.summarize(
        [
            draw([3.0, 3.2], [3.1, 3.3]),  # found, not proved
            draw([3.0, 3.05], [3.1, 3.3]),  # proved
            draw([3.1, 3.3], [3.0, 3.2]),  # the other order, not proved
            draw([3.0, 3.1], [3.0 + 1e-8, 3.1]),  # equal
        ]
    )
    keys = ("down_over_up", "down_over_up_proved")
    assert [row[key] for key in keys] == [2, 1]
    keys = ("up_over_down", "up_over_down_proved")
    assert [row[key] for key in keys] == [1, 0]


def test_the_map_is_flat_for_rx_alone(content):
    data = content["map"]
    ry, rx = (np.array(data["K"][rotation]) for rotation in ("RY", "RX"))
    assert ry.shape == rx.shape == (len(data["angles"]),) * 2
    np.testing.assert_allclose(rx, 4, atol=1e-12)
    assert np.ptp(ry) > 0.9
    assert ry.max() < 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--draws", "0"], "must be a positive integer"),
        (["--starts", "two"], "must be a positive integer"),
        (["--seed", "-1"], "must be a non-negative integer"),
        (["--colour"], "unrecognized arguments: --colour"),
        (["--out", __file__], "File exists"),
    ],
)
def test_wrong_options_are_one_line(options, message, monkeypatch, capsys):
    with pytest.raises(SystemExit) as status:
        run_here(monkeypatch, *options)
    assert status.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_the_run_in_one_thread_passes_its_status_on():
    environment = {k: v for k, v in os.environ.items() if k not in THREADS}
    end = subprocess.run(
        [sys.executable, "-m", "experiments.entangling_power", "--out", __file__],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert end.returncode == 2
    assert end.stderr.count("\n") == 1
