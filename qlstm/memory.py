"""The memory rules: what becomes of the branches of a step (paper, section 2).

Each rule stands beside its backward pass; derivations: docs/gradients.md, section 5.
What they have in common, and the shapes: `qlstm.rule`. `register_memory` in
`qlstm.registry` makes a rule of your own known.
"""

from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.rule import DensityRule, MemoryRule, Rngs, VectorRule

IMPOSSIBLE = 1e-28
"""A probability that is 0 but for rounding."""


class RecordCache(NamedTuple):
    """What a rule that keeps one branch leaves for its backward pass."""

    memory: NDArray
    kept: tuple[NDArray, ...]
    """An index of the branches that were kept; the last entry is the outcomes."""
    norm: NDArray
    """Their lengths, ``(..., 1)``."""
    shape: tuple[int, ...]


class RecordRule(VectorRule):
    """Keeps one branch, ``h = phi_i / |phi_i|``, with i chosen or given."""

    shift = "record"
    keeps = True

    def choose(self, p: NDArray, rngs: Rngs) -> NDArray[np.int64]:
        """The outcome of each sequence, from the probabilities ``(..., d_s)``."""
        raise NotImplementedError

    def update(
        self, branches: NDArray, rngs: Rngs = None, given: NDArray | None = None
    ) -> tuple[NDArray, RecordCache]:
        """``h = phi_i / |phi_i|``.

        Args:
            branches: Array ``(..., d_s, d_a)``.
            rngs: A source of randomness for each model.
            given: The outcomes i, ``(...)``; without them the rule chooses.

        Returns:
            The memory ``(..., d_a)`` and the cache.

        Raises:
            ValueError: If a given outcome has probability 0.
        """
        p = self.probabilities(branches)
        outcome = self.choose(p, rngs) if given is None else given
        kept = (*_rows(p.shape[:-1]), outcome)
        chosen = p[kept][..., None]
        if given is not None and chosen.min() < IMPOSSIBLE:
            first = np.unravel_index(chosen.argmin(), outcome.shape)
            raise ValueError(
                "Argument `record` must hold outcomes of positive probability, but "
                f"outcome {outcome[first]} has probability {chosen.min():.1g}."
            )
        norm = np.sqrt(chosen)
        memory = branches[kept] / norm
        return memory, RecordCache(memory, kept, norm, branches.shape)

    def update_backward(self, grad_memory: NDArray, cache: RecordCache) -> NDArray:
        """``grad_phi_i = (grad_h - h Re<h, grad_h>) / |phi_i|``, other branches 0."""
        h = cache.memory
        along = np.vecdot(h, grad_memory).real[..., None]
        grad = np.zeros(cache.shape, dtype=h.dtype)
        grad[cache.kept] = (grad_memory - h * along) / cache.norm
        return grad

    def outcomes(self, cache: RecordCache) -> NDArray[np.int64]:
        """The outcomes that were kept."""
        return cache.kept[-1]


class Collapse(RecordRule):
    """The branch of the likeliest system outcome, normalized (paper, eqs. 9, 10)."""

    jumps = True

    def choose(self, p: NDArray, rngs: Rngs) -> NDArray[np.int64]:
        """The likeliest; ties go to the lowest."""
        return p.argmax(axis=-1)


class Sampled(RecordRule):
    """A branch drawn with the Born probabilities: what hardware does (paper, eq. 9).

    The gradient holds the drawn record fixed. It is the exact derivative of the output
    given the record, but no unbiased estimate of the derivative of the mean output: how
    the probabilities of the records change is left out (docs/gradients.md, section 5).
    """

    is_channel = draws = True

    def choose(self, p: NDArray, rngs: Rngs) -> NDArray[np.int64]:
        """Drawn with probability ``|phi_i|^2``, each model from its own generator."""
        if rngs is None:
            raise ValueError(
                "Argument `rng` must be a numpy.random.Generator for memory 'sampled', "
                "but is None."
            )
        cumulated = p.cumsum(axis=-1)
        draws = np.stack([rng.random(p.shape[1:-1]) for rng in rngs])[..., None]
        return (cumulated <= draws * cumulated[..., -1:]).sum(axis=-1)


