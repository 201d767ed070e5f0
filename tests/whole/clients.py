"""The SFTP programs that districts use, each driven as its user would: put some files, read a report."""

from __future__ import annotations

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from running import SECONDS_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LATEST = "reports/LATEST.txt"


@dataclass(frozen=True)
class Account:
    """How a district gets in, and an empty folder for what its program writes."""

    slug: str
    password: str
    key: Path
    port: int
    host_key: str
    """The fingerprint of the server's ed25519 key, `SHA256:...`."""
    home: Path


@dataclass(frozen=True)
class Ended:
    """How a program ended, and everything it wrote."""

    status: int
    text: str


class Client(ABC):
    """One program."""

    name: ClassVar[str]
    programs: ClassVar[tuple[str, ...]]
    """What has to be installed."""
    shows_reason: ClassVar[bool] = True
    """Whether its user reads there why a file was refused."""
    legacy: ClassVar[bool] = False
    """Whether it knows only algorithms of old, and needs the port for them."""

    def __init__(self, account: Account) -> None:
        self.account = account

    @classmethod
    def lacking(cls) -> str | None:
        """Return what is not installed, or None."""
        return next((program for program in cls.programs if shutil.which(program) is None), None)

    @abstractmethod
    def put(self, files: Sequence[Path]) -> Ended:
        """Put files into the root, in one session where the program can."""

    @abstractmethod
    def latest(self) -> str:
        """Read /reports/LATEST.txt."""

    def run(self, *command: str | Path, **environment: str) -> Ended:
        """Run a program to its end, with a home of its own."""
        done = subprocess.run(
            command,
            env={**os.environ, "HOME": str(self.account.home), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS_MAX,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode())

    def _fetched(self, *command: str | Path) -> str:
        """Run a program that writes the page into `latest` in its home, and return the page."""
        done = self.run(*command)
        assert done.status == 0, done.text
        return (self.account.home / "latest").read_text()

    def _commands(self, *lines: str) -> Path:
        path = self.account.home / "commands"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    @property
    def _ssh_options(self) -> list[str]:
        return [
            *("-F", "none", "-o", f"IdentityFile={self.account.key}", "-o", "IdentitiesOnly=yes"),
            *("-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "StrictHostKeyChecking=no"),
            *("-o", f"UserKnownHostsFile={self.account.home / 'known'}"),
        ]


class OpenSSHsftp(Client):
    """OpenSSH's `sftp -b`."""

    name = "OpenSSH sftp"
    programs = ("sftp",)

    def put(self, files: Sequence[Path]) -> Ended:
        """Put each file by a line of the commands; the first that fails ends it."""
        return self.run(*self._start(*(f"put {path}" for path in files)))

    def latest(self) -> str:
        """Get the page."""
        return self._fetched(*self._start(f"get {LATEST} {self.account.home / 'latest'}"))

    def _start(self, *lines: str) -> list[str]:
        start = [*self.programs, *self._ssh_options, "-P", str(self.account.port)]
        return [*start, "-b", str(self._commands(*lines)), f"{self.account.slug}@127.0.0.1"]


class OpenSSHscp(Client):
    """OpenSSH's scp, which speaks SFTP since 9.0."""

    name = "OpenSSH scp"
    programs = ("scp",)

    def put(self, files: Sequence[Path]) -> Ended:
        """Copy the files to the root."""
        return self.run(*self._start(), *files, f"{self.account.slug}@127.0.0.1:/")

    def latest(self) -> str:
        """Copy the page from there."""
        return self._fetched(*self._start(), f"{self.account.slug}@127.0.0.1:/{LATEST}", self.account.home / "latest")

    def put_as_of_old(self, path: Path) -> Ended:
        """Copy a file by the protocol of old, which starts `scp -t` on the server."""
        return self.run(*self._start(), "-O", path, f"{self.account.slug}@127.0.0.1:/")

    def _start(self) -> list[str]:
        return [*self.programs, *self._ssh_options, "-p", "-P", str(self.account.port)]


class Lftp(Client):
    """`lftp`, which starts `ssh` for itself, with its `mirror`."""

    name = "lftp"
    programs = ("lftp", "ssh")

    def put(self, files: Sequence[Path]) -> Ended:
        """Mirror a folder that has these files."""
        return self._lftp(f"mirror -R --transfer-all {_folder_of(self.account.home, files)} /")

    def latest(self) -> str:
        """Show the page."""
        return self._lftp(f"cat {LATEST}").text

    def _lftp(self, commands: str) -> Ended:
        ssh = " ".join(["ssh", "-a", "-x", *self._ssh_options])
        settings = f'set sftp:connect-program "{ssh}"; set net:max-retries 1; set cmd:fail-exit yes'
        place = f"sftp://127.0.0.1:{self.account.port}"
        return self.run("lftp", "-c", f"{settings}; open -u {self.account.slug},x {place}; {commands}")


class Curl(Client):
    """`curl`, which has its SFTP from libssh2 or libssh; neither hands the server's text on."""

    name = "curl"
    programs = ("curl",)
    shows_reason = False

    @classmethod
    def lacking(cls) -> str | None:
        """Also a curl that was built without SFTP is none."""
        if missing := super().lacking():
            return missing
        said = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
        return None if "sftp" in said else "a curl that speaks SFTP"

    def put(self, files: Sequence[Path]) -> Ended:
        """Send the files over one connection."""
        names = ",".join(str(path) for path in files)
        return self.run(*self._start(), "-T", f"{{{names}}}", f"sftp://127.0.0.1:{self.account.port}/")

    def give_up(self, file: Path, name: str, *then: str) -> Ended:
        """Send a file slowly under a name, run out of time with it, and leave out what was to be done then."""
        url = f"sftp://127.0.0.1:{self.account.port}/{name}"
        return self.run(*self._start(), "--limit-rate", "100k", "--max-time", "6", "-T", str(file), url, *then)

    def latest(self) -> str:
        """Fetch the page."""
        return self.run(*self._start(), f"sftp://127.0.0.1:{self.account.port}/{LATEST}").text

    def _start(self) -> list[str]:
        return ["curl", "-q", "-sS", "-k", "-u", f"{self.account.slug}:{self.account.password}"]


class Psftp(Client):
    """PuTTY's psftp."""

    name = "psftp"
    programs = ("psftp",)

    def put(self, files: Sequence[Path]) -> Ended:
        """Put each file by a line of the commands."""
        return self.run(*self._start("-b", self._commands(*(f"put {path}" for path in files))), "127.0.0.1")

    def latest(self) -> str:
        """Get the page."""
        commands = self._commands(f"get {LATEST} {self.account.home / 'latest'}")
        return self._fetched(*self._start("-b", commands), "127.0.0.1")

    def _start(self, *more: str | Path) -> list[str | Path]:
        one = self.account
        start = [*self.programs, "-batch", "-hostkey", one.host_key, "-P", str(one.port), "-l", one.slug]
        return [*start, "-pw", one.password, *more]


class Pscp(Psftp):
    """PuTTY's pscp, told to speak SFTP."""

    name = "pscp"
    programs = ("pscp",)

    def put(self, files: Sequence[Path]) -> Ended:
        """Copy the files to the root."""
        return self.run(*self._start("-sftp"), *files, "127.0.0.1:/")

    def latest(self) -> str:
        """Copy the page from there."""
        return self._fetched(*self._start("-sftp"), f"127.0.0.1:{LATEST}", self.account.home / "latest")

    def put_as_of_old(self, path: Path) -> Ended:
        """Copy a file by the protocol of old."""
        return self.run(*self._start("-scp"), path, "127.0.0.1:/")


class Rclone(Client):
    """`rclone copy`."""

    name = "rclone"
    programs = ("rclone",)
    how: ClassVar[tuple[str, ...]] = ("copy",)

    def put(self, files: Sequence[Path]) -> Ended:
        """Copy a folder that has these files, whether or not they look the same there."""
        folder = _folder_of(self.account.home, files)
        return self._rclone(*self.how, "--ignore-times", "--retries", "1", folder, "district:/")

    def latest(self) -> str:
        """Show the page."""
        return self._rclone("cat", f"district:/{LATEST}").text

    def _rclone(self, *arguments: str | Path) -> Ended:
        obscured = self.run("rclone", "--config", "/dev/null", "obscure", self.account.password).text.strip()
        place = {
            "TYPE": "sftp",
            "HOST": "127.0.0.1",
            "PORT": str(self.account.port),
            "USER": self.account.slug,
            "PASS": obscured,
        }
        remote = {f"RCLONE_CONFIG_DISTRICT_{key}": value for key, value in place.items()}
        return self.run("rclone", "--config", "/dev/null", "--low-level-retries", "1", *arguments, **remote)


class RcloneSync(Rclone):
    """`rclone sync`, which would also remove our own files, and has to be told which ones are meant."""

    name = "rclone sync"
    how = ("sync", "--include", "*.csv")


class Sshfs(Client):
    """A folder mounted by `sshfs`, and `cp`. What the server says is lost: the kernel knows only error numbers."""

    name = "sshfs"
    programs = ("sshfs", "fusermount3", "ssh")
    shows_reason = False

    @classmethod
    def lacking(cls) -> str | None:
        """Also a machine that cannot mount anything has none."""
        return super().lacking() or (None if os.access("/dev/fuse", os.R_OK | os.W_OK) else "/dev/fuse")

    def put(self, files: Sequence[Path]) -> Ended:
        """Copy the files into the mounted folder."""
        return self._mounted("cp", *files, "mounted/")

    def latest(self) -> str:
        """Show the page."""
        return self._mounted("cat", f"mounted/{LATEST}").text

    def _mounted(self, *command: str | Path) -> Ended:
        """Run a command beside the mounted folder, which is unmounted in any case; sshfs ends with it."""
        home = self.account.home
        folder = home / "mounted"
        folder.mkdir(exist_ok=True)
        options = [*self._ssh_options[2:], "-p", str(self.account.port), "-F", "none"]
        mounted = self.run("sshfs", f"{self.account.slug}@127.0.0.1:/", folder, *options)
        try:
            assert mounted.status == 0, mounted.text
            return self.run("env", "-C", home, *command)
        finally:
            self.run("fusermount3", "-uz", folder)  # also while something still looks into it


def _folder_of(home: Path, files: Sequence[Path]) -> Path:
    """Return a new folder that has just these files."""
    folder = home / "out"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in files:
        shutil.copy2(path, folder / path.name)
    return folder
