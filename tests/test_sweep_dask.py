"""Sweeps on a Dask cluster: two worker processes on the loopback device."""

import os
import signal
import threading
import time

import pytest
from sweep_runs import counts, logged, logged_configs

from qlstm.sweeps.engine import Tally, run_sweep
from qlstm.sweeps.files import RunFolder, run_key
from qlstm.sweeps.forecasts import complete_config, run_forecast
from qlstm.sweeps.workers import ProcessWorkers, dask_workers

distributed = pytest.importorskip("distributed")
posix = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two worker processes, which are started again when they die."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
    ) as cluster:
        yield cluster


@pytest.fixture
def dask(cluster):
    """The executor."""
    with dask_workers(cluster.scheduler_address) as executor:
        yield executor


def results(folder, configs):
    """The results of finished runs, in order."""
    return [RunFolder(folder).load_run(run_key(c))["result"] for c in configs]


def test_a_cluster_is_known_by_its_threads(dask):
    assert dask.n_workers == 2


@posix
def test_a_worker_killed_from_outside_loses_no_run(tmp_path, cluster, dask):
    models = [{"name": "quantum", "rotation": r, "n_layers": 1} for r in ("RX", "RY")]
    configs = [
        complete_config({"dataset": {"name": "sine"}, "model": model}, 2) | {"seed": s}
        for model in models
        for s in range(6)
    ]
    with ProcessWorkers(1) as processes:
        run_sweep(run_forecast, configs, tmp_path / "local", processes)

    victim = next(iter(cluster.workers.values())).process.process.pid
    log = tmp_path / "log"
    slow = logged_configs(log, 12, seconds=0.2)

    def kill_one():
        while len(counts(log, "begun")) < 3:
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    tally = run_sweep(logged, slow, tmp_path / "slow", dask)
    killer.join()
    assert tally == Tally(12, finished=12)
    assert set(counts(log, "ended")) == set(range(12))
    assert 12 <= sum(counts(log, "begun").values()) <= 14
    assert results(tmp_path / "slow", slow) == [
        {"name": k, "square": k * k} for k in range(12)
    ]
    run_sweep(run_forecast, configs, tmp_path / "cluster", dask)
    assert results(tmp_path / "cluster", configs) == results(
        tmp_path / "local", configs
    )


@posix
def test_a_run_that_kills_worker_after_worker_is_given_up(tmp_path, cluster, dask):
    allowed = cluster.scheduler.allowed_failures
    cluster.scheduler.allowed_failures = 0
    try:
        configs = logged_configs(tmp_path / "log", 4)
        configs[0]["deaths"] = 1
        configs[1]["deaths"] = 100
        tally = run_sweep(logged, configs, tmp_path, dask, retries=2, window=1, say=len)
    finally:
        cluster.scheduler.allowed_failures = allowed
    assert (tally.finished, tally.failed) == (3, 1)
    record = RunFolder(tmp_path).load_failure(run_key(configs[1]))
    assert record["error"] == "the worker died in each of 3 attempts"
    assert RunFolder(tmp_path).load_run(run_key(configs[0]))["attempt"] == 2


def test_a_failing_run_on_a_cluster_is_recorded(tmp_path, dask):
    configs = logged_configs(tmp_path / "log", 2)
    configs[0]["error"] = "no"
    said = []
    tally = run_sweep(logged, configs, tmp_path, dask, say=said.append)
    assert tally == Tally(2, finished=1, failed=1)
    assert "ValueError: no" in said[0]


def test_no_scheduler_is_one_error():
    with (
        pytest.raises(ConnectionError, match="must be that of a Dask scheduler"),
        dask_workers("tcp://127.0.0.1:9", timeout=0.5),
    ):
        pass
