"""What a platform does with the feed: it puts each line into tables of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.rosters import frames
from rostergate.core.roster import TABLES
from rostergate.store import feed, history, turns
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

STATES = {
    "schools": ("platform_school",),
    **dict.fromkeys(("teachers", "students", "guardians"), ("account_state", "account")),
    "classes": ("class_state",),
}
"""Written down here once more, as the ties: what tells where a row stands."""


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
        self.stands: dict[str, dict[tuple[str, ...], dict[str, str | None]]] = {name: {} for name in STATES}

    async def export(self, tx: AsyncConnection, district: str, span: turns.Span | None = None) -> None:
        """Begin with what is exported instead of the first line of the feed."""
        for name, table in TABLES.items():
            self.tables[name], stands = {}, {}
            async for part in history.rows(tx, district, table, span):
                for row in part.iter_rows(named=True):
                    key = tuple(row[column] for column in table.key)
                    self.tables[name][key] = {column: row[column] for column in table.values}
                    stands[key] = {column: row[column] for column in STATES.get(name, ())}
            if name in STATES:
                self.stands[name] = stands

    def take(self, lines: Iterable[dict[str, Any]]) -> None:
        """Take lines, one after the other."""
        for line in lines:
            rows, key = self.tables[line["table"]], tuple(line["key"].values())
            stands = self.stands.get(line["table"], {})
            assert (line["stands"] is not None) == (line["table"] in STATES and line["action"] != "removed"), line
            if line["action"] == "stands":
                assert line["before"] is line["after"] is None
                assert stands[key] != line["stands"], line
                stands[key] = line["stands"]
                continue
            assert rows.get(key) == line["before"], line
            if line["after"] is None:
                assert line["action"] == "removed"
                del rows[key]
                stands.pop(key, None)
            else:
                assert line["action"] == ("added" if line["before"] is None else "updated")
                assert line["before"] != line["after"]
                rows[key] = line["after"]
                if line["stands"] is not None:
                    stands[key] = line["stands"]
                self._assert_tied(line["table"], line["key"])

    def _assert_tied(self, table: str, key: dict[str, str]) -> None:
        for other, columns in REFERENCES.get(table, ()):
            assert tuple(key[one] for one in columns) in self.tables[other], (table, other)

    def roster(self) -> Frames:
        """Return what the platform has."""
        return frames(
            **{name: [(*key, *values.values()) for key, values in rows.items()] for name, rows in self.tables.items()}
        )
