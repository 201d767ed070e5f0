"""The journal: every event that is logged, by name, and how it is written.

Rule 1: events are dotted and in the past tense, and all of them stand here.
Rule 2: a field holds a slug, an id, a code, a count, a duration, a size, an address or a file's name. Never a cell's
value.
Rule 3: an exception is written as its type and our own lines that it passed. Its text could repeat a cell's value, so
only a `RostergateError`, whose text is ours, is quoted, and the kernel's words for an `OSError`; never local variables.
Rule 4: of what a library says, from WARNING up, the fixed part is written and what it was filled in with is not.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from rostergate.errors import RostergateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from structlog.typing import EventDict, Processor, WrappedLogger

# The service
SERVICE_STARTED: Final = "service.started"
SERVICE_STOPPED: Final = "service.stopped"
SERVICE_DRAINED: Final = "service.drained"
SERVICE_FAILED: Final = "service.failed"
SIGNAL_IGNORED: Final = "signal.ignored"
STATE_RECOVERED: Final = "state.recovered"
DATABASE_LOST: Final = "database.lost"  # it cannot be used; the field `part` waits, and looks for it again
DATABASE_FOUND: Final = "database.found"
STATE_PURGED: Final = "state.purged"
PERSON_ERASED: Final = "person.erased"  # not who: the store tells it by a digest
PURGE_FAILED: Final = "purge.failed"
CONFIG_RELOADED: Final = "config.reloaded"
CONFIG_REFUSED: Final = "config.refused"
DISK_FILLED: Final = "disk.filled"  # it is nearly full; the operators are told
DISK_EXHAUSTED: Final = "disk.exhausted"  # uploads are refused from now on
DISK_FREED: Final = "disk.freed"  # they are taken again

# The gate
LOGIN_ACCEPTED: Final = "login.accepted"
LOGIN_REFUSED: Final = "login.refused"
LOGIN_FAILED: Final = "login.failed"  # nobody could say whether it is right: held against nobody
LOGIN_REVOKED: Final = "login.revoked"  # what let the district in no longer does; its connection was ended
CONNECTION_REFUSED: Final = "connection.refused"
LIMIT_REACHED: Final = "limit.reached"  # the field `limit` is its key; other events carry the same field
SESSION_OPENED: Final = "session.opened"
SESSION_CLOSED: Final = "session.closed"
SESSION_FAILED: Final = "session.failed"
UPLOAD_COMMITTED: Final = "upload.committed"
UPLOAD_REFUSED: Final = "upload.refused"
UPLOAD_LEFT: Final = "upload.left"  # the connection ended before CLOSE; the bytes wait for a resume
FILE_REMOVED: Final = "file.removed"
FILE_NOTICED: Final = "file.noticed"  # it reached the inbox by another road
FILE_STRAYED: Final = "file.strayed"  # it did so and belongs to no set

# The road
WATCH_FAILED: Final = "watch.failed"  # inboxes are looked at every minute; to watch them is tried again
WATCH_RESUMED: Final = "watch.resumed"
SET_WAITED: Final = "set.waited"
SET_OVERDUE: Final = "set.overdue"
SET_MIXED: Final = "set.mixed"
SET_REFUSED: Final = "set.refused"  # it came by another road, and the slot of its day is used
SET_FAILED: Final = "set.failed"
DELIVERY_SEALED: Final = "delivery.sealed"
DELIVERY_DECIDED: Final = "delivery.decided"  # the canonical line: one per delivery, with everything that counts
DELIVERY_FAILED: Final = "delivery.failed"
DELIVERY_INTERRUPTED: Final = "delivery.interrupted"  # it could not even be attempted, or given up; it is taken again
DELIVERY_RETRIED: Final = "delivery.retried"
PREVIEW_DECIDED: Final = "preview.decided"
PREVIEW_FAILED: Final = "preview.failed"
PLAN_RELEASED: Final = "plan.released"
PLAN_DISCARDED: Final = "plan.discarded"
UNDO_SEALED: Final = "undo.sealed"
REPORT_WRITTEN: Final = "report.written"
REPORT_FAILED: Final = "report.failed"
PAGE_FAILED: Final = "page.failed"
DISTRICT_ADDED: Final = "district.added"
DISTRICT_REMOVED: Final = "district.removed"
DISTRICT_FORGOTTEN: Final = "district.forgotten"  # its history, too
PASSWORD_ISSUED: Final = "password.issued"  # noqa: S105 - an event's name
SLOT_GRANTED: Final = "slot.granted"

# Mail
DISTRICT_MISSED: Final = "district.missed"  # nothing came when it should have; its recipients are told
MAIL_SENT: Final = "mail.sent"
MAIL_FAILED: Final = "mail.failed"  # it is tried again
MAIL_ABANDONED: Final = "mail.abandoned"
MAIL_DROPPED: Final = "mail.dropped"  # what it told was not so any more when it could be sent
TEMPLATE_REFUSED: Final = "template.refused"  # the operator's own; the house's was used instead

# Everything else
LIBRARY_WARNED: Final = "library.warned"  # a library's own log, from WARNING up

TEXT_CHARS_MAX: Final = 2_000  # characters of one text field
CAUSES_MAX: Final = 5  # exceptions of one chain or group
FRAMES_MAX: Final = 12  # our own lines of one exception, the last ones

SYSTEMD: Final = Path("/run/systemd/journal/socket")
"""Where systemd's journal takes entries (systemd's Native Journal Protocol)."""

_HOUSE: Final = Path(__file__).parent


def configure(format: str = "auto", level: str = "info", stream: TextIO | None = None) -> None:  # noqa: A002 - the key
    """Write the journal to a stream (default: standard error) from now on; may be called again.

    `format` is "json" (an object per line), "console" (for people) or "auto": console on a terminal, JSON elsewhere.
    `level` is the least severe level that is written: "debug", "info", "warning" or "error".
    """
    stream = sys.stderr if stream is None else stream
    to_terminal = stream.isatty()
    console = format == "console" or (format == "auto" and to_terminal)
    last: list[Processor] = (
        [_printable, structlog.dev.ConsoleRenderer(colors=to_terminal)]
        if console
        else [structlog.processors.JSONRenderer(_as_json)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exceptions_without_text,
            _bounded,
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        # A cached logger would keep the stream of the time it was first used.
        cache_logger_on_first_use=False,
    )
    _listen_to_libraries()


def note(event: str, *, systemd: Path = SYSTEMD, **fields: object) -> None:
    """Tell of what an operator's command has done: in systemd's journal, beside the daemon's lines.

    Where there is none, or it takes nothing, the event is told nowhere: the store has kept it.
    """
    told: EventDict = {"level": "info", "event": event, **fields}
    line = _as_json(dict(structlog.processors.TimeStamper(fmt="iso", utc=True)(None, "info", told)))
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.settimeout(1.0)
        journal.sendto(f"PRIORITY=6\nSYSLOG_IDENTIFIER=rostergate\nMESSAGE={line}\n".encode(), str(systemd))


class _Libraries(logging.Handler):
    """What libraries log, as events of this journal."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the message's fixed part: its template's first line. asyncio puts a failed task's error on the next."""
        lines = str(record.msg).splitlines() or [""]
        structlog.get_logger().log(
            record.levelno,
            LIBRARY_WARNED,
            library=record.name,
            message=lines[0],
            where=f"{record.module}:{record.lineno}",
            exc_info=record.exc_info,
        )


