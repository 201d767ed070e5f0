"""Receiving, with a real gate before it: which uploads make a set, and on which the set waits."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from asyncssh import FXF_CREAT, FXF_TRUNC, FXF_WRITE
from structlog.testing import capture_logs

import databases
from core.sets import REMIND_1_0
from gate.house import SLUG, House, until
from rostergate import journal, store
from rostergate.config.settings import Settings
from rostergate.core.completeness import Judgement, Overdue, Stuck, Waiting
from rostergate.core.delivery import State
from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool
from rostergate.store import deliveries
from rostergate.worker import receiving, sealed
from rostergate.worker.receiving import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SET = {name: text.encode() for name, text in sorted(REMIND_1_0.items())}
OTHERS = {name: data for name, data in SET.items() if name != "students.csv"}
STUDENTS = SET["students.csv"]
CUT = STUDENTS[: STUDENTS.rindex(b",")]
"""Ends in the middle of a row."""


@dataclass
class Reception:
    """A gate and a receiver on one spool, and what the receiver said."""

    house: House
    receiver: Receiver
    engine: Any
    told: list[Judgement | None]
    has_sealed: asyncio.Event

    async def put(self, files: dict[str, bytes]) -> None:
        """Upload files in one session."""
        async with self.house.sftp() as sftp:
            for name, data in files.items():
                async with sftp.open(name, "wb") as file:
                    await file.write(data)

    async def cut_off(self, name: str, data: bytes) -> None:
        """Send a part of a file and lose the connection."""
        connection = await asyncssh.connect(**self.house.options())
        sftp = await connection.start_sftp_client()
        file = await sftp.open(name, FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
        await file.write(data)
        connection.abort()
        await until(lambda: self.house.inbox().open_uploads == 0)

    async def says(self, judgement: type[Judgement], *missing: str, cut_off: tuple[str, ...] = ()) -> None:
        """Wait until the last that was said is this."""

        def said() -> bool:
            last = self.told[-1] if self.told else None
            return isinstance(last, judgement) and (last.missing, last.cut_off) == (missing, cut_off)

        await until(said)

    async def sealed(self, name: str = f"{SLUG}-00001") -> tuple[dict[str, bytes], date | None]:
        """Wait until a delivery, the first one, is sealed; return its files and its day."""
        async with asyncio.timeout(10):
            await self.has_sealed.wait()
        async with store.reading(self.engine) as tx:
            day = (await deliveries.get(tx, name)).day
        return sealing.contents(self.house.spool.delivery(name), self.house.spool.key_file), day


@pytest.fixture
async def reception(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Reception]:
    """Open a gate and a receiver that settles at once; a parameter names the key file beside the state folder."""
    house = House(tmp_path / "state")
    house.spool = Spool(tmp_path / "state", tmp_path / request.param if hasattr(request, "param") else None)
    await house.open()
    databases.make(house.spool.database)
    engine = store.open(house.spool.database)
    told: list[Judgement | None] = []
    has_sealed = asyncio.Event()

    async def on_waiting(_district: Any, _area: Area, judgement: Judgement | None) -> None:
        told.append(judgement)

    async def on_other(*_about: Any) -> None:
        return

    receiver = Receiver(
        settings=Settings(delivery={"settle_seconds": 0.1}),
        districts=house.districts,  # type: ignore[arg-type] # a mapping of districts is all that is asked of it
        engine=engine,
        spool=house.spool,
        inboxes=house.inboxes,
        now=lambda: house.now,
        on_sealed=lambda _slug: has_sealed.set(),
        on_dry_run=on_other,
        on_waiting=on_waiting,
        on_refusal=on_other,
    )
    stop = asyncio.Event()
    running = asyncio.create_task(receiver.run(stop))
    yield Reception(house, receiver, engine, told, has_sealed)
    stop.set()
    async with asyncio.timeout(10):
        await house.gate.drain(0)
        await running
    await engine.dispose()


async def test_a_scheduler_that_sends_one_file_at_a_time(reception: Reception) -> None:
    """PowerSchool's AutoSend sends a file every few minutes: the set waits for the last, and belongs to its first day.

    It is begun before midnight, by the district's time, and ends after it.
    """
    reception.house.now = datetime(2026, 3, 3, 5, 50, tzinfo=UTC)  # 23:50 on 2 March in Chicago
    left = sorted(SET)
    for name, data in SET.items():
        await reception.put({name: data})
        left.remove(name)
        if left:
            await reception.says(Waiting, *left)
        reception.house.now += timedelta(minutes=4)
    files, day = await reception.sealed()
    assert files == SET
    assert day == date(2026, 3, 2)


async def test_a_replacement_that_was_cut_off_is_waited_for(reception: Reception) -> None:
    """A complete set is not sealed with the old copy of a file whose new one broke off; the retry completes it."""
    await reception.put({"students.csv": STUDENTS + b"\n"})
    reception.house.now += timedelta(seconds=1)
    await reception.cut_off("students.csv", CUT)
    await reception.put(OTHERS)
    await reception.says(Waiting, "students.csv", cut_off=("students.csv",))
    assert not list(reception.house.spool.deliveries.iterdir())
    await reception.put({"students.csv": STUDENTS})
    files, _ = await reception.sealed()
    assert files == SET


@pytest.mark.parametrize("scratch", ["students.csv.filepart", "students.csv-k3Zb90Qx", ".students.csv.Xy12Ab"])
@pytest.mark.parametrize("finished", [False, True])
async def test_a_temporary_file_that_was_never_renamed_is_waited_for(
    reception: Reception,
    scratch: str,
    finished: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Whether it was cut off before its end or before its rename: the district has said that it sends the file."""
    await reception.put({"students.csv": STUDENTS + b"\n"})
    reception.house.now += timedelta(seconds=1)
    if finished:
        await reception.put({scratch: STUDENTS})
    else:
        await reception.cut_off(scratch, CUT)
    await reception.put(OTHERS)
    await reception.says(Waiting, "students.csv", cut_off=("students.csv",))
    assert reception.told[-1].unrenamed == (("students.csv",) if finished else ())  # type: ignore[union-attr]
    reception.house.now += timedelta(seconds=1)
    await reception.put({"students.csv": STUDENTS})
    files, _ = await reception.sealed()
    assert files == SET
    assert reception.house.inbox().left() == {}


