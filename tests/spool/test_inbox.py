import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rostergate.errors import DiskError
from rostergate.spool.folders import Area, Spool
from rostergate.spool.inbox import Inbox, Inboxes

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Clock:
    """A time that only tests move."""

    def __init__(self) -> None:
        self.now = NOW
        self.seconds = 100.0


@pytest.fixture
def clock() -> Clock:
    """Start at `NOW`."""
    return Clock()


@pytest.fixture
def make_inboxes(tmp_path: Path, clock: Clock) -> Callable[[], Inboxes]:
    """Return what opens the same spool, as often as a test restarts."""
    spool = Spool(tmp_path / "state")
    spool.prepare()
    return lambda: Inboxes(spool, lambda: clock.now, monotonic=lambda: clock.seconds)


@pytest.fixture
def inboxes(make_inboxes: Callable[[], Inboxes]) -> Inboxes:
    """Open all inboxes."""
    return make_inboxes()


@pytest.fixture
def inbox(inboxes: Inboxes) -> Inbox:
    """Open one inbox."""
    return inboxes.of("lincoln", Area.UPLOAD)


async def test_commit(inbox: Inbox, clock: Clock) -> None:
    """A committed upload is an entry with its size, dated when it began; nothing is left aside."""
    upload = inbox.begin("a.csv")
    upload.write(0, b"hello")
    clock.now += timedelta(hours=1)
    assert inbox.open_uploads == 1
    assert inbox.entries() == {}
    await upload.commit()
    (entry,) = inbox.entries().values()
    assert (entry.name, entry.size, entry.at) == ("a.csv", 5, NOW)
    assert (inbox.open_uploads, inbox.left(), inbox.bytes_held) == (0, {}, 5)


@pytest.mark.parametrize("by_the_gate", [False, True], ids=["copied in", "uploaded"])
async def test_copied_in_again(inbox: Inbox, clock: Clock, by_the_gate: bool) -> None:  # noqa: FBT001 - a case
    """A file that is copied in with a time of its own is dated as noticed, however yesterday's of its name came."""

    def copy_in() -> list[str]:
        (inbox.folder / "a.csv").write_bytes(b"hello")
        os.utime(inbox.folder / "a.csv", (1, 1))
        return inbox.date_strangers({"a.csv"}, None)

    if by_the_gate:
        await inbox.begin("a.csv").commit()
        assert inbox.date_strangers({"a.csv"}, None) == []
    else:
        assert copy_in() == ["a.csv"]
    (inbox.folder / "a.csv").unlink()
    clock.now += timedelta(days=1)
    assert copy_in() == ["a.csv"]
    assert inbox.date_strangers({"a.csv"}, None) == []
    assert inbox.entries()["a.csv"].at == clock.now


@pytest.mark.parametrize(
    "at", [-(2**40), 2**33, 253_402_300_799, 2**40], ids=["before year 1", "in 2242", "end of 9999", "after year 9999"]
)
def test_copied_in_with_a_time_that_cannot_be(inbox: Inbox, clock: Clock, at: int) -> None:
    """It is dated as noticed, also where a set is coming in: what begins in the future holds every other file up."""
    (inbox.folder / "a.csv").write_bytes(b"hello")
    os.utime(inbox.folder / "a.csv", (at, at))
    assert inbox.date_strangers({"a.csv"}, clock.now - timedelta(hours=1)) == ["a.csv"]
    assert inbox.entries()["a.csv"].at == clock.now


async def test_a_file_of_no_set_is_left_as_it_is(inbox: Inbox) -> None:
    """What is nobody's may be somebody else's: to date it could be denied, and hold up the set beside it."""
    (inbox.folder / "notes.txt").write_bytes(b"hello")
    os.utime(inbox.folder / "notes.txt", (1, 1))
    assert inbox.date_strangers({"a.csv"}, None) == []
    assert (inbox.folder / "notes.txt").stat().st_mtime == 1


