"""What is wrong with the value of a setting, in words that name the setting and what it can be."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

from engine.errors import UserError

_PLACE = re.compile(r" - at `\$\.?(?P<name>\w*)[^`]*`$")
_TYPES = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "yes or no", "array": "a list"}


def refusal_of(error: Exception, kind: type[Any]) -> UserError:  # Any: one of engine.params
    """The error of a person whose value for a setting of `kind` msgspec refused."""
    said, place = str(error), _PLACE.search(str(error))
    name = place["name"] if place else ""
    if not place or name not in kind.__dataclass_fields__:
        return UserError(f"A setting has a wrong value: {said}.")
    said = said[: place.start()]
    choices = list(_choices(get_type_hints(kind)[name]))
    if value := re.fullmatch(r"Invalid enum value (.+)", said):
        return UserError(f"The setting {name} cannot be {value[1]}.", hint=f"Choose from {', '.join(choices)}.")
    words = re.sub(r"`(\w+)`", lambda found: _TYPES.get(found[1], found[1]), said[:1].lower() + said[1:])
    return UserError(f"The setting {name} has a wrong value: {words}.")


def _choices(hint: Any) -> list[str]:  # Any: a type as it is written
    if get_origin(hint) is Literal:
        return [str(value) for value in get_args(hint)]
    return [choice for part in get_args(hint) for choice in _choices(part)]
