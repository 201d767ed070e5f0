"""The modern port, as ssh-audit judges it."""

import asyncio

import pytest

from gate.house import House


@pytest.mark.client("ssh-audit")
@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
async def test_no_failure(house: House, program: str) -> None:
    """ssh-audit finds nothing on the modern port that it calls a failure."""
    process = await asyncio.create_subprocess_exec(
        *(program, "--batch", "--no-colors", "--timeout", "60", "--port", str(house.gate.port), "127.0.0.1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert "(kex) curve25519-sha256" in said, said
    assert [line for line in said.splitlines() if "[fail]" in line] == []
