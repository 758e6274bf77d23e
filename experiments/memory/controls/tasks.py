"""What is learnt: delayed recall, NARMA, Mackey-Glass, and the Santa Fe laser."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def delayed(inputs: NDArray, lag: int) -> NDArray[np.float64]:
    """``y_t = x_(t - lag)``, 0 before there is any.

    Args:
        inputs: Array ``(..., n_steps)``.
        lag: Steps to look back.

    Returns:
        Array of the same shape.
    """
    targets = np.zeros(inputs.shape)
    targets[..., lag:] = inputs[..., : inputs.shape[-1] - lag]
    return targets


def narma(inputs: NDArray, order: int) -> NDArray[np.float64]:
    """The next value of a nonlinear moving average that looks back `order` steps.

    ``y_(t+1) = .3 y_t + .05 y_t sum_(i<n) y_(t-i) + 1.5 u_(t-n+1) u_t + .1``, which
    starts at rest, with ``u = (x + 1) / 4`` in [0, .5].

    Args:
        inputs: x in [-1, 1], ``(..., n_steps)``.
        order: n.

    Returns:
        ``y_(t+1)`` at each step t, in the shape of the inputs.

    Raises:
        ValueError: If the recursion leaves its basin, as it does for rare inputs.

    References:
        Atiya and Parlos, IEEE Trans. Neural Netw. 11, 697 (2000).
    """
    u, n_steps = (inputs + 1) / 4, inputs.shape[-1]
    y = np.zeros((*inputs.shape[:-1], n_steps + order))  # order zeros, then y_1, ...
    before = np.concatenate([np.zeros((*inputs.shape[:-1], order - 1)), u], axis=-1)
    with np.errstate(over="ignore", invalid="ignore"):  # said below
        for t in range(n_steps):
            past = y[..., t : t + order]
            last = past[..., -1]
            y[..., t + order] = (
                0.3 * last + 0.05 * last * past.sum(axis=-1)
                + 1.5 * before[..., t] * u[..., t] + 0.1
            )  # fmt: skip
    if not np.abs(y).max() < 10:
        raise ValueError(
            f"Argument `seed` must give inputs on which NARMA-{order} stays bounded, "
            "but it runs away; take another."
        )
    return y[..., order:]


def mackey_glass(
    n_values: int, history: float, tau: int = 17, per_unit: int = 10
) -> NDArray[np.float64]:
    """The Mackey-Glass equation, one value each unit of time.

    ``dx/dt = .2 x(t - tau) / (1 + x(t - tau)^10) - .1 x``, by the classical
    Runge-Kutta method; between two steps x(t - tau) is the mean of both.

    Args:
        n_values: Values to return, at t = 1, 2, ...
        history: x before t = 0, constant.
        tau: Delay; chaotic from about 17 on.
        per_unit: Steps in a unit of time.

    Returns:
        Array ``(n_values,)``.

    References:
        Mackey and Glass, Science 197, 287 (1977).
    """
    delay, h = tau * per_unit, 1 / per_unit
    x = np.full(delay + 1 + n_values * per_unit, float(history))

    def slope(now: float, then: float) -> float:
        return 0.2 * then / (1 + then**10) - 0.1 * now

    for t in range(delay, len(x) - 1):
        old, new = x[t - delay], x[t - delay + 1]
        middle = (old + new) / 2
        k1 = slope(x[t], old)
        k2 = slope(x[t] + h / 2 * k1, middle)
        k3 = slope(x[t] + h / 2 * k2, middle)
        k4 = slope(x[t] + h * k3, new)
        x[t + 1] = x[t] + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x[delay + per_unit :: per_unit]


def santa_fe() -> NDArray[np.float64]:
    """The far-infrared laser of the Santa Fe competition, set A and what follows it.

    Returns:
        10,093 intensities, from 0 to 255.

    Raises:
        ImportError: If reservoirpy, whose file it is, is not installed.

    References:
        Weigend and Gershenfeld (eds.), "Time Series Prediction" (1994).
    """
    package = find_spec("reservoirpy")
    if package is None or package.origin is None:
        raise ImportError('needs pip install ".[santafe]"')
    path = Path(package.origin).parent / "datasets" / "santafe_laser.npy"
    return np.load(path).ravel().astype(float)
