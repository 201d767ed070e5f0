"""Every client, the real program against the real daemon: a whole set, a replaced file, each refusal, the page."""

from __future__ import annotations

import contextlib
import io
import socket
import sqlite3
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import asyncssh
import pytest

from rostergate.cli import sample
from rostergate.spool.folders import Area
from running import Rostergate, until_told
from whole.clients import (
    Account,
    Client,
    Curl,
    Lftp,
    OpenSSHscp,
    OpenSSHsftp,
    Pscp,
    Psftp,
    Rclone,
    RcloneSync,
    Sshfs,
)
from whole.libraries import Jsch, Paramiko, Ssh2SftpClient
from wholes import as_files, write_set

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENTS = (
    OpenSSHsftp,
    OpenSSHscp,
    Lftp,
    Curl,
    Psftp,
    Pscp,
    Rclone,
    RcloneSync,
    Sshfs,
    Paramiko,
    Ssh2SftpClient,
    Jsch,
)
SLUGS = {client: client.name.lower().replace(" ", "-") for client in CLIENTS}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the key that every district's file lists."""
    path = tmp_path_factory.mktemp("key") / "id"
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(path)
    key.write_public_key(path.with_suffix(".pub"))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Iterator[Rostergate]:
    """Run one daemon for all clients; each has a district of its own, so that the day of one is not that of another."""
    rostergate = Rostergate(tmp_path_factory.mktemp("rostergate"))
    rostergate.add_district()
    rostergate.environment["ROSTERGATE_SERVER__LEGACY_PORT"] = str(free_port())
    districts = rostergate.config / "districts"
    text = (districts / "lakeside.toml").read_text()
    listed = key.with_suffix(".pub").read_text().strip()
    with contextlib.closing(sqlite3.connect(rostergate.spool.database)) as database, database:
        for kind, slug in SLUGS.items():
            legacy = "legacy = true\n" if kind.legacy else ""
            (districts / f"{slug}.toml").write_text(f'authorized_keys = ["{listed}"]\n{legacy}{text}')
            database.execute(
                "INSERT INTO credentials (district, password_hash, changed_at) "
                "SELECT ?, password_hash, changed_at FROM credentials WHERE district = 'lakeside'",
                (slug,),
            )
    with rostergate.daemon():
        yield rostergate


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture(params=CLIENTS, ids=list(SLUGS.values()))
def client(request: pytest.FixtureRequest, daemon: Rostergate, key: Path, tmp_path: Path) -> Client:
    """Give one client its district's account, or skip the test by the client's name."""
    return _made(request.param, daemon, key, tmp_path)


def _made(kind: type[Client], daemon: Rostergate, key: Path, folder: Path) -> Client:
    if missing := kind.lacking():
        pytest.skip(f"{kind.name} is left out: {missing} is not installed")
    home = folder / "home"
    home.mkdir()
    public = asyncssh.read_public_key(daemon.spool.keys / "ssh_host_ed25519_key.pub")
    port = int(daemon.environment["ROSTERGATE_SERVER__LEGACY_PORT"]) if kind.legacy else daemon.port
    account = Account(SLUGS[kind], daemon.passwords["lakeside"], key, port, public.get_fingerprint(), home)
    return kind(account)


def test_a_day_of_a_district(client: Client, daemon: Rostergate, tmp_path: Path) -> None:
    """A wrong name and an archive are refused, a file is replaced, the set is taken, a second upload is refused."""
    files = as_files(sample.file_set())
    write_set(tmp_path / "set", files)
    paths = sorted((tmp_path / "set").iterdir())
    write_set(tmp_path / "old", {"schools.csv": b"an older export, and longer\n" * 5_000})
    write_set(tmp_path / "wrong", {"Students.csv": files["students.csv"]})
    write_set(tmp_path / "packed", {"students.csv": _zip(files)})

    _refused(client, tmp_path / "wrong" / "Students.csv", "did you mean students.csv")
    _refused(client, tmp_path / "packed" / "students.csv", "this is a zip archive, not a CSV file")
    for upload in ([tmp_path / "old" / "schools.csv"], paths):
        done = client.put(upload)
        assert done.status == 0, done.text
    slug = client.account.slug
    until_told(lambda: daemon.standing(1, slug), ("settled", True), f"{slug}-00001", daemon.log)
    sealed = daemon.spool.delivery(f"{slug}-00001")
    assert {path.name: path.read_bytes() for path in sealed.glob("*.csv")} == files
    _refused(client, paths[0], "one upload per day")
    page = client.latest()
    assert f"{slug}-00001" in page
    assert "REFUSED SINCE THEN" in page


@pytest.mark.parametrize("kind", [OpenSSHscp, Pscp], ids=lambda kind: kind.name)
def test_scp_of_old_is_told_what_to_use(
    kind: type[OpenSSHscp | Pscp], daemon: Rostergate, key: Path, tmp_path: Path
) -> None:
    """The protocol of old needs a command on the server; its user is told in words what to use instead."""
    client = _made(kind, daemon, key, tmp_path)
    assert isinstance(client, OpenSSHscp | Pscp)
    write_set(tmp_path / "set", {"teachers.csv": b"x"})
    done = client.put_as_of_old(tmp_path / "set" / "teachers.csv")
    assert done.status != 0
    assert "this server speaks SFTP only" in done.text
    assert not (daemon.spool.inbox(client.account.slug) / "teachers.csv").exists()
    assert "this server speaks SFTP only" in client.latest()


def test_curl_closes_what_it_gives_up(daemon: Rostergate, key: Path, tmp_path: Path) -> None:
    """Nothing tells such a file from a whole one; under a temporary name it needs the rename, which is left out."""
    client = _made(Curl, daemon, key, tmp_path)
    assert isinstance(client, Curl)
    write_set(tmp_path / "set", {"students.csv": b"1,Ann\n" * 500_000})
    file, rename = tmp_path / "set" / "students.csv", "-rename /preview/teachers.csv.tmp /preview/teachers.csv"
    with ThreadPoolExecutor() as both:
        plain = both.submit(client.give_up, file, "preview/students.csv")
        renamed = both.submit(client.give_up, file, "preview/teachers.csv.tmp", "-Q", rename)
    assert (plain.result().status, renamed.result().status) == (28, 28)
    inbox = daemon.spool.inbox(client.account.slug, Area.PREVIEW)
    assert 0 < (inbox / "students.csv").stat().st_size < file.stat().st_size
    assert not (inbox / "teachers.csv").exists()


def _refused(client: Client, path: Path, reason: str) -> None:
    """Check that a file is refused, and that the reason is where this client's user finds it."""
    done = client.put([path])
    assert done.status != 0, done.text
    assert (reason in done.text) is client.shows_reason, done.text
    assert reason in " ".join(client.latest().split())


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("students.csv", files["students.csv"])
    return packed.getvalue()
