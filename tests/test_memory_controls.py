"""The controls of `experiments.memory`: rules, tasks, power at a price, reservoirs."""

import json
import runpy
from dataclasses import replace
from types import SimpleNamespace

import checker
import numpy as np
import pytest
from drawing import draw_fast
from scipy import stats
from scipy.integrate import solve_ivp

from experiments.memory.controls import (
    readout,
    report,
    reservoirs,
    rules,
    runs,
    tasks,
    training,
)
from qlstm import QLSTMConfig, init_params, loss_and_grad, predict
from qlstm.insight import memory_channel, quantum_retention, stage_unitaries, trace
from qsim.entanglement import CZ, SWAP, haar_unitary, schmidt_strength

every_rotation = pytest.mark.parametrize("rotation", ["RX", "RY"])


def bases(rng, d=4):
    """Z, X, and a basis of complex vectors."""
    fixed = {name: rules.fixed_basis(name, d.bit_length() - 1) for name in ("Z", "X")}
    return fixed | {"complex": haar_unitary(d, rng)}


def draw(seed, rotation="RY", n_steps=6, batch=3, loss="last"):
    """A cell with angles in the whole circle, inputs, and targets."""
    rng = np.random.default_rng(seed)
    config = QLSTMConfig(rotation=rotation, memory="mixed", readout="affine", loss=loss)
    params = init_params(config, rng)
    en, dis = rng.uniform(0, 2 * np.pi, (2, *params.entangler.shape))
    inputs = rng.uniform(-1, 1, (batch, n_steps, 1))
    targets = rng.normal(size=(batch,) if loss == "last" else (batch, n_steps))
    return config, params._replace(entangler=en, disentangler=dis), inputs, targets


# -- a dephased memory -------------------------------------------------------------


def test_dephasing_is_its_kraus_form_and_its_own_adjoint():
    rng = np.random.default_rng(0)
    for basis in bases(rng).values():
        rule = rules.Dephased(basis)
        sigma, other = rng.normal(size=(2, 5, 3, 4, 4)) + 1j * rng.normal(size=(4, 4))
        kraus = [np.outer(v, v.conj()) for v in basis.T]
        found = rule.dephase(sigma)
        np.testing.assert_allclose(found, sum(k @ sigma @ k for k in kraus), atol=1e-13)
        np.testing.assert_allclose(rule.dephase(found), found, atol=1e-13)
        np.testing.assert_allclose(
            np.vdot(other, found), np.vdot(rule.dephase(other), sigma), atol=1e-11
        )


@every_rotation
def test_a_dephased_memory_is_a_markov_chain_that_inputs_drive(rotation):
    """Populations go through ``T_kl = sum_i |<v_k| K_i |v_l>|^2``, d numbers alone."""
    config, params, inputs, _ = draw(1, rotation)
    u_en, u_dis = stage_unitaries(params, config)
    step = (u_dis @ u_en).reshape(4, 4, 4, 4)
    for v in bases(np.random.default_rng(2)).values():
        ledger = trace(params, inputs, rules.dephased(config, v))
        for encoded, memory in zip(ledger.encoded, ledger.memory_after, strict=True):
            p = np.diag(v.conj().T @ memory[0] @ v).real
            for t in range(1, len(encoded)):
                kraus = np.einsum("iasb,s->iab", step, encoded[t])
                chain = (np.abs(v.conj().T @ kraus @ v) ** 2).sum(axis=0)
                np.testing.assert_allclose(chain.sum(axis=0), 1, atol=1e-12)
                p = chain @ p
                expected = v @ np.diag(p) @ v.conj().T
                np.testing.assert_allclose(memory[t], expected, atol=1e-12)


@every_rotation
@pytest.mark.parametrize("name", ["Z", "X", "complex"])
def test_the_gradient_of_a_dephased_cell_is_exact(rotation, name):
    rng = np.random.default_rng(3)
    basis = bases(rng)[name]
    for loss in ("last", "all"):
        config, _, inputs, targets = draw(4, rotation, loss=loss)
        cell = rules.dephased(config, basis)
        error = checker.relative_error(
            rng,
            lambda: draw(rng.integers(99), rotation)[1],
            lambda p, cell=cell, x=inputs, y=targets: loss_and_grad(p, x, y, cell)[0],
            lambda p, cell=cell, x=inputs, y=targets: loss_and_grad(p, x, y, cell)[1],
        )
        assert error < 1e-8
        params = draw(5, rotation)[1]
        exact = checker.flatten(loss_and_grad(params, inputs, targets, cell)[1])
        for method in ("parameter-shift", "amplitude-shift"):
            _, grads = loss_and_grad(params, inputs, targets, cell, method)
            np.testing.assert_allclose(checker.flatten(grads), exact, atol=1e-12)


