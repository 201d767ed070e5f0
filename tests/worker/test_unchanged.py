"""The same files once more: what may be told without deciding again, and what may not."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from core.test_decide import changed, deliver
from rostergate import store
from rostergate.core.notices import NOBODY
from rostergate.core.policy import HoldLimits, PlatformSchool, Policy
from rostergate.core.verdict import FileFacts
from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool
from rostergate.store import deliveries, plans, verdicts
from rostergate.worker import road, unchanged

if TYPE_CHECKING:
    from pathlib import Path

    from core.test_decide import Files

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
SLUG = "lincoln"
FEW = deliver(lambda school, number: school != "20" or number < 10)
"""A set in which one school has lost so many students that it is held."""


class District:
    """A district whose deliveries are sealed and walked one by one."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool(folder)
        self.spool.prepare()
        store.upgrade(self.spool.database)

    async def sealed(self, files: Files) -> str:
        """Begin and seal the next delivery."""
        inbox = self.spool.inbox(SLUG)
        inbox.mkdir(exist_ok=True)
        for name, data in files.items():
            (inbox / name).write_bytes(data)
        engine = store.open(self.spool.database)
        async with store.writing(engine) as tx:
            begun = await deliveries.begin(tx, SLUG, AT)
            manifest = sealing.freeze(
                self.spool, sealing.gather(self.spool, SLUG, Area.UPLOAD, begun.id, files), now=AT
            )
            facts = [FileFacts(one.name, 0, one.bytes, one.sha256) for one in manifest.files]
            await deliveries.seal(tx, begun.id, day=AT.date(), files=facts, content_hash=manifest.content_hash, at=AT)
        await engine.dispose()
        return begun.id

    async def shortcut(self, files: Files, policy: Policy) -> bool:
        """Deliver the files; tell whether their verdict was told without reading them, which is then gone for good."""
        delivery = await self.sealed(files)
        hidden = self.spool.delivery(delivery)
        aside = hidden.with_name(f"{delivery}.aside")
        hidden.rename(aside)
        try:
            await asyncio.to_thread(road.walk, self.spool, self.spool.database, delivery, policy, AT, NOBODY)
        except FileNotFoundError:
            aside.rename(hidden)
            await asyncio.to_thread(road.walk, self.spool, self.spool.database, delivery, policy, AT, NOBODY)
            return False
        return True

    async def shown(self, delivery: str) -> dict[str, Any]:
        """Return the published shape of a delivery."""
        engine = store.open(self.spool.database)
        async with store.reading(engine) as tx:
            found = await verdicts.load(tx, delivery)
        await engine.dispose()
        return found

    async def close(self, what: Any) -> None:
        """Release or discard the one plan that is held."""
        engine = store.open(self.spool.database)
        async with store.writing(engine) as tx:
            (held,) = await plans.held(tx, SLUG)
            await what(tx, held.hash, "Ann", "looked at it", AT)
        await engine.dispose()


@pytest.fixture
def district(tmp_path: Path) -> District:
    """Return a district without deliveries."""
    return District(tmp_path / "state")


async def test_the_same_files_are_not_decided_twice(district: District) -> None:
    """The second and third time nothing is read, and the answer is what the whole road would have said."""
    files = changed(deliver(), "teachers.csv", "t10@example.org", "nonsense")
    assert not await district.shortcut(files, Policy())
    assert await district.shortcut(files, Policy())
    told = await district.shown("lincoln-00002")
    _forget(district)
    assert not await district.shortcut(files, Policy())
    whole = await district.shown("lincoln-00003")
    assert told["findings"] == whole["findings"] != []
    assert await district.shortcut(files, Policy())
    for one in (told, whole):
        one["delivery"] = ""
    assert told == whole
    assert (told["state"], {one["state"] for one in told["schools"]}) == ("settled", {"applied"})
    assert {counts["added"] + counts["updated"] + counts["removed"] for counts in told["totals"].values()} == {0}
    assert told["totals"]["students"]["unchanged"] == 180


def _forget(district: District) -> None:
    with closing(sqlite3.connect(district.spool.database)) as database, database:
        database.execute("DELETE FROM conclusions")


async def test_a_school_that_left_has_no_plan_any_more(district: District) -> None:
    """A school that was removed by the last delivery is not told again; matches are those of the whole road."""
    two = {
        name: b"".join(line for line in data.splitlines(keepends=True) if b"30" not in line)
        for name, data in deliver(lambda _school, number: number < 24).items()
    }
    platform = (PlatformSchool("p1", "Elementary 10"), PlatformSchool("p2", "Elementary 20", "20"))
    policy = Policy(holds=HoldLimits(removals_percent_max=100), platform_schools=platform)
    assert not await district.shortcut(deliver(lambda _school, number: number < 24), policy)
    assert not await district.shortcut(two, policy)
    assert len((await district.shown("lincoln-00002"))["schools"]) == 3
    assert await district.shortcut(two, policy)
    told = (await district.shown("lincoln-00003"))["schools"]
    _forget(district)
    assert not await district.shortcut(two, policy)
    whole = (await district.shown("lincoln-00004"))["schools"]
    assert told == whole
    assert [one["platform_school"] for one in told] == ["p1", "p2"]


