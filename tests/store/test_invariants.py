"""What always holds of a roster, whatever is delivered, held, released, discarded, undone, and wherever it is killed.

The machine keeps a model of each district: the roster that `core.diff.apply` makes of the plans that count, what each
school's last applied plan wanted of it, whose account is what, and a platform that follows the feed.
`STATEFUL_EXAMPLES` lets it run longer.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import count, groupby
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from core.rosters import TEACHERS, at_random, same
from rostergate import store
from rostergate.core.decide import planned
from rostergate.core.diff import apply
from rostergate.core.matching import Decision
from rostergate.core.plan_state import OPEN, State
from rostergate.core.policy import HoldLimits, PlatformSchool, Policy
from rostergate.core.roster import PEOPLE
from rostergate.core.snapshot import Snapshot
from rostergate.core.states import IllegalTransition
from rostergate.core.target import orphans, ties
from rostergate.errors import NotFound, Refused
from rostergate.store import accounts, deciding, deliveries, feed, history, roster, schools, turns, undos, verdicts
from rostergate.store import plans as stored
from rostergate.store.feed import Cursor
from rostergate.worker import undoing
from store.accounting import platform_at_random, reachable
from store.machine import STATEMENTS_MAX, Machine
from store.making import AT, REJECTED, accepted, sealed
from store.modelling import (
    GUARDIANS,
    District,
    Open,
    alike,
    assert_kept,
    mentioned,
    of_school,
    ref,
    selected_target,
    sound,
    stopped,
    without_guardians,
)
from store.replaying import Platform, told

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.core.verdict import Verdict

EXAMPLES = int(os.environ.get("STATEFUL_EXAMPLES", "10"))
KILL = st.none() | st.integers(1, STATEMENTS_MAX)
POLICY = Policy(holds=HoldLimits(removals_percent_max=60.0, removals_rows_min=2))
DISTRICTS = 2
PLATFORM = tuple(PlatformSchool(f"p-{name}", name) for name in "xy")
"""The platform's schools: of the names that schools have at random there is one without any."""

_numbers = count(1)


