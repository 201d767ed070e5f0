"""Watching: files that reach an inbox by another road (copied in locally, a mounted share) are noticed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from watchfiles import awatch

from rostergate.spool.folders import Area, Spool

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator


async def changed_inboxes(spool: Spool, stop: asyncio.Event) -> AsyncIterator[set[tuple[str, Area]]]:
    """Yield, after each burst of changes, whose inboxes changed: (district, area).

    What the gate itself puts down is told as well; who listens looks at the inbox either way.
    """
    # The watcher tells absolute paths, whatever it was given.
    roots = {f"{(spool.state / area.value).absolute()}{os.sep}": area for area in Area}
    async for changes in awatch(*roots, watch_filter=None, stop_event=stop, recursive=True, debounce=200, step=50):
        touched = {_whose(path, roots) for _, path in changes}
        if found := {one for one in touched if one is not None}:
            yield found


def _whose(path: str, roots: dict[str, Area]) -> tuple[str, Area] | None:
    """Return whose inbox a path lies in, or None; nobody is told of what is hidden. An upload tells a dozen paths."""
    for root, area in roots.items():
        inside = path.removeprefix(root)
        if inside != path:
            hidden = inside.startswith(".") or f"{os.sep}." in inside
            return None if hidden or not inside else (inside.partition(os.sep)[0], area)
    return None
