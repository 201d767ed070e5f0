"""What always holds of a roster, whatever is delivered, held, released, discarded, undone, and wherever it is killed.

The machine keeps a model of each district: the roster that `core.diff.apply` makes of the plans that count, what each
school's last applied plan wanted of it, whose account is what, and a platform that follows the feed.
`STATEFUL_EXAMPLES` lets it run longer.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from itertools import count, groupby
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import event

from core.rosters import TEACHERS, at_random, same
from rostergate import store
from rostergate.core.decide import planned
from rostergate.core.diff import apply
from rostergate.core.plan import Plan, State
from rostergate.core.policy import HoldLimits, Policy
from rostergate.core.roster import PEOPLE, TABLES, empty
from rostergate.core.snapshot import MENTIONED, Snapshot
from rostergate.core.states import IllegalTransition
from rostergate.core.target import orphans, target, ties
from rostergate.errors import NotFound, Refused
from rostergate.store import accounts, deliveries, history, roster, turns, undos, verdicts
from rostergate.store import plans as stored
from rostergate.store.feed import Cursor
from rostergate.worker import undoing
from store.accounting import platform_at_random, reachable
from store.making import AT, HOLD, REJECTED, accepted, sealed
from store.modelling import District, Open
from store.replaying import Platform, told

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from random import Random

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.core.roster import Frames
    from rostergate.core.verdict import Verdict

T = TypeVar("T")

EXAMPLES = int(os.environ.get("STATEFUL_EXAMPLES", "10"))
POLICY = Policy(holds=HoldLimits(removals_percent_max=60.0, removals_rows_min=2))
DISTRICTS = 2
STATEMENTS_MAX = 80
"""Statements before which a transaction may be killed; most have fewer, and then nothing is killed."""

_numbers = count(1)


class _Killed(Exception):  # noqa: N818 - it names what happened
    """The program ends here."""


class Invariants(RuleBasedStateMachine):
    """Random days of some districts on one database."""

    def __init__(self, opened: Callable[[], AsyncEngine]) -> None:
        super().__init__()
        self._opened = opened
        self._runner = asyncio.Runner()
        self._engine = opened()
        self._districts = [District(f"d{next(_numbers)}") for _ in range(DISTRICTS)]
        self._touched = self._districts[0]
        self._cursor = Cursor(self._run(self._read(turns.last)) + 1)

    def teardown(self) -> None:
        """Look back to every delivery, take the feed once more from the beginning, and let go of the database."""
        try:
            for district in self._districts:
                self._run(self._assert_history(district))
        finally:
            self._run(self._engine.dispose())
            self._runner.close()
            super().teardown()

    # What happens.

    @rule(
        random=st.randoms(use_true_random=False),
        held=st.sets(st.sampled_from("ABC")),
        fault=st.sampled_from(["none", "none", "mentioned", "refused"]),
        again=st.booleans(),
        overtaken=st.booleans(),
        kill=st.none() | st.integers(1, STATEMENTS_MAX),
    )
    def deliver(
        self,
        random: Random,
        held: set[str],
        fault: str,
        again: bool,  # noqa: FBT001
        overtaken: bool,  # noqa: FBT001
        kill: int | None,
    ) -> None:
        """Let a delivery come in, new or as it was once before, and decide it, perhaps before an older one."""
        district = self._touched = random.choice(self._districts)
        known = again and district.snapshots
        tables = random.choice(district.snapshots) if known else reachable(at_random(random), random)
        older = None
        if overtaken and fault != "refused":
            older = self._run(self._write(lambda tx: sealed(tx, district.slug)))
        delivery = self._run(self._write(lambda tx: sealed(tx, district.slug)))
        if fault == "refused":
            self._conclude(delivery, REJECTED, self._run(self._ground(district)), kill)
            district.left[delivery] = district.roster
            return
        snapshot = _sound(Snapshot(tables, _mentioned(random) if fault == "mentioned" else {}), district.roster)
        ground = self._run(self._ground(district))
        decided, totals = planned(district.roster, snapshot, POLICY)
        chosen = tuple(
            replace(one, state=State.HELD, holds=(HOLD,)) if one.school_id in held and one.changes else one
            for one in decided
        )
        verdict = replace(accepted(chosen), totals=totals)
        self._conclude(delivery, verdict, ground, kill)
        after = target(district.roster, snapshot)
        self._applied(district, delivery, chosen, {one.school_id: _of_school(after, one.school_id) for one in chosen})
        district.snapshots.append(tables)
        if fault == "none" and all(one.state is State.CLEAR for one in chosen):
            assert same(district.roster, tables), "whatever was archived has returned, and nothing else is there"
        for late in filter(None, (older, delivery)):
            with pytest.raises(IllegalTransition):
                self._conclude(late, verdict, self._run(self._ground(district)), None)

    @precondition(lambda self: any(one.open for one in self._districts))
    @rule(random=st.randoms(use_true_random=False), kill=st.none() | st.integers(1, STATEMENTS_MAX))
    def release(self, random: Random, kill: int | None) -> None:
        """Release a plan that waits."""
        district, one = self._pick_open(random)
        self._try(lambda tx: stored.release(tx, _ref(one), "Kim", "checked", AT), kill)
        district.apply([one.plan.changes])
        district.wanted[one.plan.school_id] = one.wanted
        district.left[one.delivery] = district.roster

    @precondition(lambda self: any(one.open for one in self._districts))
    @rule(random=st.randoms(use_true_random=False), kill=st.none() | st.integers(1, STATEMENTS_MAX))
    def discard(self, random: Random, kill: int | None) -> None:
        """Discard a plan that waits."""
        _, one = self._pick_open(random)
        self._try(lambda tx: stored.discard(tx, _ref(one), "Kim", "a mistake", AT), kill)

    @precondition(lambda self: any(one.closed for one in self._districts))
    @rule(random=st.randoms(use_true_random=False))
    def release_what_is_closed(self, random: Random) -> None:
        """Try to release a plan that was superseded, released or discarded: it is never applied again."""
        district = self._touched = random.choice([one for one in self._districts if one.closed])
        one = random.choice(district.closed)
        with pytest.raises(Refused):
            self._run(self._write(lambda tx: stored.release(tx, _ref(one), "Kim", "checked", AT)))

    @precondition(lambda self: any(one.left for one in self._districts))
    @rule(
        random=st.randoms(use_true_random=False),
        school=st.none() | st.sampled_from("ABC"),
        kill=st.none() | st.integers(1, STATEMENTS_MAX),
    )
    def undo(self, random: Random, school: str | None, kill: int | None) -> None:
        """Undo a delivery, perhaps an undo itself, for its district or one school."""
        district = self._touched = random.choice([one for one in self._districts if one.left])
        delivery = random.choice(sorted(district.left))
        try:
            outlook = self._run(undoing.look(self._engine, delivery, school, POLICY))
        except (Refused, NotFound):  # it changed nothing, nothing of it is left, or it has no such school
            return
        made: list[str] = []

        async def carry_out(tx: AsyncConnection) -> None:
            begun = await undos.begin(tx, delivery, school_id=school, by="Kim", reason="wrong", at=AT)
            await verdicts.conclude(tx, begun.id, outlook.undo.verdict, ground=outlook.ground, at=AT)
            made.append(begun.id)

        self._try(carry_out, kill)
        chosen = outlook.undo.verdict.plans
        wanted = {one.school_id: _of_school(apply(district.roster, [one.changes]), one.school_id) for one in chosen}
        self._applied(district, made[-1], chosen, wanted)

    @rule(random=st.randoms(use_true_random=False), kill=st.none() | st.integers(1, STATEMENTS_MAX))
    def load_accounts(self, random: Random, kill: int | None) -> None:
        """Load the accounts that the platform has."""
        district, platform = random.choice(self._districts), platform_at_random(random)
        self._touched = district
        self._try(lambda tx: accounts.load(tx, district.slug, platform, AT), kill)
        district.accounts.load(platform, district.roster)

    @rule(
        random=st.randoms(use_true_random=False),
        teacher=st.sampled_from(TEACHERS),
        kill=st.none() | st.integers(1, STATEMENTS_MAX),
    )
    def claim(self, random: Random, teacher: str, kill: int | None) -> None:
        """Let a teacher take the account, who may have done so already, or be nobody's teacher."""
        district = self._touched = random.choice(self._districts)
        there = teacher in district.roster["teachers"]["teacher_id"]
        claimed = district.accounts.states.get(("teachers", teacher), ("", None))[0] == "claimed"
        if there and not claimed:
            self._try(lambda tx: accounts.claim(tx, district.slug, teacher, AT), kill)
            district.accounts.claim(teacher, district.roster)
        else:
            with pytest.raises(Refused if there else NotFound):
                self._run(self._write(lambda tx: accounts.claim(tx, district.slug, teacher, AT)))

    # What always holds.

    @invariant()
    def the_roster_is_what_was_applied(self) -> None:
        """See of each school what its last applied or released plan wanted; ties and people are whole."""
        district = self._touched
        now = self._run(self._read(lambda tx: roster.load(tx, district.slug)))
        assert same(now, district.roster)
        for school_id, wanted in district.wanted.items():
            assert _alike(_of_school(now, school_id), wanted), school_id
        assert not orphans(now)
        assert all(now[one.name].join(ties(now, one), on=one.key, how="anti").is_empty() for one in PEOPLE)

    @invariant()
    def everybody_keeps_the_account(self) -> None:
        """See that whoever was linked or has claimed is so still, after an archive and a return too; so of classes."""
        district = self._touched
        people = self._run(self._read(lambda tx: accounts.listed(tx, district.slug)))
        assert len(people) == len(set(people))
        assert set(people) == district.accounts.listed(district.roster)
        classes = self._run(self._read(lambda tx: accounts.classes(tx, district.slug)))
        assert {(school, one, state.value) for school, one, state in classes} == district.accounts.classes(
            district.roster
        )

    @invariant()
    def the_platform_follows(self) -> None:
        """Take each line after the last one that was taken: that makes the roster, and no line comes twice."""
        lines = self._run(self._read(lambda tx: told(tx, after=self._cursor)))
        cursors = [Cursor.parse(line["cursor"]) for line in lines]
        assert cursors == sorted(set(cursors))
        assert all(cursor > self._cursor for cursor in cursors)
        for district in self._districts:
            district.platform.take(line for line in lines if line["district"] == district.slug)
        self._cursor = cursors[-1] if cursors else self._cursor
        assert same(self._touched.platform.roster(), self._touched.roster)

    @invariant()
    def deliveries_are_applied_in_their_order(self) -> None:
        """See that the deliveries applied are some of those received, in that order, each once; none interleaves."""
        district = self._touched
        line = self._run(self._read(lambda tx: turns.following(tx, 0, district=district.slug, limit=10_000)))
        received = self._run(self._read(lambda tx: deliveries.listed(tx, district.slug, 10_000)))
        assert {one.delivery for one in line} <= {one.id for one in received}
        ran = [delivery for delivery, _ in groupby(one.delivery for one in line if one.rows)]
        assert len(ran) == len(set(ran))
        assert ran == sorted(ran)
        assert [one.ground for one in line] == sorted(one.ground for one in line)

    # How it is done.

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    async def _read(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        async with store.reading(self._engine) as tx:
            return await work(tx)

    async def _write(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        async with store.writing(self._engine) as tx:
            return await work(tx)

    async def _ground(self, district: District) -> int:
        return await self._read(lambda tx: roster.ground(tx, district.slug))

    def _try(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, object]], kill: int | None) -> None:
        """Do something in one transaction; where it is killed, start the program again and do it once more."""
        if kill is not None and self._killed(work, kill):
            self.the_roster_is_what_was_applied()
        elif kill is not None:
            return
        self._run(self._write(work))

    def _killed(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, object]], at: int) -> bool:
        """Do something with a kill before a statement, the commit among them; tell whether it came to that."""
        steps = count(1)

        def step(*_: object) -> None:
            if next(steps) == at:
                raise _Killed

        engine = self._engine.sync_engine
        event.listen(engine, "before_cursor_execute", step)
        event.listen(engine, "commit", step)
        try:
            self._run(self._write(work))
        except _Killed:
            pass
        except BaseExceptionGroup as group:
            if group.split(_Killed)[1] is not None:
                raise
        else:
            return False
        finally:
            event.remove(engine, "before_cursor_execute", step)
            event.remove(engine, "commit", step)
        self._run(self._engine.dispose())
        self._engine = self._opened()
        return True

    def _conclude(self, delivery: str, verdict: Verdict, ground: int, kill: int | None) -> None:
        self._try(lambda tx: verdicts.conclude(tx, delivery, verdict, ground=ground, at=AT), kill)

    def _applied(self, district: District, delivery: str, chosen: tuple[Plan, ...], wanted: dict[str, Frames]) -> None:
        """Let the model follow a delivery that was accepted."""
        district.closed += district.open
        district.open = [Open(delivery, one, wanted[one.school_id]) for one in chosen if one.state is State.HELD]
        clear = [one for one in chosen if one.state is State.CLEAR]
        district.apply([one.changes for one in clear if one.changes])
        for one in clear:
            district.wanted[one.school_id] = wanted[one.school_id]
        district.left[delivery] = district.roster

    def _pick_open(self, random: Random) -> tuple[District, Open]:
        district = self._touched = random.choice([one for one in self._districts if one.open])
        one = district.open.pop(random.randrange(len(district.open)))
        district.closed.append(one)
        return district, one

    async def _assert_history(self, district: District) -> None:
        async with store.reading(self._engine) as tx:
            for delivery, left in district.left.items():
                ground = (await turns.span(tx, delivery)).after
                assert same(await history.load(tx, district.slug, ground), left), delivery
            anew = Platform()
            anew.take(await told(tx, district.slug))
            assert same(anew.roster(), district.roster)
            for one in await deliveries.listed(tx, district.slug, 10_000):
                assert one.state.value in {"rejected", "planned", "settled", "superseded"}


