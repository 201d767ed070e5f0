from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from core.rosters import frames, same
from rostergate.core import concerned
from rostergate.core.person import digest
from rostergate.core.plan_state import State
from rostergate.core.roster import GUARDIANS, STUDENTS, TABLES, TEACHERS, empty
from rostergate.errors import Refused
from rostergate.store import accounts, checking, deciding, erasing, feed, roster
from rostergate.store import plans as stored
from rostergate.store.accounts import PlatformAccount
from rostergate.store.deliveries import reported, unreported
from rostergate.store.erasing import Person
from rostergate.store.feed import Cursor
from rostergate.store.schema import deliveries, held_rows, metadata, platform_accounts
from store.making import AT, accepted, concluded, plans, sealed
from store.replaying import Platform, told

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames

LATER = AT + timedelta(days=1)
CANARIES = ("Quackenbush", "canary-17", "wq@home.example")
SALT = "5a17"


def everybody(name: str = "Wilhelmina") -> Frames:
    """Return a school with a student who is to be erased, her guardian, and others."""
    return frames(
        schools=[("A", "Adams")],
        teachers=[("t1", "Ada", "Moss", "t1@school.example")],
        students=[("canary-17", name, "Quackenbush", "3", None, "wq@home.example"), ("s2", "Bo", "Ash")],
        guardians=[("g1", "Otto", "Elder"), ("g2", "Eve", "Ash")],
        classes=[("A", "c1", "Art")],
        teacher_schools=[("A", "t1")],
        student_schools=[("A", "canary-17"), ("A", "s2")],
        guardianships=[("A", "canary-17", "g1"), ("A", "s2", "g2")],
        class_teachers=[("A", "c1", "t1")],
        enrollments=[("A", "c1", "canary-17"), ("A", "c1", "s2")],
    )


def left(tables: Frames) -> Frames:
    """Return the roster without the student, and without the guardian whom nothing keeps then."""
    gone = {"canary-17", "g1"}
    return frames(**{name: [row for row in frame.rows() if not gone & set(row)] for name, frame in tables.items()})


async def everything(tx: AsyncConnection) -> str:
    """Return every cell of every table as one text, packed ones unpacked."""
    found = []
    for table in metadata.tables.values():
        found += [repr(tuple(row)) for row in await tx.execute(sa.select(table))]
    for delivery in await tx.scalars(sa.select(deliveries.c.id)):
        changes = await stored.changes(tx, delivery)
        found += [repr(frame.rows()) for plan in changes.values() for frame in plan.values()]
    for packed in await tx.scalars(sa.select(held_rows.c.rows)):
        found.append(repr(concerned.unpack(packed).rows()))
    return "\n".join(found)


async def test_nothing_of_a_person_is_left(tx: AsyncConnection) -> None:
    """Current and earlier values, ties, plans, rows of holds and the account go; the others stay, by all rules."""
    await accounts.load(tx, "lincoln", [PlatformAccount("p1", None, "wq@home.example", None)], AT)
    await concluded(tx, accepted(plans(empty(), everybody(), held="A")))
    await deciding.discard(tx, [one.plan for one in await stored.held(tx)], "Kim", "wrong", AT)
    await concluded(tx, accepted(plans(empty(), everybody())))
    await concluded(tx, accepted(plans(everybody(), everybody("Mina"))))
    waiting = await concluded(tx, accepted(plans(everybody("Mina"), empty(), held="A")))
    before = await everything(tx)
    assert all(canary in before for canary in CANARIES)
    who = Person("lincoln", STUDENTS, "canary-17")
    traces = await erasing.find(tx, who)
    assert (traces.current, traces.versions["students"], traces.waiting) == (True, 2, (waiting,))
    assert traces.loaded == {"p1"}
    assert traces.names == {("Wilhelmina", "Quackenbush"), ("Mina", "Quackenbush")}
    every = list(await tx.scalars(sa.select(deliveries.c.id)))
    for delivery in every:
        await reported(tx, delivery, AT)
    await erasing.erase(tx, who, LATER, SALT)
    assert [one.id for one in await unreported(tx)] == every
    after = await everything(tx)
    assert [canary for canary in CANARIES if canary in after] == []
    assert "Wilhelmina" not in after
    assert same(await roster.load(tx, "lincoln"), left(everybody()))
    assert not (await erasing.find(tx, who)).any
    assert {one.state for one in await stored.of(tx, waiting)} == {State.SUPERSEDED}
    for name, what, queries in checking._invariants():
        assert (await checking._counted(tx, name, what, queries)).ok, name


