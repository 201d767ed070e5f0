"""Who gets to the door: allow-lists, balancers, IPv6, and the end of what came in."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import asyncssh
import pytest
from structlog.testing import capture_logs

from gate.house import PASSWORD, House, reaching, until
from gate.test_limits import hear
from gate.test_proxy import version_2
from rostergate.gate.proxy import SIGNATURE

BALANCED = {"proxy_protocol_from": ["127.0.0.1/32"]}
HEADERS = {
    "version 1": b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 2222\r\n",
    "version 2": version_2(),
}


Dial = Callable[[House, bytes], socket.socket]


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Open connections that send some bytes first, and close them at the end."""
    with contextlib.ExitStack() as opened:

        def dialled(house: House, header: bytes) -> socket.socket:
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", house.gate.port)))
            connection.sendall(header)
            connection.settimeout(0)
            return connection

        yield dialled


async def said(connection: socket.socket) -> bytes:
    """Return the first bytes that the server says, or nothing when it ends the connection."""
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            return await asyncio.get_running_loop().sock_recv(connection, 1_000)
    return b""


def options(house: House, connection: socket.socket, **changes: Any) -> dict[str, Any]:
    """Return a client's options over a connection that is there already."""
    kept = {name: value for name, value in house.options(**changes).items() if name not in {"host", "port"}}
    return {"sock": connection, **kept}


# Balancers


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
async def test_the_address_of_the_header_counts(make_house: Any, dial: Dial, header: bytes) -> None:
    """Behind a balancer the log, the allow-list and the throttle see the address that the header names."""
    house = await make_house(server=BALANCED)
    house.admit(allowed_addresses=["192.0.2.7"])
    with capture_logs() as lines:
        async with asyncssh.connect(**options(house, dial(house, header))):
            pass
    assert {line["address"] for line in lines if line["event"] == "login.accepted"} == {"192.0.2.7"}
    house.admit(allowed_addresses=["127.0.0.1"])
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(**options(house, dial(house, header), password="wrong"))
    assert set(house.gate.throttle._addresses.by_name) == {"192.0.2.7"}


async def test_the_address_of_the_header_is_counted_and_banned(make_house: Any, dial: Dial) -> None:
    """One client behind a balancer that has used up its connections or is banned leaves room for the others."""
    house = await make_house(server=BALANCED | {"unauthenticated_per_address_max": 1})
    first = dial(house, HEADERS["version 1"])
    assert (await said(first)).startswith(b"SSH-2.0")
    with reaching("server.unauthenticated_per_address_max"):
        assert await said(dial(house, HEADERS["version 2"])) == b""
    other = HEADERS["version 1"].replace(b"192.0.2.7", b"192.0.2.8")
    assert (await said(dial(house, other))).startswith(b"SSH-2.0")
    first.close()
    for _ in range(12):
        house.gate.throttle.failed("nobody", "192.0.2.7")
    assert await said(dial(house, HEADERS["version 1"])) == b""
    assert (await said(dial(house, HEADERS["version 1"].replace(b".7 ", b".9 ")))).startswith(b"SSH-2.0")


@pytest.mark.parametrize(
    "header",
    [b"PROXY UNKNOWN\r\n", version_2(command=0x20), version_2(command=0x20, kind=0, addresses=b"")],
    ids=["unknown", "local", "local without addresses"],
)
async def test_a_balancers_own_connections(make_house: Any, dial: Dial, header: bytes) -> None:
    """A balancer's health checks are answered, under its own address, and however many they are they ban nobody."""
    house = await make_house(server=BALANCED, throttle={"address_points_max": 2.0, "unfinished_points": 1.0})
    for _ in range(5):
        connection = dial(house, header)
        assert (await said(connection)).startswith(b"SSH-2.0")
        connection.close()
        await until(lambda: house.gate.guests.connections == 0)


@pytest.mark.parametrize(
    "header",
    [b"SSH-2.0-client\r\n", b"PROXY TCP4 nobody 10.0.0.1 1 2\r\n", version_2(kind=0x12)],
    ids=["none", "bad version 1", "bad version 2"],
)
async def test_a_balancer_without_a_header_is_refused(make_house: Any, dial: Dial, header: bytes) -> None:
    """What comes from a balancer without a valid header is ended before a byte of SSH, and told."""
    house = await make_house(server=BALANCED)
    with capture_logs() as lines:
        assert await said(dial(house, header)) == b""
    (told,) = lines
    assert (told["event"], told["why"], told["address"]) == ("connection.refused", "proxy-header", "127.0.0.1")
    assert told["reason"]


async def test_a_header_from_elsewhere_is_no_ssh(make_house: Any, dial: Dial) -> None:
    """A client that is no balancer cannot say who it is: its header is taken for SSH and fails as that."""
    house = await make_house(server={"proxy_protocol_from": ["192.0.2.0/24"]})
    connection = dial(house, HEADERS["version 1"])
    heard = b""
    while more := await said(connection):
        heard += more
    assert heard.startswith(b"SSH-2.0-rostergate")
    await until(lambda: house.gate.guests.connections == 0)
    assert not house.gate.throttle.address_banned("192.0.2.7")
    assert "192.0.2.7" not in house.gate.throttle._addresses.by_name


