"""Sweeps: each run is done once, whatever dies."""

import importlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from pathlib import Path

import pytest
import sweep_runs
from sweep_runs import counts, logged, logged_configs, waiting_configs

from qlstm.files import atomic_path
from qlstm.memory import RULES
from qlstm.sweeps import (
    ExecutorError,
    ProcessWorkers,
    RunFolder,
    Tally,
    dask_workers,
    expand_grid,
    run_key,
    run_sweep,
)
from qlstm.sweeps.attempt import attempt_run
from qlstm.sweeps.files import HALF_WRITTEN

ROOT = Path(__file__).resolve().parents[1]
posix = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")


@pytest.fixture(scope="module")
def processes():
    """Two worker processes for many tests, because they take a while to start."""
    with ProcessWorkers(2) as workers:
        yield workers


@pytest.fixture
def thread():
    """One thread: a serial sweep."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def results(folder, configs):
    """The results of finished runs, in order; None for one that has not finished."""
    records = [RunFolder(folder).load_run(run_key(config)) for config in configs]
    return [record and record["result"] for record in records]


def start(folder, n_runs, n_waiting):
    """A sweep as a command; the last of its runs wait until `let_end`."""
    command = [sys.executable, sweep_runs.__file__, n_runs, n_waiting]
    command += ["--workers", 2, "--out", folder]
    return subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def let_end(log):
    """Let waiting runs end."""
    (log / "gate").touch()


def finished(folder):
    """The files of finished runs."""
    return list((folder / "runs").glob("[!.]*.json"))


def wait_for(condition, seconds=600):
    """Wait until a condition holds; on the busiest machine it does long before."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_a_grid_is_every_combination():
    grid = {"a": [1, 2], "b": {"c": ["x", "y"], "d": None}}
    assert expand_grid(grid) == [
        {"a": a, "b": {"c": c, "d": None}} for a in (1, 2) for c in ("x", "y")
    ]
    assert expand_grid({}) == [{}]


def test_alternatives_may_be_grids():
    grid = {"model": [{"name": "q", "n": [1, 2]}, {"name": "ar"}], "seed": [0]}
    names = [config["model"] for config in expand_grid(grid)]
    assert names == [{"name": "q", "n": 1}, {"name": "q", "n": 2}, {"name": "ar"}]
    assert expand_grid([{"a": [1, 2]}, {"b": 3}]) == [{"a": 1}, {"a": 2}, {"b": 3}]
    assert expand_grid({"sizes": [[1, 2], [3]]}) == [{"sizes": [1, 2]}, {"sizes": [3]}]
    with pytest.raises(ValueError, match="list in a grid must hold a value"):
        expand_grid({"a": {"b": []}})


def test_a_key_is_of_the_content():
    key = run_key({"b": [1, 2.5], "a": {"y": None, "x": "é"}})
    assert key == run_key({"a": {"x": "é", "y": None}, "b": (1, 2.5)})
    text = '{"config":{"a":{"x":"\\u00e9","y":null},"b":[1,2.5]},"format_version":1}'
    digest = (
        "import hashlib, sys; print(hashlib.sha256(sys.argv[1].encode()).hexdigest())"
    )
    command = [sys.executable, "-c", digest, text]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert process.stdout.strip() == key
    assert len({run_key({"a": v}) for v in (1, 1.0, True, "1", [1])}) == 5


@pytest.mark.parametrize(
    "config, error, message",
    [
        ([1], TypeError, "must be a dict, but its type is list"),
        ({1: 2}, TypeError, "the key 1 is not a string"),
        ({"a": [{"b": {None: 2}}]}, TypeError, "the key None is not a string"),
        ({"a": float("nan")}, ValueError, "must be JSON with finite numbers"),
        ({"a": {1, 2}}, TypeError, "must be JSON.*set"),
    ],
)
def test_a_configuration_is_json(config, error, message, tmp_path, thread):
    with pytest.raises(error, match=message):
        run_key(config)
    with pytest.raises(error, match=message):
        run_sweep(logged, [config], tmp_path, thread)


@pytest.mark.parametrize("name", ["retries", "window"])
def test_counts_are_checked(name, tmp_path, thread):
    with pytest.raises(ValueError, match=f"`{name}.* must be at least"):
        run_sweep(logged, [], tmp_path, thread, **{name: -1})
    with pytest.raises(TypeError, match="must be an integer"):
        ProcessWorkers(1.5)


