"""The daemon under a service manager, as far as its two protocols go: notification and socket activation."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import asyncssh

from rostergate.service.lock import running
from running import SECONDS_MAX, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running import Rostergate


def test_readiness_watchdog_and_stopping_are_told(rostergate: Rostergate, tmp_path: Path) -> None:
    """READY=1 comes when the daemon listens, WATCHDOG=1 while it lives, STOPPING=1 when it drains."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(SECONDS_MAX)
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        with rostergate.daemon(told) as process:
            heard = [manager.recv(1024).decode()]
            while not any(one.startswith("READY=1") for one in heard):
                heard.append(manager.recv(1024).decode())
            assert f"port {rostergate.port}" in heard[-1]
            while manager.recv(1024) != b"WATCHDOG=1":
                pass
            process.send_signal(signal.SIGTERM)
            while not manager.recv(1024).startswith(b"STOPPING=1"):
                pass


async def test_an_inherited_socket_is_served_and_outlives_the_daemon(
    rostergate: Rostergate, files: dict[str, bytes]
) -> None:
    """The daemon takes the socket it is handed; a connection attempt between two daemons waits for the next one."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with _activated(rostergate, listening):
            assert rostergate.port == port
        with socket.create_connection(("127.0.0.1", port)) as waiting, _activated(rostergate, listening):
            waiting.settimeout(SECONDS_MAX)
            assert waiting.recv(16).startswith(b"SSH-2.0")
            await rostergate.upload(files)
            rostergate.reached("settled")


async def test_a_balancer_before_an_inherited_socket(rostergate: Rostergate) -> None:
    """Behind a balancer the address in the PROXY header counts on a socket that was handed over, too."""
    rostergate.environment["ROSTERGATE_SERVER__PROXY_PROTOCOL_FROM"] = '["127.0.0.1/32"]'
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        _activated(rostergate, listening),
        socket.create_connection(listening.getsockname()) as connection,
    ):
        connection.sendall(b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 22\r\n")
        connection.settimeout(0)
        options = {"username": "lakeside", "password": rostergate.passwords["lakeside"], "client_keys": None}
        async with asyncssh.connect(sock=connection, known_hosts=None, config=None, **options):
            (login,) = until(lambda: rostergate.events("login.accepted"), "the login in the log")
    assert login["address"] == "192.0.2.7"


@contextmanager
def _activated(rostergate: Rostergate, listening: socket.socket) -> Iterator[None]:
    """Run the daemon as systemd does: the socket as descriptor 3, and its own process id in LISTEN_PID."""
    handed = f'exec 3<&{listening.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
    with rostergate.log.open("ab") as log:
        daemon = subprocess.Popen(
            ["bash", "-c", handed, "bash", *rostergate.command("serve")],
            env=rostergate.environ() | {"HOME": os.environ.get("HOME", "/")},
            pass_fds=[listening.fileno()],
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: running(rostergate.spool), "the daemon")
        yield
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(SECONDS_MAX) == 0
    finally:
        daemon.kill()
        daemon.wait()