async def test_what_was_cut_off_becomes_overdue(reception: Reception) -> None:
    """A retry that never comes is told by name, and the set is never sealed with what was to be replaced."""
    await reception.put(SET)
    await reception.cut_off("students.csv", CUT)
    await reception.says(Waiting, "students.csv", cut_off=("students.csv",))
    for hours in (7, 48):
        reception.house.now += timedelta(hours=hours)
        reception.receiver.look(SLUG, Area.UPLOAD)
        await reception.says(Overdue, "students.csv", cut_off=("students.csv",))
    assert not list(reception.house.spool.deliveries.iterdir())


async def test_a_set_of_which_everything_was_cut_off_is_told(reception: Reception) -> None:
    """An upload that breaks off at the first file is not waited for in silence."""
    await reception.cut_off("schools.csv", b"school_id,")
    await reception.says(Waiting, "schools.csv", cut_off=("schools.csv",))
    async with reception.house.sftp() as sftp:
        await sftp.remove("schools.csv")
    await until(lambda: reception.told[-1] is None)


@pytest.mark.parametrize("folder", ["/", "/preview/"])
@pytest.mark.parametrize("waits", [True, False], ids=["it was waited for", "it came at once"])
async def test_a_set_that_is_sealed_is_waited_for_no_more(reception: Reception, folder: str, waits: bool) -> None:  # noqa: FBT001
    """Once a set is sealed, be it a delivery's or a dry run's, it is said that nothing is waited for."""
    if waits:
        await reception.put({f"{folder}students.csv": STUDENTS})
        await reception.says(Waiting, *sorted(OTHERS))
    await reception.put({folder + name: data for name, data in SET.items()})
    await until(lambda: bool(reception.told) and reception.told[-1] is None)


async def test_a_set_that_is_refused_is_waited_for_no_more(reception: Reception) -> None:
    """A second set of the day that comes by another road than the gate lacks nothing once it is complete."""
    await reception.put(SET)
    await reception.sealed()
    folder, at = reception.house.inbox().folder, reception.house.now.timestamp()

    def bring(name: str, data: bytes) -> None:
        (folder / name).write_bytes(data)
        os.utime(folder / name, (at, at))

    for name, data in OTHERS.items():
        bring(name, data)
    await reception.says(Waiting, "students.csv")
    bring("students.csv", STUDENTS)
    await until(lambda: reception.told[-1] is None)
    assert set(SET) <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["notes.txt", ".DS_Store"])
async def test_a_stray_file_does_not_hold_up_the_next_day(reception: Reception, name: str) -> None:
    """A file of no set that lies in the inbox since yesterday counts for nothing: today's set is sealed, for today."""
    (reception.house.inbox().folder / name).write_text("nobody's")
    await reception.put(SET)
    _, day = await reception.sealed()
    reception.has_sealed.clear()
    reception.house.now += timedelta(days=1)
    await reception.put(SET)
    _, next_day = await reception.sealed(f"{SLUG}-00002")
    assert day
    assert next_day == day + timedelta(days=1)


async def test_what_yesterday_left_is_not_waited_for(reception: Reception) -> None:
    """An upload that was cut off long before today's set neither holds it up nor outlives it."""
    await reception.cut_off("students.csv.filepart", CUT)
    reception.house.now += timedelta(hours=20)
    await reception.put(SET)
    files, _ = await reception.sealed()
    assert files == SET
    assert reception.house.inbox().left() == {}


