"""Several runs in one call: recorded, skipped and lost one by one all the same."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from sweep_runs import counts, logged, logged_configs

from qlstm.checks import warn_user
from qlstm.sweeps import (
    TOGETHER,
    ProcessWorkers,
    RunFolder,
    Tally,
    Together,
    complete_config,
    forecast_kind,
    run_forecast,
    run_sweep,
)
from qlstm.sweeps.attempt import attempt_runs

CALLS = []


def squares(configs):
    """Several runs in one call, which remembers what it was asked."""
    CALLS.append([config["x"] for config in configs])
    if any(config["x"] == 13 for config in configs):
        raise ValueError("unlucky")
    for k, config in enumerate(configs):
        if config["x"] % 2:
            warn_user(f"{config['x']} is odd", model=k)
    warn_user("careful")
    return [{"y": config["x"] ** 2} for config in configs]


def square(config):
    """The same alone."""
    return squares([config])[0]


def parity(config):
    """Up to three runs of equal parity go together."""
    return config["x"] % 2, 3


SQUARES = Together(squares, parity)


@pytest.fixture(autouse=True)
def no_calls():
    """None yet."""
    CALLS.clear()


@pytest.fixture
def thread():
    """An executor of this process."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def records(folder, configs):
    """What the files say."""
    return [RunFolder(folder).load(config) for config in configs]


def test_runs_of_one_kind_are_done_in_one_call(tmp_path, thread):
    configs = [{"x": x} for x in range(9)]
    tallies = []
    tally = run_sweep(
        square, configs, tmp_path, thread, together=SQUARES, callback=tallies.append
    )
    assert tally == Tally(9, finished=9)
    assert [seen.finished for seen in tallies] == list(range(10))  # each by itself
    assert sorted(CALLS) == [[0, 2, 4], [1, 3, 5], [6, 8], [7]]
    for x, record in enumerate(records(tmp_path, configs)):
        assert record["result"] == {"y": x * x}
        odd = [f"UserWarning: {x} is odd"] if x % 2 else []
        assert record["warnings"] == [*odd, "UserWarning: careful"]
        assert record["attempt"] == 1 and record["seconds"] >= 0


def test_what_has_finished_is_not_done_again(tmp_path, thread):
    run_sweep(square, [{"x": 2}, {"x": 4}], tmp_path, thread, together=SQUARES)
    CALLS.clear()
    configs = [{"x": x} for x in (0, 2, 4, 6)]
    tally = run_sweep(square, configs, tmp_path, thread, together=SQUARES)
    assert tally == Tally(4, skipped=2, finished=2)
    assert CALLS == [[0, 6]]


def test_a_run_that_fails_does_so_alone(tmp_path, thread):
    configs = [{"x": x} for x in (11, 13, 15, 2)]
    said = []
    tally = run_sweep(
        square, configs, tmp_path, thread, together=SQUARES, say=said.append
    )
    assert tally == Tally(4, finished=3, failed=1)
    assert CALLS == [[11, 13, 15], [11], [13], [15], [2]]
    found = records(tmp_path, configs)
    assert found[1]["error"] == "ValueError: unlucky"
    assert [found[k]["result"]["y"] for k in (0, 2, 3)] == [121, 225, 4]
    assert len(said) == 1 and "unlucky" in said[0]


def test_the_runs_at_hand_are_divided_among_the_workers(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        executor.n_workers = 4
        configs = [{"x": 2 * x} for x in range(8)]
        run_sweep(square, configs, tmp_path, executor, together=SQUARES)
    assert [len(call) for call in CALLS] == [2, 2, 2, 2]


def test_too_few_results_are_no_results():
    """A call that answers for some only counts for none."""
    few = Together(lambda configs: [{"y": 0}], parity)
    found = attempt_runs(square, few, ['{"x": 4}', '{"x": 6}'], [])
    assert [record["result"]["y"] for record in found] == [16, 36]


def log_all(configs):
    """`logged`, several in one call."""
    return [logged(config) for config in configs]


def five(config):
    """Five at a time."""
    return "all", 5


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_dead_worker_costs_its_call_only_and_each_is_done_again(tmp_path):
    """The third run kills its worker once: those in the same call start afresh."""
    log = tmp_path / "log"
    configs = logged_configs(log, 10)
    configs[2] |= {"deaths": 1}
    with ProcessWorkers(1) as workers:
        tally = run_sweep(
            logged,
            configs,
            tmp_path / "out",
            workers,
            together=Together(log_all, five),
            say=len,
        )
    assert tally == Tally(10, finished=10, deaths=5)
    assert counts(log, "ended") == {k: 2 if k < 2 else 1 for k in range(10)}
    attempts = [record["attempt"] for record in records(tmp_path / "out", configs)]
    assert attempts == [2] * 5 + [1] * 5


# -- forecasts -----------------------------------------------------------------------


def sine(model, seed, protocol="figure"):
    """A whole configuration of a few epochs."""
    dataset = {"name": "sine", "protocol": protocol}
    return complete_config({"dataset": dataset, "model": model}, 3) | {"seed": seed}


MODELS = [
    {"name": "quantum", "rotation": "RY", "memory": "probabilities"},
    {"name": "quantum", "memory": "sampled", "patience": 1},
    {"name": "quantum", "n_layers": 1, "readout": "affine", "bias": False},
    {"name": "lstm", "hidden": 2},
    {"name": "ar"},
]


@pytest.mark.parametrize("protocol", ["figure", "text", "strict"])
def test_a_sweep_gives_the_same_results_one_by_one(protocol, tmp_path, thread):
    """Every result, warning and training history, to the bit."""
    configs = [sine(model, seed, protocol) for seed in range(3) for model in MODELS]
    run_sweep(run_forecast, configs, tmp_path / "one", thread)
    run_sweep(run_forecast, configs, tmp_path / "many", thread, together=TOGETHER)
    pairs = (records(tmp_path / name, configs) for name in ("one", "many"))
    for alone, together in zip(*pairs, strict=True):
        for name in ("result", "warnings", "config"):
            assert together[name] == alone[name]


def test_forecasts_that_differ_in_the_seed_alone_are_of_one_kind():
    first = forecast_kind(sine(MODELS[0], 0))
    assert first == forecast_kind(sine(MODELS[0], 7))
    assert first[1] == 50
    assert first != forecast_kind(sine(MODELS[1], 0))
    assert first != forecast_kind(sine(MODELS[0], 0, "text"))
    large = {"name": "quantum", "n_system": 5, "n_ancilla": 5}
    assert forecast_kind(sine(large, 0))[1] < 5  # bound by arithmetic
    assert forecast_kind(sine(MODELS[4], 0))[1] == 1


def test_a_quantum_model_that_fails_takes_no_other_along(tmp_path, thread):
    """One of the models diverges in its first minibatch."""
    model = {"name": "quantum", "learning_rate": 1e308}
    configs = [sine(model, seed) for seed in range(2)]
    said = []
    tally = run_sweep(
        run_forecast, configs, tmp_path, thread, together=TOGETHER, say=said.append
    )
    assert tally.failed == 2
    assert all("must stay finite" in line for line in said)
