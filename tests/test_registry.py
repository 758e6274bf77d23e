"""Rules and readouts of one's own: known by name, and found again elsewhere."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import one
import pytest

from qlstm import (
    DensityRule,
    QLSTMConfig,
    Readout,
    RecordRule,
    VectorRule,
    register_memory,
    register_readout,
)
from qlstm.memory import RULES
from qlstm.readout import READOUTS
from qlstm.registry import load_rules, user_rules

ROOT = Path(__file__).resolve().parents[1]


class Bare(VectorRule):
    """A rule that nobody runs."""


class Other(DensityRule):
    """Another one."""


def make_file(path, names=("mine",), more=""):
    """A file that registers rules when it is imported."""
    lines = [f"register_memory({name!r}, Mine())" for name in names]
    content = f"""\
        from qlstm import VectorRule, register_memory
        {more}

        class Mine(VectorRule):
            "A rule of one's own."

            def update(self, branches, rngs=None, given=None):
                h = branches.sum(axis=-2)
                return h / abs(h).max(), None

    """
    path.write_text(textwrap.dedent(content) + "\n".join(lines) + "\n")
    return path


def fresh(code, *arguments, cwd=ROOT):
    """Run code in a fresh process; the last line of an error is the error."""
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return process.stdout, process.stderr.strip().splitlines()


LOAD = """
    import json, sys
    from qlstm.memory import RULES
    from qlstm.registry import load_rules
    load_rules(json.loads(sys.argv[1]))
    print(*RULES)
