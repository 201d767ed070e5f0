"""`rostergate tail`: the log in words, as an operator follows it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any

import pytest

from running import SECONDS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def line(event: str, minutes_ago: float = 0, level: str = "info", **fields: Any) -> str:
    """Return a line of the log, of so many minutes before this moment."""
    at = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat()
    return json.dumps({"timestamp": at, "level": level, "event": event, **fields})


SEALED = {"delivery": "lincoln-00017", "district": "lincoln", "files": 6, "bytes": 1_200}
REFUSED = {"district": None, "how": "password", "why": "wrong", "tries": 1, "address": "198.51.100.7"}
STRANGE = "Traceback (most recent call last):\x1b[2J"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Give a log of the last two hours with lines of two districts and one that is no event."""
    lines = [
        line("session.opened", 120, district="lincoln"),
        line("delivery.sealed", 90, **SEALED),
        line("login.refused", 60, "warning", **REFUSED),
        STRANGE,
        line("delivery.sealed", 30, delivery="adams-00003", files=5, bytes=80),
        line("delivery.failed", 5, "error", delivery="adams-00003", reason="its files are gone"),
    ]
    path = tmp_path / "daemon.log"
    path.write_text("".join(f"{one}\n" for one in lines))
    return path


def told(output: str) -> list[str]:
    """Return what was told, without its dates and times."""
    lines = [re.sub(r"^(\d\d:\d\d:\d\d| {8})  ", "", one) for one in output.splitlines()]
    return [one for one in lines if not re.fullmatch(r"[A-Z]\w\w \d+ \w+ \d{4}", one)]


def test_a_log_is_told_in_words(commands: Any, log: Path) -> None:
    """Each event is a sentence with its time; what is no event is shown as it is; grave ones say so."""
    output = commands("tail", "--no-follow", str(log)).output
    assert told(output) == [
        "lincoln began an SFTP session",
        "lincoln-00017 is complete: 6 files, 1.2 KB",
        "warning: a login by password was refused from 198.51.100.7: wrong, try 1",
        "Traceback (most recent call last):[2J",
        "adams-00003 is complete: 5 files, 80 B",
        "error: adams-00003 could not be decided: its files are gone",
    ]
    here = datetime.fromisoformat(json.loads(log.read_text().splitlines()[0])["timestamp"]).astimezone()
    assert f"{here:%H:%M:%S}  lincoln began" in output


@pytest.mark.parametrize(
    ("options", "events"),
    [
        (("--district", "adams"), ["delivery.sealed", "delivery.failed"]),
        (
            ("--district", "adams", "--district", "lincoln", "--lines", "3"),
            ["delivery.sealed"] * 2 + ["delivery.failed"],
        ),
        (("--level", "warning"), ["login.refused", None, "delivery.failed"]),
        (("--level", "error"), [None, "delivery.failed"]),
        (("--since", "45min"), [None, "delivery.sealed", "delivery.failed"]),
        (("--since", "THEN"), [None, "delivery.sealed", "delivery.failed"]),
        (("--lines", "1"), ["delivery.failed"]),
        (("--lines", "0"), []),
    ],
)
def test_only_what_was_asked_for(commands: Any, log: Path, options: tuple[str, ...], events: list[str | None]) -> None:
    """Districts, severity, time and number choose lines; --json gives each as it was logged."""
    then = f"{datetime.now(UTC) - timedelta(minutes=45):%Y-%m-%dT%H:%M:%S}+00:00"
    asked = [then if option == "THEN" else option for option in options]
    ended = commands("tail", "--no-follow", "--json", *asked, str(log))
    assert ended.exit_code == 0, ended.output
    assert [json.loads(one).get("event") for one in ended.output.splitlines()] == events


def test_a_time_that_is_none_of_ours_ends_nothing(commands: Any, tmp_path: Path) -> None:
    """A line of another program, which counts milliseconds or writes its time otherwise, is told without a time."""
    path = tmp_path / "other.log"
    path.write_text(
        "".join(f'{{"event": "x", "timestamp": {at}}}\n' for at in ("1700000000000", '"at noon"', "[]", "null"))
    )
    ended = commands("tail", "--no-follow", "--since", "1h", str(path))
    assert (ended.exit_code, told(ended.output)) == (0, ["x"] * 4)


@pytest.mark.parametrize("since", ["yesterdayish", "999999d"])
def test_a_moment_that_is_none_is_refused(commands: Any, log: Path, since: str) -> None:
    """A mistake in --since names what it may be."""
    ended = commands("tail", "--since", since, str(log))
    assert ended.exit_code == 2
    assert f"{since}: say how long ago" in ended.output


