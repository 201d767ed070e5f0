"""`rostergate formats`: what may be uploaded, an example of it, and files to begin with."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rostergate.cli.example import example
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import REFUSED, end
from rostergate.core import catalogue

if TYPE_CHECKING:
    from rostergate.core.declaration import Column, File, Format


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def formats(context: click.Context, *, as_json: bool) -> None:
    """List the formats with their files and columns; `show` and `template` tell more of one."""
    if context.invoked_subcommand:
        return
    known = catalogue.formats().values()
    if as_json:
        print_json([_as_json(one) for one in known])
        return
    print_table(
        ("FORMAT", "FILE", "", "COLUMNS"),
        [
            (one.name, file.name, _kind(file), ", ".join(column.name for column in file.columns))
            for one in known
            for file in one.files
        ],
        empty="no formats",
    )


@formats.command()
@click.argument("name")
@as_json
def show(name: str, *, as_json: bool) -> None:
    """Show the format NAME: its files, columns and keys, and an example with invented values."""
    fmt = _named(name)
    rows = example(fmt)
    if as_json:
        answer = _as_json(fmt)
        for file, told in zip(fmt.files, answer["files"], strict=True):
            told["example"] = rows[file.name]
        print_json(answer)
        return
    click.echo(f"{fmt.name}: {fmt.title}")
    if fmt.extra_columns or fmt.extension:
        which = f" whose name begins with {fmt.extension}" if fmt.extension else ""
        click.echo(f"Further columns{which} are allowed.")
    for file in fmt.files:
        click.echo(f"\n{file.name}{f' ({_kind(file)})' if _kind(file) else ''}")
        print_table(
            ("  COLUMN", "", *("EXAMPLE", "NEXT ROW", "NEXT ROW")[: len(rows[file.name])]),
            [
                (f"  {column.name}", _rules(column), *(row[column.name] for row in rows[file.name]))
                for column in file.columns
            ],
            empty="",
        )
        for column in file.columns:
            if column.values:
                click.echo(f"  {column.name} is one of {', '.join(column.values)}.")


@formats.command()
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--example", "with_rows", is_flag=True, help="Write the rows that `show` shows below the headers.")
def template(name: str, folder: Path, *, with_rows: bool) -> None:
    """Write the files of the format NAME into DIR, each with its header row alone.

    No file is overwritten: where one of them is there already, nothing is written.
    """
    fmt = _named(name)
    if there := [file.name for file in fmt.files if (folder / file.name).exists()]:
        end(f"{', '.join(there)} in {folder}: there already; name another folder", REFUSED)
    folder.mkdir(parents=True, exist_ok=True)
    rows = example(fmt) if with_rows else {}
    for file in fmt.files:
        with (folder / file.name).open("x", encoding="utf-8", newline="") as written:
            sheet = csv.DictWriter(written, [column.name for column in file.columns])
            sheet.writeheader()
            sheet.writerows(rows.get(file.name, ()))
    click.echo(f"{len(fmt.files)} files written to {folder}")


def _named(name: str) -> Format:
    known = catalogue.formats()
    if name not in known:
        raise click.BadParameter(f"{name} is not one of {', '.join(sorted(known))}", param_hint="NAME")
    return known[name]


def _kind(file: File) -> str:
    if file.unused:
        return "optional, not read"
    return "optional" if file.optional else ""


def _rules(column: Column) -> str:
    told = [
        "key" if column.key else "value required" if column.required else "",
        "may be left out" if column.optional else "",
        f"at most {column.chars_max} characters" if column.chars_max else "",
    ]
    return ", ".join(filter(None, told))


def _as_json(fmt: Format) -> dict[str, Any]:
    return {
        "name": fmt.name,
        "title": fmt.title,
        "files": [
            {
                "name": file.name,
                "optional": file.optional,
                "columns": [
                    {
                        "name": column.name,
                        "key": column.key,
                        "required": column.required,
                        "chars_max": column.chars_max,
                        "values": list(column.values),
                    }
                    for column in file.columns
                ],
            }
            for file in fmt.files
        ],
    }
