"""What is wrong with a configuration, in words: where it stands, what was expected, what was found.

Rule: all complaints about one file come at once, one per line, in the order of their lines.
"""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from rostergate.config.places import Loc, line_of
from rostergate.config.wording import did_you_mean, shown
from rostergate.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

# pydantic's kinds of error -> what was expected, filled in from the error's context.
_EXPECTED: Final[Mapping[str, str]] = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text in quotes",
    "string_too_short": "some text",
    "string_too_long": "at most {max_length} characters",
    "too_long": "at most {max_length} entries",
    "tuple_type": "a list",
    "model_type": "a table",
    "dict_type": "a table",
    "date_type": "a date such as 2026-08-01",
    "literal_error": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}


def dotted(loc: Loc) -> str:
    """Return a key as a reader would write it, for example `schools.platform[0].id`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def config_error(source: Path, error: ValidationError, model: type[BaseModel], lines: Mapping[Loc, int]) -> ConfigError:
    """Return all complaints about one file as one error."""
    found = []
    for details in error.errors(include_url=False):
        loc, text = complaint(details, model)
        line = line_of(loc, dict(lines))
        where = f"{source}:{line}" if line else str(source)
        found.append((line or 0, f"{where}: {f'{dotted(loc)}: ' if loc else ''}{text}"))
    return ConfigError("\n".join(text for _, text in sorted(found, key=lambda pair: pair[0])))


def complaint(details: ErrorDetails, model: type[BaseModel]) -> tuple[Loc, str]:
    """Return where an error is and what it says, without its file."""
    loc, kind, context = details["loc"], details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return loc, f"unknown key{_meant(loc, model)}"
    if kind == "missing":
        return loc, "missing; it has no default"
    if kind == "value_error":
        return loc, str(context["error"])
    text_too_long = kind == "too_long" and isinstance(details["input"], str)  # a checked text is no string to pydantic
    expected = _EXPECTED.get("string_too_long" if text_too_long else kind)
    expected = expected.format_map(context) if expected else details["msg"]
    return loc, f"expected {expected}, found {shown(details['input'])}"


def keys(model: type[BaseModel]) -> dict[str, type[BaseModel] | None]:
    """Return the keys that a table may have, and what its tables and lists of tables are made of."""
    return {field.alias or name: _model_in(field.annotation) for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - an annotation can be anything
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple):
        return next((model for one in get_args(annotation) if (model := _model_in(one))), None)
    return None


def _meant(loc: Loc, model: type[BaseModel]) -> str:
    """Return the end of the complaint about an unknown key: the key that was meant, here or in another table."""
    *around, name = loc
    here: type[BaseModel] | None = model
    for part in around:
        here = keys(here).get(part) if here and isinstance(part, str) else here
    text = str(name)
    if here and (meant := did_you_mean(text, keys(here))):
        return meant
    elsewhere = [path for path in _paths(model) if path[-1] == text]
    if not elsewhere:
        return ""
    path = elsewhere[0]
    return f"; did you mean {dotted(path)}" + ("?" if path[:-1] else ", which stands above the first [table]?")


def _paths(model: type[BaseModel], around: Loc = ()) -> Iterator[Loc]:
    for name, inner in keys(model).items():
        yield (*around, name)
        if inner:
            yield from _paths(inner, (*around, name))
