"""Out to other tools."""

from qlstm.interchange.pennylane import to_pennylane

__all__ = ["to_pennylane"]
