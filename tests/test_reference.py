"""Training runs of the paper's published model, reproduced number by number."""

import json
from pathlib import Path

import numpy as np
import pytest

from qlstm import (
    QLSTMConfig,
    QLSTMParams,
    adam_init,
    adam_update,
    loss_and_grad,
    predict,
)

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "reference"
RUNS = sorted(FOLDER.glob("*.json"))


def _params(record: dict) -> QLSTMParams:
    return QLSTMParams(
        np.array(record["proj_weight"]).T,
        np.array(record["proj_bias"]),
        np.array(record["entangler"]),
        np.array(record["disentangler"]),
    )


def _windows(values: np.ndarray, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    cut = np.lib.stride_tricks.sliding_window_view(values, n_steps + 1)
    return cut[:, :-1, None], cut[:, -1]


@pytest.mark.skipif(not RUNS, reason="the reference runs are not on this machine")
@pytest.mark.parametrize("path", RUNS, ids=[path.stem for path in RUNS])
def test_reproduces_the_published_run(path):
    run = json.loads(path.read_text())
    config = QLSTMConfig(
        n_system=run["n_system"],
        n_ancilla=run["n_ancilla"],
        n_layers=run["n_layers"],
        rotation=run["rotation"],
        memory=run["memory"],
    )
    series = np.array(run["series"])
    inputs, targets = _windows(series[: run["n_train"]], run["n_steps"])
    test_inputs, test_targets = _windows(series[run["n_train"] :], run["n_steps"])
    params = _params(run["init"])

    first = slice(0, run["batch_size"])
    loss, grads = loss_and_grad(params, inputs[first], targets[first], config)
    assert loss == pytest.approx(run["init_loss"], abs=1e-9)
    for ours, theirs in zip(grads, _params(run["init_grad"]), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9, rtol=0)

    state, losses = adam_init(params), []
    for order in run["batch_order"]:
        for start in range(0, len(order), run["batch_size"]):
            batch = order[start : start + run["batch_size"]]
            loss, grads = loss_and_grad(params, inputs[batch], targets[batch], config)
            params, state = adam_update(
                params, grads, state, learning_rate=run["learning_rate"]
            )
            losses.append(loss)
    np.testing.assert_allclose(losses, np.ravel(run["batch_losses"]), atol=1e-9, rtol=0)
    for ours, theirs in zip(params, _params(run["final"]), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-7, rtol=0)
    predictions = predict(params, test_inputs, config)
    np.testing.assert_allclose(predictions, run["test_predictions"], atol=1e-8, rtol=0)
    np.testing.assert_allclose(test_targets, run["test_targets"], atol=1e-12, rtol=0)
