"""Who is connected, and how many may be: in all, from one address, not logged in yet, and of one district."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rostergate import metrics
from rostergate.gate.addresses import crowd

if TYPE_CHECKING:
    from rostergate.config.settings import ServerSettings


class Guests:
    """Counts connections from their first byte on, and SFTP sessions by district."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._addresses: Counter[str] = Counter()
        self._strangers: Counter[str] = Counter()
        self._districts: Counter[str] = Counter()
        self._sessions: Counter[str] = Counter()

    @property
    def connections(self) -> int:
        """How many connections there are, logged in or not."""
        return self._addresses.total()

    @property
    def strangers(self) -> int:
        """How many of them have not logged in."""
        return self._strangers.total()

    def full(self) -> str | None:
        """Return the key of the limit that leaves no room for anybody, or None."""
        if self.connections >= self._settings.connections_max:
            return "server.connections_max"
        return "server.unauthenticated_max" if self.strangers >= self._settings.unauthenticated_max else None

    def connect(self, address: str) -> str | None:
        """Count a connection and return None, or return the key of the limit that leaves no room for it."""
        if limit := self.full():
            return limit
        name = crowd(address)
        if self._addresses[name] >= self._settings.connections_per_address_max:
            return "server.connections_per_address_max"
        if self._strangers[name] >= self._settings.unauthenticated_per_address_max:
            return "server.unauthenticated_per_address_max"
        self._addresses[name] += 1
        self._strangers[name] += 1
        metrics.CONNECTIONS_OPEN.inc()
        return None

    def log_in(self, address: str, district: str) -> bool:
        """Count a connection as a district's; False when that has as many as it may."""
        if self._districts[district] >= self._settings.connections_per_district_max:
            return False
        self._districts[district] += 1
        _less(self._strangers, crowd(address))
        return True

    def disconnect(self, address: str, district: str | None) -> None:
        """Count a connection no longer; None stands for one that never was a district's."""
        _less(self._addresses, crowd(address))
        if district is None:
            _less(self._strangers, crowd(address))
        else:
            _less(self._districts, district)
        metrics.CONNECTIONS_OPEN.dec()

    def begin(self, district: str) -> bool:
        """Count a session of the district; False when it has as many as it may."""
        if self._sessions[district] >= self._settings.sessions_per_district_max:
            return False
        self._sessions[district] += 1
        metrics.SESSIONS_OPEN.inc()
        return True

    def end(self, district: str) -> None:
        """Count a session no longer."""
        _less(self._sessions, district)
        metrics.SESSIONS_OPEN.dec()


def _less(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
