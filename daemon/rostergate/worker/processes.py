"""Worker processes: where decisions are made, so that the event loop stays free and a fatal one ends alone."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final, TypeVar, TypeVarTuple

from rostergate import journal
from rostergate.config.settings import LogSettings
from rostergate.errors import RostergateError
from rostergate.standing_back import stand_back
from rostergate.worker import workbench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NICENESS: Final = 10
"""Of workers where they are nice: next to what is not, a tenth of a processor (sched(7))."""

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class ProcessDiedError(RostergateError):
    """The worker process died, for example because the machine ran out of memory."""

    permanent = False


class TookTooLongError(RostergateError):
    """It took longer than `delivery.decide_seconds_max` and was stopped."""

    permanent = False


class Processes:
    """A few worker processes, started when first needed, each in a pool of its own: none takes another along."""

    def __init__(
        self, count: int, *, seconds_max: float, modules: Iterable[str] = (), log: LogSettings | None = None
    ) -> None:
        """Each process imports the modules before it does anything, and keeps the journal as `log` says."""
        self._count = count
        self._seconds_max = seconds_max
        self._modules = tuple(modules)
        self._log = log or LogSettings()
        _share_cores(count)
        self._free = asyncio.LifoQueue[ProcessPoolExecutor]()  # so that what has been started is used first
        for _ in range(count):
            self._free.put_nowait(self._new_pool())

    async def run(self, function: Callable[[*Arguments], Result], *args: *Arguments) -> Result:
        """Run `function` (importable by name, arguments and result pickled) in a worker process, once one is free.

        Raises what the function raises, `ProcessDiedError` or `TookTooLongError`; the process is replaced then.
        """
        pool, limit = await self._free.get(), asyncio.timeout(self._seconds_max)
        try:
            async with limit:
                try:
                    answer = pool.submit(function, *args)
                except BrokenProcessPool:  # it died while it had nothing to do: that is nobody's fault
                    pool = self._new_pool()
                    answer = pool.submit(function, *args)
                return await asyncio.wrap_future(answer)
        except BrokenProcessPool as broken:
            pool = self._new_pool()
            raise ProcessDiedError from broken
        except TimeoutError as late:
            if not limit.expired():
                raise  # the function's own, of a disk or a server
            _kill(pool)
            pool = self._new_pool()
            raise TookTooLongError from late
        finally:
            self._free.put_nowait(pool)

    async def close(self) -> None:
        """End the processes once what they are doing is done."""
        for _ in range(self._count):
            await asyncio.to_thread((await self._free.get()).shutdown)

    def kill(self) -> None:
        """End the processes now; what they were doing is undone by the database and done again at the next start."""
        for process in multiprocessing.active_children():
            process.kill()

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_settle_in,
            initargs=(self._modules, self._log),
        )


def _share_cores(workers: int) -> None:
    """Have polars work with as many threads in each worker as it has processors to itself, one at least.

    It would start one per processor in each of them: two workers on two processors then take a fifth more time, most of
    it to wait for each other. A worker's polars reads this as it is imported; what an operator has set stays.
    """
    os.environ.setdefault("POLARS_MAX_THREADS", str(max(1, len(os.sched_getaffinity(0)) // workers)))


def _kill(pool: ProcessPoolExecutor) -> None:
    for process in list(pool._processes.values()):  # noqa: SLF001 - Python 3.14 has `kill_workers`, which does this
        process.kill()
    pool.shutdown(wait=False, cancel_futures=True)


def _settle_in(modules: tuple[str, ...], log: LogSettings) -> None:
    """Get ready to work. Leave signals to the daemon; end when it is gone: nobody would hear the answer.

    A terminal, `timeout` and many a container send them to the whole group; what is under way is to be finished.
    """
    stand_back(behind=os.getppid(), niceness=NICENESS)
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_daemon, daemon=True).start()
    journal.configure(log.format, log.level)  # or what a library says goes to the log with what it filled in
    workbench.set_up(modules)


def _end_with_the_daemon() -> None:
    if daemon := multiprocessing.parent_process():
        wait([daemon.sentinel])
        os._exit(1)
