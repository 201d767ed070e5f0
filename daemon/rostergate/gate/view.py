"""The view: what a path means in the small world a district sees. Pure.

    /                 uploads          /preview/         dry runs
    /reports/...      reports          /README.txt       the rules

Rule: a path is taken apart here and nowhere else; nothing a client writes reaches the disk as a path.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Final, TypeAlias

from asyncssh.constants import FX_NO_SUCH_FILE

from rostergate.gate.refusals import Refusal
from rostergate.spool.folders import Area
from rostergate.spool.scratch import MARK_CHARS_MAX

PREVIEW: Final = "preview"
REPORTS: Final = "reports"
README: Final = "README.txt"
NO_FOLDER: Final = "no-such-folder"
PATH_BYTES_MAX: Final = 1_024
PART_BYTES_MAX: Final = 255 - MARK_CHARS_MAX


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that takes uploads."""

    area: Area


@dataclass(frozen=True, slots=True)
class Place:
    """A name in a folder that takes uploads; whether the name may be used is for `names` to say."""

    area: Area
    name: str


@dataclass(frozen=True, slots=True)
class Report:
    """Something below /reports/; no parts mean that folder itself."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Readme:
    """The rules."""


Seen: TypeAlias = Folder | Place | Report | Readme


def parts_of(path: bytes) -> tuple[str, ...]:
    """Take a path apart, from the root on; `..` at the root stays there. Raises `Refusal`."""
    if len(path) > PATH_BYTES_MAX:
        raise Refusal("path-too-long", f"the path is longer than {PATH_BYTES_MAX} bytes")
    try:
        text = path.decode()
    except UnicodeDecodeError:
        raise Refusal("path-not-utf8", "the path is not UTF-8") from None
    if "\\" in text:
        raise Refusal("path-backslash", "a path has a backslash in it; folders are separated by /")
    if any(not one.isprintable() for one in text):
        raise Refusal("path-control", "the path has a control character in it")
    parts = tuple(one for one in posixpath.normpath(f"/{text}").split("/") if one)
    if any(len(one.encode()) > PART_BYTES_MAX for one in parts):
        raise Refusal("path-too-long", f"a name in the path is longer than {PART_BYTES_MAX} bytes")
    return parts


def seen(path: bytes) -> Seen:
    """Say what a path means. Raises `Refusal`."""
    match parts_of(path):
        case ():
            return Folder(Area.UPLOAD)
        case ("preview",):
            return Folder(Area.PREVIEW)
        case ("preview", name):
            return Place(Area.PREVIEW, name)
        case ("reports", *rest):
            return Report(tuple(rest))
        case ("README.txt",):
            return Readme()
        case (name,):
            return Place(Area.UPLOAD, name)
    raise no_such_folder()


def no_such_folder() -> Refusal:
    """Return the refusal of a folder that is not there."""
    text = "there is no such folder; put the files into / itself, or into /preview/ to try them"
    return Refusal(NO_FOLDER, text, FX_NO_SUCH_FILE)


def looks_like_folder(name: str) -> bool:
    """Say whether a name that is not there was meant as a folder: files have endings, what desktops look for a dot."""
    return "." not in name
