import os
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rostergate.spool.disk import (
    LARGE_BYTES,
    fsync_file,
    fsync_folder,
    giving_back,
    let_go,
    move_durably,
    write_all,
    write_atomically,
)
from running import until


def test_write_replaces_in_one_step(tmp_path: Path) -> None:
    """The new bytes stand under the name with the mode asked for, and no neighbour is left."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    write_atomically(path, b"new", mode=0o640)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 & ~_umask()
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_write_replaces_a_link_not_its_target(tmp_path: Path) -> None:
    """A link under the name is replaced; what it points at stays as it is."""
    target = tmp_path / "target"
    target.write_bytes(b"old")
    (tmp_path / "link").symlink_to(target)
    write_atomically(tmp_path / "link", b"new")
    assert target.read_bytes() == b"old"
    assert not (tmp_path / "link").is_symlink()


_FULL_DISK = """
import resource, sys
from pathlib import Path
from rostergate.spool.disk import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(Path(sys.argv[1]), b"x" * 100_000)
except OSError as error:
    print(error.strerror)
"""


def test_failed_write_changes_nothing(tmp_path: Path) -> None:
    """When the disk does not take all of it, the old file stays whole and nothing else is left."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", _FULL_DISK, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "File too large"
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_write_all_goes_on_after_a_short_write(tmp_path: Path) -> None:
    """A write that takes a part is followed by one for the rest, until the disk says why it takes no more."""
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
        write_all(full.fileno(), b"x", 0)
    path = tmp_path / "a"
    with path.open("wb") as file:
        write_all(file.fileno(), b"abc", 2)
    assert path.read_bytes() == b"\0\0abc"


def test_move(tmp_path: Path) -> None:
    """A file moves to another folder and replaces what is there."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "a").write_bytes(b"new")
    (tmp_path / "two" / "a").write_bytes(b"old")
    move_durably(tmp_path / "one" / "a", tmp_path / "two" / "a")
    assert (tmp_path / "two" / "a").read_bytes() == b"new"
    assert not (tmp_path / "one" / "a").exists()


def test_sync_of_what_is_not_there(tmp_path: Path) -> None:
    """Syncing what does not exist raises, and a link is not followed."""
    (tmp_path / "link").symlink_to("/etc/hostname")
    for attempt, path in ((fsync_file, "missing"), (fsync_folder, "missing"), (fsync_file, "link")):
        with pytest.raises(OSError):  # noqa: PT011 - whichever error the kernel gives
            attempt(tmp_path / path)


@pytest.mark.parametrize(
    ("size", "beside"), [(LARGE_BYTES, True), (LARGE_BYTES - 1, False)], ids=["a large one", "a small one"]
)
def test_the_room_of_a_large_file_is_given_back_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, *, beside: bool
) -> None:
    """Whoever removes or replaces it does not wait for the disk, and nothing of it stays open."""
    closed: list[bool] = []
    close, ours = os.close, threading.current_thread()

    def closing(descriptor: int) -> None:
        close(descriptor)
        closed.append(threading.current_thread() is not ours)

    monkeypatch.setattr(os, "close", closing)
    path, other = tmp_path / "students.csv", tmp_path / "other.csv"
    with _none_left_open():
        for take_away in (path.unlink, lambda: other.replace(path)):
            _of_size(path, size)
            other.write_bytes(b"")
            with giving_back(path):
                take_away()
        _of_size(path, size)
        descriptor = os.open(path, os.O_RDONLY)
        path.unlink()
        let_go(descriptor)
        assert until(lambda: len(closed) == 3, "the files to be closed")
    assert closed == [beside] * 3


def test_without_a_thread_the_room_is_given_back_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system lets no thread begin, whoever takes the file away waits."""

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    path = tmp_path / "students.csv"
    _of_size(path, LARGE_BYTES)
    with _none_left_open(), giving_back(path):
        path.unlink()


def test_a_file_that_stays_is_closed_at_once(tmp_path: Path) -> None:
    """What was not taken away after all, or was not there, leaves nothing open."""
    path = tmp_path / "students.csv"
    _of_size(path, LARGE_BYTES)
    with _none_left_open():
        with pytest.raises(FileNotFoundError), giving_back(tmp_path / "missing"):
            (tmp_path / "missing").unlink()
        with pytest.raises(PermissionError), giving_back(path):
            raise PermissionError
    assert path.stat().st_size == LARGE_BYTES


def _of_size(path: Path, size: int) -> None:
    path.write_bytes(b"")
    os.truncate(path, size)


@contextmanager
def _none_left_open() -> Iterator[None]:
    before = len([*Path("/proc/self/fd").iterdir()])
    yield
    assert len([*Path("/proc/self/fd").iterdir()]) == before
