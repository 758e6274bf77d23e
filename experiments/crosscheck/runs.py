"""What `experiments.crosscheck` compares: ours in NumPy, the same model in PennyLane.

One configuration at a time. Needs PennyLane.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from experiments.crosscheck import pennylane_model as pm
from qlstm import (
    QLSTMConfig,
    QLSTMParams,
    adam_init,
    adam_update,
    loss_and_grad,
    predict,
)
from qlstm.forecasting import SINE_PROTOCOLS, make_windows, noisy_sine, step_targets
from qlstm.insight import trace
from qlstm.interchange import check_paper_cell
from qlstm.processes import record_loss_and_grad
from qsim import (
    adjoint_layers,
    entangling_layers,
    expval_z,
    probabilities,
    reduced_density_matrix,
)
from qsim.entanglement import entropy, mutual_information, purity

WINDOWS, STEPS, BATCH, LEARNING_RATE = 15, 5, 5, 0.01
HEARD = 1
"""First outcomes of a record that are not scored."""
DEAD = 1e-13
"""A parameter whose gradient never exceeds this has no influence on the loss."""


class Data(NamedTuple):
    """Windows that both sides are given."""

    inputs: NDArray
    """``(WINDOWS, STEPS, n_features)``."""
    targets: dict[str, NDArray]
    """By the loss that compares with them, ``"last"`` or ``"all"``."""
    batches: list[list[NDArray]]
    """Rows of each minibatch of each epoch."""
    seed: int
    """Of the records that the model writes."""


class Side(NamedTuple):
    """One implementation, as `train` drives it."""

    step: Callable
    """``(params, adam, inputs, targets) -> (loss, grads, params, adam)``; the first
    adam is None."""
    states: Callable
    """``(params, inputs) -> (batch, n_steps, 2**n_system, 2**n_ancilla)``."""


class Run(NamedTuple):
    """A training run of one side; its middle axis are the minibatches."""

    losses: NDArray
    """Before each update, ``(epochs, n_batches)``."""
    grads: NDArray
    """Before each update, ``(epochs, n_batches, n_params)``."""
    params: QLSTMParams
    outcomes: NDArray
    """Likeliest system outcome at each memory update,
    ``(epochs, n_batches, BATCH, STEPS - 1)``."""
    margin: float
    """Smallest lead of the likeliest outcome's probability over the next."""
    seconds: list[float]
    """Of each epoch's losses, gradients and updates."""


class Comparison(NamedTuple):
    """One configuration on both sides."""

    config: QLSTMConfig
    differences: dict[str, float]
    """Largest absolute difference of each quantity."""
    dead: int
    """Parameters without influence on the loss, left out of the comparison of trained
    parameters: Adam divides their gradient, rounding noise, by its own size."""
    margin: float | None
    """See `Run`; None if the memory rule chooses no outcome."""
    switches: NDArray | None
    """Where the runs chose different outcomes, rows (epoch, batch, sample, step)."""
    seconds: dict[str, list[float]]
    """Of each epoch, by side."""

    @property
    def ratio(self) -> float:
        """How many times faster ours was, by the medians."""
        return median(self.seconds["pennylane"]) / median(self.seconds["ours"])


def compare(
    params: QLSTMParams, config: QLSTMConfig, epochs: int, seed: int
) -> Comparison:
    """Compare at the first parameters, in training, and at the trained parameters.

    Args:
        params: The parameters to start from.
        config: The model's configuration.
        epochs: Length of the training run.
        seed: Seed of the data and the minibatches.

    Returns:
        A `Comparison`.

    Raises:
        ValueError: If the PennyLane side does not know the model.
    """
    check_paper_cell(config, "The cross-check")
    data = make_data(config, epochs, seed)
    cell = pm.make_cell(config)
    before = compare_at(params, data, config, cell)
    ours = train(_our_side(config), params, data, config)
    theirs = train(_their_side(config, cell), pm.trainable(params), data, config)
    after = compare_at(ours.params, data, config, cell)
    differences = {k: float(np.maximum(before[k], after[k])) for k in after}
    differences["training: losses"] = difference(ours.losses, theirs.losses)
    differences["training: gradients"] = difference(ours.grads, theirs.grads)
    largest = np.abs(np.concatenate([ours.grads, theirs.grads])).max(axis=(0, 1))
    alive = ~(largest < DEAD)
    differences["training: parameters"] = difference(
        _flat(ours.params)[alive], _flat(theirs.params)[alive]
    )
    differences["training: predictions after"] = difference(
        predict(ours.params, data.inputs, config),
        pm.unroll(theirs.params, data.inputs, config, cell).outputs[-1],
    )
    collapses = config.memory == "collapse"
    return Comparison(
        config,
        differences,
        int((~alive).sum()),
        min(ours.margin, theirs.margin) if collapses else None,
        np.argwhere(ours.outcomes != theirs.outcomes) if collapses else None,
        {"ours": ours.seconds, "pennylane": theirs.seconds},
    )


