"""The SFTP servers that are compared: each a private process on a free loopback port, with throwaway keys and state.

Rule 1: a peer runs as its documentation has it; raised is only what would turn the load away: OpenSSH's unauthenticated
connections (MaxStartups), proftpd's instances. rostergate is the whole daemon, `rostergate serve`: argon2id as it comes
by default, the spool, the database, and every file synced before it is acknowledged. The others sync nothing.
Rule 2: everybody has an ed25519 host key, lets in the same ed25519 client key and, where it can be told, offers the
same ciphers. OpenSSH can check no password without an account of the system, so it has none here.
Rule 3: a server is ended by its process id, and its folder goes with the benchmark's.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rostergate.gate.algorithms import CIPHERS
from rostergate.service.lock import running
from rostergate.spool.folders import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS_MAX: Final = 60.0
END_SECONDS_MAX: Final = 20.0
CONNECTIONS_MAX: Final = 4_000
HOUSE: Final = "rostergate"


@dataclass(frozen=True, slots=True)
class Server:
    """One server that runs, and how its districts reach it."""

    name: str
    pid: int
    port: int
    files: str
    """The folder as a client names it; `{}` stands for the district where each has its own."""
    user: str
    """The account; `{}` as above."""
    password: str | None
    """Everybody's; None when the server takes none."""

    def folder_of(self, district: str) -> str:
        """Return the folder that a district uploads to, as a client names it."""
        return self.files.format(district)

    def user_of(self, district: str) -> str:
        """Return the account of a district."""
        return self.user.format(district)


def present(name: str) -> bool:
    """Say whether this machine has the server."""
    return name == HOUSE or _program(name) is not None


@contextmanager
def started(name: str, folder: Path, key: Path, districts: list[str]) -> Iterator[Server]:
    """Start a server that lets `key` (a private key, its public one beside it) in, and end it."""
    folder.mkdir()
    begin = {HOUSE: _rostergate, "openssh": _openssh, "rclone": _rclone, "proftpd": _proftpd}[name]
    with (folder / "log").open("wb") as log:
        command, server = begin(folder, key, districts)
        # Without compiled files the daemon would compile every module at its start.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            port = _listening(process, folder, server.port)
            yield Server(name, process.pid, port, server.files, server.user, server.password)
        finally:
            _end(process)


def _rostergate(folder: Path, key: Path, districts: list[str]) -> tuple[list[str], Server]:
    config = folder / "config"
    (config / "districts").mkdir(parents=True)
    authorized = key.with_suffix(".pub").read_text().strip()
    for district in districts:
        (config / "districts" / f"{district}.toml").write_text(
            f'name = "{district}"\ntime_zone = "America/Chicago"\nformat = "direct"\n'
            f'authorized_keys = ["{authorized}"]\n'
        )
    # Nothing is decided while uploads are measured: the settle time is longer than the benchmark.
    (config / "rostergate.toml").write_text(
        f"""[server]
address = "127.0.0.1"
port = 0
connections_max = {CONNECTIONS_MAX}
connections_per_address_max = {CONNECTIONS_MAX}
unauthenticated_max = {CONNECTIONS_MAX}
unauthenticated_per_address_max = {CONNECTIONS_MAX}
login_seconds_max = 120
[delivery]
settle_seconds = 3600.0
"""
    )
    command = [sys.executable, "-m", "rostergate", "--config", str(config), "--state", str(folder / "state")]
    issued = subprocess.run(
        [*command, "district", "password", districts[0], "--json"], check=True, stdout=subprocess.PIPE
    )
    password = json.loads(issued.stdout)["password"]
    # Two hundred starts of the command would take minutes.
    with contextlib.closing(sqlite3.connect(Spool(folder / "state").database)) as database, database:
        database.executemany(
            "INSERT INTO credentials (district, password_hash, changed_at) "
            "SELECT ?, password_hash, changed_at FROM credentials WHERE district = ?",
            [(one, districts[0]) for one in districts[1:]],
        )
    return [*command, "serve"], Server(HOUSE, 0, 0, "/", "{}", password)


