"""The explorer as one HTML file: the scripts, the style and the data put together."""

import json
from importlib import resources

import numpy as np
from numpy.typing import ArrayLike

import qlstm
from qlstm.explorer.presets import (
    MOST_STEPS,
    Content,
    examples,
    preset,
    process,
    series,
)
from qlstm.forecasting import SINE_PROTOCOLS, Dataset, noisy_sine, prepare
from qlstm.memory import RULES
from qlstm.params import QLSTMConfig, QLSTMParams, check_inputs, check_params
from qlstm.readout import READOUTS

MOST_WIRES = 5
"""A page with 32 amplitudes still fits a screen."""
MOST_FEATURES = MOST_LAYERS = 8
SCRIPTS = (
    "cell",
    "measures",
    "training",
    "model",
    "words",
    "pictures",
    "sections",
    "guide",
    "app",
)
"""In the order in which they need each other."""


def explorer_page(
    params: QLSTMParams | None = None,
    config: QLSTMConfig | None = None,
    window: ArrayLike | None = None,
    *,
    dataset: Dataset | None = None,
    about: str = "",
) -> str:
    """A page that shows a cell with every number in it, to be opened in a browser.

    It is one HTML file that needs no network. Everything in it is computed in the
    browser; its arithmetic is the library's, in plain JavaScript.

    Args:
        params: Parameters of a model to begin with; None for the example of
            docs/cell.md.
        config: Its configuration.
        window: Its inputs, ``(n_steps, n_features)``; None for the first window of the
            series, or for zeros where the model takes several features.
        dataset: The windows to train on, from `prepare`; None for the paper's noisy
            sine.
        about: Where the series is from, in a sentence.

    Returns:
        The HTML.

    Raises:
        TypeError: If parameters come without a configuration, or the other way round.
        ValueError: If the model has more than 5 wires, or a memory rule or readout of
            your own, or a shape does not fit.

    Example:
        >>> page = explorer_page()
        >>> page[:15], len(page) < 300_000
        ('<!doctype html>', True)
    """
    if (params is None) != (config is None):
        raise TypeError("Arguments `params` and `config` must come together.")
    training = _noisy_sine() if dataset is None else series(dataset, about)
    presets = examples()
    if config is not None:
        own = _own_model(params, config, window, training)
        presets = {"own": own} | presets
    elif window is not None:
        raise TypeError("Argument `window` must come with a model.")
    data = {
        "presets": presets,
        "first": next(iter(presets)),
        "series": training,
        "process": process(),
    }
    return _assemble(data)


def _own_model(
    params: QLSTMParams,
    config: QLSTMConfig,
    window: ArrayLike | None,
    training: Content,
) -> Content:
    """A model of the user's as an example, or what stands against it."""
    params = check_params(params, config)
    _check_fits_page(config)
    if window is None:
        first, n_steps = training["index"][0], training["n_steps"]
        window = np.zeros((n_steps, config.n_features))
        if config.n_features == 1:
            window[:, 0] = training["values"][first - n_steps : first]
    window = check_inputs(np.asarray(window)[None], config, "window")[0]
    if len(window) > MOST_STEPS:
        raise ValueError(
            f"Argument `window` must have at most {MOST_STEPS} steps for the page, "
            f"but has {len(window)}."
        )
    about = (
        f"{config.n_system} + {config.n_ancilla} wires, {config.n_layers} layer(s) in "
        f"each stage, {config.rotation}, memory {config.memory}."
    )
    return preset("Your model", about, params, config, window)


def _check_fits_page(config: QLSTMConfig) -> None:
    """Say so when the page cannot show a model."""
    if config.n_wires > MOST_WIRES:
        raise ValueError(
            f"Argument `config` must have at most {MOST_WIRES} wires for the page, but "
            f"has {config.n_system} + {config.n_ancilla}."
        )
    for name, most in (("n_features", MOST_FEATURES), ("n_layers", MOST_LAYERS)):
        if getattr(config, name) > most:
            raise ValueError(
                f"Argument `config` must have `{name}` of at most {most} for the page, "
                f"but has {getattr(config, name)}."
            )
    for kind, known in (("memory", RULES), ("readout", READOUTS)):
        name = getattr(config, kind)
        if not type(known[name]).__module__.startswith("qlstm."):
            raise ValueError(
                f"Argument `config` must have a {kind} that comes with qlstm for the "
                f"page, but has {name!r}, which is registered from outside."
            )


def _noisy_sine() -> Content:
    """The paper's noisy sine as the README's first command draws it, seed 0."""
    protocol, rng = SINE_PROTOCOLS["figure"], np.random.default_rng(0)
    data = prepare(noisy_sine(protocol, rng), protocol, rng)
    about = "The paper’s noisy sine: a sine with Gaussian noise of 0.1, 100 values."
    return series(data, about)


def _assemble(data: Content) -> str:
    """The template with everything in its place."""
    assets = resources.files("qlstm.explorer") / "assets"

    def read(name: str) -> str:
        return (assets / name).read_text(encoding="utf-8")

    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    places = {
        "{version}": qlstm.__version__,
        "{style}": read("page.css"),
        "{data}": text.replace("<", "\\u003c"),  # no tag may end the element
        "{script}": "\n".join(read(f"{name}.js") for name in SCRIPTS),
    }
    page = read("page.html")
    for place, content in places.items():
        before, after = page.split(place)
        page = before + content + after
    return page
