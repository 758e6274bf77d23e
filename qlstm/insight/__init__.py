"""What happens inside the cell, and what its memory keeps."""

from qlstm.insight.channel import MemoryChannel, memory_channel, quantum_retention
from qlstm.insight.diagnostics import (
    ForgettingCurve,
    GradientMemory,
    forgetting_curve,
    gradient_memory,
)
from qlstm.insight.explain import Explanation, explain
from qlstm.insight.knowledge import (
    HolevoCurve,
    MemoryCapacity,
    holevo_information,
    memory_capacity,
)
from qlstm.insight.stages import stage_powers, stage_unitaries
from qlstm.insight.trace import EntanglementMonitor, Trace, trace

__all__ = [
    "EntanglementMonitor",
    "Explanation",
    "ForgettingCurve",
    "GradientMemory",
    "HolevoCurve",
    "MemoryCapacity",
    "MemoryChannel",
    "Trace",
    "explain",
    "forgetting_curve",
    "gradient_memory",
    "holevo_information",
    "memory_capacity",
    "memory_channel",
    "quantum_retention",
    "stage_powers",
    "stage_unitaries",
    "trace",
]
