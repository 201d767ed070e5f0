"""`rostergate serve`: run the daemon."""

from __future__ import annotations

import click

from rostergate import journal
from rostergate.cli.place import Place, end, run
from rostergate.service import daemon


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Listen on this port instead of server.port; 0 picks a free one."
)
@click.pass_obj
def serve(place: Place, port: int | None) -> None:
    """Run the daemon until SIGTERM or Ctrl-C."""
    settings = place.settings()
    if port is not None:
        settings = settings.model_copy(update={"server": settings.server.model_copy(update={"port": port})})
    place.prepare()
    journal.configure(settings.log.format, settings.log.level)
    if not run(daemon.serve(settings, place.districts(), place.spool, place.location())):
        end("the daemon stopped because one of its parts failed; the log says which", 1)
