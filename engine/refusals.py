"""What is wrong with the value of a setting, in words that name the setting and what it can be."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

from engine.errors import UserError

# What numbers of a training have to be at least; what is not named may be 0 or any number.
_LEAST: dict[str, float] = {
    "batch_size": 1, "micro_batch_size": 1, "max_length": 3, "dev_queries": 1, "dev_passages": 1, "scale": 0.001,
    "num_negatives": 0, "epochs": 0, "max_steps": 0, "eval_every": 0, "patience": 0, "minutes": 0, "processes": 0,
    "learning_rate": 1e-12, "lora_rank": 0, "freeze_layers": 0, "warmup_share": 0, "seed": 0, "candidates": 1,
    "rounds": 1, "dim": 8,
}  # fmt: skip
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


def check_least(params: object) -> None:
    """Refuse numbers of a training that cannot be.

    Raises:
        UserError: names the setting and what it has to be.
    """
    for name, least in _LEAST.items():
        value = getattr(params, name, least)
        if not value >= least:  # no number neither
            raise UserError(f"The setting {name} is {value}; it has to be {least:g} or more.")
        if value == float("inf"):
            raise UserError(f"The setting {name} is endless; it has to be a number.")
