"""Figures: what they show, their words, and the same bytes for the same data."""

import numpy as np
import pytest

from qlstm import QLSTMConfig
from qlstm.commands.forecasts import _dates
from qlstm.forecasting import (
    SINE_PROTOCOLS,
    WEATHER_PROTOCOLS,
    Quantum,
    Series,
    forecast_baselines,
    forecast_with,
    prepare,
)
from qlstm.forecasting.baselines import persistence
from qlstm.plots import new_figure, plot_forecasts, save_figure
from qlstm.plots.style import plain


def trained(dataset, memories, epochs=3):
    """One small trained model for each memory rule."""
    small = Quantum(QLSTMConfig(1, 1, 1, 1), epochs=epochs)
    return [
        forecast_with(f"RX {memory}", small.clone(memory=memory), dataset, seed=0)
        for memory in memories
    ]


@pytest.fixture(scope="module")
def weather():
    """A scaled dataset with a validation part."""
    values = 10 + 8 * np.sin(np.arange(80) / 5)
    return prepare(values, WEATHER_PROTOCOLS["strict"], np.random.default_rng(0))


@pytest.fixture(scope="module")
def models(weather):
    """Both memory rules."""
    return trained(weather, ["collapse", "probabilities"])


@pytest.fixture(scope="module")
def figure(weather, models):
    """The figure of an experiment."""
    return plot_forecasts(weather, models, "What to see", "°C")


def lines(ax):
    """Curves by their labels."""
    return {line.get_label(): line for line in ax.get_lines()}


def test_two_rows_and_a_column_for_each_model(figure, models):
    assert figure.get_suptitle() == "What to see"
    assert len(figure.axes) == 2 * 2 + 1  # one second axis, for branch switches
    above, below = figure.axes[:2], figure.axes[2:4]
    for ax, model in zip(above, models, strict=True):
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss (MSE)")
        assert ax.get_title().startswith(f"{model.name}: loss ")
        assert ax.get_yscale() == "log"
    for ax in below:
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("test point", "value (°C)")
        assert "°C²" in ax.get_title() and "skill" in ax.get_title()
    assert figure.axes[4].get_ylabel() == "branch switches in the epoch"
    for row in (above, below):
        assert row[0].get_ylim() == row[1].get_ylim()


def test_losses_are_drawn_by_epoch(figure, models):
    for ax, model in zip(figure.axes[:2], models, strict=True):
        for label, key in (("training loss", "loss"), ("validation loss", "val_loss")):
            x, y = lines(ax)[label].get_data()
            assert list(x) == [1, 2, 3] and list(y) == model.history[key]
    legends = [
        [text.get_text() for text in ax.get_legend().get_texts()]
        for ax in figure.axes[:2]
    ]
    assert "branch switches" in legends[0] and "branch switches" not in legends[1]
    bars = [bar.get_height() for bar in figure.axes[4].patches]
    assert bars == models[0].history["branch_switches"]


def test_predictions_stand_beside_truth_and_persistence(figure, weather, models):
    inverse, test = weather.scaler.inverse, weather.test
    for ax, model in zip(figure.axes[2:4], models, strict=True):
        drawn = {label: line.get_ydata() for label, line in lines(ax).items()}
        assert set(drawn) == {"true", "predicted", "persistence"}
        np.testing.assert_allclose(drawn["true"], weather.values[test.index])
        np.testing.assert_array_equal(drawn["predicted"], model.test_predictions)
        last = inverse(persistence(test.inputs))
        np.testing.assert_array_equal(drawn["persistence"], last)
        assert list(lines(ax)["true"].get_xdata()) == list(range(1, len(last) + 1))


def test_one_model_without_a_unit():
    values = np.sin(np.arange(60) / 3)
    protocol = SINE_PROTOCOLS["figure"]
    dataset = prepare(values, protocol, np.random.default_rng(0))
    figure = plot_forecasts(dataset, trained(dataset, ["probabilities"], 1), "One")
    assert len(figure.axes) == 2
    assert figure.axes[1].get_ylabel() == "value"
    assert "validation loss" not in lines(figure.axes[0])


def test_others_stand_beside_and_points_have_their_dates(weather, models):
    days = np.datetime64("2024-03-01") + np.arange(len(weather.values))
    others = forecast_baselines(weather)[1:]
    figure = plot_forecasts(
        weather, models, "Dates", "°C", references=others, dates=days
    )
    for ax in figure.axes[2:4]:
        drawn = lines(ax)
        x, y = drawn["AR(10)"].get_data()
        np.testing.assert_array_equal(y, others[0].test_predictions)
        np.testing.assert_array_equal(x, days[weather.test.index])
        assert ax.get_xlabel() == "date"


def test_of_many_points_the_last_are_drawn():
    values = np.sin(np.arange(360) / 3)
    dataset = prepare(values, SINE_PROTOCOLS["figure"], np.random.default_rng(0))
    model = trained(dataset, ["reset"], 1)
    ax = plot_forecasts(dataset, model, "Many").axes[1]
    n = len(dataset.test.targets)
    assert n > 50 and ax.get_xlabel() == f"test point (the last 50 of {n})"
    x, y = lines(ax)["true"].get_data()
    np.testing.assert_array_equal(x, np.arange(n - 49, n + 1))
    np.testing.assert_allclose(y, dataset.values[dataset.test.index][-50:])


def test_dates_are_those_of_the_values_that_are_left():
    values = 5 + np.sin(np.arange(60) / 3)
    values[[3, 40]] = np.nan
    days = np.datetime64("2024-03-01") + np.arange(60)
    series = Series(values, days, "temperature", "degC", {})
    rng = np.random.default_rng(0)
    closed = prepare(values, WEATHER_PROTOCOLS["figure"], rng)
    assert list(_dates(series, closed)) == list(np.delete(days, [3, 40]))
    gaps = prepare(values, WEATHER_PROTOCOLS["strict"], rng)
    assert len(_dates(series, gaps)) == len(gaps.values)


def test_the_same_data_give_the_same_bytes(weather, models, tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        save_figure(path, plot_forecasts(weather, models, "Twice", "°C"))
    first, second = (path.read_bytes() for path in paths)
    assert first.startswith(b"\x89PNG") and len(first) > 10_000
    assert first == second
    assert b"matplotlib" not in first.lower()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_axes_are_always_a_table():
    figure, axes = new_figure(1, 1, figsize=(2, 2))
    assert axes.shape == (1, 1) and axes[0, 0] in figure.axes


def test_a_users_dollars_are_no_formula(tmp_path):
    figure, axes = new_figure(1, 1)
    axes[0, 0].set_title(plain("a$b_{c \\% $x^"))
    save_figure(tmp_path / "figure.png", figure)
    with pytest.raises(ValueError, match="ParseException|Expected"):
        axes[0, 0].set_title("a$b_{c \\% $x^")
        save_figure(tmp_path / "figure.png", figure)
