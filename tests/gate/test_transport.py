from __future__ import annotations

import socket
from typing import Any

import pytest

from rostergate.gate import transport

ACKNOWLEDGED = (socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class Connection:
    """A connection that notes what comes in, and what its socket is told."""

    def __init__(self, *, is_open: bool = True, has_socket: bool = True) -> None:
        self.came: list[bytes] = []
        self.told: list[tuple[int, int, int]] = []
        self.is_open = is_open
        self.has_socket = has_socket

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        """Note what came."""
        assert datatype is None
        self.came.append(data)

    def get_extra_info(self, name: str) -> Any:
        """Return itself as the socket."""
        assert name == "socket"
        return self if self.has_socket else None

    def fileno(self) -> int:
        """Return a number, as a socket that is open has one."""
        return 3 if self.is_open else -1

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """Note what is told."""
        self.told.append((level, option, value))


@pytest.mark.parametrize(
    ("connection", "data", "told"),
    [
        pytest.param(Connection(), b"x" * 100, [ACKNOWLEDGED], id="a small packet"),
        pytest.param(Connection(), b"x" * 5_000, [], id="a large one, which a client does not wait after"),
        pytest.param(Connection(is_open=False), b"x", [], id="the last one of a connection"),
        pytest.param(Connection(has_socket=False), b"x", [], id="no socket"),
    ],
)
def test_small_packets_are_acknowledged_at_once(connection: Any, data: bytes, told: list[tuple[int, int, int]]) -> None:
    """Everything is received as before; after a small packet the kernel is told not to wait."""
    transport.acknowledge_at_once(connection)
    connection.data_received(data)
    assert connection.came == [data]
    assert connection.told == told
