"""Who is logged in when the operator changes a district: by a file, with the daemon running."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from running import SECONDS_MAX, until

if TYPE_CHECKING:
    from running import Rostergate


async def test_a_district_that_is_disabled_is_logged_out(rostergate: Rostergate) -> None:
    """Its sessions end as soon as its file says so, what was uploading waits, and the log says why."""
    rostergate.add_district("hillside")
    with rostergate.daemon():
        async with rostergate.sftp("hillside") as other, rostergate.sftp() as sftp:
            file = await sftp.open("students.csv", "wb")
            await file.write(b"student_id\n")
            district = rostergate.config / "districts" / "lakeside.toml"
            district.write_text(district.read_text().replace("enabled = true", "enabled = false"))
            async with asyncio.timeout(SECONDS_MAX):
                await sftp.wait_closed()
            assert await other.exists("/README.txt")
        until(lambda: rostergate.events("upload.left"), "the upload to be left for a resume")
    (revoked,) = rostergate.events("login.revoked")
    assert (revoked["district"], revoked["why"]) == ("lakeside", "disabled")
