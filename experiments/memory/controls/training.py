"""Training with a price on the step's Schmidt strength, its gradient by hand.

The data are few and the loss is smooth, so that L-BFGS on all of them takes a tenth of
the passes that Adam on minibatches takes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from experiments.memory.controls.readout import fitted
from qlstm import QLSTMConfig, QLSTMParams, loss_and_grad, predict
from qlstm.insight import stage_unitaries
from qsim.entanglement import schmidt_strength

WASHOUT = 10
"""Steps at the beginning of a sequence that count neither in a loss nor in a test."""


class Data(NamedTuple):
    """Sequences and what to say at each step."""

    inputs: NDArray[np.float64]
    """``(batch, n_steps, 1)``."""
    targets: NDArray[np.float64]
    """``(batch, n_steps)``, of mean 0 and variance 1 where they count."""


class Trained(NamedTuple):
    """The end of a training run."""

    params: QLSTMParams
    loss: float
    """Mean squared error where it counts, without the price."""
    strengths: list[float]
    """K of the step before training and after each iteration, in ebits."""


def train(
    params: QLSTMParams,
    data: Data,
    config: QLSTMConfig,
    iterations: int,
    price: float = 0.0,
) -> Trained:
    """Minimize the squared error plus ``price K(W)`` by L-BFGS.

    Args:
        params: Where to start.
        data: All of it is used in each evaluation.
        config: The cell, with a loss over all steps.
        iterations: Most of them.
        price: Of an ebit of the step's Schmidt strength K; below 0 a reward.

    Returns:
        The `Trained` cell.
    """
    strengths = [step_strength(params, config)]

    def objective(x: NDArray) -> tuple[float, NDArray]:
        at = unflatten(x, params)
        loss, grads = mean_error(at, data, config)
        grad = flatten(grads)
        if price:
            strength, of_angles = strength_and_grad(at, config)
            loss, grad = loss + price * strength, grad + price * flatten(of_angles)
        return loss, grad

    def watch(x: NDArray) -> None:
        strengths.append(step_strength(unflatten(x, params), config))

    found = minimize(
        objective, flatten(params), jac=True, method="L-BFGS-B", callback=watch,
        options={"maxiter": iterations},
    )  # fmt: skip
    end = unflatten(found.x, params)
    return Trained(end, mean_error(end, data, config)[0], strengths)


def mean_error(
    params: QLSTMParams, data: Data, config: QLSTMConfig
) -> tuple[float, QLSTMParams]:
    """Mean squared error behind the washout, and its gradient.

    Within the washout the targets are the outputs themselves: no error, no gradient.
    """
    inputs, targets = data
    early = predict(params, inputs[:, :WASHOUT], config, all_steps=True)
    targets = np.concatenate([early, targets[:, WASHOUT:]], axis=1)
    loss, grads = loss_and_grad(params, inputs, targets, config)
    share = inputs.shape[1] / (inputs.shape[1] - WASHOUT)
    return loss * share, type(grads)(*(share * g for g in grads))


def accuracy(
    params: QLSTMParams, train_data: Data, test_data: Data, config: QLSTMConfig
) -> float:
    """R^2 on held-out sequences, scale and offset fitted to the training sequences."""
    sides = []
    for inputs, targets in (train_data, test_data):
        outputs = predict(params, inputs, config, all_steps=True)[:, WASHOUT:]
        sides += [outputs.reshape(-1, 1), targets[:, WASHOUT:].reshape(-1, 1)]
    return float(fitted(*sides)[0])


def step_strength(params: QLSTMParams, config: QLSTMConfig) -> float:
    """K of ``W = U_dis U_en``, in ebits."""
    u_en, u_dis = stage_unitaries(params, config)
    return schmidt_strength(u_dis @ u_en, (config.system_dim, config.ancilla_dim))


def strength_and_grad(
    params: QLSTMParams, config: QLSTMConfig
) -> tuple[float, QLSTMParams]:
    """K of the step, and its exact gradient.

    An angle stands in one gate, so ``dW/dtheta = W(theta + pi) / 2``, and ``dK/dtheta =
    Re tr(G^dag dW/dtheta)`` with G of `strength_gradient`.
    """
    u_en, u_dis = stage_unitaries(params, config)
    dims = config.system_dim, config.ancilla_dim
    grad = strength_gradient(u_dis @ u_en, dims)
    grads = {}
    for name in ("entangler", "disentangler"):
        angles = getattr(params, name)
        grads[name] = np.zeros(angles.shape)
        for k in np.ndindex(angles.shape):
            moved = angles.copy()
            moved[k] += np.pi
            en, dis = stage_unitaries(params._replace(**{name: moved}), config)
            grads[name][k] = np.vdot(grad, dis @ en).real / 2
    flat = type(params)(*(np.zeros(a.shape) for a in params))
    return schmidt_strength(u_dis @ u_en, dims), flat._replace(**grads)


def strength_gradient(unitary: NDArray, dims: tuple[int, int]) -> NDArray:
    """``G = dK/dW``, in the sense ``dK = Re tr(G^dag dW)``.

    With the operator Schmidt coefficients ``s_k`` of W, ``p_k = s_k^2 / D``:
    ``dK/ds_k = -2 s_k / D log2 p_k``, 0 where ``s_k = 0``, for changes that keep W
    unitary: then ``sum_k p_k`` stays 1, and what else the derivative has drops out.

    Args:
        unitary: W, ``(D, D)``.
        dims: Dimensions of both registers, of product D.

    Returns:
        Array ``(D, D)``.
    """
    d_s, d_a = dims
    across = unitary.reshape(d_s, d_a, d_s, d_a).swapaxes(1, 2)
    left, s, right = np.linalg.svd(across.reshape(d_s**2, d_a**2), full_matrices=False)
    p = np.maximum(s**2 / len(unitary), np.finfo(float).tiny)
    slopes = -2 * s / len(unitary) * np.log2(p)
    grad = ((left * slopes) @ right).reshape(d_s, d_s, d_a, d_a)
    return grad.swapaxes(1, 2).reshape(unitary.shape)


def flatten(params: QLSTMParams) -> NDArray[np.float64]:
    """All numbers as one vector."""
    return np.concatenate([array.ravel() for array in params])


def unflatten(flat: NDArray, like: QLSTMParams) -> QLSTMParams:
    """The vector cut into arrays as `like` has them."""
    ends = np.cumsum([array.size for array in like])[:-1]
    parts = np.split(flat, ends)
    return type(like)(*(p.reshape(a.shape) for p, a in zip(parts, like, strict=True)))