def test_a_second_start_skips_what_has_finished(tmp_path, thread):
    configs = logged_configs(tmp_path / "log", 6)
    assert run_sweep(logged, configs[:4], tmp_path, thread) == Tally(4, finished=4)
    tallies = []
    run_sweep(logged, configs, tmp_path, thread, callback=tallies.append)
    assert tallies[0] == Tally(6)
    assert tallies[-1] == Tally(6, skipped=4, finished=2)
    assert tallies[-1].left == 0
    assert counts(tmp_path / "log", "ended") == dict.fromkeys(range(6), 1)
    assert results(tmp_path, configs)[5] == {"name": 5, "square": 25}


def test_equal_configurations_are_one_run(tmp_path, thread):
    configs = logged_configs(tmp_path / "log", 2)
    turned = dict(reversed(configs[0].items()))
    tally = run_sweep(logged, [*configs, turned], tmp_path, thread)
    assert (tally.finished, tally.skipped) == (2, 1)
    assert counts(tmp_path / "log", "begun") == {0: 1, 1: 1}


def test_a_run_file_holds_everything(tmp_path, thread):
    (config,) = logged_configs(tmp_path / "log", 1)
    run_sweep(logged, [config], tmp_path, thread)
    (path,) = (tmp_path / "runs").iterdir()
    assert path.name == f"{run_key(config)}.json"
    record = json.loads(path.read_text())
    assert record["config"] == config
    assert record["result"] == {"name": 0, "square": 0}
    assert (record["kind"], record["format_version"]) == ("qlstm-run", 1)
    assert record["attempt"] == 1 and record["seconds"] >= 0
    assert set(record["versions"]) == {"python", "qlstm", "numpy", "scipy"}


def cut(path, others):
    path.write_bytes(path.read_bytes()[:-20])


def empty(path, others):
    path.write_bytes(b"")


def change_a_digit(path, others):
    path.write_text(path.read_text().replace('"square": 4', '"square": 5'))


def swap(path, others):
    path.write_bytes(others[0].read_bytes())


def other_json(path, others):
    path.write_text("[1, 2]")


def no_text(path, others):
    path.write_bytes(b"\xff\xfe\x00")


def brackets(path, others):
    path.write_text("[" * 200_000)


def braces(path, others):
    path.write_text('{"config":' * 200_000)


def deep_but_readable(path, others):
    path.write_text('{"sha256": "", "a": ' + "[" * 900 + "]" * 900 + "}")


@pytest.mark.parametrize(
    "damage",
    [cut, empty, change_a_digit, swap, other_json, no_text]
    + [brackets, braces, deep_but_readable],
)
def test_a_damaged_file_is_done_again(damage, tmp_path, thread):
    configs = logged_configs(tmp_path / "log", 3)
    run_sweep(logged, configs, tmp_path, thread)
    before = results(tmp_path, configs)
    paths = [RunFolder(tmp_path).run_path(run_key(config)) for config in configs]
    damage(paths[2], paths)
    said = []
    tally = run_sweep(logged, configs, tmp_path, thread, say=said.append)
    assert tally == Tally(3, skipped=2, finished=1, damaged=1)
    assert len(said) == 1 and "is damaged" in said[0] and paths[2].name in said[0]
    assert results(tmp_path, configs) == before
    assert counts(tmp_path / "log", "ended") == {0: 1, 1: 1, 2: 2}


def test_what_a_killed_sweep_left_is_cleared(tmp_path, thread):
    (config,) = logged_configs(tmp_path / "log", 1)
    run_sweep(logged, [config], tmp_path, thread)
    files, key = RunFolder(tmp_path), run_key(config)
    left = []
    for path in (files.run_path(key), files.failure_path(key).with_suffix(".txt")):
        with atomic_path(path) as temporary:
            left.append(temporary)
    for path in left:  # as they were in the middle of the block
        path.write_text("{")
    run_sweep(logged, [], tmp_path, thread)
    assert not any(path.exists() for path in left)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [f"{key}.json"]


@pytest.mark.parametrize("random", ["0a1b2c3d", "a_z0q9xk"])
def test_the_names_of_half_written_runs(random, tmp_path):
    """Those of today, and those that 0.1.0 drew from more letters."""
    with atomic_path(tmp_path / f"{'0a' * 32}.json") as temporary:
        temporary.write_text("{")
    assert HALF_WRITTEN.fullmatch(temporary.name)
    assert HALF_WRITTEN.fullmatch(f".{'0a' * 32}-{random}.txt")


def test_a_folder_that_is_no_sweeps_is_left_as_it_is(tmp_path, thread):
    """Even a file that is named as a temporary one."""
    path = tmp_path / "runs" / f".{'0' * 64}-abcdefgh.json"
    path.parent.mkdir()
    path.write_text("{")
    run_sweep(logged, [], tmp_path, thread)
    assert path.read_text() == "{"


