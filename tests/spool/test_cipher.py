from __future__ import annotations

import base64
import io
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostergate.spool.cipher import (
    KEY_BYTES,
    MAGIC,
    PIECE_BYTES,
    CipherDamagedError,
    KeyUnusableError,
    decrypted,
    encrypted,
    keys_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY, OTHER = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
HEAD = len(MAGIC) + 8 + 16
PIECE = PIECE_BYTES + 16
NAME = "lincoln-00017/students.csv"


def sealed(data: bytes, keys: tuple[bytes, ...] = (KEY,)) -> bytes:
    """Return the encrypted file."""
    return b"".join(encrypted([data], NAME, keys))


def opened(data: bytes, keys: tuple[bytes, ...] = (KEY,), name: str = NAME) -> bytes:
    """Return what it was."""
    return b"".join(decrypted(io.BytesIO(data), name, keys))


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_what_was_encrypted_comes_back(size: int) -> None:
    """At every size around that of a piece; nothing of it can be read meanwhile."""
    data = os.urandom(size)
    there = sealed(data)
    assert opened(there) == data
    assert size < 16 or data[:16] not in there


@given(st.lists(st.binary(max_size=200_000), max_size=4))
def test_pieces_of_any_length_can_be_given(pieces: list[bytes]) -> None:
    """How the bytes come makes no difference."""
    assert opened(b"".join(encrypted(pieces, NAME, (KEY,)))) == b"".join(pieces)


def test_a_large_file_takes_a_piece_of_memory() -> None:
    """What goes in is not held on to: each piece comes out before much more has gone in."""
    taken = 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(64):
            taken += 1
            yield b"x" * PIECE_BYTES

    for number, _ in enumerate(encrypted(pieces(), NAME, (KEY,))):
        assert taken <= number + 1


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-1], id="a byte is missing at the end"),
        pytest.param(lambda data: data[: HEAD + PIECE], id="cut off after a whole piece"),
        pytest.param(lambda data: data[:HEAD], id="cut off after the head"),
        pytest.param(lambda data: data[: HEAD - 1], id="cut off within the head"),
        pytest.param(lambda data: data + b"x", id="a byte too many"),
        pytest.param(
            lambda data: (
                data[:HEAD]
                + data[HEAD + PIECE : HEAD + 2 * PIECE]
                + data[HEAD : HEAD + PIECE]
                + data[HEAD + 2 * PIECE :]
            ),
            id="two pieces exchanged",
        ),
        pytest.param(lambda data: data[:HEAD] + data[HEAD + PIECE :], id="a piece left out"),
        pytest.param(lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:], id="a bit turned over"),
        pytest.param(lambda data: b"school_id,name\n" + data, id="no such file at all"),
    ],
)
def test_damage_is_noticed(damage: Callable[[bytes], bytes]) -> None:
    """Whatever has happened to a file, it is never taken for another one."""
    there = sealed(os.urandom(2 * PIECE_BYTES + 100))
    with pytest.raises(CipherDamagedError, match="damaged"):
        opened(damage(there))


def test_a_file_cannot_stand_in_for_another() -> None:
    """The name under which it was encrypted is checked."""
    with pytest.raises(CipherDamagedError):
        opened(sealed(b"1,2\n"), name="lincoln-00018/students.csv")


def test_keys_can_be_changed() -> None:
    """The first one encrypts, all decrypt; without the one that is needed its id is told, and no key."""
    old = sealed(b"1,2\n")
    assert opened(old, (OTHER, KEY)) == b"1,2\n"
    assert opened(sealed(b"3\n", (OTHER, KEY)), (OTHER,)) == b"3\n"
    with pytest.raises(KeyUnusableError, match=r"was encrypted with the key [0-9a-f]{16}, which is not in") as refused:
        opened(old, (OTHER,))
    assert KEY.hex()[:16] not in str(refused.value)


def test_a_key_file_is_read(tmp_path: Path) -> None:
    """One key in a line, in base64; comments and blank lines do not count."""
    path = tmp_path / "key"
    path.write_bytes(b"# of 2026\n" + base64.b64encode(KEY) + b"\n\n" + base64.b64encode(OTHER) + b"\n")
    assert keys_in(path) == (KEY, OTHER)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "no such file", id="no file"),
        pytest.param(b"\n# none\n", "expected 1 to 100 keys, found 0", id="no key"),
        pytest.param(base64.b64encode(b"too short"), "line 1: expected 32 bytes in base64", id="a short key"),
        pytest.param(b"secret-but-no-base64!", "line 1: expected 32 bytes in base64", id="no base64"),
    ],
)
def test_a_key_file_that_cannot_be_used_says_why(tmp_path: Path, text: bytes | None, said: str) -> None:
    """The file and the line are named, and nothing of what stands in them."""
    path = tmp_path / "key"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(KeyUnusableError, match=said) as refused:
        keys_in(path)
    assert "secret" not in str(refused.value)
