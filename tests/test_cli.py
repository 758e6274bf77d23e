"""What the command lines share."""

import argparse
import errno
import io
import json
import re
import sys

import numpy as np
import pytest

from qlstm import QLSTMConfig, init_params, train_init
from qlstm.commands import (
    Parser,
    Progress,
    check_results,
    epoch_progress,
    forecasting_parser,
    format_table,
    number_text,
    positive_int,
    run_main,
    seed_int,
    series_record,
    skill_text,
    write_results,
)
from qlstm.commands.forecasts import forecast_table, size_note
from qlstm.commands.parser import name_options
from qlstm.forecasting import Errors, Forecast, Series, noisy_sine, prepare
from qlstm.forecasting.data import SINE_PROTOCOLS
from qlstm.plots import new_figure


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def forecast(name="RX collapse", skill=0.25):
    """A forecast with numbers that are easy to tell apart."""
    train, test = Errors(1.0, 2.0, 3.0), Errors(4.0, 5.0, 6.0)
    return Forecast(name, train, test, 0.0123, skill, np.zeros(2), 9.876)


def test_a_table_is_aligned():
    table = format_table(["model", "a", "long"], [["x", "1", "2"], ["yy", "10", "3"]])
    assert table.splitlines() == [
        "model   a  long",
        "---------------",
        "x       1     2",
        "yy     10     3",
    ]


def test_a_table_without_rows():
    assert format_table(["a", "bc"], []).splitlines() == ["a  bc", "-----"]


@pytest.mark.parametrize("scaled", [True, False])
def test_the_forecast_table(scaled):
    lines = forecast_table([forecast(), forecast("AR(10)", -1.5)], scaled).splitlines()
    head = "model train MSE train RMSE train MAE test MSE test RMSE test MAE"
    head += " scaled test MSE" * scaled + " skill seconds"
    assert " ".join(lines[0].split()) == head
    cells = ["1.0000", "2.0000", "3.0000", "4.0000", "5.0000", "6.0000"]
    cells += ["0.0123"] * scaled
    assert lines[2].split() == ["RX", "collapse", *cells, "+0.250", "9.88"]
    assert lines[3].split() == ["AR(10)", *cells, "-1.500", "9.88"]


@pytest.mark.parametrize("text, value", [("1", 1), ("150", 150)])
def test_positive_integers(text, value):
    assert positive_int(text) == seed_int(text) == value


def test_wrong_integers():
    for text in ("0", "-1", "2.5", "ten", ""):
        wanted = f"must be a positive integer, but is {text!r}"
        with pytest.raises(argparse.ArgumentTypeError, match=wanted):
            positive_int(text)
    for text in ("-1", "2.5", "ten", ""):
        wanted = f"must be a non-negative integer, but is {text!r}"
        with pytest.raises(argparse.ArgumentTypeError, match=wanted):
            seed_int(text)
    assert seed_int("0") == 0


def test_options_and_their_defaults():
    args = forecasting_parser("module", "What it does.", SINE_PROTOCOLS).parse_args([])
    assert vars(args) | {"out": str(args.out)} == {
        "memory": "both",
        "rotation": "both",
        "protocol": "figure",
        "seed": 0,
        "epochs": None,
        "layers": 2,
        "system_qubits": 2,
        "ancilla_qubits": 2,
        "disentangler": "flip",
        "out": "results",
    }


@pytest.mark.parametrize(
    "error",
    [
        ValueError("first line\n  second line"),
        TypeError("first line second line"),
        OSError("first line second line"),
        ImportError("first line second line"),
    ],
)
def test_an_error_is_one_line_and_status_two(error, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["command"])

    def main(args):
        raise error

    with pytest.raises(SystemExit) as status:
        run_main(main, forecasting_parser("module", "", SINE_PROTOCOLS))
    assert status.value.code == 2
    assert capsys.readouterr() == ("", "error: first line second line\n")


def test_too_large_a_model_says_so(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["command"])

    def main(args):
        raise MemoryError("40 TiB\n asked for")

    with pytest.raises(SystemExit) as status:
        run_main(main, forecasting_parser("module", "", SINE_PROTOCOLS))
    assert status.value.code == 2
    error = "error: too large for the memory: 40 TiB asked for\n"
    assert capsys.readouterr() == ("", error)


def test_a_bug_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("sys.argv", ["command"])
    with pytest.raises(ZeroDivisionError):
        run_main(lambda args: 1 / 0, forecasting_parser("module", "", SINE_PROTOCOLS))