class ProbabilityCache(NamedTuple):
    """What a `ProbabilityRule` leaves for its backward pass."""

    branches: NDArray
    own: Any
    """What `load` left."""


class ProbabilityRule(VectorRule):
    """Loads a real vector made of the probabilities ``p = diag(rho_ancilla)``."""

    shift = "chained"
    carries: ClassVar[bool] = True
    """Whether anything passes from step to step."""

    def load(self, p: NDArray) -> tuple[NDArray, Any]:
        """The memory of p, ``(..., d_a)`` both, and what its derivatives need."""
        raise NotImplementedError

    def load_backward(self, grad_memory: NDArray, own: Any) -> NDArray:
        """The gradient of p, from the memory's real gradient."""
        raise NotImplementedError

    def load_forward(self, d_p: NDArray, own: Any) -> NDArray:
        """The derivative of the memory along ``d_p``, which has more leading axes."""
        raise NotImplementedError

    def update(
        self, branches: NDArray, rngs: Rngs = None, given: NDArray | None = None
    ) -> tuple[NDArray, ProbabilityCache]:
        """``p_j = sum_i |phi_ij|^2``, loaded.

        Args:
            branches: Array ``(..., d_s, d_a)``.
            rngs: Not used.
            given: Not used.

        Returns:
            The memory ``(..., d_a)``, real, and the cache.
        """
        memory, own = self.load(np.vecdot(branches, branches, axis=-2).real)
        return memory, ProbabilityCache(branches, own)

    def update_backward(self, grad_memory: NDArray, cache: ProbabilityCache) -> NDArray:
        """``grad_phi_ij = 2 phi_ij grad_p_j``."""
        grad_p = self.load_backward(grad_memory.real, cache.own)
        return 2 * cache.branches * grad_p[..., None, :]


class Unit(NamedTuple):
    """A vector of norm 1, and the length that it had."""

    vector: NDArray
    norm: NDArray


class Probabilities(ProbabilityRule):
    """The ancilla's outcome probabilities as amplitudes (paper, eq. 11)."""

    def load(self, p: NDArray) -> tuple[NDArray, Unit]:
        """``h = p / |p|``."""
        unit = _normalize(p)
        return unit.vector, unit

    def load_backward(self, grad_memory: NDArray, own: Unit) -> NDArray:
        """``grad_p = (g - h (h . g)) / |p|``."""
        return _across(grad_memory, own)

    def load_forward(self, d_p: NDArray, own: Unit) -> NDArray:
        """``dh = (dp - h (h . dp)) / |p|``."""
        return _across(d_p, own)

    def populations(self, memory: NDArray) -> NDArray[np.float64]:
        """``p = h / sum h``."""
        return memory / memory.sum(axis=-1, keepdims=True)


class MarginalsCache(NamedTuple):
    """What `Marginals.load` leaves."""

    unit: Unit
    marginals: NDArray
    """``p_w(b)``, ``(..., n_ancilla, 2)``."""


class Marginals(Probabilities):
    """The ancilla wires' own probabilities, as a product: for large registers."""

    def load(self, p: NDArray) -> tuple[NDArray, MarginalsCache]:
        """``h = q / |q|``, ``q_j = prod_w p_w(j_w)`` with the marginals ``p_w``."""
        marginals = (p @ wire_bits(p.shape[-1]).T).reshape(*p.shape[:-1], -1, 2)
        unit = _normalize(product_vector(marginals))
        return unit.vector, MarginalsCache(unit, marginals)

    def load_backward(self, grad_memory: NDArray, own: MarginalsCache) -> NDArray:
        """``grad_p_w(b) = sum over j_w = b of grad_q_j prod_{v != w} p_v(j_v)``."""
        grad_q = _across(grad_memory, own.unit)
        grad_p = np.zeros_like(grad_q)
        for others, of_wire in _other_wires(own.marginals):
            grad_p += ((grad_q * others) @ of_wire.T) @ of_wire
        return grad_p

    def load_forward(self, d_p: NDArray, own: MarginalsCache) -> NDArray:
        """``dq_j = sum_w dp_w(j_w) prod_{v != w} p_v(j_v)``, then normalized."""
        d_q = np.zeros_like(d_p)
        for others, of_wire in _other_wires(own.marginals):
            d_q += others * ((d_p @ of_wire.T) @ of_wire)
        return _across(d_q, own.unit)


