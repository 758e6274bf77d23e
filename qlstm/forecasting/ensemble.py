"""Several runs of one forecaster, whose mean is the forecast."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qlstm.checks import check_rng, check_size
from qlstm.forecasting.base import Fitted, Forecaster
from qlstm.forecasting.examples import Examples


@dataclass(frozen=True, eq=False)
class FittedEnsemble(Fitted):
    """The runs of a forecaster."""

    members: tuple[Fitted, ...]

    def _predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean of the members' forecasts."""
        found = [member.predict(inputs) for member in self.members]
        return np.mean(found, axis=0).reshape(len(inputs), -1)


@dataclass(frozen=True)
class Ensemble(Forecaster):
    """A forecaster that is fitted several times, from starts of its own.

    The mean of forecasts has at most the mean of their squared errors. Quantum models
    of one ensemble are trained as one batch.

    Args:
        forecaster: What is fitted.
        n_members: How many times.

    Raises:
        TypeError: If `n_members` is not an integer.
        ValueError: If `n_members` is not positive.

    References:
        Krogh and Vedelsby, "Neural network ensembles, cross validation, and active
        learning", Advances in Neural Information Processing Systems 7 (1995), 231.

    Example:
        >>> from qlstm.forecasting import make_forecaster
        >>> rng = np.random.default_rng(0)
        >>> inputs = rng.uniform(-1, 1, (20, 5, 1))
        >>> three = Ensemble(make_forecaster("quantum", epochs=5), 3)
        >>> len(three.fit(inputs, inputs[:, -1, 0] / 2, rng=rng).members)
        3
    """

    forecaster: Forecaster
    n_members: int

    def __post_init__(self) -> None:
        check_size("n_members", self.n_members)

    def _fit_many(
        self,
        examples: list[Examples],
        rngs: list[np.random.Generator],
        validation: list[Examples | None],
        **options: object,
    ) -> list[Fitted]:
        """All members of all sets at once."""
        for rng in rngs:
            check_rng(rng)
        n = self.n_members
        found = self.forecaster._fit_many(
            [own for own in examples for _ in range(n)],
            [child for rng in rngs for child in rng.spawn(n)],
            [own for own in validation for _ in range(n)],
            **options,
        )
        groups = (tuple(found[k : k + n]) for k in range(0, len(found), n))
        return [
            FittedEnsemble(own.layout, sum(m.n_params for m in members), members)
            for own, members in zip(examples, groups, strict=True)
        ]

    def _fit(
        self,
        examples: Examples,
        rng: np.random.Generator,
        validation: Examples | None,
        **options: object,
    ) -> Fitted:
        """The same for one set."""
        return self._fit_many([examples], [rng], [validation], **options)[0]