def squares(args):
    """A throwaway command: the contract of `qlstm.commands` in ten lines."""
    progress, rows = Progress("squares "), []
    for k in range(args.n):
        progress.update(k, args.n, f"number {k}")
        if k > 9:
            raise ValueError("Option --n must be at most 10,\nbut is more.")
        rows.append([str(k), str(k**2)])
    progress.clear()
    print(format_table(["k", "square"], rows))
    return int(args.n == 1)


def run_squares(monkeypatch, *options, main=squares):
    """The throwaway command's status and what it shows on a terminal."""
    parser = Parser("throwaway", "Squares of numbers.")
    parser.add_argument("--n", type=positive_int, default=3, help="how many")
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("sys.argv", ["throwaway", *options])
    try:
        run_main(main, parser)
    except SystemExit as end:
        return end.code, stream.getvalue()
    return 0, stream.getvalue()


def test_a_throwaway_command(monkeypatch, capsys):
    status, shown = run_squares(monkeypatch)
    assert status == 0 and "squares [----" in shown and shown.endswith("\r\033[K")
    assert capsys.readouterr().out.splitlines()[2:] == [
        "0       0",
        "1       1",
        "2       4",
    ]
    assert run_squares(monkeypatch, "--n", "1")[0] == 1  # a status of its own
    status, shown = run_squares(monkeypatch, "--n", "few")
    assert status == 2
    assert shown == (
        "error: argument --n: must be a positive integer, but is 'few' "
        "(see python -m throwaway --help)\n"
    )
    status, shown = run_squares(monkeypatch, "--n", "11")
    assert status == 2
    assert shown.endswith(
        "\r\033[Kerror: Option --n must be at most 10, but is more.\n"
    )

    def interrupted(args):
        raise KeyboardInterrupt

    status, shown = run_squares(monkeypatch, main=interrupted)
    assert (status, shown) == (130, "\ninterrupted\n")


def test_a_parser_with_subcommands(capsys):
    parser = Parser("throwaway", "Two commands.")
    train = parser.add_subparsers().add_parser("train", description="One of them.")
    train.add_argument("--n", type=positive_int)
    assert parser.parse_args(["train", "--n", "2"]).n == 2
    with pytest.raises(SystemExit):
        parser.parse_args(["train", "--n", "0"])
    assert "(see python -m throwaway train --help)" in capsys.readouterr().err


def test_results_are_written_and_named(tmp_path, capsys):
    figure = new_figure(1, 1)[0]
    write_results(tmp_path / "new", {"x.json": {"a": 1}, "x.png": figure})
    paths = [tmp_path / "new" / name for name in ("x.json", "x.png")]
    assert capsys.readouterr().out == f"\nWrote {paths[0]}, {paths[1]}.\n"
    assert json.loads(paths[0].read_text()) == {"a": 1}
    assert paths[1].read_bytes().startswith(b"\x89PNG")


def test_results_that_can_be_written_leave_nothing_yet(tmp_path):
    (tmp_path / "b.json").write_text("old")
    check_results(tmp_path / "new" / "folder", "a.json", "a.png")
    check_results(tmp_path, "b.json")
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]
    assert (tmp_path / "b.json").read_text() == "old"


