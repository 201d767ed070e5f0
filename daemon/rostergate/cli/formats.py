"""`rostergate formats`: what may be uploaded, an example of it, and files to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import REFUSED, end
from rostergate.core import catalogue, near

if TYPE_CHECKING:
    from rostergate.core.layout import Column, File, Format

_INVENTED = {
    "orgs.csv/sourcedid": "100",
    "orgs.csv/name": "Lincoln High School",
    "users.csv/sourcedid": "s42",
    "classes.csv/sourcedid": "c3",
    "demographics.csv/sourcedid": "s42",
    "schoolid": "100",
    "schoolname": "Lincoln High School",
    "schoolsourcedid": "100",
    "orgsourcedid": "100",
    "orgsourcedids": "100",
    "primaryorgsourcedid": "100",
    "sourcedid": "1",
    "name": "Algebra 1",
    "type": "school",
    "parentsourcedid": "1",
    "teacherid": "t7",
    "teacher2id": "t8",
    "staffid": "a4",
    "studentid": "s42",
    "userid": "s42",
    "usersourcedid": "s42",
    "guardianid": "g9",
    "contactid": "g9",
    "contactsisid": "g9",
    "relationshipusersourcedid": "g9",
    "agentsourcedids": "g9",
    "classid": "c3",
    "sectionid": "c3",
    "classsourcedid": "c3",
    "coursesourcedid": "k5",
    "firstname": "Ada",
    "lastname": "Brook",
    "givenname": "Ada",
    "familyname": "Brook",
    "teacherfirstname": "Gus",
    "teacherlastname": "Hill",
    "studentfirstname": "Ada",
    "studentlastname": "Brook",
    "guardianfirstname": "Eli",
    "guardianlastname": "Brook",
    "contactname": "Eli Brook",
    "email": "ada.brook@example.org",
    "studentemail": "ada.brook@example.org",
    "teacheremail": "gus.hill@example.org",
    "staffemail": "pat.low@example.org",
    "guardianemail": "eli.brook@example.net",
    "contactemail": "eli.brook@example.net",
    "phone": "212-555-0142",
    "teachermobilephone": "212-555-0143",
    "studentphone": "212-555-0142",
    "guardianphone": "212-555-0144",
    "contactphone": "212-555-0144",
    "username": "ada.brook",
    "enableduser": "true",
    "role": "student",
    "roletype": "primary",
    "relationship": "mother",
    "relationshiprole": "parent",
    "contactrelationship": "mother",
    "contacttype": "guardian",
    "grade": "9",
    "grades": "09",
    "dob": "2012-03-04",
    "birthdate": "2012-03-04",
    "title": "Algebra 1",
    "classname": "Algebra 1",
    "coursename": "Algebra 1",
    "period": "2",
    "propertyname": "oneroster.version",
}
"""Folded column name, or file and folded column name -> a value of nobody. Other columns stay empty in the example."""


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
    """Show the format NAME: its files, columns and keys, and an example row of each with invented values."""
    fmt = _named(name)
    if as_json:
        answer = _as_json(fmt)
        for file, told in zip(fmt.files, answer["files"], strict=True):
            told["example"] = example(fmt, file)
        print_json(answer)
        return
    click.echo(f"{fmt.name}: {fmt.title}")
    if fmt.extra_columns or fmt.extension:
        which = f" whose name begins with {fmt.extension}" if fmt.extension else ""
        click.echo(f"Further columns{which} are allowed.")
    for file in fmt.files:
        row = example(fmt, file)
        click.echo(f"\n{file.name}{f' ({_kind(file)})' if _kind(file) else ''}")
        print_table(
            ("  COLUMN", "", "EXAMPLE"),
            [(f"  {column.name}", _rules(column), row[column.name]) for column in file.columns],
            empty="",
        )


@formats.command()
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def template(name: str, folder: Path) -> None:
    """Write the files of the format NAME into DIR, each with its header row alone.

    No file is overwritten: where one of them is there already, nothing is written.
    """
    fmt = _named(name)
    if there := [file.name for file in fmt.files if (folder / file.name).exists()]:
        end(f"{', '.join(there)} in {folder}: there already; name another folder", REFUSED)
    folder.mkdir(parents=True, exist_ok=True)
    for file in fmt.files:
        header = ",".join(column.name for column in file.columns)
        with (folder / file.name).open("x", encoding="utf-8", newline="") as written:
            written.write(f"{header}\r\n")
    click.echo(f"{len(fmt.files)} files written to {folder}")


def example(fmt: Format, file: File) -> dict[str, str]:
    """Return a row of invented values by column; what a mark needs is what the format says."""
    row = {}
    for column in file.columns:
        folded = near.folded(column.name)
        row[column.name] = _INVENTED.get(f"{file.name}/{folded}", _INVENTED.get(folded, ""))
    if fmt.mark and fmt.mark.file == file.name:
        return dict(zip(row, (fmt.mark.name, fmt.mark.value), strict=True))
    return row


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
                    }
                    for column in file.columns
                ],
            }
            for file in fmt.files
        ],
    }
