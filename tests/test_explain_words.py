"""An explanation as text and HTML, and the command that prints it."""

import configparser
import importlib
import re
import runpy
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from test_explain import CASES, draw, explained, register_own

from qlstm import QLSTMConfig, save_model
from qlstm.commands.explain import cell_model
from qlstm.commands.main import main
from qlstm.insight import explain
from qlstm.insight.blocks import COLUMNS, Block, Table, as_html, as_text
from qlstm.insight.kets import amplitudes, chance, degrees, number, vector_table

ROOT = Path(__file__).resolve().parents[1]
WINDOW = [0.6, -0.3, 0.9]


def cell(**options):
    """The window of docs/cell.md."""
    params, config = cell_model()
    return explain(params, WINDOW, config, **options)


def flat(text):
    """Text without its lines."""
    return " ".join(text.split())


def test_the_numbers_of_the_page_on_the_cell():
    text = cell().text()
    for line in (
        "  |10>   -2.0000  0.4000  -0.8000  -0.4000       0.1600",
        "  |00>|11>       0.0740    -0.2721  180.0",
        "  |10>          0.3444        1   yes",
        "  |10>       0.8771     0.9366    0.0",
    ):
        assert f"\n{line}\n" in text
    outputs = re.findall(r"y = <Z of s2>: y = (-?\d\.\d+)\.", flat(text))
    assert outputs == ["0.3057", "0.1544", "-0.0560"]


@pytest.mark.parametrize("number, case", list(enumerate(CASES))[::4])
def test_every_text_is_plain_and_narrow(number, case):
    for detail in ("stage", "layer", "gate"):
        text = explained(case, number, detail)[-1].text([2])
        assert text.isascii()
        assert max(map(len, text.splitlines())) <= COLUMNS
        assert not re.search(r"-0\.0+(?![0-9e])|nan|float64|array\(", text)
        assert "Step 2 of 3" in text and "Step 1 of 3" not in text


def test_steps_that_are_not_there():
    for steps in ([0], [4], [1, 9]):
        with pytest.raises(ValueError, match=r"`steps` must lie in 1\.\.3, but holds"):
            cell().text(steps)


def test_kets_of_probability_zero_are_counted():
    table = vector_table("State", np.array([0.6, 0, 1e-12, -0.8j]), "abcd")
    assert table.caption == "State, 2 kets of probability zero left out"
    assert table.rows == [
        ["a", "0.3600", "0.6000+0.0000i", "0.0"],
        ["d", "0.6400", "0.0000-0.8000i", "-90.0"],
    ]
    assert vector_table("State", np.ones(2), "ab").caption == "State"
    assert "1 ket of" in vector_table("State", np.eye(2)[0], "ab").caption


def test_numbers_are_plain():
    assert number(np.float64(-1e-15)) == "0.0000"
    assert chance(1e-30) == "0.0000" and chance(3e-5) == "< 0.0001"
    assert amplitudes(np.array([-0.00001, 1])) == ["0.0000", "1.0000"]
    assert degrees(np.array([-1 - 0j, complex(-1, -1e-9)])) == ["180.0", "180.0"]


def test_the_way_back_stands_from_the_last_gate_to_the_first():
    found = cell(targets=0.5)
    text = found.text([3])
    table = text.split("Gates from the last to the first:")[1].split("-- In front")[0]
    numbers = [int(n) for n in re.findall(r"^  (\d+) ", table, flags=re.MULTILINE)]
    heads = re.findall(r"-- Back through step (\d)", found.text([1, 3]))
    assert heads == ["3", "1"]
    assert numbers == list(range(16, 0, -1))
    for name, array in zip(("entangler", "disentangler"), found.way_back.grads[2:]):
        assert re.search(rf"{name}\[0, 0\] .* {array[0, 0]:.4f}\n", text)
    assert f"squared difference of output and target: {found.way_back.loss:.4f}" in (
        flat(text)
    )


RULE_WORDS = {
    "collapse": "keeps the likeliest outcome",
    "probabilities": "loads it as an amplitude",
    "marginals": "by itself, multiplies them",
    "sampled": "draws an outcome",
    "mixed": "Its purity is",
    "reset": "forgets everything",
    "second": "The rule `second` keeps outcome",
    "coin": "The rule `coin` draws an outcome",
    "coherent": "`coherent` makes the next memory of the branches",
}


@pytest.mark.parametrize("memory, words", RULE_WORDS.items())
def test_every_rule_has_its_words(memory, words):
    register_own()
    config = QLSTMConfig(memory=memory)
    params, window, _ = draw(config)
    found = explain(params, window, config, rng=np.random.default_rng(0))
    assert words in flat(found.text())


