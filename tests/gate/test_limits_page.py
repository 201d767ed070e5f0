"""The table of limits in daemon/GATE.md says what the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from rostergate.config.settings import Settings

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"\| `(\w+)\.(\w+)` \| (\S+) \| (\S+) to (\S+) \| (.+?) \| (.+) \|")
ROWS = [found.groups() for line in (ROOT / "daemon" / "GATE.md").read_text().splitlines() if (found := ROW.match(line))]


def bounds(section: str, key: str) -> tuple[Any, Any]:
    """Return the least and the greatest value a key may have."""
    found = {}
    for one in type(getattr(Settings(), section)).model_fields[key].metadata:
        found |= {name: getattr(one, name) for name in ("ge", "gt", "le") if hasattr(one, name)}
    return found.get("ge", found.get("gt")), found["le"]


def test_defaults_and_bounds() -> None:
    """Each row has the default and the bounds of its key."""
    assert ROWS
    for section, key, default, least, most, *_ in ROWS:
        told = tuple(float(number.replace(",", "")) for number in (default, least, most))
        assert told == (getattr(getattr(Settings(), section), key), *bounds(section, key)), f"{section}.{key}"


def test_every_limit_is_in_the_table() -> None:
    """No key of the gate's sections that ends in `_max` is missing."""
    told = [(section, key) for section, key, *_ in ROWS]
    assert len(told) == len(set(told))
    limits = {
        (section, key)
        for section in ("server", "throttle", "upload", "passwords")
        for key in type(getattr(Settings(), section)).model_fields
        if key.endswith("_max")
    }
    assert limits - set(told) == {("server", "drain_seconds_max")}  # nobody outside can reach that one


def test_each_limit_is_reached_by_a_test() -> None:
    """The test that a row names is there."""
    for *_, told in ROWS:
        path, _, name = told.strip("`").partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
