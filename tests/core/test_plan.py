import subprocess
import sys
from hashlib import sha256
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rosters import diff, frames, rosters
from rostergate.core.plan import ACTION, Counts, Hold, Plan, counted, counted_by_school, digest, digests, pack, unpack
from rostergate.core.plan_state import State
from rostergate.core.roster import TABLES, Frames
from rostergate.core.school_status import Status
from rostergate.core.snapshot import Snapshot

bounded = settings(max_examples=60, deadline=None)
plans = st.builds(lambda roster, new: diff(roster, Snapshot(new, {})).get("A", {}), rosters, rosters)


def students(*rows: tuple[str | None, ...]) -> Frames:
    """Return changes of students: rows of id, first name and action."""
    schema = {**dict.fromkeys(TABLES["students"].columns, pl.String()), "action": pl.String()}
    wide = [(one, first, None, None, None, None, None, action) for one, first, action in rows]
    return {"students": pl.DataFrame(wide, schema=schema, orient="row")}


ONE = students(("s1", "Ann", "added"), ("s2", None, "updated"))


@bounded
@given(plans)
def test_unpack_returns_what_was_packed(plan: Frames) -> None:
    """Tables, columns, rows and absent cells come back as they were."""
    back = unpack(pack(plan))
    assert back.keys() == plan.keys()
    assert all(back[name].equals(plan[name]) for name in plan)


def test_unpacked_tables_are_in_canonical_order_and_shape() -> None:
    """In whatever order tables were packed, and where actions were packed as text."""
    tie = pl.DataFrame({"school_id": ["A"], "student_id": ["s1"], "action": ["added"]})
    back = unpack(pack({"student_schools": tie, **ONE}))
    assert list(back) == ["students", "student_schools"]
    assert {frame.schema["action"] for frame in back.values()} == {ACTION}


_SIDE_BY_SIDE = """
import threading
import polars as pl
from rostergate.core.plan import pack, unpack
rows = pl.DataFrame({"student_id": [str(number) for number in range(50)], "action": ["added"] * 50})
over = threading.Event()
def work():
    while not over.is_set():
        pl.concat([rows] * 20, rechunk=True).unique("student_id", maintain_order=True).sort("student_id")
others = [threading.Thread(target=work) for _ in range(2)]
for one in others:
    one.start()
for _ in range(300):
    assert unpack(pack({"students": rows}))["students"].equals(rows)
over.set()
"""


def test_packing_goes_on_beside_other_work() -> None:
    """Plans can be packed in one thread while another one works with tables; a deadlock would end this in time."""
    subprocess.run([sys.executable, "-c", _SIDE_BY_SIDE], check=True, timeout=120)


