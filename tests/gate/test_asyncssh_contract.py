"""What the gate relies on in asyncssh, and what it works around: one test for each.

A failure here means that upstream has changed: read the module of the gate again that the test is about, and take away
what is no longer needed.
"""

import inspect
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from asyncssh import connection, kex, mac, public_key, sftp, stream
from asyncssh.constants import FXP_CLOSE, FXP_OPENDIR
from asyncssh.crypto import cipher

from gate.house import House, until
from rostergate.gate import algorithms
from rostergate.gate.hostkeys import host_keys
from rostergate.gate.protocol import Packets


def test_version() -> None:
    """The version is one these workarounds were written for."""
    assert asyncssh.__version__.startswith("2.24.")


def test_requests_go_through_the_table() -> None:
    """Requests are looked up in `_packet_handlers`, by number or by name, and called with the packet."""
    source = inspect.getsource(sftp.SFTPServerHandler._process_packet)
    assert "self._packet_handlers.get(handler_type)" in source
    assert "await handler(self, packet)" in source
    for kind in (FXP_CLOSE, FXP_OPENDIR, b"limits@openssh.com"):
        assert kind in sftp.SFTPServerHandler._packet_handlers
        assert Packets._packet_handlers[kind] is not sftp.SFTPServerHandler._packet_handlers[kind]


def test_close_and_cut_look_the_same_upstream() -> None:
    """The library calls `SFTPServer.close` both for CLOSE and when a session ends; otherwise the workaround can go."""
    assert "self._server.close(file_obj)" in inspect.getsource(sftp.SFTPServerHandler._process_close)
    assert "self._server.close(file_obj)" in inspect.getsource(sftp.SFTPServerHandler._cleanup)


def test_handles_and_streams() -> None:
    """The names of the tables of handles, the streams and the limits are as they were."""
    source = inspect.getsource(sftp.SFTPServerHandler)
    for name in ("self._file_handles", "self._dir_handles", "for name, data in extensions", "self._extensions"):
        assert name in source
    assert {"reader", "writer"} <= set(inspect.signature(sftp.SFTPHandler.__init__).parameters)
    assert "await self.recv_packet()" in inspect.getsource(sftp.SFTPHandler.recv_packets)
    assert list(sftp.SFTPLimits.__annotations__) == [
        "max_packet_len",
        "max_read_len",
        "max_write_len",
        "max_open_handles",
    ]


async def test_handles_have_four_bytes(house: House) -> None:
    """A WRITE is taken apart by the length of the library's handles; of others it would take the long way."""
    async with house.sftp() as client, client.open("schools.csv", "wb") as file:
        assert len(file._handle) == 4


def test_sessions_are_streams() -> None:
    """A session class of our own can be returned from `session_requested`, and asks what it is asked."""
    session: Any = stream.SSHServerStreamSession(None)
    assert {"exec_requested", "subsystem_requested", "session_started", "signal_received"} <= set(dir(session))


def test_cleanup_closes_without_a_status() -> None:
    """At the end of a session asyncssh closes the channel through `_writer`, without a status, when there is one."""
    source = inspect.getsource(sftp.SFTPHandler._cleanup)
    assert "if self._writer:" in source
    assert "exit" not in source


async def test_variables_are_refused(house: House) -> None:
    """`_process_env_request` of a channel is what a client's variable goes through."""
    async with asyncssh.connect(**house.options()) as connection:
        seen: list[Any] = []
        owner: Any = next(iter(house.gate.doors))
        requested = owner.session_requested

        def watched() -> Any:
            channel, session = requested()
            seen.append(channel)
            return channel, session

        owner.session_requested = watched
        done = await connection.run("x", env={"LANG": "C"})
        assert done.exit_status == 1
    assert dict(seen[0].get_environment()) == {}


async def test_packet_length_is_capped(house: House) -> None:
    """A header that announces more than the limit ends the session at once, before anything is gathered."""
    async with asyncssh.connect(**house.options()) as connection:
        client = await connection.start_sftp_client()
        client._handler._writer.write((300_001).to_bytes(4, "big"))
        await until(lambda: not house.gate._sessions)


async def test_limits_are_told(house: House) -> None:
    """A client learns how much it may put into one packet."""
    async with house.sftp() as client:
        assert client.limits.max_write_len == 300_000 - 1_024


