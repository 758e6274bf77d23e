"""Processes of the cell, and cells that are a given process exactly.

With a constant input a step of the cell emits the outcome of its system register and
changes its memory: a `Process` with ``K_i = <i|_sys W |u>_sys``. Here are angles in
closed form with which the paper's circuit, RY, is a known process. They are derived in
docs/quantum_memory.md.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_size
from qlstm.model import step_kraus
from qlstm.params import QLSTMConfig, QLSTMParams
from qlstm.processes.examples import check_clock
from qlstm.processes.process import Process
from qsim.numbers import as_number


class ExactCell(NamedTuple):
    """A cell, and the constant input at which it is a given process."""

    params: QLSTMParams
    """The parameters."""
    config: QLSTMConfig
    """The configuration; its rule is `sampled`, which writes the process."""
    x: NDArray[np.float64]
    """The input of every step, ``(n_features,)``."""


def cell_process(params: QLSTMParams, config: QLSTMConfig, x: ArrayLike) -> Process:
    """The process that a cell writes when every input is the same.

    ``K_i = <i|_sys W |u>_sys``: the symbols are the outcomes of the system register,
    read as a binary number.

    Args:
        params: The parameters.
        config: The configuration; any encoding, rotation, disentangler and cut. Its
            memory rule does not matter: the memory collapses onto what is observed, as
            under `sampled`.
        x: The input of every step, ``(n_features,)``.

    Returns:
        A `Process` of ``2**n_system`` symbols, ``dim = 2**n_ancilla``.

    Raises:
        TypeError: If the numbers are none.
        ValueError: If shapes do not fit, or a value is not finite.

    Example:
        >>> from qlstm import QLSTMConfig, init_params
        >>> config = QLSTMConfig(n_ancilla=1)
        >>> params = init_params(config, np.random.default_rng(0))
        >>> cell_process(params, config, [0.5]).kraus.shape
        (4, 2, 2)
    """
    x = as_real("x", x)
    if x.shape != (config.n_features,):
        raise ValueError(
            f"Argument `x` must have shape ({config.n_features},), but has {x.shape}."
        )
    return Process(step_kraus(params, x[None, None], config)[0, 0])


def square_and_diamond_cell() -> ExactCell:
    """The paper's circuit as `square_and_diamond`: RY, 2 + 1 wires, two layers a stage.

    Every angle is a multiple of a quarter of pi.

    Returns:
        An `ExactCell` (params, config, x). A basis of the memory is turned against that
        of `square_and_diamond`; no record shows it.

    Example:
        >>> from qlstm.processes import word_probabilities
        >>> words = word_probabilities(cell_process(*square_and_diamond_cell()), 2)
        >>> (4 * words).round(6) + 0
        array([[0.5 , 0.  , 0.25, 0.25],
               [0.  , 0.5 , 0.25, 0.25],
               [0.25, 0.25, 0.5 , 0.  ],
               [0.25, 0.25, 0.  , 0.5 ]])
    """
    entangler = [[0.0, 1.0, 1.0], [0.25, 1.0, 0.0]]
    disentangler = [[-0.75, 1.0, 1.0], [1.0, 1.0, 0.5]]  # the last row comes first
    return _constant(np.pi * np.array(entangler), np.pi * np.array(disentangler))


def clock_cell(s: float, alpha: float) -> ExactCell:
    """The paper's circuit as `qubit_clock`: RY, 1 + 1 wires, one layer a stage.

    Angles ``(arccos s, 2 alpha - pi/2)`` and ``(arccos s, pi/2)``, of system and
    memory.

    Args:
        s: As in `qubit_clock`.
        alpha: As in `qubit_clock`.

    Returns:
        An `ExactCell` (params, config, x).

    Raises:
        ValueError: If s lies outside of (0, 1), or a number is not finite.

    Example:
        >>> from qlstm.processes import qubit_clock, word_probabilities
        >>> cell = cell_process(*clock_cell(0.8, 0.5))
        >>> both = [word_probabilities(p, 8) for p in (cell, qubit_clock(0.8, 0.5))]
        >>> np.allclose(*both, rtol=0, atol=1e-15)
        True
    """
    damping, alpha = np.arccos(check_clock(s)), as_number("alpha", alpha)
    return _constant([[damping, 2 * alpha - np.pi / 2]], [[damping, np.pi / 2]])


def probability_clock_cell(s: float = 0.6, alpha: float = 0.6) -> ExactCell:
    """The paper's circuit as `probability_clock`: RY, 1 + 1 wires, one layer a stage.

    Angles ``(arccos s, alpha)`` and ``(arccos s, alpha)``, of system and memory.

    Args:
        s: As in `probability_clock`.
        alpha: As in `probability_clock`.

    Returns:
        An `ExactCell` (params, config, x).

    Raises:
        ValueError: If s lies outside of (0, 1), or a number is not finite.

    Example:
        >>> probability_clock_cell().params.entangler.round(4)
        array([[0.9273, 0.6   ]])
    """
    damping, alpha = np.arccos(check_clock(s)), as_number("alpha", alpha)
    return _constant([[damping, alpha]], [[damping, alpha]])


def _constant(entangler: ArrayLike, disentangler: ArrayLike) -> ExactCell:
    """A cell whose input is the first basis state, whatever x is."""
    angles = np.array(entangler), np.array(disentangler)
    n_layers, n_wires = angles[0].shape
    config = QLSTMConfig(
        n_system=n_wires - 1,
        n_ancilla=1,
        n_layers=n_layers,
        rotation="RY",
        memory="sampled",
    )
    bias = np.eye(config.system_dim)[0]
    return ExactCell(QLSTMParams(0 * bias[None], bias, *angles), config, np.zeros(1))


def evenodd_cell(k: int) -> ExactCell:
    """The paper's circuit as a judge of EVENODD: RY, 2 + 1 wires, three layers a stage.

    The number of pulses N is promised to be a multiple of ``2**k``: is ``N / 2**k``
    even? A pulse turns the memory by ``RY(pi / 2**k)``; a last step reads it: <Z> is 1
    if it is even and -1 if it is odd. One angle depends on k, the others are multiples
    of a quarter of pi.

    Args:
        k: The power, from 1 to 30: the more pulses, the more rounding adds up.

    Returns:
        An `ExactCell` (params, config, x); its x is a pulse, ``[0]``, and ``[1]``
        reads: see `evenodd_inputs`. Under every rule but `probabilities`, `marginals`
        and `reset` it is right, for all outcomes are certain.

    Raises:
        TypeError: If k is no integer.
        ValueError: If it is not in this range.

    References:
        Ambainis and Yakaryilmaz, Inf. Process. Lett. 112, 289 (2012): a qubit in the
        place of ``2**(k + 1)`` states. arXiv:1405.7849.

    Example:
        >>> from qlstm import predict
        >>> params, config, _ = evenodd_cell(2)
        >>> y = [predict(params, evenodd_inputs(n), config)[0] for n in (0, 4, 8, 12)]
        >>> np.round(y, 12) + 0
        array([ 1., -1.,  1., -1.])
    """
    check_size("k", k)
    if k > 30:
        raise ValueError(f"Argument `k` must be at most 30, but is {k}.")
    entangler = np.pi / 4 * np.array([[12, 0, 2], [2, 6, 0], [15, 4, 13]])
    first, second, third = [[14, 10, 7], [0, 10, 3], [14, 14, 8]]
    disentangler = np.pi / 4 * np.array([third, second, first])  # last row comes first
    disentangler[1, 1] += np.pi / 2**k
    params, config, x = _constant(entangler, disentangler)
    weight = np.eye(4)[2:3] - np.eye(4)[:1]  # a pulse is |00>, reading |10>
    config = replace(config, memory="collapse")
    return ExactCell(params._replace(proj_weight=weight), config, x)


def evenodd_inputs(n_pulses: int) -> NDArray[np.float64]:
    """The inputs of `evenodd_cell`: so many pulses, and a step that reads.

    Args:
        n_pulses: Number of pulses, from 0.

    Returns:
        Array ``(1, n_pulses + 1, 1)``.

    Raises:
        TypeError: If it is no integer.
        ValueError: If it is negative.

    Example:
        >>> evenodd_inputs(2).ravel()
        array([0., 0., 1.])
    """
    check_size("n_pulses + 1", n_pulses + 1)
    return np.concatenate([np.zeros(n_pulses), [1.0]])[None, :, None]
