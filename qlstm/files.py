"""Files: written whole or not at all, their digests, and what they were made with."""

import errno
import functools
import hashlib
import json
import os
import platform
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "atomic_path",
    "canonical_json",
    "check_target",
    "check_target_folder",
    "parse_json",
    "sha256_of_file",
    "sha256_of_json",
    "versions",
    "write_json",
    "write_text",
]

PACKAGES = ("qlstm", "numpy", "scipy", "pandas", "matplotlib")
"""What the result of an experiment depends on."""
PROBE = 65536
"""Bytes that a folder must take to count as one that can be written to."""
MAX_DEPTH = 200
"""Most levels of dicts and lists in JSON that has a digest."""


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it when the block ends well.

    A run that is killed inside the block leaves what was there before. A file that is
    replaced keeps its rights, and its owner if the process may give it; a new one gets
    the usual ones. A link stays, and what it names is replaced.

    Args:
        path: The file to write; missing folders are made.

    Yields:
        The temporary path, with the same suffix, if that has at most 16 bytes.

    Raises:
        OSError: Before the block begins, if there is a folder or a device at `path`, or
            the file or its folder cannot be written.
    """
    path = Path(os.path.realpath(path) if os.path.islink(path) else path)
    path.parent.mkdir(parents=True, exist_ok=True)
    old = _old_file(path)
    temporary = path.with_name(_temporary_name(path))
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    try:  # the system applies the umask; a file that was secret is so from the start
        handle = os.open(temporary, flags, 0o666 if old is None else 0o600)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None
    os.close(handle)
    try:
        yield temporary
        if old is not None:
            _give_rights(temporary, old)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_target(path: str | os.PathLike) -> None:
    """Say now, by trying, what `atomic_path` would say after the work.

    Nothing is left behind, and a folder that is missing is not made.

    Args:
        path: A file that will be written; its folder may be missing.

    Raises:
        OSError: If it cannot be written: a folder, a device, no right, a full disk.
    """
    path = Path(os.path.realpath(path))
    _old_file(path)
    check_target_folder(path.parent)


def check_target_folder(folder: str | os.PathLike) -> None:
    """The same for a folder in which files will be written.

    Args:
        folder: A folder, or one that will be made.

    Raises:
        OSError: If nothing can be written there.
    """
    folder = Path(os.path.abspath(folder))
    above = next(p for p in (folder, *folder.parents) if os.path.lexists(p))
    try:
        with tempfile.TemporaryDirectory(prefix=".qlstm-", dir=above) as made:
            Path(made, "probe").write_bytes(bytes(PROBE))
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(folder)) from None


def _old_file(path: Path) -> os.stat_result | None:
    """What is known of the file at `path`, or None; an error if it is to stay."""
    try:
        old = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(old.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return old


def _temporary_name(path: Path) -> str:
    """A hidden name of at most 90 bytes; that of a run is `HALF_WRITTEN` to a sweep."""
    stem = os.fsencode(path.stem)[:64].decode(errors="ignore")
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= 16 else ""
    return f".{stem}-{secrets.token_hex(4)}{suffix}"


def _give_rights(path: Path, old: os.stat_result) -> None:
    """Give a file the owner, if that is allowed, and the rights of another."""
    new = path.stat()
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid) and os.geteuid() == 0:
        os.chown(path, old.st_uid, old.st_gid)
    path.chmod(stat.S_IMODE(old.st_mode))


def parse_json(text: str) -> Any:
    """What `json.loads` reads; nesting too deep for it is an error like the others.

    Args:
        text: The text.

    Returns:
        Dicts, lists, strings, numbers, booleans, None.

    Raises:
        ValueError: If the text is not JSON.

    Example:
        >>> parse_json('{"a": [1, 2.5]}')
        {'a': [1, 2.5]}
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it nests too deeply to be read") from None


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write text as UTF-8 beside its target and rename it.

    Args:
        path: The file to write.
        text: What to write, with its last newline.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write JSON beside its target and rename it.

    Args:
        path: The file to write.
        content: What to write; NaN and infinity are refused.

    Raises:
        ValueError: If the content holds NaN or infinity.
    """
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def canonical_json(content: Any) -> str:
    """The one way to write `content` as JSON: keys sorted, no spaces, ASCII.

    Args:
        content: Dicts with string keys, lists, strings, finite numbers, booleans, None.

    Returns:
        The text.

    Raises:
        TypeError: If a key is not a string, or a value is of another type.
        ValueError: If a number is not finite.

    Example:
        >>> print(canonical_json({"b": [1, 2.5], "a": None}))
        {"a":null,"b":[1,2.5]}
    """
    _check_keys(content)
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_of_json(content: Any) -> str:
    """The sha256 of the canonical JSON of `content`, 64 hexadecimal digits.

    Args:
        content: As `canonical_json` takes it.

    Returns:
        The digest.

    Raises:
        TypeError: As `canonical_json`.
        ValueError: As `canonical_json`.

    Example:
        >>> sha256_of_json({})[:12]
        '44136fa355b3'
    """
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def sha256_of_file(path: str | os.PathLike) -> str:
    """The sha256 of a file's bytes, 64 hexadecimal digits.

    Args:
        path: The file.

    Returns:
        The digest.
    """
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of installed packages.

    Args:
        packages: Their names; none for `PACKAGES`.

    Returns:
        The versions by name, ``python`` first.

    Raises:
        importlib.metadata.PackageNotFoundError: If one is not installed.

    Example:
        >>> list(versions("numpy", "scipy"))
        ['python', 'numpy', 'scipy']
    """
    found = {name: _version(name) for name in packages or PACKAGES}
    return {"python": platform.python_version()} | found


@functools.cache
def _version(package: str) -> str:
    """The version of an installed package."""
    from importlib.metadata import version  # slow to import

    return version(package)


def _check_keys(content: Any) -> None:
    """Refuse keys that JSON would turn into strings, and what nests too deeply."""
    level, depth = [content], 0
    while level:
        if depth > MAX_DEPTH:
            raise ValueError(f"it nests more than {MAX_DEPTH} deep")
        for value in level:
            for key in value if isinstance(value, dict) else ():
                if not isinstance(key, str):
                    raise TypeError(f"the key {key!r} is not a string")
        level = [inner for value in level for inner in _held(value)]
        depth += 1


def _held(value: Any) -> Iterable[Any]:
    """What a dict or a list holds."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()
