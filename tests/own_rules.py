"""Memory rules and a readout of somebody who only uses the library.

Importing this file registers them. Tests copy it elsewhere, so that no test finds it by
chance.
"""

import numpy as np

from qlstm import (
    DensityRule,
    Readout,
    RecordRule,
    VectorRule,
    register_memory,
    register_readout,
)


class Coherent(VectorRule):
    """The system found in ``|+...+>``: ``h = sum_i phi_i / |sum_i phi_i|``."""

    def update(self, branches, rngs=None, given=None):
        total = branches.sum(axis=-2)
        norm = np.linalg.norm(total, axis=-1, keepdims=True)
        return total / norm, (total / norm, norm, branches.shape)

    def update_backward(self, grad_memory, cache):
        h, norm, shape = cache
        along = np.vecdot(h, grad_memory).real[..., None]
        return np.broadcast_to(((grad_memory - h * along) / norm)[..., None, :], shape)


class Dephased(DensityRule):
    """The mean over outcomes, then dephasing: phases keep a part of 0.7."""

    shift, is_channel = "linear", True

    def _dephase(self, sigma):
        return sigma * (0.7 + 0.3 * np.eye(sigma.shape[-1]))

    def update(self, branches, rngs=None, given=None):
        return self._dephase(branches.sum(axis=-3)), branches.shape

    def update_backward(self, grad_memory, cache):
        return np.broadcast_to(self._dephase(grad_memory)[..., None, :, :], cache)


class Second(RecordRule):
    """The second likeliest outcome, unless the outcomes are given."""

    jumps = True

    def choose(self, p, rngs):
        return p.argsort(axis=-1)[..., -2]


class Coin(RecordRule):
    """An outcome drawn without looking, from each model's own generator."""

    draws = True

    def choose(self, p, rngs):
        shape, d_s = p.shape[1:-1], p.shape[-1]
        return np.stack([rng.integers(d_s, size=shape) for rng in rngs])


class Lazy(DensityRule):
    """A step that does not happen with probability 1/4: then the outcome is 0."""

    shift, is_channel = "linear", True

    def evolve(self, kraus, memory):
        branches = 0.75 * super().evolve(kraus, memory)
        branches[..., 0, :, :] += 0.25 * memory
        return branches

    def evolve_backward(self, grad_branches, kraus, memory):
        pulled = super().evolve_backward(grad_branches, kraus, memory)
        return 0.75 * pulled + 0.25 * grad_branches[..., 0, :, :]

    def kraus_backward(self, grad_branches, kraus, memory):
        return 0.75 * super().kraus_backward(grad_branches, kraus, memory)

    def update(self, branches, rngs=None, given=None):
        return branches.sum(axis=-3), branches.shape

    def update_backward(self, grad_memory, cache):
        return np.broadcast_to(grad_memory[..., None, :, :], cache)


class Kicked(Coherent):
    """A phase on every second memory state before the circuit."""

    def _kick(self, memory, sign=1):
        return memory * np.exp(0.5j * sign * (np.arange(memory.shape[-1]) % 2))

    def evolve(self, kraus, memory):
        return super().evolve(kraus, self._kick(memory))

    def evolve_backward(self, grad_branches, kraus, memory):
        return self._kick(super().evolve_backward(grad_branches, kraus, memory), -1)

    def kraus_backward(self, grad_branches, kraus, memory):
        return super().kraus_backward(grad_branches, kraus, self._kick(memory))


class Forward(VectorRule):
    """The square roots of the ancilla's probabilities; without a backward pass."""

    def update(self, branches, rngs=None, given=None):
        return np.sqrt(np.vecdot(branches, branches, axis=-2).real), None


class Parity(Readout):
    """``tanh(gain_k <O_k>)`` with the parity of the system, and then Z of its wires."""

    def shapes(self, config):
        return {"gain": (config.n_outputs,)}

    def first(self, config):
        return {"gain": np.full(config.n_outputs, 1.5)}

    def observables(self, config):
        bits = np.arange(config.system_dim)[:, None] >> np.arange(config.n_system)
        z = 1.0 - 2.0 * (bits & 1)
        return np.column_stack([z.prod(axis=1), z])[:, : config.n_outputs]

    def outputs(self, z, own):
        return np.tanh(z * own["gain"][:, None])

    def outputs_backward(self, grad_y, z, own):
        inside = grad_y / np.cosh(z * own["gain"][:, None]) ** 2
        return inside * own["gain"][:, None], {"gain": (inside * z).sum(axis=(0, 2))}


register_memory("coherent", Coherent())
register_memory("dephased", Dephased())
register_memory("second", Second())
register_memory("coin", Coin())
register_memory("lazy", Lazy())
register_memory("kicked", Kicked())
register_memory("forward", Forward())
register_readout("parity", Parity())
