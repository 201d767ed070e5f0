"""The roster kept beside the database: it saves reading it, and never changes what is decided."""

from __future__ import annotations

import shutil
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.rosters import rosters, same
from core.test_decide import changed, deliver
from rostergate.core.roster import Frames, empty
from rostergate.store import deciding, roster, verdicts
from rostergate.store.schema import roster as versions
from rostergate.worker import kept
from store.making import accepted, sealed
from store.making import plans as decided
from worker.delivering import AT, SLUG, District
from worker.test_unchanged import FEW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_numbers = count()

FIRST = deliver()
SECOND = changed(FIRST, "students.csv", "First7", "Renamed")
THIRD = changed(SECOND, "students.csv", "First8", "Renamed")


async def walked(district: District, files: dict[str, bytes], hours: int = 0) -> dict[str, Any]:
    """Deliver the files; return the published shape of what was decided, some hours later than usual."""
    return await district.shown(await district.deliver(files, at=AT + timedelta(hours=hours)))


def _altered(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


def _in_the_way(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": lambda path: path.unlink(),
    "deleted with its folder": lambda path: shutil.rmtree(path.parent),
    "empty": lambda path: path.write_bytes(b""),
    "cut off in its first line": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "cut off in its rows": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "longer than it was": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "altered by one bit": _altered,
    "not a file": _in_the_way,
}


@pytest.mark.parametrize("damage", [pytest.param(one, id=name) for name, one in DAMAGE.items()])
async def test_a_damaged_one_is_not_used(district: District, damage: Callable[[Path], object]) -> None:
    """Whatever becomes of the kept roster, the next delivery is decided as it would be with nothing kept."""
    await walked(district, FIRST)
    path = district.spool.kept(SLUG)
    assert path.stat().st_size
    damage(path)
    told = await walked(district, SECOND)
    assert told["totals"]["students"] == {"added": 0, "updated": 1, "removed": 0, "unchanged": 179}
    assert (await walked(district, THIRD))["totals"]["students"]["updated"] == 1


async def test_neither_it_nor_a_draft_outlives_its_district(district: District) -> None:
    """A process that was killed leaves its draft, which has everybody's names in it."""
    await walked(district, FIRST)
    kept._write(kept._draft(district.spool, SLUG), {})
    kept.forget(district.spool, SLUG)
    assert list(district.spool.kept(SLUG).parent.iterdir()) == []


async def test_nothing_is_left_of_a_draft_that_is_not_kept(district: District) -> None:
    """Whether the transaction fails or the disk does: what was written meanwhile goes, and nobody is told."""
    folder = district.spool.kept(SLUG).parent
    with pytest.raises(RuntimeError, match="rolled back"):
        async with kept.drafted(district.spool, SLUG, empty()):
            raise RuntimeError("rolled back")
    assert list(folder.iterdir()) == []
    (folder / f".{SLUG}.draft").mkdir()
    async with kept.drafted(district.spool, SLUG, empty()):
        pass


@pytest.mark.parametrize("beside", [True, False], ids=["beside the files", "after them"])
async def test_it_is_used(district: District, monkeypatch: pytest.MonkeyPatch, *, beside: bool) -> None:
    """A row that somebody changes in the database by hand is seen once the kept roster is deleted, and not before."""
    monkeypatch.setattr(kept, "_BYTES_BESIDE_MAX", kept._BYTES_BESIDE_MAX if beside else 0)
    await walked(district, FIRST)
    async with district.writing() as tx:
        students = versions["students"]
        by_hand = students.update().where(students.c.student_id == "s10-9")
        await tx.execute(by_hand.values(last_name="Byhand"))
    assert (await walked(district, SECOND))["totals"]["students"]["updated"] == 1
    district.spool.kept(SLUG).unlink()
    assert (await walked(district, THIRD))["totals"]["students"]["updated"] == 2


async def test_an_old_one_is_not_used(district: District) -> None:
    """Once a held plan is released, the roster is read from the database; then it is kept again."""
    await walked(district, FIRST)
    await walked(district, FEW)
    before = district.spool.kept(SLUG).read_bytes()
    await district.close(deciding.release)
    told = await walked(district, SECOND)
    assert told["totals"]["students"]["added"] == 50
    assert district.spool.kept(SLUG).read_bytes() != before


async def test_what_is_held_is_not_kept_as_if_it_were_applied(district: District) -> None:
    """Else the next delivery would not see what the school is about to lose, and nobody would be asked."""
    await walked(district, FIRST)
    for name in ("Renamed", "Renamed again"):
        told = await walked(district, changed(FEW, "students.csv", "First7", name))
        students, states = told["totals"]["students"], [one["state"] for one in told["schools"]]
        assert (students["updated"] > 0, students["removed"], states.count("held")) == (True, 50, 1)


async def test_one_of_another_life_of_the_database_is_not_used(tmp_path: Path, path: Path) -> None:
    """After a backup is restored, the same number of changes later, what was kept in the other life does not count."""
    district = District(tmp_path / "state", path)
    await walked(district, FIRST)
    shutil.copy(path, tmp_path / "backup")
    await walked(district, SECOND)
    of_the_other = district.spool.kept(SLUG).read_bytes()
    for one in tmp_path.glob("rostergate.db*"):  # noqa: ASYNC240 - SQLite's two files beside it as well
        one.unlink()
    shutil.copy(tmp_path / "backup", path)
    shutil.rmtree(district.spool.delivery(f"{SLUG}-00002"))
    await walked(district, changed(FIRST, "students.csv", "First9", "Renamed"), hours=1)
    district.spool.kept(SLUG).write_bytes(of_the_other)
    assert (await walked(district, SECOND))["totals"]["students"]["updated"] == 2


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(rosters, st.sets(st.sampled_from("ABC"))), min_size=1, max_size=4))
async def test_what_is_kept_is_what_the_store_makes(
    district: District, following: list[tuple[Frames, set[str]]]
) -> None:
    """After any deliveries with any schools held, the roster worked out for keeping is that of the database."""
    slug, known = f"k{next(_numbers)}", empty()
    async with district.writing() as tx:
        for wanted, held in following:
            verdict = accepted(decided(known, wanted, held))
            delivery = await sealed(tx, slug)
            await verdicts.conclude(tx, delivery, verdict, ground=await roster.ground(tx, slug), at=AT)
            known = kept.after(known, verdict)
            assert same(await roster.load(tx, slug), known)
