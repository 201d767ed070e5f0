#!/usr/bin/env python3
"""Plays systemd for one service and its socket, where systemd itself does not run: in the clean root of install-trial.

It reads the units that are installed, holds the socket, starts ExecStart as the service's user with what of the
protection a plain process can have (capabilities, no new privileges, umask, limits, memory that is not both writable
and executable), and returns when the service says that it is ready. `stop` ends it as systemd does, within
TimeoutStopSec.
"""

from __future__ import annotations

import configparser
import ctypes
import os
import pwd
import resource
import select
import shlex
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

UNITS = Path("/etc/systemd/system")
KEPT = Path("/run/rostergate-trial")
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 24, 38, 65
CAPABILITIES = 64
LISTENED_AT = 3  # the first descriptor that a service inherits (sd_listen_fds)


def read(name: str) -> configparser.ConfigParser:
    """Return a unit that is installed; of a repeated key the last value."""
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNITS / name, "utf-8")
    return unit


def start() -> None:
    """Start the service behind its socket, and wait until it is ready."""
    service, listening = read("rostergate.service")["Service"], read("rostergate.socket")["Socket"]
    user = pwd.getpwnam(service["User"])
    KEPT.mkdir(mode=0o711, exist_ok=True)
    state = Path("/var/lib", service["StateDirectory"])
    state.mkdir(mode=int(service["StateDirectoryMode"], 8), exist_ok=True)
    os.chown(state, user.pw_uid, user.pw_gid)
    port = socket.create_server(("", int(listening["ListenStream"])), backlog=int(listening["Backlog"]))
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = KEPT / "notify"
    address.unlink(missing_ok=True)
    told.bind(str(address))
    address.chmod(0o777)
    log = os.open(KEPT / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    ready, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        keep(service, user, port, log, told, address, tell)
    os.close(tell)
    if not select.select([ready], [], [], float(service["TimeoutStartSec"]))[0] or not os.read(ready, 1):
        sys.exit(f"the service did not become ready:\n{(KEPT / 'log').read_text()}")


def keep(
    service: configparser.SectionProxy,
    user: pwd.struct_passwd,
    port: socket.socket,
    log: int,
    told: socket.socket,
    address: Path,
    tell: int,
) -> NoReturn:
    """Run the service, hear what it notifies, and note how it ended."""
    process = os.fork()
    if process == 0:
        become(service, user, port, log, address)
    (KEPT / "pid").write_text(str(process))
    told.settimeout(0.2)
    for stream in (0, 1, 2):
        os.dup2(log, stream)  # else whoever waits for this output waits for the service's end
    while True:
        try:
            if b"READY=1" in told.recv(4_096):
                os.write(tell, b"1")
        except TimeoutError:
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                (KEPT / "status").write_text(str(os.waitstatus_to_exitcode(status)))
                os._exit(0)


def become(
    service: configparser.SectionProxy, user: pwd.struct_passwd, port: socket.socket, log: int, told: Path
) -> NoReturn:
    """Turn this process into the service's."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(port.fileno(), LISTENED_AT)
    os.set_inheritable(LISTENED_AT, True)  # noqa: FBT003 - the standard library's; it may have had that number already
    os.closerange(LISTENED_AT + 1, 1_024)
    files = int(service["LimitNOFILE"])
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    prctl = ctypes.CDLL(None).prctl
    for capability in range(CAPABILITIES):
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.umask(int(service["UMask"], 8))
    os.chdir(service["WorkingDirectory"])
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(PR_SET_MDWE, 1, 0, 0, 0):
        print("this kernel cannot forbid memory that is writable and executable; going on", file=sys.stderr, flush=True)  # noqa: T201
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        **dict(part.split("=", 1) for part in shlex.split(service["Environment"])),
        "USER": user.pw_name,
        "HOME": user.pw_dir,
        "STATE_DIRECTORY": f"/var/lib/{service['StateDirectory']}",
        "NOTIFY_SOCKET": str(told),
        "WATCHDOG_USEC": str(int(service["WatchdogSec"]) * 1_000_000),
        "LISTEN_PID": str(os.getpid()),
        "LISTEN_FDS": "1",
        "LISTEN_FDNAMES": "sftp",
    }
    command = shlex.split(service["ExecStart"])
    os.execve(command[0], command, environment)  # noqa: S606 - as systemd does


def stop() -> None:
    """End the service, and fail when it does not end well and in time."""
    os.kill(int((KEPT / "pid").read_text()), signal.SIGTERM)
    deadline = time.monotonic() + float(read("rostergate.service")["Service"]["TimeoutStopSec"])
    while not (KEPT / "status").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    if not (KEPT / "status").exists() or (KEPT / "status").read_text() != "0":
        sys.exit(f"the service did not end well:\n{(KEPT / 'log').read_text()}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["enable", "--now", "rostergate.socket", "rostergate.service"]:
            start()
        case ["stop", "rostergate.service"]:
            stop()
        case other:
            sys.exit(f"systemctl {shlex.join(other)}: not played here")
