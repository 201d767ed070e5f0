"""The SFTP packets, as far as asyncssh's own treatment of them is not enough for us.

Rule 1: a client's CLOSE is told from the end of its session, which asyncssh 2.24 closes files for in the same way.
Rule 2: a packet is never larger than `packet_bytes_max`, and no answer is prepared while earlier ones wait to be sent.
Rule 3: only what is served is advertised: no hard links, no copying, no sparse ranges, no size of the disk.
Rule 4: requests are answered in their order. Those that carry a file's data are all that is dear about a large upload:
those that came together and follow each other are written as one, and all their answers go out together.

Everything here uses private names of asyncssh; tests/gate/test_asyncssh_contract.py fails when one of them changes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, cast

from asyncssh import SFTPBadMessage, SFTPError, SFTPInvalidHandle
from asyncssh.constants import FX_OK, FXP_CLOSE, FXP_OPEN, FXP_OPENDIR, FXP_READ, FXP_STATUS, FXP_WRITE
from asyncssh.packet import SSHPacket
from asyncssh.sftp import SFTPLimits, SFTPName, SFTPServerHandler

from rostergate.gate.incoming import Incoming
from rostergate.gate.inflow import Inflow, PacketTooLong
from rostergate.gate.outgoing import READ_BYTES_MAX
from rostergate.gate.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from asyncssh import SSHReader, SSHServerChannel, SSHWriter

    from rostergate.gate.files import Files

SFTP_VERSION: Final = 3
_READ_BYTES_MIN: Final = 4_096  # a READ that gives less counts as a request; the last one of a file, for one
_HEADER_BYTES: Final = 1_024  # of a packet: everything around the data of a WRITE
# draft-ietf-secsh-filexfer-02, 6.4 and 7: a WRITE up to its data (with handles of four bytes, as asyncssh gives them),
# and a STATUS that says OK with its length before it. The numbers: kind, request; handle, offset, length of the data.
_WRITE: Final = Struct(">BII4sQI")
_HANDLE_BYTES: Final = 4
_DONE: Final = Struct(">IBIIII")


class Packets(SFTPServerHandler):
    """The packets of one SFTP session."""

    _extensions = [  # noqa: RUF012 - asyncssh's own list
        (b"posix-rename@openssh.com", b"1"),
        (b"fsync@openssh.com", b"1"),
        (b"lsetstat@openssh.com", b"1"),
        (b"limits@openssh.com", b"1"),
    ]

    def __init__(
        self,
        files: Files,
        reader: SSHReader[bytes],
        writer: SSHWriter[bytes],
        *,
        packet_bytes_max: int,
        handles_max: int,
        active: Callable[[], None],
        pace: Callable[[], float],
        reached: Callable[[str], None],
    ) -> None:
        """`active` is told of each packet; `pace` counts a request and says for how many seconds it has to wait.

        `reached` is told of a limit that ends the session, by its key.
        """
        super().__init__(files, reader, writer, SFTP_VERSION)
        self._files = files
        self._inflow = Inflow(reader, packet_bytes_max, active)
        self._gathered: list[memoryview] = []  # WRITEs that follow each other, not carried out yet
        self._file: Incoming | None = None  # the file that they are for
        self._end = 0  # where they end in it
        self._answers: list[bytes] = []
        self._left: deque[memoryview] = deque()  # packets that are for asyncssh
        self._packet_bytes_max = packet_bytes_max
        self._handles_max = handles_max
        self._pace = pace
        self._reached = reached

    async def recv_packet(self) -> SSHPacket:
        """Return the next packet that is for asyncssh to answer, having carried out what came before it.

        Raises `SFTPBadMessage` when a packet's length is impossible, and `EOFError` at the end.
        """
        assert self._writer is not None  # noqa: S101 - asyncssh never reads after its own clean-up
        try:
            while not self._left:
                packet = _trimmed(self._inflow.packet())
                if packet is not None and self._gathers(packet):
                    continue
                self._write_gathered()
                if packet is not None:
                    self._left.append(packet)
                elif not self._left:
                    self._send_answers()
                    await self._writer.drain()
                    await self._inflow.more()
        except PacketTooLong as error:
            self._write_gathered()
            self._reached("server.packet_bytes_max")
            text = f"a packet of {error.length} bytes is larger than {self._packet_bytes_max}"
            raise SFTPBadMessage(text) from error
        self._send_answers()
        await self._writer.drain()
        packet = self._left.popleft()
        if packet[:1] and packet[0] != FXP_READ:
            await self._keep_pace()  # also with a WRITE: it would not be here if it had been carried out
        return SSHPacket(bytes(packet))

    async def _keep_pace(self) -> None:
        """Count a request, and wait where it came too soon after the others."""
        if seconds := self._pace():
            await asyncio.sleep(seconds)

    def _gathers(self, packet: memoryview) -> bool:
        """Take a WRITE that is as it should be; anything else is left to the long way."""
        if len(packet) < _WRITE.size or packet[0] != FXP_WRITE:
            return False
        _, _, handle_bytes, handle, offset, length = _WRITE.unpack_from(packet)
        file = self._file_handles.get(handle)
        if handle_bytes != _HANDLE_BYTES or length != len(packet) - _WRITE.size or not isinstance(file, Incoming):
            return False
        if self._gathered and (file, offset) != (self._file, self._end):
            self._write_gathered()
        self._gathered.append(packet)
        self._file, self._end = file, offset + length
        return True

    def _write_gathered(self) -> None:
        """Carry out the WRITEs that were gathered, as one; every refusal is left to the long way."""
        if not self._gathered:
            return
        assert self._file is not None  # noqa: S101 - they are for a file
        packets, self._gathered = self._gathered, []
        *_, offset, _ = _WRITE.unpack_from(packets[0])
        data = [packet[_WRITE.size :] for packet in packets]
        try:
            self._file.write(offset, b"".join(data) if len(data) > 1 else data[0])
        except (Refusal, OSError):
            self._left += packets  # the file has given up: each gets the same refusal there, and is told
            return
        for packet in packets:
            _, number, *_ = _WRITE.unpack_from(packet)
            self._answers.append(_DONE.pack(_DONE.size - 4, FXP_STATUS, number, FX_OK, 0, 0))

    def _send_answers(self) -> None:
        if self._answers and self._writer is not None and not self._writer.channel.is_closing():
            self._writer.write(b"".join(self._answers))
        self._answers.clear()

    async def _cleanup(self, exc: Exception | None) -> None:
        """End the session with an exit status: without one, scp says that it failed."""
        writer, self._writer = self._writer, None
        await super()._cleanup(exc)
        self._reader = None
        if writer is not None:
            cast("SSHServerChannel[bytes]", writer.channel).exit(0 if exc is None else 1)

    async def _process_close(self, packet: SSHPacket) -> None:
        handle = packet.get_string()
        packet.check_end()
        opened = self._file_handles.pop(handle, None)
        if opened is not None:
            await self._files.finish(opened)
        elif self._dir_handles.pop(handle, None) is None:
            raise SFTPInvalidHandle("there is no such handle")

    async def _process_read(self, packet: SSHPacket) -> tuple[bytes, bool]:
        try:
            read = await super()._process_read(packet)
        except SFTPError:
            await self._keep_pace()
            raise
        if len(read[0]) < _READ_BYTES_MIN:
            await self._keep_pace()
        return read

    async def _process_open(self, packet: SSHPacket) -> bytes:
        await self._check_handles()
        return await super()._process_open(packet)

    async def _process_opendir(self, packet: SSHPacket) -> bytes:
        """Open a folder that is there; asyncssh would open any, and find out with the first READDIR."""
        path = packet.get_string()
        packet.check_end()
        await self._check_handles()
        names = await self._files.listed(path)
        handle = self._get_next_handle()
        self._dir_handles[handle] = _one_by_one(names)
        return handle

    async def _check_handles(self) -> None:
        if len(self._file_handles) + len(self._dir_handles) >= self._handles_max:
            text = f"more than {self._handles_max} files and folders are open; close one of them first"
            refusal = Refusal("open-handles", text, limit="server.handles_per_session_max")
            await self._files.teller.refused(refusal, None)
            raise refusal

    async def _process_limits(self, packet: SSHPacket) -> SFTPLimits:
        packet.check_end()
        data_bytes_max = self._packet_bytes_max - _HEADER_BYTES
        return SFTPLimits(
            self._packet_bytes_max, min(READ_BYTES_MAX, data_bytes_max), data_bytes_max, self._handles_max
        )

    _packet_handlers = {  # noqa: RUF012 - asyncssh's own table, with the requests that are ours
        **{
            kind: process
            for kind, process in SFTPServerHandler._packet_handlers.items()  # noqa: SLF001 - see the module's docstring
            if kind not in {b"hardlink@openssh.com", b"copy-data", b"ranges@asyncssh.com"}
        },
        FXP_CLOSE: cast("Any", _process_close),
        FXP_OPEN: cast("Any", _process_open),
        FXP_READ: cast("Any", _process_read),
        FXP_OPENDIR: cast("Any", _process_opendir),
        b"limits@openssh.com": cast("Any", _process_limits),
    }


async def _one_by_one(names: list[SFTPName]) -> AsyncIterator[SFTPName]:
    for one in names:
        yield one


def _trimmed(packet: memoryview | None) -> memoryview | None:
    """Return a WRITE without what follows its data, anything else as it is.

    Go's pkg/sftp, as rclone 1.60 has it, sends the last piece of a file in a packet as long as those before; how much
    of it counts stands in the length of the data. asyncssh would refuse that, OpenSSH does not.
    """
    if packet is None or len(packet) < _WRITE.size or packet[0] != FXP_WRITE:
        return packet
    *_, handle_bytes, _, _, length = _WRITE.unpack_from(packet)
    return packet[: _WRITE.size + length] if handle_bytes == _HANDLE_BYTES else packet
