"""The internals of the core run for one model, without the axis of models.

Below the public border every array has an axis of models. Here it is put on and taken
off, so that tests of one model read as what they test.
"""

from typing import Any, NamedTuple

import numpy as np

from qlstm import cell, encoding, gradient, model
from qlstm.direct import Gates, Matrix
from qlstm.readout import read_out

MEMORIES = ("collapse", "probabilities", "marginals", "sampled", "mixed", "reset")
"""The built-in rules; the registry has more once a test has registered one."""
ROUTES = ("kraus", "direct", "matrix")


class Forward(NamedTuple):
    """A forward pass of one model, time first."""

    outputs: np.ndarray
    """``(n_steps, batch)``; of several outputs ``(n_steps, batch, n_outputs)``."""
    probabilities: np.ndarray
    """Of the system's outcomes, ``(n_steps, batch, d_s)``."""
    branches: list[np.ndarray]
    memories: list[np.ndarray]
    """Memory that entered each step."""
    outcomes: list[np.ndarray]
    """What the rule kept after each step but the last; empty if it keeps none."""
    values: np.ndarray
    """The encoded inputs, ``(n_steps, batch, ...)``."""
    run: model.Run


class Reverse(NamedTuple):
    """The loss of one model, and its gradient by reverse mode."""

    loss: float
    grads: Any
    forward: Forward


def stacked(params):
    """Parameters of one model with the axis of models; what is None stays so."""
    return type(params)(*(None if a is None else np.asarray(a)[None] for a in params))


def unstacked(params):
    """The parameters of the only model."""
    return type(params)(*(array[0] for array in params))


def several(rng):
    """One generator as a list of one."""
    return None if rng is None else [rng]


def forward(params, inputs, config, route=None, rng=None, record=None):
    """`qlstm.model.forward`; a record is ``(n_steps - 1, batch)``."""
    record = None if record is None else np.asarray(record)[:, None]
    run = model.forward(
        stacked(params), np.asarray(inputs)[None], config, several(rng), record, route
    )
    return _without_axis(run, params, inputs, config)


def reverse(params, inputs, targets, config, route=None, rng=None, record=None):
    """`qlstm.gradient.reverse`; a record is ``(n_steps - 1, batch)``."""
    inputs = np.asarray(inputs)
    record = None if record is None else np.asarray(record)[:, None]
    found = gradient.reverse(
        stacked(params),
        inputs[None],
        np.asarray(targets)[None],
        config,
        several(rng),
        record,
        route,
    )
    one = _without_axis(found.run, params, inputs, config)
    return Reverse(float(found.loss[0]), unstacked(found.grads), one)


def _without_axis(run, params, inputs, config):
    """A `Run` of one model as a `Forward`."""
    inputs = np.asarray(inputs)[None]
    y = read_out(run.probabilities, stacked(params), inputs, config)[:, 0]
    outcomes = []
    if config.rule.keeps:
        outcomes = [config.rule.outcomes(cache)[0] for cache in run.caches]
    return Forward(
        outputs=y[..., 0] if config.n_outputs == 1 else y,
        probabilities=run.probabilities[:, 0],
        branches=[branches[0] for branches in run.branches],
        memories=[memory[0] for memory in run.memories],
        outcomes=outcomes,
        values=run.encoded.values[:, 0],
        run=run,
    )


def mean_loss(params, inputs, targets, config, rng=None):
    """`qlstm.model.mean_loss`."""
    inputs, targets = np.asarray(inputs)[None], np.asarray(targets)[None]
    losses = model.mean_loss(stacked(params), inputs, targets, config, several(rng))
    assert losses.shape == (1,)
    return losses[0]


def step(params, inputs, config, route):
    """The step of a route as a function of t and the memory that enters."""
    angles = cell.circuit_angles(stacked(params), config)
    values = encoding.encode(inputs[None], stacked(params), config).values
    if route != "kraus":
        take = {"direct": Gates, "matrix": Matrix}[route](values, angles, config).step
        return lambda t, memory: take(t, memory[None])[0]
    kraus, _ = model.CELLS[config.encoding].kraus(values, angles, config)
    return lambda t, memory: config.rule.evolve(kraus[t], memory[None])[0]


def circuit_angles(params, config):
    """`qlstm.cell.circuit_angles`, ``(2 * n_layers, n_wires)``."""
    return cell.circuit_angles(stacked(params), config)[0]


def split_angles(angles, config):
    """`qlstm.cell.split_angles`, two arrays ``(n_layers, n_wires)``."""
    return tuple(part[0] for part in cell.split_angles(angles[None], config))


def encode(inputs, params, config):
    """`qlstm.encoding.encode`: values and norms, ``(n_steps, batch, ...)``."""
    encoded = encoding.encode(inputs[None], stacked(params), config)
    return encoding.Encoded(*(array[:, 0] for array in encoded))


def encode_backward(grad_values, encoded, inputs, config):
    """`qlstm.encoding.encode_backward`: gradients of the projection."""
    encoded = encoding.Encoded(*(array[:, None] for array in encoded))
    grads = encoding.encode_backward(
        grad_values[:, None], encoded, inputs[None], config
    )
    return tuple(grad[0] for grad in grads)