async def test_who_follows_the_feed_is_told(tx: AsyncConnection) -> None:
    """The line names nobody, and fits the id of the person alone; who applies it has what the roster has."""
    await concluded(tx, accepted(plans(empty(), everybody())))
    seen = await told(tx)
    await erasing.erase(tx, Person("lincoln", STUDENTS, "canary-17"), LATER, SALT)
    line, *rest = await told(tx, after=Cursor(2, 0))
    assert (line["action"], line["table"]) == ("erased", "students")
    assert (line["key"], line["before"], line["after"]) == (None, None, None)
    known = [one["key"]["student_id"] for one in seen if one["table"] == "students"]
    assert [one for one in known if digest(line["person"]["salt"], one) == line["person"]["sha256"]] == ["canary-17"]
    assert await told(tx, after=Cursor.parse(line["cursor"])) == rest
    platform = Platform()
    platform.take(seen)
    for name, table in TABLES.items():
        if "student_id" in table.key:
            place, rows = table.key.index("student_id"), platform.tables[name]
            platform.tables[name] = {key: values for key, values in rows.items() if key[place] != "canary-17"}
    platform.take(rest)
    assert same(platform.roster(), left(everybody()))


async def test_who_follows_is_told_although_the_last_turn_was_of_no_delivery(tx: AsyncConnection) -> None:
    """Accounts were loaded since: whoever goes leaves the roster all the same, and the feed says it."""
    await concluded(tx, accepted(plans(empty(), everybody())))
    await accounts.load(tx, "lincoln", [PlatformAccount("p1", None, "wq@home.example", None)], AT)
    taken = await feed.end(tx)
    assert taken.position == 2
    await erasing.erase(tx, Person("lincoln", STUDENTS, "canary-17"), LATER, SALT)
    assert [(one["action"], one["key"]) for one in await told(tx, after=Cursor(taken.position + 1))] == [
        ("erased", None),
        ("removed", {"guardian_id": "g1"}),
    ]
    assert same(await roster.load(tx, "lincoln"), left(everybody()))


async def test_a_feed_that_stopped_among_lost_lines_misses_nothing(tx: AsyncConnection) -> None:
    """Whoever had taken a part of a turn is told what is left of it again, and can stop there anew."""
    await concluded(tx, accepted(plans(empty(), everybody())))
    whole = await told(tx)
    for stopped in (whole[2], whole[-1]):
        await feed.assert_given(tx, Cursor.parse(stopped["cursor"]))
    await erasing.erase(tx, Person("lincoln", STUDENTS, "canary-17"), LATER, SALT)
    now = [line for line in await told(tx) if line["cursor"].startswith("1.")]
    kept = [line for line in whole if "canary-17" not in line["key"].values()]
    assert [(line["table"], line["key"]) for line in now] == [(line["table"], line["key"]) for line in kept]
    again = [line for line in await told(tx, after=Cursor.parse(whole[2]["cursor"])) if line["cursor"].startswith("1.")]
    assert again == now
    for line in (now[1], now[-1]):
        await feed.assert_given(tx, Cursor.parse(line["cursor"]))
    rest = await told(tx, after=Cursor.parse(now[1]["cursor"]))
    assert rest[: len(now) - 2] == now[2:]


async def test_a_feed_that_stopped_where_the_person_left_misses_nothing(tx: AsyncConnection) -> None:
    """That turn loses lines as well, and what it tells of others must not come under a cursor that was taken."""
    await concluded(tx, accepted(plans(empty(), everybody())))
    await concluded(tx, accepted(plans(everybody(), left(everybody()))))
    whole = await told(tx, after=Cursor(2, 0))
    await erasing.erase(tx, Person("lincoln", STUDENTS, "canary-17"), LATER, SALT)
    others = [line["key"] for line in whole if "canary-17" not in line["key"].values()]
    assert others == [{"guardian_id": "g1"}]
    for stopped in whole[:-1]:
        rest = await told(tx, after=Cursor.parse(stopped["cursor"]))
        assert [line["key"] for line in rest if line["cursor"].startswith("2.")] == others


