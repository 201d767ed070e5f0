"""Where the log's lines come from: systemd's journal, a file that grows, or standard input.

Rule 1: a source never ends a command in silence: what keeps it from being read is told, with the next step.
Rule 2: while nothing comes, a source gives None about every half second, so that who reads it can look up.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final

from rostergate.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

PAUSE_SECONDS: Final = 0.5
LINE_BYTES_MAX: Final = 1_000_000  # a longer line is given in parts
READ_BYTES: Final = 65_536

Line = dict[str, Any]
"""One line: the fields of an event; of a line that is none, `message`, and where systemd knows them `timestamp` and
`from`."""


def of_systemd(unit: str, *, since: datetime | None, lines: int | None, follow: bool) -> Iterator[Line | None]:
    """Give what a unit, systemd about it, and operators' commands wrote; None while nothing comes.

    `lines`: at most so many of before. Raises `Refused` when systemd's journal is not there or not ours to read.
    """
    program = shutil.which("journalctl")
    if program is None:
        raise Refused(
            "systemd's journal is not on this machine; name the file that the daemon's standard error goes to, "
            "or - for standard input"
        )
    command = [program, "--output=json", "--all", "--no-pager", f"--lines={'all' if lines is None else lines}"]
    command += ["--follow"] if follow else []
    command += [f"--since=@{since.timestamp():.3f}"] if since else []
    command += [f"_SYSTEMD_UNIT={unit}", "+", f"UNIT={unit}", "+", "SYSLOG_IDENTIFIER=rostergate"]
    with _running(command) as journalctl:
        if journalctl.stdout is None:
            raise AssertionError("its output was asked for")
        for text in _texts(journalctl.stdout):
            yield None if text is None else _entry(text)
        status = journalctl.wait()
    if status:
        raise Refused(
            "systemd's journal cannot be read by this user; run this as root, or as somebody in the group "
            f"systemd-journal, or: sudo journalctl -u {unit} -o cat -f | rostergate tail -"
        )


def of_input() -> Iterator[Line | None]:
    """Give the lines of standard input until it ends; None while nothing comes."""
    for text in _texts(sys.stdin.buffer):
        yield None if text is None else event(text)


def of_file(path: Path, *, follow: bool) -> Iterator[Line | None]:
    """Give the lines of a file from its beginning; then, to follow, None while nothing comes, and what is added.

    A file that is rotated away, or cut, is read anew. Raises `OSError`.
    """
    file = path.open("rb")
    try:
        rest = b""
        while True:
            while data := file.read(READ_BYTES):
                *whole, rest = _split(rest + data)
                yield from map(event, whole)
            if not follow:
                break
            yield None
            select.select([], [], [], PAUSE_SECONDS)
            if _replaced(file, path):
                file.close()
                file, rest = path.open("rb"), b""
        if rest:
            yield event(rest)
    finally:
        file.close()


def event(text: bytes) -> Line:
    """Return a line's fields, or, for one that is no event, the line as `message`."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if isinstance(fields, dict) and isinstance(fields.get("event"), str):
        return fields
    return {"message": text.decode("utf-8", "replace").rstrip()}


def _entry(text: bytes) -> Line:
    """Return what an entry of systemd's journal says (systemd's Journal Export Formats, "Journal JSON Format")."""
    try:
        entry = json.loads(text)
    except ValueError:  # what the program says for itself
        return event(text)
    said = entry.get("MESSAGE")
    # A message that is no UTF-8 comes as a list of bytes; one that is too long as null.
    line = event(bytes(said) if isinstance(said, list) else str(said or "").encode())
    if "event" in line:
        return line
    micros = int(entry["__REALTIME_TIMESTAMP"])
    return {"timestamp": micros / 1e6, "from": entry.get("SYSLOG_IDENTIFIER"), **line}


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)  # noqa: S603 - a fixed program
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def _texts(stream: IO[bytes]) -> Iterator[bytes | None]:
    """Give a stream's lines as they come, and None while nothing comes; the last one may have no line end."""
    descriptor, rest = stream.fileno(), b""
    while True:
        if not select.select([descriptor], [], [], PAUSE_SECONDS)[0]:
            yield None
            continue
        data = os.read(descriptor, READ_BYTES)
        if not data:
            break
        *whole, rest = _split(rest + data)
        yield from whole
    if rest:
        yield rest


def _split(data: bytes) -> list[bytes]:
    """Return whole lines, and last what has no line end yet."""
    *whole, rest = data.split(b"\n")
    if len(rest) > LINE_BYTES_MAX:
        return [*whole, rest, b""]
    return [*whole, rest]


def _replaced(file: IO[bytes], path: Path) -> bool:
    try:
        now = path.stat()
    except FileNotFoundError:
        return False  # between two files; the new one comes
    return now.st_ino != os.fstat(file.fileno()).st_ino or now.st_size < file.tell()