async def test_commit_that_fails_commits_nothing(inbox: Inbox) -> None:
    """When the folder is gone, the commit raises, and the upload is over."""
    upload = inbox.begin("a.csv")
    upload.write(0, b"hello")
    (inbox.folder / "a.csv").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - whichever error the kernel gives
        await upload.commit()
    assert (inbox.open_uploads, inbox.entries(), inbox.left()) == (0, {}, {})
    assert not list(inbox.scratch.iterdir())


async def test_leave_and_resume(inbox: Inbox, clock: Clock) -> None:
    """What is left aside can be resumed once, and still dates from when it began."""
    upload = inbox.begin("a.csv")
    upload.write(0, b"hel")
    assert upload.leave() == 3
    clock.now += timedelta(hours=1)
    resumed = inbox.resume("a.csv")
    assert resumed
    assert inbox.resume("a.csv") is None
    assert resumed.size == 3
    resumed.write(3, b"lo")
    await resumed.commit()
    assert (inbox.folder / "a.csv").read_bytes() == b"hello"
    assert inbox.entries()["a.csv"].at == NOW


async def test_beginning_anew_drops_what_was_left(inbox: Inbox) -> None:
    """Who starts a file again has given up what was cut off, whatever becomes of the new upload."""
    upload = inbox.begin("a.csv")
    upload.write(0, b"hello")
    upload.leave()
    again = inbox.begin("a.csv")
    assert (inbox.left(), inbox.bytes_held) == ({}, 0)
    again.drop()
    assert inbox.resume("a.csv") is None


async def test_commit_drops_what_another_upload_left(inbox: Inbox) -> None:
    """Of two uploads of one name the last one counts that was ended: what was cut off meanwhile is not waited for."""
    one, other = inbox.begin("a.csv"), inbox.begin("a.csv")
    other.write(0, b"hel")
    other.leave()
    assert inbox.left().keys() == {"a.csv"}
    one.write(0, b"hello")
    await one.commit()
    assert (inbox.left(), inbox.bytes_held) == ({}, 5)


@pytest.mark.parametrize("how", ["commit", "set_aside", "move"])
async def test_what_was_finished_meanwhile_stays(inbox: Inbox, how: str) -> None:
    """An upload that is cut off after another of its name has come to its end leaves nothing in its place."""
    cut, whole = inbox.begin("a.csv.tmp"), inbox.begin("b.csv.tmp" if how == "move" else "a.csv.tmp")
    cut.write(0, b"cut")
    whole.write(0, b"whole")
    await (whole.commit() if how == "commit" else whole.set_aside())
    if how == "move":
        inbox.move("b.csv.tmp", "a.csv.tmp")
    assert cut.leave() == 0
    assert {name: entry.finished for name, entry in inbox.left().items()} == (
        {} if how == "commit" else {"a.csv.tmp": True}
    )


async def test_what_moves_is_not_finished_by_that(inbox: Inbox) -> None:
    """A part that gets the name of an upload in progress gives way to what that leaves."""
    cut, other = inbox.begin("a.csv.tmp"), inbox.begin("b.csv.tmp")
    cut.write(0, b"cut")
    other.write(0, b"other")
    other.leave()
    inbox.move("b.csv.tmp", "a.csv.tmp")
    assert cut.leave() == 3


async def test_rename_commits(inbox: Inbox) -> None:
    """A finished scratch file becomes the committed one, and replaces what was there."""
    for name, data in (("a.csv.tmp", b"old"), ("a.csv.tmp", b"new!")):
        upload = inbox.begin(name)
        upload.write(0, data)
        await upload.set_aside()
        assert inbox.left()[name].finished
        await inbox.commit(name, "a.csv")
    assert (inbox.folder / "a.csv").read_bytes() == b"new!"
    assert inbox.left() == {}


async def test_rename_that_fails_changes_nothing(inbox: Inbox) -> None:
    """A rename that cannot be done leaves the scratch file finished, where it was."""
    await inbox.begin("a.csv.tmp").set_aside()
    (inbox.folder / "a.csv").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - whichever error the kernel gives
        await inbox.commit("a.csv.tmp", "a.csv")
    assert inbox.left()["a.csv.tmp"].finished
    assert inbox.open_uploads == 0


