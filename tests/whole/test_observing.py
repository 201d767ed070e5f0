"""A running daemon, as monitoring sees it."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

from running import Rostergate, until
from wholes import page

if TYPE_CHECKING:
    import subprocess

CANARY = b"Quetzalcoatlina"


async def test_a_delivery_is_counted_and_no_name_is_told(
    rostergate: Rostergate, files: dict[str, bytes], port: int
) -> None:
    """The metrics count what happened on the whole road, and hold no cell value, no district and no file's name."""
    files["students.csv"] = re.sub(rb"(?m)^(\w+-?\w*),(\w+)", rb"\1," + CANARY, files["students.csv"])
    assert CANARY in files["students.csv"]
    with rostergate.daemon({"ROSTERGATE_METRICS__PORT": str(port)}):
        assert page(port, "/readyz") == (200, "ready\n")
        await rostergate.upload(files)
        until(lambda: "rostergate_deliveries_decided_total{" in page(port, "/metrics")[1], "the delivery to be decided")
        status, told = page(port, "/metrics")
    assert status == 200
    counted = dict(re.findall(r"^(rostergate_\S+) (\S+)$", told, re.MULTILINE))
    assert counted['rostergate_logins_accepted_total{how="password"}'] == "1.0"
    assert float(counted["rostergate_uploads_committed_total"]) == len(files)
    assert float(counted["rostergate_uploaded_bytes_total"]) == sum(map(len, files.values()))
    assert float(counted["rostergate_event_loop_delay_seconds_count"]) > 0
    assert {
        'rostergate_delivery_stage_seconds_count{stage="decide"}',
        "rostergate_password_check_seconds_count",
    } <= set(counted)
    for secret in (CANARY.decode(), "lakeside", "students", "127.0.0.1"):
        assert secret not in told


async def test_a_daemon_that_drains_is_not_ready(rostergate: Rostergate, port: int) -> None:
    """From the signal to the end of the last upload the daemon is alive, and says that it is not ready."""
    with rostergate.daemon({"ROSTERGATE_METRICS__PORT": str(port)}) as daemon:
        async with rostergate.sftp() as client:
            file = await client.open("/students.csv", "wb")
            await file.write(b"x")
            stop(daemon)
            until(lambda: page(port, "/readyz") == (503, "the daemon is about to stop\n"), "the drain to be told")
            assert page(port, "/healthz") == (200, "alive\n")
            await file.close()
        daemon.wait(60)
    assert daemon.returncode == 0


def stop(daemon: subprocess.Popen[bytes]) -> None:
    """Tell the daemon to stop."""
    daemon.terminate()


def test_a_port_that_is_taken_is_told(rostergate: Rostergate) -> None:
    """A metrics port that somebody else has ends the start with the keys to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        rostergate.environment["ROSTERGATE_METRICS__PORT"] = str(port)
        said = rostergate.run("serve", "--port", "0", status=1)
    assert "metrics.port" in said
    assert str(port) in said
