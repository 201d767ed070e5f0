"""The check of the database: it finds what was planted, and says so in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from core.rosters import frames
from rostergate import store
from rostergate.core.roster import empty
from rostergate.store import checking
from store.making import accepted, concluded, plans

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

ROSTER = frames(
    schools=[("A", "Adams")],
    students=[("s1", "Ann"), ("s2", "Ben")],
    student_schools=[("A", "s1"), ("A", "s2")],
)


@pytest.fixture
async def applied(engine: AsyncEngine) -> AsyncEngine:
    """Give a database with one district's roster."""
    async with store.writing(engine) as tx:
        await concluded(tx, accepted(plans(empty(), ROSTER)))
    return engine


async def _wrong(engine: AsyncEngine) -> dict[str, str]:
    return {one.name: one.found for one in await checking.check(engine) if not one.ok}


async def test_a_sound_database_is_told_so(applied: AsyncEngine) -> None:
    """Nothing is wrong with what the store itself has written, and every check says what it looked at."""
    checks = await checking.check(applied)
    assert all(one.ok for one in checks), checks
    assert {"schema", "one current version", "ties", "references", "order", "origin"} <= {one.name for one in checks}


@pytest.mark.parametrize(
    ("planted", "name", "found"),
    [
        (
            ["DELETE FROM student_schools WHERE student_id = 's1'"],
            "ties",
            "1 current people without any tie",
        ),
        (["DELETE FROM students WHERE student_id = 's2'"], "references", "1 current rows that refer to nothing"),
        (
            [
                "DROP INDEX ux_students_current",
                "INSERT INTO students (district, student_id, since_delivery) SELECT district, 's1', 1 FROM schools",
            ],
            "one current version",
            "1 keys with more than one current version",
        ),
        (["UPDATE schools SET until_delivery = 1, until_ground = 0"], "order", "1 versions that end before they begin"),
        (
            ["UPDATE schools SET until_delivery = 7"],
            "origin",
            "1 versions made or ended by a delivery that there is not",
        ),
        (
            ["UPDATE schools SET since_delivery = 0"],
            "origin",
            "1 versions made or ended by a delivery that there is not",
        ),
        (["UPDATE alembic_version SET version_num = '0001'"], "schema", "schema 0001, older than"),
        (["UPDATE alembic_version SET version_num = '9999'"], "schema", "schema 9999, of a newer version"),
        (["DELETE FROM alembic_version"], "schema", "never set up"),
    ],
    ids=[
        "a person without a tie",
        "a tie to nobody",
        "two versions",
        "backwards",
        "no end",
        "no origin",
        "older",
        "newer",
        "new",
    ],
)
async def test_what_is_wrong_is_counted(applied: AsyncEngine, planted: list[str], name: str, found: str) -> None:
    """Each rule of the roster that is broken is named with its number."""
    async with store.writing(applied) as tx:
        for statement in planted:
            await tx.execute(sa.text(statement))
    wrong = await _wrong(applied)
    assert name in wrong
    assert wrong[name].startswith(found)


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
async def test_a_reference_to_nothing_is_found(applied: AsyncEngine) -> None:
    """SQLite's own check of references is asked, for a program that wrote without them."""
    async with applied.connect() as connection:
        await connection.exec_driver_sql("PRAGMA query_only=OFF")
        await connection.exec_driver_sql("COMMIT")
        await connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        await connection.exec_driver_sql("DELETE FROM deliveries")
    assert "foreign keys" in await _wrong(applied)


WHOLE = frames(
    schools=[("A", "Adams")],
    teachers=[("t1", "Ada")],
    students=[("s1", "Ann")],
    guardians=[("g1", "Gus")],
    classes=[("A", "c1", "Art")],
    teacher_schools=[("A", "t1")],
    student_schools=[("A", "s1")],
    guardianships=[("A", "s1", "g1")],
    class_teachers=[("A", "c1", "t1")],
    enrollments=[("A", "c1", "s1")],
)
NEEDED = {
    "schools": 3,  # by the class and by both ties to it
    "teachers": 1,
    "students": 1,
    "guardians": 1,
    "classes": 2,
    "teacher_schools": 1,
    "student_schools": 2,
}
"""Table -> how many rows of that roster refer to its one row."""


@pytest.mark.parametrize("table", NEEDED)
async def test_whatever_a_row_refers_to_is_looked_for(engine: AsyncEngine, table: str) -> None:
    """Where a row has gone that others refer to, each of these is counted; one that was ended is none."""
    async with store.writing(engine) as tx:
        await concluded(tx, accepted(plans(empty(), WHOLE)))
        await tx.execute(sa.text(f"UPDATE {table} SET until_delivery = 1, until_ground = 2"))
    assert (await _wrong(engine))["references"] == f"{NEEDED[table]} current rows that refer to nothing"
