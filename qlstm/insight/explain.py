"""One window through the cell, number by number, as data, text and HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_choice
from qlstm.encoding import Encoded, encode
from qlstm.gradient import check_method
from qlstm.insight.blocks import Block, as_html, as_page, as_text
from qlstm.insight.moments import (
    DETAILS,
    Memory,
    Moment,
    joined,
    memory_of,
    moments_of,
    walk,
)
from qlstm.insight.step_gates import Gate, step_gates
from qlstm.insight.way_back import Passed, WayBack, way_back
from qlstm.insight.window import (
    check_record,
    check_shown,
    check_window,
    check_window_targets,
)
from qlstm.params import QLSTMConfig, QLSTMParams, Single, check_model
from qlstm.readout import read_out


class Step(NamedTuple):
    """What happens in a step."""

    number: int
    """From 1."""
    input: NDArray[np.float64]
    """The value that comes in, ``(n_features,)``."""
    projected: NDArray[np.float64]
    """The affine map of it, ``a = x V + b``."""
    norm: float
    """The length ``|a|``; 1 for angles, which are not divided by it."""
    encoded: NDArray[np.float64]
    """Amplitudes ``u = a / |a|`` of the system register, or the angles a."""
    memory_before: Memory
    """The memory that enters."""
    gates: list[Gate]
    """All gates, in order."""
    moments: list[Moment]
    """The start, and the end of every stage, layer or gate."""
    probabilities: NDArray[np.float64]
    """Of the system's outcomes, ``(d_s,)``."""
    margin: float
    """Difference of the two largest of them."""
    outcome: int | None
    """The outcome that was kept; None for rules that keep none, and where a record ends
    that was given in the place of draws."""
    given: bool
    """Whether a record gave the outcome."""
    memory_after: Memory | None
    """The memory that leaves; None where nothing was drawn behind a given record."""
    expectation: NDArray[np.float64]
    """Expectation of each output's observable, ``(n_outputs,)``."""
    readout: NDArray[np.float64]
    """The outputs, ``(n_outputs,)``."""


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """One window through the cell; prints as text, shows as HTML in a notebook."""

    params: QLSTMParams
    """The parameters."""
    config: QLSTMConfig
    """The configuration."""
    window: NDArray[np.float64]
    """The window, ``(n_steps, n_features)``."""
    detail: str
    """How closely the circuit is shown."""
    steps: list[Step]
    """In order."""
    way_back: WayBack | None
    """The loss and the gradient's way back, if there are targets."""

    def text(self, steps: Sequence[int] | None = None) -> str:
        """Plain ASCII text of at most 80 columns.

        Args:
            steps: Numbers of the steps to show, from 1; None shows all.

        Returns:
            Lines, without a newline at the end.

        Raises:
            ValueError: If there is no such step.
        """
        return as_text(self._blocks(steps))

    def html(self, steps: Sequence[int] | None = None) -> str:
        """The same as HTML: a section with headings and tables, and nothing to load.

        Args:
            steps: As for `text`.

        Returns:
            An element to put into a page.

        Raises:
            ValueError: If there is no such step.
        """
        return as_html(self._blocks(steps))

    def page(self, steps: Sequence[int] | None = None) -> str:
        """The HTML as a page of its own, which loads nothing.

        Args:
            steps: As for `text`.

        Returns:
            The page, with its last newline.

        Raises:
            ValueError: If there is no such step.
        """
        return as_page("One window through the cell", self.html(steps))

    def _blocks(self, steps: Sequence[int] | None) -> list[Block]:
        """Headings, sentences and tables of the steps that are asked for."""
        from qlstm.insight.words import describe  # it knows this class

        every = range(1, len(self.steps) + 1)
        wanted = list(every) if steps is None else list(steps)
        for number in wanted:
            if number not in every:
                raise ValueError(
                    f"Argument `steps` must lie in 1..{len(every)}, but holds {number}."
                )
        return describe(self, wanted)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Explanation of {len(self.steps)} step(s); print it, or read `.steps`>"

    def _repr_html_(self) -> str:
        return self.html()