async def test_only_what_is_served_is_advertised(house: House) -> None:
    """The library sends the extensions of `_extensions`, and a client believes them."""
    assert not {b"hardlink@openssh.com", b"copy-data", b"statvfs@openssh.com"} & set(dict(Packets._extensions))
    async with house.sftp() as client:
        assert not client.supports_remote_copy


async def test_rsa_key_is_not_offered_with_sha1(house: House) -> None:
    """The library offers the algorithms that stand in a key pair's `host_key_algorithms`."""
    for pair in host_keys(house.spool.keys):
        assert len(pair.host_key_algorithms) == 1
    with pytest.raises(asyncssh.KeyExchangeFailed):
        await asyncssh.connect(**house.options(server_host_key_algs=["ssh-rsa"]))


# What is worked around: each test shows the library doing it


class Short(asyncssh.SFTPServer):
    """A server on a disk that takes one byte of everything."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:  # noqa: ARG002 - asyncssh's signature
        """Open nothing."""
        return object()

    def write(self, file_obj: object, offset: int, data: bytes) -> int:  # noqa: ARG002 - asyncssh's signature
        """Write one byte."""
        return 1

    def close(self, file_obj: object) -> None:
        """Close nothing."""


class OpenToAll(asyncssh.SSHServer):
    """Lets everybody in."""

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's signature
        """Ask for nothing."""
        return False


class Patient(asyncssh.SSHServer):
    """Refuses every password and counts them."""

    asked = 0

    def password_auth_supported(self) -> bool:
        """Take passwords."""
        return True

    def validate_password(self, username: str, password: str) -> bool:  # noqa: ARG002 - asyncssh's signature
        """Refuse."""
        Patient.asked += 1
        return False


async def stock(tmp_path: Path, **options: Any) -> asyncssh.SSHAcceptor:
    """Start the library's own server, with its host key in a file."""
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "key")
    return await asyncssh.listen("127.0.0.1", 0, server_host_keys=[str(tmp_path / "key")], **options)


async def test_a_short_write_is_acknowledged(tmp_path: Path) -> None:
    """The library answers OK whatever `write` returns (`spool/disk.py` writes until all bytes are down)."""
    async with (
        await stock(tmp_path, server_factory=OpenToAll, sftp_factory=Short) as server,
        asyncssh.connect("127.0.0.1", server.get_port(), known_hosts=None, config=None, username="x") as connection,
        connection.start_sftp_client() as client,
        client.open("x", "wb") as file,
    ):
        assert await file.write(b"two") == 3


async def test_tries_are_not_limited(tmp_path: Path) -> None:
    """A connection may try as many passwords as it likes, and take its time (`gate/door.py`, `gate/listening.py`)."""
    Patient.asked = 0

    class Stubborn(asyncssh.SSHClient):
        tries = 0

        def password_auth_requested(self) -> str | None:
            Stubborn.tries += 1
            return "wrong" if Stubborn.tries <= 20 else None

    async with await stock(tmp_path, server_factory=Patient) as server:
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(
                *("127.0.0.1", server.get_port()),
                known_hosts=None,
                config=None,
                username="x",
                client_keys=None,
                client_factory=Stubborn,
                preferred_auth="password",
            )
    assert Patient.asked == 20
    options = asyncssh.SSHServerConnectionOptions()
    assert (options.login_timeout, options.keepalive_interval) == (120, 0)


async def test_an_empty_packet_goes_before_each_other(tmp_path: Path, house: House) -> None:
    """The library sends two packets for one; `gate/door.py` leaves the empty one out where there is no CBC."""

    async def packets_of_an_answer(connection: asyncssh.SSHClientConnection) -> int:
        async with connection.start_sftp_client() as client:
            before = connection._recv_seq
            await client.realpath(".")
            return connection._recv_seq - before

    async with (
        await stock(tmp_path, server_factory=OpenToAll, sftp_factory=Short) as server,
        asyncssh.connect("127.0.0.1", server.get_port(), known_hosts=None, config=None, username="x") as connection,
    ):
        assert await packets_of_an_answer(connection) == 2
    async with asyncssh.connect(**house.options()) as connection:
        assert await packets_of_an_answer(connection) == 1


async def test_host_keys_are_read_for_every_connection(tmp_path: Path) -> None:
    """A host key that is given as a file's name is read again at every login (`gate/hostkeys.py` loads it once)."""
    async with await stock(tmp_path, server_factory=OpenToAll) as server:
        where: Any = {"host": "127.0.0.1", "port": server.get_port(), "known_hosts": None, "config": None}
        async with asyncssh.connect(**where, username="x"):
            pass
        (tmp_path / "key").unlink()
        with pytest.raises((asyncssh.Error, OSError)):
            await asyncssh.connect(**where, username="x")


