"""Model and state files that were damaged on purpose: one line, little time and memory.

``python -m tests.test_store_fuzz 5000`` tries many of each kind and prints what came.
"""

import collections
import functools
import io
import json
import re
import struct
import sys
import tempfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from qlstm import (
    QLSTMConfig,
    init_params,
    load_model,
    load_state,
    save_model,
    save_state,
    train,
    train_init,
)
from qlstm.store import digest

CONFIG = QLSTMConfig(n_features=2, n_system=1, n_ancilla=2, rotation="RY")
LOADERS = {"model": load_model, "state": load_state}
ONE_LINE = re.compile(r"File .*(entry |directory|kind|version|regular file).*")
NONSENSE = [None, True, -5, 2.5, 10**10, 2**64, 10**4000, "1", "x" * 10**5, "a\nb"]
NONSENSE += [[], {}, [[[[]]]], {"a": {}}, float("nan"), float("-inf"), [1, "2"], 3]
HEADS = [
    b"{'descr':",
    b"  1\n 2",
    b"(" * 50_000,
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (10**12,), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551616,), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
    b"{'descr': '<U99999999', 'fortran_order': False, 'shape': (), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 1000000000000), }",
    b"__import__('os')",
]
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
METHODS += (zipfile.ZIP_LZMA,)


def make(kind, folder):
    """The bytes of a sound file."""
    path, rng = Path(folder, "sound.npz"), np.random.default_rng(1)
    params = init_params(CONFIG, rng)
    if kind == "model":
        save_model(path, params, CONFIG)
    else:
        inputs, targets = rng.uniform(-1, 1, (6, 3, 2)), rng.uniform(-1, 1, 6)
        state = train(train_init(params, rng), inputs, targets, CONFIG, epochs=2)
        save_state(path, state, CONFIG)
    return path.read_bytes()


def entries_of(whole):
    """Names and bytes of a sound file's entries."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def pack(entries, method=zipfile.ZIP_STORED):
    """An archive of these entries."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def npy(head, body=b""):
    """An array file with this head."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) % 2**16) + head + body


def text_entry(text):
    """The header's entry for a text."""
    file = io.BytesIO()
    np.save(file, np.array(text))
    return file.getvalue()


def flip(whole, rng):
    """A few bytes become others."""
    damaged = bytearray(whole)
    for place in rng.integers(len(whole), size=rng.integers(1, 4)):
        damaged[place] ^= int(rng.integers(1, 256))
    return bytes(damaged)


def cut(whole, rng):
    """A piece is left out."""
    start, stop = sorted(rng.integers(len(whole), size=2))
    return whole[:start] + whole[stop:]


def swap(whole, rng):
    """Two entries change places, one is doubled, left out, renamed or added."""
    entries = entries_of(whole)
    i, j = rng.choice(len(entries), 2, replace=False)
    (a, x), (b, y) = entries[i], entries[j]
    more = [[(b, x), (a, y)], [(a, x), (a, x), (b, y)], [(b, y)], [("../x.npy", x)]]
    more += [[(a, x), (b, y), ("extra.npy", b"\0" * 9999)], [(a, x), (b, b"")]]
    rest = [entry for k, entry in enumerate(entries) if k not in (i, j)]
    return pack(rest + more[rng.integers(len(more))])


def head(whole, rng):
    """An entry gets another head, or another body."""
    entries = entries_of(whole)
    k = rng.integers(len(entries))
    name, content = entries[k]
    text = HEADS[rng.integers(len(HEADS))]
    choices = [
        npy(text, content[128:]),
        text,
        npy(text.ljust(117) + b"\n", content[128:]),
    ]
    choices += [flip(content, rng), cut(content, rng), content + b"\0" * 8]
    entries[k] = name, choices[rng.integers(len(choices))]
    return pack(entries)


def repack(whole, rng):
    """Entries are compressed, and a byte of the archive is another."""
    packed = pack(entries_of(whole), METHODS[rng.integers(len(METHODS))])
    return flip(packed, rng) if rng.random() < 0.9 else packed


