"""An explanation in words: what came in, what happened, and why, step by step."""

from typing import TYPE_CHECKING

from numpy.typing import NDArray

from qlstm.insight.blocks import Block, Table
from qlstm.insight.kets import (
    chance,
    ket,
    memory_table,
    number,
    plain,
    wire_table,
)
from qlstm.insight.moment_words import moment_block
from qlstm.insight.opening import opening
from qlstm.insight.rule_words import update_words
from qlstm.insight.step_gates import wire_name
from qlstm.insight.words_back import describe_back
from qlstm.params import QLSTMConfig

if TYPE_CHECKING:
    from qlstm.insight.explain import Explanation, Step

STANDARD = ("expectation", "affine")
"""Readouts whose formula can be told."""


def describe(explanation: "Explanation", steps: list[int]) -> list[Block]:
    """All that there is to say.

    Args:
        explanation: What is described.
        steps: Numbers of the steps to show, from 1.

    Returns:
        Headings, sentences and tables.
    """
    blocks = opening(len(explanation.window), explanation.config)
    for k in steps:
        step = explanation.steps[k - 1]
        heading = f"Step {k} of {len(explanation.steps)}"
        blocks.append(Block(2, heading, [_coming_in(step)], []))
        blocks += [_encoding(step, explanation), _memory_in(step, explanation.config)]
        for before, moment in zip([None, *step.moments], step.moments, strict=False):
            blocks.append(moment_block(before, moment, step, explanation))
        blocks += [_measured(step, explanation), _output(step, explanation)]
        blocks.append(_memory_out(step, explanation))
    if explanation.way_back is not None:
        blocks += describe_back(explanation, steps)
    return blocks


def _coming_in(step: "Step") -> str:
    """The input and the memory in one sentence."""
    values = ", ".join(map(plain, step.input))
    what = f"the value x = {values}" if len(step.input) == 1 else f"the values {values}"
    if step.number == 1:
        return f"In comes {what}, and a memory that holds nothing yet."
    return f"In comes {what}, and the memory that step {step.number - 1} left."


def _encoding(step: "Step", explanation: "Explanation") -> Block:
    """How the input enters the circuit."""
    if explanation.config.encoding == "angle":
        return _angle_encoding(step, explanation)
    config, params = explanation.config, explanation.params
    names = [ket(k, config.n_system) for k in range(config.system_dim)]
    columns = [step.projected, step.encoded]
    header, one = ["ket", "a", "u", "probability"], config.n_features == 1
    if one:
        columns = [params.proj_weight[0], params.proj_bias, *columns]
        header[1:1] = ["weight V", "bias b"]
    rows = [
        [name, *map(number, values), chance(values[-1] ** 2)]
        for name, *values in zip(names, *columns, strict=True)
    ]
    made = "a = x V + b" if one else "a = x V + b, summed over the values x"
    sentence = (
        f"The input becomes a state of the system wires: {made}, a number for each "
        f"ket. Divided by the length of that list, {number(step.norm)} (the root of "
        "the sum of squares), they are amplitudes u, whose squares sum to 1."
    )
    table = Table("The input as a state of the system", header, rows)
    return Block(3, "Encode the input", [sentence], [table])


def _angle_encoding(step: "Step", explanation: "Explanation") -> Block:
    """How the input becomes angles."""
    config, params = explanation.config, explanation.params
    gates = [gate for gate in step.gates if gate.source == "input"]
    one, rows = config.n_features == 1, []
    for gate, angle in zip(gates, step.encoded, strict=True):
        cells = [f"{gate.stage} {gate.layer}", wire_name(gate.wires[0], config)]
        if one:
            (k,) = gate.index
            cells += map(number, (params.proj_weight[0, k], params.proj_bias[k]))
        rows.append([*cells, number(angle)])
    header = ["before layer", "wire", *(["weight V", "bias b"] * one), "angle"]
    sentence = (
        f"The input becomes angles, x V + b. The system wires start as "
        f"{ket(0, config.n_system)}, and before every layer each of them is turned by "
        f"its angle, with {gates[0].name}."
    )
    table = Table("The input as angles, in radians", header, rows)
    return Block(3, "Encode the input", [sentence], [table])


