"""A small batched statevector simulator with hand-written derivatives.

States are arrays ``(batch, 2, ..., 2)``; wire 0 is the most significant bit. It knows
nothing about recurrent networks. It needs NumPy and SciPy only.
"""

from qsim.circuits import (
    circuit_matrix,
    circuit_matrix_backward,
    entangling_layers,
    entangling_layers_backward,
)
from qsim.density import (
    concurrence,
    entropy,
    fidelity,
    log_negativity,
    negativity,
    purity,
    trace_distance,
)
from qsim.entanglement import (
    bloch_vectors,
    entanglement_entropy,
    linear_entropy,
    meyer_wallach,
    mutual_information,
    pure_concurrence,
    schmidt_coefficients,
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
from qsim.named_gates import (
    CZ,
    DCNOT,
    ISWAP,
    QUBIT_QUTRIT,
    SWAP,
    across_cut,
    canonical_gate,
    cnot_ring,
    haar_unitary,
    unitary_power,
)
from qsim.power import (
    Maximality,
    OperatorSchmidt,
    maximality,
    mean_entangling_power,
    operator_schmidt,
    schmidt_strength,
    weyl_coordinates,
)
from qsim.power_bounds import (
    LogNegativityCapacity,
    dual_upper_bound,
    log_negativity_capacity,
)
from qsim.power_gain import entanglement_gain
from qsim.power_search import (
    EntanglingPower,
    PowerInterval,
    disentangling_power,
    entangling_power,
    entangling_power_bounds,
)
from qsim.state import apply_gate, zero_state

__all__ = [
    "CNOT",
    "CZ",
    "DCNOT",
    "HADAMARD",
    "I2",
    "ISWAP",
    "PAULI_X",
    "PAULI_Y",
    "PAULI_Z",
    "QUBIT_QUTRIT",
    "RX",
    "RY",
    "RZ",
    "SWAP",
    "Collapsed",
    "EntanglingPower",
    "LogNegativityCapacity",
    "Maximality",
    "OperatorSchmidt",
    "PowerInterval",
    "across_cut",
    "apply_gate",
    "bloch_vectors",
    "canonical_gate",
    "circuit_matrix",
    "circuit_matrix_backward",
    "cnot_ring",
    "collapse",
    "concurrence",
    "disentangling_power",
    "dual_upper_bound",
    "entanglement_entropy",
    "entanglement_gain",
    "entangling_layers",
    "entangling_layers_backward",
    "entangling_power",
    "entangling_power_bounds",
    "entropy",
    "expval_z",
    "fidelity",
    "finite_difference",
    "haar_unitary",
    "linear_entropy",
    "log_negativity",
    "log_negativity_capacity",
    "maximality",
    "mean_entangling_power",
    "meyer_wallach",
    "mutual_information",
    "negativity",
    "operator_schmidt",
    "parameter_shift",
    "probabilities",
    "pure_concurrence",
    "purity",
    "reduced_density_matrix",
    "schmidt_coefficients",
    "schmidt_strength",
    "trace_distance",
    "unitary_power",
    "weyl_coordinates",
    "zero_state",
]
