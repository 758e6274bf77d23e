"""Two recurrent networks, Elman's and the LSTM, forward and backward by hand.

Arrays inside are time first. Behind the time there may be an axis of models, which
parameters and data then have first; it is written ``...``. The gradient of the last
state, or of all states, comes in as `grad_hidden`; derivations: docs/baselines.md.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class RecurrentParams(NamedTuple):
    """The trained arrays; gradients have the same layout.

    The columns of the first three are the gates' one after the other: one block of
    `n_hidden` for Elman's network; input, forget, candidate, output for the LSTM.
    """

    input_weight: NDArray[np.float64]
    """``(n_features, n_gates * n_hidden)``."""
    hidden_weight: NDArray[np.float64]
    """``(n_hidden, n_gates * n_hidden)``."""
    bias: NDArray[np.float64]
    """``(n_gates * n_hidden,)``."""
    readout_weight: NDArray[np.float64]
    """``(n_hidden, n_outputs)``."""
    readout_bias: NDArray[np.float64]
    """``(n_outputs,)``."""


class Run(NamedTuple):
    """A forward pass: the states, and what the backward pass needs."""

    inputs: NDArray[np.float64]
    """``x_t``, ``(n_steps, ..., batch, n_features)``."""
    hidden: NDArray[np.float64]
    """``h_t``, ``(n_steps + 1, ..., batch, n_hidden)``; the first is from before."""
    cell: NDArray[np.float64]
    """``c_t``, the same; LSTM only, else empty."""
    gates: NDArray[np.float64]
    """i, f, g, o of each step, ``(n_steps, 4, ..., batch, n_hidden)``; LSTM only."""


class ElmanCell:
    """``h_t = tanh(x_t W + h_{t-1} R + b)``."""

    n_gates = 1

    @staticmethod
    def forward(
        params: RecurrentParams,
        inputs: NDArray,
        state: tuple[NDArray, NDArray] | None = None,
    ) -> Run:
        """Run over windows (docs/baselines.md, eq. 6).

        Args:
            params: The parameters.
            inputs: Windows ``(..., batch, n_steps, n_features)``.
            state: States before the window, each ``(..., batch, n_hidden)``, the second
                not used; zeros if None.

        Returns:
            A `Run`.
        """
        x, n_hidden = np.moveaxis(inputs, -2, 0), params.hidden_weight.shape[-2]
        n_steps, *lead, _ = x.shape
        hidden = np.zeros((n_steps + 1, *lead, n_hidden))
        if state is not None:
            hidden[0] = state[0]
        driven = (
            x @ params.input_weight + params.bias[..., None, :]
        )  # all steps at once
        for t in range(n_steps):
            hidden[t + 1] = np.tanh(driven[t] + hidden[t] @ params.hidden_weight)
        return Run(x, hidden, hidden[:0], hidden[:0])

    @staticmethod
    def backward(
        params: RecurrentParams, run: Run, grad_hidden: NDArray
    ) -> RecurrentParams:
        """Pull a gradient of the hidden states back (docs/baselines.md, eqs. 7, 8).

        Args:
            params: The parameters `forward` was given.
            run: What it returned.
            grad_hidden: Gradient with respect to each ``h_t``,
                ``(n_steps, ..., batch, n_hidden)``.

        Returns:
            Gradients in the layout of the parameters; zeros for the readout.
        """
        grad_a = np.empty(grad_hidden.shape)
        slope = 1 - run.hidden[1:] ** 2
        back = params.hidden_weight.mT
        for t in range(len(grad_hidden) - 1, -1, -1):
            grad_h = grad_hidden[t]
            if t + 1 < len(grad_hidden):
                grad_h = grad_h + grad_a[t + 1] @ back
            grad_a[t] = grad_h * slope[t]
        return _weights_backward(params, run, grad_a)


class LSTMCell:
    """The LSTM with a forget gate, as in ``torch.nn.LSTM``.

    ``i, f, o = sigmoid(a)``, ``g = tanh(a)``, ``a = x_t W + h_{t-1} R + b`` by gate,
    ``c_t = f c_{t-1} + i g``, ``h_t = o tanh(c_t)``
    """

    n_gates = 4

    @staticmethod
    def forward(
        params: RecurrentParams,
        inputs: NDArray,
        state: tuple[NDArray, NDArray] | None = None,
    ) -> Run:
        """Run over windows (docs/baselines.md, eqs. 9 to 12).

        Args:
            params: The parameters.
            inputs: Windows ``(..., batch, n_steps, n_features)``.
            state: States h and c before the window, each ``(..., batch, n_hidden)``;
                zeros if None.

        Returns:
            A `Run`.
        """
        x, n_hidden = np.moveaxis(inputs, -2, 0), params.hidden_weight.shape[-2]
        n_steps, *lead, _ = x.shape
        hidden, cell = np.zeros((2, n_steps + 1, *lead, n_hidden))
        if state is not None:
            hidden[0], cell[0] = state
        half = _halves(n_hidden)
        driven = (
            x @ params.input_weight + params.bias[..., None, :]
        )  # all steps at once
        driven, recurrent = driven * half, params.hidden_weight * half
        gates = np.empty((n_steps, 4, *lead, n_hidden))
        for t in range(n_steps):
            # sigmoid(a) = 1/2 + tanh(a / 2) / 2, so one tanh serves all four gates
            squashed = np.tanh(driven[t] + hidden[t] @ recurrent) * half + (1 - half)
            gates[t] = np.moveaxis(squashed.reshape(*lead, 4, n_hidden), -2, 0)
            i, f, g, o = gates[t]
            cell[t + 1] = f * cell[t] + i * g
            hidden[t + 1] = o * np.tanh(cell[t + 1])
        return Run(x, hidden, cell, gates)

    @staticmethod
    def backward(
        params: RecurrentParams, run: Run, grad_hidden: NDArray
    ) -> RecurrentParams:
        """Pull a gradient of the hidden states back (docs/baselines.md, eqs. 13 to 15).

        Args:
            params: The parameters `forward` was given.
            run: What it returned.
            grad_hidden: Gradient with respect to each ``h_t``,
                ``(n_steps, ..., batch, n_hidden)``.

        Returns:
            Gradients in the layout of the parameters; zeros for the readout.
        """
        n_steps, *lead, n_hidden = grad_hidden.shape
        i, f, g, o = run.gates.swapaxes(0, 1)
        squashed = np.tanh(run.cell[1:])
        into_cell = o * (1 - squashed**2)
        # what multiplies grad_c (i, f, g) or grad_h (o) to give the gradient of a
        factors = np.stack(
            [
                g * i * (1 - i),
                run.cell[:-1] * f * (1 - f),
                i * (1 - g**2),
                squashed * o * (1 - o),
            ],
            axis=-2,
        )  # (n_steps, ..., batch, 4, n_hidden)
        grad_a = np.empty((n_steps, *lead, 4, n_hidden))
        back = params.hidden_weight.mT
        grad_c = np.zeros((*lead, n_hidden))
        for t in range(n_steps - 1, -1, -1):
            grad_h = grad_hidden[t]
            if t + 1 < n_steps:
                grad_h = grad_h + grad_a[t + 1].reshape(*lead, -1) @ back
                grad_c = grad_c * f[t + 1]
            grad_c = grad_c + grad_h * into_cell[t]
            grad_a[t, ..., :3, :] = grad_c[..., None, :]
            grad_a[t, ..., 3, :] = grad_h
            grad_a[t] *= factors[t]
        return _weights_backward(params, run, grad_a.reshape(n_steps, *lead, -1))


Cell = type[ElmanCell] | type[LSTMCell]
"""A recurrent network without its readout: it runs over windows, from a state h, c or
from zeros, and pulls a gradient of the hidden states back to the parameters."""


def _halves(n_hidden: int) -> NDArray[np.float64]:
    """1/2 for the columns of the sigmoid gates i, f and o, 1 for those of g."""
    return np.repeat([0.5, 0.5, 1.0, 0.5], n_hidden)


def _weights_backward(
    params: RecurrentParams, run: Run, grad_a: NDArray
) -> RecurrentParams:
    """``grad_W = sum_t x_t^T grad_a_t`` of all steps (docs/baselines.md, eq. 8)."""
    x, before, flat = map(_by_model, (run.inputs, run.hidden[:-1], grad_a))
    return RecurrentParams(
        x.mT @ flat,
        before.mT @ flat,
        flat.sum(axis=-2),
        np.zeros(params.readout_weight.shape),
        np.zeros(params.readout_bias.shape),
    )


def _by_model(array: NDArray) -> NDArray:
    """Steps and windows as one axis, ``(..., n_steps * batch, n)``."""
    array = np.moveaxis(array, 0, -3)
    return array.reshape(*array.shape[:-3], -1, array.shape[-1])


def recurrent_forecast(cell: Cell, params: RecurrentParams, inputs: NDArray) -> NDArray:
    """``y = h_T V + d``: forecasts of windows, ``(..., batch, n_outputs)``."""
    hidden = cell.forward(params, inputs).hidden[-1]
    return hidden @ params.readout_weight + params.readout_bias[..., None, :]


def recurrent_loss_and_grad(
    cell: Cell, params: RecurrentParams, inputs: NDArray, targets: NDArray
) -> tuple[NDArray[np.float64], RecurrentParams]:
    """Mean squared error of the forecasts and its gradient (docs/baselines.md, eq. 5).

    Args:
        cell: `ElmanCell` or `LSTMCell`.
        params: The parameters.
        inputs: Windows ``(..., batch, n_steps, n_features)``.
        targets: ``(..., batch, n_outputs)``.

    Returns:
        The loss, ``(...)``, and its gradient, in the layout of the parameters.
    """
    run = cell.forward(params, inputs)
    last = run.hidden[-1]
    outputs = last @ params.readout_weight + params.readout_bias[..., None, :]
    residuals = outputs - targets
    size = residuals.shape[-2] * residuals.shape[-1]
    grad_y = residuals * (2 / size)
    grad_hidden = np.zeros(run.hidden[1:].shape)
    grad_hidden[-1] = grad_y @ params.readout_weight.mT
    grads = cell.backward(params, run, grad_hidden)._replace(
        readout_weight=last.mT @ grad_y, readout_bias=grad_y.sum(axis=-2)
    )
    flat = residuals.reshape(*residuals.shape[:-2], size)
    return np.vecdot(flat, flat) / size, grads