def test_old_algorithms_are_on_by_default() -> None:
    """SHA-1 is offered unless every list is written down (`gate/algorithms.py`)."""
    assert b"diffie-hellman-group14-sha1" in kex.get_default_kex_algs()
    assert b"hmac-sha1" in mac.get_default_mac_algs()
    assert b"ssh-rsa" in public_key.get_default_public_key_algs()


def test_packets_are_long() -> None:
    """The library takes packets of 4 MiB, fourteen times what a client sends (`Packets.recv_packet` has a limit)."""
    assert "if pktlen > MAX_SFTP_PACKET_LEN" in inspect.getsource(sftp.SFTPHandler.recv_packet)
    assert sftp.MAX_SFTP_PACKET_LEN > 4_000_000


def test_requests_run_one_after_another() -> None:
    """The next packet is read when the one before is answered, so that nothing of one file runs beside another."""
    assert "await self._process_packet(pkttype, pktid, packet)" in inspect.getsource(sftp.SFTPHandler.recv_packets)


async def test_a_root_of_its_own_follows_links(tmp_path: Path) -> None:
    """`chroot=` leads outside by a link that is there already (`gate/reports.py` opens step by step)."""
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "secret")
    channel: Any = None
    served = asyncssh.SFTPServer(channel, chroot=bytes(tmp_path / "root"))
    opened: Any = served.open(b"/link", asyncssh.FXF_READ, asyncssh.SFTPAttrs())
    assert opened.read() == b"secret"
    opened.close()


async def test_what_comes_in_passes_the_connection(house: House) -> None:
    """Every piece is given to the connection by name, and it knows its TCP socket (`gate/transport.py`)."""
    async with house.sftp() as sftp:
        (door,) = house.gate.doors
        assert door._connection is not None
        door._connection.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        told, passed = vars(door._connection), []
        receive = told["data_received"]
        told["data_received"] = lambda data: (passed.append(len(data)), receive(data))
        await sftp.stat("/")
        assert passed


def test_packets_are_copied() -> None:
    """The library cuts what has come into copies and makes a cipher for each packet (`gate/lane.py` does neither)."""
    assert "self._inpbuf = self._inpbuf[rem:]" in inspect.getsource(connection.SSHConnection._recv_packet)
    assert "AESGCM(self._key).decrypt(self._iv, data + mac, header)" in inspect.getsource(cipher.GCMCipher)


def test_a_key_of_a_client_is_verified_with_whatever_it_chose() -> None:
    """The library takes a signature with SHA-1 of any RSA key, unless the key knows better (`gate/door.py`)."""
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2_048)
    public = key.convert_to_public()
    signed = key.sign(b"data", b"ssh-rsa")
    assert public.verify(b"data", signed)
    public.all_sig_algorithms = public.all_sig_algorithms & {b"rsa-sha2-256"}
    assert not public.verify(b"data", signed)
    assert asyncssh.import_public_key(key.export_public_key()).verify(b"data", signed)


def test_the_pair_of_a_key_is_shared_between_connections() -> None:
    """The signature that one client chose is noted in the pair (`gate/hostkeys.py` has a pair for each)."""
    assert "self.sig_algorithm =" in inspect.getsource(public_key.SSHKeyPair.set_sig_algorithm)


def test_umac_needs_a_library_of_the_system() -> None:
    """Where libnettle is not, the library refuses a list that names UMAC, so that it is not offered there."""
    script = """
import ctypes.util
ctypes.util.find_library = lambda name: None
import asyncssh
from rostergate.gate.algorithms import LEGACY, MACS, MODERN
for port in (MODERN, LEGACY):
    asyncssh.SSHServerConnectionOptions(config=None, server_host_keys=[], **port.options())
    print(*port.options()["mac_algs"])
try:
    asyncssh.SSHServerConnectionOptions(config=None, server_host_keys=[], mac_algs=MACS)
except ValueError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modern, legacy, error = run.stdout.splitlines()
    assert modern.split() == [mac for mac in algorithms.MACS if "umac" not in mac]
    assert legacy.split() == [*modern.split(), "hmac-sha1"]
    assert error == "umac-128-etm@openssh.com is not a valid MAC algorithm"
