"""What the gate relies on in asyncssh's private parts. A failure here means: read `gate/protocol.py` again."""

import inspect
from typing import Any

import asyncssh
import pytest
from asyncssh import sftp, stream
from asyncssh.constants import FXP_CLOSE, FXP_OPENDIR

from gate.house import House, until
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
