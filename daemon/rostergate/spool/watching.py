"""Watching: files that reach an inbox by another road (copied in locally, a mounted share) are noticed.

Rule: each inbox is watched for itself. Watched with what lies below it, the folder of all inboxes is given up at the
first one that cannot be read, and nobody's files are noticed any more.
"""

from __future__ import annotations

import os
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, TypeAlias

from watchfiles import awatch

from rostergate.spool.folders import Area, Spool

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Iterable

_Whose: TypeAlias = tuple[str, Area]


async def changed_inboxes(spool: Spool, stop: asyncio.Event) -> AsyncIterator[set[_Whose]]:
    """Yield, after each burst of changes, whose inboxes changed: (district, area). Raises `OSError`.

    What the gate itself puts down is told as well; who listens looks at the inbox either way. Every few seconds in
    which nothing changes, an empty set tells that they are watched.
    """
    # The watcher tells absolute paths, whatever it was given.
    roots = {f"{(spool.state / area.value).absolute()}{os.sep}": area for area in Area}
    while not stop.is_set():
        inboxes = _inboxes(roots)
        with suppress(FileNotFoundError):  # one was taken away since it was listed
            watch = awatch(
                *roots,
                *inboxes,
                watch_filter=None,
                stop_event=stop,
                recursive=False,
                debounce=200,
                step=50,
                ignore_permission_denied=True,
                yield_on_timeout=True,
            )
            async with aclosing(watch) as bursts:
                async for changes in bursts:
                    touched = {_whose(path, roots) for _, path in changes}
                    yield {one for one in touched if one is not None}
                    if any(_is_inbox_or_root(path, roots) for _, path in changes) and _inboxes(roots) != inboxes:
                        break


def _inboxes(roots: Iterable[str]) -> dict[str, tuple[int, int, int]]:
    """Return the inboxes there are, each with what shows that it is another one, or may be read now."""
    found = {}
    for root in roots:
        with os.scandir(root) as folders:
            for one in folders:
                with suppress(OSError):  # it was taken away, or is a link that leads nowhere
                    facts = one.stat()
                    if one.is_dir():
                        found[one.path] = facts.st_ino, facts.st_mode, facts.st_uid
    return found


def _is_inbox_or_root(path: str, roots: Iterable[str]) -> bool:
    folder = os.path.dirname(path)  # noqa: PTH120 - a hundred in a burst
    return any(root.rstrip(os.sep) in (path, folder) for root in roots)


def _whose(path: str, roots: dict[str, Area]) -> _Whose | None:
    """Return whose inbox a path lies in, or None; nobody is told of what is hidden. An upload tells a dozen paths."""
    for root, area in roots.items():
        inside = path.removeprefix(root)
        if inside != path:
            hidden = inside.startswith(".") or f"{os.sep}." in inside
            return None if hidden or not inside else (inside.partition(os.sep)[0], area)
    return None
