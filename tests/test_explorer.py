"""The explorer's page and command without a browser, and models as JSON."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from qlstm import (
    QLSTMConfig,
    Readout,
    init_params,
    load_model,
    register_readout,
    save_model,
)
from qlstm.commands.main import main
from qlstm.explorer import explorer_page
from qlstm.forecasting import SINE_PROTOCOLS, noisy_sine, prepare

CONFIG = QLSTMConfig(n_layers=1)


def model(config=CONFIG):
    return init_params(config, np.random.default_rng(0)), config


def data_of(page):
    """What the page begins with."""
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))


def test_a_page_holds_the_model_to_the_last_bit():
    params, config = model()
    window = np.random.default_rng(1).uniform(-1, 1, (4, 1))
    data = data_of(explorer_page(params, config, window))
    own = data["presets"][data["first"]]
    assert own["params"]["entangler"] == params.entangler.tolist()
    assert own["window"] == window.tolist()
    assert QLSTMConfig(**own["config"]) == config


def test_a_page_trains_on_the_windows_of_the_data():
    """Cut as the library cuts them, gaps left out."""
    protocol = replace(SINE_PROTOCOLS["strict"], n_steps=4)
    values = noisy_sine(protocol, np.random.default_rng(0))
    values[20] = np.nan
    data = prepare(values, protocol, np.random.default_rng(0))
    series = data_of(explorer_page(dataset=data))["series"]
    cut = [series["values"][i - 4 : i] for i in series["index"]]
    parts = (data.train, data.test)
    assert cut == [w for part in parts for w in part.inputs[:, :, 0].tolist()]
    assert series["cut"] == len(data.train.targets)


def test_text_from_outside_cannot_end_the_data():
    protocol = SINE_PROTOCOLS["figure"]
    data = prepare(noisy_sine(protocol, np.random.default_rng(0)), protocol, None)
    about = "</script><b>"
    page = explorer_page(dataset=data, about=about)
    assert about not in page
    assert data_of(page)["series"]["about"] == about


def test_what_does_not_fit_the_page():
    params, config = model()
    with pytest.raises(TypeError, match="`params` and `config` must come together"):
        explorer_page(params)
    with pytest.raises(TypeError, match="`window` must come with a model"):
        explorer_page(window=[[0.0]])
    with pytest.raises(ValueError, match=r"`window` must have shape .* but has"):
        explorer_page(params, config, [[0.0, 1.0]])
    with pytest.raises(ValueError, match="`window` must be finite"):
        explorer_page(params, config, [[np.nan]])
    with pytest.raises(ValueError, match=r"at most 16 steps for the page, but has 17"):
        explorer_page(params, config, np.zeros((17, 1)))
    with pytest.raises(
        ValueError, match=r"at most 5 wires for the page, but has 3 \+ 3"
    ):
        explorer_page(*model(replace(config, n_system=3, n_ancilla=3)))
    with pytest.raises(ValueError, match=r"`n_layers` of at most 8 for the page"):
        explorer_page(*model(replace(config, n_layers=9)))
    with pytest.raises(ValueError, match=r"`params.entangler` must have shape"):
        explorer_page(params, replace(config, n_layers=2))


class Doubled(Readout):
    """A readout of somebody else's."""


def test_a_readout_from_outside_is_refused():
    register_readout("doubled for the page", Doubled())
    own = replace(CONFIG, readout="doubled for the page")
    with pytest.raises(ValueError, match="readout that comes with qlstm for the page"):
        explorer_page(*model(own))


@pytest.mark.parametrize(
    ("steps", "n_points", "said"),
    [(17, 100, "windows of at most 16 steps"), (4, 1200, "at most 1,000 windows")],
)
def test_a_series_that_is_too_long(steps, n_points, said):
    protocol = replace(SINE_PROTOCOLS["figure"], n_steps=steps)
    rng = np.random.default_rng(0)
    data = prepare(noisy_sine(protocol, rng, n_points), protocol, rng)
    with pytest.raises(ValueError, match=f"`dataset` must have {said} for the page"):
        explorer_page(dataset=data)


