"""Pictures: the mathematics in them, what they say, and their files."""

import re
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from qlstm import QLSTMConfig, init_params, predict
from qlstm.insight import gradient_memory, stage_unitaries, trace
from qlstm.plots import (
    branch_tree,
    draw_circuit,
    draw_window,
    new_figure,
    plot_amplitudes,
    plot_bloch,
    plot_branches,
    plot_dependence,
    plot_forecast,
    plot_ledger,
    plot_registers,
    save_figure,
)
from qlstm.plots.states import phase_label
from qlstm.plots.steps import memory_vectors
from qsim import RX, RY
from qsim.gates import CNOT

ROTATIONS = {"RX": RX, "RY": RY}
CIRCUITS = [
    {},
    {"rotation": "RY", "n_layers": 3},
    {"disentangler": "inverse"},
    {"cut": "separate", "n_system": 3},
    {"cut": "separate", "disentangler": "inverse", "n_layers": 3, "n_ancilla": 3},
    {"n_system": 1, "n_ancilla": 1, "n_layers": 1},
    {"n_system": 3, "n_ancilla": 3, "n_layers": 3, "disentangler": "inverse"},
]


def model(**options):
    """A configuration and parameters that are large enough to be told apart."""
    config = QLSTMConfig(**options)
    params = init_params(config, np.random.default_rng(7))
    return config, params._replace(
        entangler=3 * params.entangler, disentangler=3 * params.disentangler
    )


def window(config, n_steps=4, batch=1):
    """Inputs."""
    rng = np.random.default_rng(3)
    return rng.uniform(-1, 1, (batch, n_steps, config.n_features))


def lifted(matrix, wires, n_wires):
    """A gate on all wires, entry by entry: nothing of the engine."""
    dim, k = 2**n_wires, len(wires)
    full = np.zeros((dim, dim), dtype=complex)
    for column in range(dim):
        bits = [column >> (n_wires - 1 - w) & 1 for w in range(n_wires)]
        own = int("".join(str(bits[w]) for w in wires), 2)
        for out in range(2**k):
            new = list(bits)
            for place, w in enumerate(wires):
                new[w] = out >> (k - 1 - place) & 1
            full[int("".join(map(str, new)), 2), column] += matrix[out, own]
    return full


def drawn_gates(ax):
    """Gates as they stand in the picture: from the upper row, from left to right."""
    found = []
    for artist in (*ax.texts, *ax.lines):
        if not (artist.get_gid() or "").startswith("gate "):
            continue
        _, name, *rest = artist.get_gid().split(" ")
        if name == "CNOT":
            x, ys = artist.get_xdata()[0], artist.get_ydata()
            assert len(rest) == 2 and len(ys) == 2
        else:
            x, y = artist.get_position()
            ys = [y]
        found.append((x, ys[0], name, rest, artist))
    return found


def in_order(ax, config):
    """Gates with the wires that they are drawn on, row after row of the picture."""
    gates = drawn_gates(ax)
    turns = [(x, y) for x, y, name, *_ in gates if name != "CNOT"]
    second_row = min(y for _, y in turns) < -config.n_wires + 0.5
    height = config.n_wires + 1.9 if second_row else np.inf

    def place(gate):
        x, y, *_ = gate
        return (y < -config.n_wires + 0.5, x)

    for x, y, name, rest, artist in sorted(gates, key=place):
        top = -height if y < -config.n_wires + 0.5 else 0.0
        wire = round(top - y)
        if name == "CNOT":
            assert wire == int(rest[0])  # the line begins at the control's dot
            yield name, (wire, int(rest[1])), None, artist
        else:
            assert wire == int(rest[0])
            yield name, (wire,), rest[1], artist


def multiplied(ax, config, uploads=None):
    """The product of what is drawn, and the number of gates."""
    product, n = np.eye(2**config.n_wires, dtype=complex), 0
    for name, wires, angle, artist in in_order(ax, config):
        if name == "CNOT":
            gate = CNOT
        elif angle.startswith(r"\varphi"):
            (k,) = re.findall(r"\d+", angle)
            gate = ROTATIONS[name](uploads[int(k)])
        else:
            assert artist.get_text() == f"{name}\n{float(angle):.2f}"
            gate = ROTATIONS[name](float(angle))
        product, n = lifted(gate, wires, config.n_wires) @ product, n + 1
    return product, n


