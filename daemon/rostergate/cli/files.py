"""`rostergate files`: the files of a delivery as they came, out of the deliveries' folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rostergate.cli.output import as_json, print_json
from rostergate.desk.words import counted
from rostergate.errors import NotFound
from rostergate.spool import sealing

if TYPE_CHECKING:
    from rostergate.cli.place import Place


@click.command()
@click.argument("delivery")
@click.option(
    "--output",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="New folder for the files, for you alone.",
)
@as_json
@click.pass_obj
def files(place: Place, delivery: str, folder: Path, *, as_json: bool) -> None:
    """Write the files of DELIVERY as the district sent them, decrypted where they lie encrypted.

    Each is compared with the hash that was taken when it was sealed.
    """
    place.assert_ours()
    if not sealing.kept(place.spool, delivery):
        raise NotFound(
            f"the files of {delivery} are not here: there is no such delivery, it is still coming in, it is an undo, "
            "or they were removed"
        )
    written = sealing.restore(place.spool.delivery(delivery), folder, place.spool.key_file)
    if as_json:
        print_json([{"file": one.name, "bytes": one.bytes, "sha256": one.sha256} for one in written])
    else:
        click.echo(f"{counted(len(written), 'file')} of {delivery} written to {folder}, each as it was sealed")
