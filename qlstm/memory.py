"""The rules that make the next memory out of the branches of a step.

After a step the joint state is ``sum_i |i>_sys |phi_i>_ancilla`` (paper, eq. 7). The
branches ``phi`` are an array ``(batch, 2**n_system, 2**n_ancilla)``; a memory is a
vector ``(batch, 2**n_ancilla)`` of norm 1. Each rule stands beside its backward pass;
derivations: docs/gradients.md, section 5. The rule `mixed`, whose memory is a density
matrix, has a file of its own, `qlstm.mixed`.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class MemoryRule(Protocol):
    """A rule: `update` forward, `update_backward` the gradient of the branches."""

    def update(
        self, branches: NDArray, rng: np.random.Generator | None
    ) -> tuple[NDArray, NamedTuple]:
        """The next memory, and what the backward pass needs."""

    def update_backward(self, grad_memory: NDArray, cache: NamedTuple) -> NDArray:
        """The gradient with respect to the branches."""


class RecordCache(NamedTuple):
    """What a rule that keeps one branch leaves for its backward pass."""

    memory: NDArray
    chosen: tuple[NDArray, NDArray]
    """Sample and outcome: an index of the branch that was kept, for every sample."""
    norm: NDArray
    shape: tuple[int, ...]


class Collapse:
    """The branch of the likeliest system outcome, normalized (paper, eqs. 9, 10)."""

    @staticmethod
    def update(
        branches: NDArray, rng: np.random.Generator | None = None
    ) -> tuple[NDArray, RecordCache]:
        """``h = phi_i / |phi_i|`` with i the likeliest outcome; ties go to the lowest.

        Args:
            branches: Array ``(batch, 2**n_system, 2**n_ancilla)``.
            rng: Not used.

        Returns:
            The memory ``(batch, 2**n_ancilla)`` and the cache.
        """
        p = np.vecdot(branches, branches).real
        return _keep(branches, p.argmax(axis=1), p.max(axis=1, keepdims=True))

    @staticmethod
    def update_backward(grad_memory: NDArray, cache: RecordCache) -> NDArray:
        """``grad_phi_i = (grad_h - h Re<h, grad_h>) / |phi_i|``, other branches 0."""
        h = cache.memory
        along = np.vecdot(h, grad_memory).real[:, None]
        grad = np.zeros(cache.shape, dtype=h.dtype)
        grad[cache.chosen] = (grad_memory - h * along) / cache.norm
        return grad


class Sampled(Collapse):
    """A branch drawn with the Born probabilities: what hardware does (paper, eq. 9).

    The gradient holds the drawn record fixed. It is the exact derivative of the output
    given the record, but no unbiased estimate of the derivative of the mean output: how
    the probabilities of the records change is left out (docs/gradients.md, section 5).
    """

    @staticmethod
    def update(
        branches: NDArray, rng: np.random.Generator | None = None
    ) -> tuple[NDArray, RecordCache]:
        """``h = phi_i / |phi_i|`` with i drawn with probability ``|phi_i|^2``.

        Args:
            branches: Array ``(batch, 2**n_system, 2**n_ancilla)``.
            rng: Source of randomness.

        Returns:
            The memory ``(batch, 2**n_ancilla)`` and the cache.

        Raises:
            ValueError: If there is no `rng`.
        """
        if rng is None:
            raise ValueError(
                "Argument `rng` must be a numpy.random.Generator for memory 'sampled', "
                "but is None."
            )
        p = np.vecdot(branches, branches).real
        cumulated = p.cumsum(axis=1)
        drawn = rng.random(len(p))[:, None] * cumulated[:, -1:]
        outcome = (cumulated <= drawn).sum(axis=1)
        return _keep(branches, outcome, np.take_along_axis(p, outcome[:, None], 1))


def _keep(
    branches: NDArray, outcome: NDArray, probability: NDArray
) -> tuple[NDArray, RecordCache]:
    """Keep and normalize one branch of each sample."""
    chosen = np.arange(len(branches)), outcome
    norm = np.sqrt(probability)
    memory = branches[chosen] / norm
    return memory, RecordCache(memory, chosen, norm, branches.shape)


class ProbabilitiesCache(NamedTuple):
    """What `Probabilities.update` leaves for its backward pass."""

    memory: NDArray
    norm: NDArray
    branches: NDArray


class Probabilities:
    """The ancilla's outcome probabilities as amplitudes (paper, eq. 11)."""

    @staticmethod
    def update(
        branches: NDArray, rng: np.random.Generator | None = None
    ) -> tuple[NDArray, ProbabilitiesCache]:
        """``h = p / |p|``, ``p_j = sum_i |phi_ij|^2 = diag(rho_ancilla)``.

        Args:
            branches: Array ``(batch, 2**n_system, 2**n_ancilla)``.
            rng: Not used.

        Returns:
            The memory ``(batch, 2**n_ancilla)``, real, and the cache.
        """
        p = np.vecdot(branches, branches, axis=1).real
        memory, norm = _normalize(p)
        return memory, ProbabilitiesCache(memory, norm, branches)

    @staticmethod
    def update_backward(grad_memory: NDArray, cache: ProbabilitiesCache) -> NDArray:
        """``grad_p = (g - h (h . g)) / |p|``, g = Re grad_h; ``grad_phi = 2 phi grad_p``."""
        grad_p = _normalize_backward(grad_memory.real, cache.memory, cache.norm)
        return 2 * cache.branches * grad_p[:, None, :]


