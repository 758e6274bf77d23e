"""Memory rules of your own: made known by name, and found again in a worker."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path

from qlstm.memory import RULES
from qlstm.rule import MemoryRule


def register_memory(name: str, rule: MemoryRule) -> None:
    """Make a memory rule of your own known by name, here and in `QLSTMConfig`.

    Workers of a sweep import the file that defines it, which must register it. A model
    file names the rule and its module; register it before you load the model.

    Args:
        name: What `QLSTMConfig.memory` calls it.
        rule: An instance of a subclass of `VectorRule`, `DensityRule` or one of the
            rules.

    Raises:
        TypeError: If it is no `MemoryRule`.
        ValueError: If the name is taken by another rule.

    Example:
        >>> from qlstm import QLSTMConfig, RecordRule
        >>> class Lowest(RecordRule):
        ...     def choose(self, p, rngs):
        ...         return (p > 1e-9).argmax(axis=-1)
        >>> register_memory("lowest", Lowest())
        >>> QLSTMConfig(memory="lowest").rule.shift
        'record'
    """
    if not isinstance(rule, MemoryRule):
        raise TypeError(f"Argument `rule` must be a MemoryRule, but is {rule!r}.")
    if name in RULES and not _is_again(RULES[name], rule):
        raise ValueError(f"Argument `name` must be a new name, but {name!r} is taken.")
    RULES[name] = rule


def _is_again(known: MemoryRule, rule: MemoryRule) -> bool:
    """Whether a rule of the user's comes again, as when its file is run once more."""
    kinds = type(known), type(rule)
    mine = all(kind.__module__ != "qlstm.memory" for kind in kinds)
    return mine and kinds[0].__qualname__ == kinds[1].__qualname__


def user_rules() -> list[tuple[str, str, str]]:
    """Name, module and file of every rule that was registered from outside."""
    return [
        (name, type(rule).__module__, _source(type(rule)))
        for name, rule in RULES.items()
        if type(rule).__module__ != "qlstm.memory"
    ]


def _source(kind: type) -> str:
    """The file that defines a class; empty for a notebook or a session."""
    try:
        return inspect.getsourcefile(kind) or ""
    except (OSError, TypeError):
        return ""


def _is_importable(module: str) -> bool:
    """Whether a module, which is no script, can be found."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # its package is absent; it is a script
        return False


def load_rules(rules: Sequence[tuple[str, str, str]]) -> None:
    """Import what registers these rules, where they are not known yet.

    Args:
        rules: What `user_rules` returned, perhaps in another process.

    Raises:
        ValueError: If a rule is not there; it names the rule, its module and its file.
    """
    for name, module, file in rules:
        if name not in RULES and Path(file).is_file():
            spec = importlib.util.spec_from_file_location(f"_rules_{name}", file)
            loaded = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = loaded  # pickle and dataclasses look there
            spec.loader.exec_module(loaded)
        elif name not in RULES and _is_importable(module):
            importlib.import_module(module)
        if name not in RULES:
            raise ValueError(
                f"Memory rule {name!r} must be registered, but is not; it comes from "
                f"module {module}, file {file or 'unknown'}."
            )
