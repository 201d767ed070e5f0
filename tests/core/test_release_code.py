from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostergate.core import release_code

KEY = bytes(range(32))
AT = datetime(2026, 9, 4, 17, 0, tzinfo=UTC)


@given(
    plan=st.integers(1, 2**40 - 1),
    plan_hash=st.text("0123456789abcdef", min_size=8, max_size=64),
    key=st.binary(min_size=32, max_size=32),
)
def test_a_code_says_which_plan_and_until_when(plan: int, plan_hash: str, key: bytes) -> None:
    """What is made can be read, and is genuine with its own key and plan."""
    code = release_code.read(release_code.made(plan, plan_hash, AT, key))
    assert (code.plan, code.expires_at) == (plan, AT)
    assert release_code.genuine(code, plan_hash, key)


def test_a_code_is_good_for_one_plan_and_one_key() -> None:
    """Another plan's hash or another server's key does not fit."""
    code = release_code.read(release_code.made(7, "ab12", AT, KEY))
    assert not release_code.genuine(code, "ab13", KEY)
    assert not release_code.genuine(code, "ab12", bytes(32))


def test_no_character_of_a_code_can_be_changed() -> None:
    """Whatever one character is replaced by, the code is not genuine any more."""
    made = release_code.made(7, "ab12", AT, KEY)
    for place, character in enumerate(made):
        if character != "-":
            other = "3" if character != "3" else "4"
            changed = release_code.read(made[:place] + other + made[place + 1 :])
            assert not release_code.genuine(changed, "ab12", KEY)


def test_a_code_can_be_told_by_telephone() -> None:
    """Case, blanks, missing hyphens and letters that look like digits do no harm."""
    made = release_code.made(7, "ab12", AT, KEY)
    told = made.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert release_code.read(told) == release_code.read(made)
    assert len(made) == 39
    assert not set("ILOU") & set(made)


@pytest.mark.parametrize("between", ["\u2013", "\u2011", "\u00a0", "\n", "\u200b-"])
def test_a_code_can_be_pasted(between: str) -> None:
    """Dashes, hyphens and blanks of a word processor, and a line end of a mail program, do no harm."""
    made = release_code.made(7, "ab12", AT, KEY)
    assert release_code.read(made.replace("-", between)) == release_code.read(made)


@pytest.mark.parametrize("text", ["", "ABC", "U" * 32, "é" * 32, "0" * 33])
def test_what_is_no_code_is_refused(text: str) -> None:
    """A text of another length or with other characters is no code."""
    with pytest.raises(ValueError, match="no release code"):
        release_code.read(text)
