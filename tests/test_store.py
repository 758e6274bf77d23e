"""Files: whole or not at all, and an error in one line for what is damaged."""

import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pytest

from qlstm import (
    QLSTMConfig,
    init_params,
    load_model,
    load_state,
    save_model,
    save_state,
    train,
    train_init,
)
from qlstm.store import FORMAT_VERSION, digest

CONFIG = QLSTMConfig(n_features=2, n_system=1, n_ancilla=2, rotation="RY")


@pytest.fixture
def params():
    return init_params(CONFIG, np.random.default_rng(0))


@pytest.fixture
def model_file(tmp_path, params):
    """A saved model."""
    path = tmp_path / "model.npz"
    save_model(path, params, CONFIG)
    return path


@pytest.fixture
def state_file(tmp_path, params):
    """A saved training run."""
    path = tmp_path / "state.npz"
    rng = np.random.default_rng(1)
    inputs, targets = rng.uniform(-1, 1, (6, 3, 2)), rng.uniform(-1, 1, 6)
    state = train(train_init(params, rng), inputs, targets, CONFIG, epochs=2)
    save_state(path, state, CONFIG)
    return path


def rewrite(path, changes):
    """Change a saved file: entries of its header, and arrays (None takes one out)."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    if isinstance(changes.get("header"), dict):
        content = json.loads(str(arrays["header"])) | changes["header"]
        changes = changes | {"header": np.array(json.dumps(content))}
    arrays = {k: v for k, v in (arrays | changes).items() if v is not None}
    np.savez(path, **arrays)


def assert_one_line(error, path):
    """The message names the file and is one line."""
    text = str(error.value)
    assert str(path) in text and "\n" not in text


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        QLSTMConfig(memory="probabilities", loss="all"),
        QLSTMConfig(n_system=np.int64(3), n_layers=1),
    ],
)
def test_a_model_comes_back_bit_by_bit(config, tmp_path):
    params = init_params(config, np.random.default_rng(0))
    save_model(tmp_path / "new" / "model.npz", params, config)
    loaded, loaded_config = load_model(tmp_path / "new" / "model.npz")
    assert loaded_config == config
    assert type(loaded) is type(params)
    for a, b in zip(params, loaded, strict=True):
        assert a.tobytes() == b.tobytes() and a.dtype == b.dtype


def test_saving_replaces_what_was_there(model_file, params):
    other = params._replace(proj_bias=params.proj_bias + 1)
    save_model(model_file, other, CONFIG)
    np.testing.assert_array_equal(load_model(model_file)[0].proj_bias, other.proj_bias)
    assert os.listdir(model_file.parent) == ["model.npz"]


def test_a_model_must_fit_its_configuration(tmp_path, params):
    with pytest.raises(ValueError, match="`params.proj_weight` must have shape"):
        save_model(tmp_path / "model.npz", params, QLSTMConfig())
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("load", [load_model, load_state])
def test_a_missing_file(load, tmp_path):
    with pytest.raises(FileNotFoundError, match="No model file at .*none.npz") as error:
        load(tmp_path / "none.npz")
    assert_one_line(error, tmp_path)


def read_back(path):
    """Load whichever kind of file it is."""
    return (load_state if path.name == "state.npz" else load_model)(path)


@pytest.mark.parametrize("kind", ["model_file", "state_file"])
def test_a_file_cut_short_anywhere(kind, request):
    path = request.getfixturevalue(kind)
    whole = path.read_bytes()
    for length in {0, 1, 3, 10, 100, *range(0, len(whole), 97), len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="must be a complete .npz") as error:
            read_back(path)
        assert_one_line(error, path)
    path.write_bytes(whole)
    read_back(path)


def test_a_damaged_file_is_closed(model_file):
    model_file.write_bytes(model_file.read_bytes()[:100])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="must be a complete .npz"):
            load_model(model_file)
        gc.collect()
    assert [w for w in caught if w.category is ResourceWarning] == []


@pytest.mark.parametrize("kind", ["model_file", "state_file"])
def test_a_damaged_byte_is_an_error_or_harmless(kind, request):
    path = request.getfixturevalue(kind)
    whole, before = path.read_bytes(), read_back(path)
    rng = np.random.default_rng(0)
    for place in rng.choice(len(whole), 400, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            after = read_back(path)
        except ValueError as error:
            assert "\n" not in str(error)
        else:
            assert repr(after) == repr(before)


@pytest.mark.parametrize(
    "content", [b"hello", b"a,b\n1,2\n", b"PK\x03\x04" + b"0" * 99]
)
def test_a_file_of_something_else(content, tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="but could not be read") as error:
        load_model(path)
    assert_one_line(error, path)


def test_an_array_alone_and_an_archive_without_header(tmp_path, model_file):
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ValueError, match="must be a complete .npz written by this"):
        load_model(tmp_path / "array.npy")
    rewrite(model_file, {"header": None})
    with pytest.raises(ValueError, match="must be a complete .npz written by this"):
        load_model(model_file)


def test_a_folder_is_not_a_model(tmp_path):
    with pytest.raises(ValueError, match="must be a complete .npz") as error:
        load_model(tmp_path)
    assert_one_line(error, tmp_path)


def test_the_wrong_kind(model_file, state_file):
    text = "must be a qlstm-state of format version 1 or 2, but is a qlstm-model of version"
    with pytest.raises(ValueError, match=text) as error:
        load_state(model_file)
    assert_one_line(error, model_file)
    text = "must be a qlstm-model of format version 1 or 2, but is a qlstm-state of version"
    with pytest.raises(ValueError, match=text):
        load_model(state_file)


@pytest.mark.parametrize("kind", ["model_file", "state_file"])
def test_another_version(kind, request):
    path = request.getfixturevalue(kind)
    rewrite(path, {"header": {"format_version": FORMAT_VERSION + 1}})
    text = f"or {FORMAT_VERSION}, but is a .* of version {FORMAT_VERSION + 1}"
    with pytest.raises(ValueError, match=text) as error:
        read_back(path)
    assert_one_line(error, path)


@pytest.mark.parametrize("kind", ["model_file", "state_file"])
@pytest.mark.parametrize(
    "header",
    [
        {"config": {"n_system": 0}},
        {"config": {"unheard": 1}},
        {"config": {"memory": "none"}},
        {"config": {}},
        {"config": 3},
    ],
)
def test_a_header_that_makes_no_sense(kind, header, request):
    path = request.getfixturevalue(kind)
    rewrite(path, {"header": header})
    with pytest.raises(ValueError, match="must be a complete .npz") as error:
        read_back(path)
    assert_one_line(error, path)


@pytest.mark.parametrize(
    "kind, name", [("model_file", "proj_bias"), ("state_file", "best_entangler")]
)
def test_an_array_that_is_missing_or_misshapen(kind, name, request):
    path = request.getfixturevalue(kind)
    for array in (np.zeros(9), None):
        rewrite(path, {name: array})
        with pytest.raises(ValueError, match="must be a complete .npz") as error:
            read_back(path)
        assert_one_line(error, path)


class Harmful:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_pickle_inside_is_refused(wrapped, tmp_path, model_file):
    trap = tmp_path / "trap"
    if wrapped:
        harmful = np.array([Harmful(str(trap))], dtype=object)
        rewrite(model_file, {"proj_bias": harmful})
    else:
        model_file.write_bytes(pickle.dumps(Harmful(str(trap))))
    with pytest.raises(ValueError, match="must be a complete .npz") as error:
        load_model(model_file)
    assert_one_line(error, model_file)
    assert not trap.exists()


def test_no_pickle_is_written(model_file, state_file):
    for path in (model_file, state_file):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                assert b"|O" not in archive.read(name)[:128]


WRITER = """
import sys, time
import numpy as np
import qlstm.store as store
from qlstm import QLSTMConfig, init_params

