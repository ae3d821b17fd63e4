"""What it takes to repeat a run elsewhere: its settings as one command, and data that are still the same."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.records import Model
from engine.store.files import write_whole

BEGINNING = '"""Repeats the run "'
"""How each script begins."""
_FILES = ("train.py", "batches.jsonl", "batches.npz", "parts.npz", "on_cpu.py", "bags.py")


def command_of(words: list[str], base: str, changes: Mapping[str, Any]) -> str:  # Any: JSON values
    """`words` with the model to start from, where it is not the usual one, and with each changed setting."""
    words = ["searchsmith", *words]
    if base != "base":
        words += ["--base", base]
    for name, value in changes.items():
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)


def check_same_data(run: Model, digest: str, command: str) -> None:
    """Make sure that what a run would read now is what it read then.

    Raises:
        UserError: it is not; the hint is to train again by `command`.
    """
    if run.summary.get("data", digest) != digest:
        raise UserError(
            f"The training data changed since {run.name} was trained, so that no script can repeat it.",
            hint=f"Train again with the same settings: {command}",
        )


def check_place(place: Path) -> None:
    """Make sure that a script and its files, written into the folder `place`, replace nothing but an older one's.

    Raises:
        UserError: other files of the same names lie there, or it is no folder.
    """
    if place.exists() and not place.is_dir():
        raise UserError(f"{place} is no folder.", hint="Choose another one.")
    there = [name for name in _FILES if (place / name).exists()]
    if there and not (there[0] == _FILES[0] and (place / _FILES[0]).read_bytes().startswith(BEGINNING.encode())):
        raise UserError(
            f"{place} holds a {there[0]} that was not written by Searchsmith.",
            hint="Choose another folder, or move that file away.",
        )


def write_module(place: Path, name: str) -> None:
    """Put a module of this package beside a script that imports it."""
    write_whole(place / name, (Path(__file__).parent / name).read_bytes())


def title_of(run: Model) -> str:
    """A run's name as it can stand in a script's docstring."""
    return run.name.replace('"', "'").replace("\\", "/")
