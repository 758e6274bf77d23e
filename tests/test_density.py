"""Density matrices: closed forms, invariances, and what the checks say."""

import numpy as np
import pytest

import qsim
from qsim import entanglement

BELL = np.array([1.0, 0.0, 0.0, 1.0]) / np.sqrt(2)
SINGLET = np.array([0.0, 1.0, -1.0, 0.0]) / np.sqrt(2)


def random_density(rng, batch, d, rank=None):
    """Random density matrices of some rank."""
    shape = (batch, d, rank or d)
    a = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    rho = a @ a.conj().swapaxes(1, 2)
    return rho / np.trace(rho, axis1=1, axis2=2)[:, None, None]


def werner(p):
    """``p |singlet><singlet| + (1 - p) 1/4``."""
    return p * np.outer(SINGLET, SINGLET) + (1 - p) * np.eye(4) / 4


def test_entropies_of_known_spectra():
    p = np.array([0.5, 0.25, 0.125, 0.125])
    rho = np.diag(p)[None]
    np.testing.assert_allclose(entanglement.entropy(rho), 1.75, atol=1e-14)
    np.testing.assert_allclose(entanglement.entropy(rho, 2), -np.log2((p**2).sum()))
    np.testing.assert_allclose(entanglement.entropy(rho, 0), 2, atol=1e-14)
    np.testing.assert_allclose(entanglement.entropy(rho, np.inf), 1, atol=1e-14)
    np.testing.assert_allclose(
        entanglement.entropy(rho, 0.5), 2 * np.log2(np.sqrt(p).sum()), atol=1e-14
    )
    np.testing.assert_allclose(entanglement.purity(rho), (p**2).sum(), atol=1e-15)


@pytest.mark.parametrize("alpha", [0, 0.3, 1, 2, 1000.0, np.inf])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_entropy_of_pure_and_of_maximally_mixed_states(alpha, d):
    pure = np.zeros((1, d, d))
    pure[0, -1, -1] = 1.0
    np.testing.assert_array_equal(entanglement.entropy(pure, alpha), 0)
    mixed = np.eye(d)[None] / d
    np.testing.assert_allclose(
        entanglement.entropy(mixed, alpha), np.log2(d), atol=1e-12
    )


def test_renyi_entropy_decreases_with_its_order_and_is_continuous_at_one():
    rho = random_density(np.random.default_rng(0), 5, 4)
    orders = [0, 0.2, 0.999999, 1, 1.000001, 2, 10, np.inf]
    values = np.array([entanglement.entropy(rho, alpha) for alpha in orders])
    assert (np.diff(values, axis=0) < 0).all()
    np.testing.assert_allclose(values[2], values[3], atol=1e-5)


def test_a_unitary_changes_no_spectral_quantity():
    rng = np.random.default_rng(1)
    rho, sigma = random_density(rng, 3, 6), random_density(rng, 3, 6)
    u = entanglement.haar_unitary(6, rng)
    rho_u, sigma_u = u @ rho @ u.conj().T, u @ sigma @ u.conj().T
    for f in (entanglement.entropy, entanglement.purity):
        np.testing.assert_allclose(f(rho_u), f(rho), atol=1e-13)
    for f in (entanglement.trace_distance, entanglement.fidelity):
        np.testing.assert_allclose(f(rho_u, sigma_u), f(rho, sigma), atol=1e-13)


def test_distances_of_pure_states():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 7, 3)) + 1j * rng.normal(size=(2, 7, 3))
    a /= np.linalg.norm(a, axis=1)[:, None]
    b /= np.linalg.norm(b, axis=1)[:, None]
    overlap = np.abs((a.conj() * b).sum(axis=1)) ** 2
    rho, sigma = (v[:, :, None] * v[:, None, :].conj() for v in (a, b))
    np.testing.assert_allclose(entanglement.fidelity(rho, sigma), overlap, atol=1e-12)
    np.testing.assert_allclose(
        entanglement.trace_distance(rho, sigma), np.sqrt(1 - overlap), atol=1e-12
    )


def test_fidelity_of_commuting_and_of_equal_states():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.1, 0.8])
    rho, sigma = np.diag(p)[None], np.diag(q)[None]
    np.testing.assert_allclose(
        entanglement.fidelity(rho, sigma), np.sqrt(p * q).sum() ** 2, atol=1e-14
    )
    np.testing.assert_allclose(
        entanglement.trace_distance(rho, sigma), np.abs(p - q).sum() / 2, atol=1e-14
    )
    mixed = random_density(np.random.default_rng(3), 4, 5, rank=2)
    np.testing.assert_allclose(entanglement.fidelity(mixed, mixed), 1, atol=1e-12)
    np.testing.assert_allclose(entanglement.trace_distance(mixed, mixed), 0, atol=1e-15)


def test_fuchs_and_van_de_graaf():
    rng = np.random.default_rng(4)
    rho, sigma = random_density(rng, 50, 4), random_density(rng, 50, 4, rank=2)
    distance, root = (
        entanglement.trace_distance(rho, sigma),
        np.sqrt(entanglement.fidelity(rho, sigma)),
    )
    assert (1 - root <= distance).all()
    assert (distance <= np.sqrt(1 - root**2)).all()


