"""Files: written whole or not at all; digests and versions."""

import hashlib
import json
import os
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from qlstm.files import (
    atomic_path,
    canonical_json,
    sha256_of_file,
    sha256_of_json,
    versions,
    write_json,
    write_text,
)


def test_a_block_that_raises_leaves_the_old_file(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="stop"), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("stop")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.txt"]


def test_a_block_that_ends_well_replaces_the_file(tmp_path):
    path = tmp_path / "deep" / "folder" / "result.txt"
    for text in ("one", "two"):
        with atomic_path(path) as temporary:
            assert temporary.parent == path.parent
            assert temporary.suffix == ".txt"
            temporary.write_text(text)
        assert path.read_text() == text
    assert os.listdir(path.parent) == ["result.txt"]


@pytest.mark.skipif(os.name != "posix", reason="file modes are a matter of POSIX")
def test_files_have_the_usual_mode(tmp_path):
    (tmp_path / "usual").touch()
    write_json(tmp_path / "ours", {})
    modes = [(tmp_path / name).stat().st_mode for name in ("usual", "ours")]
    assert modes[0] == modes[1]


def test_json_round_trip(tmp_path):
    content = {"a": [1, 2.5, None], "b": "°C"}
    write_json(tmp_path / "x.json", content)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads(text) == content and text.endswith("}\n")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_json_refuses_what_is_not_a_number(value, tmp_path):
    path = tmp_path / "x.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="Out of range float values are not JSON"):
        write_json(path, {"deep": [{"value": value}]})
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.json"]


def test_canonical_json_is_ascii():
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"\\u00e9","b":1}'


@pytest.mark.parametrize(
    "content, error",
    [({1: "a"}, TypeError), ([{"a": {2: 0}}], TypeError), ({"a": np.nan}, ValueError)],
)
def test_canonical_json_refuses_what_json_would_change(content, error):
    with pytest.raises(error):
        canonical_json(content)


def test_digests_are_those_of_the_bytes(tmp_path):
    write_text(tmp_path / "x.txt", "°C\n")
    expected = hashlib.sha256("°C\n".encode()).hexdigest()
    assert sha256_of_file(tmp_path / "x.txt") == expected
    expected = hashlib.sha256(b'{"a":[1,2.5],"b":null}').hexdigest()
    assert sha256_of_json({"b": None, "a": (1, 2.5)}) == expected


def test_versions_name_what_a_result_depends_on():
    found = versions()
    assert set(found) == {"python", "qlstm", "numpy", "scipy", "pandas", "matplotlib"}
    assert found["numpy"] == np.__version__


def test_versions_of_what_is_not_installed():
    assert list(versions("numpy")) == ["python", "numpy"]
    with pytest.raises(PackageNotFoundError, match="no-such-package"):
        versions("no-such-package")
