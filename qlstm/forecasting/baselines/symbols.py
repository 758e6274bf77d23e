"""Recurrent networks that predict the next symbol: what floats make of a sequence.

The network hears the symbols one by one, each as a vector of zeros and a one, and gives
probabilities of the next: a softmax of its readout. Its cell and the backward pass are
those of the forecasters (docs/baselines.md, sections 4 and 5). A state of `n_hidden`
floats is no finite memory; nothing here counts states.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_choice, check_rng, check_size, check_symbols
from qlstm.forecasting.baselines.networks import init_recurrent
from qlstm.forecasting.baselines.recurrent import (
    Cell,
    ElmanCell,
    LSTMCell,
    RecurrentParams,
)
from qlstm.forecasting.examples import Layout
from qlstm.options import Training
from qlstm.rule import Rngs
from qlstm.run_state import first_state
from qlstm.sets import Sets
from qlstm.train import train_together

CELLS = {"lstm": LSTMCell, "rnn": ElmanCell}


class SymbolNetwork(NamedTuple):
    """A trained network of symbols."""

    cell: Cell
    """`LSTMCell` or `ElmanCell`."""
    params: RecurrentParams
    """Its arrays; `n_features` and `n_outputs` are the number of symbols."""
    losses: list[float]
    """Training log-loss of each epoch, bits a symbol."""

    @property
    def n_symbols(self) -> int:
        """Number of symbols."""
        return len(self.params.readout_bias)

    @property
    def n_params(self) -> int:
        """Trained numbers."""
        return sum(array.size for array in self.params)

    def log_likelihood(self, records: ArrayLike, skip: int = 0) -> NDArray[np.float64]:
        """How likely each record is, in bits a symbol; minus that is its log-loss.

        ``log2 P(i_(skip+1) ... i_L | i_1 ... i_skip) / (L - skip)``

        Args:
            records: Integers ``(n_sequences, length)`` from 0 to ``n_symbols - 1``.
            skip: So many first symbols of each are heard, not scored.

        Returns:
            Array ``(n_sequences,)``, bits a symbol, below 0.

        Raises:
            TypeError: If the records are no integers, or `skip` is none.
            ValueError: If a symbol is out of range, or an argument is wrong.
        """
        records = check_symbols(records, self.n_symbols, skip)
        run = self.cell.forward(self.params, one_hot_before(records, self.n_symbols))
        bits = log2_softmax(self.params, run.hidden[1:])
        chosen = np.take_along_axis(bits, records.T[..., None], axis=-1)[..., 0]
        return chosen[skip:].mean(axis=0)


def fit_network(
    records: ArrayLike,
    n_symbols: int,
    *,
    kind: str = "lstm",
    n_hidden: int = 4,
    rng: np.random.Generator,
    epochs: int = 100,
    batch_size: int = 20,
    learning_rate: float = 0.01,
    schedule: str = "cosine",
) -> SymbolNetwork:
    """Train a recurrent network to predict the next symbol, by Adam on the log-loss.

    ``q_t = softmax(h_(t-1) V + d)``, loss ``- mean log2 q_t[i_t]`` over all symbols; of
    the first symbol it has heard nothing.

    Args:
        records: Integers ``(n_sequences, length)`` from 0 to ``n_symbols - 1``.
        n_symbols: Number of symbols.
        kind: ``"lstm"`` or ``"rnn"``, Elman's network.
        n_hidden: Hidden units.
        rng: Source of randomness for the initial parameters and the shuffles.
        epochs: Passes over the records.
        batch_size: Records in a minibatch.
        learning_rate: Adam's step size.
        schedule: As in `qlstm.train.Training`.

    Returns:
        A `SymbolNetwork`.

    Raises:
        TypeError: If the records are no integers, a size is none, or `rng` is no
            generator.
        ValueError: If a symbol is out of range, or an argument is wrong.

    Example:
        >>> records = np.tile([0, 1, 1], (20, 4))
        >>> rng = np.random.default_rng(0)
        >>> network = fit_network(records, 2, n_hidden=3, rng=rng, learning_rate=0.05)
        >>> bits = network.log_likelihood(records, skip=3)
        >>> network.n_params, bool(bits.min() > -0.1)
        (80, True)
    """
    check_size("n_symbols", n_symbols)
    records = check_symbols(records, n_symbols)
    check_choice("kind", kind, tuple(CELLS))
    check_size("n_hidden", n_hidden)
    check_rng(rng)
    training = Training(epochs, batch_size, learning_rate, schedule=schedule)
    cell, layout = CELLS[kind], Layout(records.shape[1], n_symbols, n_symbols)
    state = first_state(init_recurrent(cell, n_hidden, layout, rng), rng)
    inputs = one_hot_before(records, n_symbols)
    sets = Sets(inputs[None], records[None], None)
    (done,) = train_together([state], sets, _SymbolLearner(cell), training)
    rng.bit_generator.state = done.rng_state  # it has drawn the shuffles
    return SymbolNetwork(cell, done.params, done.history["loss"])


class _SymbolLearner:
    """A network of symbols as what is trained."""

    def __init__(self, cell: Cell) -> None:
        """Its cell is all it needs."""
        self.cell = cell

    def loss_and_grad(
        self, params: RecurrentParams, inputs: NDArray, targets: NDArray, rngs: Rngs
    ) -> tuple[NDArray, RecurrentParams, None]:
        """Nothing switches."""
        return *symbol_loss_and_grad(self.cell, params, inputs, targets), None

    def loss(
        self, params: RecurrentParams, inputs: NDArray, targets: NDArray, rngs: Rngs
    ) -> NDArray[np.float64]:
        """Mean log-loss of each network."""
        return symbol_loss_and_grad(self.cell, params, inputs, targets)[0]


def symbol_loss_and_grad(
    cell: Cell, params: RecurrentParams, inputs: NDArray, targets: NDArray
) -> tuple[NDArray[np.float64], RecurrentParams]:
    """Mean log-loss of the next symbols, and its gradient.

    ``L = - mean log2 q_t[i_t]``, ``grad_y_t = (q_t - one_hot(i_t)) / (n ln 2)``,
    ``grad_h = grad_y V^T``, n the number of symbols

    Args:
        cell: `ElmanCell` or `LSTMCell`.
        params: The parameters.
        inputs: The symbols before, ``(..., batch, n_steps, n_symbols)``.
        targets: The symbols, ``(..., batch, n_steps)``.

    Returns:
        The loss, ``(...)``, bits a symbol, and its gradient, in the layout of the
        parameters.
    """
    run = cell.forward(params, inputs)
    hidden, symbols = run.hidden[1:], np.moveaxis(targets, -1, 0)[..., None]
    bits = log2_softmax(params, hidden)  # (n_steps, ..., batch, n_symbols)
    size = targets.shape[-1] * targets.shape[-2]
    loss = -np.take_along_axis(bits, symbols, axis=-1).sum(axis=(0, -2, -1)) / size
    is_symbol = symbols == np.arange(bits.shape[-1])
    grad_y = (np.exp2(bits) - is_symbol) / (size * np.log(2))
    grads = cell.backward(params, run, grad_y @ params.readout_weight.mT)
    return loss, grads._replace(
        readout_weight=(hidden.mT @ grad_y).sum(axis=0),
        readout_bias=grad_y.sum(axis=(0, -2)),
    )


def log2_softmax(params: RecurrentParams, hidden: NDArray) -> NDArray[np.float64]:
    """``log2 softmax(h V + d)``; the greatest is taken off, so nothing overflows."""
    y = hidden @ params.readout_weight + params.readout_bias[..., None, :]
    y = y - y.max(axis=-1, keepdims=True)
    return (y - np.log(np.exp(y).sum(axis=-1, keepdims=True))) / np.log(2)


def one_hot_before(records: NDArray, n_symbols: int) -> NDArray[np.float64]:
    """The symbol before each, ``(n, length, n_symbols)``; zeros before the first."""
    found = np.zeros((*records.shape, n_symbols))
    found[:, 1:] = np.eye(n_symbols)[records[:, :-1]]
    return found
