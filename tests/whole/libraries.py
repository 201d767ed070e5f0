"""The libraries with which programs are written that upload by themselves, each in a small program of its language."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

from whole.clients import LATEST, Client, Ended

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
JSCH = Path("/usr/share/java/jsch.jar")  # where Debian's libjsch-java has it


class Paramiko(Client):
    """Python's paramiko, by `put`, which looks at the size afterwards."""

    name = "paramiko"
    programs = ()

    def put(self, files: Sequence[Path]) -> Ended:
        """Put each file; the first that fails ends it."""
        with self._transport as transport, _session(transport) as sftp:
            try:
                for path in files:
                    sftp.put(str(path), path.name)
            except OSError as error:
                return Ended(1, str(error))
        return Ended(0, "")

    def latest(self) -> str:
        """Read the page."""
        with self._transport as transport, _session(transport) as sftp, sftp.open(f"/{LATEST}") as page:
            return page.read().decode()

    @property
    def _transport(self) -> paramiko.Transport:
        transport = paramiko.Transport(("127.0.0.1", self.account.port))
        transport.connect(username=self.account.slug, password=self.account.password)
        return transport


class Ssh2SftpClient(Client):
    """ssh2-sftp-client from npm, which node finds in a folder that NODE_PATH names."""

    name = "ssh2-sftp-client"
    programs = ("node",)

    @classmethod
    def lacking(cls) -> str | None:
        """Also node without the package is nothing."""
        if missing := super().lacking():
            return missing
        found = subprocess.run(["node", "-e", f"require.resolve('{cls.name}')"], capture_output=True, check=False)
        return None if found.returncode == 0 else f"{cls.name} (in a folder of NODE_PATH)"

    def put(self, files: Sequence[Path]) -> Ended:
        """Put the files, one after the other."""
        return self._node("put", *files)

    def latest(self) -> str:
        """Get the page."""
        return self._node("get", LATEST).text

    def _node(self, *arguments: str | Path) -> Ended:
        one = self.account
        environment = {"PORT": str(one.port), "USERNAME": one.slug, "PASSWORD": one.password}
        return self.run("node", HERE / "put.cjs", *arguments, **environment)


class Jsch(Client):
    """JSch 0.1, Java's library of old, by a small program; it has no signature but SHA-1 for the server's key."""

    name = "JSch"
    programs = ("java", "javac")
    legacy = True

    @classmethod
    def lacking(cls) -> str | None:
        """Also Java without the library is nothing."""
        return super().lacking() or (None if JSCH.exists() else "libjsch-java")

    def put(self, files: Sequence[Path]) -> Ended:
        """Put the files, one after the other."""
        return self._java("put", *files)

    def latest(self) -> str:
        """Get the page."""
        return self._java("get", LATEST).text

    def _java(self, *arguments: str | Path) -> Ended:
        one = self.account
        if not (one.home / "Put.class").exists():
            compiled = self.run("javac", "-cp", JSCH, "-d", one.home, HERE / "Put.java")
            assert compiled.status == 0, compiled.text
        environment = {"PORT": str(one.port), "USERNAME": one.slug, "PASSWORD": one.password}
        return self.run("java", "-cp", f"{JSCH}:{one.home}", "Put", *arguments, **environment)


def _session(transport: paramiko.Transport) -> paramiko.SFTPClient:
    session = paramiko.SFTPClient.from_transport(transport)
    assert session is not None
    return session