def _ref(one: Open) -> str:
    return f"{one.delivery}:{one.plan.hash}"


def _mentioned(random: Random) -> Frames:
    """Return keys of rows that are in the files but could not be used: some that the roster may have."""
    ids = {"school_id": "ABC", "teacher_id": ("t1", "t2"), "student_id": ("s1", "s2"), "guardian_id": ("g1",)}
    found = {}
    for table in random.sample(sorted(MENTIONED), 2):
        columns = MENTIONED[table]
        row = {column: [random.choice(ids.get(column, ("c1", "c2")))] for column in columns}
        found[table] = pl.DataFrame(row, schema=dict.fromkeys(columns, pl.String()))
    return found


def _sound(snapshot: Snapshot, now: Frames) -> Snapshot:
    """Leave out of `mentioned` what the snapshot has: only what could not be used is mentioned."""
    mentioned = {}
    for table in MENTIONED:
        columns = MENTIONED[table]
        rows = snapshot.mentioned.get(table, pl.DataFrame(schema=dict.fromkeys(columns, pl.String())))
        mentioned[table] = rows.join(snapshot.tables[table], on=columns, how="anti")
    assert not orphans(now)
    return Snapshot(snapshot.tables, mentioned)


def _of_school(frames: Frames, school_id: str) -> Frames:
    of_school = pl.col("school_id") == school_id
    return {name: frames[name].filter(of_school) for name, table in TABLES.items() if not table.of_people}


def _alike(one: Frames, other: Frames) -> bool:
    nothing = empty()
    return same({**nothing, **one}, {**nothing, **other})


@pytest.fixture
def opened(location: store.Location) -> Callable[[], AsyncEngine]:
    """Give what opens the database, on one engine and on the other."""
    return lambda: store.open(location)


def test_what_always_holds(opened: Callable[[], AsyncEngine]) -> None:
    """Under random days, faults, decisions of people, undos and kills, every invariant of the roster holds."""
    run_state_machine_as_test(
        lambda: Invariants(opened),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
