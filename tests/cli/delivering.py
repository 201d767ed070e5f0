"""Deliveries for the tests of commands: sealed and taken down the road in this process, without a daemon."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from rostergate import store
from rostergate.config import Districts, load_settings
from rostergate.core.verdict import FileFacts
from rostergate.service.clock import utc_now
from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool
from rostergate.store import deliveries
from rostergate.worker import road

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cli.conftest import Commands

SLUG = "lincoln"
Files = dict[str, bytes]


def district(commands: Commands, more: str = "") -> None:
    """Write the file of the district, with more lines than it needs."""
    folder = commands.folder / "config" / "districts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{SLUG}.toml").write_text(f'name = "Lincoln"\ntime_zone = "UTC"\nformat = "direct"\n{more}')


def files(schools: Mapping[str, str], students: Mapping[str, Iterable[int]], mark: str = "s") -> Files:
    """Return a set: schools by id and name, the numbers of each one's students, a teacher and a class in each."""
    sheets = {
        "schools.csv": ["school_id,school_name", *(f"{one},{name}" for one, name in schools.items())],
        "teachers.csv": ["teacher_id,school_id,first_name,last_name,email,phone"],
        "students.csv": ["student_id,school_id,first_name,last_name,grade,birth_date,email,phone"],
        "classes.csv": ["class_id,school_id,class_name,teacher_id"],
        "enrollments.csv": ["class_id,student_id"],
    }
    for one in schools:
        sheets["teachers.csv"].append(f"t{one},{one},Ada,Moss,t{one}@school.example,")
        sheets["classes.csv"].append(f"c{one},{one},Maths,t{one}")
        for number in students[one]:
            born = f"2014-{number % 12 + 1:02}-{number % 28 + 1:02}"
            mail = f"x{one}.{number}@home.example"
            sheets["students.csv"].append(f"{mark}{one}-{number},{one},Kid{number},Ash,3,{born},{mail},")
            sheets["enrollments.csv"].append(f"c{one},{mark}{one}-{number}")
    return {name: "\n".join([*rows, ""]).encode() for name, rows in sheets.items()}


def deliver(commands: Commands, sent: Files) -> str:
    """Seal a delivery of the district, decide it under the district's file as it is, and return its id."""
    delivery = seal(commands, sent)
    districts = Districts(commands.folder / "config" / "districts")
    districts.load()
    policy = districts[SLUG].policy(load_settings(commands.folder / "config", {}), utc_now().date())
    road.walk(_spool(commands), commands.location, delivery, policy, utc_now())
    return delivery


def seal(commands: Commands, sent: Files) -> str:
    """Seal a delivery of the district, and return its id."""
    spool = _spool(commands)
    spool.prepare()
    store.upgrade(commands.location)
    return asyncio.run(_sealed(spool, commands.location, sent))


def _spool(commands: Commands) -> Spool:
    return Spool(commands.folder / "state", load_settings(commands.folder / "config", {}).encryption.path({}))


async def _sealed(spool: Spool, location: store.Location, sent: Files) -> str:
    inbox = spool.inbox(SLUG)
    inbox.mkdir(exist_ok=True)
    for name, data in sent.items():
        (inbox / name).write_bytes(data)
    engine = store.open(location)
    at = utc_now() - timedelta(seconds=1)
    async with store.writing(engine) as tx:
        begun = await deliveries.begin(tx, SLUG, at)
        manifest = sealing.freeze(spool, sealing.gather(spool, SLUG, Area.UPLOAD, begun.id, sent), now=at)
        facts = [FileFacts(one.name, 0, one.bytes, one.sha256) for one in manifest.files]
        await deliveries.seal(tx, begun.id, day=at.date(), files=facts, content_hash=manifest.content_hash, at=at)
    await engine.dispose()
    return begun.id
