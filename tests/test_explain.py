"""A window gate by gate: against the ledger, the engine's gradient, and dense gates."""

from functools import cache

import dense
import numpy as np
import own_rules
import pytest
from covering import covering

from qlstm import (
    MEMORIES,
    QLSTMConfig,
    init_params,
    loss_and_grad,
    predict,
    register_memory,
    register_readout,
)
from qlstm.insight import explain, trace
from qlstm.insight.moments import DETAILS, act, walk
from qlstm.memory import RULES
from qlstm.readout import READOUTS
from qsim.entanglement import (
    bloch_vectors,
    entanglement_entropy,
    mutual_information,
    purity,
)

OWN = {
    "coherent": own_rules.Coherent(),
    "dephased": own_rules.Dephased(),
    "second": own_rules.Second(),
    "coin": own_rules.Coin(),
    "lazy": own_rules.Lazy(),
    "kicked": own_rules.Kicked(),
    "forward": own_rules.Forward(),
}
for name in OWN:  # importing the file has registered them: tests begin without
    del RULES[name]
del READOUTS["parity"]
CASES = covering(
    ["RX", "RY"],
    [*MEMORIES, "coherent", "dephased", "second", "coin"],
    ["flip", "inverse", "angle"],
    ["entangled", "separate"],
    [(1, 1), (2, 1), (1, 2), (2, 2), (3, 2)],
    ["expectation", "affine", "parity"],
    ["value", "change"],
    ["last", "all"],
    [1, 2],
    strength=2,
)
close = np.testing.assert_allclose


@pytest.fixture(autouse=True)
def own():
    """Rules and a readout of somebody's own are registered."""
    register_own()


def register_own():
    """Make them known."""
    for name, rule in OWN.items():
        register_memory(name, rule)
    register_readout("parity", own_rules.Parity())


def config_of(case, number=0):
    """The configuration of a case; angle encoding has one disentangler and one cut."""
    rotation, memory, disentangler, cut, sizes, readout, predicts, loss, outputs = case
    encoding = "amplitude"
    if disentangler == "angle":
        encoding, disentangler, cut = "angle", "flip", "entangled"
    return QLSTMConfig(
        n_features=1 + number % 2,
        n_system=sizes[0],
        n_ancilla=sizes[1],
        n_layers=1 + number % 3,
        rotation=rotation,
        memory=memory,
        disentangler=disentangler,
        loss=loss,
        encoding=encoding,
        readout=readout,
        predicts=predicts,
        cut=cut,
        n_outputs=min(outputs, sizes[0]),
    )


def draw(config, seed=0, n_steps=3):
    """A model, a window and targets."""
    rng = np.random.default_rng(seed)
    params = init_params(config, rng)
    window = rng.uniform(-1, 1, (n_steps, config.n_features))
    shape = (n_steps,) if config.loss == "all" else ()
    shape += (config.n_outputs,) if config.n_outputs > 1 else ()
    return params, window, rng.uniform(-1, 1, shape)


def rng():
    """The same draws every time."""
    return np.random.default_rng(5)


@cache
def explained(case, number=0, detail="stage"):
    """A case's model, data and explanation."""
    register_own()
    config = config_of(case, number)
    params, window, targets = draw(config, number)
    found = explain(params, window, config, targets=targets, detail=detail, rng=rng())
    return config, params, window, targets, found


numbered = pytest.mark.parametrize("number, case", list(enumerate(CASES)))


@numbered
def test_every_stage_and_step_is_the_engine_s(number, case):
    config, params, window, _, found = explained(case, number)
    ledger = trace(params, window[None], config, rng=rng())
    outputs = predict(params, window[None], config, all_steps=True, rng=rng())[0]
    for t, step in enumerate(found.steps):
        _, en, out = step.moments
        pairs = [
            (step.encoded, ledger.encoded),
            (en.state, ledger.state_en),
            (out.state, ledger.state_out),
            (en.entanglement, ledger.S_en),
            (out.entanglement, ledger.S_out),
            (step.probabilities, ledger.outcome_probabilities),
            (step.margin, ledger.margin),
            (step.memory_before.state, ledger.memory_before),
            (step.memory_after.state, ledger.memory_after),
        ]
        for ours, theirs in pairs:
            close(ours, theirs[0, t], rtol=0, atol=1e-12)
        kept = -1 if step.outcome is None else step.outcome
        assert kept == ledger.outcome[0, t]
        close(step.readout, np.atleast_1d(outputs[t]), rtol=0, atol=1e-12)


