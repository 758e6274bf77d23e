"""What lies beside a sweep's own files in its folder stays, whatever the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    "sweep": ["--models", "ar", "--seeds", "1"],
    "ablation": ["--quick"],
    "benchmark_models": ["--quick"],
    "reproduction": ["--quick"],
}
HALF_WRITTEN = f".{'0a' * 32}-abcd_123.json"
"""A name as a sweep's own temporary files have."""
NEIGHBOURS = [
    ".env",
    ".gitignore",
    ".config/.token",
    ".git/.keep",
    "proj/.env",
    "proj/.gitignore",
    "proj/.config/.token",
    "proj/.git/HEAD",
    "runs.old/.env",
    "runs/.notes",
    "runs/.abc-12345678.json",
    f"runs/deeper/{HALF_WRITTEN}",
    f"proj/{HALF_WRITTEN}",
    f"failed/x{HALF_WRITTEN}",
    f"{HALF_WRITTEN}",
]


def contents(folder):
    """Every file below a folder, links and what they name included."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def fill(folder, outside):
    """Put a user's files and links into a folder, and files behind the links."""
    for name in NEIGHBOURS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    for name in (".env", HALF_WRITTEN):
        (outside / name).write_text("not in the folder", encoding="utf-8")
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "runs" / HALF_WRITTEN).symlink_to(outside / ".env")
    (folder / "failed" / f"{HALF_WRITTEN[:-5]}.txt").mkdir()
    return contents(folder), contents(outside)


def run(command, folder):
    """One of the commands that make sweeps, as a process."""
    module = f"experiments.{command}"
    options = [*COMMANDS[command], "--workers", "1", "--out", str(folder)]
    process = subprocess.run(
        [sys.executable, "-m", module, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_users_files_survive(command, tmp_path):
    """In a folder that is not yet a sweep's, and in one that is."""
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    inside, behind = fill(folder, outside)
    for _ in range(2):
        run(command, folder)
        assert contents(folder).items() >= inside.items()
        assert contents(outside) == behind


def test_a_folder_of_runs_that_is_a_link_is_not_cleared(tmp_path):
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / HALF_WRITTEN).write_text("another sweep is writing this")
    (folder / "runs").symlink_to(outside, target_is_directory=True)
    for _ in range(2):
        run("sweep", folder)
        assert (outside / HALF_WRITTEN).read_text() == "another sweep is writing this"
    assert len(list(outside.iterdir())) == 2  # the run's own file is there, too
