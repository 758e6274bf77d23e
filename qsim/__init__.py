"""A small batched statevector simulator with hand-written derivatives.

States are arrays ``(batch, 2, ..., 2)``; wire 0 is the most significant bit. It knows
nothing about recurrent networks, and loads NumPy alone. In the order of a calculation:
`state` and `gates`, `circuits` (with `kernels` beneath), `measure`, `gradients`. How
entangled a state is, and how much entanglement a unitary can make, is in
`qsim.entanglement`, which needs SciPy too.
"""

from qsim.circuits import (
    adjoint_layers,
    circuit_matrix,
    entangling_layer,
    entangling_layers,
    entangling_layers_backward,
    layer_gates,
    layers_expval_z,
)
from qsim.gates import CNOT, HADAMARD, I2, PAULI_X, PAULI_Y, PAULI_Z, RX, RY, RZ
from qsim.gradients import finite_difference, parameter_shift
from qsim.measure import (
    Collapsed,
    collapse,
    expval_z,
    probabilities,
    reduced_density_matrix,
)
from qsim.state import apply_gate, zero_state

__all__ = [
    "CNOT",
    "HADAMARD",
    "I2",
    "PAULI_X",
    "PAULI_Y",
    "PAULI_Z",
    "RX",
    "RY",
    "RZ",
    "Collapsed",
    "adjoint_layers",
    "apply_gate",
    "circuit_matrix",
    "collapse",
    "entangling_layer",
    "entangling_layers",
    "entangling_layers_backward",
    "expval_z",
    "finite_difference",
    "layer_gates",
    "layers_expval_z",
    "parameter_shift",
    "probabilities",
    "reduced_density_matrix",
    "zero_state",
]
