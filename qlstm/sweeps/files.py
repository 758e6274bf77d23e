"""The folder of a sweep: one JSON file a run, written whole, and a lock."""

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from qlstm.files import (
    parse_json,
    passing_folder,
    sha256_of_json,
    write_json,
    write_text,
)

FORMAT_VERSION = 1
FINISHED, FAILED = "qlstm-run", "qlstm-failed-run"
HALF_WRITTEN = re.compile(r"\.[0-9a-f]{64}-[a-z0-9_]{8}\.(json|txt)")
"""Names of the temporary files that `atomic_path` makes for a run, and 0.1.0's made."""

Record = dict[str, Any]


class DamagedRunError(ValueError):
    """A run file that is cut short or is not what was written."""


def run_key(config: dict[str, Any]) -> str:
    """The name of a run: the sha256 of its configuration's canonical JSON.

    The order of the keys makes no difference; 1 and 1.0 are two values. A ``path``
    beside a ``sha256`` says where a file is, not what it is, and is left out: a file
    may move.

    Args:
        config: The configuration.

    Returns:
        64 hexadecimal digits.

    Raises:
        TypeError: If the configuration is not a dict, or is not JSON.
        ValueError: If a number in it is not finite.

    Example:
        >>> run_key({"a": 1, "b": 2}) == run_key({"b": 2, "a": 1})
        True
    """
    if not isinstance(config, dict):
        raise TypeError(
            f"A configuration must be a dict, but its type is {type(config).__name__}."
        )
    return _key(_without_places(config))


def _key(config: dict[str, Any]) -> str:
    """The key of a configuration as it stands: what 0.1.0 called a run."""
    try:
        return sha256_of_json({"format_version": FORMAT_VERSION, "config": config})
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"A configuration must be JSON with finite numbers, but is not: {error}"
        ) from None


def _keys(config: dict[str, Any]) -> list[str]:
    """The key of a run, and the one that 0.1.0 gave it if that is another."""
    return list(dict.fromkeys((run_key(config), _key(config))))


def _without_places(value: Any) -> Any:
    """A configuration without the paths of files whose digest it holds."""
    if isinstance(value, (list, tuple)):
        return [_without_places(part) for part in value]
    if not isinstance(value, dict):
        return value
    placed = "sha256" in value
    return {
        name: _without_places(part)
        for name, part in value.items()
        if not (placed and name == "path")
    }


class RunFolder:
    """Where the runs of a sweep are kept.

    `runs/` holds a file for each finished run, `failed/` the error and the traceback
    of each run that failed.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        """Name the folder; nothing is made yet."""
        self.folder = Path(folder)

    def run_path(self, key: str) -> Path:
        """The file of a finished run."""
        return self.folder / "runs" / f"{key}.json"

    def failure_path(self, key: str) -> Path:
        """The file of a failed run; its traceback lies beside it, as ``.txt``."""
        return self.folder / "failed" / f"{key}.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process, and clear what a killed one left.

        The operating system lets go of the lock when its process ends, however it
        ends. The file ``lock`` stays: it says that the folder is a sweep's. Where there
        was none, nothing is cleared, and a new folder where no run ended goes again.

        Raises:
            BlockingIOError: If another process holds it.
        """
        lock = self.folder / "lock"
        with passing_folder(self.folder):
            is_a_sweeps = lock.is_file()
            with open(lock, "a+", encoding="utf-8") as file:
                self._take(file)
                if is_a_sweeps:
                    self._clear_half_written()
                try:
                    yield
                finally:
                    if not is_a_sweeps and os.listdir(self.folder) == ["lock"]:
                        lock.unlink()

    def _take(self, file: IO) -> None:
        """Take the lock or say who may have it."""
        try:
            _lock(file)
            if not os.path.samestat(os.fstat(file.fileno()), os.stat(file.name)):
                raise FileNotFoundError(errno.ENOENT, "it is being taken away")
        except OSError as error:
            raise BlockingIOError(
                f"Folder {self.folder} must be used by one sweep at a time, but "
                f"another one holds its lock ({error.strerror})."
            ) from None

    def _clear_half_written(self) -> None:
        """Unlink this sweep's own temporary files, and nothing else.

        They are regular files, named as `atomic_path` names those of `run_path` and
        `failure_path`, in these two folders; links are not followed. While the lock is
        held, nobody is writing one.
        """
        for folder in (self.run_path("").parent, self.failure_path("").parent):
            if folder.is_symlink() or not folder.is_dir():
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    if HALF_WRITTEN.fullmatch(entry.name) and entry.is_file(
                        follow_symlinks=False
                    ):
                        os.unlink(entry)

    def load(self, config: dict[str, Any]) -> Record | None:
        """The record of a run, with `result` or `error`; None if there is none.

        Raises:
            DamagedRunError: If its file is not what was written.
        """
        return self.load_finished(config) or self._load(config, self.load_failure)

    def load_finished(self, config: dict[str, Any]) -> Record | None:
        """The record of a run that has finished; None if it has not.

        Raises:
            DamagedRunError: If its file is not what was written.
        """
        return self._load(config, self.load_run)

    def _load(
        self, config: dict[str, Any], load: Callable[[str], Record | None]
    ) -> Record | None:
        """A record under the run's key, or under the one that 0.1.0 gave it."""
        return next(filter(None, map(load, _keys(config))), None)

    def load_run(self, key: str) -> Record | None:
        """The record of a finished run; None if it has not finished.

        Raises:
            DamagedRunError: If its file is not what was written.
        """
        return _load(self.run_path(key), key, FINISHED)

    def load_failure(self, key: str) -> Record | None:
        """The record of a failed run; None if it has not failed.

        Raises:
            DamagedRunError: If its file is not what was written.
        """
        return _load(self.failure_path(key), key, FAILED)

    def save_run(self, key: str, record: Record) -> None:
        """Write a finished run, and forget that it failed before."""
        _save(self.run_path(key), key, FINISHED, record)
        self.failure_path(key).unlink(missing_ok=True)
        self.failure_path(key).with_suffix(".txt").unlink(missing_ok=True)

    def save_failure(self, key: str, record: Record, traceback: str) -> None:
        """Write a failed run and its traceback."""
        path = self.failure_path(key)
        write_text(path.with_suffix(".txt"), traceback)
        _save(path, key, FAILED, record)


def _save(path: Path, key: str, kind: str, record: Record) -> None:
    """Write a record with its kind, its version and the digest of it all."""
    record = {"kind": kind, "format_version": FORMAT_VERSION, "key": key} | record
    write_json(path, record | {"sha256": sha256_of_json(record)})


def _load(path: Path, key: str, kind: str) -> Record | None:
    """Read a record and compare its digest, kind and key."""
    try:
        record = parse_json(path.read_text(encoding="utf-8"))
        digest = record.pop("sha256")
        whole = digest == sha256_of_json(record)
        expected = record["kind"] == kind and record["key"] == key
        if not (whole and expected and key in _keys(record["config"])):
            raise ValueError("its digest or its key is another")
    except FileNotFoundError:
        return None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DamagedRunError(
            f"Run file {path} must be as it was written, but is damaged ({reason})."
        ) from error
    return record


def _lock(file: IO) -> None:
    """Take the operating system's lock on an open file, or raise OSError at once."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
