"""Unchanged: the verdict on files that were accepted before, while nothing has happened to the roster since.

Deciding about them again could only say: nothing changes. So that is said at once, with neither files nor roster read.

Rule 1: all of this must hold, or the delivery goes down the whole road: the files are those of the district's last
accepted delivery, by the hashes taken when each was sealed; it was decided under the same policy by the same program;
each of its plans was applied, or is of a school that is not rostered; the roster has not changed since.
Rule 2: the verdict is the one that the whole road would come to: the same findings, a plan without changes for each
school that is left, every row of the roster unchanged. A test compares the two.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rostergate import core
from rostergate.core.matching import match
from rostergate.core.plan import Plan, counted, digest
from rostergate.core.plan_state import State
from rostergate.core.verdict import Outcome, Totals, Verdict
from rostergate.store import conclusions, deliveries, roster, verdicts

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.policy import Policy
    from rostergate.store.conclusions import Conclusion
    from rostergate.store.deliveries import Delivery

_DONE: Final = frozenset({State.APPLIED, State.DESELECTED})
_DEPENDENCIES: Final = ("phonenumbers", "polars", "rapidfuzz")
"""What the core calculates with: another version may come to another verdict."""


def fingerprint(policy: Policy) -> str:
    """Return the sha256 (hex) of everything a verdict depends on besides files and roster: policy and program."""
    settings = json.dumps(asdict(policy), sort_keys=True, default=sorted)
    return hashlib.sha256(f"{program()}\n{settings}".encode()).hexdigest()


async def verdict(tx: AsyncConnection, sealed: Delivery, ground: int, policy: Policy) -> Verdict | None:
    """Return the verdict on a sealed delivery that changes nothing; None when that cannot be told from here.

    `ground`: the district's, read in this transaction.
    """
    last = await conclusions.last(tx, sealed.district)
    if last is None or not _is_the_same(sealed, last, ground, policy):
        return None
    before = await deliveries.get(tx, last.delivery)
    if _contents(before) != _contents(sealed):
        return None
    return Verdict(
        format=before.format,
        outcome=Outcome.ACCEPTED,
        files=before.files,
        findings=await verdicts.findings(tx, before.id),
        plans=_plans(last, await roster.schools(tx, sealed.district), policy),
        totals={table: Totals(unchanged=_left(counts)) for table, counts in last.totals.items()},
    )


def _is_the_same(sealed: Delivery, last: Conclusion, ground: int, policy: Policy) -> bool:
    return (
        sealed.content_hash is not None
        and sealed.content_hash == last.content_hash
        and ground == last.ground
        and all(state in _DONE for _, _, state, _ in last.plans)
        and last.fingerprint == fingerprint(policy)
    )


def _contents(delivery: Delivery) -> dict[str, str]:
    return {one.name: one.sha256 for one in delivery.files}


def _left(counts: Totals) -> int:
    """Return the rows that the roster has since."""
    return counts.added + counts.updated + counts.unchanged


def _plans(last: Conclusion, rostered: frozenset[str], policy: Policy) -> tuple[Plan, ...]:
    """Return a plan without changes for each school but those that have left the roster."""
    names = {one: name for one, name, state, _ in last.plans if one in rostered or state is State.DESELECTED}
    left_out = {one: rows for one, _, _, rows in last.plans}
    matches = match(names, rostered, policy)
    return tuple(
        Plan(
            school_id=one,
            name=name,
            state=State.DESELECTED if one in policy.deselected else State.CLEAR,
            changes={},
            counts=counted({}),
            platform_school=matches[one].platform_school,
            hash=digest(one, {}),
            left_out=left_out[one],
        )
        for one, name in names.items()
    )


@cache
def program() -> str:
    """Name the program as it is: its pure code by content, because a checkout changes without a new version."""
    code = hashlib.sha256()
    folder = Path(core.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        code.update(f"{path.relative_to(folder)}\0".encode())
        code.update(hashlib.sha256(path.read_bytes()).digest())
    return " ".join([code.hexdigest(), *(f"{name} {version(name)}" for name in _DEPENDENCIES)])
