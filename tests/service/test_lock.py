from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from rostergate.errors import AlreadyRunning
from rostergate.service.lock import Running, StateLock, running
from rostergate.spool.folders import Spool

if TYPE_CHECKING:
    from pathlib import Path


def test_one_at_a_time(tmp_path: Path) -> None:
    """A second daemon is refused while the first has the state, and let in afterwards."""
    spool = Spool(tmp_path)
    with StateLock(spool), pytest.raises(AlreadyRunning), StateLock(spool):
        pass
    with StateLock(spool):
        assert running(spool) is None  # it has the state, and does not listen yet


def test_others_learn_where_it_listens(tmp_path: Path) -> None:
    """Process and port are known from the moment they are announced until the daemon has ended."""
    spool = Spool(tmp_path)
    assert running(spool) is None
    with StateLock(spool) as lock:
        lock.announce(4022)
        assert running(spool) == Running(os.getpid(), 4022)
    assert running(spool) is None


def test_what_a_killed_daemon_left_counts_for_nothing(tmp_path: Path) -> None:
    """A lock file that nobody holds locked means that no daemon runs."""
    Spool(tmp_path).lock.write_text('{"pid": 1, "port": 4022}')
    assert running(Spool(tmp_path)) is None
