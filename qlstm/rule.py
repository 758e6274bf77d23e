"""What a memory rule is: the base classes, and what they do in every step.

With the input put in, a step has Kraus operators ``K_i = <i|_sys W |u>_sys``, one for
each outcome i of the system register. A rule says what they act on, and what is left:

- a `VectorRule` keeps a state vector h: the joint state is ``sum_i |i> |phi_i>`` with
  the branches ``phi_i = K_i h`` (paper, eq. 7);
- a `DensityRule` keeps a density matrix sigma: the branches are the unnormalized states
  ``R_i = K_i sigma K_i^dag``.

Every function stands beside its backward pass; derivations: docs/gradients.md, section
5. A rule of your own is a subclass with `update` and `update_backward`
(docs/extending.md).

Arrays have any leading axes, written ``...``: those of models and sequences, sometimes
one of steps before them. d_s and d_a are the dimensions of the system and the ancilla
register.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Rngs = Sequence[np.random.Generator] | None


class MemoryRule:
    """What every rule has; subclass `VectorRule` or `DensityRule`."""

    shift: ClassVar[str | None] = None
    """How parameter shifts go through time (see `qlstm.shift`). One of
    ``"record"``, ``"chained"``, ``"linear"``; None if they cannot."""
    is_channel: ClassVar[bool] = False
    """Whether a step is a quantum channel on the memory, at least in the mean."""
    pure: ClassVar[bool]
    """Whether the memory is a pure state, and so the joint state."""
    keeps: ClassVar[bool] = False
    """Whether it keeps one outcome, so that a record of outcomes can be given."""
    draws: ClassVar[bool] = False
    """Whether it needs a source of randomness."""
    jumps: ClassVar[bool] = False
    """Whether the outcome it keeps depends on the parameters, so that it may switch."""

    def update(
        self, branches: NDArray, rngs: Rngs = None, given: NDArray | None = None
    ) -> tuple[NDArray, Any]:
        """The next memory, and what the backward pass needs.

        Args:
            branches: The step's branches.
            rngs: A source of randomness for each model, for rules that draw.
            given: Outcomes ``(n_models, batch)`` that were observed, for rules that
                keep one.
        """
        raise NotImplementedError

    def update_backward(self, grad_memory: NDArray, cache: Any) -> NDArray:
        """The gradient of the branches."""
        raise NotImplementedError

    def outcomes(self, cache: Any) -> NDArray[np.int64] | None:
        """The outcomes that `update` kept, ``(...)``; None if it keeps none."""
        return None

    def transfer(self, kraus: NDArray) -> NDArray:
        """A step as a matrix on density matrices read row by row, if it is a channel.

        ``T = sum_i K_i (x) conj(K_i)``, the mean over the outcomes, with Kraus
        operators ``(..., d_s, d_a, d_a)`` an array ``(..., d_a^2, d_a^2)``.
        """
        *lead, d_s, d_a, _ = kraus.shape
        flat = kraus.reshape(*lead, d_s, d_a * d_a)
        pairs = flat.swapaxes(-1, -2) @ flat.conj()  # rows (a, c), columns (a', c')
        pairs = pairs.reshape(*lead, d_a, d_a, d_a, d_a).swapaxes(-2, -3)
        return pairs.reshape(*lead, d_a * d_a, d_a * d_a)


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

        Taking ``1 - |o|`` from the difference of the vectors in phase keeps a distance
        of 0 from becoming 1e-8.
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
        """``grad_sigma = sum_i K_i^dag G_i K_i``, G the branches' gradient."""
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
        after, _ = self.update(self.evolve(kraus, units + 0j))
        return np.moveaxis(after.reshape(d_a * d_a, *lead, d_a * d_a), 0, -1)

    def distance(self, first: NDArray, second: NDArray) -> NDArray[np.float64]:
        """Trace distance of memories, half the sum of ``|eigenvalues|``."""
        return np.abs(np.linalg.eigvalsh(first - second)).sum(axis=-1) / 2

    def populations(self, memory: NDArray) -> NDArray[np.float64] | None:
        """None: the memory is no vector that was loaded."""
        return None


def _stacked(kraus: NDArray) -> NDArray:
    """The Kraus operators of all outcomes as one, ``(..., d_s * d_a, d_a)``."""
    shape = kraus.shape
    return kraus.reshape(*shape[:-3], shape[-3] * shape[-2], shape[-1])
