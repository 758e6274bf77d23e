"""Entangling power is no memory: two steps that show it, and the paper's beside them.

``python -m experiments.memory --counterexample`` prints the table. Memory goes through
the whole step ``W = U_dis U_en``, so the Schmidt strength K of both stages stands
beside that of W. Where K is the largest there is, 4 ebits, it is the power; where it is
0, W acts on both registers separately and has none.
"""

import numpy as np
from numpy.typing import NDArray

from qlstm import QLSTMConfig, init_params
from qlstm.commands import format_table
from qlstm.insight import stage_unitaries
from qsim.entanglement import entropy, schmidt_strength

N_STEPS = 5
REGISTER = 4
"""Dimension of both registers: 2 + 2 wires."""


def retained(step: NDArray, encoded: NDArray) -> NDArray[np.float64]:
    """`qlstm.insight.quantum_retention` of a step that is given as a matrix.

    Args:
        step: Unitary W on system and ancilla, ``(d_s d_a, d_s d_a)``.
        encoded: Encoded inputs, unit vectors ``(n_steps, d_s)``.

    Returns:
        I(R : anc) in bits before the first step and after each, ``(n_steps + 1,)``.
    """
    d_s = encoded.shape[1]
    d_a = len(step) // d_s
    rho = np.eye(d_a).ravel()[:, None] * np.eye(d_a).ravel() / d_a  # R and memory
    states = [rho]
    for u in encoded:
        kraus = np.einsum("iasb,s->iab", step.reshape(d_s, d_a, d_s, d_a), u)
        whole = [np.kron(np.eye(d_a), k) for k in kraus]
        states.append(sum(k @ states[-1] @ k.conj().T for k in whole))
    joint = np.array(states)
    memory = np.einsum("trarb->tab", joint.reshape(-1, d_a, d_a, d_a, d_a))
    return np.log2(d_a) + entropy(memory) - entropy(joint)


def cases(rng: np.random.Generator) -> dict[str, tuple[NDArray, NDArray]]:
    """U_en and U_dis by name; the angles are drawn from the whole circle."""
    swap = np.eye(REGISTER**2).reshape([REGISTER] * 4).swapaxes(0, 1)
    found = {"register swap": (np.eye(REGISTER**2), swap.reshape(REGISTER**2, -1))}
    for name, rotation, options in (
        ("RX, inverse, equal angles", "RX", {"disentangler": "inverse"}),
        ("RY, inverse, equal angles", "RY", {"disentangler": "inverse"}),
        ("RX, default disentangler", "RX", {}),
        ("RY, default disentangler", "RY", {}),
    ):
        config = QLSTMConfig(rotation=rotation, **options)
        params = init_params(config, rng)
        en, dis = rng.uniform(0, 2 * np.pi, (2, *params.entangler.shape))
        params = params._replace(entangler=en, disentangler=en if options else dis)
        found[name] = stage_unitaries(params, config)
    return found


def table(seed: int) -> str:
    """Strengths of the stages and of the step, and what an entangled memory keeps."""
    rng = np.random.default_rng(seed)
    encoded = rng.normal(size=(N_STEPS, REGISTER))
    encoded /= np.linalg.norm(encoded, axis=1)[:, None]
    rows, dims = [], (REGISTER, REGISTER)
    for name, (u_en, u_dis) in cases(rng).items():
        strengths = (schmidt_strength(u, dims) for u in (u_en, u_dis, u_dis @ u_en))
        kept = " ".join(map(_two_digits, retained(u_dis @ u_en, encoded)))
        rows.append([name, *map(_two_digits, strengths), kept])
    header = ["step", "K of U_en", "K of U_dis", "K of the step"]
    return format_table([*header, f"I(R:anc) after 0 to {N_STEPS} steps"], rows)


def _two_digits(value: float) -> str:
    """A number to two digits, without a minus before 0."""
    return f"{round(value, 2) + 0:.2f}"
