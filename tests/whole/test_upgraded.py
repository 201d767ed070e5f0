"""What operators and package managers do to a whole daemon while a district uploads: restart it, change its files."""

from __future__ import annotations

import signal
import struct
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import tzdata

from rostergate.desk import words
from running import SECONDS_MAX, Rostergate, until

if TYPE_CHECKING:
    from pathlib import Path

ZONE = "America/Chicago"


def zone_data(folder: Path, data: bytes) -> dict[str, str]:
    """Let a zone's data be these; return the environment in which that is so."""
    for name, content in ((ZONE, data), ("UTC", fixed(timedelta(0)))):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {"PYTHONTZPATH": str(folder)}


def ours() -> bytes:
    """Return the zone's data as they are."""
    return resources.files(tzdata).joinpath("zoneinfo", *ZONE.split("/")).read_bytes()


def fixed(offset: timedelta) -> bytes:
    """Return the data of a zone that is always so far from UTC (TZif's first version, RFC 8536, section 3)."""
    abbreviation = b"LMT\0"
    header = struct.pack(">4s16x6l", b"TZif", 0, 0, 0, 0, 1, len(abbreviation))
    return header + struct.pack(">lBB", int(offset.total_seconds()), 0, 0) + abbreviation


def on_another_day() -> tuple[bytes, date]:
    """Return data by which it is not the day that it is in the zone, and will not be for an hour; and its day."""
    now = datetime.now(UTC)
    here = {(now + timedelta(hours=hours)).astimezone(ZoneInfo(ZONE)).date() for hours in (0, 1)}
    for offset in (timedelta(hours=hours) for hours in range(-23, 24)):
        days = {(now + offset + timedelta(hours=hours)).date() for hours in (0, 1)}
        if len(days) == 1 and not days & here:
            return fixed(offset), days.pop()
    raise AssertionError("46 hours hold a whole day more than those two")


async def test_a_restart_with_other_time_zone_data_amid_an_upload(
    rostergate: Rostergate, tmp_path: Path, files: dict[str, bytes]
) -> None:
    """What was cut off is taken up again, and the set is of the day that the new data give it, once."""
    data, day = on_another_day()
    cut = files["students.csv"]
    at_once = {"ROSTERGATE_SERVER__DRAIN_SECONDS_MAX": "0"}
    with rostergate.daemon({**zone_data(tmp_path / "old", ours()), **at_once}) as process:
        async with rostergate.sftp() as client:
            file = await client.open("students.csv", "wb")
            await file.write(cut[:1000])
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS_MAX) == 0
    with rostergate.daemon(zone_data(tmp_path / "new", data)):
        async with rostergate.sftp() as client:
            assert (await client.stat("students.csv")).size == 1000
            async with client.open("students.csv", "r+b") as file:
                await file.seek(1000)
                await file.write(cut[1000:])
        await rostergate.upload({name: data for name, data in files.items() if name != "students.csv"})
        rostergate.reached("settled")
    assert rostergate.counts()["students"] == 260
    assert rostergate.queried("SELECT number, day FROM deliveries") == [(1, day.isoformat())]


async def test_other_time_zone_data_amid_an_upload_to_a_daemon_that_runs(
    rostergate: Rostergate, tmp_path: Path, files: dict[str, bytes]
) -> None:
    """The set is of the day that the new data give it; so says its report, by a process that had the old ones."""
    data, day = on_another_day()
    with rostergate.daemon(zone_data(tmp_path / "zones", ours())):
        await rostergate.upload(files, folder="/preview/")
        until(lambda: rostergate.events("preview.decided"), "the dry run")
        async with rostergate.sftp() as client:
            file = await client.open("students.csv", "wb")
            await file.write(files["students.csv"][:1000])
            (tmp_path / "new").write_bytes(data)
            (tmp_path / "new").replace(tmp_path / "zones" / ZONE)
            await file.write(files["students.csv"][1000:])
            await file.close()
        await rostergate.upload({name: data for name, data in files.items() if name != "students.csv"})
        rostergate.reached("settled")
    assert rostergate.counts()["students"] == 260
    assert rostergate.queried("SELECT number, day FROM deliveries") == [(1, day.isoformat())]
    assert f"Received       {words.day(datetime.combine(day, time.min))}," in rostergate.latest()


@pytest.mark.parametrize("broken", [False, True], ids=["changed", "broken and mended"])
async def test_a_district_s_file_that_changes_amid_an_upload(
    rostergate: Rostergate,
    files: dict[str, bytes],
    broken: bool,  # noqa: FBT001 - a case
) -> None:
    """An upload goes on under the account that it began with, and the set is decided by the file as it is then."""
    path = rostergate.config / "districts" / "lakeside.toml"
    text = path.read_text()
    told = "config.refused" if broken else "config.reloaded"
    with rostergate.daemon():
        async with rostergate.sftp() as client:
            file = await client.open("students.csv", "wb")
            await file.write(files["students.csv"][:1000])
            path.write_text(f"time_zone = 5\n{text}" if broken else text.replace('"Lakeside"', '"Lake Side"'))
            until(lambda: rostergate.events(told), "the change to be told")
            await file.write(files["students.csv"][1000:])
            await file.close()
            for name in files.keys() - {"students.csv"}:
                async with client.open(name, "wb") as other:
                    await other.write(files[name])
        rostergate.reached("settled")
        if broken:
            path.write_text(text)
            until(lambda: rostergate.events("config.reloaded"), "the mended file to be told")
    assert rostergate.counts()["students"] == 260
    assert ("Lake Side" in rostergate.latest()) is not broken
