"""`rostergate man`: the manual pages, made from the commands: one page per command, in the language of man(7)."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rostergate.cli.output import as_json, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUS: Final = (
    ("0", "done"),
    ("1", "refused, or nothing to do that was asked for"),
    ("2", "wrong usage or configuration"),
)
_FILES: Final = (
    ("/etc/rostergate/rostergate.toml", "the service's settings; every key is there with its default"),
    ("/etc/rostergate/districts/", "one file per district; a change takes effect at once"),
    ("/var/lib/rostergate/", "the database, inboxes, deliveries and reports"),
)
_ENVIRONMENT: Final = (
    (
        "ROSTERGATE_<SECTION>__<KEY>",
        "a setting, for example ROSTERGATE_DELIVERY__SETTLE_SECONDS=60; wins over the file",
    ),
    ("ROSTERGATE_CONFIG, ROSTERGATE_STATE", "the two folders, where --config and --state do not say"),
)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@as_json
@click.pass_context
def man(context: click.Context, folder: Path, *, as_json: bool) -> None:
    """Write the manual pages into DIR, for example /usr/local/share/man/man1.

    One for the program and one for each command, as in `man rostergate-holds-show`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for name, text in pages(click.Context(context.find_root().command, info_name="rostergate")):
        (folder / f"{name}.1").write_text(text, encoding="utf-8")
        names.append(f"{name}.1")
    if as_json:
        print_json({"folder": str(folder), "pages": names})
    else:
        click.echo(f"{len(names)} pages written to {folder}")


def pages(context: click.Context) -> Iterator[tuple[str, str]]:
    """Give every page as its name and its text: of this command, then of those below it."""
    name = context.command_path.replace(" ", "-")
    yield name, _page(name, context)
    for below in _below(context):
        yield from pages(below)


def _below(context: click.Context) -> Iterator[click.Context]:
    group = context.command
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is not None and not command.hidden:
                yield click.Context(command, info_name=name, parent=context)


def _page(name: str, context: click.Context) -> str:
    command, root = context.command, context.find_root()
    short, paragraphs = _described(command)
    usage = command.collect_usage_pieces(context)
    dated = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC).date()  # when this version was installed
    lines = [
        f'.TH "{_text(name.upper())}" 1 "{dated}" "rostergate {version("rostergate")}" "rostergate"',
        ".ad l",  # a long option would tear a justified line apart
        *(".SH NAME", f"{_text(name)} \\- {_text(short)}"),
        *(".SH SYNOPSIS", f'.B "{_text(context.command_path)}"', _text(" ".join(usage))),
        ".SH DESCRIPTION",
    ]
    for number, paragraph in enumerate(paragraphs):
        lines += [".PP", _prose(paragraph)] if number else [_prose(paragraph)]
    below = list(_below(context))
    lines += _list("COMMANDS", [(one.info_name or "", _described(one.command)[0]) for one in below])
    lines += _list("OPTIONS", _options(context))
    if context is root:
        lines += _list("FILES", _FILES) + _list("ENVIRONMENT", _ENVIRONMENT)
    lines += _list("EXIT STATUS", _STATUS)
    others = [one.command_path for one in below] or [context.parent.command_path if context.parent else ""]
    told = ", ".join(f"{_text(one.replace(' ', '-'))}(1)" for one in others if one)
    return "\n".join([*lines, ".SH SEE ALSO", told or "journalctl(1)"]) + "\n"


def _described(command: click.Command) -> tuple[str, list[str]]:
    """Return a command's help as its first sentence, without the full stop, and all of its paragraphs."""
    paragraphs = [" ".join(one.split()) for one in inspect.cleandoc(command.help or "").split("\n\n")]
    first = re.split(r"[.;:](?:\s|$)", paragraphs[0], maxsplit=1)[0]
    return first[:1].lower() + first[1:], paragraphs


def _options(context: click.Context) -> list[tuple[str, str]]:
    shown = [one.get_help_record(context) for one in context.command.get_params(context)]
    return [one for one in shown if one and one[1]]


def _list(title: str, entries: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> list[str]:
    if not entries:
        return []
    lines = [f'.SH "{title}"']
    for term, what in entries:
        lines += [".TP", f".B {_text(term)}", _prose(what)]
    return lines


def _prose(text: str) -> str:
    """Return a paragraph; what stands between backquotes is bold."""
    return re.sub(r"`([^`]*)`", r"\\fB\1\\fR", _text(text))


def _text(text: str) -> str:
    """Return text in which nothing is a request or an escape of roff."""
    told = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{told}" if told.startswith((".", "'")) else told
