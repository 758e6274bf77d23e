"""How much entanglement a state has, and how much a unitary can make.

- `density`: of density matrices: entropy, purity, distances, concurrence, negativity
- `states`: of pure states, across a cut: Schmidt coefficients, entropies, Bloch vectors
- `gates`: named gates, roots, random unitaries, a circuit seen across a cut
- `unitaries`: of unitaries: operator Schmidt, mean power, Weyl coordinates, maximality
- `bounds`: upper bounds on the entangling power, with a proof
- `gain`: what a unitary adds to one state, its gradient, and the optimizer
- `search`: entangling and disentangling power, and the interval that holds them
- `checks`: what all of them ask of their arguments
"""

from qsim.entanglement.bounds import (
    LogNegativityCapacity,
    dual_upper_bound,
    log_negativity_capacity,
)
from qsim.entanglement.density import (
    concurrence,
    entropy,
    fidelity,
    log_negativity,
    negativity,
    purity,
    trace_distance,
)
from qsim.entanglement.gain import entanglement_gain
from qsim.entanglement.gates import (
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
from qsim.entanglement.search import (
    EntanglingPower,
    PowerInterval,
    disentangling_power,
    entangling_power,
    entangling_power_bounds,
)
from qsim.entanglement.states import (
    bloch_vectors,
    entanglement_entropy,
    linear_entropy,
    meyer_wallach,
    mutual_information,
    pure_concurrence,
    schmidt_coefficients,
)
from qsim.entanglement.unitaries import (
    Maximality,
    OperatorSchmidt,
    maximality,
    mean_entangling_power,
    operator_schmidt,
    schmidt_strength,
    weyl_coordinates,
)

__all__ = [
    "CZ",
    "DCNOT",
    "ISWAP",
    "QUBIT_QUTRIT",
    "SWAP",
    "EntanglingPower",
    "LogNegativityCapacity",
    "Maximality",
    "OperatorSchmidt",
    "PowerInterval",
    "across_cut",
    "bloch_vectors",
    "canonical_gate",
    "cnot_ring",
    "concurrence",
    "disentangling_power",
    "dual_upper_bound",
    "entanglement_entropy",
    "entanglement_gain",
    "entangling_power",
    "entangling_power_bounds",
    "entropy",
    "fidelity",
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
    "pure_concurrence",
    "purity",
    "schmidt_coefficients",
    "schmidt_strength",
    "trace_distance",
    "unitary_power",
    "weyl_coordinates",
]
