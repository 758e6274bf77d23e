"""CSV files that were damaged on purpose: one line, little time and memory.

``python -m tests.test_csv_fuzz 3000`` tries many of each kind and prints what came.
"""

import collections
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from qlstm.forecasting.sources import load_csv

PLACE = '"-79.40","43.63","MONTRÉAL","7035290"'
HEAD = '"Longitude (x)","Latitude (y)","Nom de la Station","ID climatologique",'
DAYS = np.datetime64("2024-02-20") + np.arange(40)
VALUES = [f"{10 * np.sin(k / 5):.1f}" if k % 9 else "" for k in range(40)]
SOUND = {
    "plain": "date,tavg\n"
    + "".join(f"{day},{value}\n" for day, value in zip(DAYS, VALUES)),
    "excel": "Date;Note;Tavg\r\n"
    + "".join(f"{d};x;{v.replace('.', ',')}\r\n" for d, v in zip(DAYS, VALUES)),
    "eccc": f'{HEAD}"Date/Heure","Temp moy.(°C)","Temp moy. Indicateur"\r\n'
    + "".join(
        f'{PLACE},"{day}","{value.replace(".", ",")}","{"" if value else "M"}"\r\n'
        for day, value in zip(DAYS, VALUES)
    ),
    "months": "Date/Time,Mean Temp (°C)\n"
    + "".join(f"{2021 + k // 12}-{k % 12 + 1:02},{v}\n" for k, v in enumerate(VALUES)),
}
DATES = ["2024-02-30", "10/05/2024", "05.10.2024", "2024", "2024-13", "2024-05", ""]
DATES += ["20240510", "0000-01-01", "9999-12-31", "0001-01-01", "2024-05-10T25:00"]
DATES += ["2024-05-10 00:00", "2024-05-10T12:30:59.000", "2024-05-10Z", "-2024-05-10"]
DATES += ["2024-W19-5", "10000-01-01", "Friday", "45422", "2024-5-1", "2024/05-10"]
NUMBERS = ["1e308", "1e309", "-1e999", "9" * 400, "0." + "0" * 400 + "1", "inf", "nan"]
NUMBERS += ["1" * 5000, "1e-999", "1_000", "1,234", "1.234", "0x1p3", "٣", "--1", "+"]
NUMBERS += ["1e" + "9" * 5000, "-273.16", "1 000", "1'000", "-9999", "\u22125", "1..2"]


def flip(text, rng):
    """Other bits in a few bytes."""
    content = bytearray(text.encode())
    for at in rng.integers(len(content), size=rng.integers(1, 6)):
        content[at] ^= 1 << rng.integers(8)
    return bytes(content)


def cut(text, rng):
    """The start, the end, or all but the middle."""
    content = text.encode()
    low, high = sorted(rng.integers(len(content) + 1, size=2))
    return [content[:low], content[low:], content[:low] + content[high:]][
        rng.integers(3)
    ]


def swap(text, rng):
    """Columns in another order, in the header, in some rows, or in all."""
    lines = text.splitlines()
    mark = ";" if ";" in lines[0] else ","
    cells = [line.split(mark) for line in lines]
    order, share = rng.permutation(len(cells[0])), rng.choice([0, 0.2, 1])
    for k, row in enumerate(cells):
        if k == 0 or rng.random() < share:
            cells[k] = [row[i] for i in order if i < len(row)]
    return "\n".join(mark.join(row) for row in cells).encode()


def encode(text, rng):
    """Another encoding."""
    names = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "latin-1"]
    names += ["cp1252", "cp437", "mac-roman", "cp037", "utf-8-sig"]
    return text.encode(names[rng.integers(len(names))])


def insert(text, rng):
    """Quotes, separators, line ends, NUL bytes or other marks anywhere."""
    marks = ['"', '""', "'", "\0", "\r", "\n", "\r\n", ",", ";", "\t", "\x1a", "\x85"]
    marks += ["\u2028", "\ufeff", "\\", "#", " ", "\x0b", '"\n', "sep=;\n", '";"']
    for _ in range(rng.integers(1, 5)):
        at = rng.integers(len(text) + 1)
        text = text[:at] + marks[rng.integers(len(marks))] + text[at:]
    return text.encode()


def lengthen(text, rng):
    """Very long lines, cells and headers, and many of them."""
    mark = [",", ";", "a", " ", '"', "9", "\n", "é", "-", "\t"][rng.integers(10)]
    many = mark * int(rng.choice([1000, 100_000, 140_000, 1_000_000]))
    at = [0, text.index("\n"), len(text), rng.integers(len(text))][rng.integers(4)]
    return (text[:at] + many + text[at:]).encode()


