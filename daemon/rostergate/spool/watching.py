"""Watching: files that reach an inbox by another road (copied in locally, a mounted share) are noticed."""

from __future__ import annotations

from pathlib import Path
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
    roots = {(spool.state / area.value).absolute(): area for area in Area}
    async for changes in awatch(*roots, watch_filter=None, stop_event=stop, recursive=True, debounce=200, step=50):
        touched = {_whose(Path(path), roots) for _, path in changes}
        if found := {one for one in touched if one is not None}:
            yield found


def _whose(path: Path, roots: dict[Path, Area]) -> tuple[str, Area] | None:
    for root, area in roots.items():
        if path.is_relative_to(root):
            parts = path.relative_to(root).parts
            hidden = any(part.startswith(".") for part in parts)
            return None if hidden or not parts else (parts[0], area)
    return None
