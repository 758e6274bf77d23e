"""Our numbers beside PennyLane's: ``python -m experiments.crosscheck``.

The same model runs in NumPy (this package) and in PennyLane (default.qubit, autograd),
and every quantity is compared: states, measurements, gradients, a training run. Exit
status 0 if all agree to 1e-10, 1 if any does not, 2 if the options are wrong or
PennyLane is missing (pip install "qlstm[crosscheck]").
"""

import argparse
import math
import textwrap
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from qlstm import QLSTMConfig, QLSTMParams, init_params, load_model
from qlstm.cli import (
    Parser,
    add_model_options,
    format_table,
    model_config,
    positive_int,
    run_main,
    seed_int,
    versions,
)
from qlstm.interchange import import_pennylane
from qlstm.params import MEMORIES, PAPER_MEMORIES, ROTATIONS
from qlstm.store import write_json

if TYPE_CHECKING:
    from experiments.comparison import Comparison

TOLERANCE = 1e-10
MODEL_OPTIONS = (
    "system_qubits",
    "ancilla_qubits",
    "layers",
    "disentangler",
    "rotation",
    "memory",
)
"""Options that describe a model, and so do not go with a saved one."""
WIDTH = 96
"""Columns that notes are wrapped to, about as wide as the table."""
