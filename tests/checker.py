"""Check a gradient by random projection against extrapolated central differences."""

from itertools import pairwise

import numpy as np

STEP = 2e-3
"""Largest distance; with it truncation and rounding are both near 1e-12."""
DRAWS = 50
TINY = 1e-3
"""A directional derivative below this is redrawn."""
TIE = 1e-4
"""Margin of the likeliest outcome under which a collapse may jump."""


def flatten(arrays):
    """Arrays as one vector."""
    return np.concatenate([np.ravel(array) for array in arrays])


def like(vector, arrays):
    """A vector cut into arrays, as `arrays` is."""
    pieces, start = [], 0
    for array in arrays:
        pieces.append(vector[start : start + np.size(array)].reshape(np.shape(array)))
        start += np.size(array)
    return type(arrays)(*pieces) if hasattr(arrays, "_fields") else pieces


def derivative(f, step=STEP):
    """``f'(0)`` by central differences at three steps, extrapolated twice: O(step^6)."""
    rows = [(f(h) - f(-h)) / (2 * h) for h in (step, step / 2, step / 4)]
    first = [(4 * fine - coarse) / 3 for coarse, fine in pairwise(rows)]
    return (16 * first[1] - first[0]) / 15


def relative_error(rng, draw, loss, gradient, stable=None):
    """Relative error of a gradient along a random direction of norm 1.

    Args:
        rng: Source of directions.
        draw: Called for a point: a list or NamedTuple of real arrays.
        loss: Real function of a point.
        gradient: Its gradient, in the layout of the point.
        stable: Function of a list of points that says whether the loss is smooth
            between them; if not, another point is drawn.

    Returns:
        ``|<gradient, v> - df/dv| / |df/dv|``.
    """
    for _ in range(DRAWS):
        point = draw()
        x = flatten(point)
        v = rng.normal(size=x.size)
        v /= np.linalg.norm(v)

        def at(h, x=x, v=v, point=point):
            return like(x + h * v, point)

        if stable and not stable([at(-STEP), at(0), at(STEP)]):
            continue
        measured = derivative(lambda h, at=at: loss(at(h)))
        if abs(measured) > TINY:
            return abs(flatten(gradient(point)) @ v - measured) / abs(measured)
    raise AssertionError(f"no fit point in {DRAWS} draws")
