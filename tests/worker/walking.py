"""What the queue's tests have in common: the queue, and what stands in for the answer of the worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from rostergate.config import Districts, Settings
from rostergate.spool.folders import Spool
from rostergate.worker.queue import Queue
from store.making import AT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.store import Location
    from rostergate.worker.processes import Processes


def queue_of(
    engine: AsyncEngine,
    location: Location,
    folder: Path,
    processes: object,
    on_closed: Callable[[str], Awaitable[None]],
    **delivery: float,
) -> Queue:
    """Return a queue for the districts whose files are in a folder, with these settings of `[delivery]`."""
    districts = Districts(folder)
    districts.load()
    return Queue(
        settings=Settings.model_validate({"delivery": delivery}),
        districts=districts,
        engine=engine,
        database=location,
        spool=Spool(folder),
        processes=cast("Processes", processes),
        now=lambda: AT,
        on_closed=on_closed,
    )


class Walked:
    """What a walk down the road came to, as far as the queue looks at it."""

    outcome = "accepted"
    seconds: ClassVar[dict[str, float]] = {}

    def for_the_log(self) -> dict[str, Any]:
        """Tell nothing."""
        return {}