def slow(file, **arrays):
    file.write(b"half of a file")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)

config = QLSTMConfig()
store.np.savez = slow
store.save_model(sys.argv[1], init_params(config, np.random.default_rng(0)), config)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a matter of POSIX")
@pytest.mark.parametrize("existing", [False, True])
def test_a_killed_process_leaves_no_half_file(existing, tmp_path, params):
    path = tmp_path / "model.npz"
    if existing:
        save_model(path, params, CONFIG)
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=30) == -signal.SIGKILL
    if existing:
        np.testing.assert_array_equal(load_model(path)[0].entangler, params.entangler)
    else:
        assert not path.exists()


def rewrite_state(path, header=None, arrays=None):
    """Change a saved state, and give it the digest of what it now holds."""
    with np.load(path) as archive:
        kept = {name: archive[name] for name in archive.files}
    content = json.loads(str(kept.pop("header"))) | (header or {})
    kept |= arrays or {}
    content["sha256"] = digest(content, kept)
    np.savez(path, header=np.array(json.dumps(content)), **kept)


COUNTS = ["1", -5, 2.5, True, None, 2**64, [1]]
RNG = np.random.default_rng(0).bit_generator.state
BAD_RNGS = [
    {},
    RNG | {"bit_generator": "MT19937"},
    RNG | {"state": {"state": 1, "inc": 2}},
    RNG | {"state": {"state": 2**128, "inc": 1}},
    RNG | {"state": {"state": 1.0, "inc": 1}},
    RNG | {"has_uint32": 2},
    RNG | {"uinteger": -1},
    RNG | {"more": 1},
]


