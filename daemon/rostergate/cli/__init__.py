"""The command line: `rostergate [--config FOLDER] [--state FOLDER] COMMAND`.

Exit status 0: done. 1: refused, or nothing to do that was asked for. 2: wrong usage or configuration.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Final

import click

from rostergate.cli.group import PlaceGroup

CONFIG_FOLDER: Final = Path("/etc/rostergate")
STATE_FOLDER: Final = Path("/var/lib/rostergate")

COMMANDS: Final = {
    "serve": "serve",
    "demo": "demo",
    "check": "check",
    "status": "status",
    "tail": "tail",
    "district": "district",
    "legacy": "legacy",
    "deliveries": "deliveries",
    "show": "deliveries",
    "explain": "explain",
    "retry": "deliveries",
    "files": "files",
    "holds": "holds",
    "release": "holds",
    "discard": "holds",
    "undo": "undo",
    "schools": "schools",
    "accounts": "accounts",
    "claim": "accounts",
    "roster": "roster",
    "changes": "changes",
    "db": "db",
    "purge": "purge",
    "erase": "erase",
    "preview": "preview",
    "mail": "mail",
    "rules": "reference",
    "events": "reference",
    "formats": "formats",
    "schema": "reference",
    "completion": "completion",
    "man": "man",
}
"""Command -> its module, which is imported when the command is run. The help lists them in this order."""


@click.group(cls=PlaceGroup, modules=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rostergate")
@click.option(
    "--config",
    type=click.Path(path_type=Path, file_okay=False),
    default=CONFIG_FOLDER,
    show_default=True,
    envvar="ROSTERGATE_CONFIG",
    help="Folder with rostergate.toml and districts/.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=STATE_FOLDER,
    show_default=True,
    envvar=["ROSTERGATE_STATE", "STATE_DIRECTORY"],
    help="Folder with the database, inboxes, deliveries and reports.",
)
@click.pass_context
def main(context: click.Context, config: Path, state: Path) -> None:
    """Receive school rosters over SFTP, check them to the line, hold what looks wrong, and write the rest."""
    os.umask(0o077)  # whatever is made from here on is for the service's user alone
    if isinstance(sys.stdout, TextIOWrapper):  # whatever the locale: a program gets UTF-8, a terminal what it can show
        if sys.stdout.isatty():
            sys.stdout.reconfigure(errors="replace")
        else:
            sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    # Imported here, not above: it takes a second, which a shell that completes a command does not have.
    context.obj = import_module("rostergate.cli.place").Place(config=config, state=state)
