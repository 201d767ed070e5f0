"""One channel of a logged-in client: SFTP and nothing else.

There is no shell and no command. Who asks for one, which is what `ssh host`, WinSCP in its SCP mode, `scp -O` and
`ssh host command` do, is answered with one line that says what to use instead, and with exit status 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asyncssh import SSHReader, SSHWriter
from asyncssh.stream import SSHServerStreamSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncssh import SSHServerChannel

SFTP_ONLY: Final = "this server speaks SFTP only; use sftp, or scp without -O"
NO_SHELL: Final = "this server speaks SFTP only, and has no shell; choose SFTP as the protocol"


class Session(SSHServerStreamSession[bytes]):
    """What a client may ask of a channel."""

    def __init__(
        self,
        serve: Callable[[SSHServerChannel[bytes], SSHReader[bytes], SSHWriter[bytes]], None],
        refuse_scp: Callable[[SSHServerChannel[bytes]], None],
        ended: Callable[[], None],
    ) -> None:
        super().__init__(None)
        self._serve = serve
        self._refuse_scp = refuse_scp
        self._ended: Callable[[], None] | None = ended
        self._channel: SSHServerChannel[bytes] | None = None

    def connection_made(self, chan: Any) -> None:  # noqa: ANN401 - asyncssh's type is not one of ours
        """Keep the channel."""
        super().connection_made(chan)
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the session's place free."""
        super().connection_lost(exc)
        if self._ended is not None:
            self._ended()
            self._ended = None

    def shell_requested(self) -> bool:
        """Accept it, to say no in words."""
        return True

    def exec_requested(self, command: str) -> bool:  # noqa: ARG002 - asyncssh's signature
        """Accept any command, to say no in words."""
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        """SFTP."""
        return subsystem == "sftp"

    def session_started(self) -> None:
        """Serve SFTP, or say that there is nothing else."""
        assert self._channel is not None  # noqa: S101 - a session starts on a channel
        if self._channel.get_subsystem() == "sftp":
            self._serve(self._channel, SSHReader(self, self._channel), SSHWriter(self, self._channel))
            return
        command = self._channel.get_command()
        if _is_scp(command):
            self._refuse_scp(self._channel)
            return
        self._channel.write_stderr(f"{NO_SHELL if command is None else SFTP_ONLY}\n".encode())
        self._channel.exit(1)

    def signal_received(self, signal: str) -> None:
        """Nothing here listens to signals."""

    def break_received(self, msec: int) -> bool:  # noqa: ARG002 - asyncssh's signature
        """Nothing here listens to breaks."""
        return False

    def soft_eof_received(self) -> None:
        """There is no terminal."""

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """There is no terminal."""


def _is_scp(command: str | None) -> bool:
    """Say whether a command is what scp of old starts to upload. What others ask for, rclone for one, loses nothing."""
    words = (command or "").split()
    return bool(words) and words[0].rpartition("/")[2] == "scp" and "-t" in words