@pytest.mark.parametrize("committed", [False, True], ids=["not recorded", "recorded, and the answer lost"])
async def test_a_database_that_refuses_loses_no_set(reception: Reception, committed: bool) -> None:  # noqa: FBT001
    """What is sealed on disk while the database refuses is recorded at the next look, once, and not sent again."""
    refuse = (
        "CREATE TRIGGER refuse BEFORE UPDATE OF state ON deliveries BEGIN SELECT RAISE(ABORT, 'it cannot be used'); END"
    )
    async with store.writing(reception.engine) as tx:
        await tx.exec_driver_sql(refuse)
    with capture_logs() as lines:
        await reception.put(SET)
        await until(lambda: any(line["event"] == journal.SET_FAILED for line in lines))
    assert not reception.has_sealed.is_set()
    async with store.writing(reception.engine) as tx:
        await tx.exec_driver_sql("DROP TRIGGER refuse")
    if committed:
        manifest = sealing.manifest_of(reception.house.spool.delivery(f"{SLUG}-00001"))
        await sealed.enter(reception.engine, reception.house.districts[SLUG], manifest, Settings())
    reception.receiver.look(SLUG, Area.UPLOAD)
    files, day = await reception.sealed()
    assert files == SET
    assert day == date(2026, 3, 2)
    async with store.reading(reception.engine) as tx:
        assert [one.state for one in await deliveries.listed(tx)] == [State.SEALED]


def write_key(reception: Reception) -> None:
    """Put a key where the spool looks for one."""
    assert reception.house.spool.key_file
    reception.house.spool.key_file.write_bytes(base64.b64encode(os.urandom(32)))


async def is_stuck(reception: Reception) -> str:
    """Wait until the set is told as stuck; return why."""
    await until(lambda: bool(reception.told) and isinstance(reception.told[-1], Stuck))
    (stuck,) = [one for one in reception.told if isinstance(one, Stuck)]
    return stuck.why


@pytest.mark.parametrize("reception", ["key"], indirect=True)
async def test_a_sealing_that_fails_at_its_last_step_goes_forward(reception: Reception) -> None:
    """What is encrypted already does not go back to the inbox; it is sealed once the delivery can have its name."""
    write_key(reception)
    in_the_way = reception.house.spool.delivery(f"{SLUG}-00001") / "in the way"
    in_the_way.mkdir(parents=True)
    await reception.put(SET)
    assert (await is_stuck(reception)).endswith(f".sealing to {in_the_way.parent}: directory not empty")
    assert reception.house.inbox().entries() == {}
    in_the_way.rmdir()
    reception.receiver.look(SLUG, Area.UPLOAD)
    assert (await reception.sealed())[0] == SET
    await until(lambda: reception.told[-1] is None)


@pytest.mark.parametrize("reception", ["key"], indirect=True)
async def test_files_that_cannot_go_back_at_once_go_back_later(reception: Reception) -> None:
    """A set that can be neither sealed nor sent back is told as stuck, and comes through when the disk is as it was."""
    spool, inbox = reception.house.spool, reception.house.inbox().folder
    assert spool.key_file
    os.mkfifo(spool.key_file)  # the sealing waits here, its files taken out of the inbox
    await reception.put(SET)
    await until(lambda: bool(sealing.unfinished(spool)))
    away = inbox.rename(inbox.with_name("away"))
    inbox.write_text("no folder")
    await asyncio.to_thread(spool.key_file.write_text, "no key")
    await is_stuck(reception)
    assert sealing.unfinished(spool)
    inbox.unlink()
    away.rename(inbox)
    spool.key_file.unlink()
    write_key(reception)
    reception.receiver.look(SLUG, Area.UPLOAD)
    assert (await reception.sealed())[0] == SET
    assert sealing.unfinished(spool) == []


@pytest.mark.parametrize("away", ["moved", "removed"])
async def test_inboxes_that_could_not_be_watched_are_watched_again(
    reception: Reception, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    """The log says once that they are not, and once that they are again; a file that is copied in is noticed then."""
    monkeypatch.setattr(receiving, "RETRY_SECONDS", 0.2)
    spool = reception.house.spool
    inboxes = spool.inbox(SLUG).parent

    def told(event: str) -> int:
        return sum(line["event"] == event for line in lines)

    with capture_logs() as lines:
        await reception.put(OTHERS)
        await reception.says(Waiting, "students.csv")
        if away == "moved":
            inboxes.rename(spool.state / "away")
        else:
            shutil.rmtree(inboxes)
        await until(lambda: told(journal.WATCH_FAILED) == 1)
        if away == "moved":
            (spool.state / "away").rename(inboxes)
        else:
            spool.inbox(SLUG).mkdir(parents=True)
        await until(lambda: told(journal.WATCH_RESUMED) == 1)
        for name, data in SET.items():
            (spool.inbox(SLUG) / name).write_bytes(data)
        await reception.sealed()
    assert (told(journal.WATCH_FAILED), told(journal.WATCH_RESUMED)) == (1, 1)
