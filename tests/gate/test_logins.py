"""Who is let in, who is not and why, and who has to go again: by what the house and the clients do, honest or not."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from argon2 import PasswordHasher
from structlog.testing import capture_logs

from gate.house import HASH, PASSWORD, SLUG, House, put, reaching, until
from rostergate.gate.door import LATER

if TYPE_CHECKING:
    from gate.conftest import MakeHouse

BY_PASSWORD: dict[str, Any] = {"client_keys": None, "password": PASSWORD, "preferred_auth": "password"}
WRONG: dict[str, Any] = {**BY_PASSWORD, "password": "wrong"}
DENIED = (asyncssh.PermissionDenied, asyncssh.DisconnectError, asyncssh.ConnectionLost, OSError)


def keys(number: int) -> list[asyncssh.SSHKey]:
    """Make keys that nobody knows."""
    return [asyncssh.generate_private_key("ssh-ed25519") for _ in range(number)]


async def fail(house: House, times: int, **options: Any) -> None:
    """Fail to log in so many times, one after the other."""
    for _ in range(times):
        with pytest.raises(DENIED):
            await asyncssh.connect(**house.options(**{**WRONG, **options}))


# Honest bursts


async def test_agents_that_offer_everything(make_house: MakeHouse) -> None:
    """A vendor for many districts comes with them all at once, and its agent offers key after key: nobody is banned."""
    house = await make_house(throttle={"address_points_max": 3.0})
    agent = keys(5)
    options = {"client_keys": agent, "password": PASSWORD}
    opened = await asyncio.gather(*(asyncssh.connect(**house.options(**options)) for _ in range(20)))
    assert len(house.gate.doors) == 20
    assert house.gate.throttle._addresses.by_name == {}
    for one in opened:
        one.abort()


async def test_two_hundred_at_once(make_house: MakeHouse) -> None:
    """A vendor who comes with two hundred connections in one moment, each with the right password, is let in."""
    house = await make_house(server={"login_seconds_max": 600})  # on however slow a machine
    slugs = [f"district-{number:02}" for number in range(20)]
    for slug in slugs:
        house.admit(slug)
    plain = {"kex_algs": ["curve25519-sha256"], "server_host_key_algs": ["ssh-ed25519"], "login_timeout": 0}
    opened = await asyncio.gather(
        *(asyncssh.connect(**house.options(username=slug, **BY_PASSWORD, **plain)) for slug in slugs * 10)
    )
    assert len(house.gate.doors) == 200
    for one in opened:
        one.abort()


async def test_keys_that_lead_to_nothing_count(make_house: MakeHouse) -> None:
    """A connection that ends after unknown keys alone has failed once, however many there were."""
    house = await make_house(throttle={"address_points_max": 3.0})
    with capture_logs() as lines:
        await fail(house, 3, client_keys=keys(4), password=None, preferred_auth="publickey")
        await until(lambda: house.gate.throttle.address_banned("127.0.0.1"))
    refused = [line for line in lines if line["event"] == "login.refused"]
    assert [(one["how"], one["why"], one["tries"]) for one in refused] == [("key", "unknown-key", 4)] * 3


async def test_a_burst_beyond_what_can_be_checked(make_house: MakeHouse) -> None:
    """Of many right passwords at once, those that cannot be checked are told to come again; nobody is banned."""
    house = await make_house(
        server={
            "unauthenticated_per_address_max": 200,
            "connections_per_address_max": 200,
            "connections_per_district_max": 200,
        },
        passwords={"waiting_per_address_max": 2},
        throttle={"address_points_max": 1.0},
    )
    came = await asyncio.gather(
        *(asyncssh.connect(**house.options(**BY_PASSWORD)) for _ in range(60)), return_exceptions=True
    )
    let_in = [one for one in came if isinstance(one, asyncssh.SSHClientConnection)]
    turned_away = {str(one) for one in came if isinstance(one, BaseException)}
    assert let_in
    assert turned_away <= {LATER}
    assert not house.gate.throttle.address_banned("127.0.0.1")
    for one in let_in:
        one.abort()


async def test_who_waits_too_long_for_the_server_has_not_failed(make_house: MakeHouse) -> None:
    """A password that was still to be checked when the time for logging in ended is held against nobody."""
    house = await make_house(server={"login_seconds_max": 5})
    loop, released = asyncio.get_running_loop(), asyncio.Event()
    check = house.gate.passwords._same
    house.gate.passwords._same = lambda stored, password: (  # type: ignore[method-assign]
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(),
        check(stored, password),
    )[1]
    waiting = asyncio.ensure_future(asyncssh.connect(**house.options(**BY_PASSWORD)))
    await until(lambda: house.gate.passwords._waiting)
    (door,) = house.gate.doors
    assert door._connection is not None
    door._login_until = loop.time()  # as the entrance ends it then
    door._connection.abort()
    with pytest.raises(DENIED):
        await waiting
    await until(lambda: not house.gate.doors)
    released.set()
    assert house.gate.throttle._addresses.by_name == {}


# Bans


async def test_a_ban_ends_what_is_open(make_house: MakeHouse) -> None:
    """Connections on which somebody could go on trying end with the ban; those of districts do not."""
    house = await make_house(throttle={"address_points_max": 2.0})

    class Waiting(asyncssh.SSHClient):
        async def password_auth_requested(self) -> str:
            asked.set()
            await until(lambda: house.gate.throttle.address_banned("127.0.0.1"))
            return PASSWORD

    asked = asyncio.Event()
    async with house.sftp() as sftp:
        waiting = asyncio.ensure_future(
            asyncssh.connect(**house.options(client_keys=None, client_factory=Waiting, preferred_auth="password"))
        )
        await asked.wait()
        await fail(house, 2)
        with pytest.raises(asyncssh.DisconnectError, match="from this address have failed"):
            await waiting
        assert await sftp.exists("/README.txt")
    await until(lambda: not house.gate.doors)


# Before the login, and key exchanges


async def test_login_requests(make_house: MakeHouse) -> None:
    """Whatever is sent before the login is counted, and too much of it ends the connection."""
    house = await make_house(server={"login_requests_max": 60})

    class Talkative(asyncssh.SSHClient):
        def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
            self._connection = conn

        def password_auth_requested(self) -> str:
            for _ in range(60):
                self._connection.send_packet(asyncssh.constants.MSG_IGNORE, asyncssh.packet.String(b""))
            return PASSWORD

    with (
        reaching("server.login_requests_max"),
        pytest.raises(asyncssh.DisconnectError, match="too many requests before the login"),
    ):
        await asyncssh.connect(**house.options(client_keys=None, client_factory=Talkative, preferred_auth="password"))


async def test_rekeys(make_house: MakeHouse) -> None:
    """A client may exchange keys now and then; one that does nothing else is cut off."""
    house = await make_house(server={"rekeys_per_minute_max": 3})
    connection = await asyncssh.connect(**house.options())
    with reaching("server.rekeys_per_minute_max"):
        for number in range(1, 5):
            if number == 4:
                connection._send_kexinit()
                connection._kexinit_sent = True
                break
            before = connection._send_encryption
            connection._send_kexinit()
            connection._kexinit_sent = True
            await until(lambda: connection._kex_complete and connection._send_encryption is not before)  # noqa: B023
        async with asyncio.timeout(10):
            await connection.wait_closed()


async def test_connections_per_district(make_house: MakeHouse) -> None:
    """A district is logged in so many times at once; one more is told, and held against nobody."""
    house = await make_house(server={"connections_per_district_max": 2}, throttle={"address_points_max": 1.0})
    house.admit("madison")
    async with house.sftp(), house.sftp():
        with (
            reaching("server.connections_per_district_max"),
            pytest.raises((asyncssh.DisconnectError, asyncssh.ChannelOpenError)),
        ):
            async with house.sftp():
                pass
        async with house.sftp(username="madison"):
            pass
    await until(lambda: house.gate.guests.connections == 0)
    assert house.gate.guests._districts == {}
    async with house.sftp():
        pass


# What the house can say


async def test_a_database_that_is_away(make_house: MakeHouse) -> None:
    """A login that cannot be checked is no failed one: the client is told to come again, and the operators are told."""
    house = await make_house(throttle={"address_points_max": 1.0})
    house.away = True
    with capture_logs() as lines:
        for username in (SLUG, "nobody"):
            with pytest.raises(asyncssh.ServiceNotAvailable, match="try again later"):
                await asyncssh.connect(**house.options(**BY_PASSWORD, username=username))
    assert [line["event"] for line in lines if line["event"].startswith("login")] == ["login.failed"]
    house.away = False
    async with house.sftp(**BY_PASSWORD):
        pass


@pytest.mark.parametrize(
    ("username", "changes", "why"),
    [
        ("nobody", {}, "unknown"),
        (SLUG, {}, "wrong"),
        (SLUG, {"enabled": False}, "disabled"),
        (SLUG, {"allowed_addresses": (ip_network("192.0.2.0/24"),)}, "address"),
        ("madison", {}, "no-password"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_why(house: House, username: str, changes: dict[str, Any], why: str) -> None:
    """The log says why a login was refused, as a code; the client hears nothing of it."""
    house.admit("madison")
    del house.hashes["madison"]
    house.admit(**changes)
    with capture_logs() as lines:
        await fail(house, 1, username=username)
    (refused,) = [line for line in lines if line["event"] == "login.refused"]
    assert (refused["how"], refused["why"]) == ("password", why)
    assert PASSWORD not in str(lines)


async def test_a_hash_of_another_cost_is_renewed(make_house: MakeHouse) -> None:
    """The hash of a right password is made anew at today's cost; who has logged in by the old one stays logged in."""
    house = await make_house(passwords={"passes": 2})
    async with house.sftp(**BY_PASSWORD) as sftp:
        await until(lambda: house.hashes[SLUG] != HASH)
        assert house.hashes[SLUG].startswith("$argon2id$v=19$m=8192,t=2,p=1$")
        (door,) = house.gate.doors
        await until(lambda: door.proof == house.hashes[SLUG])
        await house.gate.logins._end_revoked()
        assert await sftp.exists("/README.txt")
    kept = house.hashes[SLUG]
    async with house.sftp(**BY_PASSWORD):
        pass
    assert house.hashes[SLUG] == kept