def test_no_entanglement_gets_through():
    """The state that stands for a step is positive when one side is transposed.

    A reference keeps at most what d classical states can say, log2 d bits.
    """
    config, params, inputs, _ = draw(6)

    def lowest(cell):
        matrix = memory_channel(params, inputs, cell).matrix[0, 0]
        choi = matrix.reshape(4, 4, 4, 4).transpose(2, 0, 3, 1)  # in, out, in', out'
        crossed = choi.transpose(2, 1, 0, 3).reshape(16, 16)
        np.testing.assert_allclose(crossed, crossed.conj().T, atol=1e-12)
        return np.linalg.eigvalsh(crossed).min()

    assert lowest(config) < -0.1
    for basis in bases(np.random.default_rng(7)).values():
        cell = rules.dephased(config, basis)
        assert lowest(cell) > -1e-12
        assert quantum_retention(params, inputs, cell)[:, 1:].max() < 2 + 1e-9


def test_with_rx_an_output_sees_nothing_of_a_memory_that_is_dephased_in_x():
    config, params, inputs, _ = draw(8, "RX")
    cell = rules.dephased(config, rules.fixed_basis("X", 2))
    changed = inputs.copy()
    changed[:, :-1] = np.random.default_rng(9).uniform(-1, 1, changed[:, :-1].shape)
    kept, moved = predict(params, inputs, cell), predict(params, changed, cell)
    np.testing.assert_allclose(kept, moved, atol=1e-12)
    assert np.abs(kept - predict(params, changed, config)).max() > 0.01


@every_rotation
def test_the_eigenbasis_is_that_of_the_mean_memory(rotation):
    config, params, inputs, _ = draw(10, rotation, n_steps=9, batch=20)
    basis, gap = rules.eigenbasis(params, inputs, config, 3)
    mean = trace(params, inputs, config).memory_after[:, 3:].mean(axis=(0, 1))
    np.testing.assert_allclose(rules.Dephased(basis).dephase(mean), mean, atol=1e-12)
    values = np.sort(np.linalg.eigvalsh(mean))
    assert abs(gap - np.diff(values).min()) < 1e-12
    # a memory of its own stays in its own eigenbasis, so that would be no control
    one = trace(params, inputs[:1], config).memory_after[0, 5]
    own = rules.Dephased(np.linalg.eigh(one)[1])
    np.testing.assert_allclose(own.dephase(one), one, atol=1e-12)
    assert np.abs(rules.Dephased(basis).dephase(one) - one).max() > 1e-3


# -- tasks -------------------------------------------------------------------------


def test_recall_is_the_input_of_before():
    x = np.arange(10.0).reshape(2, 5)
    np.testing.assert_array_equal(tasks.delayed(x, 2)[1], [0, 0, 5, 6, 7])
    np.testing.assert_array_equal(tasks.delayed(x, 0), x)


@pytest.mark.parametrize("order", [5, 10])
def test_narma_is_its_recursion(order):
    x = np.random.default_rng(0).uniform(-1, 1, (2, 40))
    found = tasks.narma(x, order)
    for row, series in zip(found, x, strict=True):
        u, y = [(v + 1) / 4 for v in series], [0.0]
        for t in range(len(u)):
            total = sum(y[t - i] for i in range(order) if t - i >= 0)
            old = u[t - order + 1] if t - order + 1 >= 0 else 0.0
            y.append(0.3 * y[t] + 0.05 * y[t] * total + 1.5 * old * u[t] + 0.1)
        np.testing.assert_allclose(row, y[1:], rtol=1e-12)
    with pytest.raises(ValueError, match=r"`seed` must give .* NARMA-\d+ .* runs away"):
        tasks.narma(np.full(300, 4.0), order)


def test_mackey_glass_by_the_method_of_steps():
    """Up to tau in closed form; from there by scipy, with what came before put in."""
    history, tau = 1.3, 17
    found = tasks.mackey_glass(2 * tau, history)
    drive = 0.2 * history / (1 + history**10) / 0.1

    def first(t):
        return drive + (history - drive) * np.exp(-0.1 * t)

    def slope(t, x):
        then = first(t - tau)
        return 0.2 * then / (1 + then**10) - 0.1 * x

    t = np.arange(1, tau + 1)
    np.testing.assert_allclose(found[:tau], first(t), rtol=1e-8)
    after = solve_ivp(
        slope, (tau, 2 * tau), [first(tau)], t_eval=tau + t, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(found[tau:], after.y[0], rtol=2e-5)


def test_mackey_glass_stays_where_it_balances_and_is_chaotic_elsewhere():
    np.testing.assert_allclose(tasks.mackey_glass(50, 1.0), 1, rtol=1e-12)
    one, other = (tasks.mackey_glass(1200, h)[200:] for h in (1.2, 1.2 + 1e-4))
    assert 0.2 < one.min() < 0.6 and 1.1 < one.max() < 1.5
    assert np.abs(one - other)[:50].max() < 0.01 < np.abs(one - other).max()


def test_the_laser_is_the_package_s_or_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'needs pip install "\.\[santafe\]"'):
        tasks.santa_fe()
    (row,) = runs.reservoir_rows("Santa Fe laser", [0], runs.QUICK)
    assert row.machine == 'not measured: needs pip install ".[santafe]"'
    assert "[santafe]" in report.rows_table([row])
    (tmp_path / "datasets").mkdir()
    np.save(tmp_path / "datasets" / "santafe_laser.npy", np.arange(700)[:, None])
    origin = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(tasks, "find_spec", lambda name: origin)
    inputs, targets = runs.draw_series("Santa Fe laser", 0, 600)
    np.testing.assert_array_equal(targets[:-1], inputs[1:])
    assert len(inputs) == 600 and inputs[0] == -1


