"""One question each: a module or a folder, run as ``python -m experiments.NAME``."""

from qlstm.commands import check_backend

check_backend()  # before anything imports matplotlib