@numbered
def test_the_sum_over_gates_is_the_engine_s_gradient(number, case):
    config, params, window, targets, found = explained(case, number)
    loss, grads = loss_and_grad(params, window[None], targets[None], config, rng=rng())
    back = found.way_back
    close(back.loss, loss, rtol=0, atol=1e-12)
    assert back.grads._fields == grads._fields
    for ours, theirs in zip(back.grads, grads, strict=True):
        close(ours, theirs, rtol=0, atol=1e-12)
    shared = [
        sum(arrays) for arrays in zip(*(s.grads for s in back.steps), strict=True)
    ]
    for ours, theirs in zip(shared[:4], grads[:4], strict=True):
        close(ours, theirs, rtol=0, atol=1e-12)


@numbered
def test_undoing_all_gates_brings_the_start_back(number, case):
    found = explained(case, number)[-1]
    for step, back in zip(found.steps, found.way_back.steps, strict=True):
        start = step.moments[0].state
        close(back.gates[-1].state.reshape(start.shape), start, rtol=0, atol=1e-13)
        assert [g.gate for g in back.gates] == step.gates[::-1]


DENSE = [
    ("RX", "mixed", "angle", "entangled", (2, 1), "expectation", "value", "last", 1),
    ("RX", "collapse", "inverse", "separate", (2, 2), "affine", "value", "last", 1),
    ("RY", "marginals", "flip", "entangled", (1, 2), "expectation", "change", "all", 1),
    ("RY", "mixed", "inverse", "entangled", (2, 1), "expectation", "value", "all", 2),
]


@pytest.mark.parametrize("case", DENSE, ids=str)
def test_every_gate_is_the_dense_one(case):
    config, *_, found = explained(case, 4, "gate")
    for step in found.steps:
        assert len(step.moments) == len(step.gates) + 1
        start = step.moments[0].state
        pure = config.rule.pure
        state = start.ravel() if pure else start
        for gate, moment in zip(step.gates, step.moments[1:], strict=True):
            small = dense.rotation(gate.name, gate.angle) if gate.angle else None
            u = (
                dense.cnot(*gate.wires, config.n_wires)
                if gate.name == "CNOT"
                else dense.embed(small, gate.wires, config.n_wires)
            )
            state = u @ state if pure else u @ state @ u.conj().T
            close(moment.state.reshape(state.shape), state, rtol=0, atol=1e-13)
            assert moment.gate is gate


@pytest.mark.parametrize("case", DENSE, ids=str)
def test_the_gradient_at_a_gate_is_its_own_shift(case):
    """Of one step; a gate occurrence obeys the two-term rule, uploads as well."""
    config = config_of(case)
    params, window, targets = draw(config, 3, n_steps=1)
    found = explain(params, window, config, targets=targets)
    (step,), (back,) = found.steps, found.way_back.steps
    start = step.moments[0].state
    start = start.ravel() if config.rule.pure else start

    def mean(gates):
        state = walk(start, gates)[-1]
        p = np.diag(state).real if state.ndim == 2 else np.abs(state) ** 2
        p = p.reshape(config.system_dim, -1).sum(axis=1)
        return p @ config.output_map.observables(config)

    for k, one in enumerate(back.gates[::-1]):
        if one.gate.angle is None:
            assert one.grad_angle == 0
            continue
        shifted = [
            mean([*step.gates[:k], turned(one.gate, sign), *step.gates[k + 1 :]])
            for sign in (1, -1)
        ]
        slope = (shifted[0] - shifted[1]) / 2
        scale = params[4] if config.readout == "affine" else 1.0
        close(one.grad_angle, back.grad_outputs @ (scale * slope), rtol=0, atol=1e-13)


def turned(gate, sign):
    """A gate a quarter turn on."""
    matrix = dense.rotation(gate.name, gate.angle + sign * np.pi / 2)
    return gate._replace(matrix=matrix)


@pytest.mark.parametrize("case", DENSE, ids=str)
def test_the_gradient_of_the_state_is_a_gradient(case):
    """``dL = Re <grad, d state>``: the first order of a push before a gate."""
    config = config_of(case)
    params, window, _ = draw(config, 2, n_steps=1)
    found = explain(params, window, config, targets=draw(config, 2, 1)[2])
    (step,), (back,) = found.steps, found.way_back.steps
    k = len(step.gates) // 2
    one = back.gates[::-1][k]
    rng = np.random.default_rng(0)
    push = dense.random_state(rng, config.n_wires).ravel()
    push = push if one.state.ndim == 1 else np.outer(push, push.conj())

    def mean(size):
        state = one.state + size * push
        for gate in step.gates[k:]:
            state = act(state, gate.matrix, gate.wires)
        p = np.diag(state).real if state.ndim == 2 else np.abs(state) ** 2
        p = p.reshape(config.system_dim, -1).sum(axis=1)
        return back.grad_probabilities @ p

    slope = (mean(1e-4) - mean(-1e-4)) / 2e-4
    close(np.vdot(one.grad_state, push).real, slope, rtol=0, atol=1e-9)


