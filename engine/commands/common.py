"""What every command is made of: its registration, its options, the job it asks for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from engine.errors import UserError
from engine.terminal import TerminalTask

Values = dict[str, Any]  # Any: JSON values
Run = Callable[[argparse.Namespace, TerminalTask], Values]
Show = Callable[[Values], None]


class Add(Protocol):
    """Registers a command: its name, what it does in one line, the function that does it.

    `project` False: the command takes no PROJECT. A name of two words ("negatives list") is a command of a group.
    `show` prints the summary for a person where --json is not given; names and values, one a line, if None.
    """

    def __call__(
        self, name: str, help_: str, run: Run, *, example: str = "", project: bool = True, show: Show | None = None
    ) -> argparse.ArgumentParser: ...


def job(kind: str, values: Callable[[argparse.Namespace], Values]) -> Run:
    """A command that runs one job with the params that `values` reads from the options."""

    def run(options: argparse.Namespace, task: TerminalTask) -> Values:
        from engine.jobs import run_job

        return run_job(Path(options.project), kind, values(options), task)

    return run


def edit(kind: str, values: Callable[[argparse.Namespace], Values]) -> Run:
    """A command that does one small change by hand; prints what the edit says of itself."""

    def run(options: argparse.Namespace, task: TerminalTask) -> Values:
        from engine.edits import apply_edit
        from engine.store.project import Project

        with Project.open(Path(options.project)) as project, project.writing(kind):
            return apply_edit(project, kind, values(options))[1]

    return run


def given(options: argparse.Namespace, *names: str) -> Values:
    """The options that were given, by the params' names."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def how_many(text: str) -> int:
    """The type of an option that counts what is shown.

    Raises:
        argparse.ArgumentTypeError: no whole number from 0 on.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 0 on")
    return int(text)


def words(text: str | None) -> list[str]:
    """The parts of a list written with commas."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def absolute(path: str) -> str:
    """A path as the jobs take it: absolute, the home folder written out.

    Raises:
        UserError: its name is no text, so that the project could not keep it.
    """
    whole = str(Path(path).expanduser().absolute())
    try:
        whole.encode()
    except UnicodeEncodeError:
        raise UserError(f"The name of {path!r} is no text (bytes that are no UTF-8).", hint="Rename it.") from None
    return whole


def settings(pairs: list[str] | None) -> Values:
    """NAME=VALUE settings; numbers become numbers, the blank at the end of a prompt ("query: ") stays.

    Raises:
        UserError: one without an equals sign.
    """
    values: Values = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"'{pair}' is no setting.", hint="Write it as NAME=VALUE, e.g. --set batch_size=32.")
        values[name.strip()] = _number_or_text(value.lstrip())
    return values


def _number_or_text(value: str) -> float | int | str:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value