@pytest.mark.parametrize("p", [0.0, 0.2, 1 / 3, 0.5, 0.9, 1.0])
def test_werner_states(p):
    rho = werner(p)[None]
    weight = max(0.0, (3 * p - 1) / 4)
    np.testing.assert_allclose(entanglement.concurrence(rho), 2 * weight, atol=1e-12)
    np.testing.assert_allclose(entanglement.negativity(rho, (2, 2)), weight, atol=1e-12)
    np.testing.assert_allclose(
        entanglement.log_negativity(rho, (2, 2)), np.log2(1 + 2 * weight), atol=1e-12
    )


def test_separable_states_have_no_concurrence_and_no_negativity():
    rng = np.random.default_rng(5)
    products = np.einsum(
        "kij,klm->kiljm", random_density(rng, 9, 2), random_density(rng, 9, 2)
    ).reshape(9, 4, 4)
    rho = np.tensordot(rng.dirichlet(np.ones(9), size=3), products, 1)
    np.testing.assert_allclose(entanglement.concurrence(rho), 0, atol=1e-12)
    np.testing.assert_allclose(entanglement.negativity(rho, (2, 2)), 0, atol=1e-12)


def test_concurrence_is_wootters_eigenvalue_formula():
    rho = random_density(np.random.default_rng(6), 20, 4, rank=2)
    yy = np.kron(qsim.PAULI_Y, qsim.PAULI_Y)
    spectra = np.linalg.eigvals(rho @ yy @ rho.conj() @ yy)
    roots = np.sort(np.sqrt(np.maximum(spectra.real, 0)), axis=1)[:, ::-1]
    wanted = np.maximum(0, roots[:, 0] - roots[:, 1:].sum(axis=1))
    assert (wanted > 0.01).any()
    np.testing.assert_allclose(entanglement.concurrence(rho), wanted, atol=1e-6)


def test_concurrence_and_negativity_of_pure_states_are_functions_of_schmidt_values():
    rng = np.random.default_rng(7)
    state = rng.normal(size=(6, 2, 2)) + 1j * rng.normal(size=(6, 2, 2))
    state /= np.linalg.norm(state, axis=(1, 2))[:, None, None]
    rho = qsim.reduced_density_matrix(state, [0, 1])
    wanted = entanglement.pure_concurrence(state, [0])
    np.testing.assert_allclose(entanglement.concurrence(rho), wanted, atol=1e-7)
    np.testing.assert_allclose(
        2 * entanglement.negativity(rho, (2, 2)), wanted, atol=1e-12
    )
    renyi = entanglement.entanglement_entropy(state, [0], 0.5)
    np.testing.assert_allclose(
        entanglement.log_negativity(rho, (2, 2)), renyi, atol=1e-12
    )


def test_negativity_knows_which_side_is_which():
    # A qubit entangled with two levels of a qutrit: |0>|0> + |1>|2>.
    psi = np.zeros((2, 3))
    psi[0, 0] = psi[1, 2] = np.sqrt(0.5)
    rho = np.outer(psi, psi)[None]
    np.testing.assert_allclose(entanglement.negativity(rho, (2, 3)), 0.5, atol=1e-14)
    np.testing.assert_allclose(entanglement.negativity(rho, (6, 1)), 0, atol=1e-14)
    np.testing.assert_allclose(
        entanglement.negativity(np.outer(psi.T, psi.T)[None], (3, 2)), 0.5, atol=1e-14
    )


@pytest.mark.parametrize("dims", [(2, 3), (3, 2)])
def test_negativity_is_that_of_the_transposed_blocks(dims):
    rho = random_density(np.random.default_rng(9), 1, 6, rank=2)
    d_a, d_b = dims
    rows = [rho[0, a * d_b : (a + 1) * d_b] for a in range(d_a)]
    blocks = [[row[:, a * d_b : (a + 1) * d_b].T for a in range(d_a)] for row in rows]
    values = np.linalg.eigvalsh(np.block(blocks))
    np.testing.assert_allclose(
        entanglement.negativity(rho, dims), -values[values < 0].sum(), atol=1e-13
    )


def test_a_batch_equals_a_loop():
    rng = np.random.default_rng(8)
    rho, sigma = random_density(rng, 4, 4), random_density(rng, 4, 4, rank=1)
    calls = [
        lambda k: entanglement.entropy(rho[k]),
        lambda k: entanglement.entropy(rho[k], 3),
        lambda k: entanglement.purity(rho[k]),
        lambda k: entanglement.concurrence(sigma[k]),
        lambda k: entanglement.negativity(sigma[k], (2, 2)),
        lambda k: entanglement.log_negativity(sigma[k], (2, 2)),
        lambda k: entanglement.trace_distance(rho[k], sigma[k]),
        lambda k: entanglement.fidelity(rho[k], sigma[k]),
    ]
    for call in calls:
        loop = [call(slice(k, k + 1))[0] for k in range(4)]
        np.testing.assert_allclose(call(slice(None)), loop, atol=1e-14)