class MarginalsCache(NamedTuple):
    """What `Marginals.update` leaves for its backward pass."""

    memory: NDArray
    norm: NDArray
    marginals: NDArray
    branches: NDArray


class Marginals:
    """The ancilla wires' own probabilities, as a product: for large registers (paper)."""

    @staticmethod
    def update(
        branches: NDArray, rng: np.random.Generator | None = None
    ) -> tuple[NDArray, MarginalsCache]:
        """``h = q / |q|``, ``q_j = prod_w p_w(j_w)``, ``p_w`` the marginal of wire w.

        Args:
            branches: Array ``(batch, 2**n_system, 2**n_ancilla)``.
            rng: Not used.

        Returns:
            The memory ``(batch, 2**n_ancilla)``, real, and the cache.
        """
        p = np.vecdot(branches, branches, axis=1).real
        bits = wire_bits(branches.shape[2])
        marginals = (p @ bits.T).reshape(len(p), -1, 2)
        memory, norm = _normalize(product_vector(marginals))
        return memory, MarginalsCache(memory, norm, marginals, branches)

    @staticmethod
    def update_backward(grad_memory: NDArray, cache: MarginalsCache) -> NDArray:
        """``grad_p_w(b) = sum over j_w = b of grad_q_j prod_{v != w} p_v(j_v)``."""
        grad_q = _normalize_backward(grad_memory.real, cache.memory, cache.norm)
        bits = wire_bits(cache.branches.shape[2]).reshape(-1, 2, grad_q.shape[1])
        grad_p = np.zeros_like(grad_q)
        for wire, of_wire in enumerate(bits):  # of_wire: (2, 2**n_ancilla)
            others = cache.marginals.copy()
            others[:, wire] = 1.0
            grad_p += ((grad_q * product_vector(others)) @ of_wire.T) @ of_wire
        return 2 * cache.branches * grad_p[:, None, :]


class ResetCache(NamedTuple):
    """What `Reset.update` leaves for its backward pass."""

    branches: NDArray


class Reset:
    """Back to the first basis state: no memory, for ablations."""

    @staticmethod
    def update(
        branches: NDArray, rng: np.random.Generator | None = None
    ) -> tuple[NDArray, ResetCache]:
        """``h = |0...0>`` whatever the branches.

        Args:
            branches: Array ``(batch, 2**n_system, 2**n_ancilla)``.
            rng: Not used.

        Returns:
            The memory ``(batch, 2**n_ancilla)`` and the cache.
        """
        return first_state(len(branches), branches.shape[2]), ResetCache(branches)

    @staticmethod
    def update_backward(grad_memory: NDArray, cache: ResetCache) -> NDArray:
        """``grad_phi = 0``: nothing passes."""
        return np.zeros_like(cache.branches)


def first_state(batch: int, dim: int) -> NDArray[np.float64]:
    """The memory a sequence starts with, the first basis state (paper, eq. 4)."""
    memory = np.zeros((batch, dim))
    memory[:, 0] = 1.0
    return memory


def wire_bits(dim: int) -> NDArray[np.float64]:
    """Which basis states have wire w in state b: row ``2 w + b``, ``(2 n, 2**n)``."""
    n_wires = dim.bit_length() - 1
    bits = np.arange(dim) >> np.arange(n_wires)[::-1, None] & 1
    return np.stack([1.0 - bits, bits], axis=1).reshape(2 * n_wires, dim)


def product_vector(factors: NDArray) -> NDArray:
    """Kronecker product of two-vectors: ``(batch, n, 2) -> (batch, 2**n)``."""
    product = factors[:, 0]
    for wire in range(1, factors.shape[1]):
        product = product[:, :, None] * factors[:, wire, None, :]
        product = product.reshape(len(factors), -1)
    return product


def _normalize(p: NDArray) -> tuple[NDArray, NDArray]:
    """``p / |p|`` and ``|p|``."""
    norm = np.sqrt(np.vecdot(p, p))[:, None]
    return p / norm, norm


def _normalize_backward(grad: NDArray, unit: NDArray, norm: NDArray) -> NDArray:
    """``grad_p = (g - h (h . g)) / |p|``."""
    return (grad - unit * np.vecdot(unit, grad)[:, None]) / norm


RULES: dict[str, type[MemoryRule]] = {
    "collapse": Collapse,
    "probabilities": Probabilities,
    "marginals": Marginals,
    "sampled": Sampled,
    "reset": Reset,
}
"""The rules whose memory is a state vector, by the names of `QLSTMConfig.memory`."""