class Invariants(Machine):
    """Random days of some districts on one database."""

    def __init__(self, opened: Callable[[], AsyncEngine]) -> None:
        super().__init__(opened)
        self._districts = [District(f"d{next(_numbers)}") for _ in range(DISTRICTS)]
        self._touched = self._districts[0]
        for district in self._districts:
            self._run(self._write(lambda tx, slug=district.slug: schools.load(tx, slug, PLATFORM, AT)))
        self._cursor = Cursor(self._run(self._read(turns.last)) + 1)

    def teardown(self) -> None:
        """Look back to every delivery, take the feed once more from the beginning, and let go of the database."""
        try:
            for district in self._districts:
                self._run(self._assert_history(district))
        finally:
            super().teardown()

    def assert_as_before(self) -> None:
        """See that a transaction that was killed has left nothing behind."""
        self.the_roster_is_what_was_applied()
        self.what_waits_is_the_newest()

    # What happens.

    @rule(
        random=st.randoms(use_true_random=False),
        held=st.sets(st.sampled_from("ABC")),
        fault=st.sampled_from(["none", "none", "mentioned", "mentioned", "absent", "refused"]),
        again=st.booleans(),
        overtaken=st.booleans(),
        matching=st.sampled_from(["auto", "auto", "review"]),
        decided=st.none() | st.tuples(st.sampled_from("ABC"), st.sampled_from(Decision)),
        kill=KILL,
    )
    def deliver(
        self,
        random: Random,
        held: set[str],
        fault: str,
        again: bool,  # noqa: FBT001
        overtaken: bool,  # noqa: FBT001
        matching: str,
        decided: tuple[str, Decision] | None,
        kill: int | None,
    ) -> None:
        """Let a delivery come in, new or as it was once before, and decide it, perhaps before an older one.

        A person may have decided about a school the moment before.
        """
        district = self._touched = random.choice(self._districts)
        if decided:
            self._decide(district, *decided, None)
        known = again and district.snapshots
        tables = random.choice(district.snapshots) if known else reachable(at_random(random), random)
        older = None
        if overtaken and fault != "refused":
            older = self._run(self._write(lambda tx: sealed(tx, district.slug)))
        delivery = self._run(self._write(lambda tx: sealed(tx, district.slug)))
        if fault == "refused":
            self._conclude(delivery, REJECTED, self._run(self._ground(district.slug)), kill)
            district.left[delivery] = district.roster
            return
        tables = without_guardians(tables) if fault == "absent" else tables
        lost = mentioned(random, district.roster, tables) if fault == "mentioned" else {}
        snapshot = sound(Snapshot(tables, lost, GUARDIANS if fault == "absent" else frozenset()), district.roster)
        ground = self._run(self._ground(district.slug))
        policy = self._run(self._read(lambda tx: schools.policy(tx, district.slug, replace(POLICY, matching=matching))))
        worked_out, totals = planned(district.roster, snapshot, policy)
        chosen = tuple(stopped(one) if one.school_id in held and one.changes else one for one in worked_out)
        assert {one.school_id for one in chosen if one.state is State.DESELECTED} == district.deselected & {
            one.school_id for one in chosen
        }
        if matching == "review":
            assert {one.school_id for one in chosen if one.state is State.UNMATCHED} == district.unknown(chosen)
        verdict = replace(accepted(chosen), totals=totals)
        self._conclude(delivery, verdict, ground, kill)
        after = selected_target(district, snapshot)
        assert_kept(district, snapshot, after)
        district.accept(delivery, chosen, {one.school_id: of_school(after, one.school_id) for one in chosen})
        district.snapshots.append(tables)
        if fault == "none" and all(one.state is State.CLEAR for one in chosen):
            assert same(district.roster, tables), "whatever was archived has returned, and nothing else is there"
        for late in filter(None, (older, delivery)):
            with pytest.raises(IllegalTransition):
                self._conclude(late, verdict, self._run(self._ground(district.slug)), None)

    @precondition(lambda self: any(one.held for one in self._districts))
    @rule(random=st.randoms(use_true_random=False), kill=KILL)
    def release(self, random: Random, kill: int | None) -> None:
        """Release some of the plans that a district has on hold, all of them or none."""
        district, some = self._pick(random)
        self._try(lambda tx: deciding.release(tx, map(ref, some), "Kim", "checked", AT), kill)
        district.close(some)
        district.follow([one.plan for one in some])
        for one in some:
            district.wanted[one.plan.school_id] = one.wanted
            district.left[one.delivery] = district.roster

    @precondition(lambda self: any(one.held for one in self._districts))
    @rule(random=st.randoms(use_true_random=False), kill=KILL)
    def discard(self, random: Random, kill: int | None) -> None:
        """Discard some of the plans that a district has on hold."""
        district, some = self._pick(random)
        self._try(lambda tx: deciding.discard(tx, map(ref, some), "Kim", "a mistake", AT), kill)
        district.close(some)

    @rule(
        random=st.randoms(use_true_random=False),
        school=st.sampled_from("ABC"),
        decision=st.sampled_from(Decision),
        kill=KILL,
    )
    def decide(self, random: Random, school: str, decision: Decision, kill: int | None) -> None:
        """Decide about a school, which may have a plan that waits, or not be there at all."""
        self._touched = random.choice(self._districts)
        self._decide(self._touched, school, decision, kill)

    def _decide(self, district: District, school: str, decision: Decision, kill: int | None) -> None:
        place = f"p-{school}" if decision is Decision.MATCHED else None

        async def decided(tx: AsyncConnection) -> None:
            slug = district.slug
            await schools.decide(tx, slug, school, decision, platform_school=place, by="Kim", at=AT)
            plan = await stored.open_of(tx, slug, school)
            if plan is None or decision is Decision.SELECTED:
                return
            if decision is Decision.DESELECTED:
                await deciding.deselected(tx, plan, "Kim", "not rostered", AT)
            elif plan.state is State.UNMATCHED:
                await deciding.matched(tx, plan, place, "Kim", "it is that one", AT)
            else:
                await deciding.matched_anew(tx, plan, place)

        self._try(decided, kill)
        district.decide(school, decision, place)

    @precondition(lambda self: any(one.closed for one in self._districts))
    @rule(random=st.randoms(use_true_random=False))
    def release_what_is_closed(self, random: Random) -> None:
        """Try to release a plan that was superseded, released or discarded: it is never applied again."""
        district = self._touched = random.choice([one for one in self._districts if one.closed])
        one = random.choice(district.closed)
        with pytest.raises(Refused):
            self._run(self._write(lambda tx: deciding.release(tx, [ref(one)], "Kim", "checked", AT)))

    @precondition(lambda self: any(one.left for one in self._districts))
    @rule(
        random=st.randoms(use_true_random=False),
        school=st.none() | st.sampled_from("ABC"),
        kill=KILL,
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
        wanted = {one.school_id: of_school(apply(district.roster, [one.changes]), one.school_id) for one in chosen}
        district.accept(made[-1], chosen, wanted)

    @rule(random=st.randoms(use_true_random=False), kill=KILL)
    def load_accounts(self, random: Random, kill: int | None) -> None:
        """Load the accounts that the platform has."""
        district, platform = random.choice(self._districts), platform_at_random(random)
        self._touched = district
        self._try(lambda tx: accounts.load(tx, district.slug, platform, AT), kill)
        district.accounts.load(platform, district.roster)

    @rule(
        random=st.randoms(use_true_random=False),
        teacher=st.sampled_from(TEACHERS),
        kill=KILL,
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
            assert alike(of_school(now, school_id), wanted), school_id
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
        platform, exported = self._touched.platform, Platform()
        assert same(platform.roster(), self._touched.roster)
        self._run(self._read(lambda tx: exported.export(tx, self._touched.slug)))
        assert (platform.tables, platform.stands) == (exported.tables, exported.stands)
        assert platform.stands["schools"] == {
            (one,): {"platform_school": self._touched.places.get(one)}
            for one in self._touched.roster["schools"]["school_id"]
        }

    @invariant()
    def what_waits_is_the_newest(self) -> None:
        """See that the plans of a district that wait are those of its last accepted delivery, and nothing older."""
        slug = self._touched.slug
        made = self._run(self._read(lambda tx: deliveries.listed(tx, slug, 10_000)))
        found = [plan for one in made for plan in self._run(self._read(lambda tx, it=one.id: stored.of(tx, it)))]
        waiting = {(one.delivery, one.hash, one.state, one.platform_school) for one in found if one.state in OPEN}
        assert waiting == {
            (one.delivery, one.plan.hash, one.plan.state, one.plan.platform_school) for one in self._touched.open
        }
        assert {one.id for one in made if one.state.value == "planned"} == {one.delivery for one in self._touched.open}

    @invariant()
    def deliveries_are_applied_in_their_order(self) -> None:
        """See that the deliveries applied are some of those received, in that order, each once; none interleaves."""
        district = self._touched
        line = self._run(self._read(lambda tx: turns.following(tx, 0, district=district.slug, limit=10_000)))
        received = self._run(self._read(lambda tx: deliveries.listed(tx, district.slug, 10_000)))
        assert {one.delivery for one in line if one.delivery} <= {one.id for one in received}
        assert all(one.delivery for one in line if one.moved)
        ran = [delivery for delivery, _ in groupby(one.delivery or "" for one in line if one.moved)]
        assert len(ran) == len(set(ran))
        assert ran == sorted(ran)
        assert [one.ground for one in line] == sorted(one.ground for one in line)

    # How it is done.

    def _conclude(self, delivery: str, verdict: Verdict, ground: int, kill: int | None) -> None:
        self._try(lambda tx: verdicts.conclude(tx, delivery, verdict, ground=ground, at=AT), kill)

    def _pick(self, random: Random) -> tuple[District, list[Open]]:
        """Choose one or more of the plans that a district has on hold."""
        district = self._touched = random.choice([one for one in self._districts if one.held])
        return district, random.sample(district.held, random.randrange(1, len(district.held) + 1))

    async def _assert_history(self, district: District) -> None:
        async with store.reading(self._engine) as tx:
            for delivery, left in district.left.items():
                span = await turns.span(tx, delivery)
                assert same(await history.load(tx, district.slug, span.after), left), delivery
                later = Platform()
                await later.export(tx, district.slug, span)
                later.take(await told(tx, district.slug, await feed.end(tx, delivery)))
                assert (later.tables, later.stands) == (district.platform.tables, district.platform.stands), delivery
            anew = Platform()
            anew.take(await told(tx, district.slug))
            assert (anew.tables, anew.stands) == (district.platform.tables, district.platform.stands)
            for one in await deliveries.listed(tx, district.slug, 10_000):
                assert one.state.value in {"rejected", "planned", "settled", "superseded"}


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
