"""reissued-ids: everybody left, and as many strangers of the same names came. Nobody left: the ids are new.

An SIS that was replaced, merged or restored gives out new ids. Applied as it stands, every account would be archived
and a new one made, without its history. So the school waits, and it is told what happened instead of how many left. Who
is the same person is told by name and birth date, by e-mail or by name and phone, see `core.reissue`. When it is the
whole district's ids, a school waits however few of its people are among them; unless most of those who leave it come
back, it is told beside that how many left. Where the new ids are the old ones without the zeros at their front, it is
told that a program has removed those: within the files all ids may still fit each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from rostergate.core import concerned
from rostergate.core.holding import HoldRule, SchoolView
from rostergate.core.plan import Action, Hold
from rostergate.core.roster import PEOPLE, TABLES

if TYPE_CHECKING:
    from rostergate.core.policy import HoldLimits


_REMOVALS: Final = frozenset({"too-many-removals", "district-wide-removals"})
"""What is no loss where most of those who leave the school come back to the roster."""
_WITHOUT_ZEROS: Final = pl.col("new") == pl.col("old").str.strip_chars_start("0")
_ZEROS_LOST: Final = (
    "The new ids are the old ones without the zeros at their front: a spreadsheet program has removed them, or the"
    " export now writes ids as numbers. Have the files exported with the ids as they were."
)


def _check(view: SchoolView, limits: HoldLimits) -> Hold | None:
    found = {table: pairs for table in view.district.reissued if (pairs := _pairs(view, table)).height}
    again = sum(pairs.height for pairs in found.values())
    gone = sum(view.count(person.name, Action.REMOVED) for person in PEOPLE)
    everywhere = sum(pairs.height for pairs in view.district.reissued.values())
    whole = _crosses(everywhere, view.district.left, limits)
    if not again or not (whole or _crosses(again, gone, limits)):
        return None
    bare = sum(pairs.filter(_WITHOUT_ZEROS).height for pairs in found.values())
    most = max(found, key=lambda table: found[table].height)
    told = ", ".join(f"{pairs.height} {TABLES[table].words}" for table, pairs in found.items())
    district = f" In the whole district it is {everywhere} people." if everywhere > again else ""
    return Hold(
        code=HOLD.code,
        message=(
            f"Ids appear to have been reissued: {told} would leave and come back under another id, with the same name"
            " and birth date, the same e-mail address, or the same name and phone number. They are"
            f" {again} of the {gone} who would leave the school.{district}"
            f" The limit is {limits.reissued_percent_max:g} % of those who leave, from {limits.reissued_rows_min}"
            f" people on. {view.cause(_ZEROS_LOST if 2 * bare > again else HOLD.likely_cause)}"
        ),
        numbers={
            "table": most,
            "reissued": again,
            "of": gone,
            "percent": round(100 * again / gone, 1),
            "percent_max": limits.reissued_percent_max,
            "rows_min": limits.reissued_rows_min,
            "reissued_in_district": everywhere,
        },
        rows=concerned.together(_rows(view, table, pairs) for table, pairs in found.items()),
        instead_of=_REMOVALS if _mostly(again, gone, limits) else frozenset(),
    )


def _pairs(view: SchoolView, table: str) -> pl.DataFrame:
    """Return `old` and `new` of those who leave the roster from this school."""
    pairs = view.district.reissued[table]
    gone = view.changed(table, Action.REMOVED)
    return pairs.clear() if gone is None else pairs.join(gone, left_on="old", right_on=TABLES[table].key, how="semi")


def _crosses(again: int, gone: int, limits: HoldLimits) -> bool:
    return again >= limits.reissued_rows_min and _mostly(again, gone, limits)


def _mostly(again: int, gone: int, limits: HoldLimits) -> bool:
    return 100 * again > limits.reissued_percent_max * gone


def _rows(view: SchoolView, table: str, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return both rows of each pair: the old id, and the new one where it comes to this school."""
    (key,) = TABLES[table].key
    both = pl.concat([pairs.select(old="old", other="new"), pairs.select(old="new", other="old")])
    changed = view.changes[table].join(both.rename({"old": key, "other": "other_id"}), on=key)
    return concerned.rows(table, changed)


HOLD = HoldRule(
    code="reissued-ids",
    title="The ids of people appear to have been reissued.",
    likely_cause="Most often the SIS was replaced or restored, or an id column was exchanged for another.",
    check=_check,
)