@pytest.mark.parametrize(
    "name, value",
    [(name, v) for name in ("epoch", "best_epoch", "adam_step") for v in COUNTS]
    + [("epoch", 1), ("best_epoch", 3)]
    + [("best_loss", v) for v in ("x", None, True, float("nan"), float("-inf"))]
    + [("history", v) for v in (3, {}, {"loss": [1]}, {"loss": [1, "2"]})]
    + [("history", {"loss": [1, 2], "seconds": [1, 2, 3]})]
    + [("history", {"loss": [1, True]}), ("history", {"loss": {"0": 1, "1": 2}})]
    + [("rng_state", rng) for rng in BAD_RNGS],
)
def test_a_training_state_that_is_nonsense(name, value, state_file):
    rewrite_state(state_file, {name: value})
    with pytest.raises(
        ValueError, match=r"entry 'header.npy': its .* must be"
    ) as error:
        load_state(state_file)
    assert_one_line(error, state_file)
    assert name in str(error.value) or name == "epoch"  # the history has other lengths


@pytest.mark.parametrize(
    "name, array",
    [
        ("first_moment", np.zeros(3)),
        ("second_moment", np.zeros((1, 18))),
        ("first_moment", np.full(18, np.nan)),
        ("second_moment", np.full(18, -1.0)),
        ("outcomes", np.array("x")),
        ("outcomes", np.zeros((6, 2))),
        ("outcomes", np.full((6, 2), 2)),
        ("outcomes", np.full((6, 2), -1)),
        ("outcomes", np.zeros(12, dtype=np.int64)),
        ("outcomes", np.zeros((0, 2), dtype=np.int64)),
        ("params_entangler", np.full((2, 3), np.inf)),
        ("best_entangler", np.zeros((2, 3), dtype=np.float32)),
    ],
)
def test_arrays_of_a_training_state_that_are_nonsense(name, array, state_file):
    rewrite_state(state_file, arrays={name: array})
    with pytest.raises(ValueError, match=f"entry '{name}.npy'") as error:
        load_state(state_file)
    assert_one_line(error, state_file)


def test_what_could_not_be_loaded_is_not_saved(state_file):
    state, config = load_state(state_file)
    whole = state_file.read_bytes()
    for change in ({"epoch": 5}, {"outcomes": np.full((6, 2), 9)}):
        with pytest.raises(ValueError, match="Argument `state` must be one that can"):
            save_state(state_file, state._replace(**change), config)
    many = state.history | {f"number {k}": [] for k in range(5000)}
    with pytest.raises(ValueError, match="at most .* 10,000 keys and lists, but has"):
        save_state(state_file, state._replace(history=many), config)
    assert state_file.read_bytes() == whole


def test_a_state_of_many_epochs_is_loaded(state_file):
    state, config = load_state(state_file)
    rng = np.random.default_rng(0)
    history = {name: rng.random(5000).tolist() for name in state.history}
    save_state(state_file, state._replace(epoch=5000, history=history), config)
    assert load_state(state_file)[0].history == history


@pytest.mark.parametrize("text", ["[" * 200_000, "{}," * 20_000, '{"a":' * 9999])
def test_a_header_of_many_parts_is_not_parsed(text, state_file, monkeypatch):
    rewrite(state_file, {"header": np.array(text)})
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(ValueError, match="'header.npy': it must have at most 10000"):
        load_state(state_file)


@pytest.mark.parametrize("kind", ["model_file", "state_file"])
def test_another_number_does_not_fit_the_digest(kind, request):
    path = request.getfixturevalue(kind)
    name = "proj_bias" if kind == "model_file" else "params_proj_bias"
    with np.load(path) as archive:
        changed = archive[name]
    changed[0] = np.nextafter(changed[0], 9)
    rewrite(path, {name: changed})
    with pytest.raises(ValueError, match="its sha256 is not that of the file") as error:
        read_back(path)
    assert_one_line(error, path)


def test_a_compressed_copy_and_one_in_another_order_are_read(model_file, params):
    with np.load(model_file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["proj_weight"] = np.asfortranarray(arrays["proj_weight"])
    np.savez_compressed(model_file, **dict(reversed(arrays.items())))
    loaded, config = load_model(model_file)
    assert config == CONFIG
    for a, b in zip(params, loaded, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(os.name != "posix", reason="pipes are a matter of POSIX")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="it is not a regular file"):
        load_model(tmp_path / "model.npz")