# What changes while somebody is logged in


@pytest.mark.parametrize("change", ["disabled", "removed", "key", "password", "address"])
async def test_who_may_no_longer_log_in_is_logged_out(house: House, change: str) -> None:
    """A reload ends what no longer holds, at once and with what was uploading left for a resume; others stay."""
    stop = asyncio.Event()
    watching = asyncio.create_task(house.gate.logins.watch(stop))
    house.admit("madison")
    async with house.sftp(username="madison", **BY_PASSWORD) as other:
        connection = await asyncssh.connect(**house.options(**(BY_PASSWORD if change == "password" else {})))
        sftp = await connection.start_sftp_client()
        file = await sftp.open("schools.csv", "wb")
        await file.write(b"x")
        if change == "disabled":
            house.admit(enabled=False)
        elif change == "removed":
            del house.districts[SLUG]
        elif change == "key":
            house.admit(authorized_keys=())
        elif change == "address":
            house.admit(allowed_addresses=(ip_network("192.0.2.0/24"),))
        else:
            house.hashes[SLUG] = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("another")
        with capture_logs() as lines:
            house.gate.logins.changed.set()
            async with asyncio.timeout(10):
                await connection.wait_closed()
        assert [line["district"] for line in lines if line["event"] == "login.revoked"] == [SLUG]
        await put(other, "schools.csv")
    await until(lambda: house.inbox().open_uploads == 0)
    assert house.inbox().left()["schools.csv"].size == 1
    stop.set()
    house.gate.logins.changed.set()
    await watching


