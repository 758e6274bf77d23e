"""Who imports whom, what is loaded, and the public names."""

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import qlstm
import qsim

ROOT = Path(__file__).resolve().parents[1]
CORE = (
    "params",
    "encoding",
    "memory",
    "mixed",
    "cell",
    "upload",
    "readout",
    "model",
    "shift",
    "gradient",
    "adam",
    "train",
)


def modules(package):
    """The files of a package."""
    return sorted((ROOT / package).glob("**/*.py"))


def imported(path):
    """Names of the top-level packages that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", modules("qsim"), ids=lambda path: path.stem)
def test_the_simulator_knows_nothing_about_recurrent_networks(path):
    assert imported(path) <= {"qsim", "numpy", "scipy"}


@pytest.mark.parametrize("name", CORE)
def test_the_core_needs_numpy_and_the_simulator_alone(name):
    assert imported(ROOT / "qlstm" / f"{name}.py") <= {"qlstm", "qsim", "numpy"}


@pytest.mark.parametrize("name", CORE)
def test_the_core_imports_the_core_alone(name):
    tree = ast.parse((ROOT / "qlstm" / f"{name}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("qlstm"):
            assert node.module.removeprefix("qlstm.") in ("qlstm", *CORE, "trace")


@pytest.mark.parametrize("path", modules("qlstm"), ids=lambda path: path.stem)
def test_nothing_imports_experiments_or_tests(path):
    helpers = {file.stem for file in (ROOT / "tests").glob("*.py")}
    assert not imported(path) & ({"experiments", "tests"} | helpers)


@pytest.mark.parametrize("path", modules("experiments"), ids=lambda path: path.stem)
def test_experiments_use_public_packages(path):
    allowed = {"qlstm", "qsim", "numpy", "scipy", "matplotlib", "experiments"}
    if path.stem in ("pennylane_model", "speed"):
        allowed |= {"pennylane"}
    assert imported(path) <= allowed


def loaded(statement):
    """Top-level names in `sys.modules` of a fresh process after a statement."""
    code = f"import sys; {statement}; print(*{{m.split('.')[0] for m in sys.modules}})"
    command = [sys.executable, "-c", code]
    process = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(process.stdout.split())


def test_importing_qlstm_loads_no_heavy_package():
    heavy = {"pandas", "matplotlib", "meteostat", "vega_datasets", "torch", "pennylane"}
    names = loaded("import qlstm")
    assert "qlstm" in names and not names & heavy


def test_importing_qsim_loads_no_qlstm():
    names = loaded("import qsim")
    numpy_random = {"cython_runtime"}
    allowed = {"qsim", "numpy", "scipy"} | numpy_random | set(sys.stdlib_module_names)
    bare = loaded("import numpy")  # and what the interpreter loads, such as site hooks
    assert {name for name in names - bare if not name.startswith("_")} <= allowed


QSIM_NAMES = """
    RX RY RZ zero_state apply_gate entangling_layers entangling_layers_backward
    circuit_matrix probabilities expval_z reduced_density_matrix collapse
    parameter_shift finite_difference
"""
QLSTM_NAMES = """
    QLSTMConfig QLSTMParams init_params predict loss_and_grad adam_init adam_update fit
    save_model load_model
"""


@pytest.mark.parametrize(
    "package, names", [(qsim, QSIM_NAMES), (qlstm, QLSTM_NAMES)], ids=["qsim", "qlstm"]
)
def test_public_names(package, names):
    assert set(names.split()) <= set(package.__all__)
    assert len(set(package.__all__)) == len(package.__all__)
    for name in package.__all__:
        thing = getattr(package, name)
        if callable(thing):
            assert thing.__doc__


EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in ("qsim", "qlstm")
    for path in modules(package)
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_runs(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
