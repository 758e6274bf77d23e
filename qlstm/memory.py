"""The rules that make the next memory out of a step: each owns all that depends on it.

With the input put in, a step has Kraus operators ``K_i = <i|_sys W |u>_sys``, one for each
outcome i of the system register. A rule says what they act on, and what is left:

- a `VectorRule` keeps a state vector h: the joint state is ``sum_i |i> |phi_i>`` with the
  branches ``phi_i = K_i h`` (paper, eq. 7);
- a `DensityRule` keeps a density matrix sigma: the branches are the unnormalized states
  ``R_i = K_i sigma K_i^dag``.

`update` makes the next memory of the branches. Every function stands beside its backward
pass; derivations: docs/gradients.md, section 5. A rule of your own is a subclass with
`update` and `update_backward`, made known by `register_memory` (docs/contributing.md).

Arrays have any leading axes, written ``...``: those of models and sequences, sometimes one
of steps before them. d_s and d_a are the dimensions of the system and the ancilla register.
"""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rngs = Sequence[np.random.Generator] | None


class MemoryRule:
    """What every rule has; subclass `VectorRule` or `DensityRule`."""

    shift: ClassVar[str | None] = None
    """How parameter shifts go through time (see `qlstm.shift`): ``"record"``,
    ``"chained"``, ``"linear"``; None if they cannot."""
    is_channel: ClassVar[bool] = False
    """Whether a step is a quantum channel on the memory, at least in the mean."""
    pure: ClassVar[bool]
    """Whether the memory is a pure state, and so the joint state."""
    keeps: ClassVar[bool] = False
    """Whether it keeps one outcome, so that a record of outcomes can be given."""
    jumps: ClassVar[bool] = False
    """Whether the outcome that is kept depends on the parameters, so that it may switch."""

    def update(
        self, branches: NDArray, rngs: Rngs = None, given: NDArray | None = None
    ) -> tuple[NDArray, Any]:
        """The next memory, and what the backward pass needs.

        Args:
            branches: The step's branches.
            rngs: A source of randomness for each model, for rules that draw.
            given: Outcomes ``(n_models, batch)`` that were observed, for rules that keep
                one.
        """
        raise NotImplementedError

    def update_backward(self, grad_memory: NDArray, cache: Any) -> NDArray:
        """The gradient of the branches."""
        raise NotImplementedError

    def outcomes(self, cache: Any) -> NDArray[np.int64] | None:
        """The outcomes that `update` kept, ``(n_models, batch)``; None if it keeps none."""
        return None

    def transfer(self, kraus: NDArray) -> NDArray:
        """A step as a matrix on density matrices read row by row, if it is a channel.

        ``T = sum_i K_i (x) conj(K_i)``, the mean over the outcomes, with Kraus operators
        ``(..., d_s, d_a, d_a)`` an array ``(..., d_a^2, d_a^2)``.
        """
        return Mixed().transfer(kraus)


class VectorRule(MemoryRule):
    """The memory is a state vector ``(..., d_a)`` of norm 1."""

    pure = True

    def first(self, lead: tuple[int, ...], dim: int) -> NDArray[np.float64]:
        """The memory a sequence starts with, the first basis state (paper, eq. 4)."""
        memory = np.zeros((*lead, dim))
        memory[..., 0] = 1.0
        return memory

    def evolve(self, kraus: NDArray, memory: NDArray) -> NDArray:
        """``phi_i = K_i h``.

        Args:
            kraus: Kraus operators ``(..., d_s, d_a, d_a)``.
            memory: ``(..., d_a)``.

        Returns:
            Branches ``(..., d_s, d_a)``.
        """
        return (_stacked(kraus) @ memory[..., None]).reshape(kraus.shape[:-1])

    def evolve_backward(
        self, grad_branches: NDArray, kraus: NDArray, memory: NDArray
    ) -> NDArray:
        """``grad_h = sum_i K_i^dag grad_phi_i``."""
        row = grad_branches.reshape(*kraus.shape[:-3], 1, -1).conj()
        return (row @ _stacked(kraus)).conj()[..., 0, :]

    def kraus_backward(
        self, grad_branches: NDArray, kraus: NDArray, memory: NDArray
    ) -> NDArray:
        """``grad_K_i = grad_phi_i h^dag``, for all steps at once."""
        return grad_branches[..., None] * memory[..., None, None, :].conj()

    def probabilities(self, branches: NDArray) -> NDArray[np.float64]:
        """``p_i = |phi_i|^2``, ``(..., d_s)``."""
        return np.vecdot(branches, branches).real

    def probabilities_backward(self, grad_p: NDArray, branches: NDArray) -> NDArray:
        """``grad_phi_i = 2 grad_p_i phi_i`` (docs/gradients.md, eq. 6)."""
        return branches * (2 * grad_p)[..., None]

    def joint(self, kraus: NDArray, memory: NDArray) -> NDArray:
        """The joint state behind the circuit: ``(..., d_s, d_a)``, the branches."""
        return self.evolve(kraus, memory)

    def reduced(self, kraus: NDArray, memory: NDArray) -> tuple[NDArray, NDArray]:
        """Density matrices of the system and of the ancilla behind the circuit."""
        psi = self.evolve(kraus, memory)
        across = psi.swapaxes(-1, -2)
        return psi @ across.conj(), across @ psi.conj()

    def density(self, memory: NDArray) -> NDArray:
        """The memory as density matrices ``(..., d_a, d_a)``."""
        return memory[..., :, None] * memory[..., None, :].conj()

    def distance(self, first: NDArray, second: NDArray) -> NDArray[np.float64]:
        """Trace distance of memories, ``sqrt(1 - |o|^2)`` with o their overlap.

        Taking ``1 - |o|`` from the difference of the vectors in phase keeps a distance of
        0 from becoming 1e-8.
        """
        overlap = np.vecdot(second, first)
        size = np.abs(overlap)
        phase = np.divide(overlap, size, out=np.ones_like(overlap), where=size > 0)
        gap = first - phase[..., None] * second
        return np.sqrt(np.vecdot(gap, gap).real / 2 * (1 + size))

    def populations(self, memory: NDArray) -> NDArray[np.float64] | None:
        """The probabilities that the memory was loaded from; None if it was not."""
        return None


