"""What happens inside the cell, step by step: entanglement, outcomes, memory.

A step starts from the product ``u (x) h``. `S_en` is the entropy of entanglement between
system and ancilla after U_en, `S_out` after U_dis: the step gains `S_en` and forgets
``S_en - S_out``. No entanglement crosses a step.

For `mixed` the joint state is a density matrix. There `S_en` and `S_out` are half the
mutual information, ``(S(sys) + S(anc) - S(joint)) / 2``: for pure states the same number.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm import mixed
from qlstm.cell import circuit_angles, stage_matrices
from qlstm.memory import RULES
from qlstm.model import Unrolled, outputs_of, unroll
from qlstm.params import QLSTMConfig, QLSTMParams, check_inputs, check_params
from qsim.entanglement.density import entropy_of_probabilities
from qsim.entanglement.unitaries import schmidt_strength

if TYPE_CHECKING:
    import pandas as pd


class Trace(NamedTuple):
    """A ledger of every step of every sequence; d_s and d_a are ``2**n_system`` and
    ``2**n_ancilla``."""

    encoded: NDArray
    """Encoded input: amplitudes u ``(batch, n_steps, d_s)``, or with angle encoding the
    angles ``(batch, n_steps, 2 * n_layers * n_system)``."""
    state_en: NDArray
    """Joint state after U_en, ``(batch, n_steps, d_s, d_a)``; for `mixed` a density
    matrix ``(batch, n_steps, d_s d_a, d_s d_a)``."""
    state_out: NDArray
    """Joint state after U_dis, the same shape."""
    S_en: NDArray[np.float64]
    """Entanglement after U_en, in ebits, ``(batch, n_steps)``."""
    S_out: NDArray[np.float64]
    """Entanglement after U_dis, in ebits, ``(batch, n_steps)``."""
    spectrum_en: NDArray[np.float64]
    """Eigenvalues of the ancilla's density matrix after U_en, decreasing, ``(batch,
    n_steps, d_a)``; for a pure joint state the squared Schmidt coefficients."""
    spectrum_out: NDArray[np.float64]
    """The same after U_dis."""
    outcome_probabilities: NDArray[np.float64]
    """Born probabilities of the system's outcomes, ``(batch, n_steps, d_s)``."""
    margin: NDArray[np.float64]
    """Difference of the two largest of them, ``(batch, n_steps)``."""
    outcome: NDArray[np.int64]
    """Outcome that was kept, ``(batch, n_steps)``; -1 for rules that keep none."""
    record_probability: NDArray[np.float64]
    """Probability of the outcomes kept so far, ``(batch, n_steps)``; nan for rules that
    keep none."""
    memory_before: NDArray
    """Memory that enters the step, ``(batch, n_steps, d_a)``; for `mixed` a density
    matrix ``(batch, n_steps, d_a, d_a)``."""
    memory_after: NDArray
    """Memory that leaves it, the same shape."""
    readout: NDArray[np.float64]
    """Output y, ``(batch, n_steps)``; the first of several."""

    @property
    def forgotten(self) -> NDArray[np.float64]:
        """Entanglement that U_dis takes back, ``S_en - S_out``, in ebits."""
        return self.S_en - self.S_out

    def to_frame(self) -> "pd.DataFrame":
        """The numbers of each step as a tidy table, one row a sequence and step.

        Returns:
            Columns `sequence`, `step` (from 0), `readout`, `S_en`, `S_out`,
            `forgotten`, `outcome_entropy` (bits), `margin`, `outcome`,
            `record_probability`.
        """
        import pandas as pd  # slow to import, and only this needs it

        batch, n_steps = self.readout.shape
        columns = {
            "sequence": np.repeat(np.arange(batch), n_steps),
            "step": np.tile(np.arange(n_steps), batch),
            "readout": self.readout,
            "S_en": self.S_en,
            "S_out": self.S_out,
            "forgotten": self.forgotten,
            "outcome_entropy": entropy_of_probabilities(self.outcome_probabilities),
            "margin": self.margin,
            "outcome": self.outcome,
            "record_probability": self.record_probability,
        }
        return pd.DataFrame({name: np.ravel(v) for name, v in columns.items()})


def trace(
    params: QLSTMParams,
    inputs: ArrayLike,
    config: QLSTMConfig,
    rng: np.random.Generator | None = None,
) -> Trace:
    """Run the model and write down what happens in every step.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration.
        rng: Source of randomness; the rule `sampled` needs it, no other uses it.

    Returns:
        A `Trace`.

    Raises:
        ValueError: If shapes do not fit, a value is not finite, or a projection is 0.

    Example:
        >>> from qlstm import QLSTMConfig, init_params
        >>> config = QLSTMConfig(rotation="RY")
        >>> rng = np.random.default_rng(0)
        >>> params = init_params(config, rng)
        >>> ledger = trace(params, rng.uniform(-1, 1, (3, 5, 1)), config)
        >>> ledger.S_en.shape, bool((ledger.S_en <= 2).all())
        ((3, 5), True)
    """
    params, inputs = check_params(params, config), check_inputs(inputs, config)
    run = unroll(params, inputs, config, route="matrix", rng=rng)
    memories = np.array(run.memories)
    state_en = _joint_states(run.route.entangler_kraus(), memories, config)
    last, outcomes = _after_last(run, config, rng)
    state_out = _joint_states(run.route.kraus, memories, config)
    p = run.probabilities
    ranked = np.sort(p, axis=-1)
    (s_en, spectrum_en), (s_out, spectrum_out) = _entanglement(run, config)
    arrays = (
        run.encoded[0],
        state_en,
        state_out,
        s_en,
        s_out,
        spectrum_en,
        spectrum_out,
        p,
        ranked[..., -1] - ranked[..., -2],
        outcomes,
        _record_probability(p, outcomes),
        memories,
        np.concatenate([memories[1:], last[None]]),
        outputs_of(run, params, inputs, config)[..., 0],
    )
    return Trace(*(array.swapaxes(0, 1) for array in arrays))


