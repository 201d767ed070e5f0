"""A house that many examples of one test share, on an event loop of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncssh

from gate.house import House, until
from gate.raw import Raw

if TYPE_CHECKING:
    import asyncio

FAILED = "session.failed"


@dataclass
class Ground:
    """The house, what it has logged, and the connections to it, by a number."""

    house: House
    runner: asyncio.Runner
    logged: list[Any]
    connections: dict[int, asyncssh.SSHClientConnection] = field(default_factory=dict)

    async def session(self, number: int = 0) -> Raw:
        """Start a session, on the connection of that number where it still stands."""
        if number not in self.connections:
            self.connections[number] = await asyncssh.connect(**self.house.options())
        return Raw(
            self.connections[number], *await self.connections[number].open_session(subsystem="sftp", encoding=None)
        )

    async def cut(self, *numbers: int) -> None:
        """Lose these connections, and wait until the gate has noticed."""
        lost = [self.connections.pop(number) for number in numbers if number in self.connections]
        ports = {connection.get_extra_info("sockname")[1] for connection in lost}
        sessions = self.house.gate._sessions
        peers = {task: files.channel.get_extra_info("peername") for task, files in sessions.items()}
        ending = {task for task, peer in peers.items() if peer is None or peer[1] in ports}
        for connection in lost:
            connection.abort()
            await connection.wait_closed()
        await until(lambda: not ending & set(sessions))

    def clear(self) -> None:
        """Empty the inbox."""
        inbox = self.house.inbox()
        inbox.forget_all()
        for name in inbox.entries():
            inbox.remove(name)

    def check(self) -> None:
        """Check that nothing went wrong that is not the client's fault."""
        assert [one for one in self.logged if one["event"] == FAILED] == []
