"""Waiting sets: what the log says of a set that does not go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from rostergate import journal
from rostergate.core import completeness

if TYPE_CHECKING:
    from rostergate.spool.folders import Area

log = structlog.get_logger()


def log_wait(district: str, area: Area, judgement: completeness.Judgement) -> None:
    """Log what a set waits for; file names are the format's own."""
    match judgement:
        case completeness.Waiting(missing=names):
            log.info(journal.SET_WAITED, district=district, area=area.value, missing=names)
        case completeness.Overdue(missing=names):
            log.warning(journal.SET_OVERDUE, district=district, area=area.value, missing=names)
        case completeness.Mixed(old=names):
            log.warning(journal.SET_MIXED, district=district, area=area.value, old=names)
