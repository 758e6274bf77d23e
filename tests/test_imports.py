"""Who imports whom, what is loaded, and the public names."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import qlstm
import qsim

ROOT = Path(__file__).resolve().parents[1]
LAYERS = (
    ("qsim",),
    ("qsim.entanglement",),
    ("qlstm",),
    ("qlstm.insight", "qlstm.interchange", "qlstm.processes"),
    ("qlstm.forecasting",),
    ("qlstm.sweeps", "qlstm.plots", "qlstm.explorer", "qlstm.estimator"),
    ("qlstm.commands",),
    ("qlstm.__main__", "experiments"),
)
"""From the bottom to the top; each imports itself and what is below it."""
RANKS = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
WINGS = {name for name in RANKS if RANKS[name] > RANKS["qlstm"]}
NUMPY_ONLY = ("qsim", "qlstm")
"""The layers at the bottom that need nothing but NumPy."""
PUBLIC = (
    "qsim",
    "qsim.entanglement",
    "qlstm",
    "qlstm.commands",
    "qlstm.estimator",
    "qlstm.explorer",
    "qlstm.files",
    "qlstm.forecasting",
    "qlstm.forecasting.baselines",
    "qlstm.forecasting.sources",
    "qlstm.insight",
    "qlstm.interchange",
    "qlstm.plots",
    "qlstm.processes",
    "qlstm.sweeps",
)
"""Where experiments and pages may take names from, if `__all__` lists them."""


def modules(*packages):
    """The files of packages."""
    return [p for name in packages for p in sorted((ROOT / name).glob("**/*.py"))]


def name_of(path):
    """The dotted name of a file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def layer_of(module):
    """The layer of a module: the longest name that it begins with."""
    parts = module.split(".")
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((name for name in prefixes if name in RANKS), None)


MODULES = modules("qsim", "qlstm", "experiments")
NAMES = {name_of(path) for path in MODULES}
every_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


@cache
def tree_of(path):
    """A file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path):
    """The modules that a file imports, wherever in it, under their full names."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            found.add(node.module)
            of_names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= of_names & NAMES  # from package import module
        elif isinstance(node, ast.Call) and node.args:
            function = getattr(node.func, "attr", getattr(node.func, "id", None))
            (first, *_) = node.args
            if function in ("import_module", "__import__") and isinstance(
                first, ast.Constant
            ):
                found.add(first.value)
    return frozenset(found)


def top_level(path):
    """Names of the packages that a file imports, without the standard library's."""
    return {name.split(".")[0] for name in imported(path)} - set(
        sys.stdlib_module_names
    )


def wrong_arrows(module, names):
    """Which of these imports go up, or across to another wing."""
    own = layer_of(module)
    targets = {name: layer_of(name) for name in names}
    return {
        name
        for name, layer in targets.items()
        if layer and layer != own and RANKS[layer] >= RANKS[own]
    }


@every_module
def test_imports_go_one_way(path):
    """Functions count, too; names for type checkers as well."""
    names = imported(path)
    if path == ROOT / "qlstm" / "__init__.py":
        names = names - lazily_imported(path)
    assert not wrong_arrows(name_of(path), names)


def lazily_imported(path):
    """What the module's own `__getattr__` imports: the one exception."""
    (lazy,) = [
        node
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__"
    ] or [ast.Module([], [])]
    return {
        f"{node.module}" for node in ast.walk(lazy) if isinstance(node, ast.ImportFrom)
    }


def test_the_arrows_of_this_test():
    """What it must see, and what it must let pass."""
    up = {"qlstm.insight", "qlstm.plots", "experiments.sine"}
    assert wrong_arrows("qlstm.train", {*up, "qsim.entanglement", "numpy"}) == up
    assert wrong_arrows("qsim.measure", {"qsim.entanglement.density"})
    assert wrong_arrows("qlstm.insight.trace", {"qlstm.interchange.pennylane"})
    assert wrong_arrows("qlstm.sweeps.table", {"qlstm.plots"})
    assert not wrong_arrows("qlstm.insight.trace", {"qlstm.insight.stages", "qlstm"})
    assert not wrong_arrows("qlstm.commands.cli", {"qlstm.plots", "qlstm.sweeps"})


def test_there_are_no_other_packages():
    """A new wing must say where it stands."""
    packages = {
        name_of(path.parent / "__init__.py")
        for path in modules("qsim", "qlstm")
        if path.name == "__init__.py"
    }
    inner = {"qlstm.forecasting.baselines", "qlstm.forecasting.sources"}
    assert packages - inner <= set(RANKS)


@pytest.mark.parametrize(
    "path", [p for p in MODULES if layer_of(name_of(p)) in NUMPY_ONLY], ids=name_of
)
def test_the_core_and_the_simulator_need_numpy_alone(path):
    assert top_level(path) <= {"qsim", "qlstm", "numpy"}


@pytest.mark.parametrize("path", modules("qsim"), ids=name_of)
def test_the_simulator_knows_nothing_about_recurrent_networks(path):
    assert top_level(path) <= {"qsim", "numpy", "scipy"}


@every_module
def test_nothing_imports_the_tests(path):
    helpers = {file.stem for file in (ROOT / "tests").glob("*.py")}
    assert not top_level(path) & ({"tests"} | helpers)