def _listen_to_libraries() -> None:
    root = logging.getLogger()
    for one in root.handlers[:]:
        if isinstance(one, _Libraries):
            root.removeHandler(one)
    root.addHandler(_Libraries(level=logging.WARNING))
    root.setLevel(logging.WARNING)


def _as_json(fields: dict[str, Any], **_: object) -> str:
    first = {name: fields.pop(name) for name in ("timestamp", "level", "event") if name in fields}
    return json.dumps({**first, **fields}, default=str, ensure_ascii=True)


def _exceptions_without_text(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    error = fields.pop("exc_info", None)
    fields.pop("stack_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        fields["error"], *causes = [_described(one) for one in _chain(error)]
        if causes:
            fields["causes"] = causes
    return fields


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception and what it came from or contains, nearest first, each once."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting and len(found) < CAUSES_MAX:
        one = waiting.pop(0)
        if any(one is other for other in found):
            continue
        found.append(one)
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        cause = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if cause:
            waiting.append(cause)
    return found


def _described(error: BaseException) -> dict[str, object]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    described: dict[str, object] = {"type": name, "lines": list(_our_lines(error.__traceback__))[-FRAMES_MAX:]}
    if isinstance(error, RostergateError):
        described["reason"] = str(error)
    elif isinstance(error, OSError) and error.errno is not None and error.errno in errno.errorcode:
        described["reason"] = os.strerror(error.errno)  # without the path, which may have a client's words in it
    return described


def _our_lines(traceback: TracebackType | None) -> Iterator[str]:
    while traceback:
        path = Path(traceback.tb_frame.f_code.co_filename)
        if path.is_relative_to(_HOUSE):
            yield f"{path.relative_to(_HOUSE.parent)}:{traceback.tb_lineno}"
        traceback = traceback.tb_next


def _bounded(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    for name, value in fields.items():
        if isinstance(value, str) and len(value) > TEXT_CHARS_MAX:
            fields[name] = f"{value[:TEXT_CHARS_MAX]}..."
    return fields


def _printable(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    """Spell out control characters: a file's name must not move the reader's cursor. JSON does so by itself."""
    for name, value in fields.items():
        if isinstance(value, str) and not value.isprintable():
            fields[name] = value.encode("unicode_escape").decode("ascii")
    return fields
