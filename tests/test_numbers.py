"""What people pass: each kind of number has one rule, at every border of qsim."""

from fractions import Fraction

import numpy as np
import pytest

import qsim
from qsim import CNOT, HADAMARD, RX, RY, RZ, entanglement, zero_state
from qsim.numbers import as_number, as_numbers, as_real, check_fits

BELL = np.array([[[1.0, 0.0], [0.0, 1.0]]]) / np.sqrt(2)
COIN = np.diag([0.7, 0.3])[None]
HALF_TURN = [[np.pi, 0.0]]
RNG = np.random.default_rng(0)

STATES = {
    "apply_gate": lambda s: qsim.apply_gate(s, CNOT, [0, 1]),
    "entangling_layer": lambda s: qsim.entangling_layer(s, [0.1, 0.2]),
    "entangling_layers": lambda s: qsim.entangling_layers(s, HALF_TURN),
    "adjoint_layers": lambda s: qsim.adjoint_layers(s, HALF_TURN),
    "backward": lambda s: qsim.entangling_layers_backward(s, BELL, HALF_TURN)[1],
    "probabilities": lambda s: qsim.probabilities(s, [0]),
    "expval_z": lambda s: qsim.expval_z(s, 0),
    "reduced_density_matrix": lambda s: qsim.reduced_density_matrix(s, [0]),
    "collapse": lambda s: qsim.collapse(s, [0]).state,
    "schmidt_coefficients": lambda s: entanglement.schmidt_coefficients(s, [0]),
    "entanglement_entropy": lambda s: entanglement.entanglement_entropy(s, [0]),
    "linear_entropy": lambda s: entanglement.linear_entropy(s, [0]),
    "pure_concurrence": lambda s: entanglement.pure_concurrence(s, [0]),
    "mutual_information": lambda s: entanglement.mutual_information(s, [0], [1]),
    "bloch_vectors": entanglement.bloch_vectors,
    "meyer_wallach": entanglement.meyer_wallach,
}
DENSITIES = {
    "entropy": entanglement.entropy,
    "purity": entanglement.purity,
    "trace_distance": lambda r: entanglement.trace_distance(r, np.eye(4)[None] / 4),
    "of_sigma": lambda r: entanglement.trace_distance(np.eye(4)[None] / 4, r),
    "fidelity": lambda r: entanglement.fidelity(r, np.eye(4)[None] / 4),
    "concurrence": entanglement.concurrence,
    "negativity": lambda r: entanglement.negativity(r, (2, 2)),
    "log_negativity": lambda r: entanglement.log_negativity(r, (2, 2)),
}
UNITARIES = {
    "operator_schmidt": lambda u: entanglement.operator_schmidt(u, (2, 2)).values,
    "schmidt_strength": lambda u: entanglement.schmidt_strength(u, (2, 2)),
    "mean_entangling_power": lambda u: entanglement.mean_entangling_power(u, (2, 2)),
    "weyl_coordinates": entanglement.weyl_coordinates,
    "maximality": lambda u: entanglement.maximality(u, (2, 2)).residual,
    "unitary_power": lambda u: entanglement.unitary_power(u, 0.5),
    "across_cut": lambda u: entanglement.across_cut(u, [1]),
    "dual_upper_bound": lambda u: entanglement.dual_upper_bound(u, (2, 2)),
    "apply_gate": lambda u: qsim.apply_gate(BELL, u, [1, 0]),
}
ANGLES = {
    "RX": RX,
    "RY": RY,
    "RZ": RZ,
    "layer_gates": lambda t: qsim.layer_gates(t)[0][1],
    "entangling_layers": lambda t: qsim.entangling_layers(BELL, [t]),
    "circuit_matrix": lambda t: qsim.circuit_matrix([t], "RY"),
    "parameter_shift": lambda t: qsim.parameter_shift(np.sum, t),
    "finite_difference": lambda t: qsim.finite_difference(np.sum, t),
}


def cases(functions):
    """A parameter for each function."""
    return pytest.mark.parametrize("call", functions.values(), ids=functions)


@cases(STATES | DENSITIES | UNITARIES | ANGLES)
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.float16, np.longdouble])
def test_every_type_of_numbers_gives_what_float64_gives(call, dtype):
    if call in ANGLES.values():
        right = np.array([1.0, 0.0])
    elif call in STATES.values():
        right = zero_state(2)
    else:
        right = CNOT if call in UNITARIES.values() else np.diag([0.0, 1, 0, 0])[None]
    found, wanted = call(right.astype(dtype)), call(right)
    np.testing.assert_array_equal(found, wanted)
    assert np.asarray(found).dtype == np.asarray(wanted).dtype


