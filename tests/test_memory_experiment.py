"""`experiments.memory`, small: what it prints, writes and draws; and its statistics."""

import contextlib
import functools
import io
import json
import runpy

import numpy as np
import pytest
from drawing import draw_fast
from neighbours import contents, fill
from scipy import stats

from experiments.memory import counterexample
from experiments.memory import runs as memory_runs
from experiments.memory import statistics as memory_statistics
from qlstm import QLSTMConfig, init_params, predict
from qlstm.forecasting import SINE_PROTOCOLS, noisy_sine, prepare
from qlstm.insight import quantum_retention, stage_powers, stage_unitaries, trace
from qsim.entanglement import schmidt_strength

FIGURES = [
    "memory_curves.png",
    "memory_errors.png",
    "memory_ledger_RX.png",
    "memory_ledger_RY.png",
    "memory_training.png",
]


def search_once(monkeypatch):
    """One start for each search for a power: how good it is, other tests say."""
    once = functools.partial(stage_powers, n_starts=1)
    monkeypatch.setattr(
        memory_runs, "stage_powers", lambda *args, n_starts, rng: once(*args, rng=rng)
    )


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """One quick run: what it said, the JSON, the folder."""
    folder, said, errors = tmp_path_factory.mktemp("m"), io.StringIO(), io.StringIO()
    users = fill(folder, tmp_path_factory.mktemp("outside"))[0]
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(errors),
    ):
        draw_fast(monkeypatch)
        search_once(monkeypatch)
        monkeypatch.setattr("sys.argv", ["memory", "--quick", "--out", str(folder)])
        runpy.run_module("experiments.memory", run_name="__main__")
    assert errors.getvalue() == ""
    assert contents(folder).items() > users.items()
    return said.getvalue(), json.loads((folder / "memory.json").read_text()), folder


def test_it_names_its_files(quick):
    said, _, folder = quick
    last = said.splitlines()[-1]
    assert last.startswith("Wrote ")
    for name in ["memory.json", *FIGURES]:
        assert str(folder / name) in last


