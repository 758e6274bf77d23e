"""Others on the same work, each checked against ours before it is timed."""

import os
from collections.abc import Sequence
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from experiments.speed import ours
from experiments.speed.timing import Job
from qlstm import QLSTMConfig, QLSTMParams, adam_init, adam_update, loss_and_grad
from qsim import layer_gates

MODULES = {
    "jax": ("jax",),
    "lightning": ("pennylane", "pennylane_lightning"),
    "qulacs": ("qulacs",),
}
"""What each peer imports."""
PACKAGES = {
    "jax": ("jax", "jaxlib"),
    "lightning": ("pennylane", "pennylane-lightning"),
    "qulacs": ("qulacs",),
}
"""The packages whose versions are told."""
CLOSE = 1e-10
"""How far losses, gradients and values may be apart."""


def choose(names: Sequence[str] | None) -> list[str]:
    """The peers asked for, imported on one thread; for an empty list, all there are.

    Raises:
        ImportError: If one that was asked for is missing, or all are.
    """
    if names is None:
        return []
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    missing = {name: _missing(name) for name in names or MODULES}
    if any(missing[name] for name in names) or all(missing.values()):
        without = ", ".join(m for modules in missing.values() for m in modules)
        raise ImportError(
            f"Option --peers needs {without}, which cannot be imported: "
            'pip install "qlstm[bench]".'
        )
    return [name for name, modules in missing.items() if not modules]


def _missing(name: str) -> list[str]:
    """The modules of a peer that cannot be imported."""
    missing = []
    for module in MODULES[name]:
        try:
            import_module(module)
        except ImportError:
            missing.append(module)
    return missing


def check(what: str, mine: NDArray, theirs: NDArray) -> None:
    """Time nothing that is not the same.

    Raises:
        ValueError: If two results differ.
    """
    difference = np.abs(np.asarray(mine) - np.asarray(theirs)).max()
    if not difference <= CLOSE:
        raise ValueError(f"The {what} differ by {difference:.1e}.")


# -- training: JAX -----------------------------------------------------------------


def jax_steps(config: QLSTMConfig, batch: int, n_batches: int) -> dict[str, Job]:
    """One model: a call for each minibatch, and a scan over them."""
    return _jax_jobs(config, batch, n_batches, None)


def jax_many(config: QLSTMConfig, n_models: int, n_batches: int) -> dict[str, Job]:
    """The same with `vmap` over models, on the paper's minibatch."""
    return _jax_jobs(config, ours.BATCH, n_batches, n_models)


def _jax_jobs(
    config: QLSTMConfig, batch: int, n_batches: int, n_models: int | None
) -> dict[str, Job]:
    """Both jobs do all minibatches."""
    import jax
    import jax.numpy as jnp

    from experiments.speed import jax_cell

    check_jax(config)
    models, many = ours.starts(config, n_models or 1), n_models is not None
    inputs, targets = ours.windows(batch * n_batches)
    inputs = jnp.asarray(inputs.reshape(n_batches, batch, -1, 1))
    targets = jnp.asarray(targets.reshape(n_batches, batch))
    state = jax_cell.init(models[0])
    if many:
        states = [jax_cell.init(params) for params in models]
        state = jax.tree.map(lambda *arrays: jnp.stack(arrays), *states)
    step, scan = jax_cell.stepper(config, many), jax_cell.scanner(config, many)
    minibatches = list(zip(inputs, targets, strict=True))

    def calls() -> None:
        now = state
        for data in minibatches:
            now, value = step(now, data)
        jax.block_until_ready((now, value))

    def scanned() -> None:
        jax.block_until_ready(scan(state, (inputs, targets)))

    return {"JAX call": calls, "JAX scan": scanned}


def check_jax(config: QLSTMConfig) -> None:
    """Loss, gradient and Adam's step in JAX are ours."""
    import jax

    from experiments.speed import jax_cell

    params, data = ours.starts(config, 1)[0], ours.windows(ours.BATCH)
    loss, grads = loss_and_grad(params, *data, config)
    moved, _ = adam_update(params, grads, adam_init(params))
    name = f"{config.rotation} {config.memory} with JAX"
    value, theirs = jax.value_and_grad(jax_cell.loss)(params, *data, config)
    check(f"losses of {name}", loss, value)
    check(f"gradients of {name}", flat(grads), flat(theirs))
    state, _ = jax_cell.update(jax_cell.init(params), data, config)
    # where an angle has no effect, its gradient is rounding, which Adam enlarges
    real = np.abs(flat(grads)) > 1e-9
    check(f"updates of {name}", flat(moved)[real], flat(state.params)[real])


def flat(params: QLSTMParams) -> NDArray:
    """All numbers of a model in a row."""
    return np.concatenate([np.ravel(array) for array in params])


# -- the simulator -----------------------------------------------------------------


def simulators(names: Sequence[str], angles: NDArray) -> dict[str, dict[str, Job]]:
    """Value and gradient of the layers by each of these peers, checked."""
    made = {"lightning": _lightning, "qulacs": _qulacs}
    jobs = {name: made[name](angles) for name in names if name in made}
    for name, both in jobs.items():
        on = f"on {angles.shape[1]} wires with {name}"
        check(f"values {on}", ours.value(angles)[0], both["forward"]())
        check(f"gradients {on}", ours.gradient(angles), both["gradient"]())
    return jobs


def _lightning(angles: NDArray) -> dict[str, Job]:
    """A QNode on lightning.qubit, with its adjoint gradient."""
    import pennylane as qml

    n_wires = angles.shape[1]

    @qml.qnode(qml.device("lightning.qubit", wires=n_wires), diff_method="adjoint")
    def node(angles):
        qml.BasicEntanglerLayers(angles, wires=range(n_wires), rotation=qml.RX)
        return qml.expval(qml.PauliZ(0))

    gradient, trainable = qml.grad(node), qml.numpy.array(angles, requires_grad=True)
    return {"forward": lambda: node(angles), "gradient": lambda: gradient(trainable)}


def _qulacs(angles: NDArray) -> dict[str, Job]:
    """A parametric circuit with backpropagation; its rotations turn the other way."""
    from qulacs import Observable, ParametricQuantumCircuit, QuantumState

    n_wires = angles.shape[1]
    circuit, observable = ParametricQuantumCircuit(n_wires), Observable(n_wires)
    observable.add_operator(1.0, "Z 0")
    for row in angles:
        for name, _, wires in layer_gates(row):
            if name == "CNOT":
                circuit.add_CNOT_gate(*wires)
            else:
                circuit.add_parametric_RX_gate(*wires, 0.0)
    state = QuantumState(n_wires)

    def turn() -> None:
        for k, angle in enumerate(angles.flat):
            circuit.set_parameter(k, -angle)

    def forward() -> float:
        turn()
        state.set_zero_state()
        circuit.update_quantum_state(state)
        return observable.get_expectation_value(state)

    def gradient() -> NDArray:
        turn()
        return -np.reshape(circuit.backprop(observable), angles.shape)

    return {"forward": forward, "gradient": gradient}