# -- power at a price --------------------------------------------------------------


def test_the_gradient_of_the_strength_of_any_matrix():
    rng = np.random.default_rng(0)
    for dims in ((4, 4), (2, 4), (2, 2)):
        d = int(np.prod(dims))
        u = haar_unitary(d, rng)
        turn = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
        turn = turn - turn.conj().T
        grad = training.strength_gradient(u, dims)

        def strength(h, u=u, turn=turn, dims=dims):
            values, vectors = np.linalg.eigh(-1j * turn)
            moved = (vectors * np.exp(1j * h * values)) @ vectors.conj().T @ u
            return schmidt_strength(moved, dims)

        measured = checker.derivative(strength, 1e-3)
        assert abs(np.vdot(grad, turn @ u).real - measured) < 1e-8 * abs(measured)


def test_the_strength_is_stationary_where_it_is_largest():
    for gate in (SWAP, SWAP @ CZ):
        moved = training.strength_gradient(gate, (2, 2)) @ gate.conj().T
        np.testing.assert_allclose(moved, moved.conj().T, atol=1e-12)
    assert np.isfinite(training.strength_gradient(np.eye(16), (4, 4))).all()


@every_rotation
@pytest.mark.parametrize("disentangler", ["flip", "inverse"])
def test_the_gradient_of_the_price_is_exact(rotation, disentangler):
    rng = np.random.default_rng(1)
    config = replace(draw(0, rotation)[0], disentangler=disentangler)
    error = checker.relative_error(
        rng,
        lambda: draw(rng.integers(99), rotation)[1],
        lambda p: training.step_strength(p, config),
        lambda p: training.strength_and_grad(p, config)[1],
    )
    assert error < 1e-8
    params = draw(2, rotation)[1]
    strength, grads = training.strength_and_grad(params, config)
    assert strength == training.step_strength(params, config)
    assert not any(
        np.any(g) for name, g in grads._asdict().items() if "ang" not in name
    )


def test_the_washout_does_not_count():
    config, params, inputs, targets = draw(3, n_steps=14, loss="all")
    data = training.Data(inputs, targets)
    loss, grads = training.mean_error(params, data, config)
    outputs = predict(params, inputs, config, all_steps=True)
    assert abs(loss - ((outputs - targets)[:, 10:] ** 2).mean()) < 1e-12
    other = targets.copy()
    other[:, :10] = 7
    again, same = training.mean_error(params, training.Data(inputs, other), config)
    assert (again, checker.flatten(same).tolist()) == (
        loss,
        checker.flatten(grads).tolist(),
    )
    error = checker.relative_error(
        np.random.default_rng(4),
        lambda: params,
        lambda p: training.mean_error(p, data, config)[0],
        lambda p: training.mean_error(p, data, config)[1],
    )
    assert error < 1e-8


def test_a_price_lowers_power_and_a_reward_raises_it():
    sizes = runs.QUICK._replace(iterations=4)
    config, start, data = runs.trained_on("RY", "recall, lag 1", 0, sizes)
    low, middle, high = (
        training.train(start, data[0], config, 8, price) for price in (0.5, 0.0, -0.5)
    )
    assert low.strengths[-1] < middle.strengths[-1] < high.strengths[-1]
    assert (
        low.strengths[0] == high.strengths[0] == training.step_strength(start, config)
    )
    assert middle.loss < training.mean_error(start, data[0], config)[0] / 2
    assert middle.strengths[-1] == training.step_strength(middle.params, config)


# -- reservoirs and readouts -------------------------------------------------------


