"""Wrong logins by the hundred while a district uploads: what is left of the upload's speed, and what they cost.

    python benchmarks/flood.py [--logins 500] [--mib 256] [--runs 3]

The real daemon with argon2id as it comes. One district uploads with OpenSSH's sftp, first alone; then again and again
until as many wrong logins as said, begun at the same moment from an address each, have been answered or turned away.

Rule 1: only uploads that lie wholly or in part within the flood count, and only ratios of one run.
Rule 2: flood and uploader are on this machine, too, and would be elsewhere. So the flood has the lowest priority, to
take nothing from the daemon, and the uploader the highest, to lose nothing to what the daemon does besides; where this
is not allowed, they do. Linux weighs sessions before it looks at what is nice in one of them (autogroups, sched(7)).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import asyncssh
import psutil

import gate_peers
import sftp
from gate_clients import Client
from gate_usage import Usage

SPEED_KEPT_MIN: Final = 0.8
MIB_MORE_MAX: Final = 300.0
SECONDS_MAX: Final = 180.0


def main() -> None:
    """Measure and print; or be the flood."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that no server is left behind
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logins", type=int, default=500)
    parser.add_argument("--mib", type=int, default=256, help="size of each upload")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where scratch data go; removed at the end")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--attack", nargs=2, type=int, metavar=("PORT", "LOGINS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.attack:
        print(json.dumps(asyncio.run(_attack(*arguments.attack))))
        return
    with tempfile.TemporaryDirectory(prefix="flood-", dir=arguments.folder) as folder:
        ground = sftp.prepared(Path(folder), arguments.mib)
        with gate_peers.started(gate_peers.HOUSE, ground.folder / "house", ground.key, ground.districts[:1]) as server:
            _set_priority(-19)  # not before the daemon has started, which would have it as well
            told = [_measured(server, ground, arguments.logins, run) for run in range(arguments.runs)]
    kept = statistics.median(one["kept"] for one in told)
    more = max(one["mib_more"] for one in told)
    print(f"\n{arguments.logins} wrong logins at once, {os.cpu_count()} cores, {arguments.runs} runs")
    print(f"an upload keeps {kept:.0%} of its speed: {_meets(met=kept >= SPEED_KEPT_MIN)} {SPEED_KEPT_MIN:.0%}")
    print(f"memory grows by {more:.0f} MiB: {_meets(met=more <= MIB_MORE_MAX)} {MIB_MORE_MAX:.0f} MiB")
    if arguments.json:
        arguments.json.write_text(json.dumps(told))


def _meets(*, met: bool) -> str:
    return "meets" if met else "MISSES"


def _measured(server: gate_peers.Server, ground: sftp.Ground, logins: int, run: int) -> dict[str, Any]:
    client = Client("key", ground.key, ground.folder)
    alone = [_upload(client, server, ground) for _ in range(3)]
    at_rest = psutil.Process(server.pid).memory_info().rss / 1_048_576
    usage = Usage(server.pid)
    with usage.watched():
        began = time.monotonic()
        flood = subprocess.Popen(
            [sys.executable, __file__, "--attack", str(server.port), str(logins)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert flood.stdout is not None
        meanwhile = []
        while flood.poll() is None:
            if time.monotonic() - began > SECONDS_MAX:
                flood.kill()
            meanwhile.append(_upload(client, server, ground))
        answers = json.loads(flood.stdout.read())
    quiet = statistics.median(alone)
    told = {
        "alone_seconds": alone,
        "meanwhile_seconds": meanwhile,
        "kept": quiet / statistics.mean(meanwhile),
        "mib_more": usage.peak_mib - at_rest,
        **answers,
    }
    print(
        f"run {run + 1}: {len(meanwhile)} uploads in {answers['seconds']:.0f} s of flood, the slowest keeps "
        f"{quiet / max(meanwhile):.0%}; logins ended with {answers['ended']}",
        flush=True,
    )
    return told


def _set_priority(niceness: int) -> None:
    """Let this session have the processor before or after others, as far as that is allowed."""
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, niceness)


def _upload(client: Client, server: gate_peers.Server, ground: sftp.Ground) -> float:
    seconds, failure = client.put(server, ground.districts[0], [ground.stream])
    if failure:
        raise SystemExit(f"an upload failed: {failure}")
    return seconds


async def _attack(port: int, logins: int) -> dict[str, Any]:
    """Try one wrong password over each connection, half of them for a user there is; return how they ended."""
    _set_priority(19)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    ended: Counter[str] = Counter()

    async def one(number: int) -> None:
        try:
            async with asyncio.timeout(SECONDS_MAX):
                await asyncssh.connect(
                    "127.0.0.1",
                    port,
                    # A host of a loopback network of its own: to the daemon each is another address.
                    local_addr=(f"127.{1 + number // 250}.0.{1 + number % 250}", 0),
                    username="d0000" if number % 2 else f"nobody{number}",
                    password="wrong",
                    client_keys=None,
                    known_hosts=None,
                    config=None,
                    agent_path=None,
                    server_host_key_algs=["ssh-ed25519"],
                )
        except (asyncssh.Error, OSError) as error:  # a timeout is an OSError
            ended[type(error).__name__] += 1

    began = time.monotonic()
    await asyncio.gather(*(one(number) for number in range(logins)))
    return {"seconds": time.monotonic() - began, "ended": dict(ended)}


if __name__ == "__main__":
    main()