async def test_who_has_left_before_is_erased_as_well(tx: AsyncConnection) -> None:
    """The history loses the person, nothing else changes, and the feed says so."""
    await concluded(tx, accepted(plans(empty(), everybody())))
    await concluded(tx, accepted(plans(everybody(), left(everybody()))))
    waiting = await concluded(tx, accepted(plans(left(everybody()), empty(), held="A")))
    await reported(tx, waiting, AT)
    who = Person("lincoln", STUDENTS, "canary-17")
    assert not (await erasing.find(tx, who)).current
    await erasing.erase(tx, who, LATER, SALT)
    assert waiting in {one.id for one in await unreported(tx)}
    assert [canary for canary in CANARIES if canary in await everything(tx)] == []
    assert [line["action"] for line in await told(tx, after=Cursor(3, 0))] == ["erased"]
    assert same(await roster.load(tx, "lincoln"), left(everybody()))


async def test_an_account_that_was_never_linked_goes_too(tx: AsyncConnection) -> None:
    """Whatever kept it apart: a claim before it, a second account, another role, an earlier phone or address."""
    before = everybody()
    before["teachers"] = frames(teachers=[("t1", "Ada", "Moss", "T1@Private.Example", "+12025550101")])["teachers"]
    await concluded(tx, accepted(plans(empty(), before)))
    await concluded(tx, accepted(plans(before, everybody())))
    await accounts.claim(tx, "lincoln", "t1", AT)
    loaded = [
        PlatformAccount("p1", "teachers", "t1@school.example", None),
        PlatformAccount("p2", "guardians", "t1@school.example", None),
        PlatformAccount("p3", None, None, "+12025550101"),
        PlatformAccount("p4", None, "somebody@school.example", None),
        PlatformAccount("p5", None, "t1@private.example", None),
    ]
    await accounts.load(tx, "lincoln", loaded, AT)
    await erasing.erase(tx, Person("lincoln", TEACHERS, "t1"), LATER, SALT)
    assert await _loaded(tx) == {"p4"}
    after = (await everything(tx)).lower()
    assert ("t1@school.example" in after, "t1@private.example" in after) == (False, False)


async def test_an_account_loaded_while_its_owner_waits_or_has_left_goes_too(tx: AsyncConnection) -> None:
    """The roster does not have the person at that moment; a plan or the history does."""
    await accounts.load(tx, "lincoln", [PlatformAccount("p1", None, "wq@home.example", None)], AT)
    await concluded(tx, accepted(plans(empty(), everybody(), held="A")))
    await erasing.erase(tx, Person("lincoln", STUDENTS, "canary-17"), LATER, SALT)
    assert await _loaded(tx) == set()
    await concluded(tx, accepted(plans(empty(), everybody())))
    await concluded(tx, accepted(plans(everybody(), left(everybody()))))
    await accounts.load(tx, "lincoln", [PlatformAccount("p1", None, "wq@home.example", None)], AT)
    await erasing.erase(tx, Person("lincoln", STUDENTS, "canary-17"), LATER, SALT)
    assert await _loaded(tx) == set()


async def test_the_account_of_somebody_else_stays(tx: AsyncConnection) -> None:
    """An address that two people have, and an account that is linked to another, are not the erased person's alone."""
    family = everybody()
    others = frames(
        students=[
            ("canary-17", "Wilhelmina", "Quackenbush", "3", None, "wq@home.example", "+12025550102"),
            ("s2", "Bo", "Ash", "3", None, "bo@home.example"),
        ],
        guardians=[("g1", "Otto", "Elder"), ("g2", "Eve", "Ash", "wq@home.example")],
    )
    family |= {name: others[name] for name in ("students", "guardians")}
    loaded = [
        PlatformAccount("p1", None, "wq@home.example", None),
        PlatformAccount("p2", None, "bo@home.example", "+12025550102"),
    ]
    await accounts.load(tx, "lincoln", loaded, AT)
    await concluded(tx, accepted(plans(empty(), family)))
    await erasing.erase(tx, Person("lincoln", STUDENTS, "canary-17"), LATER, SALT)
    assert await _loaded(tx) == {"p1", "p2"}


