"""`experiments.speed`, small: what it times, what it says, and that peers agree."""

import json
import sys

import numpy as np
import pytest

from experiments.speed import __main__ as command
from experiments.speed import ceilings, ours, peers, report, runs, timing, training
from experiments.speed.figures import draw_growth
from qlstm import PAPER_MEMORIES, ROTATIONS, QLSTMConfig
from qsim import finite_difference

TINY = runs.QUICK._replace(
    rounds=2, batches=(5,), models=(1, 2), wires=(2, 3), registers=((1, 1),), runs=1
)


def test_jobs_take_turns_after_a_round_to_warm_up():
    order = []
    jobs = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = timing.interleaved(jobs, 3)
    assert order == list("abababab")
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}


def test_few_rounds_are_timed_when_there_is_no_time():
    seconds = timing.interleaved({"a": lambda: None}, 100, seconds=0)
    assert len(seconds["a"]) == timing.LEAST_ROUNDS


def test_quartiles_are_shared():
    assert timing.quartiles([4, 1, 3, 2, 5], per=2) == [1, 1.5, 2]


def test_the_exponent_of_a_power_is_found():
    sizes = np.array([1, 3, 10, 40])
    assert timing.exponent(sizes, 7 * sizes**1.5) == pytest.approx(1.5)
    assert timing.exponent(sizes, [2.0] * 4) == pytest.approx(0)


def test_times_are_told_in_units_in_floors_and_beside_others():
    times = {"step us": 6.0, "floor us": 2.0, "unit us": 1.0, "JAX call us": 9.0}
    assert runs.compared(times, "step us") == {"floors": 3, "JAX call / ours": 1.5}


@pytest.mark.parametrize("n_wires", [1, 2, 3, 4])
def test_the_simulator_is_the_definition_gate_by_gate(n_wires):
    angles = np.random.default_rng(n_wires).uniform(0, 6, (runs.LAYERS, n_wires))
    expected = ours.value_by_gates(angles)
    np.testing.assert_allclose(ours.value(angles), expected, atol=1e-13)
    expected = finite_difference(lambda x: ours.value_by_gates(x)[0], angles)
    np.testing.assert_allclose(ours.gradient(angles), expected, atol=1e-8)


def test_ceilings_count_their_work():
    assert ceilings.squares(np.ones((10, 10)), 3).work == pytest.approx(6e-6)
    assert ceilings.squares(np.ones((10, 10), complex)).work == pytest.approx(8e-6)
    state, traffic = np.ones(2**17, complex), 4 * 2**20
    copy = ceilings.memory(state)["copy of 2 MB"]
    assert copy.work == pytest.approx(1e-9 * traffic)


@pytest.mark.parametrize("name", ["ceilings", "many", "steps", "simulator", "growth"])
def test_rows_have_times_in_order(name):
    rows = runs.SECTIONS[name](TINY, [])
    for row in rows:
        for value in row.values():
            if isinstance(value, list):
                assert 0 < value[0] <= value[1] <= value[2]
    if name == "many":
        assert len(rows) == 4 * len(TINY.models)
        us = runs.medians(rows[0])
        expected = us["one by one us"] / us["fit_many us"]
        assert rows[0]["times faster"] == pytest.approx(expected)
    if name == "steps":
        row = rows[0]
        assert row["units"] == pytest.approx(row["step us"][1] / row["unit us"][1])
    if name == "growth":
        assert draw_growth(rows).get_suptitle()


def test_memory_is_that_of_the_training():
    found = training.measure("RX", 1, 1, 0)
    assert found["peak"] >= 0 and len(found["step"]) == timing.LEAST_ROUNDS
    before = training.peak_bytes()
    held = np.ones(before // 4)  # twice as much as ever
    assert training.peak_bytes() > before + held.nbytes / 2


def test_what_is_printed_stands_in_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "QUICK", TINY)
    monkeypatch.setattr(command, "ensure_one_thread", lambda module: None)
    options = ["--quick", "--only", "simulator", "growth", "--out", str(tmp_path)]
    command.main(command.options().parse_args(options))
    printed = capsys.readouterr().out
    content = json.loads((tmp_path / "speed.json").read_text())
    said = [report.headline(content["versions"])]
    said += [report.section(*item) for item in content["sections"].items()]
    assert list(content["sections"]) == ["simulator", "growth"]
    assert printed.startswith("\n".join([said[0] + "\n", *said[1:]]))
    assert (tmp_path / "speed_growth.png").stat().st_size > 0


def test_a_missing_peer_is_an_error_before_any_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "qulacs", None)
    with pytest.raises(
        ImportError, match=r'needs qulacs.*pip install "qlstm\[bench\]"'
    ):
        peers.choose(["qulacs"])
    for name in ("jax", "pennylane", "pennylane_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="needs jax, pennylane, pennylane_lightning"):
        peers.choose([])
    assert peers.choose(None) == []


def test_what_differs_is_not_timed():
    with pytest.raises(ValueError, match="The values differ by 1.0e-09"):
        peers.check("values", np.ones(2), np.ones(2) + 1e-9)
    with pytest.raises(ValueError, match="differ by nan"):
        peers.check("values", np.ones(2), np.array([1, np.nan]))


@pytest.mark.parametrize("memory", PAPER_MEMORIES)
@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("wires", [(2, 2), (1, 2)])
def test_the_model_in_jax_is_ours(rotation, memory, wires):
    pytest.importorskip("jax")
    system, ancilla = wires
    config = QLSTMConfig(
        n_system=system, n_ancilla=ancilla, rotation=rotation, memory=memory
    )
    peers.check_jax(config)


def test_jax_trains_many_models_as_fit_trains_each():
    jax = pytest.importorskip("jax")
    from experiments.speed import jax_cell

    config, n_batches = QLSTMConfig(rotation="RY", memory="probabilities"), 3
    inputs, targets = ours.windows(5 * n_batches)
    data = inputs.reshape(n_batches, 5, -1, 1), targets.reshape(n_batches, 5)
    models = ours.starts(config, 2)
    alone, losses = [jax_cell.init(params) for params in models], []
    states = jax.tree.map(lambda *arrays: np.stack(arrays), *alone)
    together, found = jax_cell.scanner(config, many=True)(states, data)
    for k, state in enumerate(alone):
        for minibatch in zip(*data, strict=True):
            state, loss = jax_cell.stepper(config)(state, minibatch)
            losses.append(loss)
        mine = [array[k] for array in together.params]
        np.testing.assert_allclose(peers.flat(mine), peers.flat(state.params), 1e-12)
    np.testing.assert_allclose(np.ravel(found), losses, 1e-12)


@pytest.mark.parametrize("name", ["lightning", "qulacs"])
def test_simulators_agree(name):
    for module in peers.MODULES[name]:
        pytest.importorskip(module)
    for n_wires in (2, 3, 5):
        angles = np.random.default_rng(n_wires).uniform(0, 6, (runs.LAYERS, n_wires))
        assert list(peers.simulators([name], angles)) == [name]
