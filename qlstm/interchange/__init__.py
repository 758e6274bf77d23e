"""Out to other tools."""

from qlstm.interchange.pennylane import (
    check_paper_cell,
    import_pennylane,
    to_pennylane,
)

__all__ = ["check_paper_cell", "import_pennylane", "to_pennylane"]
