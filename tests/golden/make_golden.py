"""Write the golden vectors: ``python -m tests.golden.make_golden``.

Every number comes from PennyLane (`experiments.crosscheck.pennylane_model`), seeded; nothing of
`qsim` is used, and of `qlstm` only the configuration. One file a register size, rotation
and memory rule, with one case for each of 1, 2 and 10 steps.

A file's numbers have the 17 digits that give back the same float64. Complex arrays are
``{"real": ..., "imag": ...}``. Arrays of a case, with ``batch`` samples:

    inputs         (batch, n_steps, n_features)
    targets        (batch, n_steps)            the last column for a loss of the last step
    params         proj_weight, proj_bias, entangler, disentangler
    joint          (n_shown, batch, 2**n_wires)                 u (x) h of the shown steps
    layers         (n_shown, 2 * n_layers, batch, 2**n_wires)   the state after each layer
    rho_ancilla    (n_shown, batch, 2**n_ancilla, 2**n_ancilla)
    entropy        (n_shown, batch)                              of rho_ancilla, in bits
    p_system       (n_steps, batch, 2**n_system)
    p_ancilla      (n_steps, batch, 2**n_ancilla)
    outputs        (n_steps, batch)                              <Z> of the readout wire
    memories       (n_steps, batch, 2**n_ancilla)                what each step leaves
    loss, grads    by the loss, "last" and "all"

``shown`` lists the steps that are shown: all of them up to 2 steps, else the last.
"""

import json
import platform
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from experiments.crosscheck import pennylane_model as pm
from qlstm import QLSTMConfig, QLSTMParams

FOLDER = Path(__file__).parent
BATCH, MARGIN = 2, 1e-3
STEPS = (1, 2, 10)
REGISTERS = {
    # (n_system, n_ancilla): the other sizes, different for each
    (2, 2): {"n_layers": 2, "n_features": 1},
    (1, 2): {"n_layers": 3, "n_features": 1},
    (2, 1): {"n_layers": 1, "n_features": 1},
    (3, 2): {"n_layers": 2, "n_features": 2},
    (1, 1): {"n_layers": 2, "n_features": 1},  # two wires: one CNOT, not a ring
}


def configs() -> list[QLSTMConfig]:
    """The configuration of each file."""
    return [
        QLSTMConfig(
            n_system=n_system,
            n_ancilla=n_ancilla,
            rotation=rotation,
            memory=memory,
            **sizes,
        )
        for (n_system, n_ancilla), sizes in REGISTERS.items()
        for rotation in ("RX", "RY")
        for memory in ("collapse", "probabilities")
    ]


def filename(config: QLSTMConfig) -> str:
    """The file of a configuration."""
    registers = f"{config.n_system}_{config.n_ancilla}"
    return f"{config.rotation}_{config.memory}_{registers}.json"


def make_file(config: QLSTMConfig) -> dict:
    """Everything in one file."""
    packages = ("pennylane", "autograd", "numpy")
    return {
        "made_by": "tests/golden/make_golden.py",
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in packages},
        "config": asdict(config),
        "cases": [make_case(config, n_steps) for n_steps in STEPS],
    }


def make_case(config: QLSTMConfig, n_steps: int) -> dict:
    """One case, from the first seed that keeps it away from ties."""
    seed = 0
    while True:
        params, inputs, targets = draw(config, n_steps, seed)
        probed = probe(params, inputs, config)
        ordered = np.sort(probed["p_system"], axis=2)
        margin = (ordered[..., -1] - ordered[..., -2]).min()
        if margin > MARGIN:
            break
        seed += 1
    shown = list(range(n_steps)) if n_steps <= 2 else [n_steps - 1]
    joints = probed["joint"][shown]
    layers = [pm.states_by_layer(params, joint, config) for joint in joints]
    probed |= {name: probed[name][shown] for name in ("joint", "rho_ancilla")}
    probed["entropy"] = probed["entropy"][shown]
    cell = pm.make_cell(config)
    losses, grads = {}, {}
    for loss, wanted in (("last", targets[:, -1]), ("all", targets)):
        losses[loss], grad = pm.loss_and_grad(
            pm.trainable(params), inputs, wanted, replace(config, loss=loss), cell
        )
        grads[loss] = encode(QLSTMParams(*grad))
    arrays = {"inputs": inputs, "targets": targets, "layers": np.array(layers)} | probed
    return {
        "n_steps": n_steps,
        "seed": seed,
        "smallest_margin": float(margin),
        "shown": shown,
        "params": encode(params),
        **{name: encode(array) for name, array in arrays.items()},
        "loss": losses,
        "grads": grads,
    }


def draw(
    config: QLSTMConfig, n_steps: int, seed: int
) -> tuple[QLSTMParams, np.ndarray, np.ndarray]:
    """Parameters (angles from the whole circle), inputs and targets."""
    rng = np.random.default_rng(seed)
    angles = (2, config.n_layers, config.n_wires)
    params = QLSTMParams(
        rng.uniform(-1, 1, (config.n_features, 2**config.n_system)),
        rng.uniform(-1, 1, 2**config.n_system),
        *rng.uniform(-np.pi, np.pi, angles),
    )
    inputs = rng.uniform(-1, 1, (BATCH, n_steps, config.n_features))
    return params, inputs, rng.uniform(-1, 1, (BATCH, n_steps))


def probe(params: QLSTMParams, inputs: np.ndarray, config: QLSTMConfig) -> dict:
    """What PennyLane measures at every step, time first."""
    run = pm.unroll(params, inputs, config, pm.make_cell(config))
    node = pm.make_probe(config)
    names = ("outputs", "p_system", "p_ancilla", "rho_ancilla", "entropy")
    steps = [
        node(joint, params.entangler, params.disentangler)[: len(names)]
        for joint in run.joints
    ]
    found = {
        name: np.array(values) for name, values in zip(names, zip(*steps), strict=True)
    }
    return found | {"joint": np.array(run.joints), "memories": np.array(run.memories)}


def encode(array) -> dict | list:
    """An array, or a NamedTuple of arrays, as JSON takes it."""
    if isinstance(array, tuple):
        return {name: encode(value) for name, value in array._asdict().items()}
    array = np.asarray(array)
    if np.iscomplexobj(array):
        return {"real": array.real.tolist(), "imag": array.imag.tolist()}
    return array.tolist()


def main() -> None:
    """Write every file."""
    for config in configs():
        path = FOLDER / filename(config)
        content = make_file(config)
        path.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")
        margins = [f"{case['smallest_margin']:.3f}" for case in content["cases"]]
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB, margins {margins}")


if __name__ == "__main__":
    main()
