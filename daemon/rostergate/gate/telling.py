"""Telling: whatever goes wrong in an operation reaches the client as a text, the log as a code, the house as a reason.

Rule: a file's name is logged only when it is one of the format's own. A stranger could put a child's name in any other.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import structlog
from asyncssh.constants import FX_NO_SUCH_FILE

from rostergate import journal, metrics
from rostergate.gate import view
from rostergate.gate.incoming import Incoming
from rostergate.gate.names import recognise, shown
from rostergate.gate.refusals import Refusal, from_disk
from rostergate.spool.folders import Area

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from rostergate.gate.aside import Aside
    from rostergate.gate.files import Files
    from rostergate.gate.services import Services, Visitor

_log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")


class Teller:
    """Passes refusals on, each of them once."""

    def __init__(self, services: Services, visitor: Visitor, aside: Aside) -> None:
        self.services = services
        self.visitor = visitor
        self.aside = aside
        self._folder_told = False

    async def refused(self, refusal: Refusal, subject: object) -> None:
        """Log a refusal and tell the house, unless it was told before or only says that a file is not there.

        That a folder is not there is told once in a session: a program may look for it again with each file.
        """
        looked_for = refusal.code == FX_NO_SUCH_FILE
        if refusal.told or (looked_for and (refusal.why != view.NO_FOLDER or self._folder_told)):
            return
        refusal.told = True
        self._folder_told |= looked_for
        self.aside.say(refusal.reason)
        area, name = _place(subject)
        metrics.UPLOADS_REFUSED.labels(refusal.why).inc()
        if refusal.limit:
            metrics.LIMITS_REACHED.labels(refusal.limit).inc()
        _log.warning(
            journal.UPLOAD_REFUSED,
            district=self.visitor.district.slug,
            address=self.visitor.address,
            area=area.value,
            file=self.known(name),
            chars=len(name),
            why=refusal.why,
            **({"limit": refusal.limit} if refusal.limit else {}),
            exc_info=refusal.__cause__,
        )
        try:
            await self.services.on_refusal(self.visitor.district.slug, area, shown(name), refusal.reason)
        except Exception:  # noqa: BLE001 - whatever fails there, the client still gets its answer
            _log.exception(journal.SESSION_FAILED, district=self.visitor.district.slug)

    def known(self, name: str) -> str | None:
        """Return the format's file that a name stands for, or None: then the name is not to be logged."""
        try:
            return recognise(name, self.visitor.wanted).real
        except Refusal:
            return None


def told(
    operation: Callable[Concatenate[Files, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Files, P], Coroutine[Any, Any, R]]:
    """Make every error of an operation a `Refusal` and pass it on; the first argument says what it is about."""

    @wraps(operation)
    async def telling(self: Files, /, *args: P.args, **kwargs: P.kwargs) -> R:
        subject: Any = args[0] if args else None
        try:
            return await operation(self, *args, **kwargs)
        except Refusal as refusal:
            await self.teller.refused(refusal, subject)
            raise
        except OSError as error:
            failed = from_disk(error)
            failed.__cause__ = error
            await self.teller.refused(failed, subject)
            raise failed from error
        except Exception as error:
            _log.exception(journal.SESSION_FAILED, district=self.teller.visitor.district.slug)
            raise Refusal("failed", "the server failed; try again later") from error

    return telling


def _place(subject: object) -> tuple[Area, str]:
    if isinstance(subject, Incoming):
        return subject.area, subject.name.name
    if isinstance(subject, bytes):
        try:
            seen = view.seen(subject)
        except Refusal:
            seen = None
        if isinstance(seen, view.Place):
            return seen.area, seen.name
        return Area.UPLOAD, subject.decode(errors="replace").rpartition("/")[2]
    return Area.UPLOAD, ""
