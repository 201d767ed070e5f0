from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rostergate.cli import sample
from rostergate.core.policy import Policy
from rostergate.core.states import IllegalTransition
from rostergate.store import deliveries, roster, turns
from rostergate.worker import road
from wholes import as_files
from worker.delivering import AT, SLUG

if TYPE_CHECKING:
    from worker.delivering import District

SET = as_files(sample.file_set())


async def students(district: District) -> int:
    """Count the students of the roster."""
    async with district.reading() as tx:
        return (await roster.counts(tx, SLUG))["students"]


async def test_a_delivery_is_decided_and_written(district: District) -> None:
    """A sealed delivery is applied, and what comes back has counts and codes only."""
    walked = await district.walk(await district.sealed(SET))
    assert (walked.state, walked.outcome, walked.format, walked.files, walked.schools, walked.held) == (
        "settled",
        "accepted",
        "direct",
        6,
        3,
        0,
    )
    assert walked.changes["added"] > 800
    assert set(walked.seconds) == {"read", "decide", "record"}
    assert await students(district) == 260


async def test_a_conclusion_is_dated_when_it_is_come_to(district: District) -> None:
    """Not when deciding began: with a large district minutes lie between, in which other things may happen."""
    delivery = await district.sealed(SET)
    walked = await district.walk(delivery, at=AT)
    async with district.reading() as tx:
        about, turn = await deliveries.get(tx, delivery), await turns.at(tx, await turns.last(tx))
    assert about.decided_at is not None
    spent = (about.decided_at - AT).total_seconds()
    assert walked.seconds["read"] + walked.seconds["decide"] - 0.01 < spent < sum(walked.seconds.values()) + 0.01
    assert turn.at == about.decided_at


async def test_a_delivery_is_decided_once(district: District) -> None:
    """A second walk of the same delivery changes nothing."""
    delivery = await district.deliver(SET)
    with pytest.raises(IllegalTransition):
        await district.walk(delivery)
    assert await students(district) == 260


async def test_changed_bytes_are_not_used(district: District) -> None:
    """A file that changed after the sealing stops the delivery, and the message names it."""
    delivery = await district.sealed(SET)
    path = district.spool.delivery(delivery) / "students.csv"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"\r\n")
    with pytest.raises(road.DeliveryDamagedError, match=r"students\.csv"):
        await district.walk(delivery)
    assert await students(district) == 0


async def test_what_a_sealed_set_lacks_refuses_it(district: District) -> None:
    """A set that is not complete for the format it is taken for by now is refused, not waited for."""
    delivery = await district.sealed({name: data for name, data in SET.items() if name != "classes.csv"})
    walked = await district.walk(delivery, Policy(format="direct"))
    assert (walked.state, walked.outcome) == ("rejected", "rejected")
    assert "missing-file" in walked.codes
