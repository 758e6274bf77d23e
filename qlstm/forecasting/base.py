"""What all forecasters have in common, in the manners of scikit-learn.

A forecaster is a frozen dataclass: what to fit, its options being the fields. `fit`
checks windows and targets once and calls `_fit`; what comes back is a `Fitted`, whose
`predict` checks windows once and calls `_predict`. A forecaster of one's own is those
two methods (docs/baselines.md, section 1).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.forecasting.examples import (
    Examples,
    Layout,
    check_examples,
    check_validation,
)
from qlstm.options import Training
from qlstm.params import QLSTMConfig

Validation = tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a forecaster becomes when it is fitted: subclasses have `_predict`."""

    layout: Layout
    """Sizes of the windows and targets it was fitted to."""
    n_params: int
    """Trained numbers."""

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Forecast windows.

        Args:
            inputs: Windows ``(n, n_steps, n_features)``, as in training.

        Returns:
            float64 array ``(n,)`` or ``(n, horizon)``, as the targets were.

        Raises:
            ValueError: If shapes do not fit or a value is not finite.
        """
        return self.layout.shape(self._predict(self.layout.check(inputs)))

    def _predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Forecast checked windows: ``(n, n_outputs)``."""
        raise NotImplementedError


@dataclass(frozen=True)
class Forecaster:
    """What to fit, with its options: subclasses have `_fit`."""

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Names of the options, those given by name alone last."""
        return tuple(f.name for f in sorted(fields(cls), key=lambda f: f.kw_only))

    @classmethod
    def from_options(cls, **options: Any) -> Self:
        """A forecaster from its options."""
        return cls(**options)

    def get_params(self) -> dict[str, Any]:
        """Every option with its value: what `from_options` takes."""
        return {name: getattr(self, name) for name in self.options()}

    def clone(self, **changes: Any) -> Self:
        """A new forecaster with some options changed.

        Example:
            >>> from qlstm.forecasting import Quantum
            >>> Quantum(epochs=20).clone(rotation="RY").get_params()["epochs"]
            20
        """
        return self.from_options(**self.get_params() | changes)

    def fit(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        rng: np.random.Generator,
        validation: Validation | None = None,
        **options: Any,
    ) -> Fitted:
        """Fit to windows.

        Args:
            inputs: Windows ``(n, n_steps, n_features)``; the first feature is the
                series itself.
            targets: The values after them, ``(n,)`` or ``(n, horizon)``.
            rng: Source of randomness; taken also where there is none.
            validation: Inputs and targets that are not trained on. They may choose the
                epoch to stop at.
            **options: What some take beside, such as the `callback` of `Quantum`.

        Returns:
            A `Fitted` forecaster, whose forecasts have the shape of the targets.

        Raises:
            ValueError: If shapes do not fit, a value is not finite, or the forecaster
                cannot be fitted to such windows.
        """
        examples, held_out = _check(inputs, targets, validation)
        return self._fit(examples, rng, held_out, **options)

    def fit_many(
        self,
        inputs: Any,
        targets: Any,
        *,
        rngs: Iterable[np.random.Generator],
        validation: Any = None,
        **options: Any,
    ) -> list[Fitted]:
        """Fit several at once: the same as `fit` one by one.

        Args:
            inputs: Windows that all share, or a list of them, one set for each.
            targets: Their targets, shared or a list alike.
            rngs: A source of randomness for each.
            validation: None, a pair that all share, or a list of pairs or None.
            **options: As in `fit`.

        Returns:
            A list of `Fitted`, one for each of `rngs`.

        Raises:
            ValueError: As `fit`, or if the lists differ in length.

        Example:
            >>> from qlstm.forecasting import make_forecaster
            >>> inputs = np.array([[[1.0], [2.0]], [[2.0], [4.0]]])
            >>> rngs = np.random.default_rng(0).spawn(3)
            >>> many = make_forecaster("mean").fit_many(inputs, [3.0, 6.0], rngs=rngs)
            >>> [fitted.predict(inputs)[0].item() for fitted in many]
            [4.5, 4.5, 4.5]
        """
        rngs = list(rngs)
        if len(inputs) == 0 or np.ndim(inputs[0]) < 3:  # shared, and checked once
            pairs = [_check(inputs, targets, validation)] * len(rngs)
        else:
            sets = [inputs, targets, validation or [None] * len(rngs)]
            for name, given in zip(("inputs", "targets", "validation"), sets):
                if len(given) != len(rngs):
                    raise ValueError(
                        f"Argument `{name}` must hold a set for each of {len(rngs)} "
                        f"generators, but holds {len(given)}."
                    )
            pairs = list(map(_check, *sets))
        examples, held_out = ([pair[i] for pair in pairs] for i in (0, 1))
        return self._fit_many(examples, rngs, held_out, **options)

    def _fit_many(
        self,
        examples: list[Examples],
        rngs: list[np.random.Generator],
        validation: list[Examples | None],
        **options: Any,
    ) -> list[Fitted]:
        """Fit to each of some checked sets; one by one where nothing is gained."""
        return [
            self._fit(own, rng, held_out, **options)
            for own, rng, held_out in zip(examples, rngs, validation, strict=True)
        ]

    def _fit(
        self, examples: Examples, rng: np.random.Generator, validation: Examples | None
    ) -> Fitted:
        """Fit to checked windows; validation data have the same layout."""
        raise NotImplementedError


def _check(
    inputs: ArrayLike, targets: ArrayLike, validation: Validation | None
) -> tuple[Examples, Examples | None]:
    """Windows to fit to, and those that are held out."""
    examples = check_examples(inputs, targets)
    return examples, check_validation(validation, examples.layout)


@dataclass(frozen=True, kw_only=True)
class Trained(Forecaster):
    """A forecaster that is trained by Adam on minibatches.

    Args:
        epochs: Passes over the training windows.
        batch_size: Windows in a minibatch.
        learning_rate: Adam's step size.
        schedule: Of the learning rate, see `qlstm.Training`.
        clip_norm: Longest gradient, see `qlstm.Training`.
        patience: Stop when the best validation loss (without validation data, training
            loss) is this many epochs old, and take the parameters of that epoch. If
            None, train all epochs and take the last parameters.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If a count or a rate is not positive, or a name is unknown.
    """

    epochs: int = 150
    batch_size: int = 5
    learning_rate: float = 0.01
    schedule: str = "constant"
    clip_norm: float | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        _ = self.training  # which checks

    @property
    def training(self) -> Training:
        """The options of training as one value."""
        known = {option.name for option in fields(Training)}
        return Training(**{k: v for k, v in vars(self).items() if k in known})

    def _fit(
        self,
        examples: Examples,
        rng: np.random.Generator,
        validation: Examples | None,
        **options: Any,
    ) -> Fitted:
        """The same for one set."""
        return self._fit_alike([examples], [rng], [validation], **options)[0]

    def _fit_many(
        self,
        examples: list[Examples],
        rngs: list[np.random.Generator],
        validation: list[Examples | None],
        **options: Any,
    ) -> list[Fitted]:
        """Those whose data have the same shapes are trained as one batch."""
        alike: dict[tuple, list[int]] = {}
        for k, sets in enumerate(zip(examples, validation, strict=True)):
            shapes = (part and (part.layout, part.inputs.shape) for part in sets)
            alike.setdefault(tuple(shapes), []).append(k)
        found: dict[int, Fitted] = {}
        for some in alike.values():
            ours = ([part[k] for k in some] for part in (examples, rngs, validation))
            found |= zip(some, self._fit_alike(*ours, **options), strict=True)
        return [found[k] for k in range(len(examples))]

    def _fit_alike(
        self,
        examples: list[Examples],
        rngs: list[np.random.Generator],
        validation: list[Examples | None],
        **options: Any,
    ) -> list[Fitted]:
        """Fit to data of the same shapes, all at once."""
        raise NotImplementedError


@dataclass(frozen=True)
class OfCell(Forecaster):
    """A forecaster with a quantum cell: its options are the cell's and its own."""

    config: QLSTMConfig = field(default_factory=QLSTMConfig)

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Names of the options: the fields of `QLSTMConfig`, then its own."""
        own = (name for name in super().options() if name != "config")
        return (*(entry.name for entry in fields(QLSTMConfig)), *own)

    @classmethod
    def from_options(cls, **options: Any) -> Self:
        """A forecaster from the fields of its configuration and its own options."""
        names = {entry.name for entry in fields(QLSTMConfig)} & set(options)
        return cls(QLSTMConfig(**{k: options.pop(k) for k in names}), **options)

    def get_params(self) -> dict[str, Any]:
        """Every option with its value: what `from_options` takes."""
        values = vars(self.config) | vars(self)
        return {name: values[name] for name in self.options()}

    def _config(self, layout: Layout) -> QLSTMConfig:
        """The configuration with the windows' features, if it names no other number."""
        if self.config.n_features > 1:
            return self.config
        return replace(self.config, n_features=layout.n_features)
