"""Waiting sets: what the log says of a set that does not go on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal
from rostergate.core import completeness

if TYPE_CHECKING:
    from rostergate.spool.folders import Area

_EVENTS: Final = {
    completeness.Waiting: journal.SET_WAITED,
    completeness.Overdue: journal.SET_OVERDUE,
    completeness.Mixed: journal.SET_MIXED,
}
_LEVELS: Final = {
    completeness.Waiting: logging.INFO,
    completeness.Overdue: logging.WARNING,
    completeness.Mixed: logging.WARNING,
}

log = structlog.get_logger()


def log_wait(district: str, area: Area, judgement: completeness.Judgement) -> None:
    """Log what a set waits for; file names are the format's own."""
    about: dict[str, object] = {"district": district, "area": area.value}
    match judgement:
        case completeness.Waiting(missing=names) | completeness.Overdue(missing=names):
            about["missing"] = names
        case completeness.Mixed(old=names):
            about["old"] = names
        case completeness.Complete() | completeness.Stuck():
            pass
    log.log(_LEVELS[type(judgement)], _EVENTS[type(judgement)], **about)
