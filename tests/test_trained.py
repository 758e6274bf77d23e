"""A trained forecaster that goes past the end of its series."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from qlstm.forecasting import (
    Ensemble,
    Scaler,
    Series,
    conformal_intervals,
    load_forecaster,
    make_forecaster,
    measure_leads,
    save_forecaster,
    train_forecaster,
)
from qlstm.forecasting.calendar import continue_dates

DAYS = np.datetime64("2024-01-01") + np.arange(400)


def series_of(values, name="level", unit="m", dated=True):
    values = np.asarray(values, np.float64)
    dates = DAYS[: len(values)] if dated else None
    about = {"source": "test", "frequency": "1 day"} if dated else {"source": "test"}
    return Series(values, dates, name, unit, about)


def noisy(seed=0, n=200):
    rng = np.random.default_rng(seed)
    return 5 + np.sin(np.arange(n) / 4) + 0.1 * rng.normal(size=n)


def train(series, forecaster="ridge", **options):
    options = {"n_steps": 6, "horizon": 3, "rng": np.random.default_rng(1)} | options
    if isinstance(forecaster, str):
        forecaster = make_forecaster(forecaster)
    return train_forecaster(series, forecaster, **options)


def least_squares(values, cut, n_steps):
    """Coefficients of the next value on the window before, by NumPy's solver."""
    rows = [[*values[k : k + n_steps], 1] for k in range(cut - n_steps)]
    targets = values[n_steps:cut]
    return np.linalg.lstsq(np.array(rows), targets, rcond=None)[0]


def test_a_recursive_forecast_is_least_squares_fed_back():
    values = noisy()
    trained = train(series_of(values), make_forecaster("ridge", penalty=0.0))
    found = trained.forecast(series_of(values), interval=None).values
    weights, window = least_squares(values, 120, 6), list(values[-6:])
    for _ in range(3):
        window.append(np.dot(window[-6:], weights[:-1]) + weights[-1])
    np.testing.assert_allclose(found, window[-3:], rtol=1e-7)


@pytest.mark.parametrize("strategy", ["direct", "joint"])
def test_each_value_ahead_has_a_model_that_sees_the_other_columns(strategy):
    rng = np.random.default_rng(3)
    cause = rng.normal(size=200)
    effect = np.zeros(200)
    effect[3:] = 2 * cause[:-3] + 1  # what comes is known three values before
    trained = train(
        series_of(effect),
        make_forecaster("ridge", penalty=1e-9),
        inputs=[series_of(cause, "cause", "")],
        strategy=strategy,
    )
    found = trained.forecast(
        series_of(effect), inputs=[series_of(cause, "cause", "")], interval=None
    )
    np.testing.assert_allclose(found.values, 2 * cause[-3:] + 1, atol=1e-5)
    assert trained.columns == ("cause",)


def test_residuals_are_those_of_calibration_then_test():
    values = noisy()
    trained = train(series_of(values), "persistence")
    origins = [*range(120, 158), *range(160, 198)]  # no target crosses a cut
    expected = [values[o : o + 3] - values[o - 1] for o in origins]
    np.testing.assert_allclose(trained.residuals, expected, atol=1e-12)
    assert trained.n_calibration == 38
    assert trained.record["windows"] == {"training": 112, "calibration": 38, "test": 38}
    assert trained.record["first_test_date"] == str(DAYS[160])


def test_intervals_are_conformal_from_all_residuals():
    series = series_of(noisy())
    trained = train(series)
    found = trained.forecast(series, interval=0.8)
    for h in range(3):
        own = conformal_intervals(
            [found.values[h]], trained.residuals[:, h], alpha=1 - 0.8
        )
        assert (found.lower[h], found.upper[h]) == (own.lower[0], own.upper[0])
    assert found.dates.astype(str).tolist() == [str(DAYS[199] + k) for k in (1, 2, 3)]


