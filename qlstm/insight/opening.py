"""What stands at the top of an explanation: the model, and how to read the tables."""

from qlstm.insight.blocks import Block
from qlstm.insight.kets import plain
from qlstm.insight.step_gates import wire_name
from qlstm.params import QLSTMConfig

AXES = {"RX": "x", "RY": "y"}
REMARKS = (
    (
        "A simulator knows all probabilities at once. So the output, which is a mean "
        "over all outcomes, and the next memory come from one and the same state."
    ),
    "Numbers are rounded, so a sum of them may be off by 1 in the last digit.",
)


def opening(n_steps: int, config: QLSTMConfig) -> list[Block]:
    """What the model is, and how to read the tables.

    Args:
        n_steps: Steps of the window.
        config: The configuration.
    """
    paragraphs = [_what_it_is(n_steps, config), _registers(config)]
    words = [_wire_words(config), *_state_words(config), _arrow_words()]
    words += [_gate_words(config), *REMARKS]
    return [
        Block(1, "One window through the cell", paragraphs, []),
        Block(2, "How to read the tables", words, []),
    ]


def _what_it_is(n_steps: int, config: QLSTMConfig) -> str:
    """The window and the sizes."""
    return (
        f"The cell reads a window of {n_steps} value{'s' * (n_steps > 1)}, one at each "
        f"step, and gives an output at each step. It has {config.n_wires} wires, "
        f"{config.n_layers} layer{'s' * (config.n_layers > 1)} of gates in each of its "
        f"two stages, rotations {config.rotation}, and the memory rule "
        f"`{config.memory}`."
    )


def _registers(config: QLSTMConfig) -> str:
    """Which wire is which."""
    names = [wire_name(w, config) for w in range(config.n_wires)]
    system, ancilla = names[: config.n_system], names[config.n_system :]
    numbers = " ".join(map(str, range(config.n_wires)))
    return (
        f"The system register, {_listed(system)}, takes the input and is measured. The "
        f"ancilla register, {_listed(ancilla)}, holds the memory. (The library counts "
        f"these wires {numbers}.)"
    )


def _listed(names: list[str]) -> str:
    """One wire or several."""
    return f"wire{'s' * (len(names) > 1)} {' '.join(names)}"


def _wire_words(config: QLSTMConfig) -> str:
    """What a wire is, and a ket."""
    bits = [str((k + 1) % 2) for k in range(config.n_wires)]
    system, ancilla = bits[: config.n_system], bits[config.n_system :]
    cases = ", ".join(f"{wire_name(w, config)} is {b}" for w, b in enumerate(bits))
    return (
        "A wire is a qubit. When it is measured, it is found as 0 or as 1. A ket names "
        f"one case for all wires, the system first: in |{''.join(system)}>"
        f"|{''.join(ancilla)}>, {cases}."
    )


def _state_words(config: QLSTMConfig) -> list[str]:
    """What a state is, and how entanglement is counted."""
    most = min(config.n_system, config.n_ancilla)
    if config.rule.pure:
        state = (
            "A state gives every ket an amplitude. The square of its size is the "
            "probability to find that ket. Its phase is given in degrees: 0 for a "
            "positive number, 180 for a negative one, 90 for i."
        )
        cut = (
            "The registers are entangled if their joint state is no product of a state "
            "of the one and a state of the other: then each of them alone is less "
            "certain than both together. It is counted in ebits, from 0 (a product) to "
            f"{most} here."
        )
        return [state, cut]
    state = (
        "The memory is a density matrix: a mean over all outcomes that could have been "
        "measured. Its diagonal is shown, the populations: the probability to find "
        "each ket. Its purity is 1 for one certain state, and "
        f"{plain(1 / config.ancilla_dim)} if nothing is known."
    )
    cut = (
        "Half the mutual information says how much the registers know of each other, "
        f"in ebits, from 0 to {most} here. For one certain state it is their "
        "entanglement."
    )
    return [state, cut]


def _arrow_words() -> str:
    """What a Bloch vector is."""
    return (
        "The state of one wire by itself is drawn as an arrow (x, y, z), its Bloch "
        "vector: up, z = 1, for 0, and down, z = -1, for 1. z is P(0) - P(1), the "
        "difference of the probabilities of 0 and 1; x and y say how the amplitudes "
        "of 0 and 1 go together. The length is 1 if the wire has a state of its own, "
        "and less if that depends on other wires."
    )


def _gate_words(config: QLSTMConfig) -> str:
    """What the gates do."""
    axis = AXES[config.rotation]
    return (
        f"{config.rotation}(t) turns a wire's arrow about the {axis} axis by the angle "
        "t, in radians. CNOT c -> t flips wire t in every ket where wire c is 1."
    ).replace("c -> t", "c\u00a0->\u00a0t")
