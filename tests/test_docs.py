"""The documentation: links, citations, examples and figures."""

import ast
import doctest
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qlstm import predict

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), *ROOT.glob("README.md")]
SCRIPTS = sorted(DOCS.glob("draw_*.py"))
SOURCES = [p for name in ("qsim", "qlstm") for p in sorted((ROOT / name).rglob("*.py"))]
CITATION = re.compile(
    r"docs/gradients\.md, (section|eq)s?\.? (\d+[a-z]?)(?:(?: to | and |, )(\d+))?"
)


def _name(path: Path) -> str:
    return path.name


def _prose(page: Path) -> str:
    """The page without its code."""
    return re.sub(
        r"^```.*?^```|`[^`\n]+`", "", page.read_text(), flags=re.MULTILINE | re.DOTALL
    )


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def _numbers() -> dict[str, list[str]]:
    """The numbers of sections and equations in gradients.md, in order."""
    text = (DOCS / "gradients.md").read_text()
    patterns = {"section": r"^## (\d+)\. ", "eq": r"\\tag\{(\d+[a-z]?)\}"}
    return {
        kind: re.findall(pattern, text, flags=re.MULTILINE)
        for kind, pattern in patterns.items()
    }


def _draw_module(name: str):
    """A drawing script as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_resolve(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file), target


def test_every_page_is_on_the_map():
    linked = set(re.findall(r"\]\((\w+\.md)\)", (DOCS / "index.md").read_text()))
    assert linked == {page.name for page in DOCS.glob("*.md")} - {"index.md"}


def test_sections_and_equations_are_counted_from_one():
    for numbers in _numbers().values():  # 4a and 4b may follow 4
        whole = [int(number) for number in numbers if number.isdigit()]
        assert whole == list(range(1, len(whole) + 1))
        in_order = sorted(numbers, key=lambda n: (int(n.rstrip("abcdefgh")), n))
        assert numbers == in_order
        assert len(set(numbers)) == len(numbers)


def test_cited_sections_and_equations_exist():
    known, n_cited = _numbers(), 0
    for source in SOURCES:
        text = re.sub(r"\s+(?:# )?", " ", source.read_text())
        for kind, first, last in CITATION.findall(text):
            assert {first, last or first} <= set(known[kind]), f"{source.name}: {first}"
            n_cited += 1
    assert n_cited > 5


@pytest.mark.parametrize("kind, word", [("section", "ection"), ("eq", "quation")])
def test_the_derivations_cite_themselves_rightly(kind, word):
    cited = re.findall(rf"{word}s? (\d+[a-z]?)", _prose(DOCS / "gradients.md"))
    assert cited
    assert set(cited) <= set(_numbers()[kind])


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_examples_run(page):
    failed, _ = doctest.testfile(str(page), module_relative=False)
    assert failed == 0


@pytest.mark.parametrize("script", SCRIPTS, ids=_name)
def test_figures_can_be_drawn(script, tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, env=env)
    drawn = {path.name for path in tmp_path.iterdir()}
    expected = {script.stem.removeprefix("draw_") + ".png"}
    if script.stem == "draw_pictures":
        expected = {f"{name}.svg" for name in _draw_module(script.stem).PICTURES}
    assert drawn == expected
    assert drawn <= {path.name for path in (DOCS / "figures").iterdir()}


def test_the_jumps_of_the_figure_are_those_of_the_text():
    module = _draw_module("draw_tie_jump")
    pieces, ties = module.sweep()
    assert len(ties) == 6
    slopes = sum(piece[-1, 1] - piece[0, 1] for piece in pieces)
    jumps = sum(after - before for _, before, after in ties)
    np.testing.assert_allclose([slopes, jumps], [-0.464, 0.464], atol=5e-4)
    np.testing.assert_allclose(slopes, -jumps, atol=1e-9)


def test_the_figure_shows_the_library_s_output():
    module = _draw_module("draw_tie_jump")
    params, sequence = module.model()
    for angle in (0.3, 2.0, 5.0):
        params.entangler[0, 0] = angle
        y = predict(params, sequence[None], module.CONFIG)[0]
        np.testing.assert_allclose(module.run(angle).output, y, atol=1e-12)


def test_the_machines_of_the_clock_s_figure_lose_what_the_text_says():
    module = _draw_module("draw_qubit_clock")
    losses = [module.excess(m, module.CLOCK) for m in module.machines()]
    text = (DOCS / "quantum_memory.md").read_text()
    assert " | ".join(f"{loss:.4f}" for loss in losses) in text


def test_no_attribute_is_garbled_on_the_api_page():
    """Sphinx takes what stands before a colon in the first line for the type."""
    garbled = []
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for scope in (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)):
            for node, text in zip(scope.body, scope.body[1:], strict=False):
                if isinstance(node, ast.AnnAssign) and isinstance(text, ast.Expr):
                    first = text.value.value.splitlines()[0]
                    if ":" in re.sub(r"``.*?``|`.*?`", "", first):
                        garbled.append(f"{path.name}:{text.lineno}")
    assert garbled == []
