"""Archives of arrays (``.npz``), read by what they must hold and by nothing else.

Names, types, shapes and sizes are compared before an entry is unpacked. An archive may
come from anywhere: nothing in it is evaluated, and a small file costs little.
"""

import math
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
from numpy.typing import NDArray

MAX_DIRECTORY = 2**16
"""Most bytes of an archive's directory."""
MAX_PACKED = 2**26
"""Most bytes that all compressed entries unpack to; others are as large as the file."""
MAX_SIDE = 2**31
"""No side of an array is so long."""
NPY_HEAD = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<dtype><f8|<i8|<U[0-9]{1,9})', "
    rb"'fortran_order': (?P<fortran>False|True), "
    rb"'shape': \((?P<shape>|[0-9]{1,10},|[0-9]{1,10}(?:, [0-9]{1,10})+)\), \} *\n",
    re.DOTALL,
)
"""How NumPy begins the arrays that this package writes."""
LONGEST_HEAD = 256

Shape = tuple[int, ...]


class Damage(ValueError):
    """What is wrong with an archive; begins with the entry's name."""


class Archive:
    """An open archive and its entries.

    Args:
        file: The file, open for reading.

    Raises:
        Damage: If it is no archive of uncompressed or deflated entries with names of
            their own.
    """

    def __init__(self, file: IO[bytes]) -> None:
        size = _check_end(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise Damage(f"its directory: {one_line(error)}") from None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        packed = 0
        for info in self._zip.infolist():
            name = info.filename
            if name in self._entries:
                raise Damage(f"entry {name[:80]!r}: there are two of that name")
            _check_entry(info, size)
            packed += info.file_size if info.compress_type else 0
            if packed > MAX_PACKED:
                raise Damage(f"entry {name[:80]!r}: it is too large to be unpacked")
            self._entries[name] = info

    def check_names(self, names: list[str]) -> None:
        """Say which arrays are missing or too many."""
        known = [f"{name}.npy" for name in names]
        for name in known:
            if name not in self._entries:
                raise Damage(f"entry {name!r}: it is missing")
        for name in self._entries:
            if name not in known:
                raise Damage(f"entry {name[:80]!r}: it is none of this file's")

    def read_text(self, name: str, most: int) -> str:
        """The text that an array without axes holds, of at most so many bytes."""
        entry = f"{name}.npy"
        if entry in self._entries and self._entries[entry].file_size > most:
            raise Damage(f"entry {entry!r}: it must have at most {most} bytes")
        with self._opened(name) as (file, head):
            dtype, shape, _ = head
            if not dtype.startswith("<U") or shape != ():
                raise Damage(f"entry {entry!r}: it must be a text")
            raw = self._rest(entry, file, 4 * int(dtype[2:]))
        try:
            return raw.decode("utf-32-le").rstrip("\0")
        except UnicodeDecodeError:
            raise Damage(f"entry {entry!r}: its text is not Unicode") from None

    def read_array(self, name: str, dtype: str, shape: Shape | None) -> NDArray:
        """An array of this type and shape; None is any shape of two axes."""
        entry = f"{name}.npy"
        if shape is not None and entry in self._entries:
            extra = self._entries[entry].file_size - 8 * math.prod(shape)
            if not 0 < extra <= LONGEST_HEAD:
                raise Damage(f"entry {entry!r}: its size must be that of shape {shape}")
        with self._opened(name) as (file, head):
            if head[0] != dtype:
                raise Damage(f"entry {entry!r}: its type must be {dtype}")
            fits = head[1] == shape if shape is not None else len(head[1]) == 2
            if not fits or max(head[1], default=0) >= MAX_SIDE:
                wanted = shape or "of two axes"
                raise Damage(f"entry {entry!r}: its shape must be {wanted}")
            raw = self._rest(entry, file, 8 * math.prod(head[1]))
        array = np.frombuffer(raw, dtype)
        return np.array(array.reshape(head[1], order="F" if head[2] else "C"))

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[IO[bytes], tuple[str, Shape, bool]]]:
        """An entry behind its head, and the head: type, shape, order of the axes."""
        entry = f"{name}.npy"
        if entry not in self._entries:
            raise Damage(f"entry {entry!r}: it is missing")
        try:
            with self._zip.open(self._entries[entry]) as file:
                start = file.read(10)
                length = int.from_bytes(start[8:], "little")
                head = start + file.read(min(length, LONGEST_HEAD))
                found = NPY_HEAD.fullmatch(head)
                if not found or len(head) != 10 + length:
                    raise Damage(f"entry {entry!r}: it does not begin as an array")
                shape = tuple(int(k) for k in found["shape"].split(b",") if k)
                yield (
                    file,
                    (found["dtype"].decode(), shape, found["fortran"] == b"True"),
                )
        except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError) as error:
            raise Damage(f"entry {entry!r}: {one_line(error)}") from None

    def _rest(self, entry: str, file: IO[bytes], size: int) -> bytes:
        """What follows an entry's head, if it is so long."""
        if self._entries[entry].file_size != file.tell() + size:
            raise Damage(f"entry {entry!r}: its size must be that of its shape")
        raw = file.read(size)
        if len(raw) != size or file.read(1):
            raise Damage(f"entry {entry!r}: it is cut short")
        return raw


@contextmanager
def open_archive(path: str | os.PathLike) -> Iterator[Archive]:
    """Open a file as an `Archive`.

    Raises:
        Damage: If it is no regular file, or no archive.
        FileNotFoundError: If there is no such file.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise FileNotFoundError(f"No model file at {os.fspath(path)}.") from None
    if not stat.S_ISREG(mode):
        raise Damage("it is not a regular file")
    with open(path, "rb") as file:
        yield Archive(file)


def _check_end(file: IO[bytes]) -> int:
    """The size of a file whose end is that of an archive with a short directory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 42))
    tail = file.read()
    end = tail[-22:]
    long = tail[:4] == b"PK\x06\x07" and size < 2**31  # a directory for large files
    if len(end) < 22 or end[:4] != b"PK\x05\x06" or end[20:] != b"\0\0" or long:
        raise Damage("its directory: the end of the archive is not where it should be")
    if int.from_bytes(end[12:16], "little") > MAX_DIRECTORY:
        raise Damage("its directory: it is too long")
    file.seek(0)
    return size


def _check_entry(info: zipfile.ZipInfo, size: int) -> None:
    """Say so when an entry is packed in another way, or cannot lie in the file."""
    name = info.filename[:80]
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Damage(f"entry {name!r}: it must be stored or deflated")
    if info.flag_bits & ~0x80E:  # encrypted, or patched
        raise Damage(f"entry {name!r}: it must be plain")
    inside = 0 <= info.header_offset <= size - 30 - info.compress_size
    same = info.compress_type or info.compress_size == info.file_size
    if not inside or not same:
        raise Damage(f"entry {name!r}: its size or place does not fit the file")


def one_line(error: Exception) -> str:
    """What an error says, on one line of bounded length."""
    return " ".join(str(error).split())[:200] or type(error).__name__