def make_data(config: QLSTMConfig, epochs: int, seed: int) -> Data:
    """Windows of the noisy sine, one sine a feature, and minibatches of them.

    Args:
        config: The model's configuration.
        epochs: How often the windows are shuffled.
        seed: Seed of the noise and the shuffles.

    Returns:
        `Data`; the targets are the first feature's.
    """
    rng = np.random.default_rng(seed)
    series = [
        noisy_sine(SINE_PROTOCOLS["figure"], rng)[: WINDOWS + STEPS]
        for _ in range(config.n_features)
    ]
    windows = [make_windows(values, STEPS) for values in series]
    return Data(
        np.concatenate([w.inputs for w in windows], axis=2),
        {"last": windows[0].targets, "all": step_targets(windows[0])},
        [np.split(rng.permutation(WINDOWS), WINDOWS // BATCH) for _ in range(epochs)],
        seed,
    )


def compare_at(
    params: QLSTMParams, data: Data, config: QLSTMConfig, cell
) -> dict[str, float]:
    """Largest difference of every quantity over all windows and steps.

    Args:
        params: The parameters of both sides.
        data: The windows.
        config: The model's configuration.
        cell: PennyLane's QNode of one step.

    Returns:
        Differences by the quantity's name.
    """
    theirs = pm.unroll(params, data.inputs, config, cell)
    joints = np.concatenate(theirs.joints)  # (STEPS * WINDOWS, 2**n_wires)
    ours = trace(params, data.inputs, config)
    memories = np.stack(theirs.memories[:-1], axis=1)
    outputs = predict(params, data.inputs, config, all_steps=True)
    found = {
        "state after each layer": difference(
            _states_by_layer(params, joints, config),
            pm.states_by_layer(params, joints, config),
        ),
        "joint states": difference(ours.state_out, _by_register(theirs.states, config)),
        "memories": difference(ours.memory_before[:, 1:], memories),
        "outputs of all steps": difference(outputs.T, theirs.outputs),
    }
    states = ours.state_out.swapaxes(0, 1).reshape(-1, *(2,) * config.n_wires)
    probed = pm.make_probe(config)(joints, params.entangler, params.disentangler)
    measured = _measurements(states, config).items()
    for (name, value), other in zip(measured, probed, strict=True):
        found[name] = difference(value, other)
    for loss, steps in (("last", "last step"), ("all", "all steps")):
        c, targets = replace(config, loss=loss), data.targets[loss]
        value, grads = loss_and_grad(params, data.inputs, targets, c)
        other = pm.loss_and_grad(pm.trainable(params), data.inputs, targets, c, cell)
        found[f"loss, {steps}"] = difference(value, other[0])
        found[f"gradient, {steps}"] = difference(grads, other[1])
    return found | _compare_records(params, data, config)


def _compare_records(
    params: QLSTMParams, data: Data, config: QLSTMConfig
) -> dict[str, float]:
    """Records with an input at each step, and from the stationary memory of one."""
    found, writes = {}, replace(config, memory="sampled")
    for start, inputs in (("first", data.inputs), ("stationary", data.inputs[0, 0])):
        rng = np.random.default_rng(data.seed)
        each = np.broadcast_to(inputs, data.inputs.shape)
        records = trace(params, each, writes, rng).outcome
        options = {"inputs": inputs, "skip": HEARD, "start": start}
        value, grads = record_loss_and_grad(params, config, records, **options)
        other = pm.record_loss_and_grad(
            pm.trainable(params), inputs, records, config, HEARD
        )
        found[f"records, {start}: log-loss"] = difference(value, other[0])
        found[f"records, {start}: gradient"] = difference(grads, other[1])
    return found


def _by_register(states: list, config: QLSTMConfig) -> NDArray:
    """PennyLane's joint states, ``(batch, n_steps, 2**n_system, 2**n_ancilla)``."""
    stacked = np.stack(states, axis=1)
    return stacked.reshape(*stacked.shape[:2], config.system_dim, config.ancilla_dim)


def _states_by_layer(
    params: QLSTMParams, joints: NDArray, config: QLSTMConfig
) -> list[NDArray]:
    """Our states after each layer, in the order in which they are applied."""
    inverse = config.disentangler == "inverse"
    second = adjoint_layers if inverse else entangling_layers
    layers = [(entangling_layers, row) for row in params.entangler]
    layers += [(second, row) for row in params.disentangler[::-1]]
    state, found = joints.reshape(-1, *(2,) * config.n_wires), []
    for apply, row in layers:
        state = apply(state, row[None], config.rotation)
        found.append(state.reshape(joints.shape))
    return found


def _measurements(state: NDArray, config: QLSTMConfig) -> dict[str, NDArray]:
    """What our simulator measures on joint states, in the order of the probe."""
    system = range(config.n_system)
    ancilla = range(config.n_system, config.n_wires)
    rho = reduced_density_matrix(state, ancilla)
    return {
        "expectation values": expval_z(state, config.n_system - 1),
        "system probabilities": probabilities(state, system),
        "ancilla probabilities": probabilities(state, ancilla),
        "reduced density matrices": rho,
        "entropies in bits": entropy(rho),
        "mutual information": mutual_information(state, system, ancilla),
        "purities": purity(rho),
    }


def difference(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Largest absolute difference of two arrays, or of two sequences of arrays.

    Args:
        ours: An array, or a list or tuple of arrays.
        theirs: The same.

    Returns:
        The difference; nan if there is one on either side.

    Raises:
        ValueError: If the shapes differ.
    """
    if isinstance(ours, (tuple, list)):
        found = [difference(*pair) for pair in zip(ours, theirs, strict=True)]
        return float(np.max(found))  # Python's max may pass over nan
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        raise ValueError(
            f"Both sides must have one shape, but have {ours.shape} and {theirs.shape}."
        )
    return float(np.abs(ours - theirs).max(initial=0.0))


def train(side: Side, params: Any, data: Data, config: QLSTMConfig) -> Run:
    """Train one side on the given minibatches.

    Args:
        side: The implementation; only its `step` is timed.
        params: The parameters to start from.
        data: Windows and minibatches.
        config: The model's configuration.

    Returns:
        A `Run`.
    """
    targets = data.targets[config.loss]
    adam, losses, grads, outcomes, margins, seconds = None, [], [], [], [], []
    for batches in data.batches:
        elapsed = 0.0
        for rows in batches:
            x, y = data.inputs[rows], targets[rows]
            chosen, margin = _likeliest(side.states(params, x)[:, :-1])
            start = time.perf_counter()
            loss, grad, params, adam = side.step(params, adam, x, y)
            elapsed += time.perf_counter() - start
            losses.append(loss)
            grads.append(_flat(grad))
            outcomes.append(chosen)
            margins.append(margin)
        seconds.append(elapsed)
    shape = len(data.batches), len(data.batches[0])
    return Run(
        np.reshape(losses, shape),
        np.reshape(grads, (*shape, -1)),
        QLSTMParams(*(np.asarray(array) for array in params)),
        np.reshape(outcomes, (*shape, BATCH, STEPS - 1)),
        min(margins),
        seconds,
    )


def _flat(arrays: tuple) -> NDArray:
    """Parameters or gradients as one vector ``(n_params,)``."""
    return np.concatenate([np.ravel(array) for array in arrays])


def _likeliest(states: NDArray) -> tuple[NDArray, float]:
    """Likeliest outcomes ``(batch, n_steps)``, and the smallest lead over the next."""
    p = np.sum(states.real**2 + states.imag**2, axis=3)
    ordered = np.sort(p, axis=2)
    return p.argmax(axis=2), float((ordered[..., -1] - ordered[..., -2]).min())


def _our_side(config: QLSTMConfig) -> Side:
    """This package."""

    def step(params, adam, inputs, targets):
        loss, grads = loss_and_grad(params, inputs, targets, config)
        adam = adam or adam_init(params)
        params, adam = adam_update(params, grads, adam, LEARNING_RATE)
        return loss, grads, params, adam

    return Side(step, lambda params, inputs: trace(params, inputs, config).state_out)


def _their_side(config: QLSTMConfig, cell) -> Side:
    """PennyLane."""

    def step(params, adam, inputs, targets):
        loss, grads = pm.loss_and_grad(params, inputs, targets, config, cell)
        adam = adam or pm.make_adam(LEARNING_RATE)
        return loss, grads, pm.adam_step(params, grads, adam), adam

    def states(params, inputs):
        return _by_register(pm.unroll(params, inputs, config, cell).states, config)

    return Side(step, states)