def test_leads_are_measured_on_the_test_part_alone():
    values = noisy()
    trained = train(series_of(values), "persistence")
    targets = values[160:198]
    miss = targets - values[159:197]
    first = trained.leads[0]
    assert (first.ahead, first.n) == (1, 38)
    assert first.errors.rmse == pytest.approx(np.sqrt(np.mean(miss**2)), rel=1e-12)
    assert first.skill == 0
    bound = np.sort(np.abs(trained.residuals[:38, 0]))[int(np.ceil(39 * 0.9)) - 1]
    assert first.coverage.share == pytest.approx(np.mean(np.abs(miss) <= bound))


def test_skill_compares_with_the_last_value_known():
    values = noisy()
    lead = train(series_of(values)).leads[2]
    persistence = np.mean((values[162:200] - values[159:197]) ** 2)
    assert lead.skill == pytest.approx(1 - lead.errors.mse / persistence, rel=1e-12)


def test_what_stops_early_holds_out_the_last_fifth_of_its_windows():
    values = noisy()
    forecaster = make_forecaster("quantum", epochs=4, patience=1)
    trained = train(series_of(values), forecaster, horizon=1)
    low, high = values[:120].min(), values[:120].max()
    scaled = (values[:120] - low) / (high - low)
    windows = np.lib.stride_tricks.sliding_window_view(scaled, 7)  # 114 of them
    own = forecaster.fit(
        windows[:91, :6, None],
        windows[:91, 6],
        rng=np.random.default_rng(1).spawn(1)[0],
        validation=(windows[91:, :6, None], windows[91:, 6]),
    )
    found = trained.models[0].history["val_loss"]
    np.testing.assert_allclose(found, own.history["val_loss"], rtol=1e-12)


def test_nothing_after_the_training_part_changes_the_model():
    values, other = noisy(), noisy()
    other[125:] += 100
    ours, theirs = (train(series_of(v), "ar") for v in (values, other))
    ends = series_of(values[:100])
    found = [t.forecast(ends, interval=None).values for t in (ours, theirs)]
    np.testing.assert_array_equal(*found)


def test_a_gap_takes_the_windows_that_hold_it():
    values = noisy()
    values[50] = np.nan
    trained = train(series_of(values), "persistence")
    assert trained.record["windows"]["training"] == 112 - 9
    values[-2] = np.nan
    with pytest.raises(ValueError, match="end with 6 known values, but 2024-07-17 is"):
        trained.forecast(series_of(values))


def test_refitting_keeps_the_residuals_and_trains_on_all():
    values = noisy()
    ours = train(series_of(values), make_forecaster("ridge", penalty=0.0))
    again = train(series_of(values), make_forecaster("ridge", penalty=0.0), refit=True)
    np.testing.assert_array_equal(ours.residuals, again.residuals)
    weights = least_squares(values, 200, 6)
    found = again.forecast(series_of(values), horizon=1, interval=None).values
    expected = values[-6:] @ weights[:-1] + weights[-1]
    np.testing.assert_allclose(found, [expected], rtol=1e-7)


def test_an_ensemble_forecasts_the_mean_of_its_members():
    series = series_of(noisy(n=80))
    one = make_forecaster("quantum", epochs=2)
    trained = train(series, Ensemble(one, 3), horizon=1, n_steps=4)
    (fitted,) = trained.models
    windows = np.random.default_rng(0).uniform(size=(5, 4, 1))
    members = [member.predict(windows) for member in fitted.members]
    np.testing.assert_allclose(fitted.predict(windows), np.mean(members, axis=0))
    assert len({tuple(m) for m in members}) == 3
    assert fitted.n_params == sum(member.n_params for member in fitted.members)


def test_patience_holds_out_the_last_fifth():
    series = series_of(noisy(n=120))
    patient = make_forecaster("quantum", epochs=4, patience=2)
    trained = train(series, patient)
    assert len(trained.models[0].history["val_loss"]) <= 4
    free = train(series, make_forecaster("quantum", epochs=4))
    assert not np.any(free.models[0].history.get("val_loss", []))