@bounded
@given(plans, st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_order(plan: Frames, random: Random) -> None:
    """Rows, columns and tables in another order, or packed and unpacked, have the same digest."""
    turned = {}
    for name in reversed(list(plan)):
        order = list(range(plan[name].height))
        random.shuffle(order)
        turned[name] = plan[name].select(reversed(plan[name].columns))[order]
    assert digest("A", turned) == digest("A", plan) == digest("A", unpack(pack(plan)))


@pytest.mark.parametrize(
    ("school_id", "changes"),
    [
        pytest.param("B", ONE, id="another school"),
        pytest.param("A", students(("s1", "Ann", "added")), id="a row less"),
        pytest.param("A", students(("s1", "Ann", "added"), ("s2", "-", "updated")), id="a dash instead of absent"),
        pytest.param("A", students(("s1", "Ann", "added"), ("s2", None, "removed")), id="another action"),
        pytest.param("A", students(("s1", "Ann", "updated"), ("s2", None, "added")), id="actions exchanged"),
        pytest.param("A", students(("s1", None, "added"), ("s2", "Ann", "updated")), id="values exchanged"),
        pytest.param("A", students(("s1", "Ánn", "added"), ("s2", None, "updated")), id="an accent"),
        pytest.param(
            "A", students(("s1", "3:Ann", "added"), ("s2", None, "updated")), id="what looks like a netstring"
        ),
        pytest.param("A", ONE | frames(), id="an action less"),
        pytest.param("A", {}, id="no changes"),
    ],
)
def test_the_digest_covers_everything(school_id: str, changes: Frames) -> None:
    """Another school, table, row, value or action is another digest."""
    changes = {name: rows for name, rows in changes.items() if "action" in rows.columns}
    assert digest(school_id, changes) != digest("A", ONE)


def test_an_empty_value_is_no_value() -> None:
    """What would look like an absent value is a mistake of the program, not another plan."""
    with pytest.raises(AssertionError, match="never empty"):
        digest("A", students(("s1", "", "added")))


def test_the_digest_covers_the_table() -> None:
    """The same cells in another table are another plan."""
    tie = pl.DataFrame({"school_id": ["A"], "teacher_id": ["1"], "action": ["added"]})
    as_student = tie.rename({"teacher_id": "student_id"})
    assert digest("A", {"teacher_schools": tie}) != digest("A", {"student_schools": as_student})


def test_the_digest_is_known() -> None:
    """The digest of a plan is the same in every release: people compare what they are told on two days."""
    text = "1:A8:students2;s1\0Ann\0\0\0\0\0\0added\0s2\0\0\0\0\0\0\0updated"
    assert digest("A", ONE) == sha256(text.encode()).hexdigest()


def test_many_schools_have_the_digests_that_each_has_alone() -> None:
    """The digests of many schools at once, in few parts or in many, are those of each school by itself."""
    actions = ("added", "updated", "removed")
    each = {school: students(*((f"s{school}{one}", "Ann", actions[one % 3]) for one in range(9))) for school in "ABCDE"}
    whole = pl.concat(changes["students"].with_columns(place=pl.lit(school)) for school, changes in each.items())
    alone = {school: digest(school, changes) for school, changes in each.items()} | {"F": digest("F", {})}
    for rows_at_once in (1, 10, 1_000):
        assert digests("ABCDEF", {"students": whole}, rows_at_once=rows_at_once) == alone


def test_an_empty_table_does_not_count() -> None:
    """A table without rows changes neither digest nor counts."""
    empty = {
        "classes": pl.DataFrame(
            schema={"school_id": pl.String, "class_id": pl.String, "name": pl.String, "action": pl.String}
        )
    }
    assert digest("A", ONE | empty) == digest("A", ONE)
    assert counted(empty)["classes"] == Counts()


def test_counts_leave_out_what_is_kept() -> None:
    """Every table is counted; kept rows are no change."""
    counts = counted(students(("s1", "Ann", "added"), ("s2", None, "kept"), ("s3", None, "removed")))
    assert counts["students"] == Counts(added=1, updated=0, removed=1)
    assert counts.keys() == TABLES.keys()
    assert counts["teachers"] == Counts()


@pytest.mark.parametrize("at_once", [1, 2, 1_000])
def test_schools_that_are_counted_together_count_as_each_by_itself(at_once: int) -> None:
    """However many rows are counted at a time; a school without changes has counts, too."""
    one = students(("s1", "Ann", "added"), ("s2", None, "kept"))
    other = students(("s1", "Ann", "added"), ("s2", None, "added"), ("s3", None, "updated"))
    both = pl.concat(
        [one["students"].with_columns(place=pl.lit("A")), other["students"].with_columns(place=pl.lit("B"))]
    )
    counts = counted_by_school(["A", "B", "C"], {"students": both}, rows_at_once=at_once)
    assert counts == {"A": counted(one), "B": counted(other), "C": counted({})}


def test_the_published_shape() -> None:
    """A school in a verdict shows id, name, states, what was left out, counts of every table, and its holds."""
    hold = Hold("too-many-removals", "Half of it.", {"table": "students", "removed": 30})
    shape = Plan("A", "Lincoln", State.HELD, ONE, counted(ONE), (hold,), left_out=3).as_json()
    assert shape.keys() == {"school_id", "name", "state", "status", "rows_left_out", "changes", "holds"}
    assert (shape["school_id"], shape["name"], shape["state"]) == ("A", "Lincoln", "held")
    assert (shape["status"], shape["rows_left_out"]) == ("on hold", 3)
    assert shape["changes"].keys() == TABLES.keys()
    assert shape["changes"]["students"] == {"added": 1, "updated": 1, "removed": 0}
    assert shape["holds"] == [
        {"code": "too-many-removals", "message": "Half of it.", "table": "students", "removed": 30}
    ]


def test_a_plan_says_where_its_school_stands() -> None:
    """By what it does to the school itself, its state, and the rows that could not be used."""

    def stands(state: State, action: str | None = None, left_out: int = 0) -> Status:
        rows = [] if action is None else [("A", "Lincoln", action)]
        changes = {"schools": pl.DataFrame(rows, schema=["school_id", "name", "action"], orient="row")}
        return Plan("A", "Lincoln", state, changes, counted(changes), left_out=left_out).status

    assert stands(State.APPLIED) is stands(State.APPLIED, "added") is stands(State.CLEAR, "updated") is Status.CONNECTED
    assert stands(State.APPLIED, left_out=1) is Status.ERRORS
    assert stands(State.APPLIED, "removed") is Status.NOT_IN_FILES
    assert stands(State.DISCARDED, "added") is stands(State.SUPERSEDED, "added") is Status.NOT_IN_FILES
    assert stands(State.DISCARDED, "updated") is stands(State.SUPERSEDED) is Status.CONNECTED
    assert stands(State.HELD, "added", left_out=1) is Status.ON_HOLD
