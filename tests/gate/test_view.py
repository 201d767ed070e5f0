import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.gate.refusals import Refusal
from rostergate.gate.view import Folder, Place, Readme, Report, Seen, parts_of, seen
from rostergate.spool.folders import Area


@pytest.mark.parametrize(
    ("path", "meaning"),
    [
        (b"", Folder(Area.UPLOAD)),
        (b".", Folder(Area.UPLOAD)),
        (b"/", Folder(Area.UPLOAD)),
        (b"//", Folder(Area.UPLOAD)),
        (b"a.csv", Place(Area.UPLOAD, "a.csv")),
        (b"//a.csv", Place(Area.UPLOAD, "a.csv")),
        (b"/preview/../a.csv", Place(Area.UPLOAD, "a.csv")),
        (b"/../../a.csv", Place(Area.UPLOAD, "a.csv")),
        (b"/preview", Folder(Area.PREVIEW)),
        (b"preview/a.csv", Place(Area.PREVIEW, "a.csv")),
        (b"/reports", Report(())),
        (b"/reports/x/y.csv", Report(("x", "y.csv"))),
        (b"/reports/../../reports/x", Report(("x",))),
        (b"/README.txt", Readme()),
        (b"/preview/README.txt", Place(Area.PREVIEW, "README.txt")),
    ],
)
def test_meaning(path: bytes, meaning: Seen) -> None:
    """Each path means one thing in the view."""
    assert seen(path) == meaning


@pytest.mark.parametrize(
    "path", [b"/sub/a.csv", b"/preview/sub/a.csv", b"/a.csv/b", b"a\0b", b"a\\b", b"\xff", b"x" * 2_000]
)
def test_refused(path: bytes) -> None:
    """Folders that are not there, and paths nobody writes by accident, are refused."""
    with pytest.raises(Refusal):
        seen(path)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([b"..", b".", b"a", b"reports", b"", b"preview"]), max_size=8))
def test_parts_never_leave_the_view(steps: list[bytes]) -> None:
    """Whatever way a path takes, no part of it is `..`, `.` or empty."""
    assert not {"..", ".", ""} & set(parts_of(b"/".join(steps)))
