"""Files: written whole or not at all; digests and versions."""

import hashlib
import json
import os
import stat
import threading
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from qlstm.files import (
    atomic_path,
    canonical_json,
    parse_json,
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


def mode(path):
    """The rights of a file."""
    return stat.S_IMODE(path.stat().st_mode)


posix = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")


@posix
@pytest.mark.parametrize("rights", [0o600, 0o640, 0o755, 0o666])
def test_a_file_that_is_replaced_keeps_its_rights(rights, tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    path.chmod(rights)
    with atomic_path(path) as temporary:
        assert mode(temporary) == 0o600
        temporary.write_text("new")
    assert (path.read_text(), mode(path)) == ("new", rights)


@posix
@pytest.mark.parametrize("umask, rights", [(0o077, 0o600), (0o027, 0o640)])
def test_a_new_file_gets_what_the_umask_leaves(umask, rights, tmp_path):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "result.txt", "new")
    finally:
        os.umask(before)
    assert mode(tmp_path / "result.txt") == rights


@posix
def test_the_umask_of_the_process_is_not_touched(tmp_path, monkeypatch):
    """It belongs to all threads: what another one makes would be open to the world."""
    monkeypatch.setattr(os, "umask", None)
    names = [tmp_path / f"{k}.txt" for k in range(4)]
    (tmp_path / "usual").touch()

    def write(path):
        for k in range(50):
            write_text(path, str(k))

    threads = [threading.Thread(target=write, args=(name,)) for name in names * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [name.read_text() for name in names] == ["49"] * 4
    assert {mode(name) for name in names} == {mode(tmp_path / "usual")}
    assert len(list(tmp_path.iterdir())) == 5


@posix
def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "store").mkdir()
    target, link = tmp_path / "store" / "model.npz", tmp_path / "link.npz"
    link.symlink_to("store/model.npz")
    for text in ("new", "replaced"):  # at first the link names nothing
        write_text(link, text)
        assert link.is_symlink() and target.read_text() == text
    assert os.listdir(tmp_path / "store") == ["model.npz"]


@posix
def test_a_link_to_itself_is_an_error(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="Not a regular file.*loop"):
        write_text(tmp_path / "loop", "text")
    assert (tmp_path / "loop").is_symlink()


@pytest.mark.parametrize(
    "name",
    ["a" * 250, "a" * 251 + ".npz", "a." + "b" * 253, "é" * 125 + ".json", ".env"],
)
def test_a_name_of_up_to_255_bytes(name, tmp_path):
    with atomic_path(tmp_path / name) as temporary:
        assert len(os.fsencode(temporary.name)) <= 90
        temporary.write_text("text")
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    "name, error",
    [("a" * 256, OSError), ("folder", IsADirectoryError), ("file/x", OSError)],
)
def test_what_cannot_be_written_is_an_error_before_the_block(name, error, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    match = name.split("/")[0]
    with pytest.raises(error, match=match), atomic_path(tmp_path / name):
        pytest.fail("the block began")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


@posix
def test_a_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="Not a regular file.*pipe"):
        write_text(tmp_path / "pipe", "text")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@posix
@pytest.mark.parametrize("refused", ["file", "folder"])
def test_a_missing_right_is_an_error_before_the_block(refused, tmp_path, monkeypatch):
    """Root may do everything, so that the system's answer is put on here."""
    path = tmp_path / "result.txt"
    if refused == "file":
        path.write_text("old")
        monkeypatch.setattr(os, "access", lambda path, right: False)
    else:
        no = PermissionError(13, "Permission denied", "temporary")
        monkeypatch.setattr(os, "open", lambda *args: (_ for _ in ()).throw(no))
    text = "Permission denied: '.*result.txt'"
    with pytest.raises(PermissionError, match=text), atomic_path(path):
        pytest.fail("the block began")


def test_json_that_nests_too_deeply_is_not_read():
    for text in ("[" * 200_000, '{"a":' * 200_000):
        with pytest.raises(ValueError, match="nests too deeply"):
            parse_json(text)


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


DEEP = [[]]
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "content, error",
    [
        ({1: "a"}, TypeError),
        ([{"a": {2: 0}}], TypeError),
        ({"a": np.nan}, ValueError),
        (DEEP, ValueError),
    ],
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
