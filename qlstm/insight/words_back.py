"""The gradient's way back in words and tables, from the last gate to the first."""

from typing import TYPE_CHECKING

import numpy as np

from qlstm.insight.blocks import Block, Table
from qlstm.insight.kets import amplitudes, ket, number
from qlstm.insight.step_gates import wires_text
from qlstm.params import QLSTMConfig

if TYPE_CHECKING:
    from qlstm.insight.explain import Explanation, Step
    from qlstm.insight.way_back import StepBack


def describe_back(explanation: "Explanation", steps: list[int]) -> list[Block]:
    """The loss, the steps in reverse, and the sum.

    Args:
        explanation: What is described; it has a way back.
        steps: Numbers of the steps to show.

    Returns:
        Headings, sentences and tables.
    """
    blocks = [_loss(explanation)]
    for k in sorted(steps, reverse=True):
        step, back = explanation.steps[k - 1], explanation.way_back.steps[k - 1]
        blocks += _step_back(step, back, explanation.config)
    return [*blocks, _total(explanation)]


def _loss(explanation: "Explanation") -> Block:
    """What was compared with what."""
    back, rows = explanation.way_back, []
    for step, targets, found in zip(
        explanation.steps, back.targets, back.steps, strict=True
    ):
        for k, target in enumerate(targets):
            if np.isnan(target):
                continue
            y = step.readout[k]
            name = str(step.number) + (f", y{k + 1}" if len(targets) > 1 else "")
            numbers = map(number, (y, target, y - target, found.grad_outputs[k]))
            rows.append([name, *numbers])
    mean = "mean of the squared differences" if len(rows) > 1 else "squared difference"
    sentences = [
        f"The loss is the {mean} of output and target: {number(back.loss)}.",
        "The gradient of a number is the slope of the loss when that number alone "
        "moves: above 0 the loss rises with it, below 0 it falls, and at 0 a small "
        "move does not matter. The gradient of the output is twice the difference"
        + (f", divided by {len(rows)}." if len(rows) > 1 else "."),
        (
            "It goes back through the same gates, from the last to the first. Each "
            "gate is undone, in the state and in the gradient of the state, and on the "
            "way the gradient of its angle is read off."
        ),
    ]
    header = ["step", "output y", "target", "difference", "gradient of y"]
    table = Table("Where the way back begins", header, rows)
    return Block(2, "The way back", sentences, [table])


def _step_back(step: "Step", back: "StepBack", config: QLSTMConfig) -> list[Block]:
    """Back through one step."""
    sentences = []
    if back.grad_memory_after is None:
        sentences.append("The gradient comes from this step's output.")
    elif back.grad_outputs.any():
        sentences.append(
            "The gradient comes from this step's output, and from the next step by way "
            "of the memory."
        )
    else:
        sentences.append("The gradient comes from the next step, by way of the memory.")
    n, rows = len(back.gates), []
    for k, found in enumerate(back.gates):
        gate, angle, grad = found.gate, "-", "-"
        if gate.angle is not None:
            angle, grad = number(gate.angle), number(found.grad_angle)
        stage = f"{gate.stage} {gate.layer}"
        set_by = {"input": "input", "": "-"}.get(gate.source, "parameter")
        wires = wires_text(gate, config)
        rows.append([f"{n - k}", gate.name, wires, stage, angle, grad, set_by])
    header = ["gate", "name", "wires", "stage, layer", "angle", "gradient", "set by"]
    if config.encoding != "angle":  # all are parameters
        header, rows = header[:-1], [row[:-1] for row in rows]
    table = Table("Gates from the last to the first", header, rows)
    heading = f"Back through step {step.number}"
    return [Block(3, heading, sentences, [table]), _front(step, back, config)]


def _front(step: "Step", back: "StepBack", config: QLSTMConfig) -> Block:
    """What is left in front of the first gate."""
    sentences, tables = [], []
    if config.encoding == "amplitude":
        names = [ket(k, config.n_system) for k in range(config.system_dim)]
        columns = [
            step.encoded,
            back.grad_encoded,
            step.projected,
            back.grads.proj_bias,
        ]
        rows = [
            [name, *map(number, values)]
            for name, *values in zip(names, *columns, strict=True)
        ]
        sentences.append(
            "All gates are undone: the state is the product of input and memory again. "
            "What is left is the gradient of the input's amplitudes u, and, through "
            "the division by the length, that of a."
        )
        header = ["ket", "u", "gradient of u", "a", "gradient of a"]
        tables.append(Table("Gradient of the input", header, rows))
    if step.number == 1:
        sentences.append("The first memory is fixed, so the way ends here.")
    else:
        goes_on = "The gradient of the memory that came in goes on to step"
        sentences.append(f"{goes_on} {step.number - 1}.")
        if np.iscomplexobj(back.grad_memory_before) and config.rule.pure:
            sentences.append(
                "An amplitude is two numbers, its real part and what stands before i; "
                "their gradients stand in the same places."
            )
        tables.append(_memory_gradient(step, back, config))
    return Block(3, f"In front of step {step.number}", sentences, tables)


def _memory_gradient(step: "Step", back: "StepBack", config: QLSTMConfig) -> Table:
    """The gradient of the memory that entered, or its diagonal."""
    names = [ket(j, config.n_ancilla) for j in range(config.ancilla_dim)]
    values, grads = step.memory_before.state, back.grad_memory_before
    header, caption = ["ket", "amplitude", "gradient"], "Gradient of the memory"
    if values.ndim == 2:
        values, grads = np.diag(values).real, np.diag(grads).real
        header[1], caption = "population", caption + ", its diagonal"
    rows = zip(names, amplitudes(values), amplitudes(grads), strict=True)
    return Table(caption, header, [list(row) for row in rows])


def _total(explanation: "Explanation") -> Block:
    """The gradient of every parameter."""
    grads, rows = explanation.way_back.grads, []
    for name, array in explanation.params._asdict().items():
        grad = getattr(grads, name)
        for index in np.ndindex(array.shape):
            place = ", ".join(map(str, index))
            values = map(number, (array[index], grad[index]))
            rows.append([f"{name}[{place}]", *values])
    sentence = (
        "All steps share the parameters, so the gradient of each is the sum over the "
        "steps. proj_weight and proj_bias are V and b of the encoding. The same "
        "numbers come from `loss_and_grad`."
    )
    table = Table("Gradient of the loss", ["parameter", "value", "gradient"], rows)
    return Block(3, "Sum over the steps", [sentence], [table])
