"""The rules that make the next memory out of the branches of a step.

After a step the joint state is ``sum_i |i>_sys |phi_i>_ancilla`` (paper, eq. 7). The
branches ``phi`` are an array ``(batch, 2**n_system, 2**n_ancilla)``; a memory is a
vector ``(batch, 2**n_ancilla)`` of norm 1. Each rule stands beside its backward pass;
derivations: docs/gradients.md, section 5.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class MemoryRule(Protocol):
    """A rule: `update` forward, `update_backward` the gradient of the branches."""

    def update(self, branches: NDArray) -> tuple[NDArray, NamedTuple]:
        """The next memory, and what the backward pass needs."""

    def update_backward(self, grad_memory: NDArray, cache: NamedTuple) -> NDArray:
        """The gradient with respect to the branches."""


class CollapseCache(NamedTuple):
    """What `Collapse.update` leaves for its backward pass."""

    memory: NDArray
    chosen: tuple[NDArray, NDArray]
    norm: NDArray
    shape: tuple[int, ...]


class Collapse:
    """The branch of the likeliest system outcome, normalized (paper, eqs. 9, 10)."""

    @staticmethod
    def update(branches: NDArray) -> tuple[NDArray, CollapseCache]:
        """``h = phi_i / |phi_i|`` with i the likeliest outcome; ties go to the lowest.

        Args:
            branches: Array ``(batch, 2**n_system, 2**n_ancilla)``.

        Returns:
            The memory ``(batch, 2**n_ancilla)`` and the cache.
        """
        p = np.vecdot(branches, branches).real
        chosen = np.arange(len(p)), p.argmax(axis=1)
        norm = np.sqrt(p.max(axis=1, keepdims=True))
        memory = branches[chosen] / norm
        return memory, CollapseCache(memory, chosen, norm, branches.shape)

    @staticmethod
    def update_backward(grad_memory: NDArray, cache: CollapseCache) -> NDArray:
        """``grad_phi_i = (grad_h - h Re<h, grad_h>) / |phi_i|``, other branches 0."""
        h = cache.memory
        along = np.vecdot(h, grad_memory).real[:, None]
        grad = np.zeros(cache.shape, dtype=h.dtype)
        grad[cache.chosen] = (grad_memory - h * along) / cache.norm
        return grad


class ProbabilitiesCache(NamedTuple):
    """What `Probabilities.update` leaves for its backward pass."""

    memory: NDArray
    norm: NDArray
    branches: NDArray


class Probabilities:
    """The ancilla's outcome probabilities as amplitudes (paper, eq. 11)."""

    @staticmethod
    def update(branches: NDArray) -> tuple[NDArray, ProbabilitiesCache]:
        """``h = p / |p|``, ``p_j = sum_i |phi_ij|^2 = diag(rho_ancilla)``.

        Args:
            branches: Array ``(batch, 2**n_system, 2**n_ancilla)``.

        Returns:
            The memory ``(batch, 2**n_ancilla)``, real, and the cache.
        """
        p = np.vecdot(branches, branches, axis=1).real
        norm = np.sqrt(np.vecdot(p, p))[:, None]
        memory = p / norm
        return memory, ProbabilitiesCache(memory, norm, branches)

    @staticmethod
    def update_backward(grad_memory: NDArray, cache: ProbabilitiesCache) -> NDArray:
        """``grad_p = (g - h (h . g)) / |p|``, g = Re grad_h; ``grad_phi = 2 phi grad_p``."""
        h, grad = cache.memory, grad_memory.real
        grad_p = (grad - h * np.vecdot(h, grad)[:, None]) / cache.norm
        return 2 * cache.branches * grad_p[:, None, :]


RULES: dict[str, type[MemoryRule]] = {
    "collapse": Collapse,
    "probabilities": Probabilities,
}
"""The rules by the names that `QLSTMConfig.memory` takes."""
