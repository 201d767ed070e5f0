"""The rules a district finds as /README.txt: what to upload, under which names, with which headers. Pure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from rostergate.core import catalogue

if TYPE_CHECKING:
    from rostergate.config.district import District
    from rostergate.core.declaration import File, Format

_RULES: Final = """\
Roster uploads of {name}

 1. Upload the full roster every time, as the CSV files named below, into / itself.
 2. Once a day counts, by the calendar of {time_zone}. A refused delivery does not count.
 3. File names and headers count exactly, capitals included.
 4. Temporary names (students.csv.filepart, .students.csv.tmp) are fine; the rename makes the file count.
 5. Archives (zip, gz, 7z and others) are not taken.
 6. A file counts when your program has closed it. A connection that breaks can be resumed.
 7. When all files are in and nothing has happened for a while, they are sealed and checked.
 8. What became of them stands in /reports/LATEST.txt, a few minutes later.
 9. Uploads cannot be read back, and folders cannot be made.
10. To try a set of files without changing anything, put it into /preview/.
"""
_COLUMNS: Final = 110
_ANY: Final = """\
Upload the files of any one of these formats (in brackets: not required). Which one it is, is recognised by the file
names and headers; each column has the name that the format's specification gives it.
"""
OWN: Final = "direct"
"""The format that the product itself lays down."""


def readme(district: District) -> str:
    """Return the rules in ten lines, and what to upload: at most a page for a district without a fixed format.

    A fixed format is shown file by file with its headers. Else each format has its file names, and only the product's
    own, which stands in no public specification, its headers.
    """
    rules = _RULES.format(name=district.name, time_zone=district.time_zone)
    formats = catalogue.chosen(district.format)
    if len(formats) == 1:
        return "\n".join([rules, _described(formats[0])])
    lines = [f"{fmt.title}\n{_names(fmt)}" for fmt in formats]
    return "\n".join([rules, _ANY, *lines, "", *(_described(fmt) for fmt in formats if fmt.name == OWN)])


def _names(fmt: Format) -> str:
    names = " ".join(f"[{file.name}]" if file.optional else file.name for file in fmt.files)
    return textwrap.fill(names, _COLUMNS, initial_indent="  ", subsequent_indent="  ")


def _described(fmt: Format) -> str:
    return "\n".join([fmt.title, "=" * len(fmt.title), "", *(_file(file) for file in fmt.files)])


def _file(file: File) -> str:
    header = ",".join(column.name for column in file.columns)
    return f"{file.name}{' (optional)' if file.optional else ''}\n  {header}\n"
