"""Adam, by hand: `adam_init` makes the state, `adam_update` takes one step."""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Params = TypeVar("Params", bound=tuple)


class AdamState(NamedTuple):
    """Adam's memory; the moments are flat, in the order of the parameters."""

    step: int
    """Updates taken so far."""
    first_moment: NDArray[np.float64]
    """Running mean of the gradients, ``(n_params,)``."""
    second_moment: NDArray[np.float64]
    """Running mean of their squares, ``(n_params,)``."""


def adam_init(params: Params) -> AdamState:
    """A state of zeros for these parameters.

    Args:
        params: Any NamedTuple of arrays.

    Returns:
        An `AdamState` with step 0.
    """
    size = sum(np.size(array) for array in params)
    return AdamState(0, np.zeros(size), np.zeros(size))


def adam_update(
    params: Params,
    grads: Params,
    state: AdamState,
    learning_rate: float = 0.01,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Params, AdamState]:
    """One step of Adam, with bias correction.

    ``m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,``
    ``x -= lr (m / (1 - b1^k)) / (sqrt(v / (1 - b2^k)) + eps)``

    Args:
        params: A NamedTuple of arrays.
        grads: Gradients, the same layout.
        state: What `adam_init` or the step before returned.
        learning_rate: Step size.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        epsilon: Added to the root of the second moment.

    Returns:
        New parameters and state; the arguments are not modified.

    Raises:
        ValueError: If gradients, parameters and state differ in size, or a rate is out
            of range.

    References:
        Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Example:
        The first step has the length of the learning rate, whatever the gradient:

        >>> from typing import NamedTuple
        >>> class Point(NamedTuple):
        ...     x: np.ndarray
        >>> point = Point(np.array([1.0, 1.0]))
        >>> grad = Point(np.array([0.5, -200.0]))
        >>> adam_update(point, grad, adam_init(point), learning_rate=0.1)[0].x.round(6)
        array([0.9, 1.1])
    """
    for name, value, top in (
        ("learning_rate", learning_rate, np.inf),
        ("beta1", beta1, 1),
        ("beta2", beta2, 1),
        ("epsilon", epsilon, np.inf),
    ):
        is_real = isinstance(value, (float, int, np.floating, np.integer))
        if not is_real or not 0 <= value < top:
            raise ValueError(
                f"Argument `{name}` must be a real number from 0 to below {top}, "
                f"but is {value!r}."
            )
    g, x = (np.concatenate([np.ravel(a) for a in arrays]) for arrays in (grads, params))
    if not len(x) == len(g) == len(state.first_moment):
        raise ValueError(
            "Arguments `params`, `grads` and `state` must have the same size, but have "
            f"{len(x)}, {len(g)} and {len(state.first_moment)}."
        )
    x, state = adam_step(x, g, state, learning_rate, beta1, beta2, epsilon)
    return unflatten(x, params), state


def adam_step(
    x: NDArray,
    g: NDArray,
    state: AdamState,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[NDArray, AdamState]:
    """The step of `adam_update` on flat arrays with any leading axes, unchecked."""
    k = state.step + 1
    m = beta1 * state.first_moment + (1 - beta1) * g
    v = beta2 * state.second_moment + (1 - beta2) * g**2
    step = learning_rate / (1 - beta1**k)
    x = x - step * m / (np.sqrt(v / (1 - beta2**k)) + epsilon)
    return x, AdamState(k, m, v)


SCHEDULES = ("constant", "cosine")


def scheduled_rate(
    learning_rate: float, schedule: str, epoch: int, epochs: int
) -> float:
    """The step size of an epoch.

    ``"cosine"``: ``learning_rate (1 + cos(pi epoch / epochs)) / 2``

    Args:
        learning_rate: The step size to start with.
        schedule: ``"constant"`` or ``"cosine"``.
        epoch: Epochs done.
        epochs: Epochs in all.

    Returns:
        The step size.

    Example:
        >>> scheduled_rate(0.02, "cosine", 50, 100)
        0.01
    """
    if schedule == "cosine":
        return learning_rate * (1 + float(np.cos(np.pi * epoch / epochs))) / 2
    return learning_rate


def clip_gradient(grads: Params, clip_norm: float | None) -> Params:
    """Scale a gradient down to a norm, if it is longer.

    Args:
        grads: A NamedTuple of arrays.
        clip_norm: The longest it may be, over all arrays; None leaves it as it is.

    Returns:
        The gradient, the same layout.

    Example:
        >>> from typing import NamedTuple
        >>> class Point(NamedTuple):
        ...     x: np.ndarray
        >>> clip_gradient(Point(np.array([3.0, 4.0])), 1.0).x
        array([0.6, 0.8])
    """
    if clip_norm is None:
        return grads
    norm = np.sqrt(sum(float(np.vdot(array, array)) for array in grads))
    if norm <= clip_norm:
        return grads
    return type(grads)(*(array * (clip_norm / norm) for array in grads))


def flatten(stacked: Params) -> NDArray[np.float64]:
    """Arrays ``(n_models, ...)`` as one ``(n_models, n_params)``."""
    return np.concatenate([a.reshape(len(a), -1) for a in stacked], axis=1)


def unflatten(flat: NDArray, like: Params) -> Params:
    """Cut flat vectors into arrays of the shapes and the type of `like`."""
    arrays, start, rows = [], 0, flat.size // flat.shape[-1]
    for array in like:
        stop = start + array.size // rows
        arrays.append(flat[..., start:stop].reshape(array.shape))
        start = stop
    return type(like)(*arrays)
