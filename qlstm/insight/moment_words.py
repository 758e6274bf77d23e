"""A moment in words and tables: which gates led to it, and what they did."""

from typing import TYPE_CHECKING

import numpy as np

from qlstm.insight.blocks import FIXED, Block
from qlstm.insight.kets import (
    joint_names,
    number,
    population_table,
    vector_table,
    wire_table,
)
from qlstm.insight.moments import Moment
from qlstm.insight.opening import AXES
from qlstm.insight.step_gates import Gate, gate_name, wire_name
from qlstm.params import QLSTMConfig

if TYPE_CHECKING:
    from qlstm.insight.explain import Explanation, Step


def moment_block(
    before: Moment | None, moment: Moment, step: "Step", explanation: "Explanation"
) -> Block:
    """A state between two gates, and what led to it."""
    config = explanation.config
    names = joint_names(config)
    if config.rule.pure:
        table = vector_table("Joint state", moment.state.ravel(), names)
    else:
        caption = f"Joint state of purity {number(moment.purity)}"
        table = population_table(caption, moment.probabilities.ravel(), names)
    tables, ends = [table], before is None or _ends_stage(moment, step)
    if ends:
        tables.append(wire_table(moment.bloch, range(config.n_wires), config))
    sentences = [_what_happened(before, moment, step, explanation)]
    sentences.append(_entanglement_words(before, moment, config))
    return Block(3, moment.name[0].upper() + moment.name[1:], sentences, tables)


def _ends_stage(moment: Moment, step: "Step") -> bool:
    """Whether the moment's gate is the last of its stage."""
    of_stage = [gate for gate in step.gates if gate.stage == moment.stage]
    return of_stage[-1] is moment.gate


def _what_happened(
    before: Moment | None, moment: Moment, step: "Step", explanation: "Explanation"
) -> str:
    """What led to a moment."""
    config = explanation.config
    if before is None:
        kind = "amplitude" if config.rule.pure else "population"
        first = "the input" if config.encoding == "amplitude" else "the empty system"
        return f"Each {kind} is a product: that of {first} times that of the memory."
    if explanation.detail == "gate":
        return _gate_words(moment.gate, config)
    last = next(k for k, g in enumerate(step.gates) if g is moment.gate)
    first = 0
    if before.gate is not None:
        first = next(k for k, g in enumerate(step.gates) if g is before.gate) + 1
    names = (gate_name(g, config) for g in step.gates[first : last + 1])
    gates = ", ".join(name.replace(" ", FIXED) for name in names)
    return f"{_purpose(moment, config)} Its gates, in order: {gates}."


def _purpose(moment: Moment, config: QLSTMConfig) -> str:
    """What a stage or a layer is there for."""
    if moment.layer > 1 and moment.name.startswith("after layer"):
        return f"Another layer of the {moment.stage}."
    if moment.stage == "entangler":
        words = "The entangler lets input and memory act on each other."
    elif config.disentangler == "inverse":
        words = (
            "The disentangler is an entangler's circuit undone: gates from the last to "
            "the first, and angles with the other sign."
        )
    else:
        words = "The disentangler is the same kind of circuit with angles of its own."
    if config.cut == "separate":
        words += " But no gate joins the two registers here."
    return words


def _gate_words(gate: Gate, config: QLSTMConfig) -> str:
    """What one gate does."""
    wires = [wire_name(wire, config) for wire in gate.wires]
    if gate.angle is None:
        return f"In the kets where {wires[0]} is 1, {wires[1]} is flipped."
    who = "The input turns" if gate.source == "input" else "This turns"
    degrees = round(float(np.degrees(gate.angle)), 1) + 0.0
    return (
        f"{who} {wires[0]} by {number(gate.angle)} radians ({degrees:.1f} degrees) "
        f"about the {AXES[gate.name]} axis: it mixes every two kets that differ in "
        f"{wires[0]} alone."
    )


def _entanglement_words(
    before: Moment | None, moment: Moment, config: QLSTMConfig
) -> str:
    """How entangled the registers are, and whether that changed."""
    value = number(moment.entanglement)
    name = "Entanglement between the registers"
    if not config.rule.pure:
        name = "Half the mutual information of the registers"
    if before is None:
        return f"{name}: {value} ebits, as no gate has acted on both yet."
    change = moment.entanglement - before.entanglement
    if abs(change) < 1e-9:
        return f"{name}: {value} ebits, as before."
    more = "more" if change > 0 else "less"
    words = f"{name}: {value} ebits, {number(abs(change))} {more} than before."
    if moment.name == "after the disentangler":
        words += " This stage can take some back, and here it "
        words += "does." if change < 0 else "adds some."
    return words
