"""How the journal is written: for machines and for people, and without anybody's data."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import logging
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from rostergate import journal
from rostergate.config import load_settings
from rostergate.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = "Wilhelmina Quackenbush"  # stands for a cell's value

log = structlog.get_logger()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Leave structlog and the root logger as they were."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    """Configure JSON and give the stream it is written to."""
    stream = io.StringIO()
    journal.configure("json", "info", stream)
    return stream


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the lines of a JSON journal."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_on_one_line(stream: io.StringIO) -> None:
    """The time is UTC in ISO 8601; time, level and event come first, then the fields."""
    log.info(journal.UPLOAD_COMMITTED, district="lincoln", file="students.csv", bytes=12)
    (line,) = stream.getvalue().splitlines()
    fields = json.loads(line)
    assert list(fields) == ["timestamp", "level", "event", "district", "file", "bytes"]
    assert fields["level"] == "info"
    assert fields["event"] == "upload.committed"
    assert fields["bytes"] == 12
    assert datetime.fromisoformat(fields["timestamp"]).tzinfo == UTC


def test_a_name_with_control_characters_stays_on_its_line(stream: io.StringIO) -> None:
    """A file's name can neither begin a line of the journal nor break its encoding."""
    name = 'a\n{"event": "login.accepted"}\x1b[2J\udcff.csv'
    log.info(journal.UPLOAD_REFUSED, file=name)
    (fields,) = written(stream)
    assert fields["file"] == name
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().isascii()


def test_people_get_text_without_control_characters() -> None:
    """On the console a file's name cannot move the cursor."""
    stream = io.StringIO()
    journal.configure("console", "info", stream)
    log.info(journal.UPLOAD_REFUSED, file="a\x1b[2J\r\n.csv", names=["b\x1b[2J"])
    (line,) = stream.getvalue().splitlines()
    assert "upload.refused" in line
    assert r"a\x1b[2J\r\n.csv" in line
    assert line.isprintable()


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        ("auto", io.StringIO(), True),
        ("auto", Terminal(), False),
        ("json", Terminal(), True),
        ("console", io.StringIO(), False),
    ],
    ids=["auto to a file", "auto to a terminal", "json to a terminal", "console to a file"],
)
def test_the_format_follows_the_stream_unless_it_is_said(form: str, stream: io.StringIO, is_json: bool) -> None:  # noqa: FBT001 - a case's outcome
    """Automatic means console on a terminal and JSON elsewhere."""
    journal.configure(form, "info", stream)
    log.info(journal.SERVICE_STARTED)
    assert stream.getvalue().startswith("{") is is_json


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_less_severe_events_are_left_out(level: str, expected: list[str]) -> None:
    """The level is the least severe one that is written."""
    stream = io.StringIO()
    journal.configure("json", level, stream)
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("x.happened")
    assert [fields["level"] for fields in written(stream)] == expected


def test_configuring_again_moves_the_journal(stream: io.StringIO) -> None:
    """A logger that was used before follows to the new stream, and libraries are not written twice."""
    log.info("one.happened")
    second = io.StringIO()
    journal.configure("json", "info", second)
    log.info("two.happened")
    logging.getLogger("asyncssh").warning("three")
    assert [fields["event"] for fields in written(stream)] == ["one.happened"]
    assert [fields["event"] for fields in written(second)] == ["two.happened", "library.warned"]


def test_a_long_text_is_cut(stream: io.StringIO) -> None:
    """No field can fill the journal."""
    log.info(journal.UPLOAD_REFUSED, file="x" * 1_000_000)
    assert len(stream.getvalue()) < 3_000


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_is_written_without_its_text_and_variables(form: str) -> None:
    """Neither the exception's words, nor its causes', nor local variables reach the journal."""
    stream = io.StringIO()
    journal.configure(form, "debug", stream)
    secret = CANARY

    def fail() -> None:
        try:
            int(secret)
        except ValueError as error:
            error.add_note(secret)
            raise RuntimeError(secret) from error

    try:
        fail()
    except RuntimeError as error:
        log.error("x.failed", exc_info=error)
        log.exception("y.failed")
        log.error("z.failed", exc_info=(type(error), error, error.__traceback__))
    assert stream.getvalue().count("RuntimeError") == 3
    assert stream.getvalue().count("ValueError") == 3
    assert CANARY not in stream.getvalue()
    assert "Quackenbush" not in stream.getvalue()


def test_the_errors_of_the_house_are_quoted_with_our_own_lines(stream: io.StringIO) -> None:
    """Their text is ours, and the lines lead into the source; lines of others are left out."""
    try:
        load_settings(Path("absent"), {"ROSTERGATE_SERVER__PRT": "1"})
    except ConfigError:
        log.exception(journal.CONFIG_REFUSED)
    (fields,) = written(stream)
    assert fields["error"]["type"] == "rostergate.errors.ConfigError"
    assert fields["error"]["reason"].startswith("ROSTERGATE_SERVER__PRT: unknown")
    assert all(re.fullmatch(r"rostergate/config/loading\.py:\d+", line) for line in fields["error"]["lines"])
    assert len(fields["error"]["lines"]) == 2


