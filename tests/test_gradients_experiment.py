"""`experiments.gradients`, small: its table, its JSON, and what they say."""

import json
import runpy

import pytest


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The JSON of a small run, and what it left."""
    folder = tmp_path_factory.mktemp("gradients")
    with pytest.MonkeyPatch.context() as patch:
        options = ["--steps", "2", "--draws", "1", "--layers", "1", "--out", folder]
        patch.setattr("sys.argv", ["gradients", *map(str, options)])
        runpy.run_module("experiments.gradients", run_name="__main__")
    return json.loads((folder / "gradients.json").read_text()), folder


def test_a_row_for_each_model_length_and_method(found):
    content, folder = found
    keys = ("rotation", "memory", "n_steps", "method")
    assert len({tuple(row[key] for key in keys) for row in content["rows"]}) == 40
    assert len(content["rows"]) == 4 * 2 * 5
    assert (folder / "gradients.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_shift_rule_breaks_beyond_one_step(found):
    content, _ = found
    for row in content["rows"]:
        method, error = row["method"], row["error"]
        if method == "finite-difference":
            assert 1e-14 < error < 1e-7
        elif method == "naive-parameter-shift" and row["n_steps"] == 2:
            assert error > 1e-3
        else:
            assert error < 1e-12