def _memory_in(step: "Step", config: QLSTMConfig) -> Block:
    """The memory that enters."""
    sentence = "It is what the step before left on the ancilla wires."
    if step.number == 1:
        sentence = (
            f"It is {ket(0, config.n_ancilla)}: nothing has been read before this step."
        )
    table = memory_table("Memory before the step", step.memory_before, config)
    return Block(3, "Take the memory", [sentence], [table])


def _measured(step: "Step", explanation: "Explanation") -> Block:
    """The outcomes of the system register."""
    config = explanation.config
    values = config.output_map.observables(config)
    marks = ["yes" if k == step.outcome else "-" for k in range(config.system_dim)]
    titles = [_observable(k, config) for k in range(config.n_outputs)]
    rows = [
        [ket(k, config.n_system), chance(p), *map(plain, values[k]), marks[k]]
        for k, p in enumerate(step.probabilities)
    ]
    header = ["outcome", "probability", *titles, "kept"]
    if step.outcome is None:
        header, rows = header[:-1], [row[:-1] for row in rows]
    sentence = (
        "The system wires are measured. The probability of an outcome is the sum over "
        "the kets that begin with it."
    )
    if config.output_map.__class__.__module__ == "qlstm.readout":
        sentence += " Z is 1 where the wire is 0, and -1 where it is 1."
    table = Table("Outcomes of the system", header, rows)
    return Block(3, "Measure the system", [sentence], [table])


def _observable(output: int, config: QLSTMConfig) -> str:
    """What an output's observable is called."""
    if config.readout not in STANDARD:
        return f"value {output + 1}" if config.n_outputs > 1 else "value"
    return f"Z of {wire_name(config.n_system - config.n_outputs + output, config)}"


def _output(step: "Step", explanation: "Explanation") -> Block:
    """The expectation, and what the readout makes of it."""
    config, params, sentences = explanation.config, explanation.params, []
    values, last = config.output_map.observables(config), step.input[0]
    for k, y in enumerate(step.readout):
        mean, name = f"<{_observable(k, config)}>", f"y{k + 1}"
        if config.n_outputs == 1:
            name = "y"
        terms = _sum_text(values[:, k], step.probabilities)
        expected = number(step.expectation[k])
        sentences.append(f"The mean {mean} = {terms} = {expected}.")
        made = f"{name} = {mean}"
        if config.readout == "affine":
            numbers = [number(params[4][k]), expected, number(params[5][k])]
            made = f"{name} = scale * {mean} + offset = {' * '.join(numbers[:2])}"
            made += f" + {numbers[2]}"
        elif config.readout not in STANDARD:
            made = f"{name}, which the readout `{config.readout}` makes of {mean}"
        if config.predicts == "change":
            made += f", and the value that came in, {plain(last)}, is added"
        sentences.append(f"The output is {made}: {name} = {number(y)}.")
    n_steps = len(explanation.window)
    if step.number == n_steps:
        sentences.append("This is the last step: its output is the forecast.")
    return Block(3, "Read out", sentences, [])


def _sum_text(values: NDArray, p: NDArray) -> str:
    """A mean as a sum, such as ``0.7000 - 0.3000``."""
    text = ""
    for value, chance_of in zip(values, p, strict=True):
        factor = "" if abs(value) == 1 else f"{plain(abs(value))} * "
        if value:
            text += f" {'-' if value < 0 else '+'} {factor}{number(chance_of)}"
    return text.removeprefix(" + ").removeprefix(" ")


def _memory_out(step: "Step", explanation: "Explanation") -> Block:
    """What the rule makes of the branches."""
    config = explanation.config
    last, after = step.number == len(explanation.window), step.memory_after
    sentences, tables = [update_words(step, config, last=last)], []
    if after is not None:
        tables = [memory_table("Memory after the step", after, config)]
        wires = range(config.n_system, config.n_wires)
        tables.append(wire_table(after.bloch, wires, config))
        if not config.rule.pure:
            sentences.append(f"Its purity is {number(after.purity)}.")
    if last:
        sentences.append("No step follows, so nothing reads this memory.")
    return Block(3, "Make the next memory", sentences, tables)