def test_details_are_subsets():
    for case in DENSE:
        layers, stages = {}, {}
        for detail in DETAILS:
            found = explained(case, 4, detail)[-1]
            layers[detail] = [m.state for m in found.steps[1].moments]
            stages[detail] = found
        config = stages["gate"].config
        sizes = [len(layers[detail]) for detail in DETAILS]
        assert sizes[:2] == [3, 1 + 2 * config.n_layers]
        gates = stages["gate"].steps[1].gates
        last = [
            k + 1
            for k, gate in enumerate(gates)
            if k + 1 == len(gates)
            or (gates[k + 1].stage, gates[k + 1].layer) != (gate.stage, gate.layer)
        ]
        for state, k in zip(layers["layer"][1:], last, strict=True):
            np.testing.assert_array_equal(state, layers["gate"][k])


def test_what_is_read_off_a_pure_moment():
    case = ("RX", "collapse", "flip", "entangled", (2, 2), *DENSE[0][5:])
    for moment in explained(case, 4, "gate")[-1].steps[2].moments:
        state = moment.state.reshape(1, 2, 2, 2, 2)
        close(moment.bloch, bloch_vectors(state)[0], atol=1e-12)
        close(moment.entanglement, entanglement_entropy(state, [0, 1])[0], atol=1e-12)
        close(moment.probabilities.sum(), 1, atol=1e-12)
        close(moment.purity, 1, atol=1e-12)
        length = np.linalg.norm(moment.bloch, axis=1)
        close((1 + length**2) / 2, purity(moment.reduced), atol=1e-12)


def test_half_the_mutual_information_of_a_pure_state_is_its_entanglement():
    case = ("RX", "mixed", "flip", "entangled", (2, 2), *DENSE[0][5:])
    first = explained(case)[-1].steps[0]  # its memory is pure
    for moment in first.moments:
        values, vectors = np.linalg.eigh(moment.state)
        close(values[-1], 1, atol=1e-12)
        state = vectors[:, -1].reshape(1, 2, 2, 2, 2)
        half = mutual_information(state, [0, 1], [2, 3])[0] / 2
        close(moment.entanglement, half, atol=1e-9)


def test_a_bell_pair_by_hand():
    """RY(pi/2) on s1 and one CNOT: an ebit, and arrows without length."""
    config = QLSTMConfig(n_system=1, n_ancilla=1, n_layers=1, rotation="RY")
    shapes = np.zeros((1, 2)), np.array([1.0, 0.0])
    params = init_params(config, rng())
    params = type(params)(*shapes, np.array([[np.pi / 2, 0]]), np.zeros((1, 2)))
    (step,) = explain(params, [0.3], config, detail="gate").steps
    bell = step.moments[3]
    assert bell.name == "after gate 3, CNOT s1 -> a1"
    close(bell.state, np.eye(2) / np.sqrt(2), atol=1e-15)
    close(bell.entanglement, 1, atol=1e-14)
    close(bell.bloch, np.zeros((2, 3)), atol=1e-15)


# -- records and draws ---------------------------------------------------------------


@pytest.mark.parametrize("memory", ["collapse", "sampled"])
def test_a_record_is_kept_in_the_place_of_a_choice(memory):
    config = QLSTMConfig(memory=memory)
    params, window, targets = draw(config)
    record = [3, 0]
    found = explain(params, window, config, targets=targets, record=record, rng=rng())
    ledger = trace(params, window[None], config, rng=rng(), record=[record])
    for t, step in enumerate(found.steps):
        assert step.outcome == ledger.outcome[0, t]
        assert step.given == (t < 2)
        close(step.memory_after.state, ledger.memory_after[0, t], atol=1e-13)
    _, grads = loss_and_grad(
        params, window[None], [targets], config, rng=rng(), record=[record]
    )
    for ours, theirs in zip(found.way_back.grads, grads, strict=True):
        close(ours, theirs, rtol=0, atol=1e-12)


def test_behind_a_record_nothing_is_drawn_without_a_generator():
    config = QLSTMConfig(memory="sampled")
    params, window, targets = draw(config)
    found = explain(params, window, config, targets=targets, record=[1, 2])
    assert [step.outcome for step in found.steps] == [1, 2, None]
    assert found.steps[-1].memory_after is None
    y = predict(params, window[None], config, record=[[1, 2]])
    close(found.steps[-1].readout, y, atol=1e-13)
    assert "no memory is made" in " ".join(found.text().split())


def test_one_step_takes_an_empty_record():
    config = QLSTMConfig(memory="sampled")
    params, window, _ = draw(config, n_steps=1)
    assert explain(params, window, config, record=[]).steps[0].outcome is None