@pytest.mark.parametrize("options", CIRCUITS, ids=str)
def test_the_gates_that_are_drawn_multiply_to_the_engines_step(options):
    config, params = model(**options)
    product, _ = multiplied(draw_circuit(config, params), config)
    u_en, u_dis = stage_unitaries(params, config)
    np.testing.assert_allclose(product, u_dis @ u_en, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"rotation": "RY", "n_layers": 1}], ids=str)
def test_the_angle_encodings_circuit_makes_the_engines_state(options):
    config, params = model(encoding="angle", **options)
    ledger = trace(params, window(config, 1), config)
    ax = draw_circuit(config, params)
    product, n = multiplied(ax, config, ledger.encoded[0, 0])
    state = product[:, 0].reshape(4, 4)
    np.testing.assert_allclose(state, ledger.state_out[0, 0], atol=1e-12)
    assert n == 2 * config.n_layers * (2 + 4 + 4)


def test_without_parameters_the_angles_have_the_names_of_their_rows():
    texts = [t.get_text() for t in draw_circuit(QLSTMConfig(n_layers=2)).texts]
    turns = [t for t in texts if t.startswith("RX\n")]
    assert turns[0] == "RX\n$\\varepsilon_{1,0}$"
    assert turns[8:12] == [f"RX\n$\\delta_{{2,{w}}}$" for w in range(4)]
    inverse = draw_circuit(QLSTMConfig(n_layers=2, disentangler="inverse"))
    turns = [t.get_text() for t in inverse.texts if t.get_text().startswith("RX\n")]
    assert turns[8] == "RX\n$-\\delta_{2,3}$" and turns[-1] == "RX\n$-\\delta_{1,0}$"


def test_the_circuit_names_its_memory_rule_and_its_readouts():
    config = QLSTMConfig(memory="mixed", n_outputs=2)
    texts = " ".join(t.get_text() for t in draw_circuit(config).texts)
    assert "mixed" in texts and r"Z_{0, 1}" in texts


def test_the_window_has_the_traces_numbers():
    config, params = model()
    inputs = window(config, 7, 2)
    ledger = trace(params, inputs, config)
    ax = draw_window(ledger, config, inputs=inputs[1], sequence=1)
    texts = [t.get_text() for t in ax.texts]
    for t in range(7):
        assert f"$y_{{{t + 1}}}$ = {ledger.readout[1, t]:.3f}" in texts
        assert f"$x_{{{t + 1}}}$ = {inputs[1, t, 0]:.2f}" in texts
    kept = [int(t[4:]) for t in texts if t.startswith("i = ")]
    assert kept == ledger.outcome[1].tolist()
    born = [f"p = {p.max():.2f}" for p in ledger.outcome_probabilities[1]]
    assert [t for t in texts if t.startswith("p = ")] == born
    mixed, params = model(memory="mixed")
    ax = draw_window(trace(params, inputs, mixed), mixed)
    assert "density matrix" in ax.get_title()
    assert not [t for t in ax.texts if t.get_text().startswith("i = ")]


def test_bars_are_probabilities_and_phases_are_written():
    state = np.array([0.5, -0.5, 0.5j, 0.5 * np.exp(0.3j * np.pi)])
    ax = plot_amplitudes(state, n_system=1)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], 0.25)
    assert [t.get_text() for t in ax.texts] == ["0", "π", "π/2", "0.30π"]
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert labels == ["|0⟩|0⟩", "|0⟩|1⟩", "|1⟩|0⟩", "|1⟩|1⟩"]
    colors = {bar.get_facecolor() for bar in ax.patches}
    assert len(colors) == 4
    tall = plot_amplitudes(state, height="magnitude").patches
    np.testing.assert_allclose([bar.get_height() for bar in tall], 0.5)
    assert phase_label(-1j) == "-π/2" and phase_label(complex(-1, -1e-17)) == "π"


def test_the_table_of_a_product_has_rank_one_and_of_a_bell_pair_two():
    rng = np.random.default_rng(0)
    u, h = (x / np.linalg.norm(x) for x in rng.normal(size=(2, 4)))
    ax = plot_registers(np.outer(u, h))
    assert ax.get_title().startswith("rank 1: a product, 0.000 ebits")
    entries = [float(t.get_text()) for t in ax.texts]
    np.testing.assert_allclose(entries, np.outer(u, h).ravel(), atol=5.1e-4)
    assert (ax.get_xlabel()[:6], ax.get_ylabel()) == ("memory", "system")
    bell = np.array([[0, 1j], [1, 0]]) / np.sqrt(2)
    ax = plot_registers(bell)
    assert "rank 2: entangled, 1.000 ebits" in ax.get_title()
    assert [t.get_text() for t in ax.texts] == ["0", "0.707i", "0.707", "0"]