def test_density_matrices_have_populations_and_no_amplitudes():
    config = QLSTMConfig(memory="mixed")
    params, window, targets = draw(config)
    text = explain(params, window, config, targets=targets).text()
    assert "population" in text and "phase" not in text
    assert "Half the mutual information of the registers" in flat(text)


def test_a_tie_and_a_narrow_margin_have_a_word():
    params, config = cell_model()
    assert "That is close" in flat(explain(params, WINDOW, config).text([1]))
    assert "That is close" not in flat(explain(params, WINDOW, config).text([3]))
    zero = params._replace(proj_weight=np.zeros((1, 4)), proj_bias=np.ones(4))
    flat_angles = [np.zeros((1, 4))] * 2
    zero = zero._replace(entangler=flat_angles[0], disentangler=flat_angles[1])
    assert "level with another one" in flat(explain(zero, WINDOW, config).text([1]))


def test_a_given_record_has_a_word():
    text = flat(cell(record=[3, 0]).text([1]))
    assert "The record says that outcome |11> was seen, of probability 0.1182." in text


def test_the_sum_of_the_readout_is_written_out():
    config = QLSTMConfig(readout="affine", predicts="change")
    params, window, _ = draw(config)
    params = params._replace(readout_scale=np.array([2.0]))
    found = explain(params, window, config)
    text, step = flat(found.text([3])), found.steps[2]
    assert "y = scale * <Z of s2> + offset = 2.0000 *" in text
    assert "and the value that came in" in text
    y = 2 * step.expectation[0] + window[-1, 0]
    assert f"is added: y = {number(y)}." in text
    np.testing.assert_allclose(step.readout, [y], atol=1e-15)


# -- HTML ----------------------------------------------------------------------------


