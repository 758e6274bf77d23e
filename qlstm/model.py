"""The run through time and its backward pass: predictions, the loss, and the way back.

A sequence flows ``encode -> step -> memory -> step -> ... -> <Z>``, its gradient the
same way back. Derivations: docs/gradients.md.

Below `predict`, every array has a leading axis of models: parameters ``(n_models,
...)``, inputs ``(n_models, batch, n_steps, n_features)``; what belongs to steps has the
axis of steps before that. A single model has one. d_s and d_a are ``2**n_system`` and
``2**n_ancilla``.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.cell import (
    circuit_angles,
    entangler_kraus,
    kraus_operators,
    kraus_operators_backward,
)
from qlstm.direct import Gates, Matrix
from qlstm.encoding import Encoded, encode
from qlstm.params import (
    QLSTMConfig,
    QLSTMParams,
    check_model,
    choose_route,
    sequences_at_once,
)
from qlstm.readout import read_out
from qlstm.rule import MemoryRule, Rngs
from qlstm.upload import upload_entangler_kraus, upload_kraus, upload_kraus_backward


class Cell(NamedTuple):
    """How an encoding's circuit becomes Kraus operators, and back."""

    kraus: Callable[..., tuple[NDArray, NDArray]]
    kraus_backward: Callable[..., tuple[NDArray, NDArray]]
    entangler_kraus: Callable[..., NDArray]


CELLS = {
    "amplitude": Cell(kraus_operators, kraus_operators_backward, entangler_kraus),
    "angle": Cell(upload_kraus, upload_kraus_backward, upload_entangler_kraus),
}
"""The cells by the names of `QLSTMConfig.encoding`."""


class Run(NamedTuple):
    """A forward pass: what the backward pass needs, and what it shows."""

    probabilities: NDArray
    """Of the system's outcomes, ``(n_steps, n_models, batch, d_s)``."""
    branches: list[NDArray]
    """Of each step, see `qlstm.memory`."""
    memories: list[NDArray]
    """Memory that entered each step."""
    caches: list[Any]
    """What each memory update left, one fewer than there are steps."""
    encoded: Encoded
    """The inputs as they enter the circuit."""
    angles: NDArray
    """The circuit's angles, ``(n_models, 2 * n_layers, n_wires)``."""
    kraus: NDArray | None
    """``(n_steps, n_models, batch, d_s, d_a, d_a)``; None on the direct route."""
    circuit: Any
    """Circuit and matrices, or states, behind the Kraus operators, or what is applied
    in their place."""


def forward(
    params: QLSTMParams,
    inputs: NDArray,
    config: QLSTMConfig,
    rngs: Rngs = None,
    record: NDArray | None = None,
    route: str | None = None,
) -> Run:
    """Run the cell over sequences, without checks (see `predict`).

    Args:
        params: The parameters, ``(n_models, ...)`` each.
        inputs: Array ``(n_models, batch, n_steps, n_features)``.
        config: The configuration.
        rngs: A source of randomness for each model, for rules that draw.
        record: Outcomes that were observed, ``(n_steps - 1, n_models, batch)`` or more
            steps, for rules that keep one.
        route: ``"kraus"``, ``"matrix"`` or ``"direct"``; without it the cheaper. Only
            vectors and amplitude encoding have a choice.

    Returns:
        A `Run`.
    """
    encoded, angles = encode(inputs, params, config), circuit_angles(params, config)
    rule, (n_steps, *lead) = config.rule, encoded.values.shape[:3]
    route = choose_route(config, route)
    if route != "kraus":
        on_states = Matrix if route == "matrix" else Gates
        kraus, circuit = None, on_states(encoded.values, angles, config)
        step = circuit.step
    else:
        kraus, circuit = CELLS[config.encoding].kraus(encoded.values, angles, config)

        def step(t: int, memory: NDArray) -> NDArray:
            return rule.evolve(kraus[t], memory)

    memory = rule.first(tuple(lead), config.ancilla_dim)
    memories, branches, caches = [memory], [step(0, memory)], []
    for t in range(1, n_steps):
        given = None if record is None else record[t - 1]
        memory, cache = rule.update(branches[-1], rngs, given)
        caches.append(cache)
        memories.append(memory)
        branches.append(step(t, memory))
    p = rule.probabilities(np.array(branches))
    return Run(p, branches, memories, caches, encoded, angles, kraus, circuit)


