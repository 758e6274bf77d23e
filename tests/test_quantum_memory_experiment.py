"""`experiments.quantum_memory`, small: data, learners, tables, and what it writes."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_fast
from scipy import stats
from test_benchmark_models import run_here

from experiments.quantum_memory import evenodd, learners, rows, runs, statistics
from qlstm.processes import (
    cell_process,
    evenodd_cell,
    fit_records,
    log_likelihood,
    stationary_state,
)

TINY = rows.QUICK._replace(
    seeds=2, few=1, n_sequences=20, length=8, held_out=10, skip=2, curve=(10, 20),
    states=(1, 2), more_states=(3,), word_bits=4, long_bits=12, n_steps=2, epochs=1,
    starts=1, clock_starts=1, way_starts=1, word_starts=1,
    published={"n_sequences": 2, "length": 80, "held_out": 2, "skip": 20},
    evenodd={"n_sequences": 6, "length": 10, "held_out": 4},
)  # fmt: skip
FIGURES = [f"quantum_memory_{name}.png" for name in ("curves", "states", "ways")]


def data_of(process=rows.SQUARE, seed=0, **sizes):
    """Records of a process, few and short."""
    spec = {"n_sequences": 30, "length": 12, "held_out": 20, "skip": 3} | sizes
    process = learners.make_process(rows.PROCESSES[process])
    return learners.draw_data(spec, process, np.random.default_rng(seed))


# -- records -----------------------------------------------------------------------


def test_more_training_records_leave_the_judge_s_as_they_are():
    few, many = data_of(), data_of(n_sequences=60)
    assert (few.held_out == many.held_out).all()
    assert few.truth == many.truth
    assert not (few.train[:20] == few.held_out).all(axis=1).any()


def test_the_truth_is_the_process_on_the_records_kept_back():
    """Of square and diamond a symbol that was heard leaves 1.5 bits in the mean."""
    data = data_of(held_out=4000, length=8)
    bits = -log_likelihood(data.process, data.held_out, skip=3).mean()
    assert data.truth == bits
    last, now = data.held_out[:, 3:-1], data.held_out[:, 4:]
    p = np.where(last == now, 0.5, 0.25)
    assert abs(-np.log2(p).mean() - 1.5) < 0.01
    assert abs(data.truth - 1.5) < 0.01


def test_long_records_are_cut_into_pieces_to_train_on():
    data = data_of(length=100, n_sequences=3)
    assert data.train.shape == (3 * 2, learners.PIECE)
    assert data.held_out.shape == (20, 100)


# -- learners ----------------------------------------------------------------------


@pytest.mark.parametrize("process", [rows.SQUARE, "clock (.8, .5)"])
def test_a_gap_is_the_log_loss_above_the_truth_s(process):
    """Worked out again from the operators, record by record."""
    data, rng = data_of(process), np.random.default_rng(1)
    options = {"n_layers": 2, "n_starts": 2, "word_length": 2}
    found = learners.learn_cell(data, rng, **options)
    config = learners.cell_config(data.process, 2)
    fit = fit_records(
        data.train, config, n_starts=2, rng=np.random.default_rng(1), word_length=2
    )
    for params, gap in zip(fit.starts, found.gaps, strict=True):
        cell = cell_process(params, config, [0.0])
        memory, bits = stationary_state(cell), []
        for record in data.held_out:
            p = [1.0]
            at = memory
            for symbol in record:
                at = cell.kraus[symbol] @ at @ cell.kraus[symbol].conj().T
                p.append(np.trace(at).real)
            bits.append(-np.log2(p[-1] / p[3]) / (len(record) - 3))
        assert abs(np.mean(bits) - data.truth - gap) < 1e-9
    assert found.n_parameters == 2 * 2 * config.n_wires + config.n_system


def test_machines_learn_from_records_or_from_counts_of_words():
    data = data_of(n_sequences=200)
    for words in (None, 3):
        found = learners.learn_machine(data, np.random.default_rng(2), 2, 3, words)
        assert len(found.gaps) == len(found.log_losses) == 3
        assert found.n_parameters == 1 + 2 * 7
        assert 0.1 < found.gaps[int(np.argmin(found.log_losses))] < 0.5


def test_without_a_gate_across_the_cut_nothing_is_remembered():
    """The best that is left is the frequency of each symbol: .5 bit is lost."""
    data, rng = data_of(n_sequences=400, held_out=500), np.random.default_rng(3)
    options = {"n_layers": 1, "n_starts": 1, "word_length": 2}
    found = learners.learn_cell(data, rng, **options, cut="separate")
    assert 0.45 < found.gaps[0] < 0.55


def test_what_is_said_to_be_impossible_costs_without_end():
    """A machine that only ever writes 0 and 1 by turns, a record that does not."""
    assert learners.or_infinite(lambda: 1.0) == 1.0

    def impossible():
        raise ValueError("symbol 1 of record 0 has probability 0 at place 3.")

    def wrong():
        raise ValueError("Argument `skip` must be ...")

    assert learners.or_infinite(impossible) == np.inf
    with pytest.raises(ValueError, match="skip"):
        learners.or_infinite(wrong)


def test_a_machine_that_excludes_a_record_has_an_infinite_gap():
    data = data_of(n_sequences=4, length=4, skip=0)
    found = learners.learn_machine(data, np.random.default_rng(0), 4, 2)
    assert any(np.isinf(found.gaps))
    config = {"process": rows.PROCESSES[rows.SQUARE], "seed": 0}
    config["data"] = {"n_sequences": 4, "length": 4, "held_out": 20, "skip": 0}
    config["learner"] = {"name": "machine", "n_states": 4, "n_starts": 2}
    result = runs.run(config)
    assert None in result["gaps"]
    json.dumps(result, allow_nan=False)


# -- EVENODD -----------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_exam_keeps_its_promise(k):
    exam = evenodd.draw_exam(20, 60, k, np.random.default_rng(k))
    asked = 0
    for inputs, record in zip(exam.inputs[..., 0], exam.records, strict=True):
        pulses = 0
        for x, symbol in zip(inputs, record, strict=True):
            if x == 0:
                assert symbol == evenodd.PULSE
                pulses += 1
                continue
            assert pulses % 2**k == 0 and symbol == (pulses // 2**k) % 2
            asked += 1
    assert asked > 20


def test_a_judge_that_knows_answers_right_and_its_opposite_never():
    """The exact cell is made for one reading, so all but the first are taken out."""
    params, config, _ = evenodd_cell(2)
    exam = evenodd.draw_exam(40, 40, 2, np.random.default_rng(0))
    first = exam.inputs.cumsum(axis=1) == 1
    inputs = exam.inputs * first
    exam = exam._replace(inputs=inputs)
    assert set(exam.records[inputs[..., 0] == 1]) == {0, 1}
    assert evenodd.right_answers(params, config, exam) == 1
    exam = exam._replace(records=1 - exam.records)
    assert evenodd.right_answers(params, config, exam) == 0


def test_evenodd_is_learnt_from_sequences():
    """Of these starts one finds it: no answer is wrong on sequences of 100."""
    rng = np.random.default_rng(203)
    options = {"k": 1, "n_sequences": 30, "length": 12, "held_out": 20}
    found = evenodd.learn_evenodd(**options, n_layers=4, n_starts=4, rng=rng)
    best = int(np.argmin(found.log_losses))
    assert found.log_losses[best] < 1e-4 and found.gaps[best] < 1e-3
    assert found.right == 1


# -- tables ------------------------------------------------------------------------


def outcome(results, part="held out", process=rows.SQUARE, learner=rows.CELL):
    """A row with results."""
    return runs.Outcome(rows.Row(part, process, learner, 0, []), results)


def test_the_training_loss_chooses_and_starts_are_counted():
    results = [
        {"log_losses": [2.0, 1.0, 3.0], "gaps": [0.0, 0.1, None], "seconds": 3.0},
        {"log_losses": [1.0, 2.0, 3.0], "gaps": [0.001, 0.0025, 0.2], "seconds": 6.0},
    ]
    found = statistics.summarize(outcome(results))
    assert found.gaps == [0.1, 0.001] and found.n_solved == 1
    assert (found.n_success, found.n_starts, found.seconds) == (3, 3, 1.5)
    assert found.median == pytest.approx(0.0505)


def test_quartiles_do_not_mix_what_is_infinite_into_the_rest():
    assert statistics.cuts([1.0, 2.0, 3.0, np.inf, np.inf]) == (2.0, 3.0, np.inf)
    values = np.random.default_rng(0).normal(size=9)
    assert statistics.cuts(values)[1] == np.median(values)


@pytest.mark.parametrize("found, n", [(0, 24), (7, 24), (24, 24)])
def test_intervals_are_wilson_s(found, n):
    """``(p - q)^2 = z^2 q (1 - q) / n`` at both ends q."""
    p, low, high = statistics.share(found, n)
    z = stats.norm.ppf(0.975)
    roots = np.roots([1 + z**2 / n, -2 * p - z**2 / n, p**2])
    np.testing.assert_allclose([low, high], np.sort(roots.real), atol=1e-9)


def test_the_cell_is_compared_seed_by_seed_with_what_both_have():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(0, 1, 9), rng.normal(1, 1, 9)

    def summary(learner, gaps):
        rest = [0.0] * 3
        numbers = [0, 1, list(gaps), *rest, 0, 0, 0.0]
        return statistics.Summary(rows.SQUARE, learner, 0, *numbers)

    few = [*theirs[:5], np.inf]
    table = [
        summary(rows.CELL, ours),
        summary("1 classical state", theirs),
        summary("2 classical states", theirs),
        summary("5 classical states", few),
    ]
    found = statistics.against_cell(table)
    finite = [*theirs[:5], 1e6]
    p = [stats.wilcoxon(ours, theirs).pvalue, stats.wilcoxon(ours[:6], finite).pvalue]
    least, most = sorted(p)
    expected = {p.index(least): 2 * least, p.index(most): max(2 * least, most)}
    assert list(found) == ["2 classical states", "5 classical states"]
    np.testing.assert_allclose(list(found.values()), [expected[0], expected[1]])


def test_published_numbers_are_turned_into_bits():
    found = statistics.published_excess(rows.SQUARE)
    assert found["2 classical states"] == pytest.approx(2 * (0.252 - 0.095))
    found = statistics.published_excess(rows.PUBLISHED)
    assert found["7 classical states"] == 0
    assert statistics.published_excess("clock (.8, .5)") == {}


@pytest.mark.parametrize("process", list(rows.PROCESSES))
def test_circuits_in_closed_form_are_exact(process):
    assert statistics.exact_difference(process) < 1e-14


def test_certificates_are_those_of_the_square_and_the_diamond():
    found = [statistics.certificate(rows.SQUARE, k) for k in (1, 2, 3)]
    np.testing.assert_allclose(found, [1 / 64 / np.log(2), 1 / 256 / np.log(2), 0])


# -- the command -------------------------------------------------------------------


def run_tiny(*options):
    """The command in this process, smaller than quick; what it says."""
    said = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        contextlib.redirect_stdout(said),
    ):
        draw_fast(monkeypatch)
        monkeypatch.setattr(rows, "QUICK", TINY)
        run_here(monkeypatch, "quantum_memory", "--quick", *options)
    return said.getvalue()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A run of everything: what it said, the JSON, the folder."""
    out = tmp_path_factory.mktemp("quantum_memory")
    said = run_tiny("--out", out)
    return said, json.loads((out / "quantum_memory.json").read_text("utf-8")), out


