"""`rostergate explain`: the story of one delivery, step by step."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from rostergate import store
from rostergate.cli.completing import DELIVERY
from rostergate.cli.output import as_json, console, print_json
from rostergate.cli.place import Place, run
from rostergate.desk.steps import steps
from rostergate.desk.words import day
from rostergate.store import deliveries, outbox, undos, verdicts

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


@click.command()
@click.argument("delivery", type=DELIVERY)
@as_json
@click.pass_obj
def explain(place: Place, delivery: str, *, as_json: bool) -> None:
    """Tell what happened to a delivery, step by step: what came, what was decided, by whom, and what is next.

    Times are those of the district's own clock; with --json they are in UTC.
    """
    answer = run(_explain(place, delivery))
    if as_json:
        print_json(answer)
        return
    zone = place.zone(answer["district"])
    click.echo(f"{answer['delivery']} of {answer['district']}: {answer['state']}\n")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    date = ""
    for step in answer["steps"]:
        at, text = "now" if step["step"] == "now" else "", Text(step["text"])
        if step["at"]:
            here = datetime.fromisoformat(step["at"]).astimezone(zone)
            if day(here) != date:
                date = day(here)
                table.add_row(Text(date, style="bold"), "")
            at = f"{here:%H:%M:%S} {here.tzname()}"
        if "by" in step:
            text.append(f", by {step['by']}")
        if "reason" in step:
            text.append(f": {step['reason']}")
        table.add_row(Text(at), text)
    console().print(table)


async def _explain(place: Place, delivery: str) -> dict[str, Any]:
    async with place.database() as engine, store.reading(engine) as tx:
        answer = await verdicts.load(tx, delivery)
        about = await deliveries.get(tx, delivery)
        told = steps(
            answer,
            reported_at=about.reported_at.isoformat() if about.reported_at else None,
            mails=await _mails(tx, delivery),
            undone=[await _undo(tx, one) for one in answer["undone_by"]],
            replaced_by=await deliveries.replaced_by(tx, about),
        )
    return {**{name: answer[name] for name in ("delivery", "district", "state", "undone_by")}, "steps": told}


async def _undo(tx: AsyncConnection, delivery: str) -> dict[str, Any]:
    undo, about = await undos.of(tx, delivery), await deliveries.get(tx, delivery)
    return {
        "delivery": delivery,
        "at": about.began_at.isoformat(),
        "by": undo and undo.asked_by,
        "reason": undo and undo.reason,
    }


async def _mails(tx: AsyncConnection, delivery: str) -> list[dict[str, Any]]:
    return [
        {
            "kind": one.kind.value,
            "state": one.state.value,
            "written_at": one.written_at.isoformat(),
            "closed_at": one.closed_at and one.closed_at.isoformat(),
            "error": one.error,
        }
        for one in await outbox.about_delivery(tx, delivery)
    ]
