"""Kill commands at random moments, and see what is left and what comes of going on.

`python -m tests.kills 20` stops each of four commands 20 times by each of three signals:
a training that saves its state, a sweep, an ablation, which goes on where it was, and
`entangling_power`, which begins anew. Beyond SIGKILL a command must say one line and end
with its status; nothing may run on; and started again, each must come to the bits of a
run that was never stopped. A command that has ended by itself before its moment does not
count: it is begun again. The moments are the only thing here that depends on time.
"""

import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGKILL: ""}
CLOCKED = {"seconds", "sha256", "attempt", "text"}
"""Keys of JSON that differ from run to run."""
OPTIONS = {
    "sweep": "--models quantum:RY:mixed,ar --epochs 8 --seeds 8 --workers 2",
    "ablation": "--quick --workers 2",
    "entangling_power": "--quick --starts 1 --draws 1",
}
COMMANDS = ["training", *OPTIONS]


def start(name, folder):
    """A command in a session of its own."""
    if name == "training":
        command = ["tests/checkpointed.py", folder, "60"]
    else:
        command = ["-m", f"experiments.{name}", *OPTIONS[name].split(), "--out", folder]
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_handler(process):
    """Wait until a process has a handler of SIGTERM: Python has found the command."""
    status = Path(f"/proc/{process.pid}/status")
    while status.exists() and process.poll() is None:
        caught = next(x for x in status.read_text().splitlines() if "SigCgt" in x)
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.001)


def timeless(content):
    """JSON without what the clock says."""
    if isinstance(content, dict):
        return {k: timeless(v) for k, v in content.items() if k not in CLOCKED}
    return [timeless(v) for v in content] if isinstance(content, list) else content


def outcome(folder):
    """What a command came to: models to the bit, JSON without the clock."""
    found = {}
    for path in folder.rglob("*"):
        if path.name == "model.npz":
            found[path.name] = path.read_bytes()
        elif path.suffix == ".json" and not path.name.startswith("."):
            found[path.name] = timeless(json.loads(path.read_text()))
    return found


def runs_on(process, patience=60.0):
    """Whether anything of the process's session is left; a worker may still be ending."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    return True


def leftovers(folder):
    """Temporary files and empty folders."""
    if not folder.exists():
        return []
    every = [folder, *folder.rglob("*")]
    hidden = [path for path in every if path.name.startswith(".")]
    return hidden + [p for p in every if p.is_dir() and not any(p.iterdir())]


def stop(name, number, moment, folder):
    """Stop a command after `moment` seconds; what is wrong then, None if it had ended."""
    process = start(name, folder)
    wait_for_handler(process)
    try:
        _, err = process.communicate(timeout=moment)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        _, err = process.communicate()
    if process.returncode == 0 and not err:
        return None
    wrong = []
    said = f"\n{WORDS[number]}\n" if WORDS[number] else ""
    status = -number if number == signal.SIGKILL else 128 + number
    if process.returncode != status:
        wrong.append(f"status {process.returncode}")
    # what tidies up after a killed Python with workers says that it does
    if err != said if said else "Traceback" in err:
        wrong.append(f"said {err!r}")
    if runs_on(process):
        wrong.append("something runs on")
    if left := leftovers(folder):
        names = sorted({path.suffix or "folder" for path in left})
        wrong.append(f"left {len(left)} of {names}")
    return wrong


def go_on(name, folder, reference):
    """Start a command again; what is wrong then, in words, and the seconds it worked."""
    process = start(name, folder)
    wait_for_handler(process)
    begun = time.monotonic()
    _, err = process.communicate()
    seconds = time.monotonic() - begun
    wrong = []
    if process.returncode != 0 or err:
        wrong.append(f"going on: status {process.returncode}, {err!r}")
    if outcome(folder) != reference:
        wrong.append("going on: other numbers")
    if left := leftovers(folder):
        wrong.append(f"going on: left {len(left)}")
    return wrong, seconds


def main():
    """Stop every command, and count what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("times", type=int, help="moments for each signal and command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS)
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # even under nohup
    draw = random.Random(args.seed)
    for name in args.commands:
        with tempfile.TemporaryDirectory() as work:
            whole, folder = Path(work, "whole"), Path(work, "folder", "out")
            first, seconds = go_on(name, whole, None)
            reference = outcome(whole)
            assert first == ["going on: other numbers"] and reference, first
            for number in WORDS:
                found, stopped = collections.Counter(), 0
                while stopped < args.times:
                    wrong = stop(name, number, draw.uniform(0, seconds), folder)
                    if wrong is not None:
                        stopped += 1
                        wrong += go_on(name, folder, reference)[0]
                        found.update(wrong or ["right"])
                    shutil.rmtree(folder.parent, ignore_errors=True)
                counts = ", ".join(f"{n} {word}" for word, n in found.most_common())
                print(f"{name} {number.name}: {counts}", flush=True)


if __name__ == "__main__":
    main()
