"""The page's arithmetic in a real browser: the library's numbers, to 12 digits."""

from dataclasses import asdict

import numpy as np
import pytest
from browser import Visit, open_browser, write_page

from qlstm import (
    QLSTMConfig,
    fit,
    init_params,
    loss_and_grad,
    predict,
)
from qlstm.explorer import explorer_page
from qlstm.forecasting import SINE_PROTOCOLS, noisy_sine, prepare
from qlstm.insight import gradient_memory, trace
from qlstm.processes import (
    Machine,
    cell_process,
    machine_excess,
    square_and_diamond,
    square_and_diamond_cell,
    word_probabilities,
)

RULES = ("collapse", "probabilities", "marginals", "sampled", "mixed", "reset")
RUN = """([model, inputs, targets, record]) => {
  const options = (s) => ({ record: record ? [...record[s], null] : [] });
  const list = (v) => [Array.from(v.re), Array.from(v.im)];
  const runs = inputs.map((x, s) => Cell.run(model, x, { ...options(s), moments: true }));
  const each = (f) => runs.map((steps) => steps.map(f));
  const half = (s) => s.moments[s.gates.findIndex((g) => g.stage === "disentangler")];
  return {
    encoded: each((s) => s.encoded.values), outputs: each((s) => s.y), p: each((s) => s.p),
    before: each((s) => list(s.before)), after: each((s) => list(s.after)),
    out: each((s) => s.columns.map(list)), en: each((s) => half(s).map(list)),
    S_en: each((s) => Measures.look(model.config, half(s), s.before).ebits),
    S_out: each((s) => Measures.look(model.config, s.columns, s.before).ebits),
    outcome: each((s) => s.outcome),
    dependence: runs.map((steps) => Cell.dependence(model, steps)),
    ...Cell.lossAndGrad(model, inputs, targets, options),
  };
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page, opened once."""
    for browser in open_browser():
        visit = Visit(browser, write_page(tmp_path_factory.mktemp("page")))
        yield visit.page
        visit.close()


def drawn_config(rng):
    """A configuration of 1 + 1 to 2 + 2 wires and 1 to 3 layers; all options."""
    n_system, n_ancilla, n_layers, n_features = rng.integers(1, [3, 3, 4, 3])
    angle = rng.random() < 0.3

    def pick(*names):
        return str(rng.choice(names))

    return QLSTMConfig(
        n_features=n_features,
        n_system=n_system,
        n_ancilla=n_ancilla,
        n_layers=n_layers,
        rotation=pick("RX", "RY"),
        memory=pick(*RULES),
        disentangler="flip" if angle else pick("flip", "inverse"),
        loss=pick("last", "all"),
        encoding="angle" if angle else "amplitude",
        readout=pick("expectation", "affine"),
        predicts=pick("value", "change"),
        n_outputs=rng.integers(1, n_system + 1),
        cut="entangled" if angle else pick("entangled", "separate"),
    )


def as_model(params, config):
    """A model as the page takes it."""
    arrays = {name: array.tolist() for name, array in params._asdict().items()}
    return {"config": asdict(config), "params": arrays}


