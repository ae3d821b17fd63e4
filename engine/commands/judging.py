"""Commands to judge by hand which passages answer a query."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.commands.common import Add, Values
from engine.errors import UserError
from engine.records import Split
from engine.store import judging, queries
from engine.store.judging import Pool, PoolCard
from engine.store.project import Project
from engine.terminal import TerminalTask, plain, table

# A difference in nDCG@10 that is worth seeing: about what a good fine-tuning gains.
_WORTH_SEEING = 0.05


def add_commands(add: Add) -> None:
    """Register them."""
    judge = add(
        "judge",
        "judge by hand which pooled passages answer a query",
        _judge,
        example="judge law --next --json\n  searchsmith judge law --query 17 --passage 204 --grade 2",
        show=_show,
    )
    judge.add_argument("--next", action="store_true", help="the next query to judge, with the passages pooled for it")
    judge.add_argument("--query", type=int, metavar="ID", help="this query")
    judge.add_argument("--ask", metavar="TEXT", help="a new query, added to the project")
    judge.add_argument("--passage", type=int, metavar="ID", help="the passage to judge")
    judge.add_argument("--grade", type=int, metavar="N", help="2 answers it, 1 in part, 0 not (3 perfectly)")
    judge.add_argument("--skip", action="store_true", help="cannot be said")
    judge.add_argument("--take-back", action="store_true", help="take back what was said of the passage by hand")
    judge.add_argument("--depth", type=int, default=judging.DEPTH, metavar="N", help="first hits of each system (10)")


def _judge(options: argparse.Namespace, task: TerminalTask) -> Values:
    if options.passage is not None:
        return _say(options)
    if options.grade is not None or options.skip or options.take_back:
        raise UserError("Which passage? None was named.", hint="Add --query ID --passage ID.")
    with _writing(options) as project:
        if not (options.next or options.query or options.ask):
            return {"progress": _progress(project)}
        found = _pool(project, options, task)
        said = {"progress": _progress(project)}
        return {**_query_values(found), **said} if found else {"query": None, "cards": [], "open": 0, **said}


def _pool(project: Project, options: argparse.Namespace, task: TerminalTask) -> Pool | None:
    from engine.search.pooling import next_pool, pool
    from engine.search.searching import SearchEngine

    engine = SearchEngine(project, task)
    if options.ask:
        from engine.edits import apply_edit

        query_id = int(apply_edit(project, "add_query", {"text": options.ask})[1]["query_id"])
        return pool(project, engine, query_id, options.depth)
    if options.query:
        return pool(project, engine, options.query, options.depth)
    return next_pool(project, engine, options.depth)


def _say(options: argparse.Namespace) -> Values:
    """One word on one passage."""
    from engine.evaluate.by_hand import Word, judge_passage, take_back

    chosen = [options.grade is not None, options.skip, options.take_back]
    if not options.query or sum(chosen) != 1:
        raise UserError(
            "A word on a passage needs a query and one of --grade, --skip and --take-back.",
            hint="For instance: searchsmith judge PROJECT --query 17 --passage 204 --grade 2",
        )
    with _writing(options) as project:
        if options.take_back:
            compared, placed = take_back(project, options.query, options.passage, Word(), placed=False), None
        else:
            spoken = judge_passage(project, options.query, options.passage, None if options.skip else options.grade)
            compared, placed = spoken.compared, spoken.placed
        return {
            "query_id": options.query,
            "passage_id": options.passage,
            "grade": options.grade,
            "skipped": options.skip,
            "split": placed.value if placed else _split_of(project, options.query),
            "compared": compared,
            "progress": _progress(project),
        }


@contextmanager
def _writing(options: argparse.Namespace) -> Iterator[Project]:
    with Project.open(Path(options.project)) as project, project.writing("judge"):
        yield project


def _split_of(project: Project, query_id: int) -> str:
    asked = queries.query(project, query_id)
    return asked.split.value if asked and asked.split else ""


def _query_values(found: Pool) -> Values:
    asked = found.query
    return {
        "query": {"id": asked.id, "text": asked.text, "split": asked.split.value if asked.split else ""},
        "cards": [_card_values(card) for card in found.cards],
        "open": found.open_cards,
    }


def _card_values(card: PoolCard) -> Values:
    """A passage with what was said of it; which system brought it only once it is judged, so that nobody is led."""
    values: Values = {
        "passage_id": card.passage.id,
        "title": card.title,
        "text": card.passage.text,
        "grade": card.grade,
        "source": card.source,
        "skipped": card.skipped,
    }
    if not card.is_open:
        values |= {"bm25_rank": card.words_rank, "model_rank": card.model_rank}
    return values


def _progress(project: Project) -> Values:
    done, reach = judging.progress(project), judging.reach(project)
    smallest = reach.with_queries(done.test)
    return {
        "queries_by_hand": done.queries,
        "judgements_by_hand": done.judgements,
        "waiting": done.waiting,
        "unsplit": done.unsplit,
        f"{Split.TEST.value}_queries": done.test,
        "smallest_difference": round(smallest, 4) if math.isfinite(smallest) else None,
        "assumed_spread": reach.assumed,
        f"queries_needed_for_{_WORTH_SEEING}": reach.needed(_WORTH_SEEING),
    }


def _show(summary: Values) -> None:
    if summary.get("query"):
        print(f"{summary['query']['id']}: {plain(summary['query']['text'])}")
        rows = [["passage", "judged", "text"]]
        for card in summary["cards"]:
            word = "skipped" if card["skipped"] else "–" if card["grade"] is None else str(card["grade"])
            rows.append([str(card["passage_id"]), word, plain(f"{card['title']}: {card['text']}")[:90]])
        print(table(rows, right=(0,)) if summary["cards"] else "Neither BM25 nor the model finds a passage.")
    elif "query" in summary:
        print("Every query is judged.")
    elif "passage_id" in summary:
        word = "skipped" if summary["skipped"] else "taken back" if summary["grade"] is None else summary["grade"]
        where = f", {summary['split']} query" if summary["split"] else ", in no split yet"
        print(f"Query {summary['query_id']}, passage {summary['passage_id']}: {word}{where}.")
    _show_progress(summary["progress"])


def _show_progress(progress: Values) -> None:
    print(
        f"By hand: {progress['judgements_by_hand']:,} judgements on {progress['queries_by_hand']:,} queries; "
        f"{progress['waiting']:,} queries have none."
    )
    spread = "with the usual spread" if progress["assumed_spread"] else "with the spread measured here"
    needed = progress[f"queries_needed_for_{_WORTH_SEEING}"]
    smallest = progress["smallest_difference"]
    seen = f"show differences from {smallest:.3f} nDCG@10 on" if smallest is not None else "show no difference"
    print(f"{progress['test_queries']:,} test queries {seen} ({spread}); {_WORTH_SEEING} needs {needed:,}.")
    if progress["unsplit"]:
        print(f"{progress['unsplit']:,} judged queries are in no split yet: searchsmith split PROJECT")