def test_every_figure_has_its_paragraph(quick):
    said, _, folder = quick
    assert sorted(path.name for path in folder.glob("*.png")) == FIGURES
    for name in FIGURES:
        assert (folder / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        paragraph = next(x for x in said.split("\n\n") if x.startswith(name))
        assert len(paragraph) > 150


def test_the_json_holds_every_part(quick):
    _, content, _ = quick
    sizes = content["sizes"]
    assert set(content["baselines"]) == {"persistence", "AR(10)"}
    assert [c["rotation"] for c in content["circuits"]] == ["RX", "RY"]
    assert len(content["curves"]) == 12
    for curve in content["curves"]:
        shape = (sizes["draws"], sizes["n_steps"])
        for name in ("forgetting", "capacity", "information", "gradient"):
            assert np.shape(curve[name]) == shape
    assert len(content["runs"]) == 2 * 6 * sizes["seeds"]
    for record in content["runs"]:
        if record["model"] == "drawn anew":
            assert record["history"] == {}
        else:
            for numbers in record["history"].values():
                assert len(numbers) == sizes["epochs"]
            # the monitor looks at some windows, and the end is measured in the same way
            for name in memory_runs.MONITORED:
                assert abs(record["history"][name][-1] - record["end"][name]) < 1e-12
    ledger = content["ledgers"]["RY"]["before training"]
    assert len(ledger["S_en"]) == 10
    np.testing.assert_allclose(np.sum(ledger["outcome_probabilities"], axis=1), 1)
    np.testing.assert_allclose(np.sum(ledger["memory_populations"], axis=1), 1)


def test_all_models_of_a_seed_start_at_the_same_place(quick):
    _, content, _ = quick
    for rotation in ("RX", "RY"):
        for seed in range(content["sizes"]["seeds"]):
            strengths = {
                record["start"]["K_en"]
                for record in content["runs"]
                if (record["rotation"], record["seed"]) == (rotation, seed)
            }
            assert len(strengths) == 1


def test_rx_has_the_largest_power_and_it_never_moves(quick):
    _, content, _ = quick
    rows = [c for c in content["changes"] if c["rotation"] == "RX"]
    still = [c for c in rows if c["quantity"] in ("K_en", "K_dis", *memory_runs.POWERS)]
    assert len(still) == 6 * 6
    for change in still:
        assert change["p"] is None
        assert abs(change["start"] - 4) < 1e-9
        assert abs(change["end"] - 4) < 1e-9


def test_the_tests_are_scipy_s(quick):
    _, content, _ = quick

    def column(model, quantity, end):
        return np.array(
            [
                record[end][quantity]
                for record in content["runs"]
                if (record["rotation"], record["model"]) == ("RY", model)
            ]
        )

    for change in content["changes"]:
        if change["rotation"] == "RX" or change["p"] is None:
            continue
        start, end = (
            column(change["model"], change["quantity"], name)
            for name in ("start", "end")
        )
        assert change["change"] == np.median(end - start)
        assert abs(change["p"] - stats.wilcoxon(end, start).pvalue) < 1e-12
    for found in content["correlations"]:
        if found["rotation"] == "RX" or found["rho"] is None:
            continue
        errors = [
            record["test_mse"]
            for record in content["runs"]
            if (record["rotation"], record["model"]) == ("RY", found["model"])
        ]
        expected = stats.spearmanr(
            errors, column(found["model"], found["quantity"], "end")
        )
        assert abs(found["rho"] - expected.statistic) < 1e-12


def run_here(folder, monkeypatch, *options):
    """The experiment in this process, figures drawn and not saved: its JSON."""
    drawn = []
    monkeypatch.setattr(
        "qlstm.plots.save_figure", lambda path, figure: drawn.append(path)
    )
    search_once(monkeypatch)
    arguments = ["memory", "--quick", "--out", str(folder), *options]
    monkeypatch.setattr("sys.argv", arguments)
    runpy.run_module("experiments.memory", run_name="__main__")
    content = json.loads((folder / "memory.json").read_text())
    assert content.pop("seconds") > 0
    return content, [path.name for path in drawn]


def test_options_and_the_same_seed_gives_the_same_json(tmp_path, monkeypatch):
    options = ("--rotation", "RY", "--seeds", "1", "--epochs", "1", "--seed", "5")
    content, drawn = run_here(tmp_path, monkeypatch, *options)
    assert (content, drawn) == run_here(tmp_path, monkeypatch, *options)
    assert {record["seed"] for record in content["runs"]} == {5}
    assert {record["rotation"] for record in content["runs"]} == {"RY"}
    assert content["sizes"]["epochs"] == 1
    assert content["seed"] == 5
    assert "memory_ledger_RY.png" in drawn
    assert "memory_ledger_RX.png" not in drawn
    with pytest.raises(SystemExit):
        run_here(tmp_path, monkeypatch, "--seeds", "0")


# -- statistics --------------------------------------------------------------------


def test_the_paper_s_rules_make_up_the_family_of_tests():
    """By hand: 2 x 0.01, then 1 x 0.03; the others are no part of it."""
    names = ("collapse", "reset", "probabilities", "collapse")
    found = [
        memory_statistics.Correlation("RY", name, "S_en", 0.5, p, None)
        for name, p in zip(names, (0.03, 0.001, 0.01, None), strict=True)
    ]
    corrected = [c.p_holm for c in memory_statistics._with_holm(found)]
    assert corrected == [0.03, None, 0.02, None]


def test_shuffles_give_the_exact_p_value_of_five():
    """rho = 1 of five seeds: 2 of 120 orders reach it, two-sided."""
    rho, p = memory_statistics.spearman(np.arange(5.0), np.arange(5.0) ** 3)
    assert abs(rho - 1) < 1e-12
    assert abs(p - 2 / 120) < 0.005


def test_a_quantity_that_stays_has_no_p_value():
    start = np.zeros(3)
    assert memory_statistics.wilcoxon(np.array([1e-9, -1e-9, 0.0]), start) is None
    assert memory_statistics.wilcoxon(np.array([0.1, 0.2, 0.3]), start) == 0.25


def test_another_history_keeps_the_last_value():
    protocol = SINE_PROTOCOLS["figure"]
    rng = np.random.default_rng(0)
    dataset = prepare(noisy_sine(protocol, rng), protocol, rng)
    reset = QLSTMConfig(memory="reset")
    params, other = memory_runs.initial_params(reset, 0)
    assert not np.array_equal(params.proj_bias, other.proj_bias)
    test = dataset.test
    error = np.mean((predict(params, test.inputs, reset) - test.targets) ** 2)
    found = memory_runs.swapped_mse(params, dataset, reset)
    assert abs(found - error) < 1e-12  # without memory the history does not matter
    config = QLSTMConfig(memory="probabilities")
    errors = []
    for i in range(len(test.inputs)):
        for j in range(len(test.inputs)):
            if i != j:
                window = test.inputs[[j]].copy()
                window[0, -1] = test.inputs[i, -1]
                errors.append((predict(params, window, config) - test.targets[i]) ** 2)
    found = memory_runs.swapped_mse(params, dataset, config)
    assert abs(found - np.mean(errors)) < 1e-12


# -- the counterexample ------------------------------------------------------------


def test_what_is_retained_is_what_the_library_says():
    config = QLSTMConfig(rotation="RY", memory="mixed")
    rng = np.random.default_rng(0)
    params = init_params(config, rng)
    inputs = rng.uniform(-1, 1, (1, 5, 1))
    u_en, u_dis = stage_unitaries(params, config)
    encoded = trace(params, inputs, config).encoded[0]
    found = counterexample.retained(u_dis @ u_en, encoded)
    wanted = quantum_retention(params, inputs, config)[0]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_power_forgets_and_no_power_keeps(capsys, monkeypatch):
    """Closed forms: a swapped memory is thrown away, an untouched one is kept."""
    stages = counterexample.cases(np.random.default_rng(0))
    encoded = np.eye(4)[[0, 3, 1]]
    swap = stages["register swap"][1]
    a, b = np.random.default_rng(1).normal(size=(2, 4))
    np.testing.assert_allclose(swap @ np.kron(a, b), np.kron(b, a))
    for name, (u_en, u_dis) in stages.items():
        step = u_dis @ u_en
        strength = schmidt_strength(step, (4, 4))
        kept = counterexample.retained(step, encoded)
        if name == "register swap":
            assert strength == pytest.approx(4)
            np.testing.assert_allclose(kept, [4, 0, 0, 0], atol=1e-9)
        elif "equal angles" in name:
            assert schmidt_strength(u_en, (4, 4)) > 2.5
            assert strength == pytest.approx(0, abs=1e-9)
            np.testing.assert_allclose(kept, 4, atol=1e-9)
        else:
            assert 2 < strength < 4 and kept[3] < 3
    monkeypatch.setattr("sys.argv", ["memory", "--counterexample", "--out", "/dev/x"])
    runpy.run_module("experiments.memory", run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("register swap")
    assert lines[2].endswith("  4.00 0.00 0.00 0.00 0.00 0.00")
    assert lines[3].startswith("RX, inverse, equal angles")
    assert lines[3].endswith("  4.00 4.00 4.00 4.00 4.00 4.00")
    assert len(lines) == 7
