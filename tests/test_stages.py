"""The matrices of the two stages, and their powers."""

import numpy as np
import pytest

from qlstm import QLSTMConfig, init_params
from qlstm.insight import stage_powers, stage_unitaries, trace
from qsim import circuit_matrix
from qsim.entanglement import entangling_power


@pytest.mark.parametrize("disentangler", ["flip", "inverse"])
@pytest.mark.parametrize("rotation", ["RX", "RY"])
def test_stages_are_the_circuits_and_make_the_steps(rotation, disentangler):
    config = QLSTMConfig(
        n_ancilla=1, n_layers=3, rotation=rotation, disentangler=disentangler
    )
    rng = np.random.default_rng(0)
    params = init_params(config, rng)
    u_en, u_dis = stage_unitaries(params, config)
    np.testing.assert_allclose(
        u_en, circuit_matrix(params.entangler, rotation), atol=1e-14
    )
    rows = params.disentangler
    expected = (
        circuit_matrix(rows[::-1], rotation)
        if disentangler == "flip"
        else circuit_matrix(rows, rotation).conj().T
    )
    np.testing.assert_allclose(u_dis, expected, atol=1e-14)
    steps = trace(params, rng.uniform(-1, 1, (3, 4, 1)), config)
    product = np.einsum("bts,bta->btsa", steps.encoded, steps.memory_before)
    for unitary, before, after in (
        (u_en, product, steps.state_en),
        (u_dis, steps.state_en, steps.state_out),
    ):
        found = before.reshape(3, 4, 8) @ unitary.T
        np.testing.assert_allclose(found.reshape(after.shape), after, atol=1e-13)


def test_powers_are_those_of_the_matrices_and_of_their_adjoints():
    config = QLSTMConfig(n_system=1, n_ancilla=1, rotation="RY")
    params = init_params(config, np.random.default_rng(1))
    found = stage_powers(params, config, n_starts=3, rng=np.random.default_rng(2))
    assert list(found) == ["E_up_en", "E_down_en", "E_up_dis", "E_down_dis"]
    for name, unitary in zip(
        ("en", "dis"), stage_unitaries(params, config), strict=True
    ):
        for direction, matrix in (("up", unitary), ("down", unitary.conj().T)):
            rng = np.random.default_rng(2)
            power = entangling_power(matrix, (2, 2), n_starts=3, rng=rng).value
            assert found[f"E_{direction}_{name}"] == power < 2


def test_powers_leave_the_generator_as_it_was():
    config, rng = QLSTMConfig(n_system=1, n_ancilla=1), np.random.default_rng(0)
    params = init_params(config, rng)
    before = rng.bit_generator.state
    once = stage_powers(params, config, n_starts=1, rng=rng)
    assert rng.bit_generator.state == before
    assert stage_powers(params, config, n_starts=1, rng=rng) == once


def test_the_largest_power_needs_no_search():
    config = QLSTMConfig(rotation="RX")  # two layers of RX have 4 ebits at every angle
    params = init_params(config, np.random.default_rng(0))
    found = stage_powers(params, config, rng=np.random.default_rng(0))
    assert set(found.values()) == {4.0}


def test_angle_encoding_has_no_fixed_stages():
    config = QLSTMConfig(encoding="angle")
    params = init_params(config, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"`config.encoding` must be .*amplitude"):
        stage_unitaries(params, config)