def step_kraus(params: QLSTMParams, inputs: ArrayLike, config: QLSTMConfig) -> NDArray:
    """Every step's Kraus operators ``K_i = <i|_sys W |u>_sys``, of one checked model.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration; the memory rule does not matter.

    Returns:
        Array ``(n_steps, batch, d_s, d_a, d_a)``.
    """
    plain = replace(config, memory="mixed")  # the circuit's operators; nothing is drawn
    params, inputs, *_ = check_model(params, inputs, plain)
    encoded, angles = encode(inputs, params, config), circuit_angles(params, config)
    kraus, _ = CELLS[config.encoding].kraus(encoded.values, angles, config)
    return kraus[:, 0]


def backward(run: Run, grad_p: NDArray, config: QLSTMConfig) -> tuple[NDArray, NDArray]:
    """Pull a gradient of the outcome probabilities back through all steps.

    Args:
        run: What `forward` returned.
        grad_p: Gradient with respect to each probability, in their shape.
        config: The configuration.

    Returns:
        Gradients of the angles, in the order of `circuit_angles`, and of the encoded
        values, in their shapes.
    """
    if run.kraus is None:
        return _states_backward(run, grad_p, config.rule)
    cell, grad_kraus = CELLS[config.encoding], kraus_gradient(run, grad_p, config.rule)
    return cell.kraus_backward(
        grad_kraus, run.encoded.values, run.angles, run.circuit, config
    )


def _states_backward(
    run: Run, grad_p: NDArray, rule: MemoryRule
) -> tuple[NDArray, NDArray]:
    """`backward` where no Kraus operators were made."""
    circuit, grad_values, grad_own = run.circuit, [], []
    left = []

    def pull(t: int, memory: NDArray, branches: NDArray, grad: NDArray) -> NDArray:
        grad_memory, of_step = circuit.step_backward(t, memory, branches, grad)
        left.insert(0, of_step)
        if len(left) == circuit.together or t == 0:
            memories = run.memories[t : t + len(left)]
            values, own = circuit.steps_gradient(t, left, memories)
            grad_values.insert(0, values)
            grad_own[:] = [grad_own[0] + own] if grad_own else [own]
            left.clear()
        return grad_memory

    branches_backward(run, grad_p, rule, pull)
    return circuit.grad_angles(grad_own[0]), np.concatenate(grad_values)


def kraus_gradient(run: Run, grad_p: NDArray, rule: MemoryRule) -> NDArray:
    """Gradient of every step's Kraus operators, in their shape."""

    def pull(t: int, memory: NDArray, branches: NDArray, grad: NDArray) -> NDArray:
        # the first memory is fixed, nobody asks for its gradient
        return rule.evolve_backward(grad, run.kraus[t], memory) if t else memory

    grads = branches_backward(run, grad_p, rule, pull)
    return rule.kraus_backward(np.array(grads), run.kraus, np.array(run.memories))


def branches_backward(
    run: Run, grad_p: NDArray, rule: MemoryRule, pull: Callable[..., NDArray]
) -> list[NDArray]:
    """Gradient of every step's branches, from the last to the first.

    Args:
        run: What `forward` returned.
        grad_p: Gradient of the probabilities.
        rule: The memory rule.
        pull: The way back through a step, from t, the memory that entered, the branches
            and their gradient to the gradient of the memory.
    """
    every_step, last = grad_p[:-1].any(), len(grad_p) - 1
    grads, grad_memory = [], None
    for t in range(last, -1, -1):
        if t == last:
            grad = rule.probabilities_backward(grad_p[t], run.branches[t])
        else:
            grad = rule.update_backward(grad_memory, run.caches[t])
            if every_step:
                grad = grad + rule.probabilities_backward(grad_p[t], run.branches[t])
        grads.append(grad)
        grad_memory = pull(t, run.memories[t], run.branches[t], grad)
    return grads[::-1]


