"""Temporary names: under which name clients put a file before they rename it, and which file it stands for. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_ENDINGS: Final = r"(?:filepart|part|partial|tmp|temp)(?:\.\d{1,4})?"
# What clients do: WinSCP and schedulers append an ending; rclone puts eight characters before `.partial`; lftp
# prepends `.in.`; rsync, sshfs and editors hide the name and append a random part; Office-like tools use `~`.
_FORMS: Final = (
    re.compile(rf"(?P<real>.+?)(?:\.[A-Za-z0-9_-]{{1,32}})?\.{_ENDINGS}", re.IGNORECASE),
    # Cyberduck's `{0}-{1}`: eight random letters and digits, a UUID in versions of old. A date is not taken for one.
    re.compile(
        r"(?P<real>.+\.[a-z]{3,4})-(?=.*[A-Za-z])"
        r"(?:[A-Za-z0-9]{8}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    ),
    re.compile(r"[.~]{1,2}\$?(?:in\.)?(?P<real>.+?)(?:\.[A-Za-z0-9_-]{0,32}){0,2}~?"),
)


def stands_for(name: str, wanted: Collection[str]) -> str | None:
    """Return the wanted file that a temporary name has in it, whole or without its ending (`students.tmp`)."""
    for one in inside(name):
        if one in wanted:
            return one
        stem = next((real for real in sorted(wanted) if real.rpartition(".")[0] == one), None)
        if stem:
            return stem
    return None


def inside(name: str) -> list[str]:
    """Return the names that stand in a temporary one, by every form it can have."""
    return [found["real"] for form in _FORMS if (found := form.fullmatch(name))]