class DensityRule(MemoryRule):
    """The memory is a density matrix ``(..., d_a, d_a)`` of trace 1."""

    pure = False

    def first(self, lead: tuple[int, ...], dim: int) -> NDArray[np.float64]:
        """The memory a sequence starts with, ``|0...0><0...0|``."""
        sigma = np.zeros((*lead, dim, dim))
        sigma[..., 0, 0] = 1.0
        return sigma

    def evolve(self, kraus: NDArray, memory: NDArray) -> NDArray:
        """``R_i = K_i sigma K_i^dag``.

        Args:
            kraus: Kraus operators ``(..., d_s, d_a, d_a)``.
            memory: ``(..., d_a, d_a)``.

        Returns:
            Branches ``(..., d_s, d_a, d_a)``.
        """
        return kraus @ memory[..., None, :, :] @ kraus.conj().swapaxes(-1, -2)

    def evolve_backward(
        self, grad_branches: NDArray, kraus: NDArray, memory: NDArray
    ) -> NDArray:
        """``grad_sigma = sum_i K_i^dag G_i K_i``, G the branches' gradient, Hermitian."""
        return (kraus.conj().swapaxes(-1, -2) @ (grad_branches @ kraus)).sum(axis=-3)

    def kraus_backward(
        self, grad_branches: NDArray, kraus: NDArray, memory: NDArray
    ) -> NDArray:
        """``grad_K_i = 2 G_i K_i sigma``, for all steps at once."""
        return 2 * (grad_branches @ kraus) @ memory[..., None, :, :]

    def probabilities(self, branches: NDArray) -> NDArray[np.float64]:
        """``p_i = Tr R_i``, ``(..., d_s)``."""
        return np.trace(branches, axis1=-2, axis2=-1).real

    def probabilities_backward(self, grad_p: NDArray, branches: NDArray) -> NDArray:
        """``grad_R_i = grad_p_i 1``."""
        return grad_p[..., None, None] * np.eye(branches.shape[-1])

    def joint(self, kraus: NDArray, memory: NDArray) -> NDArray:
        """The joint state behind the circuit: a density matrix ``(..., dim, dim)``."""
        stacked = _stacked(kraus)
        return stacked @ memory @ stacked.conj().swapaxes(-1, -2)

    def reduced(self, kraus: NDArray, memory: NDArray) -> tuple[NDArray, NDArray]:
        """Density matrices of the system and of the ancilla behind the circuit."""
        *lead, d_s, d_a, _ = kraus.shape
        pushed, across = kraus @ memory[..., None, :, :], kraus.swapaxes(-2, -3)
        flat, side = kraus.reshape(*lead, d_s, -1), across.reshape(*lead, d_a, -1)
        side_pushed = pushed.swapaxes(-2, -3).reshape(side.shape)
        system = pushed.reshape(flat.shape) @ flat.conj().swapaxes(-1, -2)
        return system, side_pushed @ side.conj().swapaxes(-1, -2)

    def density(self, memory: NDArray) -> NDArray:
        """The memory itself."""
        return memory

    def transfer(self, kraus: NDArray) -> NDArray:
        """As in `MemoryRule`, from what the rule does to each matrix unit.

        It holds for every rule that is linear, whatever acts between two steps.
        """
        lead, d_a = kraus.shape[:-3], kraus.shape[-1]
        units = np.eye(d_a * d_a).reshape(d_a * d_a, *(1,) * len(lead), d_a, d_a)
        after, _ = self.update(self.evolve(kraus[None], units + 0j))
        return np.moveaxis(after.reshape(d_a * d_a, *lead, d_a * d_a), 0, -1)

    def distance(self, first: NDArray, second: NDArray) -> NDArray[np.float64]:
        """Trace distance of memories, half the sum of ``|eigenvalues|``."""
        return np.abs(np.linalg.eigvalsh(first - second)).sum(axis=-1) / 2

    def populations(self, memory: NDArray) -> NDArray[np.float64] | None:
        """None: the memory is no vector that was loaded."""
        return None


