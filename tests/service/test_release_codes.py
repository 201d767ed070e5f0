from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import databases
from core.rosters import frames
from rostergate import store
from rostergate.core import release_code
from rostergate.core.roster import empty
from rostergate.errors import Refused
from rostergate.service.release_codes import KEY_NAME, ReleaseCodes
from rostergate.spool.folders import Spool
from rostergate.store import deciding, plans, verdicts
from store.making import accepted, sealed
from store.making import plans as made

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

NOW = datetime(2026, 9, 1, 12, 34, 56, tzinfo=UTC)
EXPIRES = datetime(2026, 9, 4, 12, 0, tzinfo=UTC)
ROSTER = frames(schools=[("A", "Adams"), ("B", "Baker")])
DELIVERY = "lincoln-00001"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Give an empty state."""
    spool = Spool(tmp_path)
    spool.prepare()
    return spool


@pytest.fixture
def codes(spool: Spool) -> ReleaseCodes:
    """Give codes that are good for three days."""
    return ReleaseCodes(spool, 72)


@pytest.fixture
async def tx(spool: Spool) -> AsyncIterator[AsyncConnection]:
    """Give one writing transaction after a delivery of which one school of two is on hold."""
    databases.make(spool.database)
    engine = store.open(spool.database)
    async with store.writing(engine) as tx:
        assert await sealed(tx) == DELIVERY
        await verdicts.conclude(tx, DELIVERY, accepted(made(empty(), ROSTER, held="A")), ground=0, at=NOW)
        yield tx
    await engine.dispose()


async def code_of(tx: AsyncConnection, codes: ReleaseCodes) -> str:
    """Return the code of the one plan on hold."""
    (code,) = (await codes.of(tx, DELIVERY, NOW)).values()
    return code


async def test_what_is_on_hold_has_a_code(tx: AsyncConnection, codes: ReleaseCodes, spool: Spool) -> None:
    """What has been applied has none; each mail says the same code, and nobody else can read its key."""
    (held,) = await plans.held(tx)
    first = await codes.of(tx, DELIVERY, NOW)
    assert list(first) == [held.plan]
    assert await codes.of(tx, DELIVERY, NOW) == first
    assert (await codes.plan(tx, first[held.plan], NOW)).id == held.id
    assert (spool.keys / KEY_NAME).stat().st_mode & 0o777 == 0o600


async def test_a_code_is_good_until_the_hour_that_is_said(tx: AsyncConnection, codes: ReleaseCodes) -> None:
    """The mail says a full hour; at that hour the code opens nothing any more."""
    code = await code_of(tx, codes)
    assert codes.expire_at(NOW) == EXPIRES
    await codes.plan(tx, code, EXPIRES - timedelta(seconds=1))
    with pytest.raises(Refused, match="expired at 2026-09-04 12:00 UTC"):
        await codes.plan(tx, code, EXPIRES)


async def test_a_code_is_used_up_with_its_plan(tx: AsyncConnection, codes: ReleaseCodes) -> None:
    """Once the plan is discarded, its code says what became of it."""
    code = await code_of(tx, codes)
    (held,) = await plans.held(tx)
    await deciding.discard(tx, [held.hash], "Kim", "a mistake", NOW)
    with pytest.raises(Refused, match=f"plan {held.plan} is discarded"):
        await codes.plan(tx, code, NOW)


async def test_what_another_key_has_made_is_no_code(tx: AsyncConnection, codes: ReleaseCodes, spool: Spool) -> None:
    """Without the key that it was made with a code is worthless, and asking makes no key."""
    code = await code_of(tx, codes)
    (spool.keys / KEY_NAME).write_bytes(b"\1" * release_code.KEY_BYTES)
    with pytest.raises(Refused, match="no release code of this server"):
        await codes.plan(tx, code, NOW)
    (spool.keys / KEY_NAME).unlink()
    with pytest.raises(Refused, match="no release code of this server"):
        await codes.plan(tx, code, NOW)
    assert not (spool.keys / KEY_NAME).exists()


@pytest.mark.parametrize("text", ["", "A" * 31, release_code.made(999, "ab", EXPIRES, b"\1" * release_code.KEY_BYTES)])
async def test_what_is_no_code_says_nothing_of_plans(tx: AsyncConnection, codes: ReleaseCodes, text: str) -> None:
    """Whether there is a plan of that number is told to nobody who has no code for it."""
    with pytest.raises(Refused, match="no release code of this server"):
        await codes.plan(tx, text, NOW)
