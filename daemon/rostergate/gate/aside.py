"""What is said beside the SFTP stream: the reason of a refusal, on the channel's standard error.

OpenSSH's programs, and whatever starts `ssh` for itself (lftp, sshfs), show their user this text, and of the answer in
the stream only the status. Rule 1: said before the answer, so that it is read before the client gives up. Rule 2: only
`SAID_BYTES_MAX` in one session: a client that never reads it would else let its window fill up and stop the stream.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncssh import SSHServerChannel

SAID_BYTES_MAX: Final = 8_192
_WHO: Final = "rostergate: "


class Aside:
    """The standard error of one session's channel."""

    def __init__(self, channel: SSHServerChannel[bytes]) -> None:
        self._channel = channel
        self._left = SAID_BYTES_MAX

    def say(self, text: str) -> None:
        """Say one line, as long as there is room for it; a client that has gone is not told."""
        line = f"{_WHO}{text}\n".encode()
        if len(line) > self._left:
            self._left = 0
            return
        self._left -= len(line)
        with contextlib.suppress(OSError):
            self._channel.write_stderr(line)
