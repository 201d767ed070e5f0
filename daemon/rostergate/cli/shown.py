"""What a command shows of what a district has sent: a name must neither move the cursor nor clear the screen."""

from __future__ import annotations

import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def shown(text: object) -> str:
    """Return the text with a sign in place of each character that a terminal takes for a command; line feeds stay."""
    return _CONTROL.sub("\ufffd", str(text))
