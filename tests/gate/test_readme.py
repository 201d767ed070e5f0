import pytest

from rostergate.config.district import District
from rostergate.core import catalogue
from rostergate.gate.readme import readme, wanted


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
    assert wanted(district(form)) == {file.name for file in fmt.files}


def test_any_format() -> None:
    """A district without a fixed format is told all of them."""
    text = readme(district("auto"))
    for fmt in catalogue.formats().values():
        assert fmt.title in text
    assert wanted(district("auto")) == {file.name for fmt in catalogue.formats().values() for file in fmt.files}


def test_ten_rules() -> None:
    """The rules are ten lines."""
    lines = readme(district("auto")).splitlines()
    assert [line.split(".")[0].strip() for line in lines if line[:2].strip().isdigit()] == [
        str(n) for n in range(1, 11)
    ]
