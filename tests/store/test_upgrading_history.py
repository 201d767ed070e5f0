from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from core.rosters import frames, same
from rostergate import store
from rostergate.store import history, turns
from store.replaying import Platform, told

if TYPE_CHECKING:
    from pathlib import Path

_DELIVERY = (
    "INSERT INTO deliveries (id, district, number, state, began_at, decided_at, attempts, outcome, files) "
    "VALUES (?, ?, ?, 'settled', '2026-09-01 10:00:00.000000', ?, 1, ?, '[]')"
)
_STUDENT = (
    "INSERT INTO students (district, student_id, first_name, since_delivery, until_delivery) VALUES (?, ?, ?, ?, ?)"
)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Give a database of the time before turns: two districts, one of which had a plan released."""
    path = tmp_path / "rostergate.db"
    store.upgrade(path, "0002")
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany(
            _DELIVERY,
            [
                ("lincoln-00001", "lincoln", 1, "2026-09-01 12:00:00.000000", "accepted"),
                ("lincoln-00002", "lincoln", 2, "2026-09-02 12:00:00.000000", "rejected"),
                ("lincoln-00003", "lincoln", 3, "2026-09-02 11:00:00.000000", "accepted"),  # a clock that went back
                ("lincoln-00004", "lincoln", 4, None, None),
                ("east-00001", "east", 1, "2026-09-02 09:00:00.000000", "accepted"),
            ],
        )
        database.executemany(
            _STUDENT,
            [
                ("lincoln", "s1", "Ann", 1, 3),
                ("lincoln", "s2", "Bo", 1, None),
                ("east", "s1", "Di", 1, None),
                ("lincoln", "s1", "Anna", 3, None),
            ],
        )
        database.executemany(
            "INSERT INTO grounds VALUES (?, ?, ?, '2026-09-02 12:00:00.000000')",
            [("lincoln", "", 3), ("lincoln", "A", 3), ("east", "", 1)],
        )
    return path


async def test_what_was_applied_before_has_its_turns(before: Path) -> None:
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
