"""Where districts reach the daemon: the name they are told, and the port it really has."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostergate.service.lock import running

if TYPE_CHECKING:
    from rostergate.config import Settings
    from rostergate.spool.folders import Spool


@dataclass(frozen=True, slots=True)
class Address:
    """What a district's client connects to."""

    host: str
    port: int


def address(spool: Spool, settings: Settings) -> Address:
    """Return the public name and the port of the daemon that runs; the configured port while none does.

    Raises `OSError`.
    """
    daemon = running(spool)
    return Address(settings.server.public_host or socket.gethostname(), daemon.port if daemon else settings.server.port)
