"""Commands that mine hard negatives, show them, and take a person's word on them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from engine.commands.common import Add, Values, given, how_many, job, words
from engine.errors import UserError
from engine.params import GateParams, MineParams, SelectParams
from engine.store.project import Project
from engine.terminal import TerminalTask, plain, show_facts, table

_WORDS = {"accept": "negative", "reject": "left_out", "relevant": "relevant"}
_SELECT = tuple(SelectParams.__dataclass_fields__)


def add_commands(add: Add) -> None:
    """Register them."""
    mine = add(
        "mine",
        "find hard negatives for the training queries",
        _mine,
        example="mine faq --sources bm25,dense --negatives 3 --relative-margin 0.05",
        show=_show_mined,
    )
    mine.add_argument("--sources", metavar="LIST", help="of bm25, dense, random")
    mine.add_argument("--bm25", choices=["okapi", "l", "plus", "lucene"], help="which variant of BM25 counts (plus)")
    mine.add_argument("--depth", type=int, metavar="N", help="candidates of each source")
    mine.add_argument("--model", metavar="ID", help="base, tuned or an id")
    mine.add_argument("--index", choices=["auto", "exact", "ivf"], help="how the model's candidates are found")
    _add_rules(mine)
    mine.add_argument("--report", action="store_true", help="also counts by rule, histograms and findings, as JSON")
    listed = add("negatives list", "list queries with their counts", _list, show=_show_list)
    listed.add_argument("--limit", type=how_many, default=50, metavar="N", help="at most so many (50)")
    listed.add_argument("--short", action="store_true", help="only queries with fewer than asked for")
    listed.add_argument("--doubtful", action="store_true", help="only queries with doubtful candidates")
    shown = add(
        "negatives show",
        "show a query's answers and candidates: ranks, scores, margin, what became of each",
        _show,
        example="negatives show faq 12",
        show=_show_query,
    )
    shown.add_argument("query", metavar="QUERY", help="its id, its own id in the set, or its text")
    shown.add_argument("--all", action="store_true", help="not only the first 30 candidates")
    scored = add(
        "negatives score",
        "let a reranker read the candidates near the cut; with --gate, hold back what it takes for answers",
        job("gate", lambda options: given(options, *GateParams.__dataclass_fields__)),
        example="negatives score faq --reranker reranker --gate score --gate-at 0.5",
        show=show_facts,
    )
    scored.add_argument("--reranker", metavar="ID", help="an id, or a cross-encoder's folder (the newest)")
    scored.add_argument("--per-query", type=int, metavar="N", help="answers, and others, of each query (20)")
    scored.add_argument("--max-length", type=int, metavar="N", help="tokens of a query and a passage (256)")
    _add_gate(scored)
    scored.set_defaults(mining=None)
    _add_rules(
        add(
            "negatives select",
            "choose again among the candidates there are, by other rules; those not named stay",
            _select,
            example="negatives select faq --relative-margin 0.1 --fill none",
            show=_show_selected,
        )
    )
    judged = add(
        "negatives judge",
        "say of a candidate: accept (a negative), reject (leave it out), relevant (an answer), undo",
        _judge,
        example="negatives judge faq 12 345 relevant",
        show=show_facts,
    )
    judged.add_argument("query", metavar="QUERY")
    judged.add_argument("passage", metavar="PASSAGE", type=int, help="the passage's id, as shown")
    judged.add_argument("word", choices=[*_WORDS, "undo"])
    add("negatives report", "counts by rule, histograms, rounds and findings", _report, show=_show_report)


def _add_gate(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--gate",
        choices=["off", "score", "share"],
        help="hold back by the reranker's score, or by its share of the lowest answer's",
    )
    command.add_argument("--gate-at", type=float, metavar="X", help="from which score or share on (0.5)")


def _add_rules(mine: argparse.ArgumentParser) -> None:
    """The rules of selection."""
    mine.add_argument("--negatives", dest="num_negatives", type=int, metavar="N", help="for each query")
    mine.add_argument("--relative-margin", type=float, metavar="X", help="below the lowest answer, share of its score")
    mine.add_argument("--absolute-margin", type=float, metavar="X", help="below the lowest answer, as a difference")
    mine.add_argument("--rank-min", type=int, metavar="N", help="not before this rank (1)")
    mine.add_argument("--rank-max", type=int, metavar="N", help="not behind this rank (100)")
    mine.add_argument("--rank-among", choices=["raw", "survivors"], help="ranks of the raw list, or of what rules left")
    mine.add_argument("--max-score", type=float, metavar="X", help="at most this likeness to the query, -1 to 1 (1)")
    mine.add_argument("--min-score", type=float, metavar="X", help="at least this likeness to the query (-1)")
    mine.add_argument(
        "--max-doubt", type=float, metavar="X", help="hold back what is this likely an unmarked answer; over 1: nothing"
    )
    mine.add_argument("--share-bm25", type=float, metavar="X", help="of the negatives, 0 to 1 (0)")
    mine.add_argument("--share-random", type=float, metavar="X", help="of the negatives, 0 to 1 (0)")
    mine.add_argument("--order", choices=["top", "random"], help="the first by rank, or drawn by seed")
    mine.add_argument("--fill", choices=["rest", "random", "none"], help="what a source cannot bring")
    mine.add_argument(
        "--other-documents",
        dest="same_document",
        action="store_const",
        const=False,
        help="no passages of an answer's own document",
    )
    mine.add_argument("--seed", type=int, metavar="N", help="of what is drawn by chance (13)")
    _add_gate(mine)


def _mine_values(options: argparse.Namespace) -> Values:
    values = given(options, "depth", "model", "index", "bm25")
    select = given(options, *_SELECT)
    sources = words(options.sources)
    if not sources and select.get("share_random", 0) > 0:
        sources = [*MineParams().sources, "random"]
    return {**values, **({"sources": sources} if sources else {}), **({"select": select} if select else {})}


def _mine(options: argparse.Namespace, task: TerminalTask) -> Values:
    summary = job("mine", _mine_values)(options, task)
    return {**summary, "report": _report(options, task)} if options.report else summary


def _select(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.mine.mining import reselect
    from engine.mine.reporting import needed_mining, rules_of
    from engine.params import params_from_dict, params_to_dict
    from engine.store.gates import read_gate

    with Project.open(Path(options.project)) as project, project.writing("reselect"):
        mining = needed_mining(project)
        rules = {**params_to_dict(rules_of(mining)), **given(options, *_SELECT)}
        if rules["gate"] != "off" and read_gate(project, mining.id) is None:
            raise UserError(
                "The gate holds nothing back: no reranker has read these candidates.",
                hint="Let one read them: searchsmith negatives score PROJECT --gate score",
            )
        return reselect(project, mining.id, params_from_dict(SelectParams, rules))


def _report(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.mine.reporting import mining_report

    with Project.open(Path(options.project), readonly=True) as project:
        return mining_report(project)


def _list(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.mine.showing import listed

    with Project.open(Path(options.project), readonly=True) as project:
        return listed(project, limit=options.limit, short=options.short, doubtful=options.doubtful)


def _show(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.mine.showing import shown

    with Project.open(Path(options.project), readonly=True) as project:
        return shown(project, options.query, limit=0 if options.all else 30)


def _judge(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.edits import apply_edit
    from engine.mine.showing import find_query
    from engine.store import documents

    with Project.open(Path(options.project)) as project, project.writing("review"):
        query = find_query(project, options.query)
        if options.passage not in documents.passages(project, [options.passage]):
            raise UserError(
                f"There is no passage {options.passage}.", hint="'negatives show' prints the passages' ids."
            )
        pair: Values = {"query_id": query.duplicate_of or query.id, "passage_id": options.passage}
        if options.word == "undo":
            apply_edit(project, "unreview", pair)
        else:
            apply_edit(project, "review", {**pair, "verdict": _WORDS[options.word]})
        return {**pair, "word": options.word}


def _show_mined(summary: Values) -> None:
    by_source = ", ".join(f"{source} {count:,}" for source, count in summary["by_source"].items())
    print(
        f"{_amount(summary['negatives'], 'negative')} ({by_source or 'none'}) of "
        f"{_amount(summary['candidates'], 'candidate')} for {_amount(summary['queries'], 'query', 'queries')}; "
        f"{_amount(summary['doubtful'], 'doubtful one')} held back"
    )
    if summary.get("short"):
        have = _amount(summary["short"], "query has", "queries have")
        print(f"{have} fewer than asked for: searchsmith negatives list PROJECT --short")
    if summary.get("recall") is not None:
        print(f"The index found {summary['recall']:.3f} of what an exact search finds.")
    if "report" in summary:
        _show_report(summary["report"])


def _show_selected(counts: Values) -> None:
    _show_mined(counts)
    _show_waterfall(counts["candidates"], counts["waterfall"])
    if counts.get("new") is not None:
        print(f"{counts['new']:,} of them are new against the mining before.")


def _show_list(summary: Values) -> None:
    rows = [["id", "negatives", "doubtful", "query"]]
    rows += [[str(r["id"]), str(r["negatives"]), str(r["doubtful"]), plain(r["text"])[:80]] for r in summary["queries"]]
    print(table(rows, right=(0, 1, 2)))
    found = _amount(summary["total"], "query", "queries")
    print(f"{len(summary['queries']):,} of {found}. {_provenance(summary)}")


def _show_query(summary: Values) -> None:
    print(f"{summary['query']}  {plain(summary['text'])}")
    print(_provenance(summary))
    read = any(row["reranked"] is not None for row in summary["candidates"])
    heads = ["passage", "BM25", "model", "score", "margin", "doubt", *(["reranker"] if read else [])]
    rows = [[*heads, "source", "state", "text"]]
    for row in summary["candidates"]:
        ranks = [str(row[name] or "–") for name in ("bm25_rank", "dense_rank")]
        figures = [f"{row['score']:.3f}", f"{100 * row['margin']:+.1f} %", f"{row['doubt']:.2f}"]
        if read:
            figures.append("–" if row["reranked"] is None else f"{row['reranked']:.3f}")
        state = _state(row["state"]) + (f" (your word: {_state(row['review'])})" if row["review"] else "")
        rows.append([str(row["passage"]), *ranks, *figures, row["source"], state, plain(row["text"])[:60]])
    print(table(rows, right=tuple(range(len(heads)))))


def _show_waterfall(candidates: int, waterfall: Sequence[tuple[str, int, int]]) -> None:
    rows = [["rule", "took out", "left"], ["candidates", "", f"{candidates:,}"]]
    rows += [[_state(state), f"{removed:,}", f"{left:,}"] for state, removed, left in waterfall]
    print(table(rows, right=(1, 2)))


def _state(name: str) -> str:
    """A state in words: too_close is told as too close."""
    return name.replace("_", " ")


def _amount(number: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 query, 2 queries."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _provenance(summary: Values) -> str:
    """Which mining this is: its round, the model with the beginning of its weights' digest, the variant of BM25."""
    digest = f" (weights {summary['model_digest'][:12]})" if summary["model_digest"] else ""
    return f"Round {summary['round']}, mined by {summary['model']}{digest} and BM25 '{summary['bm25']}'"


def _show_report(report: Values) -> None:
    print(_provenance(report))
    _show_waterfall(report["candidates"], report["waterfall"])
    for round_ in report["rounds"]:
        new = f", {round_['new']:,} of them new" if round_["new"] is not None else ""
        kept = _amount(round_["negatives"], "negative")
        print(f"Mining {round_['mining']}, round {round_['round']} by {round_['model']}: {kept}{new}.")
    for finding in report["findings"]:
        print(f"{finding['words']} {finding['hint']}")
