"""Who is connected, and how many may be: in all, from one address, and for one district."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rostergate.config.settings import ServerSettings


class Guests:
    """Counts connections from their first byte on, and SFTP sessions by district."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._addresses: Counter[str] = Counter()
        self._sessions: Counter[str] = Counter()

    @property
    def connections(self) -> int:
        """How many connections there are, logged in or not."""
        return self._addresses.total()

    def connect(self, address: str) -> str | None:
        """Count a connection and return None, or return a code that says why there is no room for it."""
        if self.connections >= self._settings.connections_max:
            return "connections"
        if self._addresses[address] >= self._settings.connections_per_address_max:
            return "connections-per-address"
        self._addresses[address] += 1
        return None

    def disconnect(self, address: str) -> None:
        """Count a connection no longer."""
        _less(self._addresses, address)

    def begin(self, district: str) -> bool:
        """Count a session of the district; False when it has as many as it may."""
        if self._sessions[district] >= self._settings.sessions_per_district_max:
            return False
        self._sessions[district] += 1
        return True

    def end(self, district: str) -> None:
        """Count a session no longer."""
        _less(self._sessions, district)


def _less(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
