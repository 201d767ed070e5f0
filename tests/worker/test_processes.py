from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import polars as pl
import pytest

from rostergate import journal
from rostergate.worker.processes import ProcessDiedError, Processes, TookTooLongError
from running import until
from worker import asked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def processes() -> Processes:
    """Give one process with time enough."""
    return Processes(1, seconds_max=60)


async def test_the_answer_comes_back(processes: Processes) -> None:
    """A function runs in another process, and its answer comes back."""
    assert await processes.run(os.getpid) != os.getpid()
    await processes.close()


async def test_an_error_comes_back(processes: Processes) -> None:
    """What a function raises is raised here, and the process goes on."""
    with pytest.raises(ValueError, match="many"):
        await processes.run(int, "many")
    assert await processes.run(os.getppid) == os.getpid()
    await processes.close()


async def test_a_time_out_of_the_function_itself_comes_back(processes: Processes) -> None:
    """A share that does not answer in time is no decision that takes too long: the process goes on."""
    worker = await processes.run(os.getpid)
    with pytest.raises(TimeoutError, match="share"):
        await processes.run(asked.no_answer)
    assert await processes.run(os.getpid) == worker
    await processes.close()


async def test_a_process_that_dies_is_replaced(processes: Processes) -> None:
    """A function that kills its process fails for a passing reason, and the next one runs in a new process."""
    with pytest.raises(ProcessDiedError) as died:
        await processes.run(os._exit, 1)
    assert not died.value.permanent
    assert await processes.run(os.getppid) == os.getpid()
    await processes.close()


async def test_a_process_that_died_while_it_was_idle_fails_nothing(processes: Processes) -> None:
    """Where the kernel takes a process that has nothing to do, the next function runs in a new one."""
    before = threading.active_count()
    worker = await processes.run(os.getpid)
    os.kill(worker, signal.SIGKILL)
    assert until(lambda: threading.active_count() == before, "the pool's own threads to see it")
    assert await processes.run(os.getpid) != worker
    await processes.close()


async def test_a_process_dies_alone(tmp_path: Path) -> None:
    """Its neighbour finishes what it was doing, and nothing of either is left in the end."""
    processes = Processes(2, seconds_max=60)
    go_on = tmp_path / "go on"
    neighbour = asyncio.create_task(processes.run(asked.wait_for, go_on))
    with pytest.raises(ProcessDiedError):
        await processes.run(os._exit, 1)
    go_on.touch()
    assert await neighbour != os.getpid()
    await processes.close()
    assert until(lambda: not multiprocessing.active_children(), "both to be gone")


async def test_a_worker_gives_way(processes: Processes) -> None:
    """Where cores are few, the daemon's sessions go before a worker's verdict."""
    is_idle = await processes.run(os.sched_getscheduler, 0) == os.SCHED_IDLE
    assert is_idle or await processes.run(os.nice, 0) >= min(os.nice(0) + 10, 19)
    await processes.close()


@pytest.mark.parametrize(("wish", "threads"), [(None, 1), ("3", 3)], ids=["nothing said", "the operator's wish"])
async def test_workers_share_the_processors(monkeypatch: pytest.MonkeyPatch, wish: str | None, threads: int) -> None:
    """As many workers as processors have one thread each for polars, unless an operator has said how many."""
    monkeypatch.setenv("POLARS_MAX_THREADS", wish or "")
    if not wish:
        monkeypatch.delenv("POLARS_MAX_THREADS")
    processes = Processes(len(os.sched_getaffinity(0)), seconds_max=60)
    assert await processes.run(pl.thread_pool_size) == threads
    await processes.close()


async def test_signals_that_ask_the_daemon_to_stop_do_not_stop_the_work(processes: Processes) -> None:
    """SIGTERM, SIGINT and SIGHUP to the whole group (a terminal, `timeout`, a container) leave a worker at its work."""
    worker = await processes.run(os.getpid)
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(worker, one)
    assert await processes.run(os.getpid) == worker
    await processes.close()


async def test_libraries_fill_nothing_in(processes: Processes, capfd: pytest.CaptureFixture[str]) -> None:
    """What a library says in a worker process is a line of the journal, without the cell that it names."""
    await processes.run(asked.warn, "psycopg", "Key (student_id)=(%s) already exists", "s-4711")
    await processes.close()
    line = json.loads(capfd.readouterr().err)
    assert (line["event"], line["message"]) == (journal.LIBRARY_WARNED, "Key (student_id)=(%s) already exists")


async def test_what_takes_too_long_is_stopped() -> None:
    """A function that goes on for too long is ended with its process, its neighbour is not, and a new one comes."""
    processes = Processes(2, seconds_max=8)
    endless = asyncio.create_task(processes.run(time.sleep, 600))
    await asyncio.sleep(0)
    neighbour = await processes.run(os.getpid)
    with pytest.raises(TookTooLongError):
        await endless
    assert until(lambda: [one.pid for one in multiprocessing.active_children()] == [neighbour], "it alone to be left")
    assert await processes.run(os.getpid) != neighbour
    await processes.close()
