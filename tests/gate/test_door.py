import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from asyncssh.packet import Byte, String, UInt32

from gate.house import PASSWORD, SLUG, House, until
from gate.raw import raw
from rostergate.gate.session import NO_SHELL, SFTP_ONLY
from rostergate.spool.folders import Area


async def refusal(house: House, **options: Any) -> asyncssh.Error:
    """Return the error a login ends with."""
    with pytest.raises(asyncssh.Error) as caught:
        async with house.sftp(**{"client_keys": None, **options}):
            pass
    return caught.value


async def test_password(house: House) -> None:
    """The right password lets the district in."""
    async with house.sftp(client_keys=None, password=PASSWORD) as sftp:
        assert "README.txt" in await sftp.listdir("/")


async def test_keyboard_interactive(house: House) -> None:
    """The password is taken when the client sends it in answer to a question, too."""
    async with house.sftp(client_keys=None, password=PASSWORD, preferred_auth="keyboard-interactive"):
        pass


async def test_key(house: House) -> None:
    """One of the district's keys lets it in, and a reload that removes the key shuts it out."""
    async with house.sftp():
        pass
    house.admit(authorized_keys=())
    assert isinstance(await refusal(house, client_keys=[house.key]), asyncssh.PermissionDenied)


async def test_unknown_user_reads_the_same(house: House) -> None:
    """An unknown user, a disabled one and a wrong password get the same answer."""
    house.admit("closed", enabled=False)
    house.admit("elsewhere", allowed_addresses=(ip_network("192.0.2.0/24"),))
    answers = {
        (type(error), str(error).replace(name, "<user>"))
        for name, password in (
            (SLUG, "wrong"),
            ("nobody", "wrong"),
            ("closed", PASSWORD),
            ("elsewhere", PASSWORD),
            ("../etc", PASSWORD),
        )
        for error in [await refusal(house, username=name, password=password)]
    }
    assert len(answers) == 1


async def test_unknown_user_costs_the_same(house: House) -> None:
    """Checking the password of an unknown user does the same argon2 work as checking a wrong one."""
    checked: list[str] = []
    verify = house.gate.passwords._same
    house.gate.passwords._same = lambda stored, password: checked.append(stored) or verify(stored, password)  # type: ignore[method-assign]
    await refusal(house, password="wrong")
    await refusal(house, username="nobody", password="wrong")
    assert len(checked) == 2
    assert all(one.startswith("$argon2id$v=19$m=8192,t=1,p=1$") for one in checked)


async def test_allowed_address(house: House) -> None:
    """A district with an allow-list is let in from there."""
    house.admit(allowed_addresses=(ip_network("127.0.0.0/8"),))
    async with house.sftp():
        pass


async def test_nothing_but_sftp(house: House) -> None:
    """Forwarding, other subsystems and variables are refused."""
    async with asyncssh.connect(**house.options()) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process(subsystem="netconf")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", house.gate.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 1)


@pytest.mark.client("ssh")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-Y", "-s"], "X11 forwarding request failed"),
        (["-tt", "-s"], "PTY allocation request failed"),
        (["-W", "127.0.0.1:22"], "open failed"),
        (["-R", "0:127.0.0.1:22", "-o", "ExitOnForwardFailure=yes", "-N"], "remote port forwarding failed"),
    ],
    ids=["x11", "terminal", "to others", "from others"],
)
async def test_nothing_is_forwarded(house: House, program: str, tmp_path: Path, options: list[str], said: str) -> None:
    """OpenSSH's client gets no screen, no terminal and no port, whatever it asks for."""
    (tmp_path / "xauth").write_text("#!/bin/sh\necho 'd MIT-MAGIC-COOKIE-1 00000000000000000000000000000000'\n")
    (tmp_path / "xauth").chmod(0o700)
    _, out = await _ssh(house, program, tmp_path, "-v", "-o", f"XAuthLocation={tmp_path / 'xauth'}", *options)
    assert said in out, out
    assert "Authenticated to" in out