async def test_what_did_not_change_stays(house: House) -> None:
    """A reload without consequences for a district, and a database that is away, log nobody out."""
    async with house.sftp(**BY_PASSWORD) as by_password, house.sftp() as by_key:
        house.admit(name="Lincoln")
        await house.gate.logins._end_revoked()
        house.away = True
        stop = asyncio.Event()
        watching = asyncio.create_task(house.gate.logins.watch(stop))
        house.gate.logins.changed.set()
        await until(lambda: not house.gate.logins.changed.is_set())
        stop.set()
        house.gate.logins.changed.set()
        await watching
        assert await by_password.exists("/README.txt")
        assert await by_key.exists("/README.txt")


# The end


async def test_drain_does_not_wait_for_what_hangs(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping ends in time although a session waits for an answer of the house that never comes."""
    monkeypatch.setattr("rostergate.gate.listening.CLOSING_SECONDS_MAX", 0.2)
    asked = asyncio.Event()

    async def never(*_: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    object.__setattr__(house.gate.services, "on_refusal", never)
    connection = await asyncssh.connect(**house.options())
    sftp = await connection.start_sftp_client()
    opening = asyncio.ensure_future(sftp.open("notes.txt", "wb"))
    await asked.wait()
    with capture_logs() as lines:
        async with asyncio.timeout(5):
            await house.gate.drain(0)
    assert lines[-1]["complete"] is False
    with pytest.raises((asyncssh.Error, OSError)):
        await opening
    await until(lambda: not house.gate._sessions)