def explain(
    params: QLSTMParams,
    window: ArrayLike,
    config: QLSTMConfig,
    *,
    targets: ArrayLike | None = None,
    detail: str = "stage",
    rng: np.random.Generator | None = None,
    record: ArrayLike | None = None,
) -> Explanation:
    """Follow one window through the cell and write down every number.

    The circuit is applied gate by gate from its definition, `qsim.layer_gates`. With
    targets, the gradient goes back gate by gate as well.

    Args:
        params: The parameters.
        window: The inputs, ``(n_steps, n_features)``; with one feature ``(n_steps,)``.
        config: The configuration, with at most 6 wires.
        targets: What the outputs are compared with: a number, or ``(n_outputs,)``; for
            a loss over all steps ``(n_steps,)`` or ``(n_steps, n_outputs)``.
        detail: Which moments are kept and shown, the ends of every ``"stage"``,
            ``"layer"`` or ``"gate"``. The way back is gate by gate always.
        rng: Source of randomness; rules that draw need it, no other uses it.
        record: Outcomes that were observed, ``(n_steps - 1,)``, for rules that keep one
            (see `predict`).

    Returns:
        An `Explanation`.

    Raises:
        TypeError: If an argument is not of numbers.
        ValueError: If shapes do not fit, a value is not finite, a projection is 0,
            there are too many wires, or a memory rule of somebody's own makes its
            branches in a way that gates cannot follow, or has no gradient.

    Example:
        >>> from qlstm import QLSTMConfig, init_params
        >>> config = QLSTMConfig(rotation="RY")
        >>> params = init_params(config, np.random.default_rng(0))
        >>> explanation = explain(params, [0.6, -0.3], config, targets=0.5)
        >>> [moment.name for moment in explanation.steps[0].moments[1:]]
        ['after the entangler', 'after the disentangler']
        >>> explanation.way_back.grads.entangler.shape
        (2, 4)
    """
    check_choice("detail", detail, DETAILS)
    check_shown(config)
    window = check_window(window, config)
    record = check_record(record, len(window))
    single = check_model(params, window[None], config, rng, record)
    if targets is not None:
        check_method("reverse", config)
        targets = check_window_targets(targets, len(window), config)
    encoded = encode(single.inputs, single.params, config)
    params = type(params)(*(array[0] for array in single.params))
    steps, passed = [], []
    for t in range(len(window)):
        entered = passed[-1].after if passed else _first_memory(config)
        step, left = _run_step(t, entered, params, single, encoded, detail, config)
        steps.append(step)
        passed.append(left)
    back = None
    if targets is not None:
        done = [left.passed for left in passed]
        back = way_back(done, targets, single, encoded, config)
    return Explanation(params, config, window, detail, steps, back)


class _Left(NamedTuple):
    """What a step leaves: for the way back, and for the next step."""

    passed: Passed
    after: NDArray | None


def _run_step(
    t: int,
    entered: NDArray,
    params: QLSTMParams,
    single: Single,
    encoded: Encoded,
    detail: str,
    config: QLSTMConfig,
) -> tuple[Step, _Left]:
    """One step: load, gates, measurement, memory."""
    rule, inputs = config.rule, single.inputs[:, :, t : t + 1]
    last = t + 1 == single.inputs.shape[2]
    values, norm = encoded.values[t, 0, 0], float(encoded.norm[t, 0, 0, 0])
    gates = step_gates(params, values, config)
    states = walk(joined(values, entered, config), gates)
    branches = _branches(states[-1], config)[None, None]
    p = rule.probabilities(branches)
    given = None if single.record is None or last else single.record[t]
    after, cache, outcome = None, None, None
    if not (rule.draws and single.rngs is None and given is None):
        after, cache = rule.update(branches, single.rngs, given)
        after = after[0, 0]
        outcome = int(rule.outcomes(cache)[0, 0]) if rule.keeps else None
    ranked = np.sort(p[0, 0])
    step = Step(
        t + 1,
        inputs[0, 0, 0],
        values * norm,
        norm,
        values,
        memory_of(entered),
        gates,
        moments_of(states, gates, config, detail),
        p[0, 0],
        float(ranked[-1] - ranked[-2]),
        outcome,
        given is not None,
        None if after is None else memory_of(after),
        p[0, 0] @ config.output_map.observables(config),
        read_out(p[None], single.params, inputs, config)[0, 0, 0],
    )
    return step, _Left(
        Passed(values, entered, gates, states[-1], branches, cache), after
    )


def _first_memory(config: QLSTMConfig) -> NDArray:
    """The memory that a sequence starts with."""
    return config.rule.first((1, 1), config.ancilla_dim)[0, 0]


def _branches(state: NDArray, config: QLSTMConfig) -> NDArray:
    """The rows of a joint state, or the diagonal blocks of a density matrix."""
    d_s, d_a = config.system_dim, config.ancilla_dim
    if state.ndim == 1:
        return state.reshape(d_s, d_a)
    outcomes = np.arange(d_s)
    return state.reshape(d_s, d_a, d_s, d_a)[outcomes, :, outcomes, :]
