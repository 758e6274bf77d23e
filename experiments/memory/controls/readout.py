"""A linear readout by least squares, and what it gets out of its features."""

import numpy as np
from numpy.typing import NDArray


def fitted(
    features: NDArray, targets: NDArray, new_features: NDArray, new_targets: NDArray
) -> NDArray[np.float64]:
    """R^2 of new targets by a line fitted to the old ones; ``NRMSE^2 = 1 - R^2``.

    Args:
        features: Array ``(n, n_features)``; a constant is added.
        targets: Array ``(n, n_targets)``.
        new_features: Array ``(m, n_features)``.
        new_targets: Array ``(m, n_targets)``.

    Returns:
        R^2 of each target, ``(n_targets,)``.
    """
    old, new = (np.column_stack([f, np.ones(len(f))]) for f in (features, new_features))
    weights = np.linalg.lstsq(old, targets)[0]
    residual = new_targets - new @ weights
    return 1 - (residual**2).mean(axis=0) / new_targets.var(axis=0)


def halves(features: NDArray, targets: NDArray) -> NDArray[np.float64]:
    """R^2 of the second half by a line fitted to the first."""
    half = len(features) // 2
    return fitted(features[:half], targets[:half], features[half:], targets[half:])


def past(inputs: NDArray, n_lags: int, skip: int) -> NDArray[np.float64]:
    """The last inputs at each step, the newest first.

    Args:
        inputs: Array ``(..., n_steps)``.
        n_lags: How many.
        skip: Steps that are left out at the beginning, at least ``n_lags - 1``.

    Returns:
        Array ``(..., n_steps - skip, n_lags)``.
    """
    n_steps = inputs.shape[-1]
    lags = [inputs[..., skip - k : n_steps - k] for k in range(n_lags)]
    return np.stack(lags, axis=-1)


def state_variables(sigma: NDArray) -> NDArray[np.float64]:
    """What density matrices are made of: real numbers, without what is always 0.

    A linear readout sees through them all expectation values. There are ``d^2 - 1``,
    and ``d (d + 1) / 2 - 1`` where the matrices are real.

    Args:
        sigma: Array ``(n, d, d)``.

    Returns:
        Array ``(n, n_features)``.
    """
    upper = sigma[:, *np.triu_indices(sigma.shape[-1])]
    parts = np.column_stack([upper.real[:, :-1], upper.imag])  # the trace is 1
    return parts[:, np.abs(parts).max(axis=0) > 1e-12]