def test_a_failing_run_is_recorded_and_the_others_go_on(tmp_path, processes):
    configs = logged_configs(tmp_path / "log", 4)
    configs[1]["error"] = "two\nlines"
    said = []
    tally = run_sweep(logged, configs, tmp_path, processes, say=said.append)
    assert tally == Tally(4, finished=3, failed=1)
    key, files = run_key(configs[1]), RunFolder(tmp_path)
    assert said == [f"Run {key} failed: ValueError: two lines"]
    record = files.load_failure(key)
    assert record["error"] == "ValueError: two lines"
    assert (record["config"], record["attempt"]) == (configs[1], 1)
    trace = files.failure_path(key).with_suffix(".txt").read_text()
    assert (
        trace.startswith("Traceback") and 'raise ValueError(config["error"])' in trace
    )
    assert files.load_run(key) is None
    assert counts(tmp_path / "log", "begun") == dict.fromkeys(range(4), 1)


def test_a_failed_run_is_tried_again_at_the_next_start(tmp_path, thread):
    attempts = []

    def run(config):
        attempts.append(config)
        if len(attempts) == 1:
            raise OSError("the disk is full")
        return {}

    assert run_sweep(run, [{"x": 1}], tmp_path, thread, say=len).failed == 1
    assert run_sweep(run, [{"x": 1}], tmp_path, thread).finished == 1
    assert len(attempts) == 2
    assert not list((tmp_path / "failed").iterdir())


@pytest.mark.parametrize(
    "name, error",
    [
        ("leave", "SystemExit: enough"),
        ("not_a_dict", "TypeError: A run must return a dict, but its type is int."),
        ("not_finite", "ValueError: Out of range float values"),
    ],
)
def test_what_a_run_must_not_do_is_its_failure(name, error, tmp_path, processes):
    run = getattr(sweep_runs, name)
    said = []
    tally = run_sweep(run, [{}, {"x": 1}], tmp_path, processes, say=said.append)
    assert tally.failed == 2
    assert error in said[0]


def test_warnings_are_kept_with_the_run(tmp_path, processes, capfd):
    run_sweep(sweep_runs.warn, [{"x": 0}, {"x": 1}], tmp_path, processes)
    for x in (0, 1):
        record = RunFolder(tmp_path).load_run(run_key({"x": x}))
        assert record["warnings"] == ["UserWarning: careful"]
    assert capfd.readouterr().err == ""


def test_a_run_that_leaves_does_not_take_the_worker_along():
    assert attempt_run(sweep_runs.leave, "{}", [])["error"] == "SystemExit: enough"


def test_a_run_that_does_not_pickle_fails(tmp_path, processes):
    said = []
    run_sweep(lambda config: {}, [{}], tmp_path, processes, say=said.append)
    assert "pickle" in said[0]


def test_a_run_may_change_its_configuration(tmp_path, thread):
    def run(config):
        config["model"]["name"] = "other"
        return {}

    config = {"model": {"name": "mine"}}
    run_sweep(run, [config], tmp_path, thread)
    assert RunFolder(tmp_path).load_run(run_key(config))["config"] == config


@posix
def test_a_dead_worker_costs_its_own_run_only(tmp_path, processes):
    configs = logged_configs(tmp_path / "log", 8, seconds=0.05)
    configs[2]["deaths"] = 1
    said = []
    tally = run_sweep(logged, configs, tmp_path, processes, say=said.append)
    assert tally == Tally(8, finished=8, deaths=1)
    once = dict.fromkeys(range(8), 1)
    assert counts(tmp_path / "log", "begun") == once | {2: 2}
    assert counts(tmp_path / "log", "ended") == once
    files = RunFolder(tmp_path)
    attempts = [files.load_run(run_key(config))["attempt"] for config in configs]
    assert attempts == [1, 1, 2, 1, 1, 1, 1, 1]
    assert said == [
        f"The worker died in run {run_key(configs[2])}, which is done again."
    ]


@posix
def test_a_run_that_always_kills_is_given_up(tmp_path, processes):
    configs = logged_configs(tmp_path / "log", 3)
    configs[1]["deaths"] = 100
    tally = run_sweep(logged, configs, tmp_path, processes, retries=1, say=len)
    assert tally == Tally(3, finished=2, failed=1, deaths=2)
    assert counts(tmp_path / "log", "begun") == {0: 1, 1: 2, 2: 1}
    record = RunFolder(tmp_path).load_failure(run_key(configs[1]))
    assert record["error"] == "the worker died in each of 2 attempts"
    assert record["attempt"] == 2


