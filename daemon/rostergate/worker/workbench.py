"""The workbench of a worker process: an event loop, and engines on its databases, kept from one delivery to the next.

Most deliveries are small or change nothing. What they take is then what is made ready for them: modules, an engine with
its connections and compiled statements, and a garbage collector that does not look through all of that each time.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from rostergate import store

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Any

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.store import Location

Result = TypeVar("Result")


class _Workbench:
    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._engines: dict[Location, AsyncEngine] = {}

    def do(self, database: Location, work: Callable[[AsyncEngine], Coroutine[Any, Any, Result]]) -> Result:
        if database not in self._engines:
            self._engines[database] = store.open(database, worker=True)
        return self._runner.run(work(self._engines[database]))

    def close(self) -> None:
        for engine in self._engines.values():
            self._runner.run(engine.dispose())
        self._runner.close()


_standing: list[_Workbench] = []


def set_up(modules: Iterable[str] = ()) -> None:
    """Keep a workbench for the rest of this process, which does nothing else, with these modules imported."""
    for name in modules:
        import_module(name)
    _standing.append(_Workbench())
    gc.collect()
    gc.freeze()  # looking through what every module has made takes 90 ms, in the middle of a delivery of 20


def do(database: Location, work: Callable[[AsyncEngine], Coroutine[Any, Any, Result]]) -> Result:
    """Do some work with the engine on a database, in a process or thread that has no event loop.

    Where no workbench is kept, one is made for this work alone. Raises what the work raises.
    """
    if _standing:
        return _standing[-1].do(database, work)
    with closing(_Workbench()) as bench:
        return bench.do(database, work)
