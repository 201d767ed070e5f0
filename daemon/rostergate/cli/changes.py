"""`rostergate changes`: the feed that a platform follows."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import click

from rostergate import store
from rostergate.cli.completing import DELIVERY
from rostergate.cli.deliveries import only_district
from rostergate.cli.place import Place, run
from rostergate.errors import Refused
from rostergate.store import feed, floors, turns
from rostergate.store.feed import Cursor

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

FOLLOW_SECONDS: Final = 1.0
"""How often to look for what was applied since: nothing hints from one process to another."""

STALL_SECONDS: Final = 5.0
"""How long a reader may take for some lines before the database is let go."""

_LINES_AT_ONCE: Final = 1_000


@click.command()
@only_district
@click.option(
    "--since",
    "delivery",
    metavar="DELIVERY",
    type=DELIVERY,
    help="What was applied after this delivery, by any district.",
)
@click.option("--after", "cursor", metavar="CURSOR", help="Go on after the line with this cursor.")
@click.option("--follow", is_flag=True, help="Go on with what is applied from now on, until stopped.")
@click.option("--ndjson", is_flag=True, help="One JSON object per line; the only form there is.")
@click.option(
    "--output",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A new file to write to, mode 0600, instead of standard output.",
)
@click.pass_obj
def changes(
    place: Place,
    *,
    slug: str | None,
    delivery: str | None,
    cursor: str | None,
    follow: bool,
    ndjson: bool,  # noqa: ARG001 - said for the reader of a script
    path: Path | None,
) -> None:
    """Tell every change of the roster, in the order in which they were applied.

    One JSON object per line: cursor, district, delivery, at, school (null for people), table, action (added, updated,
    removed, stands), key, before and after (the row's values; null where there is no row), stands (where it stands with
    the platform: platform_school, account_state and account, or class_state). A row that stands otherwise without
    having changed has a line of its own, without before and after. Give the last cursor that was taken back with
    --after. Without --since or --after it begins with the first change ever.
    """
    if delivery and cursor:
        raise click.UsageError("give either --since or --after")
    if slug:
        place.assert_known(slug)
    after = Cursor.parse(cursor) if cursor else Cursor()
    with ExitStack() as closing:
        out = closing.enter_context(_new_file(path)) if path else sys.stdout
        run(_tell(place, slug, delivery, after, out, follow=follow))


def _new_file(path: Path) -> IO[str]:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
    except FileExistsError:
        raise Refused(
            f"{path} is there already: name a new file, and go on with --after and the cursor of that one's last line"
        ) from None


async def _tell(
    place: Place, slug: str | None, delivery: str | None, after: Cursor, out: IO[str], *, follow: bool
) -> None:
    stop = asyncio.Event()
    if follow:
        for one in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(one, stop.set)
    async with place.database() as engine:
        async with store.reading(engine) as tx:
            if delivery:
                last = (await turns.of(tx, delivery))[-1]
                await floors.assert_followed(tx, last.position, last.lines_max, slug)
                after = Cursor(last.position + 1)
            else:
                await feed.assert_given(tx, after, slug)
        while True:
            after = await _tell_what_there_is(engine, slug, after, out, stop)
            if not follow or await _stopped(stop, FOLLOW_SECONDS):
                return


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False


async def _tell_what_there_is(
    engine: AsyncEngine, slug: str | None, after: Cursor, out: IO[str], stop: asyncio.Event
) -> Cursor:
    """Write the lines after a cursor, and return the cursor to go on after.

    One transaction per turn, or per part of one: none stays open while a reader takes no lines, which would keep
    SQLite's log from being reset and PostgreSQL from cleaning up.
    """
    while not stop.is_set():
        async with store.reading(engine) as tx:
            found = await turns.following(tx, max(after.position - 1, 0), district=slug, limit=1)
            if not found:
                return after
            after, writing = await _write(tx, found[0], after, out)
        await writing
    return after


async def _write(
    tx: AsyncConnection, turn: turns.Turn, after: Cursor, out: IO[str]
) -> tuple[Cursor, asyncio.Task[None]]:
    """Write a turn's lines, up to its end or to where the reader stalls.

    Return the cursor to go on after, and the last part, which may still be being written.
    """
    told: list[str] = []
    async for line in feed.lines(tx, turn, after):
        told.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        if len(told) == _LINES_AT_ONCE:
            writing = asyncio.create_task(asyncio.to_thread(_put, out, "".join(told)))
            done, _ = await asyncio.wait({writing}, timeout=STALL_SECONDS)
            if not done:
                return Cursor.parse(line["cursor"]), writing
            await writing
            told.clear()
    return Cursor(turn.position + 1), asyncio.create_task(asyncio.to_thread(_put, out, "".join(told)))


def _put(out: IO[str], text: str) -> None:
    out.write(text)
    out.flush()