class Reset(ProbabilityRule):
    """Back to the first basis state: no memory, for ablations."""

    carries = False

    def load(self, p: NDArray) -> tuple[NDArray, None]:
        """``h = |0...0>`` whatever the branches."""
        return self.first(p.shape[:-1], p.shape[-1]), None

    def load_backward(self, grad_memory: NDArray, own: None) -> NDArray:
        """``grad_p = 0``: nothing passes."""
        return np.zeros_like(grad_memory)

    def load_forward(self, d_p: NDArray, own: None) -> NDArray:
        """Nothing passes."""
        return np.zeros_like(d_p)


class Mixed(DensityRule):
    """The density matrix itself, the mean over outcomes (paper, eq. 8).

    It is the exact mean of `sampled` over all outcome records, linear in sigma, smooth
    and free of ties.
    """

    shift = "linear"
    is_channel = True

    def update(
        self, branches: NDArray, rngs: Rngs = None, given: NDArray | None = None
    ) -> tuple[NDArray, tuple[int, ...]]:
        """``sigma' = sum_i R_i``.

        Args:
            branches: Array ``(..., d_s, d_a, d_a)``.
            rngs: Not used.
            given: Not used.

        Returns:
            The memory ``(..., d_a, d_a)``, and the branches' shape.
        """
        return branches.sum(axis=-3), branches.shape

    def update_backward(self, grad_memory: NDArray, cache: tuple[int, ...]) -> NDArray:
        """``grad_R_i = grad_sigma'``."""
        return np.broadcast_to(grad_memory[..., None, :, :], cache)

    def transfer(self, kraus: NDArray) -> NDArray:
        """The plain sum of `MemoryRule`, unless a subclass does more than summing."""
        plain = MemoryRule if type(self) is Mixed else DensityRule
        return plain.transfer(self, kraus)


@lru_cache(maxsize=64)
def _rows(lead: tuple[int, ...]) -> tuple[NDArray, ...]:
    """An open grid of indices over leading axes."""
    return np.ix_(*map(np.arange, lead))


def wire_bits(dim: int) -> NDArray[np.float64]:
    """Which basis states have wire w in state b: row ``2 w + b``, ``(2 n, 2**n)``."""
    n_wires = dim.bit_length() - 1
    bits = np.arange(dim) >> np.arange(n_wires)[::-1, None] & 1
    return np.stack([1.0 - bits, bits], axis=1).reshape(2 * n_wires, dim)


def product_vector(factors: NDArray) -> NDArray:
    """Kronecker product of two-vectors: ``(..., n, 2) -> (..., 2**n)``."""
    product = factors[..., 0, :]
    for wire in range(1, factors.shape[-2]):
        product = product[..., :, None] * factors[..., wire, None, :]
        product = product.reshape(*factors.shape[:-2], -1)
    return product


def _other_wires(marginals: NDArray) -> list[tuple[NDArray, NDArray]]:
    """For each wire w, ``prod_{v != w} p_v(j_v)``; and which states have w in b."""
    n_wires = marginals.shape[-2]
    pairs = []
    for wire, of_wire in enumerate(wire_bits(2**n_wires).reshape(n_wires, 2, -1)):
        others = marginals.copy()
        others[..., wire, :] = 1.0
        pairs.append((product_vector(others), of_wire))
    return pairs


def _normalize(p: NDArray) -> Unit:
    """``p / |p|`` and ``|p|``."""
    norm = np.sqrt(np.vecdot(p, p))[..., None]
    return Unit(p / norm, norm)


def _across(vector: NDArray, unit: Unit) -> NDArray:
    """``(v - h (h . v)) / |p|``: how ``h = p / |p|`` moves, in both directions."""
    h = unit.vector
    return (vector - h * np.vecdot(h, vector)[..., None]) / unit.norm


RULES: dict[str, MemoryRule] = {
    "collapse": Collapse(),
    "probabilities": Probabilities(),
    "marginals": Marginals(),
    "sampled": Sampled(),
    "mixed": Mixed(),
    "reset": Reset(),
}
"""The rules by the names of `QLSTMConfig.memory`."""