def test_an_echo_state_network_forgets_how_it_began():
    rng = np.random.default_rng(0)
    network = reservoirs.echo_state(12, rng)
    assert abs(np.abs(np.linalg.eigvals(network.recurrent)).max() - 0.9) < 1e-12
    series = rng.uniform(-1, 1, 300)
    one = network.states(series)
    other = network.states(series, rng.uniform(-1, 1, 12))
    apart = np.linalg.norm(one - other, axis=1)
    assert apart[0] > 0.1 and apart[-1] < 1e-9
    leaky = network._replace(leak=0.3).states(series)
    drive = network.recurrent @ leaky[4] + network.inputs * series[5] + network.bias
    np.testing.assert_allclose(leaky[5], 0.7 * leaky[4] + 0.3 * np.tanh(drive))
    both = network.states(np.stack([series, -series]))
    np.testing.assert_allclose(both[0], one, atol=1e-12)


def test_state_variables_are_all_that_a_linear_readout_sees():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(60, 4, 4)) + 1j * rng.normal(size=(60, 4, 4))
    for factor, count in ((a, 15), (a.real, 9)):
        sigma = factor @ factor.conj().swapaxes(1, 2)
        sigma /= np.trace(sigma, axis1=1, axis2=2)[:, None, None]
        features = readout.state_variables(sigma)
        assert features.shape == (60, count)
        observable = factor[0] + factor[0].conj().T
        values = np.einsum("nab,ba->n", sigma, observable).real[:, None]
        np.testing.assert_allclose(readout.halves(features, values), 1, atol=1e-12)


def test_what_is_a_feature_is_read_off_and_nothing_else_is():
    x = np.random.default_rng(0).uniform(-1, 1, (4000,))
    r2 = readout.halves(readout.past(x, 3, 9), readout.past(x, 10, 9))
    np.testing.assert_allclose(r2[:3], 1, atol=1e-12)
    assert np.abs(r2[3:]).max() < 0.02
    np.testing.assert_array_equal(readout.past(x, 3, 9)[0], x[[9, 8, 7]])


def test_capacity_is_at_most_the_number_of_features():
    """Dambre's bound, but for what a fit to 1,500 points finds by chance."""
    rng = np.random.default_rng(0)
    series = rng.uniform(-1, 1, 3100)
    wanted = readout.past(series, 40, 100)
    features = runs.machines(series, 0)
    assert features.keys() >= set(runs.CELLS)
    for name, states in features.items():
        if "35" not in name and "3 wires" not in name:
            total = readout.halves(states[100:], wanted).sum()
            assert 0.5 < total < states.shape[1] + 0.3, name
    assert [features[name].shape[1] for name in runs.CELLS] == [15, 9, 35]


# -- what is said ------------------------------------------------------------------


def test_the_interval_is_student_s():
    values = np.random.default_rng(0).normal(1, 2, 8)
    found = report.interval(values)
    expected = stats.t.interval(0.95, 7, values.mean(), stats.sem(values))
    np.testing.assert_allclose(found, [values.mean(), *expected])
    assert report.text(report.interval([0.5])) == "+0.50"


def test_rank_correlations_are_within_seeds():
    """Each seed's order counts, not that one seed lies above the other."""
    made = [
        runs.Priced("RY", "t", seed, price, [9.0, price + seed], -price + 5 * seed, 1.0)
        for seed in (0, 1)
        for price in (0.0, 1.0, 3.0)
    ]
    assert report.rank_correlations(made, "capacity") == [-1.0, -1.0]


def run_here(folder, monkeypatch, *options):
    """The command, small, in this process."""
    arguments = ["memory", "--controls", "--quick", "--out", str(folder), *options]
    monkeypatch.setattr("sys.argv", arguments)
    runpy.run_module("experiments.memory", run_name="__main__")


def test_the_command_says_and_writes_every_part(tmp_path, monkeypatch, capsys):
    small = runs.QUICK._replace(seeds=2, iterations=1, draws=2, tasks=runs.PRICED)
    monkeypatch.setattr(runs, "QUICK", small)
    monkeypatch.setattr(tasks, "find_spec", lambda name: None)
    draw_fast(monkeypatch)
    run_here(tmp_path, monkeypatch, "--rotation", "RY", "--seed", "3")
    said, errors = capsys.readouterr()
    assert errors == ""
    for words in ("Untrained cells", "Trained cells", "A price on", "[santafe]"):
        assert words in said
    content = json.loads((tmp_path / "memory_controls.json").read_text())
    assert (tmp_path / "memory_controls.png").read_bytes()[:4] == b"\x89PNG"
    assert {d["seed"] for d in content["dephasing"]} == {3, 4}
    assert len(content["dephasing"]) == 2 * len(runs.PRICED)
    assert len(content["priced"]) == 2 * len(runs.PRICED) * len(small.prices)
    assert {row["series"] for row in content["rows"]} == set(runs.SERIES)
    assert set(content["dephasing"][0]["retrained"]) == set(rules.BASES)


def test_epochs_belong_to_another_part(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stopped:
        run_here(tmp_path, monkeypatch, "--epochs", "3")
    assert stopped.value.code == 2
    assert "--epochs must be left out with --controls" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
