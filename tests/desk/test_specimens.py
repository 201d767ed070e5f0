from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2.defaults import DEFAULT_FILTERS, DEFAULT_NAMESPACE

from rostergate.core.notices import TO_OPERATORS, Kind
from rostergate.desk.letters import environment_of, told
from rostergate.desk.specimens import faults, occasion, specimen


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_can_be_looked_at(kind: Kind) -> None:
    """A letter of each kind can be written although nothing has happened yet."""
    written = specimen(kind)
    assert written.broken is None
    assert "All 0" not in written.text
    assert "example.org" in written.text


def test_who_gets_a_specimen_is_who_gets_such_a_mail() -> None:
    """What is told to the operators alone says so, and no other kind does."""
    told = {kind: " ".join(specimen(kind).text.split()) for kind in Kind}
    assert {kind for kind in Kind if "to its operators" in told[kind]} == TO_OPERATORS


def test_without_templates_of_one_s_own_nothing_is_wrong(tmp_path: Path) -> None:
    """Neither a missing folder nor an empty one is a fault."""
    assert faults(tmp_path / "templates") == faults(tmp_path) == []


def test_templates_that_can_be_used_are_not_complained_about(tmp_path: Path) -> None:
    """A part of one's own, with a name that begins with _, can be used by several."""
    (tmp_path / "_greeting.txt.j2").write_text("Dear {{ name }},\n")
    (tmp_path / "late.txt.j2").write_text("{% include '_greeting.txt.j2' %}\nyour roster is late.\n")
    (tmp_path / "failed.txt.j2").write_text("{% if to_operator %}{{ error }}{% else %}Sorry.{% endif %}\n")
    (tmp_path / ".late.txt.j2.swp").write_text("{% if %}")
    assert faults(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "template", "said"),
    [
        pytest.param("late.txt.j2", "Dear\n{% if %}", "TemplateSyntaxError in late.txt.j2, line 2", id="bad syntax"),
        pytest.param("late.txt.j2", "{{ nothing }}", "late.txt.j2, line 1: 'nothing' is undefined", id="unknown name"),
        pytest.param("held.html.j2", "\n\n{{ 1 / 0 }}", "ZeroDivisionError in held.html.j2, line 3", id="an error"),
        pytest.param("failed.txt.j2", "{{ to_operator and x.y }}", "'x' is undefined", id="only to the operators"),
        pytest.param("late.txt.j2", " \n", "late.txt.j2 makes an empty mail", id="nothing in it"),
        pytest.param("_frame.html.j2", "{% include '_frame.html.j2' %}", "RecursionError", id="for ever"),
        pytest.param("hold.txt.j2", "x", "no mail has a template of this name; did you mean held.txt.j2?", id="a slip"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, name: str, template: str, said: str) -> None:
    """Each fault once, with the folder, the file and the line."""
    (tmp_path / name).write_text(template)
    (fault,) = faults(tmp_path)
    assert fault.startswith(str(tmp_path))
    assert said in fault


def test_the_page_about_mail_names_every_kind_and_every_word_of_a_template() -> None:
    """Whoever writes a template finds there what it can use, and nothing that it cannot."""
    page = (Path(__file__).parents[2] / "daemon" / "MAIL.md").read_text(encoding="utf-8")
    kinds, words, functions = (
        set(re.findall(r"`(\w+)", " ".join(row.split("|")[1] for row in table.splitlines() if row.startswith("| `"))))
        for table in re.split(r"\n(?=\| (?:name|filter) )", page)
    )
    assert kinds == set(Kind)
    assert words == {name for kind in Kind for name in told(occasion(kind))}
    environment = environment_of(None)
    ours = (environment.filters.keys() - DEFAULT_FILTERS.keys()) | (
        environment.globals.keys() - DEFAULT_NAMESPACE.keys()
    )
    assert functions == ours
