"""What monitoring is given: every metric and label that the examples name is one that the daemon has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import rostergate
from rostergate import metrics
from rostergate.core.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "systemd" / "monitoring"
ALERTS = FOLDER / "alerts.yml"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
COLLECTED = {one.name: one for one in metrics.REGISTRY.collect()}


def alert_queries() -> list[str]:
    """Return the alerts' expressions."""
    return re.findall(r"^ +expr: (.+)$", ALERTS.read_text("utf-8"), re.MULTILINE)


def panel_queries() -> list[str]:
    """Return the expressions of the dashboard's panels."""
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def names(query: str) -> set[str]:
    """Return the metrics that an expression names."""
    return set(re.findall(r"\b(?:rostergate|process)_\w+", re.sub(r'"[^"]*"', "", query)))


def exposed() -> Iterator[str]:
    """Give every name that the page of metrics has, or will have once something was counted."""
    for name, one in COLLECTED.items():
        yield from {
            "counter": [f"{name}_total"],
            "histogram": [f"{name}_{end}" for end in ("bucket", "count", "sum")],
        }.get(one.type, [name])


@pytest.mark.parametrize("query", [*alert_queries(), *panel_queries()])
def test_a_query_names_what_there_is(query: str) -> None:
    """Every metric of a query exists, and so does every label that is grouped by or chosen by."""
    there = set(exposed()) | {"process_open_fds", "process_max_fds"}  # Linux's; the collector has them where /proc is
    assert names(query) <= there
    labels = set(re.findall(r"by \(([\w, ]+)\)", query)) | set(re.findall(r"[{,]\s*(\w+)=~?\"", query))
    known = {"le", "job", *(label for one in kept().values() for label in one._labelnames)}
    assert {label for group in labels for label in group.split(", ")} <= known


def kept() -> dict[str, Any]:
    """Return the metrics of the house by their names in the source."""
    return {name: one for name, one in vars(metrics).items() if name.isupper() and hasattr(one, "_labelnames")}


@pytest.mark.parametrize("query", [*alert_queries(), *panel_queries()])
def test_an_outcome_that_is_named_can_happen(query: str) -> None:
    """A label's value in a query is one that is counted, or the query would never find anything."""
    outcomes = {*(one.value for one in Outcome), "failed", "sent", "abandoned"}
    assert set(re.findall(r'outcome="(\w+)"', query)) <= outcomes


def test_every_metric_is_fed_and_shown() -> None:
    """No metric is listed that nothing counts, and each stands on the dashboard or in an alert."""
    package = Path(rostergate.__file__).parent
    source = "".join(path.read_text("utf-8") for path in package.rglob("*.py") if path.name != "metrics.py")
    assert [name for name in kept() if f"metrics.{name}" not in source] == []
    shown = set().union(*map(names, [*alert_queries(), *panel_queries()]))
    assert [one._name for one in kept().values() if not any(name.startswith(one._name) for name in shown)] == []


def test_every_alert_says_what_to_do() -> None:
    """Each alert has a severity, a sentence and a next step."""
    alerts = re.split(r"^ +- alert: ", ALERTS.read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert len(alerts) == len(alert_queries())
    for alert in alerts:
        assert all(f"{part}:" in alert for part in ("expr", "labels: {severity", "summary", "next_step")), alert


def test_panels_do_not_overlap() -> None:
    """Every panel has its own number and its own place on the screen."""
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        box = panel["gridPos"]
        cells = {(x, y) for x in range(box["x"], box["x"] + box["w"]) for y in range(box["y"], box["y"] + box["h"])}
        assert not cells & places, panel["title"]
        assert max(x for x, _ in cells) < 24
        places |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_prometheus_takes_the_alerts() -> None:
    """`promtool check rules` has nothing against them."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        ["promtool", "check", "rules", ALERTS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