def _openssh(folder: Path, key: Path, districts: list[str]) -> tuple[list[str], Server]:
    port = _free_port()
    host_key = _host_key(folder)
    shutil.copy(key.with_suffix(".pub"), folder / "authorized")
    (folder / "config").write_text(
        f"""Port {port}
ListenAddress 127.0.0.1
HostKey {host_key}
AuthorizedKeysFile {folder / "authorized"}
StrictModes no
PidFile none
UsePAM no
UseDNS no
PermitRootLogin yes
PasswordAuthentication no
LogLevel ERROR
Ciphers {",".join(CIPHERS)}
MaxStartups {CONNECTIONS_MAX}
Subsystem sftp internal-sftp
"""
    )
    _make_folders(folder / "files", districts)
    command = [str(_program("openssh")), "-D", "-e", "-f", str(folder / "config")]
    return command, Server("openssh", 0, port, f"{folder}/files/{{}}/", _me(), None)


def _rclone(folder: Path, key: Path, districts: list[str]) -> tuple[list[str], Server]:
    port = _free_port()
    shutil.copy(key.with_suffix(".pub"), folder / "authorized")
    _make_folders(folder / "files", districts)
    command = [
        *(str(_program("rclone")), "--config", str(folder / "none"), "serve", "sftp", str(folder / "files")),
        *("--addr", f"127.0.0.1:{port}", "--key", str(_host_key(folder))),
        *("--authorized-keys", str(folder / "authorized"), "--user", "bench", "--pass", "bench"),
    ]
    return command, Server("rclone", 0, port, "/{}/", "bench", "bench")


def _proftpd(folder: Path, key: Path, districts: list[str]) -> tuple[list[str], Server]:
    port = _free_port()
    # It reads public keys in the form of RFC 4716, and has its own file of accounts with a hash of crypt(3).
    with (folder / "authorized").open("wb") as file:
        subprocess.run(["ssh-keygen", "-e", "-f", str(key.with_suffix(".pub"))], check=True, stdout=file)
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "bench"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    (folder / "accounts").write_text(f"bench:{hashed}:{os.getuid()}:{os.getgid()}::{folder}/files:/bin/sh\n")
    (folder / "accounts").chmod(0o600)
    (folder / "config").write_text(
        f"""LoadModule mod_sftp.c
ServerType standalone
DefaultAddress 127.0.0.1
SocketBindTight on
Port {port}
User {_me()}
Group {_my_group()}
RootLogin on
RequireValidShell off
AuthOrder mod_auth_file.c
AuthUserFile {folder}/accounts
PidFile {folder}/pid
ScoreboardFile {folder}/scoreboard
DelayTable {folder}/delays
TransferLog none
WtmpLog off
UseIPv6 off
UseReverseDNS off
MaxInstances {CONNECTIONS_MAX}
AllowOverwrite on
DefaultRoot {folder}/files
SFTPEngine on
SFTPHostKey {_host_key(folder)}
SFTPAuthorizedUserKeys file:{folder}/authorized
SFTPAuthMethods publickey password
SFTPCiphers {" ".join(CIPHERS)}
"""
    )
    _make_folders(folder / "files", districts)
    command = [str(_program("proftpd")), "--nodaemon", "--config", str(folder / "config")]
    return command, Server("proftpd", 0, port, "/{}/", "bench", "bench")


def _program(name: str) -> str | None:
    program = {"openssh": "sshd"}.get(name, name)
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _me() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _my_group() -> str:
    return "root" if os.getuid() == 0 else _me()


def _host_key(folder: Path) -> Path:
    path = folder / "host_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def _make_folders(root: Path, districts: list[str]) -> None:
    for district in districts:
        (root / district).mkdir(parents=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _listening(process: subprocess.Popen[bytes], folder: Path, port: int) -> int:
    """Wait until the server takes connections; return its port."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        if not port and (daemon := running(Spool(folder / "state"))):
            return daemon.port
        if port:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    return port
            except OSError:
                pass
        time.sleep(0.05)
    raise SystemExit(f"{folder.name} did not start:\n{(folder / 'log').read_text()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its own group: it was started as the leader of one
        process.wait()
