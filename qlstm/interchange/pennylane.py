"""To other libraries: one step of the cell as a PennyLane QNode.

PennyLane is imported when it is asked for, and nothing else here needs it.
"""

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from qlstm.params import QLSTMConfig, QLSTMParams, check_params

if TYPE_CHECKING:
    import pennylane


def to_pennylane(params: QLSTMParams, config: QLSTMConfig) -> "pennylane.QNode":
    """One step of the cell as a PennyLane QNode, for people who go on there.

    The node is called as ``node(x, h, proj_weight=..., proj_bias=...,
    entangler=..., disentangler=...)`` and returns ``(y, state)``:

    - ``x``: the input, ``(n_features,)`` or ``(batch, n_features)``.
    - ``h``: the memory, ``(2**n_ancilla,)`` or ``(batch, 2**n_ancilla)``, of norm 1;
      without it the first basis state.
    - the four parameters: those given here, unless the call brings others (to
      differentiate or train them). Shapes as in `QLSTMParams`.
    - ``y``: the readout ``<Z>`` of the last system wire, ``()`` or ``(batch,)``.
    - ``state``: the joint state, ``(2**n_wires,)`` or ``(batch, 2**n_wires)``. Every
      memory rule follows from it: reshaped to ``(2**n_system, 2**n_ancilla)``, its rows
      are the branches.

    It runs on default.qubit and is tested with autograd, PennyLane's own interface. For
    another device, or options of your own, wrap the function it was made of:
    ``qml.QNode(node.func, device)``.

    Args:
        params: The parameters that the node takes by default; copied.
        config: The model's configuration; its memory rule is left to the caller.

    Returns:
        The QNode.

    Raises:
        ImportError: If PennyLane is not installed.
        ValueError: If the parameters do not fit the configuration, or that is not the
            paper's cell (see `check_paper_cell`).

    Example:
        A sequence is a loop, here with the rule ``collapse``; the last output is what
        `predict` gives. (Doctest skips it, as PennyLane may be absent; where it is
        installed, tests/test_interchange.py runs these lines.)

        >>> import pennylane as qml                                   # doctest: +SKIP
        >>> from pennylane import numpy as pnp                        # doctest: +SKIP
        >>> from qlstm import init_params, predict                    # doctest: +SKIP
        >>> config = QLSTMConfig()                                    # doctest: +SKIP
        >>> params = init_params(config, np.random.default_rng(0))    # doctest: +SKIP
        >>> inputs = np.linspace(-1, 1, 10)[:, None]                  # doctest: +SKIP
        >>> cell = to_pennylane(params, config)                       # doctest: +SKIP
        >>> def last_output(entangler):                               # doctest: +SKIP
        ...     h = None
        ...     for x in inputs:
        ...         y, state = cell(x, h, entangler=entangler)
        ...         branches = state.reshape(4, 4)
        ...         p = pnp.sum(abs(branches) ** 2, axis=1)
        ...         i = pnp.argmax(p)
        ...         h = branches[i] / pnp.sqrt(p[i])
        ...     return y
        >>> entangler = pnp.array(params.entangler)                   # doctest: +SKIP
        >>> ours = predict(params, inputs[None], config)[0]           # doctest: +SKIP
        >>> bool(abs(last_output(entangler) - ours) < 1e-12)          # doctest: +SKIP
        True
        >>> qml.grad(last_output)(entangler).shape                    # doctest: +SKIP
        (2, 4)
    """
    qml = import_pennylane("to_pennylane")
    check_paper_cell(config, "to_pennylane")
    given = QLSTMParams(*(array.copy() for array in check_params(params, config)))
    first = np.eye(1, config.ancilla_dim)[0]
    wires = range(config.n_wires)
    rotation = getattr(qml, config.rotation)

    @qml.qnode(qml.device("default.qubit", wires=config.n_wires))
    def cell(
        x,
        h=None,
        proj_weight=given.proj_weight,
        proj_bias=given.proj_bias,
        entangler=given.entangler,
        disentangler=given.disentangler,
    ):
        a = x @ proj_weight + proj_bias
        u = a / qml.math.sqrt(qml.math.sum(a**2, axis=-1))[..., None]
        h = first if h is None else h
        psi_in = u[..., :, None] * h[..., None, :]
        # complex from the start: else autograd warns of the cast on the way back
        psi_in = qml.math.reshape(psi_in, (*psi_in.shape[:-2], -1)) + 0j
        qml.StatePrep(psi_in, wires=wires)
        qml.BasicEntanglerLayers(entangler, wires=wires, rotation=rotation)
        if config.disentangler == "inverse":
            layers = qml.adjoint(qml.BasicEntanglerLayers)
            layers(disentangler, wires=wires, rotation=rotation)
        else:
            for row in disentangler[::-1]:
                qml.BasicEntanglerLayers(row[None], wires=wires, rotation=rotation)
        return qml.expval(qml.Z(config.n_system - 1)), qml.state()

    return cell


def check_paper_cell(config: QLSTMConfig, user: str) -> None:
    """Say so when a configuration has encodings or outputs that the paper has not.

    Args:
        config: The configuration.
        user: Who needs the paper's cell, for the message.

    Raises:
        ValueError: If the encoding is not by amplitudes, or the outputs are not the
            ``<Z>`` of one wire.
    """
    wanted = {
        "encoding": "amplitude",
        "readout": "expectation",
        "predicts": "value",
        "n_outputs": 1,
        "cut": "entangled",
    }
    for name, value in wanted.items():
        found = getattr(config, name)
        if found != value:
            raise ValueError(
                f"{user} needs a model with {name} {value!r}, but it is {found!r}."
            )


def import_pennylane(user: str) -> ModuleType:
    """PennyLane, or an error that says who needs it and how to get it."""
    try:
        import pennylane
    except ModuleNotFoundError as error:
        if error.name != "pennylane":
            raise
        raise ImportError(
            f"{user} needs PennyLane, which is not installed: "
            'pip install "qlstm[crosscheck]"'
        ) from None
    return pennylane
