"""What the service manager is told and hands over: systemd's notification and socket-activation protocols.

Both protocols are documented in sd_notify(3) and sd_listen_fds(3). Without systemd every call here does nothing.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Final

_FIRST_DESCRIPTOR: Final = 3


def notify(*states: str) -> None:
    """Send states such as `READY=1` to the service manager. Raises `OSError` when its socket is there but refuses."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as outgoing:
        outgoing.connect(address)
        outgoing.sendall("\n".join(states).encode())


async def feed_watchdog(stop: asyncio.Event) -> None:
    """Tell the service manager that the event loop still turns, twice per watchdog interval, until `stop` is set."""
    interval = int(os.environ.get("WATCHDOG_USEC", "0")) / 2_000_000
    if not interval or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    while not stop.is_set():
        notify("WATCHDOG=1")
        try:
            await asyncio.wait_for(stop.wait(), interval)
        except TimeoutError:
            continue


def inherited_sockets() -> list[tuple[str, socket.socket]]:
    """Return the listening sockets that the service manager opened for this process, each with its name.

    The name is `FileDescriptorName=` of the socket unit, empty where nobody gave one. Without socket activation there
    is none.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    sockets = [socket.socket(fileno=descriptor) for descriptor in range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + count)]
    for one in sockets:
        one.set_inheritable(False)
        one.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return [(names[place] if place < len(names) else "", one) for place, one in enumerate(sockets)]
