"""What a command shows of what a district has sent: a name must neither move the cursor nor turn a line."""

from __future__ import annotations

import re
from typing import Final

_COMMANDS: Final = r"\x00-\x09\x0b-\x1f\x7f-\x9f"
_BREAKS_AND_DIRECTIONS: Final = r"\u2028\u2029\u202a-\u202e\u2066-\u2069"
_HARMFUL: Final = re.compile(f"[{_COMMANDS}{_BREAKS_AND_DIRECTIONS}]")


def shown(text: object) -> str:
    """Return the text with a sign in place of what a terminal takes for a command or turns by; line feeds stay."""
    return _HARMFUL.sub("\ufffd", str(text))
