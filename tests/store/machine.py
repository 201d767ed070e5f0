"""What the stateful test runs on: a database, transactions that may be killed before any of their statements."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import event

from rostergate import store
from rostergate.store import roster

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

T = TypeVar("T")

STATEMENTS_MAX = 80
"""Statements before which a transaction may be killed; most have fewer, and then nothing is killed."""


class _Killed(Exception):  # noqa: N818 - it names what happened
    """The program ends here."""


class Machine(RuleBasedStateMachine):
    """One database, and a program on it that can be killed and started again."""

    def __init__(self, opened: Callable[[], AsyncEngine]) -> None:
        super().__init__()
        self._opened = opened
        self._runner = asyncio.Runner()
        self._engine = opened()

    def teardown(self) -> None:
        """Let go of the database."""
        self._run(self._engine.dispose())
        self._runner.close()
        super().teardown()

    def assert_as_before(self) -> None:
        """Fail unless a transaction that was killed has left nothing behind."""

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    async def _read(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        async with store.reading(self._engine) as tx:
            return await work(tx)

    async def _write(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        async with store.writing(self._engine) as tx:
            return await work(tx)

    async def _ground(self, district: str) -> int:
        return await self._read(lambda tx: roster.ground(tx, district))

    def _try(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, object]], kill: int | None) -> None:
        """Do something in one transaction; where it is killed, start the program again and do it once more."""
        if kill is not None and self._killed(work, kill):
            self.assert_as_before()
        elif kill is not None:
            return
        self._run(self._write(work))

    def _killed(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, object]], at: int) -> bool:
        """Do something with a kill before a statement, the commit among them; tell whether it came to that."""
        steps = count(1)

        def step(*_: object) -> None:
            if next(steps) == at:
                raise _Killed

        engine = self._engine.sync_engine
        event.listen(engine, "before_cursor_execute", step)
        event.listen(engine, "commit", step)
        try:
            self._run(self._write(work))
        except _Killed:
            pass
        except BaseExceptionGroup as group:
            if group.split(_Killed)[1] is not None:
                raise
        else:
            return False
        finally:
            event.remove(engine, "before_cursor_execute", step)
            event.remove(engine, "commit", step)
        self._run(self._engine.dispose())
        self._engine = self._opened()
        return True
