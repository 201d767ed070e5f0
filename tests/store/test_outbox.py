from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.rosters import frames
from rostergate import store
from rostergate.core.notices import NOBODY, Audience, Kind
from rostergate.core.plan_state import State as PlanState
from rostergate.core.roster import empty
from rostergate.errors import NotFound
from rostergate.store import outbox, roster, verdicts
from rostergate.store.outbox import State
from store.making import AT, LATER, REJECTED, accepted, plans, sealed

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class StoppedError(Exception):
    """The program ends here."""


ADAMS = frames(schools=[("A", "Adams")])
IT, OFFICE = "it@lincoln.example.org", "office@lincoln.example.org"


async def test_each_recipient_is_told_once_of_each_kind(tx: AsyncConnection) -> None:
    """Writing the same mail again does nothing; another recipient or another kind is another mail."""
    assert await outbox.write(tx, Kind.LATE, "lincoln 2026-09-01", [IT, IT], AT) == 1
    assert await outbox.write(tx, Kind.LATE, "lincoln 2026-09-01", [IT, OFFICE], LATER) == 1
    assert await outbox.write(tx, Kind.SILENT, "lincoln 2026-09-01", [IT], LATER) == 1
    assert [(one.kind, one.recipient) for one in await outbox.due(tx, LATER, 10)] == [
        (Kind.LATE, IT),
        (Kind.LATE, OFFICE),
        (Kind.SILENT, IT),
    ]


async def test_a_mail_that_failed_waits_for_its_next_try(tx: AsyncConnection) -> None:
    """It is due again only then, and says why it failed."""
    await outbox.write(tx, Kind.LATE, "x", [IT], AT)
    (mail,) = await outbox.due(tx, AT, 10)
    await outbox.failed(tx, mail.id, "450 busy", LATER)
    assert await outbox.due(tx, AT, 10) == []
    (again,) = await outbox.due(tx, LATER, 10)
    assert (again.tries, again.error, again.state) == (1, "450 busy", State.WAITING)


async def test_a_mail_is_closed_when_it_is_sent_or_given_up(tx: AsyncConnection) -> None:
    """Neither is due any more; what was given up can be sent after all, counted anew."""
    await outbox.write(tx, Kind.LATE, "x", [IT, OFFICE], AT)
    first, second = await outbox.due(tx, AT, 10)
    await outbox.sent(tx, first.id, LATER)
    await outbox.gave_up(tx, second.id, "550 nobody", LATER)
    assert await outbox.due(tx, LATER, 10) == []
    assert await outbox.counts(tx) == {State.WAITING: 0, State.SENT: 1, State.DEAD: 1}
    (dead,) = await outbox.listed(tx, State.DEAD)
    assert (dead.id, dead.tries, dead.closed_at) == (second.id, 1, LATER)
    again = await outbox.retry(tx, dead.id, LATER + timedelta(days=9))
    assert (again.state, again.tries, again.written_at) == (State.WAITING, 0, LATER + timedelta(days=9))


async def test_a_number_that_no_mail_has_is_named(tx: AsyncConnection) -> None:
    """Asking for it says where the list is."""
    with pytest.raises(NotFound, match="no mail 7; `rostergate mail"):
        await outbox.get(tx, 7)


async def test_a_verdict_and_its_mail_are_one_transaction(engine: AsyncEngine) -> None:
    """When the transaction of a verdict is rolled back, nobody is told of it."""
    async with store.writing(engine) as tx:
        delivery = await sealed(tx)
    with suppress(StoppedError):
        async with store.writing(engine) as tx:
            await verdicts.conclude(tx, delivery, REJECTED, ground=0, at=AT, audience=Audience((IT,)))
            assert len(await outbox.due(tx, AT, 10)) == 1
            raise StoppedError
    async with store.writing(engine) as tx:
        assert await outbox.due(tx, AT, 10) == []
        await verdicts.conclude(tx, delivery, REJECTED, ground=0, at=AT, audience=Audience((IT,)))
        (mail,) = await outbox.due(tx, AT, 10)
    assert (mail.kind, mail.about, mail.delivery, mail.facts) == (Kind.REFUSED, delivery, delivery, {})


async def test_that_a_delivery_came_is_told_only_while_it_is_not_decided(tx: AsyncConnection) -> None:
    """A verdict takes back what is not due yet; what was due stays, or it would be lost while it is being sent."""
    audience = Audience((IT,))
    for after, kinds in ((2 * (LATER - AT), [Kind.APPLIED]), (timedelta(0), [Kind.RECEIVED, Kind.APPLIED])):
        delivery = await sealed(tx, f"after-{after.seconds}")
        await outbox.write(tx, Kind.RECEIVED, delivery, [IT], AT, delivery=delivery, after=after)
        verdict = accepted(plans(empty(), ADAMS))
        await verdicts.conclude(tx, delivery, verdict, ground=0, at=LATER, audience=audience)
        assert [one.kind for one in await outbox.about_delivery(tx, delivery)] == kinds


async def test_the_same_faults_are_told_once(tx: AsyncConnection) -> None:
    """A delivery that changes nothing and has the faults of the accepted one before it is told to nobody."""
    for told in (1, 0, 0):
        delivery = await sealed(tx)
        ground = await roster.ground(tx, "lincoln")
        await verdicts.conclude(tx, delivery, accepted(), ground=ground, at=AT, audience=Audience((IT,)))
        found = [one for one in await outbox.listed(tx) if one.delivery == delivery]
        assert [one.kind for one in found] == [Kind.FAULTS] * told


async def test_operators_are_told_of_a_school_that_waits_for_its_match_once(tx: AsyncConnection) -> None:
    """The delivery that brings it tells them, besides the district; the next one with the same school does not."""
    audience = Audience((IT,), operators=("ops@platform.example",))
    for told in ([Kind.HELD, Kind.UNMATCHED], [Kind.HELD]):
        delivery = await sealed(tx)
        decided = accepted([replace(one, state=PlanState.UNMATCHED) for one in plans(empty(), ADAMS)])
        await verdicts.conclude(tx, delivery, decided, ground=0, at=AT, audience=audience)
        found = {one.kind: one for one in await outbox.listed(tx) if one.delivery == delivery}
        assert sorted(found) == sorted(told)
        if Kind.UNMATCHED in found:
            assert found[Kind.UNMATCHED].recipient == "ops@platform.example"
            assert found[Kind.UNMATCHED].facts == {"schools": 1}


async def test_without_an_audience_nothing_is_written(tx: AsyncConnection) -> None:
    """Where no mail server is set, the outbox stays empty."""
    delivery = await sealed(tx)
    await verdicts.conclude(tx, delivery, REJECTED, ground=0, at=AT, audience=NOBODY)
    assert await outbox.listed(tx) == []