def predict(
    params: QLSTMParams,
    inputs: ArrayLike,
    config: QLSTMConfig,
    *,
    all_steps: bool = False,
    rng: np.random.Generator | None = None,
    record: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Predict the value after each sequence: ``<Z>`` of the last system wire.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration.
        all_steps: Return the output of every step, not of the last one only.
        rng: Source of randomness; rules that draw need it, no other uses it.
        record: Outcomes of the system register that were observed, ``(batch, n_steps -
            1)``; for rules that keep one, in the place of what they would choose.

    Returns:
        Outputs ``(batch,)``, or ``(batch, n_steps)`` with `all_steps`; with a last axis
        ``n_outputs`` if that is more than 1. They lie in [-1, 1] unless the
        configuration says otherwise.

    Raises:
        ValueError: If shapes do not fit, a value is not finite, or a projection is 0.

    References:
        Daskin, eq. 12.

    Example:
        >>> from qlstm import QLSTMConfig, init_params
        >>> config = QLSTMConfig()
        >>> params = init_params(config, np.random.default_rng(0))
        >>> predict(params, np.zeros((3, 10, 1)), config).shape
        (3,)
    """
    params, inputs, rngs, record = check_model(params, inputs, config, rng, record)
    parts = []
    for some, route in _cut(inputs, config):
        part = inputs[:, some]
        given = None if record is None else record[..., some]
        run = forward(params, part, config, rngs, given, route)
        parts.append(read_out(run.probabilities, params, part, config)[:, 0])
    y = np.concatenate(parts, axis=1).swapaxes(0, 1)  # (batch, n_steps, n_outputs)
    y = y if all_steps else y[:, -1]
    return y[..., 0] if config.n_outputs == 1 else y


def _cut(inputs: NDArray, config: QLSTMConfig) -> Iterator[tuple[slice, str]]:
    """Sequences that are run at a time, all along the route that suits the whole."""
    _, batch, n_steps, _ = inputs.shape
    route = choose_route(config)
    at_once = sequences_at_once(config, n_steps)
    for first in range(0, batch, at_once):
        yield slice(first, first + at_once), route


def loss_and_grad_outputs(
    outputs: NDArray, targets: NDArray, config: QLSTMConfig
) -> tuple[NDArray, NDArray]:
    """The loss and its gradient (docs/gradients.md, eq. 12).

    ``loss = mean r^2`` and ``grad_y = 2 r / n`` with ``r = y - target``

    Args:
        outputs: Of every step, ``(n_steps, n_models, batch, n_outputs)``.
        targets: ``(n_models, batch)`` or ``(n_models, batch, n_outputs)``; with a loss
            over all steps ``(n_models, batch, n_steps)``, likewise.
        config: The configuration.

    Returns:
        The loss of each model, ``(n_models,)``, and its gradient in the shape of the
        outputs.
    """
    residuals = _residuals(outputs, targets, config)
    by_model = residuals.swapaxes(0, 1).reshape(outputs.shape[1], -1)
    size = by_model.shape[1]
    grad_outputs = np.zeros(outputs.shape)
    grad_outputs[-len(residuals) :] = residuals * (2 / size)
    return np.vecdot(by_model, by_model) / size, grad_outputs


def _residuals(outputs: NDArray, targets: NDArray, config: QLSTMConfig) -> NDArray:
    """``y - target`` of the steps that count, time first."""
    n_steps, n_models, batch, n_outputs = outputs.shape
    if config.loss == "last":
        return outputs[-1:] - targets.reshape(1, n_models, batch, n_outputs)
    by_step = targets.reshape(n_models, batch, n_steps, n_outputs)
    return outputs - np.moveaxis(by_step, 2, 0)


def mean_loss(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rngs: Rngs = None,
) -> NDArray[np.float64]:
    """The loss alone, without checks, of any number of sequences: ``(n_models,)``."""
    total = 0.0
    for part, route in _cut(inputs, config):
        run = forward(params, inputs[:, part], config, rngs, route=route)
        outputs = read_out(run.probabilities, params, inputs[:, part], config)
        squares = _residuals(outputs, targets[:, part], config) ** 2
        total = total + squares.swapaxes(0, 1).reshape(len(inputs), -1).sum(axis=1)
    return total / targets[0].size
