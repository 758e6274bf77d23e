"""What lies in the folder that a command writes to stays, whatever the command.

`test_memory_experiment` and `test_entangling_power` have their own. `crosscheck` writes
the one file that it is given, as `test_files` has it.
"""

import numpy as np
import pytest
from neighbours import HALF_WRITTEN, contents, fill
from test_benchmark_models import run_here
from test_experiments import SMALL

TINY = ["--seeds", "1", "--epochs", "1"]
ONE = ["--rotation", "RX", "--memory", "collapse", "--epochs", "1", *SMALL]
SWEEPS = {
    "sweep": ["--models", "ar", "--seeds", "1"],
    "ablation": TINY,
    "benchmark_models": TINY,
    "reproduction": ["--quick", *TINY],
}
OTHERS = {
    "sine": ONE,
    "weather": ["--csv", "{}", *ONE],
    "gradients": ["--steps", "1", "--draws", "1", *SMALL],
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A command in this process."""
    path, day = tmp_path / "days.csv", np.datetime64("2024-05-10")
    lines = [f"{day + k},{10 + k % 7}.5" for k in range(40)]
    path.write_text("\n".join(["date,tavg", *lines]))

    def command(name, folder):
        options = [option.format(path) for option in (SWEEPS | OTHERS)[name]]
        workers = ["--workers", "1"] if name in SWEEPS else []
        run_here(monkeypatch, name, *options, "--out", folder, workers=workers)

    return command


@pytest.mark.filterwarnings("ignore:.*targets cannot be met")
@pytest.mark.parametrize("command", SWEEPS | OTHERS)
def test_a_users_files_survive(command, run, tmp_path):
    """In a folder that is not yet a sweep's, and in one that is."""
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    inside, behind = fill(folder, outside)
    for _ in range(2 if command in SWEEPS else 1):
        run(command, folder)
        assert contents(folder).items() > inside.items()
        assert contents(outside) == behind


def test_a_folder_of_runs_that_is_a_link_is_not_cleared(run, tmp_path):
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / HALF_WRITTEN).write_text("another sweep is writing this")
    (folder / "runs").symlink_to(outside, target_is_directory=True)
    for _ in range(2):
        run("sweep", folder)
        assert (outside / HALF_WRITTEN).read_text() == "another sweep is writing this"
    assert len(list(outside.iterdir())) == 2  # the run's own file is there, too
