"""The connection below SFTP, as far as asyncssh's own treatment of it is not enough for us.

Each function changes one connection by its private names; tests/gate/test_asyncssh_contract.py fails when one of them
means something else.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final

from asyncssh.constants import MSG_IGNORE

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncssh
    from asyncssh.packet import SSHPacket

_SMALL_BYTES: Final = 4_096


def send_nothing_idle(connection: asyncssh.SSHServerConnection) -> None:
    """Leave out the empty packet that asyncssh 2.24 puts before each other one.

    It hides what CBC gives away to whoever chooses the text (RFC 4251, 9.3.1), so it stays where there is CBC.
    """
    send = connection.send_packet

    def send_packet(kind: int, *fields: bytes, **more: Any) -> None:  # noqa: ANN401 - passed on
        if kind != MSG_IGNORE:
            send(kind, *fields, **more)

    vars(connection)["send_packet"] = send_packet


def acknowledge_at_once(connection: asyncssh.SSHServerConnection) -> None:
    """Acknowledge small packets of TCP as soon as they have come.

    Clients hold back a small packet until the one before it is acknowledged, and the kernel holds that back for 40 ms
    where it hopes to send it along with an answer: once in every login, and with many a client once in every file. The
    kernel forgets what it was told, so it is told again after each small packet. Does nothing where this is not Linux.
    """
    sock: socket.socket | None = connection.get_extra_info("socket")
    if sock is None or not hasattr(socket, "TCP_QUICKACK"):
        return
    receive = connection.data_received

    def data_received(data: bytes, datatype: int | None = None) -> None:
        receive(data, datatype)
        if len(data) < _SMALL_BYTES and sock.fileno() >= 0:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    vars(connection)["data_received"] = data_received


def count_packets(connection: asyncssh.SSHServerConnection, take: Callable[[int], bool]) -> None:
    """Ask `take` of each packet that is for the connection itself, by its kind; where it says no, nothing is done.

    asyncssh 2.24 has no limit on any of them: requests to log in, key exchanges, packets that are to be ignored.
    """
    process = connection.process_packet

    def process_packet(kind: int, number: int, packet: SSHPacket) -> object:
        return process(kind, number, packet) if take(kind) else True

    vars(connection)["process_packet"] = process_packet