MONITOR_SEQUENCES = 32
"""Sequences that the monitor looks at, so that it stays cheap beside training."""


def entanglement_means(
    params: QLSTMParams,
    inputs: NDArray,
    config: QLSTMConfig,
    rng: np.random.Generator | None = None,
) -> dict[str, float]:
    """Means of the entanglement in a step, and the Schmidt strengths of the two stages.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``, not checked. Beyond
            `MONITOR_SEQUENCES`, as many of them, evenly spaced, stand for all.
        config: The configuration.
        rng: Source of randomness, for `sampled`.

    Returns:
        `S_en` and `S_out`, means over all steps of these sequences, and, but for angle
        encoding, `K_en` and `K_dis`, Schmidt strengths of U_en and U_dis; all in ebits.
    """
    rows = np.linspace(0, len(inputs) - 1, min(len(inputs), MONITOR_SEQUENCES))
    run = unroll(params, inputs[rows.astype(int)], config, route="matrix", rng=rng)
    (s_en, _), (s_out, _) = _entanglement(run, config)
    means = {"S_en": float(s_en.mean()), "S_out": float(s_out.mean())}
    if config.encoding == "angle":  # the stages depend on the input
        return means
    u_en, u_dis = stage_matrices(circuit_angles(params, config), config)
    dims = (config.system_dim, config.ancilla_dim)
    return means | {
        "K_en": float(schmidt_strength(u_en, dims)),
        "K_dis": float(schmidt_strength(u_dis, dims)),
    }


def _joint_states(kraus: NDArray, memories: NDArray, config: QLSTMConfig) -> NDArray:
    """Joint state of every step: vectors by register, or density matrices."""
    if config.memory == "mixed":
        return kraus @ memories @ kraus.conj().swapaxes(-1, -2)
    states = (kraus @ memories[..., None])[..., 0]
    return states.reshape(*states.shape[:2], config.system_dim, config.ancilla_dim)


def _entanglement(run: Unrolled, config: QLSTMConfig) -> list[tuple[NDArray, NDArray]]:
    """Entanglement and the ancilla's spectrum of every step, after U_en and U_dis."""
    memories = np.array(run.memories)
    kraus_en, kraus_out = run.route.entangler_kraus(), run.route.kraus
    if config.memory == "mixed":
        shape = np.shape(run.branches)
        entering = entropy_of_probabilities(_spectrum(memories))
        return [
            _half_mutual_information(kraus.reshape(shape), memories, entering)
            for kraus in (kraus_en, kraus_out)
        ]
    states = _joint_states(kraus_en, memories, config), np.array(run.branches)
    spectra = [_spectrum(state.swapaxes(2, 3) @ state.conj()) for state in states]
    return [(entropy_of_probabilities(spectrum), spectrum) for spectrum in spectra]


def _half_mutual_information(
    kraus: NDArray, sigma: NDArray, entering: NDArray
) -> tuple[NDArray, NDArray]:
    """``(S(sys) + S(anc) - S(joint)) / 2`` and the ancilla's spectrum.

    The joint state has the spectrum, and so the entropy, of the memory that entered.
    """
    *steps, d_s, d_a, _ = kraus.shape
    pushed = kraus @ sigma[:, :, None]
    flat, flat_pushed = (k.reshape(*steps, d_s, -1) for k in (kraus, pushed))
    system = _spectrum(flat_pushed @ flat.conj().swapaxes(-1, -2))
    side, side_pushed = (
        k.swapaxes(2, 3).reshape(*steps, d_a, -1) for k in (kraus, pushed)
    )
    ancilla = _spectrum(side_pushed @ side.conj().swapaxes(-1, -2))
    leaving = entropy_of_probabilities(system) + entropy_of_probabilities(ancilla)
    return np.maximum(leaving - entering, 0) / 2, ancilla


def _spectrum(rho: NDArray) -> NDArray[np.float64]:
    """Eigenvalues of density matrices, decreasing and not below 0."""
    return np.maximum(np.linalg.eigvalsh(rho)[..., ::-1], 0)


def _after_last(
    run: Unrolled, config: QLSTMConfig, rng: np.random.Generator | None
) -> tuple[NDArray, NDArray]:
    """Memory after the last step, and the outcomes kept, ``(n_steps, batch)``."""
    nothing = np.full(run.probabilities.shape[:2], -1, dtype=np.int64)
    if config.memory == "mixed":
        return mixed.channel(run.branches[-1], run.memories[-1]), nothing
    memory, cache = RULES[config.memory].update(run.branches[-1], rng)
    if not hasattr(cache, "chosen"):
        return memory, nothing
    return memory, np.array([c.chosen[1] for c in [*run.caches, cache]])


def _record_probability(p: NDArray, outcomes: NDArray) -> NDArray[np.float64]:
    """Product over the steps so far of the probabilities of the outcomes kept."""
    kept = np.take_along_axis(p, np.maximum(outcomes, 0)[..., None], axis=-1)[..., 0]
    return np.where(outcomes >= 0, np.cumprod(kept, axis=0), np.nan)