def test_an_unknown_district_is_refused(commands: Any, log: Path) -> None:
    """Where districts are configured, one that is not among them would wait for ever."""
    (commands.folder / "config" / "districts").mkdir(parents=True)
    ended = commands("tail", "--district", "nobody", str(log))
    assert (ended.exit_code, "there is no district nobody" in ended.output) == (1, True)


@contextmanager
def following(*arguments: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
    """Run `rostergate tail` as its user does, without a buffer between."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rostergate", "tail", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TZ": "UTC", **more.pop("env", {})},
        **more,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read(process: subprocess.Popen[str], count: int) -> list[str]:
    """Return the next lines that are told."""
    assert isinstance(process.stdout, IO) or process.stdout
    found: list[str] = []
    while len(found) < count:
        found += told(process.stdout.readline())
    return found


def test_what_is_added_is_told_and_a_rotated_file_is_followed(log: Path) -> None:
    """Lines are told as they come, also from the file that takes the log's place, until Ctrl-C ends it with 0."""
    with following("--lines", "1", str(log)) as process:
        assert read(process, 1) == ["error: adams-00003 could not be decided: its files are gone"]
        with log.open("a") as more:
            more.write(line("service.stopped")[:20])
            more.flush()
            more.write(line("service.stopped")[20:] + "\n")
        assert read(process, 1) == ["the daemon has stopped"]
        log.rename(log.with_suffix(".1"))
        log.write_text(line("service.started", port=2222, districts=1) + "\n")
        assert read(process, 1) == ["the daemon listens on port 2222, with 1 district"]
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS_MAX) == 0
        assert process.communicate() == ("", "")


def test_it_ends_when_nobody_reads_any_more(log: Path) -> None:
    """When the other end of the pipe is closed it ends by itself, although nothing more is logged, and says nothing."""
    with following(str(log)) as process:
        assert process.stdout
        assert process.stderr
        read(process, 6)
        process.stdout.close()
        process.stdout = None
        process.wait(SECONDS_MAX)
        assert process.stderr.read() == ""


def test_standard_input_is_read_to_its_end() -> None:
    """`journalctl -o cat | rostergate tail -` works, and a last line without a line end is told."""
    with following("-", stdin=subprocess.PIPE) as process:
        output, error = process.communicate(
            f"{line('session.opened', district='lincoln')}\n{STRANGE}\n{line('delivery.sealed', **SEALED)}",
            timeout=SECONDS_MAX,
        )
    assert (process.returncode, error) == (0, "")
    assert len(told(output)) == 3


JOURNALCTL = """\
#!/bin/sh
case " $* " in *" --follow "*) exit 3 ;; esac
case "$*" in
*" _SYSTEMD_UNIT=rostergate.service + UNIT=rostergate.service + SYSLOG_IDENTIFIER=rostergate") ;;
*) exit 4 ;;
esac
cat <<'END'
{entries}
END
exit {status}
"""


def a_journalctl(folder: Path, entries: list[dict[str, Any]], status: int = 0) -> dict[str, str]:
    """Write a program that prints entries as systemd's does, and return an environment in which it is found."""
    folder.mkdir()
    program = folder / "journalctl"
    program.write_text(JOURNALCTL.format(entries="\n".join(map(json.dumps, entries)), status=status))
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_systemds_journal_is_read(tmp_path: Path) -> None:
    """Events come as the message of an entry; systemd's own lines, bytes and messages cut for length are told too."""
    at = {"__REALTIME_TIMESTAMP": "1788265920000000"}
    entries: list[dict[str, Any]] = [
        {**at, "MESSAGE": "Started rostergate.service.", "SYSLOG_IDENTIFIER": "systemd"},
        {**at, "MESSAGE": line("delivery.sealed", **SEALED), "SYSLOG_IDENTIFIER": "rostergate"},
        {**at, "MESSAGE": list(b"caf\xe9"), "SYSLOG_IDENTIFIER": "rostergate"},
        {**at, "MESSAGE": None},
    ]
    with following("--no-follow", env=a_journalctl(tmp_path / "bin", entries)) as process:
        output, error = process.communicate(timeout=SECONDS_MAX)
    assert (process.returncode, error) == (0, "")
    assert "12:32:00  systemd Started rostergate.service." in output
    assert "lincoln-00017 is complete" in output
    assert "rostergate caf\ufffd" in output


def test_a_journal_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """When systemd's program gives up, the next step is named, and the status is 1."""
    with following("--no-follow", env=a_journalctl(tmp_path / "bin", [], status=1)) as process:
        _, error = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 1
    assert "run this as root" in error


def test_without_systemd_a_file_is_asked_for(tmp_path: Path) -> None:
    """Where there is no journal, the command says what to name instead."""
    with following(env={"PATH": str(tmp_path)}) as process:
        _, error = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 1
    assert "name the file" in error
