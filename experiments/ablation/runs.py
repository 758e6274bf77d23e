"""Which models are compared: the full one, and one change at a time."""

from typing import Any

from experiments.comparison.runs import Entry, Setting
from qlstm.params import MEMORIES, ROTATIONS

FULL, AR = "full", "AR(10)"
BASES = {
    "paper": {"rotation": "RY", "memory": "probabilities", "n_layers": 2},
    "tuned": {"rotation": "RY", "memory": "mixed", "n_layers": 3, "readout": "affine"},
}
"""The full models."""


def budget(base: str, setting: Setting) -> dict[str, Any]:
    """Options of training, the long ones for the larger model."""
    return setting.budget(long=base == "tuned")


def make_entries(base: str, setting: Setting) -> list[Entry]:
    """The full model, every change of it, and AR(10) for comparison."""
    full = {"name": "quantum"} | BASES[base] | budget(base, setting)
    changes: dict[str, dict[str, Any]] = {
        FULL: {},
        "no gate across the cut": {"cut": "separate"},
        "angles frozen at random": {"frozen": ["entangler", "disentangler"]},
        "no bias": {"bias": False},
        **{f"{n} layer{'s' * (n > 1)}": {"n_layers": n} for n in (1, 2, 3, 4)},
        **{rotation: {"rotation": rotation} for rotation in ROTATIONS},
        **{f"memory {memory}": {"memory": memory} for memory in MEMORIES},
    }
    return [
        *(
            Entry(label, "quantum", full | change)
            for label, change in changes.items()
            if label == FULL or full | change != full
        ),
        Entry(AR, "context", {"name": "ar", "p": 10}),
    ]
