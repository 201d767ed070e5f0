"""The legacy port of a whole daemon, and the report of who uses it."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import asyncssh
import pytest

from rostergate.service.lock import running
from running import SECONDS_MAX, Rostergate, until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ports() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give two listening sockets, as the service manager would hold them."""
    with socket.create_server(("127.0.0.1", 0)) as sftp, socket.create_server(("127.0.0.1", 0)) as legacy:
        yield sftp, legacy


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
async def test_who_still_uses_it_is_known_after_a_restart(
    rostergate: Rostergate, ports: tuple[socket.socket, socket.socket]
) -> None:
    """Sockets are told apart by name; a login by the legacy port is in the report, and stays there."""
    district = rostergate.config / "districts" / "lakeside.toml"
    district.write_text(f"legacy = true\n{district.read_text()}")
    rostergate.add_district("hillside")
    assert [row["last_at"] for row in rostergate.answer("legacy")["districts"]] == [None]
    daemon = activated(rostergate, *ports)
    try:
        until(lambda: running(rostergate.spool), "the daemon")
        assert rostergate.port == ports[0].getsockname()[1]
        old = {
            "port": ports[1].getsockname()[1],
            "known_hosts": None,
            "client_keys": None,
            "config": None,
            "kex_algs": ["diffie-hellman-group14-sha1"],
        }
        async with asyncssh.connect("127.0.0.1", username="lakeside", password=rostergate.passwords["lakeside"], **old):
            pass
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect("127.0.0.1", username="hillside", password=rostergate.passwords["hillside"], **old)
    finally:
        daemon.terminate()
        assert daemon.wait(SECONDS_MAX) == 0, rostergate.log.read_text()
    (row,) = rostergate.answer("legacy")["districts"]
    assert (row["district"], row["allowed"], row["logins"]) == ("lakeside", True, 1)
    assert row["last_at"]
    assert "AsyncSSH" in row["client"]
    assert "lakeside" in rostergate.run("legacy")
    assert [event["how"] for event in rostergate.events("login.accepted") if event.get("legacy")] == ["password"]


def activated(rostergate: Rostergate, sftp: socket.socket, legacy: socket.socket) -> subprocess.Popen[bytes]:
    """Start the daemon as systemd does with two sockets that have names."""
    handed = (
        f'exec 3<&{sftp.fileno()} 4<&{legacy.fileno()}; LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=sftp:legacy exec "$@"'
    )
    with rostergate.log.open("ab") as log:
        return subprocess.Popen(
            ["bash", "-c", handed, "bash", *rostergate.command("serve")],
            env=rostergate.environ(),
            pass_fds=[sftp.fileno(), legacy.fileno()],
            stdout=log,
            stderr=log,
        )