def test_results_that_cannot_be_written_are_an_error_before_the_work(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(IsADirectoryError, match=r"a\.json"):
        check_results(tmp_path, "b.json", "a.json")
    (tmp_path / "taken").touch()
    for folder in ("taken", "taken/below"):
        with pytest.raises(OSError, match="taken"):
            check_results(tmp_path / folder, "a.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "taken"]


def test_a_full_disk_is_an_error_before_the_work(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        check_results(tmp_path / "new", "a.json")
    assert list(tmp_path.iterdir()) == []


def progress_lines(stream, monkeypatch, epochs=4):
    """What a bar writes on a stream, half a second an epoch."""
    clock = iter(np.arange(0.0, 100.0, 0.5))
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    progress = epoch_progress("RX collapse", epochs)
    params = init_params(QLSTMConfig(), np.random.default_rng(0))
    state = train_init(params, np.random.default_rng(0))
    for epoch in range(1, epochs + 1):
        history = {"loss": [0.5 / k for k in range(1, epoch + 1)]}
        assert not progress(state._replace(epoch=epoch, history=history))
    return stream.getvalue()


def test_progress_is_silent_without_a_terminal(monkeypatch):
    assert progress_lines(io.StringIO(), monkeypatch) == ""


def test_progress_shows_the_loss_and_the_time_left(monkeypatch):
    shown = progress_lines(Terminal(), monkeypatch)
    first, second, third = shown.split("\r")[1:4]
    bar = "RX collapse        [######------------------] epoch 1/4"
    assert first == f"\033[K{bar}  loss 0.5000  2 s left "
    assert "epoch 2/4  loss 0.2500  1 s left" in second
    assert "epoch 3/4  loss 0.1667  0 s left" in third
    assert shown.endswith("\r\033[K")  # the bar goes when it is done


def test_progress_does_not_flood(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    progress = epoch_progress("x", 1000)
    params = init_params(QLSTMConfig(), np.random.default_rng(0))
    state = train_init(params, np.random.default_rng(0))
    for epoch in range(1, 1000):
        progress(state._replace(epoch=epoch, history={"loss": [0.1]}))
    assert stream.getvalue().count("\r") == 1


def test_progress_at_the_pace_of_this_start(monkeypatch):
    clock = iter([0.0, 0.0, 7.0])
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    progress = Progress()
    progress.update(0, 3, "none done")
    assert "none done  starting " in sys.stderr.getvalue()
    progress.update(24, 48, "half done", new=14)  # 10 were done before
    line = sys.stderr.getvalue().split("\r\033[K")[-1]
    assert line == "[############------------] half done  12 s left "


def test_a_series_goes_into_json_with_its_gaps():
    series = Series(np.array([1.5, np.nan]), None, "depth", "m", {"source": "mine"})
    record = json.loads(json.dumps(series_record(series), allow_nan=False))
    assert record == {
        "name": "depth",
        "unit": "m",
        "sha256": series.sha256,
        "provenance": {"source": "mine"},
        "values": [1.5, None],
    }


@pytest.mark.parametrize("columns", [20, 40, 80, 81, 200])
def test_the_bar_fits_the_terminal(columns, monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("COLUMNS", str(columns))
    progress = Progress("RY probabilities   ")
    progress.update(149, 150, "epoch 149/150  loss 0.0123")
    text = sys.stderr.getvalue().removeprefix("\r\033[K")
    assert len(text) < columns
    assert columns < 80 or "[####" in text and "loss 0.0123  0 s left" in text


def test_numbers_of_any_size():
    texts = [number_text(v) for v in (0.0358, 1.5e-4, -2e-7, 0, 1887172981313616740352)]
    assert texts == ["0.0358", "1.500e-04", "-2.000e-07", "0.0000", "1.887e+21"]
    skills = [skill_text(v) for v in (0.25, 0, -5e9, None, float("nan"))]
    assert skills == ["+0.250", "+0.000", "-5.000e+09", "-", "-"]


def test_a_console_without_the_letters(capsysbinary, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.argv", ["command"])
    run_main(lambda args: print("\u03b8 5 \u00b0C"), Parser("module"))
    assert stream.buffer.getvalue() == b"\\u03b8 5 \\xb0C\n"


def test_messages_name_options():
    parser = Parser("module")
    for option in ("--date-column", "--csv", "--start", "--end"):
        parser.add_argument(option)
    text = name_options("Argument `date_column` must: give `date_column`.", parser)
    assert text == "Option --date-column must: give --date-column."
    text = name_options("Arguments `start` and `end` must", parser)
    assert text == "Options --start and --end must"
    assert name_options("Argument `path` is", parser) == "Option --csv is"
    assert name_options("Argument `values` is", parser) == "Argument `values` is"


def test_many_wires_have_their_size_told_at_once():
    """A state of 22 wires takes 64 MiB, five of them 320."""
    protocol = SINE_PROTOCOLS["figure"]
    rng = np.random.default_rng(0)
    dataset = prepare(noisy_sine(protocol, rng), protocol, rng)
    args = argparse.Namespace(system_qubits=2, ancilla_qubits=2, layers=2)
    assert size_note(args, dataset) == ""
    args.system_qubits = 20
    found = size_note(args, dataset)
    assert found.startswith("22 wires: a minibatch of 5 states takes 320 MiB several")
    minutes = [int(re.search(r"roughly (\d+) minutes", found)[1])]
    args.layers = 4
    minutes.append(int(re.search(r"roughly (\d+)", size_note(args, dataset))[1]))
    assert minutes[1] == pytest.approx(2 * minutes[0], abs=1)
    args.system_qubits = 38
    with pytest.raises(MemoryError, match="40 wires needs about"):
        size_note(args, dataset)