def repeat(text, rng):
    """The header again, a column's name again, a row again, or all again."""
    lines = text.splitlines(keepends=True)
    at = rng.integers(1, len(lines))
    doubled = "".join(line.rstrip("\r\n") + "," + line for line in lines)
    return [
        "".join([*lines[:at], lines[0], *lines[at:]]),
        "".join([*lines[:at], lines[at], *lines[at:]]),
        text + text,
        doubled,
        lines[0] * 50,
    ][rng.integers(5)].encode()


def replace(text, rng):
    """Dates and numbers of every kind, in one row or in all."""
    lines = text.splitlines()
    mark = ";" if ";" in lines[0] else ","
    chosen = [DATES, NUMBERS][rng.integers(2)]
    nonsense = chosen[rng.integers(len(chosen))]
    at = rng.integers(len(lines[0].split(mark)))
    rows = range(1, len(lines)) if rng.random() < 0.3 else [rng.integers(1, len(lines))]
    for row in rows:
        cells = lines[row].split(mark)
        cells[min(at, len(cells) - 1)] = nonsense
        lines[row] = mark.join(cells)
    return "\n".join(lines).encode()


MUTATIONS = (flip, cut, swap, encode, insert, lengthen, repeat, replace)
OPTIONS = [{}, {}, {}, {"missing": [-9999, "M"]}, {"separator": ";"}, {"decimal": ","}]
OPTIONS += [{"start": "2024-03-01"}, {"column": "tavg", "date_column": "date"}]


def attempt(content, path, options, sound):
    """Load a file: "refused" in one line that names an argument, or a series."""
    path.write_bytes(content)
    try:
        series = load_csv(path, **options)
    except ValueError as error:
        text = str(error)
        assert type(error) is ValueError, repr(error)
        assert text.startswith("Argument") and ", but " in text, text[:2000]
        assert len(text.splitlines()) == 1 and len(text) < 3000, text[:4000]
        return "refused"
    known = series.values[~np.isnan(series.values)]
    assert known.size and np.isfinite(known).all()
    assert series.dates.shape == series.values.shape
    assert (np.diff(series.dates.astype("M8[s]").astype(np.int64)) > 0).all()
    assert set(map(type, series.provenance.values())) <= {str, int, list}
    return "same" if series.sha256 == sound else "other"


def fuzz(kind, count, folder, seed=0, measured=False):
    """Counts by mutation and what came, the longest call in s, the largest in bytes."""
    rng, path = np.random.default_rng(seed), Path(folder, "damaged.csv")
    path.write_text(SOUND[kind], encoding="utf-8")
    sound = load_csv(path).sha256
    found, slowest, largest = collections.Counter(), 0.0, 0
    for k in range(count):
        mutate = MUTATIONS[k % len(MUTATIONS)]
        content = mutate(SOUND[kind], rng)
        options = OPTIONS[rng.integers(len(OPTIONS))]
        start = time.perf_counter()
        found[mutate.__name__, attempt(content, path, options, sound)] += 1
        slowest = max(slowest, time.perf_counter() - start)
        if measured and len(content) > 10**5:  # which is slow
            tracemalloc.start()
            attempt(content, path, options, sound)
            largest = max(largest, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    return found, slowest, largest


@pytest.mark.parametrize("kind", SOUND)
def test_damage_is_refused_in_one_line(kind, tmp_path):
    found, _, _ = fuzz(kind, 200, tmp_path)
    refused = sum(count for (_, came), count in found.items() if came == "refused")
    assert 80 < refused < 200


@pytest.mark.parametrize("mark", [",", ";", '"', "9", " ", "é", "a,"])
@pytest.mark.parametrize("place", ["header", "row"])
def test_a_long_line_has_a_small_cost(mark, place, tmp_path):
    lines = SOUND["plain"].splitlines()
    lines[0 if place == "header" else 5] += mark * 10**6
    path = tmp_path / "long.csv"
    tracemalloc.start()
    try:
        attempt("\n".join(lines).encode(), path, {}, "")
        assert tracemalloc.get_traced_memory()[1] < 3e8
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("cell", ["9", "9.9", "1e9", ".9", "1.234", "-"])
def test_a_long_cell_takes_no_square_of_its_length(cell, tmp_path):
    """A pattern that tries every way to part the digits needs minutes here."""
    text = f"date,tavg\n2024-05-10,{cell}{'9' * 130_000}x\n"
    assert attempt(text.encode(), tmp_path / "long.csv", {}, "") == "refused"


def main(count):
    """Try many files of each kind and print what came."""
    import resource

    with tempfile.TemporaryDirectory() as folder:
        for kind in SOUND:
            found, slowest, largest = fuzz(kind, count, folder, measured=True)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for (name, came), times in sorted(found.items()):
                print(f"{kind} {name:9} {came:8} {times}")
            print(
                f"{kind}: slowest {slowest:.3f} s, largest {largest / 1e6:.0f} MB, "
                f"peak of the process {peak / 1e3:.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]))
