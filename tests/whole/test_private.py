"""Everything that a daemon and the commands put into the state is for the service's user alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from rostergate.cli import sample
from wholes import as_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Rostergate


@pytest.fixture
def careless() -> Iterator[None]:
    """Let what is started now be told by nobody to keep files to itself."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless")
async def test_every_file_of_a_day_is_private(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """Uploads whole and cut off, deliveries, the database with its log, reports, keys: nobody else reads them."""
    with rostergate.daemon():
        await rostergate.upload(files)
        rostergate.reached("settled")
        rostergate.run("district", "grant", "lakeside")
        await rostergate.upload(as_files(sample.without_half_of(sample.file_set(), "100")))
        rostergate.reached("planned", 2)
        rostergate.run("discard", "--delivery", "lakeside-00002", "--by", "Kim", "--reason", "a wrong export")
        rostergate.run("district", "grant", "lakeside")
        async with rostergate.sftp() as client:
            for name in ("students.csv.part", "schools.csv"):
                async with client.open(name, "wb") as file:
                    await file.write(files["schools.csv"])
            cut = await client.open("teachers.csv", "wb")
            await cut.write(files["teachers.csv"][:100])
        every = (rostergate.state, *rostergate.state.rglob("*"))
        seen = {path: path.lstat().st_mode for path in every if path.suffix != ".pub"}  # public keys are for everybody
    assert {str(path): oct(mode) for path, mode in seen.items() if mode & 0o077} == {}
    kinds = {str(path.relative_to(rostergate.state)).split("/")[0] for path in seen if path != rostergate.state}
    assert {"rostergate.db", "rostergate.db-wal", "deliveries", "inbox", "reports", "keys", "kept"} <= kinds
