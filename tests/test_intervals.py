"""The study of intervals."""

import json

import numpy as np
import pytest

from experiments import intervals
from qlstm.commands import run_main


def run(folder, capsys, *words):
    """Output of the command, and its JSON."""
    options = [*words, "--out", str(folder)]
    run_main(intervals.main, intervals.options(), options)
    return capsys.readouterr().out, json.loads((folder / "intervals.json").read_text())


def test_shares_lie_near_the_level_where_a_series_is_stationary(tmp_path, capsys):
    words = ["--series", "24", "--models", "persistence", "ridge"]
    out, found = run(tmp_path, capsys, *words)
    for model in ("persistence", "ridge"):
        shares = np.array(found["shares"][model]["stationary"])
        assert shares.shape == (7,) and (np.abs(shares - 0.9) < 0.05).all()
        kinds = [found["shares"][model][kind] for kind in ("AR(2)", "sine", "season")]
        np.testing.assert_allclose(np.mean(kinds, axis=0), shares, rtol=1e-12)
    table, _ = out.split("\nWrote ")
    assert table.count("stationary") == 2 and max(map(len, table.splitlines())) <= 80


def test_a_measured_series_has_blocks(tmp_path, capsys):
    rng = np.random.default_rng(0)
    days = np.datetime64("2024-01-01") + np.arange(300)
    rows = [f"{day},{value:.3f}" for day, value in zip(days, rng.normal(size=300))]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(["date,temp", *rows]))
    words = ["--csv", str(path), "--models", "persistence"]
    out, found = run(tmp_path, capsys, *words)
    assert list(found["shares"]["persistence"]) == ["measured"]
    assert "over blocks" in out


@pytest.mark.parametrize("kind", intervals.KINDS)
def test_series_are_what_they_are_called(kind):
    values = intervals.KINDS[kind](4000, np.random.default_rng(1))
    assert values.shape == (4000,)
    moves = np.diff(values)
    if kind == "AR(2)":
        design = np.stack([values[1:-1], values[:-2]], axis=1)
        found = np.linalg.lstsq(design, values[2:], rcond=None)[0]
        np.testing.assert_allclose(found, [1.2, -0.5], atol=0.05)
    elif kind == "walk":
        assert moves.mean() == pytest.approx(0.05, abs=0.02)
        assert moves.std() == pytest.approx(0.3, rel=0.05)
    elif kind == "season":
        noise = values - 3 * np.sin(2 * np.pi * (np.arange(4000) % 7) / 7)
        assert np.abs(noise).mean() == pytest.approx(0.6, rel=0.1)
    else:
        spectrum = np.abs(np.fft.rfft(values))[1:]
        assert 8 <= 4000 / (1 + spectrum.argmax()) <= 30.5
