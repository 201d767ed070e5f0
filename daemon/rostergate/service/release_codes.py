"""Release codes in service: made for the plans of one delivery that wait, and turned back into the plan they release.

Rule: the key lies beside the host keys (mode 0600). Without it, codes that were sent are worthless.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rostergate.core import release_code
from rostergate.core.plan_state import State
from rostergate.errors import NotFound, Refused
from rostergate.spool.disk import write_atomically
from rostergate.store import plans

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.spool.folders import Spool
    from rostergate.store.plans import StoredPlan

KEY_NAME: Final = "release_code_key"
_UNKNOWN: Final = "this is no release code of this server; compare it with the mail, character by character"


class ReleaseCodes:
    """Makes and reads the codes of one state folder."""

    def __init__(self, spool: Spool, hours_max: int) -> None:
        self._path = spool.keys / KEY_NAME
        self._valid = timedelta(hours=hours_max)

    def expire_at(self, now: datetime) -> datetime:
        """Return until when codes made now are good: a full hour."""
        return (now + self._valid).replace(minute=0, second=0, microsecond=0)

    async def of(self, tx: AsyncConnection, delivery: str, now: datetime) -> dict[str, str]:
        """Return a code for each plan of a delivery that is on hold, by the plan's short name. Raises `OSError`."""
        held = [plan for plan in await plans.of(tx, delivery) if plan.state is State.HELD]
        key = await asyncio.to_thread(self._key)
        return {plan.plan: release_code.made(plan.id, plan.hash, self.expire_at(now), key) for plan in held}

    async def plan(self, tx: AsyncConnection, text: str, now: datetime) -> StoredPlan:
        """Return the plan that a code releases.

        Raises `Refused` when it is no code of this server, when it has expired, and when its plan waits no more.
        """
        try:
            code = release_code.read(text)
            found = await plans.get(tx, code.plan)
        except (ValueError, NotFound) as error:
            raise Refused(_UNKNOWN) from error
        if not self._path.exists() or not release_code.genuine(code, found.hash, await asyncio.to_thread(self._key)):
            raise Refused(_UNKNOWN)
        if found.state is not State.HELD:
            raise Refused(
                f"this release code has been used or is out of date: plan {found.plan} is {found.state.value}"
            )
        if now >= code.expires_at:
            raise Refused(
                f"this release code expired at {code.expires_at:%Y-%m-%d %H:%M} UTC; "
                f"plan {found.plan} can be released by its name"
            )
        return found

    def _key(self) -> bytes:
        if not self._path.exists():
            write_atomically(self._path, secrets.token_bytes(release_code.KEY_BYTES))
        return self._path.read_bytes()
