import pytest

from rostergate.config.district import District
from rostergate.core import catalogue
from rostergate.gate.readme import OWN, readme


def district(form: str) -> District:
    """Return a district of that format."""
    return District(slug="lincoln", name="Lincoln Unified", time_zone="America/Chicago", format=form)


@pytest.mark.parametrize("form", sorted(catalogue.formats()))
def test_headers(form: str) -> None:
    """Every file of the district's format stands there with its exact header, and no other file counts."""
    fmt = catalogue.formats()[form]
    text = readme(district(form))
    for file in fmt.files:
        assert ",".join(column.name for column in file.columns) in text.replace("\n  ", "\n").splitlines()
    assert catalogue.file_names(form) == {file.name for file in fmt.files}


def test_any_format() -> None:
    """A district without a fixed format is told the files of all of them, and the headers of the product's own."""
    text = readme(district("auto"))
    told = " ".join(text.split())
    for fmt in catalogue.formats().values():
        files = (f"[{file.name}]" if file.optional else file.name for file in fmt.files)
        assert f"{fmt.title} {' '.join(files)}" in told
    for file in catalogue.formats()[OWN].files:
        assert ",".join(column.name for column in file.columns) in told
    assert catalogue.file_names("auto") == {file.name for fmt in catalogue.formats().values() for file in fmt.files}


def test_any_format_fits_a_page() -> None:
    """However many formats there are, what a district without a fixed one reads stays a page: 66 lines of 120."""
    lines = readme(district("auto")).splitlines()
    assert len(lines) <= 66
    assert max(map(len, lines)) <= 120


def test_ten_rules() -> None:
    """The rules are ten lines."""
    lines = readme(district("auto")).splitlines()
    assert [line.split(".")[0].strip() for line in lines if line[:2].strip().isdigit()] == [
        str(n) for n in range(1, 11)
    ]
