"""Commands that cut documents into passages anew, and say what was set aside."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from engine.commands.common import Add, Values, given, job
from engine.errors import UserError
from engine.params import CutParams, params_from_dict
from engine.terminal import TerminalTask, plain

_NAMES = {"split": "no passage holds most of its text", "answer": "its text is in an answer of the query now"}


def add_commands(add: Add) -> None:
    """Register them."""
    cut = add(
        "cut",
        "cut the documents into passages again; judgements follow their text",
        _cut,
        example="cut faq --budget 180 --overlap 30 --preview",
        show=_show,
    )
    cut.add_argument("--budget", dest="passage_tokens", metavar="N", type=int, help="tokens of a passage at most")
    cut.add_argument(
        "--overlap", dest="overlap_tokens", metavar="N", type=int, help="tokens shared with the one before"
    )
    cut.add_argument(
        "--headings", action=argparse.BooleanOptionalAction, help="put the heading path in front of each passage"
    )
    which = cut.add_mutually_exclusive_group()
    which.add_argument("--preview", action="store_true", help="say what would change, and change nothing")
    which.add_argument("--undo", action="store_true", help="take the last cutting back")
    add(
        "set-aside",
        "list judgements whose text is in no passage any more",
        _list,
        example="set-aside faq",
        show=_show_list,
    )


def _cut(options: argparse.Namespace, task: TerminalTask) -> Values:
    if options.undo:
        return job("uncut", lambda _options: {})(options, task)
    values = _values(options)
    return _preview(options, values) if options.preview else job("cut", lambda _options: values)(options, task)


def _values(options: argparse.Namespace) -> Values:
    """The settings of the project with those given in their place.

    Raises:
        UserError: they cannot be.
    """
    from engine.store.cuts import project_cut
    from engine.store.project import Project

    with Project.open(Path(options.project), readonly=True) as project:
        values = {**asdict(project_cut(project)), **given(options, "passage_tokens", "overlap_tokens", "headings")}
    _check(values["passage_tokens"], options.overlap_tokens)
    return values


def _check(tokens: int, overlap: int | None) -> None:
    """Refuse what a cutting would put right unsaid (`engine.ingest.cutting.sensible`)."""
    from engine.ingest.passages import SMALLEST

    if tokens < SMALLEST:
        raise UserError(f"Passages of {tokens} tokens cannot be cut.", hint=f"--budget is {SMALLEST} or more.")
    if overlap is not None and not 0 <= overlap <= tokens // 2:
        raise UserError(
            f"An overlap of {overlap} tokens does not fit passages of {tokens}.",
            hint=f"--overlap is 0 to {tokens // 2}, half a passage.",
        )


def _preview(options: argparse.Namespace, values: Values) -> Values:
    from engine.ingest.recut import Bench
    from engine.store.project import Project

    with Project.open(Path(options.project), readonly=True) as project:
        bench = Bench(project)
        outlook, _ = bench.look(params_from_dict(CutParams, values))
        return {**asdict(outlook), "limit": bench.limit, "params": values}


def _list(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.store.following import count_set_aside, set_aside
    from engine.store.project import Project

    with Project.open(Path(options.project), readonly=True) as project:
        return {
            "count": count_set_aside(project),
            "set_aside": [asdict(found) for found in set_aside(project, limit=100_000)],
        }


def _show(summary: Values) -> None:
    if "left" in summary:
        left = f"; {summary['left']:,} were read anew since and stay" if summary["left"] else ""
        print(f"{summary['documents']:,} documents have their old passages again{left}.")
        return
    would = "would get" if "bins" in summary else "got"
    print(
        f"{summary['changed']:,} of {summary['documents']:,} documents {would} other passages: "
        f"{summary['before']:,} before, {summary['after']:,} after."
    )
    print(f"Judgements that follow to another passage: {summary['moved']:,}; set aside: {summary['aside']:,}.")
    if summary["mined"]:
        print(f"Mined negatives on passages that go: {summary['mined']:,}; mine again for new ones.")
    if "bins" in summary:
        print(f"Longer than the {summary['limit']:,} tokens the model reads: {summary['over']:,} passages.")
        return
    if summary["restored"]:
        print(f"Back from what was set aside before: {summary['restored']:,}.")
    _print_set_aside(summary["set_aside"])
    print("Take it back with: searchsmith cut PROJECT --undo")


def _show_list(summary: Values) -> None:
    print(f"{summary['count']:,} set aside; they come back when their text has a passage again.")
    _print_set_aside(summary["set_aside"])


def _print_set_aside(rows: list[Values]) -> None:
    for row in rows:
        text = " ".join(row["text"].split())
        print(f"  {row['kind']} on '{plain(row['query'])[:60]}': {_NAMES[row['reason']]}: {plain(text)[:80]}")