def test_walking_gives_what_forecasting_from_each_origin_gives():
    values = noisy()
    trained = train(series_of(values), "ar")
    walk = trained.walk(series_of(values), first_origin=160)
    for row, index in zip(walk.predictions, walk.index):
        past = series_of(values[: index[0]])
        found = trained.forecast(past, interval=None).values
        np.testing.assert_allclose(row, found, rtol=1e-12)
    leads = measure_leads(walk, trained.residuals[: trained.n_calibration])
    assert leads == trained.leads


def test_longer_forecasts_are_recursive_and_have_no_intervals():
    series = series_of(noisy())
    trained = train(series)
    assert len(trained.forecast(series, horizon=9, interval=None).values) == 9
    with pytest.raises(ValueError, match="`interval` must be None where no residuals"):
        trained.forecast(series, horizon=9)
    direct = train(series, strategy="direct")
    with pytest.raises(ValueError, match="`horizon` must be at most 3"):
        direct.forecast(series, horizon=4, interval=None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "best"}, "`strategy` must be"),
        ({"scaling": "log"}, "`scaling` must be"),
        ({"train_share": 0.9}, "must leave something to test on"),
        ({"n_steps": 150}, "must leave a training window of 150 values"),
        ({"horizon": 60}, "must leave a calibration window"),
        ({"strategy": "recursive", "inputs": 1}, "must be 'direct' or 'joint'"),
    ],
)
def test_what_cannot_be_trained_is_said(options, message):
    if "inputs" in options:
        options = options | {"inputs": [series_of(noisy(1), "other")]}
    with pytest.raises(ValueError, match=message):
        train(series_of(noisy()), **options)


def test_series_must_fit_the_training():
    series = series_of(noisy())
    trained = train(series)
    with pytest.raises(ValueError, match="must have the unit of the training, m, but"):
        trained.forecast(series_of(noisy(), unit="ft"))
    hourly = dataclasses.replace(series, provenance={"frequency": "1 hour"})
    with pytest.raises(ValueError, match="the step of the training, 1 day, but"):
        trained.forecast(hourly)
    with pytest.raises(ValueError, match="columns of the training, none, but is x"):
        trained.forecast(series, inputs=[series_of(noisy(), "x")])
    with pytest.raises(ValueError, match="at least 6 values, but holds 4"):
        trained.forecast(series_of(noisy(n=4)))
    with pytest.raises(ValueError, match="76 residuals .* 0.999 needs 999"):
        trained.forecast(series, interval=0.999)
    with pytest.raises(TypeError, match="must be Series, but one is a list"):
        trained.forecast([1.0])
    with pytest.raises(ValueError, match="'level' comes twice"):
        train(series, inputs=[series])
    with pytest.raises(ValueError, match="dates of `series`, but 'x' has others"):
        train(series, inputs=[series_of(noisy(n=100), "x")])
    with pytest.raises(ValueError, match="to be tested from value 300 on"):
        trained.walk(series, first_origin=299)


def same(one, other):
    """Whether two forecasters forecast the same bits."""
    series = series_of(noisy())
    ours, theirs = (t.forecast(series) for t in (one, other))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "name", ["persistence", "drift", "mean", "ar", "ridge", "rnn", "lstm", "reservoir"]
)
@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_a_file_gives_back_the_same_bits(name, strategy, tmp_path):
    options = {"epochs": 1} if name in ("rnn", "lstm") else {}
    model = make_forecaster(name, **options)
    trained = train(series_of(noisy()), model, strategy=strategy)
    path = tmp_path / "level.npz"
    save_forecaster(path, trained)
    loaded = load_forecaster(path)
    same(trained, loaded)
    assert loaded.to_dict() == trained.to_dict()
    assert str(loaded) == str(trained)