async def test_header_bytes(make_house: Any, dial: Dial) -> None:
    """A header that announces more than the limit is refused without waiting for the rest."""
    house = await make_house(server=BALANCED | {"proxy_header_bytes_max": 200})
    with capture_logs() as lines:
        assert await said(dial(house, SIGNATURE + bytes([0x21, 0x11]) + (200).to_bytes(2, "big"))) == b""
    assert "server.proxy_header_bytes_max" in {line.get("limit") for line in lines}
    assert (await said(dial(house, version_2(addresses=bytes(180))))).startswith(b"SSH-2.0")


async def test_header_seconds(make_house: Any, dial: Dial) -> None:
    """A balancer's connection whose header does not arrive in time is ended."""
    house = await make_house(server=BALANCED | {"proxy_header_seconds_max": 1})
    with reaching("server.proxy_header_seconds_max"):
        assert await said(dial(house, b"PROXY TCP4 192.0.2.7")) == b""


async def test_headers_waited_for(make_house: Any, dial: Dial) -> None:
    """Connections whose header has not arrived count as not logged in."""
    house = await make_house(server=BALANCED | {"unauthenticated_max": 1})
    waiting = dial(house, b"PROXY")
    with reaching("server.unauthenticated_max"):
        assert await said(dial(house, HEADERS["version 1"])) == b""
    waiting.close()


async def test_stopping_ends_what_waits_for_a_header(make_house: Any, dial: Dial) -> None:
    """Stopping does not wait for a header to arrive."""
    house = await make_house(server=BALANCED | {"proxy_header_seconds_max": 60})
    connection = dial(house, b"PROXY")
    (entrance,) = house.gate._entrances
    await until(lambda: entrance._introducing)
    async with asyncio.timeout(10):
        await house.gate.drain(0)
    assert await said(connection) == b""


# Allow-lists


@pytest.mark.parametrize(
    ("network", "admitted"),
    [
        ("127.0.0.1", True),
        ("127.0.0.0/8", True),
        ("::ffff:127.0.0.0/104", True),
        ("::ffff:127.0.0.1", True),
        ("127.0.0.2", False),
        ("::/0", True),
        ("2001:db8::/32", False),
    ],
)
async def test_a_districts_list(house: House, network: str, admitted: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A district is let in from its list, by either way to write an IPv4 network, and from nowhere else."""
    house.admit(allowed_addresses=[network])
    right = {"client_keys": None, "password": PASSWORD}
    if admitted:
        async with house.sftp(**right):
            pass
    else:
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(**house.options(**right))


async def test_the_servers_list(make_house: Any) -> None:
    """From outside the whole server's list there is not even a banner."""
    house = await make_house(server={"allowed_addresses": ["127.0.0.2", "2001:db8::/32"]})
    assert await hear(house.gate.port) == b""
    assert await hear(house.gate.port, local_addr=("127.0.0.2", 0))


def listening_on_both() -> socket.socket:
    """Return a socket that takes IPv6 and IPv4, as systemd's `ListenStream=2222` makes it; skip where there is none."""
    try:
        return socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    except OSError:
        pytest.skip("this machine has no IPv6")


async def test_an_ipv4_client_on_an_ipv6_socket(make_house: Any) -> None:
    """A client whose address arrives as ::ffff:127.0.0.1 is 127.0.0.1 for lists, throttle and log."""
    house = await make_house(server={"allowed_addresses": ["127.0.0.0/8"]})
    house.admit(allowed_addresses=["127.0.0.1"])
    await house.gate.listen(sock=listening_on_both())
    port = house.gate._entrances[-1].port
    with capture_logs() as lines:
        async with asyncssh.connect(**house.options(port=port)):
            pass
    assert {line["address"] for line in lines if line["event"] == "login.accepted"} == {"127.0.0.1"}
    assert await hear_over_six(port) == b""


async def hear_over_six(port: int) -> bytes:
    """Return what the server says to ::1."""
    reader, writer = await asyncio.open_connection("::1", port)
    with contextlib.suppress(ConnectionError):
        said = await reader.readline()
        writer.close()
        return said
    return b""


async def test_an_ipv6_client(make_house: Any) -> None:
    """A client over IPv6 is let in from a list that has its network."""
    house = await make_house(server={"allowed_addresses": ["::1/128"]})
    await house.gate.listen(sock=listening_on_both())
    assert (await hear_over_six(house.gate._entrances[-1].port)).startswith(b"SSH-2.0")


@pytest.mark.parametrize("host", ["localhost", "::", "0.0.0.0"])
async def test_listening_addresses(house: House, host: str) -> None:
    """A name is listened on at every address it has, on one port; "::" takes IPv4 clients as well."""
    listening_on_both().close()
    await house.gate.listen(host, 0)
    ports = {one.port for one in house.gate._entrances[1:]}
    assert len(ports) == 1
    assert (await hear(ports.pop())).startswith(b"SSH-2.0")


async def test_no_descriptors_left(house: House) -> None:
    """When the process has no descriptors left, connections wait in the kernel and are served when it has again."""
    (entrance,) = house.gate._entrances
    accept: Callable[[], Any] = entrance._listening.accept
    fails = iter([OSError(24, "Too many open files")])

    class Full:
        """The listening socket, whose first accept fails."""

        def accept(self) -> Any:
            for error in fails:
                raise error
            return accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(listening, name)

    listening, entrance._listening = entrance._listening, Full()  # type: ignore[assignment]
    with capture_logs() as lines:
        assert (await hear(house.gate.port)).startswith(b"SSH-2.0")
    assert [line["why"] for line in lines if line["event"] == "connection.refused"] == ["no-descriptors"]
