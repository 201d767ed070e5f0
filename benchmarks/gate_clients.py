"""The client programs: one upload or one set of files, as a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from gate_peers import Server

SECONDS_MAX: Final = 120.0
CLIENTS: Final = {"gcm": "sftp", "ctr": "sftp", "lftp": "lftp", "curl": "curl", "key": "sftp", "password": "sshpass"}
"""What is measured with -> the program it needs."""
CIPHERS: Final = {"ctr": "aes128-ctr"}
"""What is measured with -> the cipher, where it is not `CIPHER`. curl takes the first of its own that a server has."""
CIPHER: Final = "aes128-gcm@openssh.com"


@dataclass(frozen=True, slots=True)
class Client:
    """One client program with its key."""

    name: str
    key: Path
    scratch: Path

    @property
    def missing(self) -> str | None:
        """The program that is not there, or None."""
        program = CLIENTS[self.name]
        if shutil.which(program) is None:
            return program
        if program == "curl" and "sftp" not in _told(["curl", "--version"]):
            return "curl with SFTP"
        return None

    def put(self, server: Server, district: str, files: list[Path]) -> tuple[float, str]:
        """Upload files in one session; return the seconds it took and, where it failed, what the client said."""
        command = self._command(server, district, files)
        environment = {**os.environ, "SSHPASS": server.password or ""}
        started = time.monotonic()
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
        )
        seconds = time.monotonic() - started
        return seconds, done.stderr.strip() or f"status {done.returncode}" if done.returncode else ""

    def _command(self, server: Server, district: str, files: list[Path]) -> list[str]:
        user, folder = server.user_of(district), server.folder_of(district)
        options = [
            *("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "LogLevel=ERROR", "-o", "IdentityAgent=none"),
            *("-o", f"Ciphers={CIPHERS.get(self.name, CIPHER)}"),
        ]
        match self.name:
            case "curl":
                # One connection, as for every client: several URLs of one transfer after the other.
                urls = [part for one in files for part in ("-T", str(one), f"sftp://127.0.0.1:{server.port}/{folder}")]
                return ["curl", "-sS", "-k", "-u", f"{user}:", "--key", str(self.key), *urls]
            case "lftp":
                ssh = " ".join(["ssh -a -x -i", str(self.key), *options])
                puts = "; ".join(f"put -O {folder} {one}" for one in files)
                opened = f"open -p {server.port} -u {user}, sftp://127.0.0.1"
                return ["lftp", "--norc", "-c", f"set sftp:connect-program '{ssh}'; {opened}; {puts}"]
        puts_file = self.scratch / f"{self.name}-{server.name}.puts"
        puts_file.write_text("".join(f"put {one} {folder}{one.name}\n" for one in files))
        common = [*options, "-P", str(server.port), "-b", str(puts_file), f"{user}@127.0.0.1"]
        if self.name == "password":
            # `-b` alone forbids to ask for a password.
            only = ["-o", "BatchMode=no", "-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no"]
            return ["sshpass", "-e", "sftp", "-q", *only, *common]
        return ["sftp", "-q", "-i", str(self.key), *common]


def _told(command: list[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