def test_the_arguments_are_left_alone():
    config = QLSTMConfig(memory="mixed")
    params, window, targets = draw(config)
    before = [array.copy() for array in (*params, window)]
    explain(params, window, config, targets=targets)
    for array, old in zip((*params, window), before, strict=True):
        np.testing.assert_array_equal(array, old)


# -- bad input -----------------------------------------------------------------------

PLAIN = QLSTMConfig()


def wrong(match, window=(0.1, 0.2), config=PLAIN, error=ValueError, **options):
    """It is refused in one line that says what fits."""
    params = init_params(config, rng())
    with pytest.raises(error, match=match) as caught:
        explain(params, window, config, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "window, match",
    [
        ([[0.1, 0.2]], r"`window` must have shape \(n_steps, 1\) or \(n_steps,\), .*2"),
        ([], r"at least one step, but has \(0,\)"),
        (np.zeros((1, 2, 1)), r"but has \(1, 2, 1\)"),
        (0.5, r"but has \(\)"),
        ([0.1, np.nan], "`window` must be finite, but step 2 of 2 is nan"),
        ([np.inf], "`window` must be finite, but step 1 of 1 is inf"),
    ],
)
def test_wrong_windows(window, match):
    wrong(match, window)


def test_a_window_of_words():
    wrong("`window` must be an array of real numbers", ["a"], error=TypeError)


def test_a_flat_window_of_two_features():
    config = QLSTMConfig(n_features=2)
    wrong(r"must have shape \(n_steps, 2\), at least", config=config)


def test_a_model_that_does_not_fit():
    params = init_params(QLSTMConfig(n_layers=3), rng())
    with pytest.raises(
        ValueError, match=r"`params.entangler` must have shape \(2, 4\)"
    ):
        explain(params, [0.1], PLAIN)


def test_too_many_wires():
    config = QLSTMConfig(n_system=4, n_ancilla=3)
    wrong(
        r"at most 6 wires, so that all kets can be listed, but has 4 \+ 3",
        (0.1,),
        config,
    )
    explain(
        init_params(QLSTMConfig(n_system=3, n_ancilla=3, n_layers=1), rng()),
        [0.1],
        QLSTMConfig(n_system=3, n_ancilla=3, n_layers=1),
    )


def test_an_unknown_detail():
    wrong("`detail` must be one of stage, layer, gate, but is 'gates'", detail="gates")


@pytest.mark.parametrize("memory", ["lazy", "kicked"])
def test_a_rule_that_gates_cannot_follow(memory):
    config = QLSTMConfig(memory=memory)
    wrong(f"without an `evolve` of its own.*memory '{memory}' has one", config=config)


def test_a_rule_without_a_gradient_shows_the_way_forward_only():
    config = QLSTMConfig(memory="forward")
    params, window, targets = draw(config)
    assert len(explain(params, window, config).steps) == 3
    wrong("has no `update_backward`", window, config, targets=targets)


def test_draws_need_a_generator_or_a_record():
    config = QLSTMConfig(memory="sampled")
    wrong("`rng` must be a numpy.random.Generator", config=config)
    wrong("`rng` must be a numpy.random.Generator", error=TypeError, rng=3)


@pytest.mark.parametrize(
    "targets, sizes, match",
    [
        ([0.1, 0.2], {}, r"must be one number for a loss over the last step, .*\(2,\)"),
        (0.1, {"loss": "all"}, r"must have shape \(2,\) for a loss over all steps"),
        ([0.1], {"n_outputs": 2}, r"must have shape \(2,\) for a loss over the last"),
        ([0.1, 0.2], {"n_outputs": 2, "loss": "all"}, r"must have shape \(2, 2\)"),
        (np.nan, {}, "`targets` must be finite, but holds nan or inf"),
    ],
)
def test_wrong_targets(targets, sizes, match):
    wrong(match, config=QLSTMConfig(**sizes), targets=targets)


def test_a_target_may_be_a_list_of_one():
    params, window, _ = draw(PLAIN)
    two = [
        explain(params, window, PLAIN, targets=t).way_back.loss for t in (0.2, [0.2])
    ]
    assert two[0] == two[1]


def test_wrong_records():
    wrong(
        r"`record` must have shape \(1,\), an outcome for each step but", record=[1, 2]
    )
    wrong("`record` must lie in 0..3", record=[4])
    config = QLSTMConfig(memory="mixed")
    wrong("needs a memory rule that keeps an outcome", config=config, record=[1])


def test_a_projection_of_zero():
    params = init_params(PLAIN, rng())
    params = params._replace(proj_weight=np.zeros((1, 4)), proj_bias=np.zeros(4))
    with pytest.raises(ValueError, match="must have a positive, finite norm"):
        explain(params, [0.1], PLAIN)