class Cells(HTMLParser):
    """Captions, and cells row by row, as a browser reads them."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.captions, self.open, self.tags = [], [], None, []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.open = tag
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open in ("td", "th"):
            self.rows[-1][-1] += data
        elif self.open == "caption":
            self.captions.append(data)


@pytest.mark.parametrize("detail", ["stage", "gate"])
def test_html_has_the_rows_of_the_text(detail):
    found = cell(targets=0.5, detail=detail)
    page, lines = Cells(found._repr_html_()), str(found).splitlines()
    assert page.rows and page.captions
    rows = [" ".join(" ".join(row).split()) for row in page.rows]
    text = [" ".join(line.split()) for line in lines if line.startswith("  ")]
    assert rows == [line for line in text if set(line) != {"-"}]
    for caption in page.captions:
        assert f"{caption}:" in lines


def test_html_is_semantic_escaped_and_alone():
    page = cell(targets=0.5).page([1])
    tags = Cells(page).tags
    heads = [attributes for tag, attributes in tags if tag == "th"]
    assert heads and all(a["scope"] in ("col", "row") for a in heads)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
    assert not re.search(r"https?:|url\(|src=|@import", page)
    assert "|00&gt;|01&gt;" in page and "|00>" not in page
    table = Table("<b>", ["<i>", "n"], [["&", "< 1"]])
    section = as_html([Block(3, "a < b", ["`x` & <y>"], [table])])
    assert "<code>x</code> &amp; &lt;y&gt;" in section
    assert '<th scope="row">&amp;</th><td>&lt; 1</td>' in section
    assert "<h3>a &lt; b</h3>" in section and "<caption>&lt;b&gt;" in section


def test_a_name_that_is_not_ascii_is_escaped():
    assert as_text([Block(3, "gr\u00f6\u00dfe", [], [])]) == "-- gr\\xf6\\xdfe --"


def test_it_is_short_where_it_is_not_printed():
    assert repr(cell()) == "<Explanation of 3 step(s); print it, or read `.steps`>"


# -- the command ---------------------------------------------------------------------


def run(capsys, *arguments):
    """What the command prints, and its status."""
    status = 0
    try:
        main(["explain", *arguments])
    except SystemExit as end:
        status = end.code
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_the_command_prints_the_page_on_the_cell(capsys):
    assert run(capsys) == (0, f"{cell()}\n", "")
    options = "--inputs", "0.6", "-0.3", "0.9", "--targets", "0.5", "--detail", "gate"
    _, out, _ = run(capsys, *options, "--steps", "1", "3")
    assert out == cell(targets=0.5, detail="gate").text([1, 3]) + "\n"


@pytest.mark.parametrize("loss", ["last", "all"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_the_command_takes_a_model(capsys, tmp_path, loss, n_outputs):
    config = QLSTMConfig(
        n_features=2, loss=loss, memory="sampled", n_outputs=n_outputs, n_layers=1
    )
    params, window, targets = draw(config, n_steps=2)
    save_model(tmp_path / "m.npz", params, config)
    found = explain(
        params, window, config, targets=targets, rng=np.random.default_rng(4)
    )
    numbers = [repr(float(x)) for x in window.ravel()]
    aims = [repr(float(y)) for y in np.ravel(targets)]
    options = "--model", str(tmp_path / "m.npz"), "--inputs", *numbers, "--seed", "4"
    assert run(capsys, *options, "--targets", *aims) == (0, f"{found}\n", "")
    status, _, error = run(capsys, *options[:-3])
    assert (status, error) == (
        2,
        "error: Option --inputs must hold 2 values a step, but holds 3.\n",
    )
    status, _, error = run(capsys, *options[:2])
    assert error == "error: Option --inputs or --csv must be given with --model.\n"
    status, _, error = run(capsys, *options[:2], "--csv", "x.csv")
    assert "--csv must go with a model of one feature, but this one has 2" in error


@pytest.fixture
def series(tmp_path):
    """A CSV file with a gap."""
    path = tmp_path / "s.csv"
    path.write_text(
        "date,tavg\n2020-01-01,0.5\n2020-01-02,\n2020-01-03,-0.4\n2020-01-04,0.1\n"
    )
    return str(path)


def test_the_command_takes_the_last_values_of_a_file(capsys, series):
    status, out, _ = run(capsys, "--csv", series, "--column", "tavg", "--last", "2")
    params, config = cell_model()
    assert status == 0 and out.endswith(f"{explain(params, [-0.4, 0.1], config)}\n")
    assert out.startswith("The last 2 values of daily mean temperature, as they stand")
    assert max(map(len, out.splitlines())) <= COLUMNS


def test_the_command_writes_a_page(capsys, tmp_path):
    page = tmp_path / "new" / "page.html"
    status, out, _ = run(capsys, "--html", str(page), "--steps", "2")
    assert (status, out) == (0, f"Wrote {page}.\n")
    assert page.read_text() == cell().page([2])
    assert page.read_text().startswith("<!doctype html>\n<html lang=")


@pytest.mark.parametrize(
    "options, error",
    [
        (
            ["--inputs", "nan"],
            "Option --inputs must be finite, but step 1 of 1 is nan.",
        ),
        (["--last", "3"], "Option --last goes with --csv."),
        (["--column", "a"], "Options --column and --date-column go with --csv."),
        (["--steps", "4"], "Option --steps must lie in 1..3, but holds 4."),
        (
            ["--targets", "1", "2"],
            (
                "Option --targets must hold 1 number(s), as the model's loss is over "
                "the last step, but holds 2."
            ),
        ),
        (["--model", "nope.npz"], "No model file at nope.npz."),
    ],
)
def test_wrong_options_are_one_line(capsys, options, error):
    assert run(capsys, *options) == (2, "", f"error: {error}\n")


@pytest.mark.parametrize(
    "options, error",
    [
        ([], "Option --last must say how many values of --csv are wanted."),
        (["--last", "5"], "Option --last must be at most 4, the values of the file"),
        (
            ["--last", "3"],
            "must name values without a gap, but the last 3 values hold 1",
        ),
    ],
)
def test_wrong_ends_of_a_file(capsys, series, options, error):
    status, out, shown = run(capsys, "--csv", series, *options)
    assert (status, out, shown.count("\n")) == (2, "", 1) and error in shown


def test_a_model_that_is_too_large_is_named_by_its_option(capsys, tmp_path):
    config = QLSTMConfig(n_system=4, n_ancilla=3)
    save_model(tmp_path / "m.npz", draw(config)[0], config)
    options = "--model", str(tmp_path / "m.npz"), "--inputs", "0.1"
    status, _, error = run(capsys, *options)
    assert status == 2 and error.startswith("error: Option --model must have at most 6")


def test_the_console_command_is_installed_and_a_module(capsys, monkeypatch):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    entry = setup["options.entry_points"]["console_scripts"].strip()
    assert entry == "qlstm = qlstm.commands.main:main"
    module, name = entry.split(" = ")[1].split(":")
    assert getattr(importlib.import_module(module), name) is main
    monkeypatch.setattr("sys.argv", ["qlstm", "explain", "--steps", "1"])
    runpy.run_module("qlstm", run_name="__main__")
    assert capsys.readouterr().out == cell().text([1]) + "\n"


def test_a_subcommand_is_needed(capsys):
    with pytest.raises(SystemExit):
        main([])
    assert "arguments are required: SUBCOMMAND (see qlstm --help)" in (
        capsys.readouterr().err
    )
