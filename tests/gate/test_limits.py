"""Each limit of the gate, reached in a real gate: what the client sees, what is logged, what is counted."""

import asyncio
import contextlib
from typing import Any

import asyncssh
import pytest
from structlog.testing import capture_logs

from gate.house import PASSWORD, SLUG, House, reaching, until

WRONG = {"client_keys": None, "password": "wrong"}


async def hear(port: int, **options: Any) -> bytes:
    """Connect and return what the server says until it ends the connection or waits for us."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    try:
        with contextlib.suppress(ConnectionError):
            return await reader.readline()
        return b""
    finally:
        writer.close()


async def refused(house: House, **options: Any) -> None:
    """Fail to log in."""
    with pytest.raises((asyncssh.Error, OSError)):
        await asyncssh.connect(**house.options(**options))


# Before the login


@pytest.mark.parametrize(
    "limit",
    ["connections_max", "connections_per_address_max", "unauthenticated_max", "unauthenticated_per_address_max"],
)
async def test_connections(make_house: Any, limit: str) -> None:
    """A connection beyond the limit is ended before a byte, although the others have not even logged in."""
    house = await make_house(server={limit: 2})
    opened = [await asyncio.open_connection("127.0.0.1", house.gate.port) for _ in range(2)]
    for reader, _ in opened:
        assert (await reader.readline()).startswith(b"SSH-2.0-rostergate")
    with reaching(f"server.{limit}"):
        assert await hear(house.gate.port) == b""
    for _, writer in opened:
        writer.close()
    await until(lambda: house.gate.guests.connections == 0)
    async with house.sftp():
        pass


@pytest.mark.parametrize("limit", ["connections_per_address_max", "unauthenticated_per_address_max"])
async def test_one_address_leaves_room_for_others(make_house: Any, limit: str) -> None:
    """What one address has used up is still there for another."""
    house = await make_house(server={limit: 1})
    reader, writer = await asyncio.open_connection("127.0.0.1", house.gate.port)
    await reader.readline()
    assert await hear(house.gate.port, local_addr=("127.0.0.2", 0))
    writer.close()


@pytest.mark.parametrize("limit", ["unauthenticated_max", "unauthenticated_per_address_max"])
async def test_who_has_logged_in_leaves_room(make_house: Any, limit: str) -> None:
    """A login makes room for the next connection that has to log in."""
    house = await make_house(server={limit: 1})
    async with house.sftp(), house.sftp():
        assert house.gate.guests.connections == 2
        assert house.gate.guests.strangers == 0


async def test_login_time(make_house: Any) -> None:
    """A connection that does not log in is ended when its time is up, and no longer counted."""
    house = await make_house(server={"login_seconds_max": 5, "connections_max": 1})
    loop = asyncio.get_running_loop()
    started = loop.time()
    with reaching("server.login_seconds_max"):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.gate.port)
        assert (await reader.readline()).startswith(b"SSH-2.0-rostergate")
        async with asyncio.timeout(20):
            await reader.read()
        assert loop.time() - started >= 4
        writer.close()
        await until(lambda: house.gate.guests.connections == 0)
    async with house.sftp():
        pass


async def test_tries(make_house: Any) -> None:
    """After the last try of a connection the server ends it and says so."""
    house = await make_house(server={"login_tries_max": 2})

    class Stubborn(asyncssh.SSHClient):
        asked = 0

        def password_auth_requested(self) -> str:
            Stubborn.asked += 1
            return "wrong"

    with (
        reaching("server.login_tries_max"),
        pytest.raises(asyncssh.DisconnectError, match="too many tries"),
    ):
        await asyncssh.connect(**house.options(client_keys=None, client_factory=Stubborn, preferred_auth="password"))
    assert Stubborn.asked == 3


async def test_keys_offered(make_house: Any) -> None:
    """A client may offer so many unknown keys, and is held up to one failed login for all of them."""
    house = await make_house(server={"keys_offered_max": 2})
    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(3)]
    async with house.sftp(client_keys=[*keys[:2], house.key]):
        pass
    with reaching("server.keys_offered_max"), pytest.raises(asyncssh.DisconnectError, match="too many tries"):
        await asyncssh.connect(**house.options(client_keys=keys))


async def test_the_name_stays(house: House) -> None:
    """A connection is for one user name; a client that tries another one is cut off."""
    names = iter(["nobody", SLUG])

    class Twofold(asyncssh.SSHClient):
        def password_auth_requested(self) -> str:
            connection._username = next(names)
            return PASSWORD

        def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
            nonlocal connection
            connection = conn

    connection: Any = None
    with pytest.raises(asyncssh.DisconnectError, match="user name cannot change"):
        await asyncssh.connect(
            **house.options(client_keys=None, client_factory=Twofold, username="madison", preferred_auth="password")
        )


async def test_address_is_banned(make_house: Any) -> None:
    """An address that fails too often is refused before a byte, for as long as the ban says; then it may come again."""
    house = await make_house(throttle={"address_points_max": 2.0, "ban_seconds_min": 60.0})
    with reaching("throttle.address_points_max"):
        for _ in range(2):
            await refused(house, **WRONG, preferred_auth="password")
    assert await hear(house.gate.port) == b""
    assert await hear(house.gate.port, local_addr=("127.0.0.2", 0))
    house.clock += 61
    async with house.sftp():
        pass


async def test_connecting_without_logging_in_is_banned(make_house: Any) -> None:
    """An address that connects again and again and never tries to log in is refused as well."""
    house = await make_house(throttle={"address_points_max": 3.0, "unfinished_points": 1.0})
    with reaching("throttle.address_points_max"):
        for _ in range(3):
            assert await hear(house.gate.port)
            await until(lambda: house.gate.guests.connections == 0)
    assert await hear(house.gate.port) == b""


async def test_account_is_banned(make_house: Any) -> None:
    """An account under attack is closed to strangers, whatever their password, and open where it is known."""
    house = await make_house(throttle={"account_points_max": 2.0})
    async with house.sftp():
        pass
    with reaching("throttle.account_points_max"):
        for number in (2, 3):
            await refused(house, **WRONG, preferred_auth="password", local_addr=(f"127.0.0.{number}", 0))
    right = {"client_keys": None, "password": PASSWORD}
    await refused(house, **right, local_addr=("127.0.0.4", 0))
    async with house.sftp(**right):
        pass


def passwords_wait(house: House) -> asyncio.Event:
    """Let no password be checked before the event that is returned is set."""
    released, loop, check = asyncio.Event(), asyncio.get_running_loop(), house.gate.passwords._same
    house.gate.passwords._same = lambda stored, password: (  # type: ignore[method-assign]
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(),
        check(stored, password),
    )[1]
    return released


async def test_a_try_that_nobody_waits_for(house: House) -> None:
    """A client that goes before the answer counts as one that did not try, whatever its password: it learns nothing."""

    class Hasty(asyncssh.SSHClient):
        def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
            self._connection = conn

        def password_auth_requested(self) -> str:
            asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, self._connection.abort)
            return "wrong"

    checked = passwords_wait(house)
    # asyncssh counts an abort of its own as a connection that was made.
    await asyncssh.connect(**house.options(client_keys=None, client_factory=Hasty, preferred_auth="password"))
    await until(lambda: house.gate.guests.connections == 0)
    checked.set()
    await until(lambda: house.gate.throttle._addresses.by_name)
    (score,) = house.gate.throttle._addresses.by_name.values()
    assert score.points == house.gate.services.settings.throttle.unfinished_points


@pytest.mark.parametrize("limit", ["waiting_max", "waiting_per_address_max"])
async def test_passwords_waiting(make_house: Any, limit: str) -> None:
    """With too many passwords waiting, a login is turned away unchecked, and held against nobody."""
    house = await make_house(passwords={limit: 1, "threads": 1}, throttle={"address_points_max": 3.0})
    checked = passwords_wait(house)
    right = {"client_keys": None, "password": PASSWORD, "preferred_auth": "password"}
    first = asyncio.ensure_future(asyncssh.connect(**house.options(**right)))
    await until(lambda: house.gate.passwords._waiting)
    with reaching(f"passwords.{limit}"):
        await refused(house, **right)
    assert not house.gate.throttle._addresses.by_name
    checked.set()
    (await first).close()


# Once logged in


async def test_sessions_per_district(make_house: Any) -> None:
    """A district has at most so many sessions at once; another one may begin when one has ended."""
    house = await make_house(server={"sessions_per_district_max": 1})
    async with house.sftp():
        with (
            reaching("server.sessions_per_district_max"),
            pytest.raises(asyncssh.ChannelOpenError, match="too many sessions"),
        ):
            async with house.sftp():
                pass
    async with house.sftp():
        pass


async def test_idle(house: House) -> None:
    """A connection on which nothing happens is ended, and what it was uploading waits aside."""
    connection = await asyncssh.connect(**house.options())
    sftp = await connection.start_sftp_client()
    await sftp.listdir("/")
    (door,) = house.gate.doors
    with reaching("server.idle_seconds_max"):
        door._active_at -= house.gate.services.settings.server.idle_seconds_max
        door._watch_idle()
        async with asyncio.timeout(10):
            await connection.wait_closed()
    assert not house.gate.doors


async def test_packet_length(house: House) -> None:
    """A packet that announces more than the limit ends the session before anything of it is kept."""
    async with asyncssh.connect(**house.options()) as connection:
        client: Any = await connection.start_sftp_client()
        with reaching("server.packet_bytes_max"):
            client._handler._writer.write((300_001).to_bytes(4, "big"))
            await until(lambda: not house.gate._sessions)


async def test_requests_per_second(make_house: Any) -> None:
    """A session that asks too fast is answered at the pace allowed, to the last answer."""
    house = await make_house(server={"requests_per_second_max": 10})
    loop = asyncio.get_running_loop()
    async with house.sftp() as sftp:
        started = loop.time()
        with reaching("server.requests_per_second_max"):
            answers = await asyncio.gather(*(sftp.stat("/") for _ in range(60)))
        assert len(answers) == 60
        assert loop.time() - started >= 0.5


async def test_refused_data_is_slowed(make_house: Any) -> None:
    """Data that nobody takes, and reading where there is nothing, are requests like any other."""
    house = await make_house(server={"requests_per_second_max": 20})
    loop = asyncio.get_running_loop()
    async with house.sftp() as sftp:
        rules = await sftp.open("README.txt", "rb")
        for times, flood in (
            (105, lambda: sftp._handler.write(b"none", 0, b"x")),  # a hundred may come at once
            (10, lambda: sftp._handler.read(rules._handle, 1_000_000, 1_000)),
        ):
            started = loop.time()
            answers = await asyncio.gather(*(flood() for _ in range(times)), return_exceptions=True)
            assert all(isinstance(answer, asyncssh.SFTPError) for answer in answers)
            assert loop.time() - started >= 0.2


async def test_data_is_not_slowed(make_house: Any) -> None:
    """The requests that carry a file's data are not counted: a client may send it in as small parts as it likes."""
    house = await make_house(server={"requests_per_second_max": 10})
    async with house.sftp() as sftp, sftp.open("schools.csv", "wb", block_size=1_000) as file:
        started = asyncio.get_running_loop().time()
        await file.write(b"x" * 1_000_000)
        assert asyncio.get_running_loop().time() - started < 95  # at that pace it would be a hundred seconds
    assert house.committed() == {"schools.csv": b"x" * 1_000_000}