@pytest.mark.parametrize("dtype", [np.float16, np.complex64, np.clongdouble])
def test_other_precisions_pass_within_what_they_can_hold(dtype):
    near = 4 * max(np.finfo(dtype).eps, np.finfo(float).eps)
    bell, plus = BELL.astype(dtype), HADAMARD.astype(dtype)
    entropy = entanglement.entanglement_entropy(bell, [0])
    np.testing.assert_allclose(entropy, 1, atol=near)
    rho = qsim.reduced_density_matrix(bell, [0]).astype(dtype)
    np.testing.assert_allclose(entanglement.purity(rho), 0.5, atol=near)
    gate = np.kron(plus, plus).astype(dtype) @ CNOT.astype(dtype)
    strength = entanglement.schmidt_strength(gate.astype(dtype), (2, 2))
    np.testing.assert_allclose(strength, 1, atol=near)


def test_single_precision_gates_are_unitary_at_every_size():
    gate = entanglement.haar_unitary(64, np.random.default_rng(0))
    np.testing.assert_allclose(
        entanglement.schmidt_strength(gate.astype(np.complex64), (8, 8)),
        entanglement.schmidt_strength(gate, (8, 8)),
        atol=1e-6,
    )
    with pytest.raises(ValueError, match="`unitary` must be unitary"):
        entanglement.schmidt_strength((1 + 1e-6) * gate, (8, 8))


def test_small_integers_do_not_wrap():
    up, down = np.diag([1, 0])[None], np.diag([0, 1])[None]
    for dtype in (np.uint8, bool, np.int8):
        distance = entanglement.trace_distance(up.astype(dtype), down.astype(dtype))
        np.testing.assert_array_equal(distance, 1)
    assert round(entanglement.mean_entangling_power(CNOT == 1, (2, 2)), 12) == round(
        2 / 9, 12
    )
    shifted = qsim.parameter_shift(lambda t: np.uint8(t[0] < 0), [0.0])
    np.testing.assert_array_equal(shifted, [-0.5])


@cases(STATES | DENSITIES | UNITARIES | ANGLES)
@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda x: np.ma.masked_equal(x, 1), ValueError, "must hold no masked entry"),
        (lambda x: np.where(x == 1, np.nan, x), ValueError, "must be finite, but"),
        (lambda x: np.where(x == 1, -np.inf, x), ValueError, "must be finite, but"),
        (lambda x: x.astype(str), TypeError, "must be an array of numbers, but is of"),
        (lambda x: x.astype(object), TypeError, "must be an array of numbers, but is"),
        (lambda x: x.astype("M8[s]"), TypeError, "must be an array of numbers, but is"),
    ],
    ids=["masked", "nan", "inf", "strings", "objects", "dates"],
)
def test_what_is_no_number_is_refused(call, spoil, error, text):
    right = np.array([1.0, 0.0])
    if call in STATES.values():
        right = zero_state(2)
    elif call not in ANGLES.values():
        right = CNOT if call in UNITARIES.values() else np.diag([0.0, 1, 0, 0])[None]
    with pytest.raises(error, match=text):
        call(spoil(right.astype(int) if spoil(np.ones(1)).dtype.kind == "M" else right))


def test_a_mask_that_hides_nothing_or_hides_in_a_list():
    masked = np.ma.masked_equal([1.0, 2.0], 1)
    np.testing.assert_array_equal(as_real("x", np.ma.masked_equal([1.0], 2)), [1])
    for values in ([masked, masked], [[1.0, np.ma.masked]], np.ma.masked):
        with pytest.raises(ValueError, match="`x` must hold no masked entry, but one"):
            as_numbers("x", values)


@pytest.mark.parametrize("values", [["1"], [Fraction(1, 2)], [None], [10**30], {}])
def test_objects_are_not_read_as_numbers(values):
    with pytest.raises(TypeError, match="`x` must be an array of numbers, but is of"):
        as_numbers("x", values)


