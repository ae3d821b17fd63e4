"""A run in other words: what its settings changed of a preset, and the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from engine.params import PRESETS, RerankerParams, TrainParams, params_from_dict
from engine.records import Model

_NOT_SETTINGS = ("preset", "resume", "finish", "chosen")


def run_changes(model: Model, base_id: int = 0) -> tuple[str, dict[str, Any]]:  # Any: JSON values
    """The preset of a run and what its settings changed of it and of its objective's.

    Args:
        base_id: the model that "base" names now; where the run started from another one, that one is named.
    """
    known = {field.name for field in fields(TrainParams)} - set(_NOT_SETTINGS)
    kept = {name: value for name, value in model.params.items() if name in known | {"preset"}}
    chosen = tuple(model.params.get("chosen", ()))
    params = params_from_dict(TrainParams, {**kept, "chosen": chosen})
    plain = params_from_dict(TrainParams, {"preset": params.preset, "objective": params.objective})
    changes = {
        name: getattr(params, name)
        for name in sorted(known)
        if getattr(params, name) != getattr(plain, name) or name in chosen
    }
    if params.objective != PRESETS[params.preset].objective:
        changes["objective"] = params.objective
    return params.preset, _with_base(changes, model, base_id)


def reranker_changes(model: Model, base_id: int = 0) -> dict[str, Any]:  # Any: JSON values
    """What a reranker's settings changed of the usual ones."""
    plain = RerankerParams()
    known = {field.name for field in fields(RerankerParams)} - set(_NOT_SETTINGS)
    changes = {n: v for n, v in model.params.items() if n in known and v != getattr(plain, n)}
    return _with_base(changes, model, base_id)


def _with_base(changes: dict[str, Any], model: Model, base_id: int) -> dict[str, Any]:
    """What "base" and "tuned" name changes with time; a number does not."""
    if model.parent_id and (changes.get("base", "base") != "base" or (base_id and model.parent_id != base_id)):
        changes["base"] = str(model.parent_id)
    return changes


def command_line(path: str, params: Mapping[str, Any], command: str = "train") -> str:  # Any: JSON values
    """The same run in the terminal."""
    parts = ["searchsmith", command, path]
    if command == "train":
        parts += ["--preset", str(params.get("preset", "quick"))]
    for name, value in params.items():
        if name == "base":
            parts += ["--base", str(value)]
        elif name != "preset":
            parts += ["--set", f"{name}={_figure(value) if isinstance(value, float) else value}"]
    return shlex.join(parts)


def _figure(value: float) -> str:
    """A number in as few digits as name it."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)