async def _loaded(tx: AsyncConnection) -> set[str]:
    """Return the accounts that the platform has."""
    return set(await tx.scalars(sa.select(platform_accounts.c.account)))


async def test_whoever_has_the_same_id_in_another_district_stays(tx: AsyncConnection) -> None:
    """Roster, history, plans that wait, accounts and feed of that district are as they were."""
    loaded = [PlatformAccount(f"p-{role}", role, "wq@home.example", None) for role in ("students", "guardians")]
    for district in ("east", "lincoln"):
        await accounts.load(tx, district, loaded, AT)
        await concluded(tx, accepted(plans(empty(), everybody())), district)
        await concluded(tx, accepted(plans(everybody(), everybody("Mina"))), district)
        await concluded(tx, accepted(plans(everybody("Mina"), empty(), held="A")), district)
    traces = await erasing.find(tx, Person("east", STUDENTS, "canary-17"))
    (held,) = await stored.held(tx, "east")
    before = await told(tx, "east"), await stored.of(tx, held.delivery)
    rows = await _changes(tx, traces.deliveries)
    await erasing.erase(tx, Person("lincoln", STUDENTS, "canary-17"), LATER, SALT)
    assert (await told(tx, "east"), await stored.of(tx, held.delivery)) == before
    assert await erasing.find(tx, Person("east", STUDENTS, "canary-17")) == traces
    assert await _changes(tx, traces.deliveries) == rows
    assert list(await tx.scalars(sa.select(platform_accounts.c.district))) == ["east", "east"]


async def _changes(tx: AsyncConnection, some: Collection[str]) -> list[tuple[str, str, list[tuple[str, ...]]]]:
    """Return the rows that deliveries change in school A: of each delivery and table."""
    changed = [(one, (await stored.changes(tx, one))["A"]) for one in some]
    return [(one, name, frame.rows()) for one, tables in changed for name, frame in tables.items()]


async def test_a_person_is_found_in_every_plan_however_many_there_are(
    tx: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are looked through a few at a time."""
    monkeypatch.setattr(erasing, "PLANS_AT_ONCE", 1)
    for _ in range(3):
        await concluded(tx, accepted(plans(empty(), everybody(), held="A")))
    who = Person("lincoln", STUDENTS, "canary-17")
    assert len((await erasing.find(tx, who)).plans) == 3
    await erasing.erase(tx, who, LATER, SALT)
    assert [canary for canary in CANARIES if canary in await everything(tx)] == []


async def test_a_teacher_and_a_guardian_can_be_erased(tx: AsyncConnection) -> None:
    """Classes and students stay; the same id in another role is somebody else."""
    await concluded(tx, accepted(plans(empty(), everybody())))
    await erasing.erase(tx, Person("lincoln", TEACHERS, "t1"), LATER, SALT)
    await erasing.erase(tx, Person("lincoln", GUARDIANS, "g2"), LATER, SALT)
    now = await roster.load(tx, "lincoln")
    assert now["classes"].height == 1
    assert now["students"]["student_id"].sort().to_list() == ["canary-17", "s2"]
    assert (now["teachers"].height, now["guardians"]["guardian_id"].to_list()) == (0, ["g1"])
    assert not (await erasing.find(tx, Person("lincoln", TEACHERS, "s2"))).any


async def test_nobody_is_erased_while_a_delivery_is_decided(tx: AsyncConnection) -> None:
    """It could bring the person again without anybody noticing."""
    await concluded(tx, accepted(plans(empty(), everybody())))
    waiting = await sealed(tx)
    with pytest.raises(Refused, match=f"{waiting} is being decided"):
        await erasing.erase(tx, Person("lincoln", STUDENTS, "canary-17"), LATER, SALT)