async def _ssh(house: House, program: str, tmp_path: Path, *options: str) -> tuple[int | None, str]:
    """Log in with OpenSSH's client; return its status and all that it says."""
    key = tmp_path / "id"
    key.write_bytes(house.key.export_private_key())
    key.chmod(0o600)
    process = await asyncio.create_subprocess_exec(
        *(program, "-F", "none", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
        *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-p", str(house.gate.port)),
        *(*options, f"{SLUG}@127.0.0.1", *(["sftp"] if "-s" in options else [])),
        env={"PATH": os.environ["PATH"], "DISPLAY": "127.0.0.1:99"},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.parametrize("asked", ["auth-agent-req@openssh.com", "x11-req", "pty-req", "env"])
async def test_requests_of_a_channel(house: House, asked: str) -> None:
    """On a channel nothing is granted but SFTP, and a shell or a command, to say no in words."""
    fields = {
        "x11-req": (Byte(0), String("MIT-MAGIC-COOKIE-1"), String("00"), UInt32(0)),
        "pty-req": (String("xterm"), UInt32(80), UInt32(24), UInt32(0), UInt32(0), String("")),
        "env": (String("LANG"), String("C")),
    }
    async with raw(house) as client:
        channel: Any = client._writer.channel
        assert not await channel._make_request(asked.encode(), *fields.get(asked, ()))
        await client.start()


async def test_a_client_that_has_gone_silent(make_house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is asked whether it is there, and does not answer, is taken to have gone; its upload waits."""
    monkeypatch.setattr("rostergate.gate.listening.KEEPALIVE_SECONDS", 0.1)
    house = await make_house()
    connection = await asyncssh.connect(**house.options())
    sftp = await connection.start_sftp_client()
    file = await sftp.open("schools.csv", "wb")
    await file.write(b"x")
    vars(connection)["data_received"] = lambda *_: None  # as one whose network has gone
    await until(lambda: not house.gate.doors)
    await until(lambda: house.inbox().open_uploads == 0)
    assert house.inbox().left()["schools.csv"].size == 1
    connection.abort()


async def test_exec_is_told_what_to_use(house: House) -> None:
    """A command is answered with one line on stderr and exit status 1; of `scp -O` the district hears as well."""
    async with asyncssh.connect(**house.options()) as connection:
        looked = await connection.run("echo ${ShellId}%ComSpec%")  # so does rclone, and goes on
        assert house.refusals == []
        done = await connection.run("/usr/bin/scp -p -t /")
    assert (looked.exit_status, done.exit_status) == (1, 1)
    assert looked.stderr == f"{SFTP_ONLY}\n"
    assert done.stderr == f"rostergate: {SFTP_ONLY}\n"
    assert house.refusals == [(SLUG, Area.UPLOAD, "", SFTP_ONLY)]


async def test_who_asks_for_a_shell_is_told_what_to_use(house: House) -> None:
    """One line on stderr, and exit status 1; so does WinSCP in its SCP mode."""
    async with asyncssh.connect(**house.options()) as connection:
        told = await connection.run()
    assert (told.exit_status, told.stdout, told.stderr) == (1, "", f"{NO_SHELL}\n")
    assert house.refusals == []


@pytest.mark.client("ssh")
async def test_a_person_who_wants_a_shell_reads_why_not(house: House, program: str, tmp_path: Path) -> None:
    """OpenSSH's client shows the line, and ends with status 1."""
    status, out = await _ssh(house, program, tmp_path, "-T")
    assert (status, NO_SHELL in out) == (1, True), out


@pytest.mark.parametrize(
    "weak",
    [
        {"kex_algs": ["diffie-hellman-group14-sha1"]},
        {"encryption_algs": ["aes256-cbc"]},
        {"mac_algs": ["hmac-sha1"], "encryption_algs": ["aes256-ctr"]},
    ],
)
async def test_weak_algorithms(house: House, weak: dict[str, list[str]]) -> None:
    """A client that only knows SHA-1 or CBC cannot connect."""
    with pytest.raises(asyncssh.KeyExchangeFailed):
        await asyncssh.connect(**house.options(**weak))


@pytest.mark.parametrize("kind", ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"])
async def test_host_keys(house: House, kind: str) -> None:
    """The server has an ed25519 and an RSA key."""
    async with house.sftp(server_host_key_algs=[kind]):
        pass


async def test_drain_lets_an_upload_end(house: House) -> None:
    """Stopping waits for an upload in progress, and takes no new connection meanwhile."""
    connection = await asyncssh.connect(**house.options())
    sftp = await connection.start_sftp_client()
    file = await sftp.open("schools.csv", "wb")
    await file.write(b"x")
    drained = asyncio.create_task(house.gate.drain(10))
    await until(lambda: house.gate.draining)
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the kernel
        await asyncssh.connect(**house.options(port=house.gate.port or 1))
    await file.close()
    async with asyncio.timeout(5):
        await drained
    assert house.committed() == {"schools.csv": b"x"}


async def test_drain_cuts_off_what_takes_too_long(house: House) -> None:
    """Stopping leaves an upload that does not end in time aside for a resume."""
    connection = await asyncssh.connect(**house.options())
    sftp = await connection.start_sftp_client()
    file = await sftp.open("schools.csv", "wb")
    await file.write(b"x")
    await house.gate.drain(0)
    assert house.committed() == {}
    assert house.inbox().left()["schools.csv"].size == 1