@posix
def test_a_worker_that_dies_at_rest_costs_nothing(tmp_path):
    with ProcessWorkers(1) as workers:
        run_sweep(sweep_runs.environment, [{}], tmp_path, workers)
        (result,) = results(tmp_path, [{}])
        os.kill(result["pid"], signal.SIGKILL)
        wait_for(lambda: next(iter(workers._pools))._broken)
        tally = run_sweep(sweep_runs.environment, [{"x": 1}], tmp_path, workers)
    assert tally == Tally(1, finished=1)
    assert results(tmp_path, [{"x": 1}])[0]["pid"] != result["pid"]


def test_an_error_does_not_wait_for_what_is_running(tmp_path):
    (config,) = logged_configs(tmp_path / "log", 1, waits=True)
    with pytest.raises(KeyboardInterrupt), ProcessWorkers(1) as workers:
        future = workers.submit(logged, config)
        wait_for(lambda: counts(tmp_path / "log", "begun"))
        raise KeyboardInterrupt
    assert isinstance(future.exception(), BrokenExecutor)


def test_a_worker_uses_one_thread(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with ProcessWorkers(1) as workers:
        run_sweep(sweep_runs.environment, [{}], tmp_path, workers)
    assert results(tmp_path, [{}])[0]["threads"] == "1"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


RULE = """
from qlstm.memory import Reset
from qlstm.registry import register_memory

class Forgetful(Reset):
    pass

register_memory("forgetful", Forgetful())
"""


@pytest.fixture
def rule_file(tmp_path, monkeypatch):
    """A file of the user's own, imported here, which registers a memory rule."""
    path = tmp_path / "forgetful_rule.py"
    path.write_text(RULE)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module(path.stem)
    yield path
    del RULES["forgetful"], sys.modules[path.stem]


def test_a_worker_finds_a_memory_rule_of_the_users_own(rule_file, tmp_path, processes):
    configs = [{"memory": "forgetful", "seed": k} for k in range(2)]
    run_sweep(sweep_runs.knows_rule, configs, tmp_path / "out", processes)
    for result in results(tmp_path / "out", configs):
        assert result["known"] and result["pid"] != os.getpid()


def test_a_rule_that_a_worker_cannot_find_is_named(rule_file, tmp_path):
    rules, files = [("gone", "my.rules", "/no/such.py")], RunFolder(tmp_path / "out")
    with ProcessWorkers(1) as workers:
        record = workers.submit(attempt_run, sweep_runs.warn, "{}", rules).result()
    assert all(word in record["error"] for word in ("'gone'", "my.rules", "such.py"))
    rule_file.unlink()
    config = {"memory": "forgetful"}
    with ProcessWorkers(1) as workers:
        run_sweep(sweep_runs.knows_rule, [config], files.folder, workers, say=len)
    failure = files.load(config)
    assert "'forgetful'" in failure["error"] and str(rule_file) in failure["error"]


def test_workers_that_cannot_start_end_the_sweep(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from qlstm.sweeps import run_sweep\n"
        "from sweep_runs import environment\n"
        f"run_sweep(environment, [{{}}], {str(tmp_path / 'out')!r})\n"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    process = subprocess.run(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    last = process.stderr.splitlines()[-1]
    assert "must be able to start" in last and "__main__" in last


def test_few_runs_are_submitted_at_a_time(tmp_path, thread):
    taken = []

    def configs():
        for k in range(30):
            taken.append(k)
            yield {"k": k}

    waiting = []
    tally = run_sweep(
        lambda config: {},
        configs(),
        tmp_path,
        thread,
        window=6,
        callback=lambda tally: waiting.append(len(taken) - tally.finished),
    )
    assert tally.finished == 30
    assert max(waiting) <= 6


class DeafExecutor(Executor):
    """Cancels what it is given, as a client does when its scheduler is gone."""

    def submit(self, fn, /, *args):
        future = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_an_executor_that_cancels_ends_the_sweep(tmp_path):
    with pytest.raises(ExecutorError, match="is its scheduler gone"):
        run_sweep(logged, [{}], tmp_path, DeafExecutor())


@posix
def test_a_pool_that_breaks_ends_the_sweep(tmp_path):
    configs = logged_configs(tmp_path / "log", 2, deaths=1)
    del configs[1]["deaths"]
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, context) as pool,
        pytest.raises(ExecutorError, match="must survive its workers, but is broken"),
    ):
        run_sweep(logged, configs, tmp_path, pool, say=len)
    with ThreadPoolExecutor(1) as thread:
        tally = run_sweep(logged, configs[1:], tmp_path, thread)
    assert tally.finished + tally.skipped == 1


def test_a_folder_is_for_one_sweep_at_a_time(tmp_path, thread):
    with (
        RunFolder(tmp_path).locked(),
        pytest.raises(BlockingIOError, match="one sweep at a time"),
    ):
        run_sweep(logged, [], tmp_path, thread)
    run_sweep(logged, logged_configs(tmp_path / "log", 1), tmp_path, thread)
    assert (tmp_path / "lock").exists()


def test_a_sweep_without_a_run_leaves_nothing(tmp_path, thread):
    out = tmp_path / "new" / "sweep"
    run_sweep(logged, [], out, thread)
    assert not out.parent.exists()
    out.mkdir(parents=True)
    (out / "mine").touch()
    run_sweep(logged, [], out, thread)
    assert sorted(path.name for path in out.iterdir()) == ["lock", "mine"]


@posix
def test_a_sweep_that_is_killed_goes_on(tmp_path, thread):
    n, log = 12, tmp_path / "log"
    configs = waiting_configs(log, n, 6)
    process = start(tmp_path, n, 6)
    wait_for(lambda: len(counts(log, "begun")) == 8 and len(finished(tmp_path)) == 6)
    with pytest.raises(BlockingIOError, match="another one holds its lock"):
        run_sweep(logged, configs, tmp_path, thread)
    process.kill()
    process.communicate()  # the pipe closes when the last worker has ended
    assert [result is not None for result in results(tmp_path, configs)] == (
        [True] * 6 + [False] * 6
    )
    let_end(log)
    again = start(tmp_path, n, 6)
    out, err = again.communicate()
    assert (again.returncode, err) == (0, "")
    assert out.splitlines()[1].startswith("6 finished, 0 failed, 6 skipped ")
    assert all(results(tmp_path, configs))
    begun = counts(log, "begun")  # each of two workers had one run in hand
    assert begun == dict.fromkeys(range(n), 1) | {6: 2, 7: 2}
    assert not list(tmp_path.glob("*/.*"))


@posix
def test_ctrl_c_while_workers_start_shows_no_tracebacks(tmp_path):
    """The worker is held in its imports, until Ctrl-C has reached every process."""
    script = (
        "import os, signal, time\n"
        "from qlstm.sweeps.workers import ProcessWorkers\n"
        "def stop(number, frame):\n"
        "    open('go', 'w').close()\n"
        "    raise KeyboardInterrupt\n"
        "if __name__ == '__mp_main__':\n"
        "    open('here', 'w').close()\n"
        "    open('go').close()\n"
        "if __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, stop)\n"
        "    with ProcessWorkers(1) as workers:\n"
        "        workers.submit(time.sleep, 0)\n"
        "        open('here').close()\n"
        "        os.killpg(0, signal.SIGINT)\n"
        "        time.sleep(600)\n"
    )
    (tmp_path / "script.py").write_text(script)
    for name in ("here", "go"):
        os.mkfifo(tmp_path / name)  # who opens one waits for the other end
    process = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.stderr.count("Traceback") == 1  # the script's own
    assert process.stderr.endswith("KeyboardInterrupt\n")


@posix
@pytest.mark.parametrize(
    "number, word", [(signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupted")]
)
def test_a_signal_stops_cleanly(number, word, tmp_path):
    """With workers at work, all of which end."""
    process = start(tmp_path, 6, 5)
    wait_for(lambda: len(counts(tmp_path / "log", "begun")) == 3)
    wait_for(lambda: finished(tmp_path))
    process.send_signal(number)
    _, err = process.communicate()  # the pipe closes when the last worker has ended
    assert (process.returncode, err) == (128 + number, f"\n{word}\n")
    (path,) = (tmp_path / "runs").iterdir()
    assert json.loads(path.read_text())["key"] == path.stem
    assert set(counts(tmp_path / "log", "ended")) == {0}


@posix
def test_workers_end_with_a_killed_parent(tmp_path):
    process = start(tmp_path, 2, 2)
    wait_for(lambda: len(counts(tmp_path / "log", "begun")) == 2)
    process.kill()
    process.communicate()
    assert not counts(tmp_path / "log", "ended")


def test_processes_give_what_a_serial_sweep_gives(tmp_path, thread, processes):
    configs = logged_configs(tmp_path / "log", 10)
    run_sweep(logged, configs, tmp_path / "serial", thread)
    run_sweep(logged, configs, tmp_path / "parallel", processes)
    assert results(tmp_path / "serial", configs) == results(
        tmp_path / "parallel", configs
    )


def test_without_distributed_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ImportError, match=r"qlstm\[distributed\]"),
        dask_workers("tcp://127.0.0.1:9"),
    ):
        pass
