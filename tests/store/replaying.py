"""What a platform does with the feed: it puts each line into tables of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.rosters import frames
from rostergate.core.roster import TABLES
from rostergate.store import feed, turns
from rostergate.store.feed import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames

REFERENCES = {
    "classes": (("schools", ("school_id",)),),
    "teacher_schools": (("teachers", ("teacher_id",)), ("schools", ("school_id",))),
    "student_schools": (("students", ("student_id",)), ("schools", ("school_id",))),
    "guardianships": (("guardians", ("guardian_id",)), ("students", ("student_id",))),
    "class_teachers": (("classes", ("school_id", "class_id")), ("teachers", ("teacher_id",))),
    "enrollments": (("classes", ("school_id", "class_id")), ("students", ("student_id",))),
}
"""Written down here once more: a test must not ask the code which ties it has to keep."""


async def told(tx: AsyncConnection, district: str | None = None, after: Cursor | None = None) -> list[dict[str, Any]]:
    """Return the lines of the feed after a cursor."""
    found = []
    position = max((after or Cursor()).position - 1, 0)
    for turn in await turns.following(tx, position, district=district, limit=10_000):
        found += [line async for line in feed.lines(tx, turn, after)]
    return found


class Platform:
    """The tables of one district as a platform keeps them, which refuses a line that does not fit what it has."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[tuple[str, ...], dict[str, str | None]]] = {name: {} for name in TABLES}

    def take(self, lines: Iterable[dict[str, Any]]) -> None:
        """Take lines, one after the other."""
        for line in lines:
            rows, key = self.tables[line["table"]], tuple(line["key"].values())
            assert rows.get(key) == line["before"], line
            if line["after"] is None:
                assert line["action"] == "removed"
                del rows[key]
            else:
                assert line["action"] == ("added" if line["before"] is None else "updated")
                assert line["before"] != line["after"]
                rows[key] = line["after"]
                self._assert_tied(line["table"], line["key"])

    def _assert_tied(self, table: str, key: dict[str, str]) -> None:
        for other, columns in REFERENCES.get(table, ()):
            assert tuple(key[one] for one in columns) in self.tables[other], (table, other)

    def roster(self) -> Frames:
        """Return what the platform has."""
        return frames(
            **{name: [(*key, *values.values()) for key, values in rows.items()] for name, rows in self.tables.items()}
        )