def test_every_table_and_figure_is_there(tiny):
    said, _, out = tiny
    for process in rows.PROCESSES:
        assert process in said
    for way in rows.WAYS.values():
        assert f"\n{way}" in said
    for words in ("protocol of the literature", "Learning curves", "certificate"):
        assert words in said
    assert "EVENODD, k = 2: found in" in said
    assert sorted(path.name for path in out.glob("*.png")) == FIGURES
    for line in said.splitlines():
        assert "nan" not in line.split()


def test_rows_of_the_json_are_those_that_were_asked_for(tiny):
    asked = rows.make_rows(TINY, 200)
    _, content, _ = tiny
    written = [row["learner"] for row in content["rows"]]
    assert written == [row.learner for row in asked]
    again = runs.run(asked[0].configs[1])
    written = content["rows"][0]["results"][1]
    assert again["gaps"] == written["gaps"]
    assert again["log_losses"] == written["log_losses"]


def test_started_again_it_goes_on_and_says_the_same(tiny):
    said, _, out = tiny
    lost = min((out / "runs").iterdir())
    lost.unlink()
    again = run_tiny("--out", out)
    assert "1 finished, 0 failed" in again
    seconds = [i for i, line in enumerate(said.splitlines()) if "s a start" in line]
    assert seconds  # those of the lost run are measured anew
    assert len(again.splitlines()) == len(said.splitlines())


def test_fewer_seeds_are_a_part_of_more(tiny):
    one = rows.make_rows(TINY._replace(seeds=1), 200)
    two = rows.make_rows(TINY, 200)
    for few, many in zip(one, two, strict=True):
        assert few.configs == many.configs[: len(few.configs)]


@pytest.mark.parametrize(
    "options, message",
    [
        ("--seeds 0", "argument --seeds: must be a positive integer"),
        ("--seed -1", "argument --seed: must be a non-negative integer"),
        ("--workers x", "argument --workers: must be a positive integer"),
        ("--scheduler a --workers 1", "--workers and --scheduler do not go together"),
    ],
)
def test_wrong_options_are_one_line(options, message, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as status:
        run_here(monkeypatch, "quantum_memory", *options.split(), "--out", out)
    assert status.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert message in error


def test_a_run_that_fails_ends_with_status_1(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(rows, "QUICK", TINY._replace(seeds=1, ways=1, length=1, skip=0))
    with pytest.raises(SystemExit) as status:
        run_here(monkeypatch, "quantum_memory", "--quick", "--out", tmp_path)
    assert status.value.code == 1
    assert "must be at least 2 symbols long" in capsys.readouterr().err
    assert not list(Path(tmp_path).glob("*.png"))
