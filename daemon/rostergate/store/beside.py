"""Beside: work for the processor that a thread does while its caller goes on, for example while the database writes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

Result = TypeVar("Result")


def begun(function: Callable[..., Result], *args: Any) -> asyncio.Future[Result]:  # noqa: ANN401 - the function's
    """Begin work in a thread, and return what to await for its result.

    A task would begin only when its caller first waits for something, which a worker's statements never do.
    """
    return asyncio.get_running_loop().run_in_executor(None, function, *args)
