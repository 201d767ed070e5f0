"""Sets of files and real clients for the tests of whole daemons."""

from __future__ import annotations

import shutil
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostergate.cli import sample
from running import SECONDS_MAX, Rostergate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def as_files(rows: sample.FileSet) -> dict[str, bytes]:
    """Return a set as the bytes of its files."""
    return {name: sample.as_csv(one) for name, one in rows.items()}


def write_set(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a set into a new folder."""
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def page(port: int, path: str) -> tuple[int, str]:
    """Return status and text of a page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@dataclass
class OpenSSH:
    """OpenSSH's `sftp -b`, with a key of the district's."""

    rostergate: Rostergate
    folder: Path

    def batch(self, *lines: str) -> subprocess.CompletedProcess[str]:
        """Run the lines of a batch file and return how it ended."""
        batch = self.folder / "batch"
        batch.write_text("".join(f"{line}\n" for line in lines))
        return subprocess.run(
            [
                "sftp",
                *("-F", "none", "-i", str(self.folder / "key"), "-P", str(self.rostergate.port)),
                *("-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={self.folder / 'known'}"),
                *("-b", str(batch), "lakeside@127.0.0.1"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
        )

    def put(self, files: Mapping[str, bytes], folder: str = "") -> subprocess.CompletedProcess[str]:
        """Put files, in one session."""
        there = self.folder / "out"
        shutil.rmtree(there, ignore_errors=True)
        write_set(there, files)
        return self.batch(*(f"put {there / name} {folder}{name}" for name in files))