def test_ragged_rows_extended_range_and_single_numbers():
    with pytest.raises(
        ValueError, match="`x` must be an array of numbers, but: .* inhom"
    ):
        as_numbers("x", [[1], [1, 2]])
    if np.finfo(np.longdouble).max > np.finfo(float).max:
        with pytest.raises(
            ValueError, match="`x` must be finite, but holds nan or inf"
        ):
            as_numbers("x", np.array([10], np.longdouble) ** 4000)
    with pytest.raises(
        ValueError, match=r"`x` must be one number, but has shape \(1,\)"
    ):
        as_number("x", [1.0])
    array = np.array([1.0, 2.0])
    assert as_real("x", array) is array


@pytest.mark.parametrize(
    "call",
    [
        lambda: RX(1 + 1j),
        lambda: RZ([0.0, 1j]),
        lambda: qsim.layer_gates([1j], "RY"),
        lambda: qsim.entangling_layer(zero_state(1), [1j], "RY"),
        lambda: qsim.parameter_shift(np.sum, [1j]),
        lambda: qsim.parameter_shift(lambda t: 1j * t[0], [1.0]),
        lambda: qsim.finite_difference(np.sum, [1j]),
        lambda: qsim.finite_difference(np.sum, [1.0], step=1j),
        lambda: entanglement.canonical_gate(1j, 0, 0),
        lambda: entanglement.canonical_gate(0, 0, 1j),
        lambda: entanglement.unitary_power(CNOT, 1j),
        lambda: entanglement.entropy(COIN, 1j),
    ],
)
def test_complex_numbers_where_real_ones_are_wanted(call):
    with pytest.raises(ValueError, match="must be real here, but is complex"):
        call()


def test_a_diverging_function_keeps_its_nan():
    grad = qsim.parameter_shift(lambda t: np.inf if t[0] > 1 else 0.0, [1.0])
    np.testing.assert_array_equal(grad, [np.inf])


@pytest.mark.parametrize("dims", [(2.5, 2.9), (2.0, 2.0), (True, 4), ("2", "2"), 4, ()])
def test_dimensions_are_integers(dims):
    text = "Argument `dims` must be two positive integers with product 4"
    for call in (
        lambda: entanglement.schmidt_strength(CNOT, dims),
        lambda: entanglement.negativity(np.eye(4)[None] / 4, dims),
        lambda: entanglement.entangling_power(CNOT, dims, rng=RNG),
    ):
        with pytest.raises(ValueError, match=text):
            call()


def test_dimensions_may_be_numpys():
    found = entanglement.schmidt_strength(CNOT, np.array([2, 2]))
    assert found == entanglement.schmidt_strength(CNOT, (2, 2))


@cases(DENSITIES)
def test_a_negative_eigenvalue_is_no_probability(call):
    text = "must be positive semidefinite, but sample 1 has an eigenvalue of -1"
    with pytest.raises(ValueError, match=text):
        call(np.array([np.eye(4) / 4, np.diag([2.0, -1.0, 0.0, 0.0])]))


def test_rounding_below_zero_passes():
    rho = np.diag([1 + 1e-12, -1e-12])[None]
    np.testing.assert_allclose(entanglement.entropy(rho), 0, atol=1e-11)
    with pytest.raises(ValueError, match="`rho_b` must be positive semidefinite"):
        entanglement.dual_upper_bound(CNOT, (2, 2), rho_b=np.diag([2.0, -1.0]))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: zero_state(60),
            r"1 state\(s\) of 60 wires needs about 9,223,372,037 GB",
        ),
        (lambda: zero_state(20, 10**9), "of 20 wires needs about 8,388,608 GB"),
        (lambda: zero_state(10**12), r"of 1000000000000 wires needs about 2\*\*"),
        (lambda: qsim.circuit_matrix(np.zeros((1, 40))), "circuit of 40 wires needs"),
        (lambda: entanglement.cnot_ring(10**10), "A ring of 10000000000 wires needs"),
        (lambda: entanglement.haar_unitary(10**7, RNG), "of size 10000000 needs about"),
        (
            lambda: qsim.reduced_density_matrix(zero_state(20), range(20)),
            "A density matrix of 20 wires needs about 8,796 GB",
        ),
    ],
)
def test_what_does_not_fit_says_so_before_it_is_allocated(call, text):
    with pytest.raises(MemoryError, match=text + ".*, but this machine has"):
        call()
    check_fits(1000, "A thousand bytes")


@pytest.mark.parametrize("count", [2.0, "2", True, None])
def test_counts_are_integers(count):
    for call in (zero_state, entanglement.cnot_ring):
        with pytest.raises(TypeError, match="`n_wires` must be an integer, but is"):
            call(count)
