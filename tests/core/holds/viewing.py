"""What the holds' tests look at: the views of one delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.diff import compare, placed, shared
from rostergate.core.holding import SchoolView, district_view, views
from rostergate.core.plan import counted

if TYPE_CHECKING:
    from rostergate.core.plan import Hold
    from rostergate.core.roster import Frames


def seen(before: Frames, after: Frames, *, is_undo: bool = False) -> dict[str, SchoolView]:
    """Return the view of each school that changes."""
    rows = compare(before, after)
    changes = shared(placed(rows, before, after))
    counts = {one: counted(plan) for one, plan in changes.items()}
    return views(changes, counts, before, after, district_view(rows, before, after, is_undo=is_undo))


def listed(hold: Hold | None) -> list[tuple[str | None, ...]]:
    """Return the rows of a hold, in order, without the ids that their tables do not have."""
    assert hold is not None
    assert hold.rows is not None
    return sorted(tuple(cell for cell in row if cell is not None) for row in hold.rows.iter_rows())
