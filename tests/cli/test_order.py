from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cli.test_history import ONE, TWO
from rostergate import store
from rostergate.core.roster import empty
from store.making import accepted, concluded, plans

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rostergate.core.plan import Plan

SAID = ("--by", "Kim", "--reason", "checked by phone")


def conclude(folder: Path, *decided: Iterable[Plan]) -> None:
    """Conclude deliveries of Lakeside with these plans, one after the other."""

    async def concluding() -> None:
        engine = store.open(folder / "state" / "rostergate.db")
        async with store.writing(engine) as tx:
            for one in decided:
                await concluded(tx, accepted(one), "lakeside")
        await engine.dispose()

    asyncio.run(concluding())


def test_a_delivery_while_an_older_plan_is_held(commands: Any) -> None:
    """The older plan is superseded: a release of it is refused with the reason, and the newer one can be released."""
    commands.answer("district", "add", "lakeside", "--name", "Lakeside", "--time-zone", "UTC")
    conclude(commands.folder, plans(empty(), ONE, held="A"))
    (older,) = commands.answer("holds")
    conclude(commands.folder, plans(empty(), TWO, held="A"))
    (newer,) = commands.answer("holds")
    assert (older["delivery"], newer["delivery"]) == ("lakeside-00001", "lakeside-00002")
    for command in ("release", "discard"):
        ended = commands(command, f"lakeside-00001:{older['plan']}", *SAID)
        assert (ended.exit_code, "a newer delivery, an undo or an erasure ended it" in ended.stderr) == (1, True)
    assert commands.answer("roster")[0]["students"] == 0
    commands.answer("release", newer["plan"], *SAID)
    assert commands.answer("roster")[0]["students"] == 2
    assert [one["state"] for one in commands.answer("deliveries")] == ["settled", "superseded"]


def test_the_same_delivery_twice(commands: Any) -> None:
    """The second changes nothing, has nothing in the feed, and as of both the roster is the same."""
    commands.answer("district", "add", "lakeside", "--name", "Lakeside", "--time-zone", "UTC")
    conclude(commands.folder, plans(empty(), ONE), plans(ONE, ONE))
    assert commands("changes", "--since", "lakeside-00001").output == ""
    (first,), (second,) = (commands.answer("roster", "--as-of", f"lakeside-0000{number}") for number in (1, 2))
    assert first.pop("cursor") < second.pop("cursor")
    assert first == second
    ended = commands("undo", "lakeside-00002", "--yes", *SAID)
    assert (ended.exit_code, "has changed nothing" in ended.stderr) == (1, True)
