"""What start-up makes of an inbox in which a crash or a power cut has left files in use."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rostergate.spool.entries import CUT
from rostergate.spool.folders import Area, Spool
from rostergate.spool.inbox import Inbox, Inboxes
from rostergate.spool.scratch import in_progress, in_renaming
from rostergate.spool.upload import MARKED_BYTES

NOW = datetime(2026, 3, 2, 23, 59, 59, 123_456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MakeInbox = Callable[..., Inbox]


@pytest.fixture
def start(tmp_path: Path) -> MakeInbox:
    """Return what opens the same inbox, as a start of the daemon does, while nothing of the one before was closed."""
    spool = Spool(tmp_path / "state")
    spool.prepare()

    def started(at: datetime = NOW, area: Area = Area.UPLOAD, booted_at: float = 0.0) -> Inbox:
        return Inboxes(spool, lambda: at, booted_at=booted_at).of("lincoln", area)

    return started


def left(inbox: Inbox) -> dict[str, tuple[bytes, datetime, bool]]:
    """Return what lies aside: its bytes, when it began, whether it was finished."""
    return {
        name: ((inbox.scratch / name).read_bytes(), entry.at, entry.finished) for name, entry in inbox.left().items()
    }


@pytest.mark.parametrize("area", list(Area))
async def test_what_was_cut_off_waits(start: MakeInbox, area: Area) -> None:
    """An upload in progress waits for a resume, dated when it began; of two of one name the newest bytes stay."""
    inbox = start(area=area)
    old, new = inbox.begin("a.csv"), inbox.begin("a.csv")
    old.write(0, b"old")
    new.write(0, b"newer")
    os.utime(old._path, (1, 1))
    again = start(LATER, area)
    assert left(again) == {"a.csv": (b"newer", NOW, False)}
    assert again.entries() == {}


async def test_gaps_are_no_bytes(start: MakeInbox) -> None:
    """Of an upload that came out of order, what lies before the first gap is all that is kept."""
    upload = start().begin("a.csv")
    upload.write(0, b"head")
    upload.write(10, b"tail")
    assert left(start()) == {"a.csv": (b"head", NOW, False)}


async def test_marks_follow_what_has_come(start: MakeInbox) -> None:
    """Where much has come without a gap since the mark, the next gap moves it."""
    upload = start().begin("a.csv")
    upload.write(1, b"b")
    upload.write(0, b"a")
    upload.write(2, b"x" * MARKED_BYTES)
    upload.write(MARKED_BYTES + 10, b"tail")
    assert len(left(start())["a.csv"][0]) == MARKED_BYTES + 2


async def test_marks_follow_what_is_cut(start: MakeInbox) -> None:
    """Where a file is cut below its mark and goes on beyond a gap, what was cut away is not promised."""
    upload = start().begin("a.csv")
    upload.write(0, b"x" * 20)
    upload.write(30, b"tail")
    upload.truncate(5)
    upload.write(40, b"tail")
    assert left(start())["a.csv"][0] == b"xxxxx"


async def test_what_was_resumed_is_as_it_was(start: MakeInbox) -> None:
    """A resume that is cut off in its turn keeps its date, and what came before it."""
    upload = start().begin("a.csv")
    upload.write(0, b"head")
    upload.leave()
    resumed = start(LATER).resume("a.csv")
    assert resumed
    resumed.write(8, b"tail")
    assert left(start(LATER)) == {"a.csv": (b"head", NOW, False)}


async def test_what_was_finished_stays_finished(start: MakeInbox) -> None:
    """A file finished under a temporary name can be renamed after a restart, also where that was begun before."""
    inbox = start()
    for name in ("a.csv.tmp", "b.csv.tmp"):
        upload = inbox.begin(name)
        upload.write(0, b"whole")
        await upload.set_aside()
    renaming = (inbox.scratch / "b.csv.tmp").rename(inbox.scratch / str(in_renaming("b.csv.tmp")))
    renaming.chmod(CUT)
    again = start(LATER)
    assert left(again) == dict.fromkeys(("a.csv.tmp", "b.csv.tmp"), (b"whole", NOW, True))
    await again.commit("a.csv.tmp", "a.csv")
    assert (again.folder / "a.csv").read_bytes() == b"whole"


async def test_what_was_finished_and_goes_on_is_not(start: MakeInbox) -> None:
    """A finished file that is opened again and cut off is no longer finished: a rename must not make it count."""
    inbox = start()
    await inbox.begin("a.csv.tmp").set_aside()
    resumed = inbox.resume("a.csv.tmp")
    assert resumed
    resumed.write(0, b"more")
    assert left(start()) == {"a.csv.tmp": (b"more", NOW, False)}


@pytest.mark.parametrize("times", [(1, 1), None], ids=["looked at first", "looked at last"])
async def test_what_was_finished_meanwhile_stays(start: MakeInbox, times: tuple[int, int] | None) -> None:
    """Of two uploads under one temporary name, the one that was finished is not lost to the one that was cut off."""
    inbox = start()
    cut, whole = inbox.begin("a.csv.tmp"), inbox.begin("a.csv.tmp")
    cut.write(0, b"cut")
    whole.write(0, b"whole")
    await whole.set_aside()
    os.utime(cut._path, times)
    assert left(start(LATER)) == {"a.csv.tmp": (b"whole", NOW, True)}
    assert not cut._path.exists()


async def test_older_than_what_is_committed(start: MakeInbox) -> None:
    """Nobody needs what was cut off of an upload that began before the committed one."""
    upload = start(LATER).begin("a.csv")
    upload.write(0, b"new")
    await upload.commit()
    (upload._path.parent / str(in_progress("a.csv", NOW))).write_bytes(b"old")
    again = start(LATER)
    assert left(again) == {}
    assert (again.folder / "a.csv").read_bytes() == b"new"


async def test_a_power_cut_leaves_what_was_synced(start: MakeInbox) -> None:
    """Of what is older than the machine's start, only what was finished is to be relied on."""
    inbox = start()
    cut, finished, _ = inbox.begin("a.csv"), inbox.begin("b.csv.tmp"), inbox.begin("c.csv")
    for upload in (cut, finished):
        upload.write(0, b"bytes")
    cut.leave()
    await finished.set_aside()
    booted_at = (datetime.now(UTC) + timedelta(minutes=1)).timestamp()
    assert left(start(booted_at=booted_at)) == {"b.csv.tmp": (b"bytes", NOW, True)}
    assert {path.name for path in inbox.scratch.iterdir()} == {"b.csv.tmp"}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 40), st.binary(min_size=1, max_size=12)),
        st.tuples(st.just("truncate"), st.integers(0, 40), st.just(b"")),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(steps=STEPS)
def test_after_any_writes(start: MakeInbox, steps: list[tuple[str, int, bytes]]) -> None:
    """Whatever was written and cut in whatever order: each byte that is kept is one that arrived."""
    inbox = start()
    inbox.forget_all()
    upload = inbox.begin("a.csv")
    arrived: dict[int, int] = {}
    in_order = True
    for what, at, data in steps:
        if what == "write":
            in_order &= upload.whole and at <= upload.size
            upload.write(at, data)
            arrived.update(enumerate(data, start=at))
        else:
            upload.truncate(at)
            arrived = {one: byte for one, byte in arrived.items() if one < at}
    ((kept, _, finished),) = left(start()).values()
    assert not finished
    assert len(kept) <= next(at for at in range(100) if at not in arrived)
    assert not in_order or len(kept) == len(arrived)
    assert kept == bytes(arrived[at] for at in range(len(kept)))
