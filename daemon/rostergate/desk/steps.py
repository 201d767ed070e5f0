"""The steps of one delivery, from its first file to its last mail, as an operator reads them.

A step: `at` (ISO 8601 in UTC, or null where the time is not known), `step` (a word for programs), `text` (a sentence
without its full stop; its wording may change), and where they apply `school_id`, `plan`, `by` and `reason`.

Rule: every step is a fact of the store; what it does not keep, such as when each file began, is not told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from rostergate.core.plan_state import State as PlanState
from rostergate.desk.words import counted, listed, number, plain, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Step = dict[str, Any]

_ORDER: Final = (
    *("asked", "began", "sealed", "attempts", "recognised", "decided", "findings", "applied", "held", "unmatched"),
    *("deselected", "released", "discarded", "failed", "superseded", "settled", "reported", "mailed", "undone", "now"),
)
"""Steps of one moment come in this order."""


def steps(
    answer: Mapping[str, Any],
    *,
    reported_at: str | None,
    mails: Iterable[Mapping[str, Any]],
    undone: Iterable[Mapping[str, Any]],
    replaced_by: str | None,
) -> list[Step]:
    """Return the steps in the order in which they happened; the last one says what is waited for, if anything.

    `answer` is what `store.verdicts.load` returns. `mails`: `kind`, `state`, `written_at`, `closed_at`, `error`.
    `undone`: the deliveries that undo this one, with `delivery`, `at`, `by`, `reason`. Times are ISO 8601 in UTC.
    """
    found = [
        *_arrival(answer),
        *_decision(answer),
        *_schools(answer, replaced_by),
        *_end(answer, replaced_by),
        *_telling(answer, reported_at, mails),
        *(
            _step(one["at"], "undone", f"{one['delivery']} takes it back", by=one["by"], reason=one["reason"])
            for one in undone
        ),
    ]
    last = max((one["at"] for one in found if one["at"]), default="")
    told = sorted(found, key=lambda one: (one["at"] or last, _ORDER.index(one["step"])))
    return [*told, *_waiting(answer, reported_at)]


def _step(at: str | None, step: str, text: str, **more: object) -> Step:
    return {"at": at, "step": step, "text": plain(text), **{name: value for name, value in more.items() if value}}


def _arrival(answer: Mapping[str, Any]) -> Iterator[Step]:
    if undo := answer["undo"]:
        scope = f" for school {undo['school_id']}" if undo["school_id"] else ""
        text = f"an operator asked to take back what {undo['undone']} had changed{scope}"
        yield _step(answer["began_at"], "asked", text, by=undo["asked_by"], reason=undo["reason"])
        return
    yield _step(answer["began_at"], "began", "the first file of it was there")
    if answer["received_at"]:
        files = answer["files"]
        told = ", ".join(f"{one['name']} {size(one['bytes'])}" for one in files)
        of = f"{counted(len(files), 'file')}, {size(sum(one['bytes'] for one in files))}"
        slot = f" as the upload of {answer['day']}" if answer["day"] else ""
        yield _step(answer["received_at"], "sealed", f"the set was complete and was frozen{slot}: {of} ({told})")


def _decision(answer: Mapping[str, Any]) -> Iterator[Step]:
    tries = answer["attempts"]
    if tries > 1:
        so_far = "" if answer["decided_at"] or answer["closed_at"] else " so far"
        yield _step(None, "attempts", f"{counted(tries, 'try', 'tries')} to decide it{so_far}")
    if not answer["verdict"]:
        return
    at = answer["decided_at"]
    if answer["verdict"] == "accepted":
        rows = sum(one["rows"] or 0 for one in answer["files"])
        read = f", {counted(rows, 'row')} read" if rows else ""
        text = f"accepted as {answer['format']}{read}" if answer["format"] else "worked out and accepted"
        yield _step(at, "decided", f"{text}: {_changes(answer['totals'])}")
    else:
        yield _step(at, "decided", "refused: nothing of it was used, and the day's upload was given back")
    for one in answer["findings"]:
        place = one["file"] or "the set"
        times = f", {number(one['count'])} times" if one["count"] > 1 else ""
        severity = one["severity"].replace("-", " ")
        yield _step(at, "findings", f"{severity} {one['code']} in {place}{times}: {one['message']}")


def _changes(totals: Mapping[str, Mapping[str, int]]) -> str:
    sums = Counter({kind: sum(one[kind] for one in totals.values()) for kind in ("added", "updated", "removed")})
    told = [f"{number(count)} {kind}" for kind, count in sums.items() if count]
    return f"{listed(told)} over all tables" if told else "nothing changes"


def _schools(answer: Mapping[str, Any], replaced_by: str | None) -> Iterator[Step]:
    """Tell what became of each school; those that went their way alone are told together."""
    alone: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for one in answer["schools"]:
        about = {"school_id": one["school_id"], "plan": one["plan"]}
        name = f"{one['name']} ({one['school_id']})"
        person = {"by": one["closed_by"], "reason": one["reason"]}
        for hold in one["holds"]:
            yield _step(answer["decided_at"], "held", f"{name} on hold: {hold['message']}", **about)
        state = PlanState(one["state"])
        rows = sum(sum(counts.values()) for counts in one["changes"].values())
        if one["closed_by"] and state is PlanState.APPLIED:
            yield _step(one["closed_at"], "released", f"{name} released: {_rows(rows)}", **about, **person)
        elif one["closed_by"]:
            yield _step(one["closed_at"], "discarded", f"{name}: {_WORDS[state]}", **about, **person)
        elif state is PlanState.UNMATCHED:
            yield _step(answer["decided_at"], "unmatched", f"{name} waits to be matched to a school of the platform")
        elif state is PlanState.SUPERSEDED:
            ended = f"was replaced by {replaced_by}" if replaced_by else "an erasure ended that"
            yield _step(one["closed_at"], "superseded", f"{name} was still waiting and {ended}", **about)
        elif state in {PlanState.APPLIED, PlanState.DESELECTED}:
            alone[one["closed_at"], state.value].append(rows)
    for (at, state_), rows_of in alone.items():
        yield _step(at, state_, _together(PlanState(state_), rows_of))


_WORDS: Final = {
    PlanState.DISCARDED: "its changes were discarded",
    PlanState.DESELECTED: "it was taken out, its changes were dropped",
}


def _together(state: PlanState, rows: Sequence[int]) -> str:
    if state is PlanState.DESELECTED:
        return f"{counted(len(rows), 'school')} not rostered, left as they are"
    changed = [count for count in rows if count]
    told = [f"{counted(len(changed), 'school')} written: {_rows(sum(changed))}"] if changed else []
    if still := len(rows) - len(changed):
        told.append(f"{counted(still, 'school')} without changes")
    return ", ".join(told)


def _rows(count: int) -> str:
    return f"{counted(count, 'row')} in the roster" if count else "nothing to change"


def _end(answer: Mapping[str, Any], replaced_by: str | None) -> Iterator[Step]:
    match answer["state"]:
        case "failed":
            yield _step(answer["closed_at"], "failed", f"given up: {answer['error']}")
        case "superseded":
            ended = f"{replaced_by} took its place" if replaced_by else "an erasure ended it"
            yield _step(answer["closed_at"], "superseded", f"no longer waited for: {ended}")
        case "settled":
            yield _step(answer["closed_at"], "settled", "every school of it is decided")


def _telling(answer: Mapping[str, Any], reported_at: str | None, mails: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
    if reported_at:
        place = f"/reports/{answer['delivery']}/"
        yield _step(reported_at, "reported", f"its report was written, as it is now: {place}")
    told: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    for one in mails:
        when = one["closed_at"] or one["written_at"]
        told[when, one["kind"], one["state"], one["error"] or ""] += 1
    for (at, kind, state, error), count in told.items():
        became = {"sent": "was sent", "dead": "was given up"}.get(state, "waits to be sent")
        why = f": {error}" if error else ""
        yield _step(at, "mailed", f"mail `{kind}` to {counted(count, 'recipient')} {became}{why}")


def _waiting(answer: Mapping[str, Any], reported_at: str | None) -> Iterator[Step]:
    delivery, state = answer["delivery"], answer["state"]
    states = Counter(one["state"] for one in answer["schools"])
    next_steps = []
    if state == "receiving" and answer["error"]:
        next_steps.append(
            f"its files are here, but the daemon cannot go on with them: {answer['error']}; it tries again every half "
            "minute, so nothing else is to be done once the cause is gone"
        )
    elif state == "receiving":
        next_steps.append("files are still coming in; `rostergate tail` tells what is missing")
    elif state == "sealed":
        next_steps.append("it waits for its turn, or is being decided")
    elif state == "failed":
        next_steps.append(f"`rostergate retry {delivery}` decides it again, once the cause is gone")
    if state == "planned" and states["held"]:
        held = [one["plan"] for one in answer["schools"] if one["state"] == "held"]
        plan = held[0] if len(held) == 1 else "PLAN"
        next_steps.append(
            f"{counted(states['held'], 'school')} on hold: `rostergate holds show {plan}` tells why, "
            f"`rostergate release {plan} --by WHO --reason WHY` applies it, "
            f"`rostergate discard {plan} --by WHO --reason WHY` drops it"
        )
    if state == "planned" and states["unmatched"]:
        next_steps.append(
            f"{counted(states['unmatched'], 'school')} to be matched: "
            f"`rostergate schools list --district {answer['district']} --waiting` shows them"
        )
    if state != "receiving" and answer["verdict"] and not reported_at:
        next_steps.append("its report is still to be written; the daemon does so")
    yield from (_step(None, "now", one) for one in next_steps)