async def test_a_school_that_is_not_rostered_stays_so(district: District) -> None:
    """A deselected school does not stand in the way, and is told as such again."""
    policy = Policy(deselected=frozenset({"20", "30"}))
    assert not await district.shortcut(deliver(), policy)
    assert await district.shortcut(deliver(), policy)
    assert [one["state"] for one in (await district.shown("lincoln-00002"))["schools"]] == [
        "applied",
        "deselected",
        "deselected",
    ]


async def test_another_policy_decides_again(district: District) -> None:
    """Where the policy has changed in between, the whole road is taken; then the new one counts."""
    strict = Policy(holds=HoldLimits(removals_percent_max=1))
    assert not await district.shortcut(deliver(), Policy())
    assert not await district.shortcut(deliver(), strict)
    assert await district.shortcut(deliver(), strict)
    assert not await district.shortcut(deliver(), Policy())


async def test_other_files_decide_again(district: District) -> None:
    """One byte more is another delivery; so are the files of the day before yesterday."""
    other = deliver() | {"schools.csv": deliver()["schools.csv"] + b"40,Elementary 40\n"}
    assert not await district.shortcut(deliver(), Policy())
    assert not await district.shortcut(other, Policy())
    assert not await district.shortcut(deliver(), Policy())


async def test_what_is_held_decides_again(district: District) -> None:
    """While a plan waits, and after it was discarded, the same files are decided, and held, again."""
    assert not await district.shortcut(deliver(), Policy())
    assert not await district.shortcut(FEW, Policy())
    assert not await district.shortcut(FEW, Policy())
    await district.close(plans.discard)
    assert not await district.shortcut(FEW, Policy())
    assert (await district.shown("lincoln-00004"))["state"] == "planned"


async def test_a_release_decides_again(district: District) -> None:
    """After a release the roster is another one: the same files are decided once more, and only then are known."""
    assert not await district.shortcut(deliver(), Policy())
    assert not await district.shortcut(FEW, Policy())
    await district.close(plans.release)
    assert not await district.shortcut(FEW, Policy())
    assert (await district.shown("lincoln-00003"))["state"] == "settled"
    assert await district.shortcut(FEW, Policy())


async def test_a_refused_set_in_between_changes_nothing(district: District) -> None:
    """A delivery that was refused leaves the last accepted one what it was."""
    broken = deliver() | {"students.csv": b"\x00"}
    assert not await district.shortcut(deliver(), Policy())
    assert not await district.shortcut(broken, Policy())
    assert await district.shortcut(deliver(), Policy())


async def test_hashes_that_disagree_decide_again(district: District) -> None:
    """When the content is said to be equal and a file's hash is not, the whole road is taken, which refuses it."""
    assert not await district.shortcut(deliver(), Policy())
    delivery = await district.sealed(deliver())
    with closing(sqlite3.connect(district.spool.database)) as database, database:
        database.execute(
            "UPDATE deliveries SET files = replace(files, 'schools.csv', 'school.csv') WHERE id = ?", (delivery,)
        )
    shutil.rmtree(district.spool.delivery(delivery))
    with pytest.raises(FileNotFoundError):
        await asyncio.to_thread(road.walk, district.spool, district.spool.database, delivery, Policy(), AT, NOBODY)


def test_every_setting_is_in_the_fingerprint() -> None:
    """Another value of any field of the policy is another fingerprint; the order of a set is not."""
    plain = Policy()
    others: dict[str, Any] = {
        "format": "direct",
        "encoding": "latin-1",
        "phone_region": "DE",
        "reading": replace(plain.reading, rows_max=1),
        "holds": replace(plain.holds, removals_rows_min=1),
        "school_holds": {"1": replace(plain.holds, removals_rows_min=1)},
        "matching": "review",
        "platform_schools": (PlatformSchool("1", "Lincoln"),),
        "made": frozenset({"1"}),
        "deselected": frozenset({"1"}),
    }
    assert others.keys() == asdict(plain).keys()
    made = {unchanged.fingerprint(replace(plain, **{name: value})) for name, value in others.items()}
    assert len(made | {unchanged.fingerprint(plain)}) == len(others) + 1
    many = [frozenset(map(str, order)) for order in (range(50), reversed(range(50)))]
    assert len({unchanged.fingerprint(replace(plain, deselected=one)) for one in many}) == 1
