"""How strongly the past still acts on the memory and on the output.

Each function runs the model over a batch of sequences and looks at the memory after the
last step, or at the last output. A curve has one number for each lag k: lag 0 is the
last input, lag k the one k steps before it. What acts on the memory need not be known
to it: `qlstm.insight.knowledge` asks for that.

Inputs that depend on each other, such as windows of one series, blur the lags. Use
independent inputs to ask about the memory.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_rng
from qlstm.encoding import encode_inputs_backward
from qlstm.model import Run, backward, forward
from qlstm.params import (
    QLSTMConfig,
    QLSTMParams,
    check_inputs,
    check_model,
    check_params,
)
from qlstm.readout import read_out_backward


class ForgettingCurve(NamedTuple):
    """How far one changed input moves the memory: see `forgetting_curve`."""

    distance: NDArray[np.float64]
    """Mean trace distance D_k, from 0 to 1, ``(n_steps,)``."""
    standard_error: NDArray[np.float64]
    """Its standard error over the sequences, ``(n_steps,)``."""
    effective_length: float
    """``l_eff = sum_k D_k / D_0``, in steps; 0 if ``D_0 = 0``."""


class GradientMemory(NamedTuple):
    """How the last output depends on each input: see `gradient_memory`."""

    norm: NDArray[np.float64]
    """Mean over the sequences of ``|dy_T / dx_(T-k)|``, ``(n_steps,)``."""
    gradients: NDArray[np.float64]
    """``dy_T / dx_t``, in order of time, ``(batch, n_steps, n_features)``, with a last
    axis ``n_outputs`` if that is more than 1."""


def forgetting_curve(
    params: QLSTMParams,
    inputs: ArrayLike,
    config: QLSTMConfig,
    *,
    rng: np.random.Generator,
) -> ForgettingCurve:
    """Mean trace distance of memories whose histories differ in one input, k steps ago.

    ``D_k = mean T(rho, rho')``, where x_(T-k) is replaced by what another sequence,
    drawn at random, has there. It measures sensitivity: a chaotic memory scores high.
    For `sampled` both histories get the same draws.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``, at least two.
        config: The configuration; any memory rule.
        rng: Source of randomness.

    Returns:
        A `ForgettingCurve` (distance, standard_error, effective_length).

    Raises:
        ValueError: If the parameters or inputs are wrong.

    Example:
        A memory that is reset never knew anything:

        >>> from qlstm import init_params
        >>> config = QLSTMConfig(memory="reset")
        >>> rng = np.random.default_rng(0)
        >>> params = init_params(config, rng)
        >>> forgetting_curve(params, rng.uniform(-1, 1, (9, 3, 1)), config, rng=rng)[0]
        array([0., 0., 0.])
    """
    check_rng(rng)
    params, inputs = check_sequences(params, inputs, config, 2)
    batch, n_steps, _ = inputs.shape
    seed = int(rng.integers(2**63))  # every run below begins with it
    kept = last_memory(params, inputs, config, np.random.default_rng(seed))
    distances = []
    for step in range(n_steps)[::-1]:
        other = (np.arange(batch) + rng.integers(1, batch)) % batch
        changed = inputs.copy()
        changed[:, step] = inputs[other, step]
        same_draws = np.random.default_rng(seed)
        moved = last_memory(params, changed, config, same_draws)
        distances.append(config.rule.distance(kept, moved))
    d = np.array(distances)
    mean, error = d.mean(axis=1), d.std(axis=1, ddof=1) / np.sqrt(batch)
    length = float(mean.sum() / mean[0]) if mean[0] > 0 else 0.0
    return ForgettingCurve(mean, error, length)


def gradient_memory(
    params: QLSTMParams,
    inputs: ArrayLike,
    config: QLSTMConfig,
    *,
    rng: np.random.Generator | None = None,
) -> GradientMemory:
    """How much the last output changes with each input, from the reverse pass.

    ``|dy_T / dx_(T-k)|``: docs/gradients.md, section 5. Under `collapse` and `sampled`
    the outcome record is held fixed.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration; any memory rule.
        rng: Source of randomness; the rule `sampled` needs it, no other uses it.

    Returns:
        A `GradientMemory` (norm, gradients).

    Raises:
        ValueError: If the parameters or inputs are wrong.

    Example:
        >>> from qlstm import init_params
        >>> config = QLSTMConfig(memory="mixed")
        >>> rng = np.random.default_rng(0)
        >>> params = init_params(config, rng)
        >>> inputs = rng.uniform(-1, 1, (200, 6, 1))
        >>> gradient_memory(params, inputs, config).norm.round(3)
        array([0.109, 0.172, 0.274, 0.149, 0.083, 0.   ])
    """
    params, inputs, rngs, _ = check_model(params, inputs, config, rng)
    run = forward(params, inputs, config, rngs)
    outputs = range(config.n_outputs)
    columns = [_output_gradient(run, params, inputs, config, k) for k in outputs]
    gradients = np.stack(columns, axis=-1)  # (batch, n_steps, n_features, n_outputs)
    norm = np.linalg.norm(gradients, axis=(2, 3)).mean(axis=0)[::-1]
    return GradientMemory(norm, gradients[..., 0] if len(columns) == 1 else gradients)


def _output_gradient(
    run: Run, params: QLSTMParams, inputs: NDArray, config: QLSTMConfig, output: int
) -> NDArray[np.float64]:
    """``dy_T / dx_t`` of one output; sequences do not mix, so one pass serves all."""
    p = run.probabilities
    grad_outputs = np.zeros((*p.shape[:3], config.n_outputs))
    grad_outputs[-1, ..., output] = 1.0
    grad_p, _ = read_out_backward(grad_outputs, p, params, config)
    _, grad_values = backward(run, grad_p, config)
    gradients = encode_inputs_backward(grad_values, run.encoded, params, config)[0]
    if config.predicts == "change":
        gradients[:, -1, 0] += 1.0  # the last value itself is part of the output
    return gradients


def check_sequences(
    params: QLSTMParams, inputs: ArrayLike, config: QLSTMConfig, at_least: int
) -> tuple[QLSTMParams, NDArray[np.float64]]:
    """Checked parameters and inputs, or what is off."""
    params, inputs = check_params(params, config), check_inputs(inputs, config)
    if len(inputs) < at_least:
        raise ValueError(
            f"Argument `inputs` must hold at least {at_least} sequences, "
            f"but holds {len(inputs)}."
        )
    return params, inputs


def last_memory(
    params: QLSTMParams,
    inputs: NDArray,
    config: QLSTMConfig,
    rng: np.random.Generator | None,
) -> NDArray:
    """Memory after the last step: a vector or a density matrix for each sequence."""
    params, inputs, rngs, _ = check_model(params, inputs, config, rng)
    run = forward(params, inputs, config, rngs)
    memory, _ = config.rule.update(run.branches[-1], rngs)
    return memory[0]
