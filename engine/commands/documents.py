"""Commands that bring documents and labelled sets in."""

from __future__ import annotations

import argparse

from engine.commands.common import Add, Values, absolute, given, job
from engine.errors import UserError
from engine.terminal import TerminalTask, plain, show_import


def add_commands(add: Add) -> None:
    """Register them."""
    take = add(
        "import",
        "read documents or labelled sets into the project",
        _import,
        example="import faq ~/manuals pairs.jsonl",
        show=show_import,
    )
    take.add_argument("paths", metavar="PATH", nargs="+", help="files and folders")
    take.add_argument(
        "--as", dest="kind", choices=["documents", "labelled"], help="what they are (found out if not given)"
    )
    take.add_argument("--format", help="auto, beir, paddlenlp, flagembedding, sentence-transformers")
    take.add_argument("--split", choices=["train", "dev", "test"], help="the split these queries belong to")


def _import(options: argparse.Namespace, task: TerminalTask) -> Values:
    summary = job("import", _import_values)(options, task)
    problems = summary["problems"]
    if problems and not (summary["new"] or summary["updated"] or summary["unchanged"]):
        more = f" and {len(problems) - 1:,} more like it" if len(problems) > 1 else ""
        raise UserError(f"Nothing was imported. {plain(problems[0]['file'])}: {plain(problems[0]['reason'])}{more}")
    return summary


def _import_values(options: argparse.Namespace) -> Values:
    paths = [absolute(path) for path in options.paths]
    return {"paths": paths, **given(options, "kind", "format", "split")}
