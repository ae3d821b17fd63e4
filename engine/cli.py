"""The command line: every job of the window in the terminal, for people and for scripts."""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from engine import __version__
from engine.commands import (
    bases,
    cutting,
    documents,
    evaluation,
    exports,
    judging,
    negatives,
    pins,
    projects,
    queries,
    runs,
    searching,
    training,
)
from engine.commands.common import Run, Show, Values
from engine.errors import Cancelled, SearchsmithError
from engine.terminal import TerminalTask, say, show_facts


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 done, 1 a user's error (one sentence on stderr), 130 cancelled."""
    _print_whatever_the_terminal_knows()
    try:
        options = _parser().parse_args(arguments)
    except _UsageError as error:
        say(f"searchsmith: {error}")
        return 1
    task = TerminalTask(quiet=options.quiet)
    signal.signal(signal.SIGINT, lambda *_: _interrupt(task))
    with suppress(ValueError, OSError):
        signal.signal(signal.SIGTERM, lambda *_: _interrupt(task))
    try:
        summary = options.run(options, task)
    except (Cancelled, KeyboardInterrupt):
        task.end_line()
        say("Cancelled; what was finished is kept.")
        return 130
    except SearchsmithError as error:
        task.end_line()
        say(f"searchsmith: {error}")
        return 1
    except BrokenPipeError:
        return 1
    except OSError as error:
        task.end_line()
        say(f"searchsmith: {error.filename or ''}: {error.strerror or error}")
        return 1
    except Exception as error:
        task.end_line()
        if options.debug:
            traceback.print_exc()
        say(f"searchsmith: something unexpected went wrong: {error!r} (--debug shows where)")
        return 1
    task.end_line()
    try:
        if options.json:
            print(_json_line(summary))
        else:
            options.show(summary)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has seen enough (head, less); the work itself is done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _print_whatever_the_terminal_knows() -> None:
    """Let a terminal, or a file on Windows, that is not UTF-8 show a mark for what it cannot, not end the command.

    Names of files that are no text (`surrogateescape`) cannot be written in UTF-8 either.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _json_line(summary: Values) -> str:
    """The summary as JSON, with escapes where the terminal cannot show its letters: nothing of it is lost."""
    line = json.dumps(summary, ensure_ascii=False)
    try:
        line.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(summary)
    return line


def _interrupt(task: TerminalTask) -> None:
    """Ask the job to stop; a second interrupt ends it at once, and so does the first where no job is at work."""
    if task.is_cancelled or not task.is_working:
        raise KeyboardInterrupt
    task.cancel()


class _UsageError(Exception):
    """The words on the command line do not fit together."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message}. Help: {self.prog} --help")


EXAMPLES = """examples:
  searchsmith sample my-sample                       a project from the documentation installed here
  searchsmith new law && searchsmith import law ~/statutes
  searchsmith import faq pairs.jsonl --as labelled
  searchsmith dedup faq && searchsmith split faq && searchsmith mine faq
  searchsmith train faq --preset quick && searchsmith evaluate faq
  searchsmith search faq "how do I reset it" -k 5
  searchsmith export faq ~/faq-model
  searchsmith tour                                   the whole way, on the sample
"""


def _parser() -> _Parser:
    parser = _Parser(
        prog="searchsmith",
        description="Build semantic search over your own documents. Without a command the window opens.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"searchsmith {__version__}")
    add = _Commands(parser).add
    projects.add_start_commands(add)
    data, work = (documents, cutting, queries, judging, negatives), (bases, training, evaluation, runs, pins)
    for part in (*data, *work, searching, exports):
        part.add_commands(add)
    projects.add_state_commands(add)
    return parser


class _Commands:
    """Registers commands, those of two words under their group."""

    def __init__(self, parser: _Parser) -> None:
        self._commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
        self._groups: dict[str, argparse._SubParsersAction[_Parser]] = {}
        self._common = _Parser(add_help=False)
        self._common.add_argument("--json", action="store_true", help="print one JSON object on stdout at the end")
        self._common.add_argument("--quiet", action="store_true", help="no progress on stderr")
        self._common.add_argument("--debug", action="store_true", help="show where an unexpected error arose")

    def add(
        self, name: str, help_: str, run: Run, *, example: str = "", project: bool = True, show: Show | None = None
    ) -> argparse.ArgumentParser:
        group, _, word = name.rpartition(" ")
        command = (self._group(group) if group else self._commands).add_parser(
            word,
            help=help_,
            description=help_[0].upper() + help_[1:] + ".",
            parents=[self._common],
            epilog=f"example:\n  searchsmith {example}" if example else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run, command=name, show=show or show_facts)
        if project:
            command.add_argument("project", metavar="PROJECT", help="the project's folder")
        return command

    def _group(self, name: str) -> argparse._SubParsersAction[_Parser]:
        if name not in self._groups:
            parser = self._commands.add_parser(name, help=f"work with {name}: searchsmith {name} --help")
            self._groups[name] = parser.add_subparsers(metavar="ACTION", required=True)
        return self._groups[name]
