"""The two stages of a step, U_en and U_dis: their matrices and their powers."""

import copy
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qlstm.cell import circuit_angles, stage_matrices
from qlstm.params import QLSTMConfig, QLSTMParams, check_params, stack_params
from qsim.entanglement import disentangling_power, entangling_power, schmidt_strength


def stage_unitaries(
    params: QLSTMParams, config: QLSTMConfig
) -> tuple[NDArray, NDArray]:
    """The unitaries U_en and U_dis of a step; the step itself is ``U_dis U_en``.

    Args:
        params: The parameters.
        config: The configuration, with amplitude encoding.

    Returns:
        Two unitaries ``(2**n_wires, 2**n_wires)``.

    Raises:
        ValueError: If the parameters do not fit, or the stages depend on the input.

    Example:
        >>> from qlstm import init_params
        >>> config = QLSTMConfig()
        >>> params = init_params(config, np.random.default_rng(0))
        >>> u_en, u_dis = stage_unitaries(params, config)
        >>> np.allclose(u_en @ u_en.conj().T, np.eye(16))
        True
    """
    if config.encoding == "angle":
        raise ValueError(
            "Argument `config.encoding` must be 'amplitude', since with 'angle' the "
            "stages depend on the input."
        )
    stacked = stack_params([check_params(params, config)])
    u_en, u_dis = stage_matrices(circuit_angles(stacked, config), config)
    return u_en[0], u_dis[0]


def stage_powers(
    params: QLSTMParams,
    config: QLSTMConfig,
    *,
    n_starts: int | None = None,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Entangling and disentangling power of the two stages, in ebits.

    Where a stage's Schmidt strength already is the largest power there is,
    ``2 min(n_system, n_ancilla)``, that is the power: ``K <= E_up, E_down``. Elsewhere
    it is searched for (docs/entangling_power.md).

    Args:
        params: The parameters.
        config: The configuration, with amplitude encoding.
        n_starts: Starting points of a search, as in `qsim.entanglement`.
        rng: Source of randomness; every search gets the same draws.

    Returns:
        `E_up_en`, `E_down_en`, `E_up_dis` and `E_down_dis`.

    Raises:
        TypeError: If a search needs `rng` and it is not a generator.
        ValueError: If the encoding is another one, or the parameters are wrong.

    Example:
        Two layers of RX on 2 + 2 wires have the largest power, whatever their angles:

        >>> from qlstm import init_params
        >>> config, rng = QLSTMConfig(rotation="RX"), np.random.default_rng(0)
        >>> powers = stage_powers(init_params(config, rng), config, rng=rng)
        >>> powers["E_up_en"], powers["E_down_dis"]
        (4.0, 4.0)
    """
    dims = (config.system_dim, config.ancilla_dim)
    largest = 2.0 * min(config.n_system, config.n_ancilla)

    def power(unitary: NDArray, search: Callable) -> float:
        if schmidt_strength(unitary, dims) > largest - 1e-9:
            return largest
        return search(unitary, dims, n_starts=n_starts, rng=copy.deepcopy(rng)).value

    searches = {"E_up": entangling_power, "E_down": disentangling_power}
    return {
        f"{direction}_{name}": power(unitary, search)
        for name, unitary in zip(
            ("en", "dis"), stage_unitaries(params, config), strict=True
        )
        for direction, search in searches.items()
    }