def test_bloch_vectors_of_vectors_and_matrices_agree():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    rho = states[:, :, None] * states[:, None].conj()
    np.testing.assert_allclose(memory_vectors(states), memory_vectors(rho), atol=1e-12)
    config, params = model(memory="mixed")
    ledger = trace(params, window(config), config)
    axes = plot_bloch(ledger).axes
    z = np.diag([1, 1, -1, -1])
    expected = [np.trace(z @ m).real for m in ledger.memory_after[0]]
    np.testing.assert_allclose(axes[2].lines[0].get_ydata()[1:], expected, atol=1e-12)


@pytest.mark.parametrize("memory", ["collapse", "sampled"])
def test_the_trees_probabilities_are_products_of_born_probabilities(memory):
    config, params = model(memory=memory)
    inputs = window(config, 3)
    tree = branch_tree(params, inputs[0], config, least=0.01)
    whole = branch_tree(params, inputs[0], config, least=1e-300)
    assert abs(sum(whole.levels[3].values()) - 1) < 1e-12 and whole.pruned < 1e-12
    assert len(whole.levels[3]) == 64
    assert abs(sum(tree.levels[3].values()) + tree.pruned - 1) < 1e-12
    rng, signs = np.random.default_rng(0), np.array([1, -1, 1, -1])
    for record in [(0, 1), (2, 3), (3, 0)]:
        ledger = trace(params, inputs, config, rng, record=[record])
        before = ledger.record_probability[0, 1]
        born = np.array([whole.levels[3][*record, i] for i in range(4)])
        expected = before * ledger.outcome_probabilities[0, 2]
        np.testing.assert_allclose(born, expected, atol=1e-14)
        output = predict(params, inputs, config, rng=rng, record=[record])
        np.testing.assert_allclose(signs @ born / before, output[0], atol=1e-12)
    kept = () if memory == "sampled" else (*trace(params, inputs, config).outcome[0],)
    assert tree.kept == kept


def test_the_drawn_tree_marks_the_kept_record_and_says_what_is_pruned():
    config, params = model()
    inputs = window(config, 3)[0]
    tree = branch_tree(params, inputs, config)
    ax = plot_branches(params, inputs, config)
    shown = {t.get_gid(): t for t in ax.texts}
    for level in tree.levels[1:]:
        for record, p in level.items():
            text = shown.pop(f"record {record}")
            assert text.get_text() == f"{record[-1]}: {p:.3f}"
            kept = tree.kept[: len(record)] == record
            assert text.get_weight() == ("bold" if kept else "normal")
    assert not shown
    assert f"all others together {tree.pruned:.3f}" in ax.get_title()


def test_dependence_draws_the_gradients_with_their_signs():
    config, params = model(n_features=2)
    inputs = window(config, 5, 3)
    memory = gradient_memory(params, inputs, config)
    ax = plot_dependence(memory, sequence=2, feature=1, inputs=inputs[2, :, 1])
    bars = {round(b.get_x() + b.get_width() / 2): b for b in ax.patches}
    slopes = memory.gradients[2, :, 1]
    for step, slope in enumerate(slopes, 1):
        assert bars[step].get_height() == slope
        assert bool(bars[step].get_hatch()) == (slope < 0)
    assert f"x_{np.abs(slopes).argmax() + 1}:" in ax.get_title()


def test_the_ledger_draws_the_trace():
    config, params = model()
    ledger = trace(params, window(config, 5), config)
    axes = plot_ledger(ledger).axes
    lines = axes[0].lines
    np.testing.assert_array_equal(lines[0].get_ydata(), ledger.S_en[0])
    np.testing.assert_array_equal(lines[1].get_ydata(), ledger.S_out[0])
    p = ledger.outcome_probabilities[0]
    entropy = -(p * np.log2(p)).sum(axis=1)
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), entropy, atol=1e-12)
    bars = [b.get_height() for b in axes[2].patches]
    np.testing.assert_array_equal(bars, ledger.margin[0])
    np.testing.assert_array_equal(axes[3].lines[0].get_ydata(), ledger.readout[0])


