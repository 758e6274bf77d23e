"""Files: written whole or not at all, their digests, and what they were made with."""

import functools
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "atomic_path",
    "canonical_json",
    "sha256_of_file",
    "sha256_of_json",
    "versions",
    "write_json",
    "write_text",
]

PACKAGES = ("qlstm", "numpy", "scipy", "pandas", "matplotlib")
"""What the result of an experiment depends on."""


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it when the block ends well.

    A run that is killed inside the block leaves what was there before.

    Args:
        path: The file to write; missing folders are made.

    Yields:
        The temporary path, with the same suffix.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
    """Refuse keys that JSON would turn into strings."""
    if isinstance(content, dict):
        for key, value in content.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is not a string")
            _check_keys(value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            _check_keys(value)