@pytest.mark.parametrize("name", ["README.txt", "folder"])
async def test_handles_per_session(make_house: Any, name: str) -> None:
    """A session has at most so many files and folders open; closing one makes room."""
    house = await make_house(server={"handles_per_session_max": 2})
    async with house.sftp() as sftp:
        handler: Any = sftp._handler
        opened = [await sftp.open("README.txt", "rb"), await sftp.open("README.txt", "rb")]
        with reaching("server.handles_per_session_max"), pytest.raises(asyncssh.SFTPFailure, match="are open"):
            await (sftp.open(name, "rb") if name != "folder" else handler.opendir(b"/"))
        await opened.pop().close()
        assert await sftp.listdir("/")


async def test_inbox_files(make_house: Any) -> None:
    """An inbox has at most so many files; one that is there can still be replaced, and removing one makes room."""
    house = await make_house(upload={"inbox_files_max": 2})
    async with house.sftp() as sftp:
        for name in ("schools.csv", "teachers.csv", "schools.csv"):
            async with sftp.open(name, "wb") as file:
                await file.write(b"x")
        with reaching("upload.inbox_files_max"), pytest.raises(asyncssh.SFTPFailure, match="more than 2 files"):
            await sftp.open("students.csv", "wb")
        await sftp.remove("teachers.csv")
        async with sftp.open("students.csv", "wb") as file:
            await file.write(b"x")
    assert set(house.committed()) == {"schools.csv", "students.csv"}


async def test_a_limit_is_told_once_a_minute(house: House) -> None:
    """However often a limit is reached from one address, it is one line a minute; each time counts."""
    seldom = house.gate.seldom
    with capture_logs() as lines:
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"):
            seldom.reached("server.login_tries_max", address=address)
        house.clock += 61
        seldom.reached("server.login_tries_max", address="192.0.2.1")
    assert [(line["address"], line["times"]) for line in lines] == [
        ("192.0.2.1", 1),
        ("192.0.2.2", 1),
        ("192.0.2.1", 3),
    ]


async def test_a_flood_is_counted_and_told_once(make_house: Any) -> None:
    """Many refusals of one kind from one address are one line a minute, which says how many they were."""
    house = await make_house(server={"allowed_addresses": ["192.0.2.0/24"]})
    lines: list[int] = []
    times = house.gate.seldom.times
    house.gate.seldom.times = lambda *what: lines.append(times(*what)) or lines[-1]  # type: ignore[method-assign]
    for _ in range(5):
        assert await hear(house.gate.port) == b""
    house.clock += 61
    assert await hear(house.gate.port) == b""
    assert [line for line in lines if line] == [1, 5]