class RecordCache(NamedTuple):
    """What a rule that keeps one branch leaves for its backward pass."""

    memory: NDArray
    kept: tuple[NDArray, ...]
    """An index of the branches that were kept; the last entry is the outcomes."""
    norm: NDArray
    """Their lengths, ``(..., 1)``."""
    shape: tuple[int, ...]


class RecordRule(VectorRule):
    """Keeps and normalizes one branch: ``h = phi_i / |phi_i|`` with i chosen, or given."""

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
        if given is not None and not chosen.all():
            raise ValueError(
                "Argument `record` must hold outcomes of positive probability, but "
                f"outcome {outcome[chosen[..., 0] == 0][0]} has probability 0."
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

    is_channel = True

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
    """Loads a real vector made of the ancilla's probabilities ``p = diag(rho_ancilla)``."""

    shift = "chained"
    carries: ClassVar[bool] = True
    """Whether anything passes from step to step."""

    def load(self, p: NDArray) -> tuple[NDArray, Any]:
        """The memory ``(..., d_a)`` of p ``(..., d_a)``, and what its derivatives need."""
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
        p = np.vecdot(branches, branches, axis=-2).real
        memory, own = self.load(p)
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
    """The ancilla wires' own probabilities, as a product: for large registers (paper)."""

    def load(self, p: NDArray) -> tuple[NDArray, MarginalsCache]:
        """``h = q / |q|``, ``q_j = prod_w p_w(j_w)``, ``p_w`` the marginal of wire w."""
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


@lru_cache(maxsize=64)
def _rows(lead: tuple[int, ...]) -> tuple[NDArray, ...]:
    """An open grid of indices over leading axes."""
    return np.ix_(*map(np.arange, lead))


def _stacked(kraus: NDArray) -> NDArray:
    """The Kraus operators of all outcomes as one, ``(..., d_s * d_a, d_a)``."""
    return kraus.reshape(*kraus.shape[:-3], -1, kraus.shape[-1])


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
    """For each wire w: ``prod_{v != w} p_v(j_v)``, and which basis states have w in b."""
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
    """``(v - h (h . v)) / |p|``: how ``h = p / |p|`` moves, forward and backward alike."""
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


def register_memory(name: str, rule: MemoryRule) -> None:
    """Make a memory rule of your own known by name, here and in `QLSTMConfig`.

    Workers of a sweep import the file that defines it, which must register it. A model
    file names the rule and its module; register it before you load the model.

    Args:
        name: What `QLSTMConfig.memory` calls it.
        rule: An instance of a subclass of `VectorRule`, `DensityRule` or one of the
            rules.

    Raises:
        TypeError: If it is no `MemoryRule`.
        ValueError: If the name is taken by another rule.

    Example:
        >>> class Dephased(Mixed):
        ...     def update(self, branches, rngs=None, given=None):
        ...         sigma, cache = super().update(branches)
        ...         return sigma * np.eye(sigma.shape[-1]), cache
        ...     def update_backward(self, grad_memory, cache):
        ...         diagonal = grad_memory * np.eye(grad_memory.shape[-1])
        ...         return super().update_backward(diagonal, cache)
        >>> register_memory("dephased", Dephased())
        >>> from qlstm import QLSTMConfig
        >>> QLSTMConfig(memory="dephased").rule.is_channel
        True
    """
    if not isinstance(rule, MemoryRule):
        raise TypeError(f"Argument `rule` must be a MemoryRule, but is {rule!r}.")
    if type(RULES.get(name, rule)).__qualname__ != type(rule).__qualname__:
        raise ValueError(f"Argument `name` must be a new name, but {name!r} is taken.")
    RULES[name] = rule


def user_rules() -> list[tuple[str, str, str]]:
    """Name, module and file of every rule that was registered from outside."""
    return [
        (name, type(rule).__module__, inspect.getsourcefile(type(rule)) or "")
        for name, rule in RULES.items()
        if type(rule).__module__ != __name__
    ]


def load_rules(rules: Sequence[tuple[str, str, str]]) -> None:
    """Import what registers these rules, where they are not known yet.

    Args:
        rules: What `user_rules` returned, perhaps in another process.

    Raises:
        ValueError: If a rule is not there; it names the rule, its module and its file.
    """
    for name, module, file in rules:
        if name not in RULES and Path(file).is_file():
            spec = importlib.util.spec_from_file_location(f"_rules_{name}", file)
            loaded = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = loaded  # pickle and dataclasses look there
            spec.loader.exec_module(loaded)
        elif name not in RULES and importlib.util.find_spec(module):
            importlib.import_module(module)
        if name not in RULES:
            raise ValueError(
                f"Memory rule {name!r} must be registered, but is not; it comes from "
                f"module {module}, file {file or 'unknown'}."
            )