async def test_commit_counts_as_open_until_it_is_durable(inbox: Inbox) -> None:
    """While a rename waits for the disk, the inbox does not look finished."""
    await inbox.begin("a.csv.tmp").set_aside()
    commit = asyncio.create_task(inbox.commit("a.csv.tmp", "a.csv"))
    await asyncio.sleep(0)
    assert inbox.open_uploads == 1
    await commit
    assert inbox.open_uploads == 0


async def test_remove(inbox: Inbox) -> None:
    """Removing takes the committed file and what lies aside of the name, and says whether there was any."""
    (inbox.folder / "a.csv").write_bytes(b"x")
    await inbox.begin("a.csv.tmp").set_aside()
    assert inbox.remove("a.csv")
    assert inbox.remove("a.csv.tmp")
    assert not inbox.remove("a.csv")
    assert (inbox.entries(), inbox.left()) == ({}, {})


async def test_move(inbox: Inbox) -> None:
    """A scratch file can have another scratch name."""
    await inbox.begin("a.csv.tmp").set_aside()
    inbox.move("a.csv.tmp", "a.csv.part")
    assert list(inbox.left()) == ["a.csv.part"]


async def test_move_onto_another(inbox: Inbox) -> None:
    """What lay aside under the new name is gone, and no longer counts."""
    upload = inbox.begin("a.csv.part")
    upload.write(0, b"four")
    upload.leave()
    await inbox.begin("a.csv.tmp").set_aside()
    assert inbox.bytes_held == 4
    inbox.move("a.csv.tmp", "a.csv.part")
    assert (list(inbox.left()), inbox.bytes_held) == (["a.csv.part"], 0)


def test_truncate(inbox: Inbox) -> None:
    """An upload can be cut, and does not grow by being cut."""
    upload = inbox.begin("a.csv")
    upload.write(0, b"hello")
    upload.truncate(2)
    upload.truncate(50)
    assert (upload.size, upload.head(10)) == (2, b"he")
    upload.drop()
    assert inbox.bytes_held == 0


async def test_truncate_within_a_gap(inbox: Inbox) -> None:
    """An upload that is cut where a part never arrived ends before that part, not with zeros."""
    upload = inbox.begin("a.csv")
    upload.write(60, b"late")
    upload.truncate(37)
    assert upload.whole
    await upload.commit()
    assert (inbox.folder / "a.csv").read_bytes() == b""


def test_links_and_folders_are_no_entries(inbox: Inbox) -> None:
    """Only regular files count."""
    (inbox.folder / "link.csv").symlink_to("/etc/hostname")
    (inbox.folder / "folder.csv").mkdir()
    assert inbox.entries() == {}


def test_activity_and_hints(inboxes: Inboxes, inbox: Inbox, clock: Clock) -> None:
    """Every write moves `quiet_since`; every end of an upload is a hint."""
    assert inbox.quiet_since == 100.0
    upload = inbox.begin("a.csv")
    clock.seconds = 130.0
    upload.write(0, b"x")
    assert inbox.quiet_since == 130.0
    assert inboxes.changed.empty()
    upload.leave()
    assert inboxes.changed.get_nowait() == ("lincoln", Area.UPLOAD)


def test_hints_are_bounded(inboxes: Inboxes, inbox: Inbox) -> None:
    """Nobody reading the hints does not fill the memory."""
    for _ in range(1_100):
        inbox.remove("a.csv")
    assert inboxes.changed.qsize() == inboxes.changed.maxsize


def test_one_inbox_for_each_district_and_area(inboxes: Inboxes) -> None:
    """The same inbox is given to whoever asks."""
    assert inboxes.of("lincoln", Area.UPLOAD) is inboxes.of("lincoln", Area.UPLOAD)
    assert inboxes.of("lincoln", Area.UPLOAD) is not inboxes.of("lincoln", Area.PREVIEW)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A spool that cannot be used is told as an error of the disk."""
    (tmp_path / "state").write_text("a file where a folder should be")
    inboxes = Inboxes(Spool(tmp_path / "state"), lambda: NOW)
    with pytest.raises(DiskError, match="lincoln"):
        inboxes.of("lincoln", Area.UPLOAD)
