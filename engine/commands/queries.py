"""Commands that clean and split queries."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from engine.commands.common import Add, Values, given, how_many, job, words
from engine.errors import UserError
from engine.store.project import Project
from engine.terminal import TerminalTask, plain, table


def add_commands(add: Add) -> None:
    """Register them."""
    dedup = add(
        "dedup",
        "find near-duplicate queries and merge them",
        job("dedup", lambda o: given(o, "threshold")),
        show=_show_merged,
    )
    dedup.add_argument("--threshold", type=float, metavar="T", help="how alike, 0.6 to 1 (0.95)")
    split = add("split", "split queries into train, dev and test without leaks", _split, show=_show_split)
    split.add_argument("--seed", type=int, metavar="N", help="another seed, other splits (13)")
    split.add_argument("--made", choices=["train", "all"], help="where made queries go: only to train, or everywhere")
    split.add_argument(
        "--ignore-official",
        dest="keep_official",
        action="store_const",
        const=False,
        help="draw all anew, those too whose split the labelled set says",
    )
    split.add_argument("--report", action="store_true", help="only say what the last split found, and what leaks now")
    split.add_argument("--dev-share", type=float, metavar="S", help="of the queries, 0 to 1 (0.1)")
    split.add_argument("--test-share", type=float, metavar="S", help="of the queries, 0 to 1 (0.2)")
    make = add(
        "queries make",
        "make queries from the passages",
        job("make_queries", _make_values),
        example="queries make law --from headings,questions --per-passage 2",
        show=_show_made,
    )
    make.add_argument("--from", dest="sources", metavar="LIST", help="of headings, questions, cloze, phrases, endpoint")
    make.add_argument("--per-passage", type=int, metavar="N", help="at most so many of each passage and source (1)")
    make.add_argument("--limit", type=int, metavar="N", help="from so many passages, drawn by seed (all)")
    make.add_argument("--endpoint", dest="url", metavar="URL", help="a server with OpenAI's chat interface")
    make.add_argument("--model", metavar="NAME", help="the model's name on that server")
    make.add_argument("--prompt", metavar="FILE", help="what to ask, with the places {count} and {passage}")
    make.add_argument("--key-variable", metavar="NAME", help="environment variable with the key (SEARCHSMITH_API_KEY)")
    make.add_argument("--price", dest="price_per_million", type=float, metavar="P", help="of a million tokens")
    shown = add("queries list", "list queries", _list, example="queries list law --split test", show=_show_list)
    shown.add_argument("--split", choices=["train", "dev", "test"], help="only these")
    shown.add_argument("--source", metavar="TEXT", help="only those whose source has this in it, e.g. made")
    shown.add_argument("--contains", metavar="TEXT", help="only those with this in their text")
    shown.add_argument("--limit", type=how_many, default=50, metavar="N", help="how many (50)")


def _show_merged(summary: Values) -> None:
    merged = f"Of {summary['queries']:,} queries merged: {summary['duplicates']:,}"
    print(f"{merged} (groups: {summary['groups']:,}); alike pairs kept apart: {summary['kept_apart']:,}")


def _show_split(summary: Values) -> None:
    print(", ".join(f"{summary[name]:,} {name}" for name in ("train", "dev", "test")))
    print(summary["sentence"])
    if now := summary.get("now"):
        print(f"Leaks now: {', '.join(f'{count:,} {name}' for name, count in now.items())}.")


def _show_made(summary: Values) -> None:
    by_source = ", ".join(f"{source} {count:,}" for source, count in summary["by_source"].items())
    print(f"{summary['queries']:,} queries made" + (f": {by_source}" if by_source else ""))
    for count, said in (
        (summary["known"], "texts were queries already"),
        (summary["without"], "times a passage gave none"),
        (summary["failed"], "answers of the server held no query"),
    ):
        if count:
            print(f"{count:,} {said}")
    if summary["tokens"]:
        cost = f", cost {summary['cost']:.4g}" if summary["cost"] else ""
        print(f"{summary['tokens']:,} tokens in {summary['seconds_asking']:.0f} s of asking{cost}")


def _split(options: argparse.Namespace, task: TerminalTask) -> Values:
    if not options.report:
        return job("split", lambda o: given(o, "seed", "made", "dev_share", "test_share", "keep_official"))(
            options, task
        )
    from engine.curate.splits import leaks_in

    with Project.open(Path(options.project), readonly=True) as project:
        report = project.meta_json("split_report")
        if not isinstance(report, dict):
            raise UserError("The queries were not split yet.", hint="Split them first: searchsmith split PROJECT")
        return {**report, "now": asdict(leaks_in(project))}


def _make_values(options: argparse.Namespace) -> Values:
    values = given(options, "per_passage", "limit", "url", "model", "key_variable", "price_per_million")
    if options.sources:
        values["sources"] = words(options.sources)
    elif options.url:
        values["sources"] = ["endpoint"]
    if options.prompt:
        values["prompt"] = _text_of(Path(options.prompt))
    return values


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path.name} is no text in UTF-8.", hint="Save it in UTF-8, then ask again.") from None


def _list(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.store import queries

    with Project.open(Path(options.project), readonly=True) as project:
        answers = queries.positives(project)
        wanted = [
            query
            for query in queries.all_queries(project)
            if (not options.split or query.split == options.split)
            and (options.source or "") in query.source
            and (options.contains or "").casefold() in query.text.casefold()
        ]
        rows = [
            {
                "id": query.id,
                "external_id": query.external_id,
                "text": query.text,
                "split": query.split.value if query.split else "",
                "source": query.source,
                "duplicate_of": query.duplicate_of,
                "answers": len(answers.get(query.id, {})),
            }
            for query in wanted[: options.limit]
        ]
    return {"queries": rows, "total": len(wanted)}


def _show_list(summary: Values) -> None:
    rows = [["id", "split", "answers", "source", "query"]]
    rows += [
        [str(row["id"]), row["split"] or "–", str(row["answers"]), plain(row["source"]), plain(row["text"])[:80]]
        for row in summary["queries"]
    ]
    print(table(rows, right=(0, 2)))
    if summary["total"] > len(summary["queries"]):
        print(f"… and {summary['total'] - len(summary['queries']):,} more (--limit shows more)")
