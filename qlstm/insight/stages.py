"""The two stages of a step, U_en and U_dis: their matrices, and how much they can do."""

import copy
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qlstm.cell import circuit_angles, stage_matrices
from qlstm.params import QLSTMConfig, QLSTMParams, check_choice, check_params
from qsim.entanglement import disentangling_power, entangling_power, schmidt_strength


def stage_unitaries(
    params: QLSTMParams, config: QLSTMConfig
) -> tuple[NDArray, NDArray]:
    """The matrices of ``U_en`` and of ``U_dis``; a step applies ``U_dis U_en``.

    Args:
        params: The parameters.
        config: The configuration, with amplitude encoding: with angle encoding the
            stages depend on the input.

    Returns:
        Two unitaries ``(2**n_wires, 2**n_wires)``; the system register comes first.

    Raises:
        ValueError: If the encoding is another one, or the parameters are wrong.

    Example:
        >>> from qlstm import init_params
        >>> config = QLSTMConfig(disentangler="inverse")
        >>> params = init_params(config, np.random.default_rng(0))
        >>> params = params._replace(disentangler=params.entangler)
        >>> u_en, u_dis = stage_unitaries(params, config)
        >>> bool(np.allclose(u_dis @ u_en, np.eye(16)))
        True
    """
    check_choice("config.encoding", config.encoding, ("amplitude",))
    params = check_params(params, config)
    return stage_matrices(circuit_angles(params, config), config)


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