def as_complex(pairs, shape):
    """Real and imaginary parts as complex numbers of this shape."""
    pairs = np.array(pairs)
    return (pairs[..., 0, :] + 1j * pairs[..., 1, :]).reshape(shape)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_model_has_the_library_s_numbers(page, seed):
    rng = np.random.default_rng(seed)
    config = drawn_config(rng)
    params = init_params(config, rng)
    params = type(params)(*(a + rng.normal(size=a.shape) for a in params))
    inputs = rng.uniform(-1, 1, (2, 4, config.n_features))
    wide = rng.uniform(-1, 1, (2, 4, config.n_outputs))
    wide = wide[:, -1] if config.loss == "last" else wide
    targets = wide[..., 0] if config.n_outputs == 1 else wide
    record, given = None, {}
    if config.memory == "sampled":
        ledger = trace(params, inputs, config, rng=np.random.default_rng(seed))
        record = ledger.outcome[:, :-1]
        given = {"record": record}
    model = as_model(params, config)
    listed = None if record is None else record.tolist()
    found = page.evaluate(RUN, [model, inputs.tolist(), wide.tolist(), listed])
    ledger = trace(params, inputs, config, rng=rng, **given)
    outputs = predict(params, inputs, config, all_steps=True, **given)
    loss, grads = loss_and_grad(params, inputs, targets, config, **given)

    def equal(name, expected):
        got = np.array(found[name]).reshape(np.shape(expected))
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12, err_msg=name)

    equal("outputs", outputs)
    equal("p", ledger.outcome_probabilities)
    equal("encoded", ledger.encoded)
    equal("loss", loss)
    equal("S_en", ledger.S_en)
    equal("S_out", ledger.S_out)
    memory = as_complex(found["before"], ledger.memory_before.shape)
    np.testing.assert_allclose(memory, ledger.memory_before, rtol=0, atol=1e-12)
    if record is None:
        memory = as_complex(found["after"], ledger.memory_after.shape)
        np.testing.assert_allclose(memory, ledger.memory_after, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(found["outcome"], ledger.outcome)
        gradients = gradient_memory(params, inputs, config).gradients
        first = gradients[..., 0] if config.n_outputs > 1 else gradients
        equal("dependence", first)
    for name, expected in (("en", ledger.state_en), ("out", ledger.state_out)):
        columns = as_complex(found[name], (2, 4, -1, 2**config.n_wires))
        if config.memory == "mixed":  # the columns with the memory between them
            columns = columns.swapaxes(2, 3)
            joint = columns @ ledger.memory_before @ columns.conj().mT
        else:
            joint = columns.reshape(expected.shape)
        np.testing.assert_allclose(joint, expected, rtol=0, atol=1e-12, err_msg=name)
    for name, expected in grads._asdict().items():
        got = found["grads"][name]
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("wires", [(1, 4), (4, 1), (2, 3), (3, 2)])
@pytest.mark.parametrize("memory", ["collapse", "mixed"])
def test_five_wires(page, wires, memory):
    config = QLSTMConfig(n_system=wires[0], n_ancilla=wires[1], memory=memory)
    rng = np.random.default_rng(7)
    params, inputs = init_params(config, rng), rng.uniform(-1, 1, (2, 3, 1))
    targets = np.array([0.3, -0.4])
    arguments = [as_model(params, config), inputs.tolist(), [[0.3], [-0.4]], None]
    found = page.evaluate(RUN, arguments)
    loss, grads = loss_and_grad(params, inputs, targets, config)
    ledger = trace(params, inputs, config)
    np.testing.assert_allclose(found["S_out"], ledger.S_out, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["loss"], loss, rtol=0, atol=1e-12)
    for name, expected in grads._asdict().items():
        got = found["grads"][name]
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("memory", ["collapse", "probabilities", "mixed"])
def test_training_follows_the_library(page, memory):
    """The noisy sine, 20 epochs of all windows at once, from the same start."""
    protocol, rng = SINE_PROTOCOLS["figure"], np.random.default_rng(0)
    data = prepare(noisy_sine(protocol, rng), protocol, rng).train
    config = QLSTMConfig(rotation="RY", memory=memory)
    start = init_params(config, np.random.default_rng(3))
    with pytest.warns(UserWarning, match="6 of 72 targets cannot be met"):
        params, history = fit(
            start,
            data.inputs,
            data.targets,
            config,
            epochs=20,
            batch_size=len(data.targets),
            rng=np.random.default_rng(1),
        )
    train = """(model) => {
      const { windows, targets, cut } = App.data.series, losses = [];
      const inputs = windows.slice(0, cut), wanted = targets.slice(0, cut).map((v) => [v]);
      let adam = Training.start(model.params);
      for (let k = 0; k < 20; k++) {
        const done = Training.epoch(model, adam, inputs, wanted, 0.01);
        losses.push(done.loss);
        [model, adam] = [done.model, done.state];
      }
      return { losses, params: model.params };
    }"""
    found = page.evaluate(train, as_model(start, config))
    np.testing.assert_allclose(found["losses"], history["loss"], rtol=0, atol=1e-9)
    for name, expected in params._asdict().items():
        np.testing.assert_allclose(found["params"][name], expected, rtol=0, atol=1e-9)


def test_the_tree_s_probabilities_are_those_of_records(page):
    config = QLSTMConfig(memory="collapse")
    rng = np.random.default_rng(5)
    params, window = init_params(config, rng), rng.uniform(-1, 1, (3, 1))
    arguments = [as_model(params, config), window.tolist(), 3]
    tree = page.evaluate("(all) => Measures.tree(...all)", arguments)
    leaves = [leaf for a in tree for b in a["children"] for leaf in b["children"]]
    assert len(leaves) == 64
    assert sum(leaf["probability"] for leaf in leaves) == pytest.approx(1, abs=1e-12)
    for first, second in ((0, 3), (2, 1), (3, 3)):
        record = [[first, second]]
        ledger = trace(params, window[None], config, record=record)
        node = tree[first]["children"][second]
        expected = ledger.record_probability[0, 1]
        assert node["probability"] == pytest.approx(expected, abs=1e-12)


def test_the_process_and_its_score(page):
    """Words and excess of the exact cell and of a cell that is off."""
    params, config, x = square_and_diamond_cell()
    moved = params._replace(entangler=params.entangler + 0.2)
    get = """([model, x]) => {
      const kraus = Measures.processOf(model, x);
      const truth = Measures.chainWords(App.data.process.chain, 5);
      const words = Measures.quantumWords(kraus, 2, 5);
      return { words: Measures.quantumWords(kraus, 2, 3), truth,
        excess: Measures.excess(truth, words, 4) };
    }"""
    for cell, loses in ((params, False), (moved, True)):
        found = page.evaluate(get, [as_model(cell, config), x.tolist()])
        process = cell_process(cell, config, x)
        words = word_probabilities(process, 3).ravel()
        np.testing.assert_allclose(found["words"], words, rtol=0, atol=1e-12)
        truth = word_probabilities(square_and_diamond(), 5).ravel()
        np.testing.assert_allclose(found["truth"], truth, rtol=0, atol=1e-12)
        given, seen = word_probabilities(process, 5).ravel(), truth > 1e-12
        before = np.repeat(given.reshape(-1, 4).sum(axis=1), 4)
        excess = -(truth[seen] @ np.log2(given[seen] / before[seen])) - 1.5
        assert found["excess"] == pytest.approx(excess, abs=1e-12)
        assert (found["excess"] > 0.01) == loses
        assert loses or abs(found["excess"]) < 1e-12


def test_the_machines_beside_it_lose_what_the_documentation_says(page):
    """1, 2 and 3 states: 0.5, 0.25 and 0.0668 bits a symbol."""
    shown = page.evaluate("App.view.world.machines.map((m) => m.excess)")
    for machine, excess in zip(
        page.evaluate("App.data.process.machines"), shown, strict=True
    ):
        edges = np.array(machine["edges"])
        start = np.array(machine["start"])
        value, _ = machine_excess(Machine(start, edges), square_and_diamond(), 5)
        assert excess == pytest.approx(value, abs=1e-12)
    assert np.round(shown, 4).tolist() == [0.5, 0.25, 0.0668]


def test_the_page_is_small():
    assert len(explorer_page().encode()) < 300_000
