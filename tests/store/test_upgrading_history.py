from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from core.rosters import frames, same
from rostergate import store
from rostergate.store import history, turns
from rostergate.store.engine import open_blocking, to_write
from rostergate.store.schema import deliveries, grounds
from servers import ENGINES
from store.replaying import Platform, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import PostgreSQL

AT = datetime(2026, 9, 1, 10, tzinfo=UTC)
DELIVERIES = [
    # district, number, decided, outcome
    ("lincoln", 1, datetime(2026, 9, 1, 12, tzinfo=UTC), "accepted"),
    ("lincoln", 2, datetime(2026, 9, 2, 12, tzinfo=UTC), "rejected"),
    ("lincoln", 3, datetime(2026, 9, 2, 11, tzinfo=UTC), "accepted"),  # a clock that went back
    ("lincoln", 4, None, None),
    ("east", 1, datetime(2026, 9, 2, 9, tzinfo=UTC), "accepted"),
]
STUDENTS = [
    # district, id, name, since, until
    ("lincoln", "s1", "Ann", 1, 3),
    ("lincoln", "s2", "Bo", 1, None),
    ("east", "s1", "Di", 1, None),
    ("lincoln", "s1", "Anna", 3, None),
]
COLUMNS = ("student_id", "first_name", "since_delivery", "until_delivery")
GROUNDS = [("lincoln", "", 3), ("lincoln", "A", 3), ("east", "", 1)]


@pytest.fixture(params=ENGINES)
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[store.Location]:
    """Give a database of the time before turns: two districts, one of which had a plan released."""
    with ExitStack() as closing:
        location: store.Location = tmp_path / "rostergate.db"
        if request.param == "postgresql":
            server: PostgreSQL = request.getfixturevalue("postgresql")
            location = server.server(closing.enter_context(server.empty()))
        store.upgrade(location, "0002")
        with open_blocking(location).connect() as connection, to_write(connection).begin():
            _fill(connection)
        yield location


def _fill(connection: sa.Connection) -> None:
    for district, number, decided_at, outcome in DELIVERIES:
        delivery = {
            "id": f"{district}-{number:05d}",
            "district": district,
            "number": number,
            "state": "settled",
            "began_at": AT,
            "decided_at": decided_at,
            "attempts": 1,
            "outcome": outcome,
            "files": [],
        }
        connection.execute(deliveries.insert().values(delivery))
    students = sa.table("students", *map(sa.column, ("district", *COLUMNS)))
    for district, *row in STUDENTS:
        connection.execute(students.insert().values(district=district, **dict(zip(COLUMNS, row, strict=True))))
    for district, school_id, ground in GROUNDS:
        connection.execute(grounds.insert().values(district=district, school_id=school_id, ground=ground, moved_at=AT))


async def test_what_was_applied_before_has_its_turns(before: store.Location) -> None:
    """After the upgrade the roster can be read as of older deliveries, and the feed tells it from the beginning."""
    store.upgrade(before)
    engine = store.open(before)
    first = frames(students=[("s1", "Ann"), ("s2", "Bo")])
    third = frames(students=[("s1", "Anna"), ("s2", "Bo")])
    async with store.reading(engine) as tx:
        line = [(one.delivery, one.position, one.ground) for one in await turns.following(tx, 0)]
        assert line == [
            ("lincoln-00001", 1, 2),
            ("east-00001", 2, 1),
            ("lincoln-00002", 3, 2),
            ("lincoln-00003", 4, 3),
        ]
        assert await turns.last(tx) == 4
        for delivery, roster in (("lincoln-00001", first), ("lincoln-00002", first), ("lincoln-00003", third)):
            assert same(await history.load(tx, "lincoln", (await turns.span(tx, delivery)).after), roster)
        platform = Platform()
        platform.take(await told(tx, "lincoln"))
        assert same(platform.roster(), third)
    await engine.dispose()
