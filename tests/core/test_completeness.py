from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.core.completeness import Complete, Judgement, Mixed, Overdue, Waiting, judge

NOW = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
REQUIRED = frozenset({"schools.csv", "students.csv"})


def ago(**spans: float) -> datetime:
    """Return a time before `NOW`."""
    return NOW - timedelta(**spans)


def judged(
    present: Mapping[str, datetime],
    *,
    unfinished: Mapping[str, datetime] | None = None,
    busy: int = 0,
    quiet_seconds: float = 60.0,
) -> Judgement:
    """Judge with the service's defaults."""
    return judge(
        REQUIRED,
        present,
        unfinished or {},
        busy=busy,
        quiet_seconds=quiet_seconds,
        now=NOW,
        settle_seconds=20.0,
        overdue_after=timedelta(hours=6),
        generation_max=timedelta(hours=12),
    )


BOTH = {"schools.csv": ago(minutes=3), "students.csv": ago(minutes=2)}


@pytest.mark.parametrize(
    ("present", "how", "expected"),
    [
        pytest.param(BOTH, {}, Complete(), id="all there and quiet"),
        pytest.param(BOTH, {"quiet_seconds": 20.0}, Complete(), id="quiet for exactly the settle time"),
        pytest.param(BOTH, {"quiet_seconds": 5.0}, Waiting((), 15.0), id="not quiet yet"),
        pytest.param(BOTH, {"busy": 1}, Waiting((), None), id="an upload is open"),
        pytest.param({}, {}, Waiting(("schools.csv", "students.csv"), None), id="an empty inbox is never overdue"),
        pytest.param(
            {"schools.csv": ago(hours=5)}, {}, Waiting(("students.csv",), 3600.0), id="one missing, not yet overdue"
        ),
        pytest.param({"schools.csv": ago(hours=6)}, {}, Overdue(("students.csv",)), id="one never came"),
        pytest.param({"guardians.csv": ago(hours=7)}, {}, Overdue(("schools.csv", "students.csv")), id="only optional"),
        pytest.param(
            {"schools.csv": ago(hours=9)},
            {"busy": 1},
            Waiting(("students.csv",), None),
            id="overdue is not said while the missing file may be on its way",
        ),
        pytest.param(
            {"schools.csv": ago(hours=13), "students.csv": ago(minutes=2)},
            {},
            Mixed(("schools.csv",)),
            id="last night's file with this morning's",
        ),
        pytest.param(
            {"schools.csv": ago(hours=12), "students.csv": NOW}, {}, Complete(), id="exactly as far apart as allowed"
        ),
        pytest.param(
            BOTH | {"guardians.csv": ago(days=7)}, {}, Mixed(("guardians.csv",)), id="an optional file of last week"
        ),
        pytest.param(
            {"students.csv": ago(days=7), "schools.csv": ago(days=7), "guardians.csv": NOW},
            {},
            Mixed(("schools.csv", "students.csv")),
            id="old files are told in order of name",
        ),
        pytest.param(
            {"schools.csv": ago(days=7), "students.csv": NOW},
            {"quiet_seconds": 0.0},
            Waiting((), 20.0),
            id="mixed is not said before it is quiet",
        ),
    ],
)
def test_the_judgement(present: dict[str, datetime], how: dict[str, float], expected: Judgement) -> None:
    """Names and ages of the files present, and how quiet the inbox is, decide what is said."""
    assert judged(present, **how) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("present", "unfinished", "expected"),
    [
        pytest.param(
            BOTH,
            {"schools.csv": ago(minutes=1)},
            Waiting(("schools.csv",), 21540.0, ("schools.csv",)),
            id="a replacement that was cut off",
        ),
        pytest.param(BOTH, {"schools.csv": ago(minutes=4)}, Complete(), id="cut off, and then sent whole"),
        pytest.param(
            BOTH,
            {"guardians.csv": ago(minutes=1)},
            Waiting(("guardians.csv",), 21540.0, ("guardians.csv",)),
            id="an optional file that was cut off",
        ),
        pytest.param(
            BOTH,
            {"students.csv": ago(minutes=1), "guardians.csv": ago(hours=12, minutes=1)},
            Waiting(("guardians.csv", "students.csv"), 21540.0, ("guardians.csv", "students.csv")),
            id="two that were cut off, exactly as far apart as allowed",
        ),
        pytest.param(BOTH, {"guardians.csv": ago(hours=13)}, Complete(), id="what an older set left behind"),
        pytest.param(
            {"schools.csv": ago(hours=7), "students.csv": ago(hours=7)},
            {"schools.csv": ago(hours=6)},
            Overdue(("schools.csv",), ("schools.csv",)),
            id="a replacement that never came again",
        ),
        pytest.param(
            {},
            {"schools.csv": ago(hours=1)},
            Waiting(("schools.csv", "students.csv"), 18000.0, ("schools.csv",)),
            id="nothing but what was cut off",
        ),
    ],
)
def test_uploads_that_did_not_end(
    present: dict[str, datetime], unfinished: dict[str, datetime], expected: Judgement
) -> None:
    """A file whose newest upload did not end is waited for, as long as it is of this generation."""
    assert judged(present, unfinished=unfinished) == expected


@settings(max_examples=60, deadline=None)
@given(
    present=st.dictionaries(
        st.sampled_from(["schools.csv", "students.csv", "guardians.csv"]),
        st.integers(0, 48 * 60).map(lambda minutes: ago(minutes=minutes)),
    ),
    busy=st.integers(0, 2),
    quiet_seconds=st.floats(0, 60),
)
def test_complete_is_never_said_too_early(present: dict[str, datetime], busy: int, quiet_seconds: float) -> None:
    """Complete means: all required files, nothing open, quiet long enough, one generation; and the other way round."""
    ready = (
        present.keys() >= REQUIRED
        and not busy
        and quiet_seconds >= 20.0
        and max(present.values()) - min(present.values()) <= timedelta(hours=12)
    )
    assert (judged(present, busy=busy, quiet_seconds=quiet_seconds) == Complete()) == ready