def nonsense(whole, rng):
    """A value of the JSON is another; the digest is that of the new file."""
    entries = dict(entries_of(whole))
    arrays = {name[:-4]: np.load(io.BytesIO(c)) for name, c in entries.items()}
    header = json.loads(str(arrays.pop("header")))
    part = header
    while True:
        key = list(part)[rng.integers(len(part))]
        if not isinstance(part[key], dict) or not part[key] or rng.random() < 0.3:
            break
        part = part[key]
    part[key] = NONSENSE[rng.integers(len(NONSENSE))]
    if rng.random() < 0.1:
        part[f"new{rng.integers(9)}"] = 1
    text = json.dumps(header)
    if "sha256" in header and rng.random() < 0.8:
        header["sha256"] = digest(header, arrays)
        text = json.dumps(header)
    if rng.random() < 0.1:
        text = ["[" * 200_000, '{"a":' * 9999, "", "nan", text[:-1]][rng.integers(5)]
    return pack((entries | {"header.npy": text_entry(text)}).items())


MUTATIONS = (flip, cut, swap, head, repack, nonsense)


def attempt(kind, content, path, sound):
    """Load a file: "refused" in one line that names the entry, or as it was."""
    path.write_bytes(content)
    try:
        found = LOADERS[kind](path)
    except ValueError as error:
        text = str(error)
        assert ONE_LINE.fullmatch(text) and len(text) < 1000, text[:2000]
        return "refused"
    return "same" if repr(found) == sound else "other"


def fuzz(kind, count, folder, seed=0):
    """Counts by mutation and what came, and the longest call in seconds."""
    rng, path = np.random.default_rng(seed), Path(folder, "damaged.npz")
    whole = make(kind, folder)
    path.write_bytes(whole)
    sound = repr(LOADERS[kind](path))
    found, slowest = collections.Counter(), 0.0
    for k in range(count):
        mutate = MUTATIONS[k % len(MUTATIONS)]
        content = mutate(whole, rng)
        start = time.perf_counter()
        found[mutate.__name__, attempt(kind, content, path, sound)] += 1
        slowest = max(slowest, time.perf_counter() - start)
    return found, slowest


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", LOADERS)
def test_damage_is_refused_in_one_line(kind, tmp_path):
    found, _ = fuzz(kind, 300, tmp_path)
    refused = sum(count for (_, came), count in found.items() if came == "refused")
    assert refused > 200
    # the JSON alone may hold another number that makes sense, with its digest
    assert {name for name, came in found if came == "other"} <= {"nonsense"}


@functools.cache
def deflated_zeros(name, size):
    """A small archive whose one entry declares and holds many zeros."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as entry,
    ):
        for _ in range(size // 2**20):
            entry.write(bytes(2**20))
    return file.getvalue()


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("name", ["extra.npy", "header.npy", "proj_bias.npy"])
def test_a_small_file_has_a_small_cost(kind, name, tmp_path):
    file = io.BytesIO(make(kind, tmp_path))
    with zipfile.ZipFile(file) as archive:
        rest = [(n, archive.read(n)) for n in archive.namelist() if n != name]
    file = io.BytesIO(deflated_zeros(name, 2**26))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        for other, content in rest:
            archive.writestr(other, content)
    path = tmp_path / "small.npz"
    tracemalloc.start()
    try:
        assert attempt(kind, file.getvalue(), path, "") == "refused"
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", LOADERS)
def test_a_directory_of_many_entries_is_not_read(kind, tmp_path):
    many = pack((f"{k}.npy", b"") for k in range(5000))
    assert attempt(kind, many, tmp_path / "many.npz", "") == "refused"


def main(count):
    """Try many files of each kind and print what came."""
    import resource

    with tempfile.TemporaryDirectory() as folder:
        for kind in LOADERS:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            found, slowest = fuzz(kind, count, folder)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for (name, came), times in sorted(found.items()):
                print(f"{kind} {name:9} {came:8} {times}")
            print(f"{kind}: slowest {slowest:.3f} s, {before} -> {peak} KiB")


if __name__ == "__main__":
    main(int(sys.argv[1]))
