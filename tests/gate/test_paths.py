"""Path tricks, from a client that sends whatever it likes: each is refused with a reason, nothing leaves the view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from asyncssh import FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE
from asyncssh.constants import (
    FX_FAILURE,
    FX_NO_SUCH_FILE,
    FX_OK,
    FX_OP_UNSUPPORTED,
    FXP_EXTENDED,
    FXP_LINK,
    FXP_MKDIR,
    FXP_NAME,
    FXP_OPENDIR,
    FXP_READLINK,
    FXP_REALPATH,
    FXP_REMOVE,
    FXP_RENAME,
    FXP_RMDIR,
    FXP_SETSTAT,
    FXP_STAT,
    FXP_SYMLINK,
)
from asyncssh.packet import String, UInt32, UInt64

from gate.house import SLUG, House
from gate.raw import NO_ATTRIBUTES, Raw, raw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NEW: Final = FXF_WRITE | FXF_CREAT | FXF_TRUNC


TRICKS: Final = {
    "dots that leave a folder": (b"/../../etc/passwd", "no such folder"),
    "dots after a folder": (b"/preview/../../../etc/cron.d/x", "no such folder"),
    "absolute": (b"/etc/passwd", "no such folder"),
    "doubled slashes": (b"//etc//passwd", "no such folder"),
    "NUL in a name": (b"schools.csv\0.txt", "control character"),
    "NUL alone": (b"\0", "control character"),
    "a line end": (b"schools\n.csv", "control character"),
    "an escape sequence": (b"schools\x1b[2J.csv", "control character"),
    "turned direction": ("schools\u202e.csv".encode(), "control character"),
    "a blank of no width": ("schools\u200b.csv".encode(), "control character"),
    "no UTF-8": (b"\xc3\x28.csv", "not UTF-8"),
    "half a surrogate": (b"\xed\xa0\x80.csv", "not UTF-8"),
    "overlong dots": (b"\xc0\xae\xc0\xae/schools.csv", "not UTF-8"),
    "a long name": (b"x" * 201, "longer than 200"),
    "a long path": (b"a/" * 600, "longer than 1024"),
    "a very long path": (b"x" * 200_000, "longer than 1024"),
    "backslashes": (b"..\\..\\schools.csv", "backslash"),
    "a drive": (b"C:\\schools.csv", "backslash"),
    "Cyrillic letters": ("sch\N{CYRILLIC SMALL LETTER O}ols.csv".encode(), "did you mean schools.csv"),
    "a wide letter": ("\N{FULLWIDTH LATIN SMALL LETTER S}chools.csv".encode(), "did you mean schools.csv"),
    "a wide dot": ("schools\N{FULLWIDTH FULL STOP}csv".encode(), "did you mean schools.csv"),
    "capitals": (b"SCHOOLS.CSV", "did you mean schools.csv"),
    "a trailing dot": (b"schools.csv.", "did you mean schools.csv"),
    "a trailing blank": (b"schools.csv ", "did you mean schools.csv"),
    "a leading blank": (b" schools.csv", "did you mean schools.csv"),
    "a trailing blank that does not break": ("schools.csv\u00a0".encode(), "control character"),
    "a home folder": (b"~/schools.csv", "no such folder"),
    "a stream of Windows": (b"schools.csv:stream", "did you mean schools.csv"),
    "the folder of uploads in progress": (b".scratch/schools.csv", "no such folder"),
    "the name of an upload in progress": (b"0123456789ab~schools.csv", "not a file of"),
    "a report": (b"reports/LATEST.txt", "nothing can be written here"),
    "a new report": (b"reports/new.txt", "nothing can be written here"),
    "a report by dots": (b"reports/../reports/LATEST.txt", "nothing can be written here"),
    "the rules": (b"README.txt", "nothing can be written here"),
    "the root": (b"/", "nothing can be written here"),
    "nothing": (b"", "nothing can be written here"),
    "a folder": (b"preview", "nothing can be written here"),
}
"""What somebody tries: the path, and what the refusal says."""


@pytest.fixture
async def client(house: House) -> AsyncIterator[Raw]:
    """Give a session, and check at its end that nothing was put anywhere."""
    reports = house.spool.reports(SLUG)
    reports.mkdir(parents=True)
    (reports / "LATEST.txt").write_text("All is well.\n")
    before = _everything(house.state)
    async with raw(house) as client:
        await client.start()
        yield client
    assert _everything(house.state) == before
    assert (reports / "LATEST.txt").read_text() == "All is well.\n"


def _everything(folder: Path) -> set[Path]:
    """Return the files of a state, without those that wait aside in an inbox."""
    return {path for path in folder.rglob("*") if path.is_file() and ".scratch" not in path.parts}


async def test_a_path_that_is_no_upload(client: Raw) -> None:
    """Writing there is refused with its reason, by every way of opening."""
    wrong = {}
    for what, (path, reason) in TRICKS.items():
        for flags in (NEW, FXF_WRITE | FXF_CREAT | FXF_EXCL, FXF_READ | FXF_WRITE | FXF_CREAT):
            code, text = (await client.open(path, flags)).status()
            if code not in (FX_FAILURE, FX_NO_SUCH_FILE) or reason not in text or not text.isprintable():
                wrong[what] = (code, text)
    assert wrong == {}


async def test_dots_lead_no_further_than_the_root(client: Raw, house: House) -> None:
    """`..` at the root stays there: the path means the file in the root, and nothing above."""
    answer = await client.ask(FXP_REALPATH, String(b"/../../../schools.csv"))
    assert answer.kind == FXP_NAME
    answer.fields.get_uint32()
    assert answer.fields.get_string() == b"/schools.csv"
    await client.close((await client.open(b"../../../schools.csv", NEW)).handle)
    assert list(house.committed()) == ["schools.csv"]
    await client.ask(FXP_REMOVE, String(b"/schools.csv"))


async def test_links_of_every_kind(client: Raw) -> None:
    """No link can be made or read, soft or hard, nor a file copied: what the server never does, it says."""
    target = b"../../../../etc/passwd"
    for kind, fields in (
        (FXP_SYMLINK, (String(target), String(b"/schools.csv"))),
        (FXP_SYMLINK, (String(b"/schools.csv"), String(target))),
        (FXP_READLINK, (String(target),)),
        (FXP_LINK, (String(b"/schools.csv"), String(target), b"\1")),
        (FXP_EXTENDED, (String("hardlink@openssh.com"), String(target), String(b"/schools.csv"))),
        (FXP_EXTENDED, (String("copy-data"), String(b"0"), UInt64(0), UInt64(0), String(b"1"), UInt64(0))),
        (FXP_EXTENDED, (String("copy-file"), String(target), String(b"/schools.csv"), b"\1")),
        (FXP_EXTENDED, (String("statvfs@openssh.com"), String(b"/"))),
    ):
        code, text = (await client.ask(kind, *fields)).status()
        assert code == FX_OP_UNSUPPORTED
        assert text


async def test_reports_cannot_be_changed(client: Raw) -> None:
    """Nothing below /reports can be made, removed, renamed, renamed onto or cut."""
    await client.close((await client.open(b"/schools.csv.tmp", NEW)).handle)
    cut = UInt32(1) + UInt64(0)
    for kind, fields in (
        (FXP_REMOVE, (String(b"/reports/LATEST.txt"),)),
        (FXP_RENAME, (String(b"/reports/LATEST.txt"), String(b"/schools.csv"))),
        (FXP_RENAME, (String(b"/schools.csv.tmp"), String(b"/reports/LATEST.txt"))),
        (FXP_EXTENDED, (String("posix-rename@openssh.com"), String(b"/schools.csv.tmp"), String(b"/reports/x"))),
        (FXP_MKDIR, (String(b"/reports/x"), NO_ATTRIBUTES)),
        (FXP_RMDIR, (String(b"/reports"),)),
    ):
        code, text = (await client.ask(kind, *fields)).status()
        assert code == FX_FAILURE
        assert text
    assert (await client.ask(FXP_SETSTAT, String(b"/reports/LATEST.txt"), cut)).status()[0] == FX_OK  # and does nothing


@pytest.mark.parametrize("kind", [FXP_STAT, FXP_OPENDIR, FXP_REMOVE, FXP_REALPATH])
async def test_other_requests_refuse_the_same_paths(client: Raw, kind: int) -> None:
    """A path that is no path is none for any request."""
    for path in (b"\xff", b"a\0b", b"x" * 300, b"/reports/\xff", b"/reports/a\0"):
        code, text = (await client.ask(kind, String(path))).status()
        assert code == FX_FAILURE
        assert text.isprintable()