@pytest.mark.parametrize("memory", ["collapse", "probabilities", "mixed", "sampled"])
def test_quantum_files_give_back_the_same_bits(memory, tmp_path):
    model = Ensemble(make_forecaster("quantum", epochs=1, memory=memory), 2)
    series = series_of(noisy(n=60))
    trained = train(series, model, strategy="joint", horizon=2)
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path in paths:
        save_forecaster(path, train(series, model, strategy="joint", horizon=2))
    assert paths[0].read_bytes() == paths[1].read_bytes()  # no clock is in it
    same(trained, load_forecaster(paths[0]))


def test_a_new_process_reads_a_readout_with_arrays_of_its_own(tmp_path):
    series = series_of(noisy(n=60))
    model = make_forecaster("quantum", epochs=1, readout="affine")
    trained, path = train(series, model), tmp_path / "affine.npz"
    save_forecaster(path, trained)
    script = (
        "import sys; from qlstm.forecasting import load_forecaster; "
        "print(load_forecaster(sys.argv[1]).models[0].params.entangler.tolist())"
    )
    command = [sys.executable, "-c", script, str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.stdout.strip() == str(trained.models[0].params.entangler.tolist())


def test_a_bare_model_forecasts_if_its_window_is_said(tmp_path):
    path = "tests/fixtures/0.1.0/models/affine_amplitude.npz"
    series = series_of(noisy())
    with pytest.raises(ValueError, match="`n_steps` must say how many values"):
        load_forecaster(path)
    trained = load_forecaster(path, n_steps=5, scaler=Scaler(4.0, 2.0))
    from qlstm import load_model, predict

    params, config = load_model(path)
    window = (noisy()[-5:] - 4.0) / 2.0
    expected = 4.0 + 2.0 * predict(params, window[None, :, None], config)
    found = trained.forecast(series, horizon=1, interval=None).values
    np.testing.assert_allclose(found, expected.ravel(), rtol=1e-12)
    with pytest.raises(ValueError, match="`interval` must be None where no residuals"):
        trained.forecast(series, horizon=1)
    own = tmp_path / "own.npz"
    save_forecaster(own, train(series))
    with pytest.raises(ValueError, match="must be None for a file that knows them"):
        load_forecaster(own, n_steps=5)


def test_damaged_files_are_refused_in_one_line(tmp_path):
    path = tmp_path / "level.npz"
    save_forecaster(path, train(series_of(noisy()), "ar"))
    content, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        path.write_bytes(bytes(damaged))
        try:
            load_forecaster(path)
        except ValueError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
    assert refused > 200
    for size in (0, 10, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match="level.npz"):
            load_forecaster(path)


@pytest.mark.parametrize(
    ("last", "frequency", "expected"),
    [
        ("2024-02-28", "1 day", ["2024-02-29", "2024-03-01"]),
        ("2024-05-10", "1 business day", ["2024-05-13", "2024-05-14"]),
        ("2024-02-28", "7 days", ["2024-03-06", "2024-03-13"]),
        ("2024-01-31", "1 month", ["2024-02-29", "2024-03-31"]),
        ("2023-11-30", "3 months", ["2024-02-29", "2024-05-31"]),
        ("2024-02-29", "1 year", ["2025-02-28", "2026-02-28"]),
    ],
)
def test_dates_go_on_by_their_step(last, frequency, expected):
    found = continue_dates(np.array([last], "M8[D]"), frequency, 2)
    assert found.astype(str).tolist() == expected


def test_dates_without_a_step_do_not_go_on():
    days = np.array(["2024-01-01", "2024-01-05"], "M8[D]")
    assert continue_dates(days, "irregular", 3) is None
    assert continue_dates(None, "1 day", 3) is None
    hours = np.array(["2024-01-01T23:00"], "M8[s]")
    found = continue_dates(hours, "1 hour", 1)
    assert str(found[0]) == "2024-01-02T00:00:00"


def test_ensembles_have_members():
    with pytest.raises(ValueError, match="`n_members` must be"):
        Ensemble(make_forecaster("ar"), 0)
