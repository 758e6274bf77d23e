"""Any forecaster as a regressor."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from qlstm.checks import check_choice
from qlstm.estimator.base import Regressor
from qlstm.forecasting.forecasters import (
    FORECASTERS,
    forecaster_options,
    make_forecaster,
)

OWN = ("name", "n_features", "random_state")
"""Options that are no forecaster's."""


class BaselineRegressor(Regressor):
    """Any forecaster of `qlstm.forecasting` as a regressor.

    Args:
        name: Its name, such as ``"ar"`` or ``"ridge"``.
        n_features: Values in a step, where X has two dimensions.
        random_state: As in `QLSTMRegressor`.
        **options: Of the forecaster, such as ``p=3`` for ``"ar"``. `get_params` lists
            all that the named one has; when another name is set, it has options of its
            own, and those that it does not know no longer count.

    Example:
        >>> X = np.random.default_rng(0).uniform(-1, 1, (40, 5))
        >>> BaselineRegressor("ar", p=2).fit(X, X[:, -2]).score(X, X[:, -2]) > 0.999
        True
    """

    def __init__(
        self,
        name: str = "ar",
        *,
        n_features: int = 1,
        random_state: Any = None,
        **options: Any,
    ) -> None:
        """Keep the options; `fit` checks them."""
        self.name, self.n_features, self.random_state = name, n_features, random_state
        for option, value in options.items():
            setattr(self, option, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every option with its value, those of the named forecaster, too.

        Args:
            deep: For scikit-learn; no option has options of its own.
        """
        own = {name: getattr(self, name) for name in OWN}
        usual = make_forecaster(self.name).get_params() if self._is_known() else {}
        return own | {
            name: getattr(self, name, value)
            for name, value in usual.items()
            if name not in OWN
        }

    def set_params(self, **options: Any) -> Self:
        """Set options; with another name, those that it does not have are forgotten.

        Args:
            **options: Names and values; ``name`` goes first.

        Returns:
            Itself.

        Raises:
            ValueError: If an option is unknown.
        """
        if "name" in options:
            self.name = options.pop("name")
            for option in self._given():
                if option not in self.get_params():
                    delattr(self, option)
        return super().set_params(**options)

    def _given(self) -> list[str]:
        """Options that were given; what `fit` leaves ends with an underscore."""
        return [n for n in vars(self) if n[0] != "_" and n[-1] != "_"]

    def _is_known(self) -> bool:
        """Whether there is a forecaster of this name."""
        return isinstance(self.name, str) and self.name in FORECASTERS

    def _option_names(self) -> list[str]:
        """Names of its own, and of the forecaster's options."""
        return list(self.get_params())

    def _fit(self, inputs: NDArray[np.float64], targets: NDArray[np.float64]) -> None:
        """Fit the named forecaster."""
        check_choice("name", self.name, tuple(FORECASTERS))
        known = self.get_params()
        for option in self._given():
            if option not in known:
                raise ValueError(
                    f"Argument `{option}` must be an option of {self.name}, which has "
                    f"{', '.join(forecaster_options(self.name)) or 'none'}."
                )
        options = {name: value for name, value in known.items() if name not in OWN}
        try:
            forecaster = make_forecaster(self.name, **options)
            self._model = forecaster.fit(inputs, targets, rng=self._rng())
        except ValueError as error:
            if len(inputs) > 1:
                raise
            raise ValueError(f"{error} There is 1 sample.") from None
