from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.sets import SETS
from rostergate.core import catalogue
from rostergate.worker import expected_files

if TYPE_CHECKING:
    from pathlib import Path


def required(folder: Path, files: dict[str, str], form: str = "auto") -> frozenset[str]:
    """Return what a set of these files in an inbox waits for."""
    for name, text in files.items():
        (folder / name).write_text(text)
    return expected_files.required(form, folder, sorted(files))


def needed(form: str) -> frozenset[str]:
    """Return the required files of a format."""
    return frozenset(file.name for file in catalogue.formats()[form].files if not file.optional)


@pytest.mark.parametrize("form", SETS)
def test_a_set_without_its_last_file_waits_for_it(form: str, tmp_path: Path) -> None:
    """Whichever file comes last, the set waits for it, although others share the names of the rest."""
    for last in needed(form):
        folder = tmp_path / last
        folder.mkdir()
        assert required(folder, {name: text for name, text in SETS[form].items() if name != last}) == needed(form)


@pytest.mark.parametrize("form", SETS)
def test_a_fixed_format_is_waited_for_whatever_comes(form: str, tmp_path: Path) -> None:
    """Nothing is recognised where the district's file names the format."""
    assert required(tmp_path, {"schools.csv": "a,b\n"}, form) == needed(form)


def test_a_set_that_is_nothing_waits_for_the_products_own(tmp_path: Path) -> None:
    """Files that are like no format are waited for as the product's own, until they are overdue."""
    assert required(tmp_path, {"schools.csv": "a,b\n"}) == needed("direct")
    assert expected_files.required("auto", tmp_path, ["users.csv"]) == needed("direct")
