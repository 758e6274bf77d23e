"""The two stages of a step as unitaries."""

from numpy.typing import NDArray

from qlstm.cell import circuit_angles, stage_matrices
from qlstm.params import QLSTMConfig, QLSTMParams, check_params, stack_params


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
        >>> import numpy as np
        >>> from qlstm import QLSTMConfig, init_params
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
