"""The legacy port: what old clients can do there, and who may come in by it."""

from typing import Any

import asyncssh
import pytest

from gate.house import PASSWORD, House, until

pytestmark = pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
OLD = {
    "kex_algs": ["diffie-hellman-group14-sha1"],
    "encryption_algs": ["aes128-cbc"],
    "mac_algs": ["hmac-sha1"],
    "server_host_key_algs": ["ssh-rsa"],
    "signature_algs": ["ssh-rsa"],
}
NEVER = {
    "kex_algs": ["diffie-hellman-group1-sha1"],
    "encryption_algs": ["3des-cbc", "arcfour"],
    "mac_algs": ["hmac-md5"],
    "server_host_key_algs": ["ssh-dss"],
}


@pytest.fixture
async def legacy(house: House) -> House:
    """Give a house whose district may use its legacy port."""
    await house.gate.listen("127.0.0.1", 0, legacy=True)
    house.admit(legacy=True)
    return house


@pytest.mark.parametrize("kind", OLD)
async def test_what_an_old_client_knows(legacy: House, kind: str) -> None:
    """Each old algorithm is taken on the legacy port, and is unknown on the modern one."""
    client = {"encryption_algs": ["aes128-ctr"], kind: OLD[kind], "client_keys": None, "password": PASSWORD}
    async with legacy.sftp(**client, port=legacy.gate.legacy_port) as sftp:
        assert "README.txt" in await sftp.listdir("/")
    if kind != "signature_algs":  # a password needs no signature of the client's
        with pytest.raises(asyncssh.KeyExchangeFailed):
            await asyncssh.connect(**legacy.options(**client))


async def test_all_at_once(legacy: House) -> None:
    """A client that knows nothing else comes in, and uploads."""
    async with (
        legacy.sftp(**OLD, client_keys=None, password=PASSWORD, port=legacy.gate.legacy_port) as sftp,
        sftp.open("schools.csv", "wb") as file,
    ):
        await file.write(b"x")
    assert legacy.committed() == {"schools.csv": b"x"}


async def test_what_hides_the_beginning_of_cbc_stays(legacy: House) -> None:
    """An empty packet goes before each other one on this port: what CBC sends next can be foretold otherwise."""
    async with (
        asyncssh.connect(
            **legacy.options(**OLD, client_keys=None, password=PASSWORD, port=legacy.gate.legacy_port)
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):
        before = connection._recv_seq
        await sftp.realpath(".")
        assert connection._recv_seq - before == 2


async def test_a_key_of_that_age(legacy: House) -> None:
    """An RSA key that signs with SHA-1 lets its district in by the legacy port and by no other."""
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2_048)
    legacy.admit(legacy=True, authorized_keys=(key.export_public_key().decode().strip(),))
    (pair,) = asyncssh.load_keypairs([key])
    pair.sig_algorithms = (b"ssh-rsa",)
    pair.set_sig_algorithm(b"ssh-rsa")
    old = {"client_keys": [pair], "signature_algs": ["ssh-rsa"]}
    async with legacy.sftp(**old, port=legacy.gate.legacy_port):
        pass
    with pytest.raises(asyncssh.Error):
        await asyncssh.connect(**legacy.options(**old))


@pytest.mark.parametrize("kind", NEVER)
async def test_what_is_broken_stays_out(legacy: House, kind: str) -> None:
    """What can be broken in practice is offered on no port."""
    with pytest.raises((asyncssh.KeyExchangeFailed, ValueError)):
        await asyncssh.connect(
            **legacy.options(**{"encryption_algs": ["aes128-ctr"], kind: NEVER[kind]}, port=legacy.gate.legacy_port)
        )


async def test_only_listed_districts(legacy: House) -> None:
    """A district whose file does not allow it is refused on the legacy port, and comes in by the other."""
    legacy.admit(legacy=False)
    right: dict[str, Any] = {"client_keys": None, "password": PASSWORD}
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(**legacy.options(**right, port=legacy.gate.legacy_port))
    async with legacy.sftp(**right):
        pass
    assert legacy.legacy_logins == []


async def test_a_modern_client_may_use_either(legacy: House) -> None:
    """On the legacy port a modern client gets modern algorithms all the same."""
    async with asyncssh.connect(**legacy.options(port=legacy.gate.legacy_port)) as connection:
        assert connection.get_extra_info("send_cipher") == "aes256-gcm@openssh.com"


async def test_who_comes_in_is_noted(legacy: House) -> None:
    """Each login by the legacy port is told to the house, with what the client calls itself and agreed to."""
    async with legacy.sftp(**OLD, client_keys=None, password=PASSWORD, port=legacy.gate.legacy_port):
        pass
    async with legacy.sftp():
        pass
    await until(lambda: legacy.legacy_logins)
    ((slug, login),) = legacy.legacy_logins
    assert (slug, login.cipher, login.mac) == ("lincoln", "aes128-cbc", "hmac-sha1")
    assert "AsyncSSH" in login.client


async def test_there_is_none_by_default(house: House) -> None:
    """Nobody listens with old algorithms unless the settings say so."""
    assert house.gate.services.settings.server.legacy_port == 0
    assert house.gate.legacy_port == 0