@pytest.mark.parametrize("path", modules("experiments"), ids=name_of)
def test_experiments_use_few_packages(path):
    allowed = {"qlstm", "qsim", "numpy", "scipy", "matplotlib", "experiments"}
    if path.stem == "pennylane_model":
        allowed |= {"pennylane"}
    if path.stem == "grid_search":
        allowed |= {"sklearn"}
    if "speed" in path.parts:
        allowed |= {"jax", "pennylane", "qulacs"}
    assert top_level(path) <= allowed


# -- what is loaded ----------------------------------------------------------------


def loaded(statement):
    """Names in `sys.modules` of a fresh process after a statement."""
    code = f"import sys; {statement}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    process = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(process.stdout.split())


def test_importing_qlstm_loads_the_core_and_numpy_alone():
    heavy = {"scipy", "pandas", "matplotlib", "meteostat", "vega_datasets", "torch"}
    heavy |= {"pennylane", "dask", "qsim.entanglement"} | WINGS
    names = loaded("import qlstm")
    assert "qlstm.train" in names and not names & heavy


def test_importing_qsim_loads_numpy_alone():
    names = loaded("import qsim")
    assert "qsim" in names and not names & {"scipy", "qsim.entanglement", "qlstm"}
    tops = {name.split(".")[0] for name in names - loaded("import numpy")}
    allowed = {"qsim", "numpy", "cython_runtime"} | set(sys.stdlib_module_names)
    assert {name for name in tops if not name.startswith("_")} <= allowed


# -- public names ------------------------------------------------------------------

QSIM_NAMES = """
    RX RY RZ zero_state apply_gate entangling_layers entangling_layers_backward
    circuit_matrix probabilities expval_z reduced_density_matrix collapse
    parameter_shift finite_difference
"""
QLSTM_NAMES = """
    QLSTMConfig QLSTMParams init_params predict loss_and_grad adam_init adam_update fit
    save_model load_model
"""
AT_MOST = 32
both_packages = pytest.mark.parametrize(
    "package, names", [(qsim, QSIM_NAMES), (qlstm, QLSTM_NAMES)], ids=["qsim", "qlstm"]
)


@both_packages
def test_public_names(package, names):
    assert set(names.split()) <= set(package.__all__)
    assert len(set(package.__all__)) == len(package.__all__)
    assert len(package.__all__) <= AT_MOST
    for name in package.__all__:
        thing = getattr(package, name)
        if callable(thing):
            assert thing.__doc__, name


def assigned(tree):
    """Names that a module binds at its top: definitions and constants."""
    names = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = getattr(node, "targets", None) or [node.target]
            names |= {n.id for t in targets for n in ast.walk(t) if hasattr(n, "id")}
    return names


@cache
def used(path):
    """Names that a file takes from elsewhere and uses: its imports and attributes."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    return frozenset(names)


@cache
def code_of(page):
    """The code of a page: its fences, and what stands in backticks."""
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^```.*?^```", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(fences + re.findall(r"`[^`\n]+`", text))


PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
CATALOGUES = ("api.md", "changelog.md")
"""Pages that name everything there is."""


@pytest.mark.parametrize(
    "package, name",
    [(package, name) for package in (qsim, qlstm) for name in package.__all__],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_nothing_public_is_called_by_nobody(package, name):
    init = Path(package.__file__)
    users = [
        path
        for path in MODULES
        if path != init and name in used(path) and name not in assigned(tree_of(path))
    ]
    word = re.compile(rf"\b{name}\b")
    pages = [p for p in PAGES if p.name not in CATALOGUES and word.search(code_of(p))]
    assert users + pages


@cache
def listed(module):
    """What a public module lists."""
    found = importlib.import_module(module)
    assert getattr(found, "__all__", None), f"{module} must have a list `__all__`"
    return frozenset(found.__all__)


def not_public(module, name):
    """Whether experiments and pages may not import this name from this module."""
    if module not in PUBLIC:
        return True
    return name not in (*listed(module), "*") and f"{module}.{name}" not in PUBLIC


@pytest.mark.parametrize("path", modules("experiments"), ids=name_of)
def test_experiments_use_public_names(path):
    ours = [
        (node.module, alias.name)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and layer_of(node.module) in RANKS
        for alias in node.names
        if layer_of(node.module) != "experiments"
    ]
    assert [f"{m}.{name}" for m, name in ours if not_public(m, name)] == []
    whole = {
        alias.name
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.split(".")[0] in ("qsim", "qlstm")
    }
    assert whole <= set(PUBLIC)


IMPORT = re.compile(
    r"^\s*from (q(?:sim|lstm)[\w.]*) import (?:\(([^)]*)\)|([^\n(]*))", re.MULTILINE
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_use_public_names(page):
    text = re.sub(r"^\s*(>>>|\.\.\.) ?", "", page.read_text(), flags=re.MULTILINE)
    ours = [
        (module, name.split(" as ")[0].strip())
        for module, several, one in IMPORT.findall(text)
        for name in (several or one.split("#")[0]).split(",")
        if name.strip()
    ]
    assert [f"{m}.{name}" for m, name in ours if not_public(m, name)] == []


EXAMPLES = [name_of(path) for path in modules("qsim", "qlstm")]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_runs(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
