"""Golden deliveries: a folder per case, and what is decided about it.

    case.toml      a sentence, the format, and what the district's settings or the service's limits are besides
    before/        an earlier good file set, which made the roster before; without it the roster is empty
    waiting/       a delivery between the two: what of it is held or unmatched still waits when the next one comes
    files/         the delivery, byte by byte as it was sent
    verdict.json   what is to be decided

`.venv/bin/python tests/golden/write.py CASE` writes verdict.json for a new case. It writes what the code decides, right
or wrong: check every line of it by hand.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rostergate.core.decide import decide
from rostergate.core.diff import apply
from rostergate.core.plan_state import State
from rostergate.core.policy import HoldLimits, PlatformSchool, Policy, ReadingLimits
from rostergate.core.roster import empty
from rostergate.core.verdict import Outcome

if TYPE_CHECKING:
    import polars as pl

    from rostergate.core.roster import Frames
    from rostergate.core.verdict import Verdict

FOLDER = Path(__file__).parent

_SHOWN = ("code", "severity", "file", "column", "count", "lines")
_CAN_BE_SHOWN = frozenset({"messages", "roster"})


@dataclass(frozen=True, slots=True)
class Case:
    """What case.toml says."""

    folder: Path
    sentence: str
    format: str
    """A format's name, or "auto"."""
    encoding: str | None = None
    phone_region: str = "US"
    matching: str = "auto"
    platform_schools: list[dict[str, str]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    deselected: list[str] = field(default_factory=list)
    holds: dict[str, Any] = field(default_factory=dict)
    reading: dict[str, Any] = field(default_factory=dict)
    shows: list[str] = field(default_factory=list)
    """What verdict.json has besides: `messages` of findings, `roster` after the plans that may be applied at once."""

    def delivered(self, roster: Frames) -> Verdict:
        """Decide about the delivery."""
        return decide(contents(self.folder / "files"), roster, self.policy())

    def earlier(self) -> dict[str, Policy]:
        """Return the folders of the deliveries before it, in their order, each with the policy it was decided under."""
        undecided = Policy(format=self.format, encoding=self.encoding, phone_region=self.phone_region)
        policies = {"before": undecided, "waiting": self.policy()}
        return {name: policy for name, policy in policies.items() if (self.folder / name).exists()}

    def before(self) -> Frames:
        """Return the roster before the delivery, made by the earlier one under the settings that do not decide."""
        roster = empty()
        for name, policy in self.earlier().items():
            verdict = decide(contents(self.folder / name), roster, policy)
            assert verdict.outcome is Outcome.ACCEPTED, [(one.code, one.file, one.lines) for one in verdict.findings]
            if name == "waiting":
                assert {State.CLEAR} < {plan.state for plan in verdict.plans}
                roster = _at_once(roster, verdict)
            else:  # whatever of it was held has been released since
                roster = apply(roster, [plan.changes for plan in verdict.plans])
        return roster

    def answer(self) -> dict[str, Any]:
        """Return what is decided, in the shape of verdict.json."""
        roster = self.before()
        verdict = self.delivered(roster)
        findings = [{name: one[name] for name in self._shown()} for one in verdict.as_json()["findings"]]
        answer: dict[str, Any] = {
            "verdict": verdict.outcome.value,
            "format": verdict.format,
            "findings": findings,
            "schools": [
                {"school_id": one.school_id, "state": one.state.value, "holds": [hold.code for hold in one.holds]}
                for one in verdict.plans
            ],
            "totals": {
                table: {name: rows for name, rows in one.items() if rows}
                for table, one in verdict.as_json()["totals"].items()
            },
        }
        if "roster" in self.shows:
            answer["roster"] = {table: rows(frame) for table, frame in _at_once(roster, verdict).items()}
        return answer

    def expected(self) -> dict[str, Any]:
        """Return what is to be decided."""
        expected: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text(encoding="utf-8"))
        return expected

    def _shown(self) -> tuple[str, ...]:
        return (*_SHOWN, "message") if "messages" in self.shows else _SHOWN

    def policy(self) -> Policy:
        """Return the policy that the delivery is decided under."""
        return Policy(
            format=self.format,
            encoding=self.encoding,
            phone_region=self.phone_region,
            reading=ReadingLimits(**self.reading),
            holds=HoldLimits(**self.holds),
            matching=self.matching,
            platform_schools=tuple(PlatformSchool(**one) for one in self.platform_schools),
            made=frozenset(self.made),
            deselected=frozenset(self.deselected),
        )


def load(folder: Path) -> Case:
    """Read a case; a key that case.toml cannot have is an error."""
    case = Case(folder, **tomllib.loads((folder / "case.toml").read_text(encoding="utf-8")))
    assert set(case.shows) <= _CAN_BE_SHOWN, case.shows
    return case


def names() -> list[str]:
    """Return the names of all cases."""
    return sorted(path.parent.name for path in FOLDER.glob("*/case.toml"))


def rows(frame: pl.DataFrame) -> list[list[str | None]]:
    """Return the rows of a table in the order of their text."""
    return sorted(([*row] for row in frame.iter_rows()), key=str)


def written(answer: dict[str, Any]) -> str:
    """Write a verdict so that each finding, school, table and row has a line of its own."""
    parts = ",\n".join(f"  {json.dumps(name)}: {_part(value)}" for name, value in answer.items())
    return f"{{\n{parts}\n}}\n"


def _part(value: Any, inner: str = "    ") -> str:
    if isinstance(value, list) and value:
        lines = ",\n".join(f"{inner}{json.dumps(one, ensure_ascii=False)}" for one in value)
        return f"[\n{lines}\n{inner[2:]}]"
    if isinstance(value, dict) and value:
        lines = ",\n".join(
            f"{inner}{json.dumps(name)}: {_part(one, inner + '  ') if isinstance(one, list) else json.dumps(one)}"
            for name, one in value.items()
        )
        return f"{{\n{lines}\n{inner[2:]}}}"
    return json.dumps(value)


def _at_once(roster: Frames, verdict: Verdict) -> Frames:
    """Return the roster after the plans that wait for nobody."""
    return apply(roster, [plan.changes for plan in verdict.plans if plan.state is State.CLEAR])


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a delivery."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
