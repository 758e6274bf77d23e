"""Write torch_lstm.json: ``python tests/golden/make_torch_lstm.py``.

Every number comes from PyTorch in float64, seeded; nothing of this project is used. The
file holds one case a network (`torch.nn.RNN` and `torch.nn.LSTM`) and size. A case has
the arrays of PyTorch, in PyTorch's layout:

    inputs        (batch, n_steps, n_features)
    targets       (batch, n_outputs)
    probe         (batch, n_steps, n_hidden)
    params        weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 of the network, and
                  weight, bias of a linear readout of the last hidden state
    hidden        (batch, n_steps, n_hidden)
    cell          (batch, n_hidden)       after the last step, LSTM only
    outputs       (batch, n_outputs)
    loss          mean (outputs - targets)^2 + sum probe * hidden
    grads         of the loss, in the layout of params

The probe gives every hidden state a gradient of its own. Numbers have the 17 digits that
give back the same float64.
"""

import json
import platform
from pathlib import Path

import torch

FILE = Path(__file__).parent / "torch_lstm.json"
SIZES = (  # n_features, n_hidden, n_steps, batch, n_outputs
    (1, 1, 1, 1, 1),
    (1, 2, 10, 3, 1),
    (2, 3, 4, 2, 2),
)
NETWORKS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}


def make_case(name: str, sizes: tuple[int, ...]) -> dict:
    """One network of one size: its parameters, outputs and gradients."""
    n_features, n_hidden, n_steps, batch, n_outputs = sizes
    network = NETWORKS[name](n_features, n_hidden, batch_first=True)
    readout = torch.nn.Linear(n_hidden, n_outputs)
    inputs = torch.randn(batch, n_steps, n_features)
    targets = torch.randn(batch, n_outputs)
    probe = torch.randn(batch, n_steps, n_hidden)

    hidden, last = network(inputs)
    outputs = readout(hidden[:, -1])
    loss = ((outputs - targets) ** 2).mean() + (probe * hidden).sum()
    loss.backward()

    named = dict([*network.named_parameters(), *readout.named_parameters()])
    case = {
        "network": name,
        "inputs": inputs,
        "targets": targets,
        "probe": probe,
        "hidden": hidden,
        "outputs": outputs,
        "loss": loss,
    }
    if name == "lstm":
        case["cell"] = last[1][0]
    arrays = {
        "params": {key: value.tolist() for key, value in named.items()},
        "grads": {key: value.grad.tolist() for key, value in named.items()},
    }
    plain = {k: v.tolist() if torch.is_tensor(v) else v for k, v in case.items()}
    return plain | arrays


def main() -> None:
    """Make all cases and write the file."""
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    content = {
        "made_by": "tests/golden/make_torch_lstm.py",
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "cases": [make_case(name, sizes) for name in NETWORKS for sizes in SIZES],
    }
    FILE.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
