"""What each memory rule does, in words."""

from typing import TYPE_CHECKING

from qlstm.insight.kets import chance, ket, number
from qlstm.params import QLSTMConfig

if TYPE_CHECKING:
    from qlstm.insight.explain import Step

LOADED = {
    "probabilities": (
        "The rule `probabilities` takes the probability of each ket of the ancilla, "
        "summed over all outcomes, and loads it as an amplitude, divided by the length "
        "of the list so that the squares sum to 1. Signs and phases are lost."
    ),
    "marginals": (
        "The rule `marginals` takes P(0) and P(1) of each ancilla wire by itself, "
        "multiplies them to a number for each ket, and loads these as amplitudes, "
        "divided by the length of the list. What the wires know of each other is lost."
    ),
    "mixed": (
        "The rule `mixed` keeps every branch with its probability: the density matrix "
        "of the ancilla wires, as if the outcome had been measured but not read."
    ),
    "reset": (
        "The rule `reset` forgets everything: the next step starts with a memory that "
        "holds nothing."
    ),
}
"""The rules that keep no single outcome."""
CLOSE = 0.05
"""A margin that is worth a word."""


def update_words(step: "Step", config: QLSTMConfig, *, last: bool) -> str:
    """How the next memory was made, in a sentence or two.

    Args:
        step: The step.
        config: The configuration.
        last: Whether no step follows.
    """
    if config.memory in LOADED:
        return LOADED[config.memory]
    if not config.rule.keeps:
        return (
            f"The memory rule `{config.memory}` makes the next memory of the branches."
        )
    if step.outcome is None:
        return (
            f"The record has no outcome for this step, and the rule `{config.memory}` "
            "has nothing to draw from: no memory is made."
        )
    kept, p = ket(step.outcome, config.n_system), step.probabilities[step.outcome]
    return (
        f"{_choice(step, config, kept, chance(p), last)} The memory is that branch: "
        f"the amplitudes of the kets that begin with {kept}, divided by their length, "
        f"{number(p**0.5)}."
    )


def _choice(step: "Step", config: QLSTMConfig, kept: str, p: str, last: bool) -> str:
    """Why this outcome."""
    if step.given:
        return f"The record says that outcome {kept} was seen, of probability {p}."
    if config.memory == "collapse":
        ahead = f"{number(step.margin)} ahead of the next"
        if step.margin < 1e-9:
            ahead = "level with another one, and the first of them is taken"
        words = (
            f"The rule `collapse` keeps the likeliest outcome, {kept}: it is {ahead}."
        )
        if step.margin < CLOSE and not last:
            words += " That is close: a small change may let another one win, and what"
            words += " follows jumps."
        return words
    if config.rule.draws:
        return (
            f"The rule `{config.memory}` draws an outcome: {kept}, of probability {p}."
        )
    return f"The rule `{config.memory}` keeps outcome {kept}, of probability {p}."
