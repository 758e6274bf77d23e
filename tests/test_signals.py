"""Ctrl-C and SIGTERM end every command, whatever it does: one line, a status, no rest."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checkpointed import main
from test_experiments import run_here

from qlstm import load_model
from qlstm.commands import Parser, run_main
from qlstm.files import atomic_path, write_text

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = [p.stem for p in sorted((ROOT / "experiments").glob("[!_]*.py"))]
COMMANDS += [p.parent.name for p in sorted(ROOT.glob("experiments/*/__main__.py"))]
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
each_signal = pytest.mark.parametrize("number", WORDS, ids=lambda n: n.name)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_signal_during_imports(command, tmp_path):
    """A NumPy that says when it is imported, and then never ends being so."""
    (tmp_path / "numpy.py").write_text(
        "import time\nprint('importing', flush=True)\nwhile True: time.sleep(1)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    for number, word in WORDS.items():
        process = subprocess.Popen(
            [sys.executable, "-m", f"experiments.{command}"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "importing\n"
        process.send_signal(number)
        _, error = process.communicate()
        assert (process.returncode, error) == (128 + number, f"\n{word}\n")


def test_nothing_is_a_command_that_is_only_imported():
    """The experiments are imported here, and Python's own handlers are there."""
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def run(monkeypatch, main):
    """A command of the user's own, in this process: its exit status."""
    monkeypatch.setattr("sys.argv", ["mine"])
    with pytest.raises(SystemExit) as status:
        run_main(main, Parser(None, "", prog="mine"))
    return status.value.code


@each_signal
def test_a_signal_at_work(number, monkeypatch, capsys):
    """What stands in `finally` is done, and the handlers are as they were."""
    done = []

    def main(args):
        try:
            exec(f"os.kill({os.getpid()}, {int(number)})", {"os": os})  # noqa: S102
        finally:
            done.append(signal.getsignal(number))

    before = signal.getsignal(number)
    assert run(monkeypatch, main) == 128 + number
    assert capsys.readouterr() == ("", f"\n{WORDS[number]}\n")
    assert done == [before]  # a second signal does not wait
    assert signal.getsignal(number) == before


def test_what_is_ignored_stays_ignored(monkeypatch):
    """As under nohup, or in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        status = run(monkeypatch, lambda args: os.kill(os.getpid(), signal.SIGINT) or 3)
    finally:
        signal.signal(signal.SIGINT, before)
    assert status == 3


@each_signal
@pytest.mark.parametrize("experiment", ["sine", "memory", "gradients"])
def test_a_signal_before_anything_is_written(
    experiment, number, tmp_path, monkeypatch, capsys
):
    """In a first epoch: no folder is left."""

    def draw(*args, **kwargs):
        os.kill(os.getpid(), number)
        return np.zeros(())

    for name in ("commands.forecasts.forecast_with", "init_params"):
        monkeypatch.setattr(f"qlstm.{name}", draw)
    monkeypatch.setattr("experiments.memory.runs.init_params", draw)
    with pytest.raises(SystemExit) as status:
        run_here(experiment, monkeypatch, "--out", tmp_path / "new" / "out")
    assert status.value.code == 128 + number
    assert capsys.readouterr().err == f"\n{WORDS[number]}\n"
    assert list(tmp_path.iterdir()) == []


def stop_training(folder, epoch, number):
    """The training that saves its state, stopped after an epoch."""
    script, options = ROOT / "tests" / "checkpointed.py", ["--pause-after", str(epoch)]
    process = subprocess.Popen(
        [sys.executable, script, folder, "6", *options],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.stdout.readline() != f"{epoch}\n":
        pass
    process.send_signal(number)
    _, error = process.communicate()
    return process.returncode, error


def test_a_stopped_training_goes_on_to_the_same_bits(tmp_path):
    def train(folder):
        main(argparse.Namespace(folder=folder, epochs=6, pause_after=None))

    folder = tmp_path / "stopped"
    assert stop_training(folder, 0, signal.SIGINT) == (130, "\ninterrupted\n")
    assert not folder.exists()
    assert stop_training(folder, 2, signal.SIGTERM) == (143, "\nterminated\n")
    assert stop_training(folder, 4, signal.SIGKILL) == (-signal.SIGKILL, "")
    for place in (folder, tmp_path / "whole"):
        train(place)
    expected, _ = load_model(tmp_path / "whole" / "model.npz")
    for one, other in zip(load_model(folder / "model.npz")[0], expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert sorted(path.name for path in folder.iterdir()) == ["model.npz", "state.npz"]


def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path):
    path = tmp_path / "state.npz"
    with atomic_path(path) as temporary:
        left = temporary
    left.write_text("half")
    with atomic_path(path) as first, atomic_path(path) as second:
        assert first == left and first.read_text() == ""
        assert second != first  # it is being written
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert [found.name for found in tmp_path.iterdir()] == ["state.npz"]


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_only_has_the_name_of_a_temporary_file_stays(kind, tmp_path):
    path, other = tmp_path / "a.txt", tmp_path / "other"
    other.write_text("mine")
    with atomic_path(path) as temporary:
        pass
    path.unlink(missing_ok=True)
    if kind == "link":
        temporary.symlink_to(other)
    elif kind == "folder":
        temporary.mkdir()
    else:
        os.mkfifo(temporary)
    write_text(path, "text")
    assert path.read_text() == "text" and other.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3