def test_a_forecast_stands_at_its_dates_with_its_unit():
    days = pd.date_range("2024-02-25", periods=9)
    past, ahead = pd.Series(np.arange(6.0), days[:6]), pd.Series([1.0] * 3, days[6:])
    ax = plot_forecast(
        past, ahead, lower=ahead - 1, upper=ahead + 1, level=0.9, unit="US$"
    )
    drawn = {line.get_label(): line.get_xdata() for line in ax.lines}
    assert (drawn["forecast"] == days[6:].to_numpy()).all()
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert labels == ["measured", "90 % interval", "forecast"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("date", r"value (US\$)")
    ax = plot_forecast([1.0, 2.0], [3.0], lower=[2.0], upper=[4.0])
    assert list(ax.lines[1].get_xdata()) == [3] and ax.get_xlabel() == "step"


def everything():
    """One picture of each kind."""
    config, params = model()
    inputs = window(config, 6)
    ledger = trace(params, inputs, config)
    memory = gradient_memory(params, inputs, config)
    return {
        "circuit": draw_circuit(config, params).figure,
        "large": draw_circuit(QLSTMConfig(n_system=3, n_ancilla=3, n_layers=3)).figure,
        "window": draw_window(ledger, config, inputs=inputs[0]).figure,
        "amplitudes": plot_amplitudes(ledger.state_out[0, 0], n_system=2).figure,
        "registers": plot_registers(ledger.state_out[0, 0]).figure,
        "bloch": plot_bloch(ledger),
        "branches": plot_branches(params, inputs[0], config).figure,
        "dependence": plot_dependence(memory).figure,
        "ledger": plot_ledger(ledger),
        "forecast": plot_forecast(inputs[0, :, 0], [0.1, 0.2]).figure,
    }


def words(figure):
    """Every text that is drawn, and its box in pixels."""
    FigureCanvasAgg(figure).draw()
    renderer = figure.canvas.get_renderer()
    for artist in figure.findobj(Text):
        if artist.get_visible() and artist.get_text().strip():
            yield artist, artist.get_window_extent(renderer)


@pytest.mark.parametrize("name, figure", everything().items())
def test_words_are_large_and_lie_apart_and_inside(name, figure):
    ticks = [t for ax in figure.axes for t in ax.get_xticklabels(which="both")]
    ticks += [t for ax in figure.axes for t in ax.get_yticklabels(which="both")]
    hidden = [t for ax in figure.axes if not ax.axison for t in ax.findobj(Text)]
    found = [(t, box) for t, box in words(figure) if t not in ticks]
    assert found and min(text.get_fontsize() for text, _ in found) >= 11
    assert all(t.get_fontsize() >= 11 for t in ticks if t not in hidden)
    for (one, a), (two, b) in combinations(found, 2):
        assert not a.padded(-1).overlaps(b.padded(-1)), (one, two)
    for text, box in found:
        assert box.x0 >= -1 and box.x1 <= figure.bbox.width + 1, text
        assert box.y0 >= -1 and box.y1 <= figure.bbox.height + 1, text


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_files_are_the_same_every_time(suffix, tmp_path):
    config, params = model(n_layers=1)
    for name in ("a", "b"):
        save_figure(tmp_path / f"{name}.{suffix}", draw_circuit(config, params).figure)
    first, second = ((tmp_path / f"{n}.{suffix}").read_bytes() for n in "ab")
    assert first == second and len(first) > 5000
    if suffix == "svg":
        root = ElementTree.fromstring(first)
        assert root.tag.endswith("svg")
        texts = "".join(root.itertext())
        assert "encode" in texts and f"{params.entangler[0, 0]:.2f}" in texts
        assert b"<dc:date>" not in first


def test_given_axes_and_figures_are_drawn_into():
    config, params = model()
    ledger = trace(params, window(config), config)
    figure, axes = new_figure(1, 2)
    assert draw_circuit(config, ax=axes[0, 0]) is axes[0, 0]
    assert draw_window(ledger, config, ax=axes[0, 1]) is axes[0, 1]
    empty = type(figure)()
    assert plot_bloch(ledger, figure=empty) is empty and len(empty.axes) == 4


CONFIG, PARAMS = model()
LEDGER = trace(PARAMS, window(CONFIG), CONFIG)
SLOPES = gradient_memory(PARAMS, window(CONFIG), CONFIG)
LONG = trace(PARAMS, window(CONFIG, 21), CONFIG)
X = window(CONFIG)[0]
WRONG = {
    "`config` must have at most 6 wires and 3 layers to be drawn, but has 7 and 2": (
        lambda: draw_circuit(QLSTMConfig(n_system=4, n_ancilla=3))
    ),
    "`ax` must be matplotlib Axes, but is 3": lambda: draw_circuit(CONFIG, ax=3),
    "`figure` must be a matplotlib Figure, but is 3": (
        lambda: plot_ledger(LEDGER, figure=3)
    ),
    "`sequence` must be an integer in 0..0, but is 1": (
        lambda: plot_bloch(LEDGER, sequence=1)
    ),
    "`trace` must have at most 20 steps to be drawn, but has 21": (
        lambda: draw_window(LONG, CONFIG)
    ),
    "`inputs` must have 4 steps, but has 2": (
        lambda: draw_window(LEDGER, CONFIG, inputs=X[:2])
    ),
    "`inputs` must be finite, but holds nan or inf": (
        lambda: draw_window(LEDGER, CONFIG, inputs=np.nan * X)
    ),
    r"`inputs` must have shape \(n_steps,\), none of them 0, but has \(4, 1\)": (
        lambda: plot_dependence(SLOPES, inputs=X)
    ),
    r"`inputs` must have shape \(4,\), but has \(3,\)": (
        lambda: plot_dependence(SLOPES, inputs=X[:3, 0])
    ),
    "`feature` must lie in 0..0, but is 1": lambda: plot_dependence(SLOPES, feature=1),
    "`output` must lie in 0..0, but is -1": lambda: plot_dependence(SLOPES, output=-1),
    "`state` must hold 2, 4, ... or 32 amplitudes, but holds 3": (
        lambda: plot_amplitudes(np.ones(3))
    ),
    "`state` must have norm 1, but has 2": lambda: plot_amplitudes(np.ones(4)),
    "`n_system` must lie in 1..1 for 2 wires, but is 2": (
        lambda: plot_amplitudes(np.ones(4) / 2, n_system=2)
    ),
    "`height` must be one of": lambda: plot_amplitudes([1.0, 0.0], height="phase"),
    r"`state` must have shape \(d_s, d_a\), powers of 2 from 2 to 8, but has \(4,\)": (
        lambda: plot_registers(np.ones(4) / 2)
    ),
    "`window` must have at least 5 steps, but has 4": (
        lambda: plot_branches(PARAMS, X, CONFIG, n_steps=5)
    ),
    "that keeps an outcome, but memory 'mixed' keeps none": (
        lambda: plot_branches(PARAMS, X, QLSTMConfig(memory="mixed"))
    ),
    r"`least` must lie in \(0, 1\), but is 0": (
        lambda: branch_tree(PARAMS, X, CONFIG, least=0)
    ),
    "`least` must leave at most 64 records, but 1e-09 leaves 256 after 4 steps": (
        lambda: branch_tree(PARAMS, X, CONFIG, n_steps=4, least=1e-9)
    ),
    "`n_steps` must be": lambda: branch_tree(PARAMS, X, CONFIG, n_steps=0),
    r"`history` must have shape \(n,\), n at least 1, but has \(0,\)": (
        lambda: plot_forecast([], [1.0])
    ),
    "`history` must be an array of real numbers": lambda: plot_forecast(["a"], [1.0]),
    "`history` and `forecast` must both have an index or both none, but only one": (
        lambda: plot_forecast(pd.Series([1.0]), [1.0])
    ),
    "`lower` and `upper` must be given together, but one is missing": (
        lambda: plot_forecast([1.0], [1.0], lower=[0.0])
    ),
    r"`lower` and `upper` must have shape \(1,\), but have \(1,\) and \(2,\)": (
        lambda: plot_forecast([1.0], [1.0], lower=[0.0], upper=[2.0, 3.0])
    ),
    "`lower` must not exceed `upper`, but does at step 0": (
        lambda: plot_forecast([1.0], [1.0], lower=[2.0], upper=[0.0])
    ),
    r"`level` must lie in \(0, 1\), but is 90": (
        lambda: plot_forecast([1.0], [1.0], level=90)
    ),
    r"`path` must end with .png, .svg, .pdf, but is 'a.jpg'": (
        lambda: save_figure("a.jpg", new_figure(1, 1)[0])
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_input_is_one_line(text):
    with pytest.raises((TypeError, ValueError), match=text) as error:
        WRONG[text]()
    assert "\n" not in str(error.value)
