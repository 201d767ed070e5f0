"""The settings' defaults and their documentation agree."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest

from rostergate.config import Settings, load_settings
from rostergate.config.settings import Section
from rostergate.core.policy import HoldLimits, ReadingLimits

FOLDER = Path(__file__).parents[2] / "config"
TEXT = (FOLDER / "rostergate.toml").read_text(encoding="utf-8")
SECTIONS = list(Settings.model_fields)


def test_the_documented_settings_are_the_defaults() -> None:
    """Loading the commented file gives what no file gives."""
    assert load_settings(FOLDER, {}) == Settings()


def test_the_documented_settings_are_complete_and_in_order() -> None:
    """Every key of every section stands in the commented file, in the order of the code."""
    documented = {section: list(keys) for section, keys in tomllib.loads(TEXT).items()}
    assert documented == {
        section: list(type(getattr(Settings(), section)).model_fields) for section in Settings.model_fields
    }


def test_every_documented_key_has_a_comment_of_its_own() -> None:
    """The line above a key is a comment."""
    lines = TEXT.splitlines()
    bare = [line for before, line in pairwise(lines) if " = " in line and line[0] != "#" != before[:1]]
    assert bare == []


def test_the_core_has_the_same_defaults() -> None:
    """The settings' limits as the core takes them are the core's own defaults."""
    assert Settings().reading.limits == ReadingLimits()
    assert Settings().holds.limits == HoldLimits()
    assert asdict(Settings().holds.limits) == Settings().holds.model_dump()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_number_is_bounded(section: str) -> None:
    """No number of the settings can be negative or endless."""
    model = Settings.model_fields[section].annotation
    assert isinstance(model, type)
    assert issubclass(model, Section)
    for key, value in model().model_dump().items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            for impossible in (-1, 10**18, float("inf"), float("nan"), True):
                with pytest.raises(ValueError, match=key):
                    model.model_validate({key: impossible})


def test_settings_do_not_change() -> None:
    """Settings are frozen."""
    with pytest.raises(ValueError, match="frozen"):
        setattr(Settings().server, "port", 1)  # noqa: B010 - the plain form is an error of types already
