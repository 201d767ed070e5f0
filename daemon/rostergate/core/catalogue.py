"""The catalogue: every format, rule, hold and code there is, collected from the modules that declare them.

Adding one is adding a file: nothing is registered, and importing a module does nothing but define it. Modules whose
name begins with an underscore are not looked at.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from rostergate import core
from rostergate.core import formats as formats_package
from rostergate.core import holds as holds_package
from rostergate.core import rules as rules_package

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from rostergate.core.declaration import Format
    from rostergate.core.findings import Code
    from rostergate.core.holding import HoldRule
    from rostergate.core.rule import Rule

_Declared = TypeVar("_Declared")


def formats() -> dict[str, Format]:
    """Return every format by name: the `FORMAT` of each module below `formats`."""
    found: list[Format] = [module.FORMAT for module in _modules(formats_package)]
    return _unique((one.name, one) for one in found)


def chosen(name: str) -> list[Format]:
    """Return the format of that name alone; for "auto", where it is to be recognised, all of them in order of names."""
    declared = formats()
    return [declared[one] for one in (sorted(declared) if name == "auto" else [name])]


def file_names(name: str) -> frozenset[str]:
    """Return the names that files of this format may have; for "auto" those of every format."""
    return frozenset(file.name for one in chosen(name) for file in one.files)


def rules() -> dict[str, Rule]:
    """Return every rule by its code: the `RULE` of each module below `rules`."""
    found: list[Rule] = [module.RULE for module in _modules(rules_package)]
    return _unique((one.code.code, one) for one in found)


def holds() -> dict[str, HoldRule]:
    """Return every hold by its code: the `HOLD` of each module below `holds`."""
    found: list[HoldRule] = [module.HOLD for module in _modules(holds_package)]
    return _unique((one.code, one) for one in found)


def codes() -> dict[str, Code]:
    """Return every code that a finding can have: of rules, of formats, and the `CODES` of the core's modules."""
    found = [rule.code for rule in rules().values()]
    found += [code for fmt in formats().values() for code in fmt.codes]
    for module in _modules(core):
        found += getattr(module, "CODES", ())
    return _unique((one.code, one) for one in found)


@cache  # it lists a folder, and is asked at every look into an inbox; modules do not come or go meanwhile
def _modules(package: ModuleType) -> tuple[ModuleType, ...]:
    names = sorted(name for _, name, is_package in pkgutil.iter_modules(package.__path__) if not is_package)
    return tuple(importlib.import_module(f"{package.__name__}.{name}") for name in names if not name.startswith("_"))


def _unique(named: Iterable[tuple[str, _Declared]]) -> dict[str, _Declared]:
    found: dict[str, _Declared] = {}
    for name, one in named:
        if found.setdefault(name, one) != one:
            raise AssertionError(f"{name} is declared twice, and not alike")
    return found
