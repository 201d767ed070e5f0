import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from gate.house import PASSWORD, SLUG, House

DATA = b"school_id,school_name\n" + b"1,Lincoln High\n" * 50_000


async def run(*command: str) -> tuple[int, str]:
    """Run a program to its end; return its exit status and everything it wrote."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


@pytest.fixture
def key(house: House, tmp_path: Path) -> Path:
    """Write the client's key."""
    path = tmp_path / "id"
    path.write_bytes(house.key.export_private_key())
    path.chmod(0o600)
    return path


@pytest.fixture
def ssh_options(key: Path) -> list[str]:
    """Return the options every OpenSSH program takes."""
    return [
        *("-F", "/dev/null", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
        *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
    ]


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    """Write a file to upload."""
    path = tmp_path / "schools.csv"
    path.write_bytes(DATA)
    return path


async def sftp(house: House, program: str, options: list[str], tmp_path: Path, *lines: str) -> tuple[int, str]:
    """Run OpenSSH's sftp on a list of commands."""
    commands = tmp_path / "commands"
    commands.write_text("\n".join(lines))
    return await run(program, *options, "-P", str(house.gate.port), "-b", str(commands), f"{SLUG}@127.0.0.1")


@pytest.mark.client("sftp")
async def test_openssh_sftp(house: House, program: str, ssh_options: list[str], roster: Path, tmp_path: Path) -> None:
    """OpenSSH's sftp puts (with times kept), lists, renames and reads the rules."""
    status, text = await sftp(
        house,
        program,
        ssh_options,
        tmp_path,
        f"put -p {roster} schools.csv",
        f"put {roster} teachers.csv.tmp",
        "rename teachers.csv.tmp teachers.csv",
        "ls -l",
        f"get README.txt {tmp_path}/README.txt",
    )
    assert status == 0, text
    assert house.committed() == {"schools.csv": DATA, "teachers.csv": DATA}
    assert str(len(DATA)) in text
    assert "school_id,school_name" in (tmp_path / "README.txt").read_text()


@pytest.mark.client("sftp")
async def test_openssh_sftp_resumes(
    house: House, program: str, ssh_options: list[str], roster: Path, tmp_path: Path
) -> None:
    """OpenSSH's `reput` finishes an upload that was cut off."""
    upload = house.inbox().begin("schools.csv")
    upload.write(0, DATA[:100_000])
    upload.leave()
    status, text = await sftp(house, program, ssh_options, tmp_path, f"reput {roster} schools.csv")
    assert status == 0, text
    assert house.committed() == {"schools.csv": DATA}


@pytest.mark.client("sftp")
async def test_openssh_sftp_is_refused(
    house: House, program: str, ssh_options: list[str], roster: Path, tmp_path: Path
) -> None:
    """A wrong name makes OpenSSH's sftp end with an error."""
    status, _ = await sftp(house, program, ssh_options, tmp_path, f"put {roster} Schools.csv")
    assert status != 0
    assert house.committed() == {}


@pytest.mark.client("scp")
async def test_openssh_scp(house: House, program: str, ssh_options: list[str], roster: Path) -> None:
    """OpenSSH's scp uploads over SFTP, into the root or under a name, with times kept."""
    port = str(house.gate.port)
    for target in ("", "/", "teachers.csv"):
        status, text = await run(program, *ssh_options, "-p", "-P", port, str(roster), f"{SLUG}@127.0.0.1:{target}")
        assert status == 0, text
    assert house.committed() == {"schools.csv": DATA, "teachers.csv": DATA}


@pytest.mark.client("scp")
async def test_openssh_scp_of_old(house: House, program: str, ssh_options: list[str], roster: Path) -> None:
    """`scp -O` is told what to use instead."""
    port = str(house.gate.port)
    status, text = await run(program, *ssh_options, "-O", "-P", port, str(roster), f"{SLUG}@127.0.0.1:/")
    assert status != 0
    assert "use sftp, or scp without -O" in text


def lftp(house: House, program: str, key: Path, commands: str) -> Coroutine[Any, Any, tuple[int, str]]:
    """Run lftp on some commands."""
    connect = "ssh -a -x -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    settings = (
        f'set sftp:connect-program "{connect} -o BatchMode=yes -i {key}"; set net:max-retries 1; set cmd:fail-exit yes'
    )
    return run(program, "-c", f"{settings}; open -u {SLUG},x sftp://127.0.0.1:{house.gate.port}; {commands}")


@pytest.mark.client("sftp")
@pytest.mark.parametrize("line", ["cd upload", "put {} upload/", "put {} /upload/schools.csv", "ls upload"])
async def test_a_folder_that_is_not_there(
    house: House, program: str, ssh_options: list[str], roster: Path, tmp_path: Path, line: str
) -> None:
    """Whoever is used to a folder that this server does not have reads what to do instead."""
    status, text = await sftp(house, program, ssh_options, tmp_path, line.format(roster))
    assert status == 1
    assert "put the files into / itself" in text or "upload is not a file of this district's format" in text, text
    assert house.refusals


@pytest.mark.client("lftp")
@pytest.mark.parametrize("temporary", ["no", "yes"])
async def test_lftp(house: House, program: str, key: Path, roster: Path, temporary: str) -> None:
    """Lftp puts, also under its temporary names, and lists."""
    status, text = await lftp(
        house, program, key, f"set xfer:use-temp-file {temporary}; put {roster}; put {roster}; cls -l --size"
    )
    assert status == 0, text
    assert house.committed() == {"schools.csv": DATA}
    assert str(len(DATA)) in text


@pytest.mark.client("lftp")
async def test_lftp_resumes(house: House, program: str, key: Path, roster: Path) -> None:
    """Lftp's `put -c` finishes an upload that was cut off."""
    upload = house.inbox().begin("schools.csv")
    upload.write(0, DATA[:100_000])
    upload.leave()
    status, text = await lftp(house, program, key, f"put -c {roster}")
    assert status == 0, text
    assert house.committed() == {"schools.csv": DATA}


@pytest.mark.client("curl")
async def test_curl(house: House, program: str, key: Path, roster: Path) -> None:
    """Curl uploads, where it can speak SFTP."""
    status, text = await run(program, "--version")
    if "sftp" not in text:
        pytest.skip("this curl does not speak SFTP")
    status, text = await run(
        *(program, "-sS", "-k", "-u", f"{SLUG}:", "--key", str(key)),
        *("-T", str(roster), f"sftp://127.0.0.1:{house.gate.port}/schools.csv"),
    )
    assert status == 0, text
    assert house.committed() == {"schools.csv": DATA}


@pytest.mark.client("rclone")
@pytest.mark.parametrize("size", [100_000, 1_000_000])
async def test_rclone(house: House, program: str, tmp_path: Path, size: int) -> None:
    """Rclone uploads what takes it several writes, many at once and the last one longer than its data."""
    (tmp_path / "set").mkdir()
    files = {"schools.csv": (DATA * 2)[:size], "teachers.csv": (DATA * 2)[: size + 1]}
    for name, data in files.items():
        (tmp_path / "set" / name).write_bytes(data)
    _, obscured = await run(program, "--config", "/dev/null", "obscure", PASSWORD)
    place = f":sftp,host=127.0.0.1,port={house.gate.port},user={SLUG},pass={obscured.strip()}:/"
    more = ("--config", "/dev/null", "--low-level-retries", "1", "--retries", "1", "--ignore-times")
    status, text = await run(program, *more, "copy", str(tmp_path / "set"), place)
    assert status == 0, text
    assert house.committed() == files
