"""Errors and skill."""

import numpy as np
import pytest

from qlstm import errors, skill


def test_errors_by_hand():
    found = errors([1.0, 2.0, 3.0, 4.0], [1.0, 4.0, 3.0, 0.0])
    assert found == (5.0, np.sqrt(5.0), 1.5)
    assert all(type(value) is float for value in found)


def test_errors_of_any_shape():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 4))
    found = errors(a, b)
    assert found == errors(a.ravel(), b.ravel()) == errors(b, a)
    assert found.rmse >= found.mae  # Jensen
    assert errors(a, a) == (0, 0, 0)
    scaled = errors(10 * a, 10 * b)
    np.testing.assert_allclose(scaled, (100 * found.mse, *np.multiply(10, found[1:])))


@pytest.mark.parametrize("mse, expected", [(0.0, 1.0), (2.0, 0.0), (3.0, -0.5)])
def test_skill_by_hand(mse, expected):
    assert skill(mse, 2.0) == expected


@pytest.mark.parametrize("reference", [0.0, -1.0, np.nan])
def test_skill_needs_a_reference_with_an_error(reference):
    text = f"`reference_mse` must be positive, but is {reference}"
    with pytest.raises(ValueError, match=text):
        skill(1.0, reference)


@pytest.mark.parametrize("a, b", [([1.0], [1.0, 2.0]), ([], []), ([[1.0]], [1.0])])
def test_shapes_must_agree(a, b):
    text = r"`predictions` and `targets` must have the same shape and not be empty, but"
    with pytest.raises(ValueError, match=text):
        errors(a, b)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_must_be_finite(value):
    for a, b in (([value], [1.0]), ([1.0], [value])):
        with pytest.raises(ValueError, match="`predictions` and `targets` must be fin"):
            errors(a, b)