GOOD = np.eye(2)[None] / 2
NOT_A_NUMBER = np.full((1, 2, 2), np.nan)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: entanglement.purity(np.eye(2)),
            r"Argument `rho` must have shape \(batch, d, d\), but has \(2, 2\)",
        ),
        (
            lambda: entanglement.entropy([np.eye(2) / 2, [[0.5, 0.1], [0.0, 0.5]]]),
            "Argument `rho` must be Hermitian, but sample 1 is off by 0.1",
        ),
        (
            lambda: entanglement.entropy(NOT_A_NUMBER),
            "Argument `rho` must be finite, but holds nan or inf",
        ),
        (
            lambda: entanglement.purity([np.eye(2)]),
            "Argument `rho` must have trace 1, but sample 0 has 2",
        ),
        (
            lambda: entanglement.entropy(GOOD, -1),
            "Argument `alpha` must be at least 0, but is -1",
        ),
        (
            lambda: entanglement.trace_distance(GOOD, np.eye(2)),
            r"Argument `sigma` must have shape \(batch, d, d\)",
        ),
        (
            lambda: entanglement.fidelity(GOOD, np.eye(3)[None] / 3),
            (
                r"Argument `sigma` must have the shape of `rho`, \(1, 2, 2\), but has "
                r"\(1, 3, 3\)"
            ),
        ),
        (
            lambda: entanglement.concurrence(GOOD),
            r"Argument `rho` must have shape \(batch, 4, 4\), but has \(1, 2, 2\)",
        ),
        (
            lambda: entanglement.negativity(np.eye(4)[None] / 4, (2, 3)),
            (
                "Argument `dims` must be two positive integers with product 4, the "
                r"size of `rho`, but is \(2, 3\)"
            ),
        ),
        (
            lambda: entanglement.log_negativity(np.eye(4)[None] / 4, (2, 2, 1)),
            r"Argument `dims` must be two .* but is \(2, 2, 1\)",
        ),
    ],
)
def test_messages(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def renyi(p, alpha):
    """The definition, in extended precision where it is well conditioned."""
    p = np.array(p, np.longdouble)
    return float(np.log2((p**alpha).sum()) / (1 - alpha))


def test_orders_within_rounding_of_one():
    for alpha in (1 - 1e-16, 0.9999999999999999, 1 + 1e-14, 1 - 1e-9, 1 + 1e-6):
        for p in ([0.7, 0.3], [0.7, 0.2, 0.1], [1.0, 0.0], [1 - 1e-9, 1e-9]):
            shannon = entanglement.entropy(np.diag(p)[None])
            found = entanglement.entropy(np.diag(p)[None], alpha)
            np.testing.assert_allclose(
                found, shannon, atol=1e-5 * abs(1 - alpha) ** 0.1
            )
    coin = entanglement.entropy(np.diag([0.7, 0.3])[None], alpha=0.9999999999999999)
    die = entanglement.entropy(np.diag([0.7, 0.2, 0.1])[None], alpha=1 + 1e-14)
    assert round(coin[0], 4) == 0.8813 and round(die[0], 4) == 1.1568


@pytest.mark.parametrize("alpha", [0.998, 0.9991, 1.0009, 1.002, 0.01, 0.5, 3, 40])
def test_every_order_is_its_definition(alpha):
    p = [0.55, 0.25, 0.15, 0.05]
    found = entanglement.entropy(np.diag(p)[None], alpha)
    np.testing.assert_allclose(found, renyi(p, alpha), atol=1e-12)


@pytest.mark.parametrize("alpha", [0, 5e-324, 1e-300, 1e-9, 0.01, 0.1, 0.5, 0.999, 1])
@pytest.mark.parametrize("dtype", [complex, np.complex64])
@pytest.mark.parametrize("rank", [1, 2, 4])
def test_a_rank_deficient_mixture_has_the_logarithm_of_its_rank(rank, dtype, alpha):
    rng = np.random.default_rng(rank)
    vectors = entanglement.haar_unitary(64, rng)[:, :rank]
    rho = (vectors @ vectors.conj().T / rank)[None].astype(dtype)
    near = 1e-11 if dtype is complex else 1e-4
    found = entanglement.entropy(rho, alpha)
    np.testing.assert_allclose(found, np.log2(rank), atol=near)


@pytest.mark.parametrize("alpha", [1e16, 1e300, 1e308, np.finfo(float).max])
def test_large_orders_are_the_limit(alpha):
    rho = np.diag([0.7, 0.3])[None]
    found = entanglement.entropy(rho, alpha)
    np.testing.assert_allclose(found, entanglement.entropy(rho, np.inf), atol=1e-15)


@pytest.mark.parametrize("alpha", ["1", None, np.ma.masked, np.nan, [1.0, 2.0]])
def test_an_order_is_one_number(alpha):
    with pytest.raises((TypeError, ValueError), match="Argument `alpha` must "):
        entanglement.entropy(np.eye(2)[None] / 2, alpha)
