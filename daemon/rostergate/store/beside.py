"""Beside: work for the processor that a thread does while its caller goes on, for example while the database writes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

Result = TypeVar("Result")


def begun(function: Callable[..., Result], *args: Any) -> asyncio.Future[Result]:  # noqa: ANN401 - the function's
    """Begin work in a thread, and return what to await for its result.

    A task would begin only when its caller first waits for something, which a worker's statements never do.
    """
    return asyncio.get_running_loop().run_in_executor(None, function, *args)


async def one_ahead(parts: Iterator[Result]) -> AsyncIterator[Result]:
    """Give the parts, none of which is None, one by one; the next one is made in a thread while one is worked on."""
    following = begun(next, parts, None)
    while (part := await following) is not None:
        following = begun(next, parts, None)
        yield part
