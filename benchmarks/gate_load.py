"""The load: many districts at once, each logging in and uploading its six files over one connection.

Rule 1: it runs as processes of its own, one per core, which begin at the same moment; what it costs itself is reported,
because on a small machine client and server share the cores. It is asyncssh's client, which costs less processor time
per district than starting OpenSSH's `sftp`, with aes128-gcm, the cheapest cipher everybody has.
Rule 2: a district that does not get all six files through, closed without an error, is a failure, whatever the reason.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import asyncssh

if TYPE_CHECKING:
    from pathlib import Path

    from gate_peers import Server

DISTRICT_SECONDS_MAX: Final = 110.0
START_SECONDS: Final = 2.5
"""How long the processes have to get ready."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """How a load went."""

    wall_seconds: float
    """From the common beginning to the last district's end."""
    seconds: list[float]
    """Of each district that got through."""
    failures: dict[str, int]
    """Kind of error -> districts."""
    client_cpu_seconds: float


def load(server: Server, key: Path | None, districts: list[str], files: list[Path]) -> Loaded:
    """Let all districts deliver at once; without a key, each logs in by the server's password."""
    share = math.ceil(len(districts) / (os.cpu_count() or 1))
    begin = time.time() + START_SECONDS
    processes = []
    for first in range(0, len(districts), share):
        told = {
            "port": server.port,
            "key": str(key) if key else None,
            "password": server.password,
            "begin": begin,
            "files": [str(one) for one in files],
            "districts": [(server.user_of(one), server.folder_of(one)) for one in districts[first : first + share]],
        }
        process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        process.stdin.write(json.dumps(told))
        process.stdin.close()
        processes.append(process)
    answers = []
    for process in processes:
        assert process.stdout is not None
        answers.append(json.loads(process.stdout.read()))
        process.wait()
    return Loaded(
        wall_seconds=max(one["end"] for one in answers) - begin,
        seconds=[each for one in answers for each in one["seconds"]],
        failures=dict(sum((Counter(one["failures"]) for one in answers), Counter())),
        client_cpu_seconds=sum(one["cpu_seconds"] for one in answers),
    )


async def _share(told: dict[str, Any]) -> dict[str, Any]:
    keys = [asyncssh.read_private_key(told["key"])] if told["key"] else None
    password = None if keys else told["password"]
    files = {path.rpartition("/")[2]: open(path, "rb").read() for path in told["files"]}  # noqa: ASYNC230, PTH123, SIM115 - before the clock starts
    seconds: list[float] = []
    failures: Counter[str] = Counter()

    async def deliver(user: str, folder: str) -> None:
        started = time.monotonic()
        try:
            async with (
                asyncio.timeout(DISTRICT_SECONDS_MAX),
                asyncssh.connect(
                    "127.0.0.1",
                    told["port"],
                    username=user,
                    client_keys=keys,
                    password=password,
                    known_hosts=None,
                    config=None,
                    agent_path=None,
                    encryption_algs=["aes128-gcm@openssh.com"],
                    kex_algs=["curve25519-sha256"],
                    server_host_key_algs=["ssh-ed25519"],
                    compression_algs=["none"],
                ) as connection,
                connection.start_sftp_client() as sftp,
            ):
                for name, data in files.items():
                    async with sftp.open(f"{folder}{name}", "wb") as file:
                        await file.write(data)
        except Exception as error:  # noqa: BLE001 - counted, whatever it is
            failures[type(error).__name__] += 1
        else:
            seconds.append(time.monotonic() - started)

    await asyncio.sleep(max(0.0, told["begin"] - time.time()))
    cpu = time.process_time()
    await asyncio.gather(*(deliver(user, folder) for user, folder in told["districts"]))
    return {
        "end": time.time(),
        "seconds": seconds,
        "failures": failures,
        "cpu_seconds": time.process_time() - cpu,
    }


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(json.dumps(asyncio.run(_share(json.load(sys.stdin)))))