def write_csv(folder, n):
    days = np.datetime64("2000-01-01") + np.arange(n)
    rows = [f"{day},{np.sin(k):.4f}" for k, day in enumerate(days)]
    path = folder / "levels.csv"
    path.write_text("date,level\n" + "\n".join(rows) + "\n")
    return path


def test_the_command_writes_a_page(tmp_path, capsys):
    params, config = model(replace(CONFIG, memory="mixed"))
    save_model(tmp_path / "m.npz", params, config)
    out = tmp_path / "page.html"
    path = write_csv(tmp_path, 1200)
    main([
        "explore", "--out", str(out), "--model", str(tmp_path / "m.npz"),
        "--csv", str(path), "--column", "level", "--steps", "5",
    ])  # fmt: skip
    said = capsys.readouterr().out
    assert "The page takes the last 1,000 of 1,200 values." in said
    assert f"{out}: " in said
    data = data_of(out.read_text(encoding="utf-8"))
    assert data["presets"]["own"]["config"]["memory"] == "mixed"
    assert data["series"]["n_steps"] == 5
    assert (
        "level from levels.csv: the last 1,000 of 1,200 values"
        in (data["series"]["about"])
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--steps", "5"], "--steps goes with --csv"),
        (["--column", "level"], "go with --csv"),
        (["--model", "missing.npz"], "missing.npz"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, capsys, arguments, said):
    out = tmp_path / "page.html"
    with pytest.raises(SystemExit) as stopped:
        main(["explore", "--out", str(out), *arguments])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("readout", ["expectation", "affine"])
def test_a_model_as_json_comes_back_to_the_last_bit(tmp_path, readout):
    params, config = model(replace(CONFIG, readout=readout, n_features=2))
    save_model(tmp_path / "m.json", params, config)
    again, found = load_model(tmp_path / "m.json")
    assert found == config
    assert type(again) is type(params)
    for one, other in zip(again, params, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda m: "no json", "Expecting value"),
        (lambda m: [1], "its content must hold config, format_version"),
        (lambda m: m | {"kind": "other"}, "must be a qlstm-model-json of version 1"),
        (lambda m: m | {"format_version": 2}, "of version 2"),
        (lambda m: m | {"extra": 1}, "its content must hold"),
        (lambda m: m | {"config": {"n_layers": 1}}, "its config must hold"),
        (lambda m: m | {"config": m["config"] | {"n_layers": 2}}, "must have shape"),
        (lambda m: m | {"config": m["config"] | {"memory": "mine"}}, "must be one of"),
        (lambda m: m | {"config": m["config"] | {"n_layers": "1"}}, "an integer"),
        (lambda m: m | {"params": {}}, "its params must hold"),
        (
            lambda m: m | {"params": m["params"] | {"entangler": [[1, "a", 2, 3]]}},
            "real numbers",
        ),
        (
            lambda m: m | {"params": m["params"] | {"entangler": [[1, 2], [3]]}},
            "inhomogeneous",
        ),
    ],
)
def test_a_damaged_json_is_an_error_in_one_line(tmp_path, damage, said):
    path = tmp_path / "m.json"
    save_model(path, *model())
    content = damage(json.loads(path.read_text()))
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ValueError, match="must be a model as JSON") as found:
        load_model(path)
    assert said in str(found.value)
    assert "\n" not in str(found.value)


def test_a_json_with_nan_or_too_large_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "m.json"
    save_model(path, *model())
    text = path.read_text()
    path.write_text(re.sub(r'("entangler": \[\s*\[\s*)[-.\de]+', r"\1NaN", text))
    with pytest.raises(ValueError, match="must be finite"):
        load_model(path)
    monkeypatch.setattr("qlstm.model_json.MAX_BYTES", 100)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        load_model(path)


def test_a_missing_json_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "m.json")
