"""Memory rules of your own: made known by name, and found again in a worker."""

import importlib.util
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path

from qlstm.memory import RULES, MemoryRule


def register_memory(name: str, rule: MemoryRule) -> None:
    """Make a memory rule of your own known by name."""
    RULES[name] = rule


def user_rules() -> list[tuple[str, str, str]]:
    """Name, module and file of every rule that was registered from outside."""
    classes = {n: r if isinstance(r, type) else type(r) for n, r in RULES.items()}
    return [
        (name, rule.__module__, inspect.getsourcefile(rule) or "")
        for name, rule in classes.items()
        if rule.__module__ != "qlstm.memory"
    ]


def load_rules(rules: Sequence[tuple[str, str, str]]) -> None:
    """Import what registers these rules, where they are not known yet."""
    for name, module, file in rules:
        if name not in RULES and Path(file).is_file():
            spec = importlib.util.spec_from_file_location(f"_rules_{name}", file)
            loaded = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = loaded
            spec.loader.exec_module(loaded)
        if name not in RULES:
            raise ValueError(
                f"Memory rule {name!r} must be registered, but is not; it comes from "
                f"module {module}, file {file or 'unknown'}."
            )