def test_what_the_error_came_from_is_named(stream: io.StringIO) -> None:
    """Causes, contexts and members of a group are listed by type, each once, and not without end."""

    def nested(depth: int) -> None:
        try:
            raise KeyError(CANARY) if depth == 0 else ValueError(CANARY)
        finally:
            if depth:
                nested(depth - 1)

    try:
        try:
            nested(50)
        except KeyError as error:
            raise StoreError("The database is busy.") from ExceptionGroup("all", [error, OSError(CANARY)])
    except StoreError as error:
        log.error("x.failed", exc_info=error)
    (fields,) = written(stream)
    assert fields["error"]["reason"] == "The database is busy."
    assert [cause["type"] for cause in fields["causes"]] == ["ExceptionGroup", "KeyError", "OSError", "ValueError"]
    assert CANARY not in stream.getvalue()


def test_the_kernels_word_is_told_without_the_path(stream: io.StringIO) -> None:
    """What an operating system's error is about may be a client's word; what the error is, is not."""
    log.error("x.failed", exc_info=PermissionError(errno.EACCES, CANARY, CANARY))
    (fields,) = written(stream)
    assert fields["error"] == {"type": "PermissionError", "lines": [], "reason": "Permission denied"}


def test_an_exception_without_anything_else_is_just_its_type(stream: io.StringIO) -> None:
    """An exception that was never raised can be logged, too, and none at all does not hurt."""
    log.error("x.failed", exc_info=ValueError(CANARY))
    log.error("y.failed", exc_info=None)
    log.error("z.failed", exc_info=True)  # noqa: LOG014 - what comes of it is the point
    first, second, third = written(stream)
    assert first["error"] == {"type": "ValueError", "lines": []}
    assert "error" not in second
    assert "error" not in third


@pytest.mark.parametrize(
    "library", ["asyncssh", "asyncssh.sftp", "asyncio", "alembic.runtime.migration", "watchfiles.main"]
)
def test_libraries_are_heard_from_warning_up_and_without_what_they_filled_in(library: str, stream: io.StringIO) -> None:
    """A library's message is its fixed part; file names and the like that were filled in stay out."""
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger(library).log(level, "Opening %s\nof %s", CANARY, CANARY)
    assert [(fields["level"], fields["event"], fields["library"], fields["message"]) for fields in written(stream)] == [
        ("warning", "library.warned", library, "Opening %s"),
        ("error", "library.warned", library, "Opening %s"),
    ]
    assert CANARY not in stream.getvalue()


async def test_a_failed_task_nobody_waited_for_is_written_without_its_text(stream: io.StringIO) -> None:
    """Asyncio's own report of a lost exception names the type and keeps the words to itself."""

    async def fail() -> None:
        raise ValueError(CANARY)

    task = asyncio.ensure_future(fail())
    await asyncio.wait([task])
    del task
    (fields,) = written(stream)
    assert fields["message"] == "Task exception was never retrieved"
    assert fields["error"]["type"] == "ValueError"
    assert CANARY not in stream.getvalue()


def test_every_event_is_dotted_and_in_the_past_tense() -> None:
    """Events are `<what>.<happened>`, each once."""
    names = {name: value for name, value in vars(journal).items() if name.isupper() and isinstance(value, str)}
    assert len(set(names.values())) == len(names)
    for name, value in names.items():
        assert re.fullmatch(r"[a-z]+\.([a-z]+ed|found|left|lost|sent|written|forgotten|overdue)", value), value
        assert name == value.upper().replace(".", "_")


def test_what_a_command_did_is_told_to_systemds_journal(tmp_path: Path) -> None:
    """An event of a command reaches systemd's journal as one entry, and where there is none nothing happens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "socket"))
        journal.note(journal.PLAN_RELEASED, systemd=tmp_path / "socket", plan="3f2a9c117b20")
        entry = systemd.recv(65_536).decode()
    prefix = "PRIORITY=6\nSYSLOG_IDENTIFIER=rostergate\nMESSAGE="
    assert entry.startswith(prefix)
    fields = json.loads(entry.removeprefix(prefix))
    assert datetime.fromisoformat(fields.pop("timestamp")).tzinfo == UTC
    assert fields == {"level": "info", "event": "plan.released", "plan": "3f2a9c117b20"}
    journal.note(journal.PLAN_RELEASED, systemd=tmp_path / "socket")
    journal.note(journal.PLAN_RELEASED, systemd=tmp_path / "nowhere")
