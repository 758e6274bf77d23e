"""What happens inside the cell, step by step: entanglement, outcomes, memory.

A step starts from the product ``u (x) h``. `S_en` is the entropy of entanglement
between system and ancilla after U_en, `S_out` after U_dis: the step gains `S_en` and
forgets ``S_en - S_out``. No entanglement crosses a step.

For `mixed` the joint state is a density matrix. There `S_en` and `S_out` are half the
mutual information, ``(S(sys) + S(anc) - S(joint)) / 2``: for pure states the same
number.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_rng
from qlstm.insight.stages import stage_unitaries
from qlstm.model import CELLS, Run, forward
from qlstm.params import (
    QLSTMConfig,
    QLSTMParams,
    check_inputs,
    check_model,
    models_at_once,
    stack_params,
)
from qlstm.readout import read_out
from qlstm.rule import MemoryRule
from qsim.entanglement import schmidt_strength
from qsim.entanglement.density import entropy_of_probabilities

if TYPE_CHECKING:
    import pandas as pd


class Trace(NamedTuple):
    """A ledger of every step of every sequence; d_s and d_a are ``2**n_system`` and
    ``2**n_ancilla``."""

    encoded: NDArray
    """Encoded input, amplitudes u ``(batch, n_steps, d_s)``, or with angle encoding the
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
    record: ArrayLike | None = None,
) -> Trace:
    """Run the model and write down what happens in every step.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration.
        rng: Source of randomness; rules that draw need it, no other uses it.
        record: Outcomes that were observed, ``(batch, n_steps - 1)``, for rules that
            keep one (see `predict`).

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
    params, inputs, rngs, record = check_model(params, inputs, config, rng, record)
    run = forward(params, inputs, config, rngs, record, "kraus")
    rule, memories, p = config.rule, np.array(run.memories), run.probabilities
    after_en = entangler_kraus(run, config)
    last, cache = rule.update(run.branches[-1], rngs)
    outcomes = np.full(p.shape[:-1], -1, dtype=np.int64)
    if rule.keeps:
        outcomes = np.array([rule.outcomes(c) for c in [*run.caches, cache]])
    ranked = np.sort(p, axis=-1)
    s_en, spectrum_en = _entanglement(rule, after_en, memories)
    s_out, spectrum_out = _entanglement(rule, run.kraus, memories)
    arrays = (
        run.encoded.values,
        rule.joint(after_en, memories),
        rule.joint(run.kraus, memories),
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
        read_out(p, params, inputs, config)[..., 0],
    )
    return Trace(*(array[:, 0].swapaxes(0, 1) for array in arrays))


MONITOR_SEQUENCES = 32
"""Sequences that the monitor looks at, so that it stays cheap beside training."""


class EntanglementMonitor:
    """A monitor for `fit`: the entanglement in a step, and Schmidt strengths.

    After each epoch it adds to the history `S_en` and `S_out`, the entanglement after
    U_en and after U_dis, means over all steps of the sequences, and, but for angle
    encoding, `K_en`, `K_dis` and `K_step`, the Schmidt strengths of U_en, of U_dis and
    of the whole step ``W = U_dis U_en``; all in ebits. Memory goes through W: the
    stages' strengths say nothing about it (docs/memory.md, section 4).

    Args:
        inputs: Sequences ``(batch, n_steps, n_features)``. Beyond `MONITOR_SEQUENCES`,
            as many of them, evenly spaced, stand for all.
        config: The configuration.
        rng: Source of randomness, for rules that draw; every call and every model sees
            the same draws.

    Raises:
        TypeError: If a rule that draws has no `rng`.
        ValueError: If the inputs do not fit.

    Example:
        >>> from qlstm import QLSTMConfig, fit, init_params
        >>> config, rng = QLSTMConfig(rotation="RY"), np.random.default_rng(0)
        >>> inputs, targets = rng.uniform(-1, 1, (20, 5, 1)), np.zeros(20)
        >>> params = init_params(config, rng)
        >>> monitor = EntanglementMonitor(inputs, config)
        >>> _, history = fit(params, inputs, targets, config, epochs=2, rng=rng,
        ...                  monitor=monitor)
        >>> list(history)[2:-1]
        ['S_en', 'S_out', 'K_en', 'K_dis', 'K_step']
    """

    def __init__(
        self,
        inputs: ArrayLike,
        config: QLSTMConfig,
        rng: np.random.Generator | None = None,
    ) -> None:
        inputs, self.config = check_inputs(inputs, config), config
        if config.rule.draws:
            check_rng(rng)
        rows = np.linspace(0, len(inputs) - 1, min(len(inputs), MONITOR_SEQUENCES))
        self.inputs = inputs[rows.astype(int)]
        self.seed = None if rng is None else int(rng.integers(2**63))

    def __call__(self, models: Sequence[QLSTMParams]) -> list[dict[str, float]]:
        """The numbers of each model.

        Args:
            models: Parameters, one model or more.

        Returns:
            A dict for each.
        """
        config, (n, n_steps, _) = self.config, self.inputs.shape
        at_once, found = models_at_once(config, n, n_steps, route="kraus"), []
        for first in range(0, len(models), at_once):
            found += self._entanglement(models[first : first + at_once])
        if config.encoding == "angle":  # the stages depend on the input
            return found
        powers = (self._powers(params) for params in models)
        return [own | power for own, power in zip(found, powers, strict=True)]

    def _entanglement(self, models: Sequence[QLSTMParams]) -> list[dict[str, float]]:
        """Means over sequences and steps, of several models at once."""
        config, rngs = self.config, None
        if self.seed is not None:
            rngs = [np.random.default_rng(self.seed) for _ in models]
        inputs = np.broadcast_to(self.inputs, (len(models), *self.inputs.shape))
        run = forward(stack_params(models), inputs, config, rngs, route="kraus")
        memories = np.array(run.memories)
        s_en, _ = _entanglement(config.rule, entangler_kraus(run, config), memories)
        s_out, _ = _entanglement(config.rule, run.kraus, memories)
        return [
            {"S_en": float(s_en[:, k].mean()), "S_out": float(s_out[:, k].mean())}
            for k in range(len(models))
        ]

    def _powers(self, params: QLSTMParams) -> dict[str, float]:
        """Schmidt strengths of the stages and of the step."""
        config = self.config
        u_en, u_dis = stage_unitaries(params, config)
        unitaries = {"K_en": u_en, "K_dis": u_dis, "K_step": u_dis @ u_en}
        dims = (config.system_dim, config.ancilla_dim)
        return {
            name: float(schmidt_strength(unitary, dims))
            for name, unitary in unitaries.items()
        }


def entangler_kraus(run: Run, config: QLSTMConfig) -> NDArray:
    """Kraus operators of every step after U_en alone."""
    cell = CELLS[config.encoding]
    return cell.entangler_kraus(run.encoded.values, run.angles, config)


def _entanglement(
    rule: MemoryRule, kraus: NDArray, memories: NDArray
) -> tuple[NDArray, NDArray]:
    """Entanglement behind a circuit and the ancilla's spectrum, of every step.

    A mixed joint state has the spectrum, and so the entropy, of the memory that
    entered.
    """
    system, ancilla = rule.reduced(kraus, memories)
    spectrum = _spectrum(ancilla)
    entropy = entropy_of_probabilities(spectrum)
    if rule.pure:
        return entropy, spectrum
    entering = entropy_of_probabilities(_spectrum(memories))
    leaving = entropy_of_probabilities(_spectrum(system)) + entropy
    return np.maximum(leaving - entering, 0) / 2, spectrum


def _spectrum(rho: NDArray) -> NDArray[np.float64]:
    """Eigenvalues of density matrices, decreasing and not below 0."""
    return np.maximum(np.linalg.eigvalsh(rho)[..., ::-1], 0)


def _record_probability(p: NDArray, outcomes: NDArray) -> NDArray[np.float64]:
    """Product over the steps so far of the probabilities of the outcomes kept."""
    kept = np.take_along_axis(p, np.maximum(outcomes, 0)[..., None], axis=-1)[..., 0]
    return np.where(outcomes >= 0, np.cumprod(kept, axis=0), np.nan)
