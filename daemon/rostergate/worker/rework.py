"""Reworking: the plan of one school, worked out again because the roster has changed under it.

Rule 1: a plan whose ground has moved is never applied. The delivery's files are decided again, against the roster as it
is now, and the school's plan takes the place of the old one, with its own hash. It waits as the old one did.
Rule 2: impure, pure, impure, as on the road: what was worked out on ground that has moved again is not kept.
Rule 3: files that are gone, changed or refused by now say nothing of the school: its plan stays as it was.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from rostergate import store
from rostergate.core.decide import decide
from rostergate.core.findings import Severity
from rostergate.core.plan import Plan, counted, digest
from rostergate.core.plan_state import State
from rostergate.core.verdict import Outcome
from rostergate.errors import Refused, StoreError
from rostergate.spool import sealing
from rostergate.store import deciding, deliveries, roster, schools
from rostergate.worker import road

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.core.policy import Policy
    from rostergate.core.verdict import Verdict
    from rostergate.spool.folders import Spool
    from rostergate.store.plans import StoredPlan

TRIES_MAX: Final = 5
"""Times a plan is worked out again because the roster changed meanwhile."""


async def rework(engine: AsyncEngine, spool: Spool, plan: StoredPlan, policy: Policy) -> StoredPlan:
    """Work an open plan out again and return what took its place. Its delivery's report is due again.

    Raises `Refused` when the plan does not wait any more, or its delivery's files are gone or refused by now;
    `StoreError` when the roster kept changing; `road.DeliveryDamagedError`, `OSError`, and as `sealing.contents` does.
    """
    for _ in range(TRIES_MAX):
        async with store.reading(engine) as tx:
            ground = await roster.ground(tx, plan.district)
            known = await roster.load(tx, plan.district)
            told = await schools.policy(tx, plan.district, policy)
            stated = await deliveries.get(tx, plan.delivery)
        folder = spool.delivery(plan.delivery)
        if not folder.is_dir():
            raise Refused(
                f"Plan {plan.plan} cannot be worked out again, because the files of {plan.delivery} are not there any "
                "more: discard it, and let the district upload again."
            )
        files = await asyncio.to_thread(sealing.contents, folder, spool.key_file)
        verdict = await asyncio.to_thread(decide, files, known, told)
        road.assert_as_sealed(stated, verdict)
        _assert_accepted(plan, verdict)
        again = next((one for one in verdict.plans if one.school_id == plan.school_id), _nothing(plan))
        async with store.writing(engine, plan.district) as tx:
            if await roster.ground(tx, plan.district) == ground:
                return await deciding.put_again(tx, plan, again)
    raise StoreError("the roster kept changing while the plan was worked out again; try again")


def _assert_accepted(plan: StoredPlan, verdict: Verdict) -> None:
    if verdict.outcome is Outcome.ACCEPTED:
        return
    codes = {one.code for one in verdict.findings if one.severity is Severity.FORMAT_ERROR}
    raise Refused(
        f"Plan {plan.plan} cannot be worked out again: {plan.delivery} would be refused ({', '.join(sorted(codes))}) "
        "with the settings as they are now. Set them back, or discard the plan and let the district upload again."
    )


def _nothing(plan: StoredPlan) -> Plan:
    """Return the plan of a school that neither roster nor files have any more."""
    return Plan(plan.school_id, plan.name, State.CLEAR, {}, counted({}), hash=digest(plan.school_id, {}))