"""


# -- by name -------------------------------------------------------------------------


def test_a_registered_rule_has_a_name():
    rule = Bare()
    with pytest.raises(ValueError, match="`memory` must be one of collapse.*'bare'"):
        QLSTMConfig(memory="bare")
    register_memory("bare", rule)
    assert QLSTMConfig(memory="bare").rule is rule
    with pytest.raises(ValueError, match="`memory` must be one of .*, bare, but"):
        QLSTMConfig(memory="bear")


def test_a_registered_readout_has_a_name():
    readout = Readout()
    register_readout("bare", readout)
    assert QLSTMConfig(readout="bare").output_map is readout
    with pytest.raises(ValueError, match="`readout` must be one of .*, bare, but"):
        QLSTMConfig(readout="bear")


@pytest.mark.parametrize("name", [*one.MEMORIES, "taken"])
def test_a_name_is_not_taken_twice(name):
    register_memory("taken", Bare())
    before = dict(RULES)
    with pytest.raises(ValueError, match=f"`name` must be a new name, but '{name}' is"):
        register_memory(name, Other())
    assert before == RULES


def test_a_file_may_be_imported_again():
    """Then its class is another one of the same name, and the later one counts."""
    register_memory("bare", Bare())
    again = type("Bare", (VectorRule,), {"__qualname__": "Bare"})()
    register_memory("bare", again)
    assert RULES["bare"] is again


@pytest.mark.parametrize("name", ["expectation", "affine"])
def test_a_readout_s_name_is_not_taken_twice(name):
    before = dict(READOUTS)
    with pytest.raises(ValueError, match=f"`name` must be a new name, but '{name}' is"):
        register_readout(name, type("Mine", (Readout,), {})())
    assert before == READOUTS


@pytest.mark.parametrize("wrong", [Bare, None, "collapse", Readout()])
def test_a_rule_is_an_instance_of_a_rule(wrong):
    with pytest.raises(TypeError, match="`rule` must be a MemoryRule, but is"):
        register_memory("wrong", wrong)
    assert "wrong" not in RULES


@pytest.mark.parametrize("wrong", [Readout, None, "affine", Bare()])
def test_a_readout_is_an_instance_of_a_readout(wrong):
    with pytest.raises(TypeError, match="`readout` must be a Readout, but is"):
        register_readout("wrong", wrong)
    assert "wrong" not in READOUTS


# -- what a rule is without its own functions ----------------------------------------


@pytest.mark.parametrize("base", [VectorRule, DensityRule, RecordRule])
def test_a_rule_starts_from_the_first_basis_state(base):
    memory = base().first((2, 3), 4)
    density = base().density(memory)
    assert density.shape == (2, 3, 4, 4)
    expected = np.zeros((4, 4))
    expected[0, 0] = 1
    np.testing.assert_array_equal(density, np.broadcast_to(expected, (2, 3, 4, 4)))
    np.testing.assert_array_equal(base().distance(memory, memory), np.zeros((2, 3)))
    assert base().populations(memory) is None
    assert base().shift in (None, "record")
    assert not base().is_channel and not base().draws and not base().jumps


def test_the_built_in_rules_say_what_they_are():
    facts = {
        name: [fact for fact in ("keeps", "draws", "jumps", "is_channel", "pure")
               if getattr(RULES[name], fact)]
        for name in one.MEMORIES
    }  # fmt: skip
    assert facts == {
        "collapse": ["keeps", "jumps", "pure"],
        "sampled": ["keeps", "draws", "is_channel", "pure"],
        "mixed": ["is_channel"],
        "probabilities": ["pure"],
        "marginals": ["pure"],
        "reset": ["pure"],
    }


# -- found again ---------------------------------------------------------------------


def test_built_in_rules_are_not_the_user_s():
    assert user_rules() == []


def test_a_rule_is_described_by_its_file():
    register_memory("bare", Bare())
    register_memory("other", Other())
    assert user_rules() == [
        ("bare", __name__, __file__),
        ("other", __name__, __file__),
    ]
    assert json.loads(json.dumps(user_rules())) == [list(r) for r in user_rules()]


def test_rules_are_found_again_from_the_file_alone(tmp_path):
    """In a process whose path does not have it; one file may register several."""
    path = make_file(tmp_path / "my_rules.py", ("mine", "ours"))
    rules = [[name, "my_rules", str(path)] for name in ("mine", "ours")]
    out, errors = fresh(LOAD, json.dumps(rules))
    assert not errors
    assert out.split() == [*one.MEMORIES, "mine", "ours"]


def test_a_file_is_not_read_again_where_its_rule_is_known(tmp_path):
    register_memory("mine", Bare())
    path = make_file(tmp_path / "my_rules.py", more="raise RuntimeError")
    load_rules([("mine", "my_rules", str(path))])
    assert type(RULES["mine"]) is Bare


def test_without_its_file_a_rule_is_found_by_its_module(tmp_path):
    """As on another machine, where the module is installed elsewhere."""
    make_file(tmp_path / "my_rules.py")
    rules = [["mine", "my_rules", "/not/here/my_rules.py"]]
    out, errors = fresh(LOAD, json.dumps(rules), cwd=tmp_path)
    assert not errors and out.split()[-1] == "mine"


ABSENT = {
    "module": ["mine", "no_such_module", "/not/here/my_rules.py"],
    "package": ["mine", "no_such_package.rules", "/not/here/my_rules.py"],
    "script": ["mine", "__main__", "/not/here/script.py"],
    "notebook": ["mine", "__main__", ""],
}


@pytest.mark.parametrize("rule", ABSENT)
def test_a_rule_that_is_absent_is_named(rule):
    name, module, file = ABSENT[rule]
    _, errors = fresh(LOAD, json.dumps([ABSENT[rule]]))
    assert errors, "it must be an error"
    assert errors[-1].startswith("ValueError: ")
    for part in (f"'{name}'", f"module {module}", f"file {file or 'unknown'}"):
        assert part in errors[-1]


def test_a_file_that_registers_another_rule_is_named(tmp_path):
    path = make_file(tmp_path / "my_rules.py", ("another",))
    with pytest.raises(ValueError, match=f"'mine' must be registered.*{path}"):
        load_rules([("mine", "my_rules", str(path))])


def test_a_file_that_fails_says_why(tmp_path):
    path = make_file(tmp_path / "my_rules.py", more="import no_such_package")
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        load_rules([("mine", "my_rules", str(path))])


@pytest.mark.parametrize("where", ["notebook", "script"])
def test_a_rule_of_a_script_or_a_notebook_is_described(where, tmp_path):
    """A notebook has no file to find it by, which is no error until it is needed."""
    code = """
        from qlstm import VectorRule, register_memory
        from qlstm.registry import user_rules

        class Mine(VectorRule):
            "A rule of one's own."

        register_memory("mine", Mine())
        print(*user_rules()[0], sep="|")
    """
    if where == "notebook":
        out, errors = fresh(code)
        assert not errors, errors[-1]
        assert out == "mine|__main__|\n"
    else:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(code))
        out = subprocess.run(
            [sys.executable, path],
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert out == f"mine|__main__|{path}\n"
