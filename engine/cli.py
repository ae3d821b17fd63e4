"""The command line: every job of the window in the terminal, for people and for scripts."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stdout, suppress
from pathlib import Path
from typing import Any, NoReturn

from engine import __version__
from engine.errors import Cancelled, SearchsmithError, UserError
from engine.store.project import Project
from engine.terminal import TerminalTask, plain, print_summary, say

Values = dict[str, Any]  # Any: JSON values


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 done, 1 a user's error (one sentence on stderr), 130 cancelled."""
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
    if options.json:
        print(json.dumps(summary, ensure_ascii=False))
    else:
        print_summary(options.command, summary)
    return 0


def _interrupt(task: TerminalTask) -> None:
    """Ask the job to stop; a second interrupt ends it at once."""
    if task.is_cancelled:
        raise KeyboardInterrupt
    task.cancel()


class _UsageError(Exception):
    """The words on the command line do not fit together."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message}. Help: {self.prog} --help")


def _job(kind: str, values: Callable[[argparse.Namespace], Values]) -> Callable[..., Values]:
    def run(options: argparse.Namespace, task: TerminalTask) -> Values:
        from engine.jobs import run_job

        return run_job(Path(options.project), kind, values(options), task)

    return run


def _given(options: argparse.Namespace, *names: str) -> Values:
    """The options that were given, by the params' names."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _import(options: argparse.Namespace, task: TerminalTask) -> Values:
    summary = _job("import", _import_values)(options, task)
    problems = summary["problems"]
    if problems and not (summary["new"] or summary["updated"] or summary["unchanged"]):
        more = f" and {len(problems) - 1:,} more like it" if len(problems) > 1 else ""
        raise UserError(f"Nothing was imported. {plain(problems[0]['file'])}: {plain(problems[0]['reason'])}{more}")
    return summary


def _import_values(options: argparse.Namespace) -> Values:
    paths = [str(Path(path).expanduser().absolute()) for path in options.paths]
    return {"paths": paths, **_given(options, "kind", "format", "split")}


def _mine_values(options: argparse.Namespace) -> Values:
    values = _given(options, "depth", "model")
    if options.sources:
        values["sources"] = [source.strip() for source in options.sources.split(",") if source.strip()]
    select = _given(options, "num_negatives", "relative_margin", "rank_min", "rank_max", "max_score")
    return {**values, "select": select} if select else values


def _train_values(options: argparse.Namespace) -> Values:
    values = _given(options, "preset", "base", "minutes", "resume")
    for setting in options.set or []:
        name, equals, value = setting.partition("=")
        if not equals:
            raise UserError(f"'{setting}' is no setting.", hint="Write it as NAME=VALUE, e.g. --set batch_size=32.")
        values[name.strip()] = _number_or_text(value.strip())
    return values


def _number_or_text(value: str) -> float | int | str:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value


def _evaluate_values(options: argparse.Namespace) -> Values:
    values = _given(options, "split")
    if options.systems:
        values["systems"] = [name.strip() for name in options.systems.split(",") if name.strip()]
    return values


def _export_values(options: argparse.Namespace) -> Values:
    dest = str(Path(options.dest).expanduser().absolute())
    return {"dest": dest, **_given(options, "what", "format", "model", "system", "split")}


def _new(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.jobs import run_job

    path = Path(options.project).expanduser().absolute()
    if (path / "project.db").exists():
        raise UserError(f"{path} is a project already.", hint="Choose another folder.")
    return run_job(path, "new", _given(options, "name", "base"), task)


def _search(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.params import SearchParams, params_from_dict
    from engine.search.searching import SearchEngine
    from engine.store.documents import document, passages
    from engine.store.models import newest_tuned

    with Project.open(Path(options.project)) as project:
        model = options.model or ("tuned" if newest_tuned(project) else "base")
        values = {"text": options.text, "k": options.k, "mode": options.mode, "model": model}
        found = SearchEngine(project, task=task).search(params_from_dict(SearchParams, values))
        texts = passages(project, [hit.passage_id for hit in found.hits])
        hits = []
        for hit in found.hits:
            passage = texts[hit.passage_id]
            owner = document(project, passage.document_id)
            hits.append(
                {
                    "rank": hit.rank,
                    "score": hit.score,
                    "passage_id": hit.passage_id,
                    "external_id": passage.external_id,
                    "document": owner.title or owner.path if owner else "",
                    "heading": passage.heading,
                    "page": passage.page,
                    "text": passage.text,
                }
            )
        return {"hits": hits, "milliseconds": found.milliseconds, "model": model, "mode": options.mode}


def _info(options: argparse.Namespace, task: TerminalTask) -> Values:
    from dataclasses import asdict

    from engine.store.jobs import interrupted_jobs
    from engine.store.models import models
    from engine.store.overview import overview

    with Project.open(Path(options.project), readonly=True) as project:
        found = overview(project)
        return {
            "name": found.name,
            "path": str(project.path),
            "passages": found.passages,
            "queries": found.queries,
            "stages": [asdict(stage) for stage in found.stages],
            "next_step": asdict(found.next_step),
            "models": [{"id": m.id, "name": m.name, "kind": m.kind, "dim": m.dim} for m in models(project)],
            "runs": [{"system": r.system, "split": r.split.value, "metrics": r.metrics} for r in found.test_runs],
            "interrupted": [job.kind for job in interrupted_jobs(project)],
            "token_report": project.meta_json("token_report"),
        }


def _tour(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.tour import tour

    path = Path(options.project).expanduser().absolute() if options.project else None
    with redirect_stdout(sys.stderr) if options.json else nullcontext():
        return tour(path, task)


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
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON object on stdout at the end")
    common.add_argument("--quiet", action="store_true", help="no progress on stderr")
    common.add_argument("--debug", action="store_true", help="show where an unexpected error arose")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, help_: str, run: Callable[..., Values], *, example: str = "") -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=help_,
            description=help_.capitalize() + ".",
            parents=[common],
            epilog=f"example:\n  searchsmith {example}" if example else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        if name != "tour":
            command.add_argument("project", metavar="PROJECT", help="the project's folder")
        return command

    _add_data_commands(add)
    _add_model_commands(add)
    return parser


def _add_data_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    new = add("new", "make an empty project in a new folder", _new, example="new law --base ~/models/bge-small")
    new.add_argument("--name", help="what the project is called")
    new.add_argument("--base", metavar="PATH", help="a model's folder instead of the bundled model")
    add("sample", "make the sample project from documentation installed here", _job("sample", lambda _: {}))
    take = add(
        "import",
        "read documents or labelled sets into the project",
        _import,
        example="import faq ~/manuals pairs.jsonl",
    )
    take.add_argument("paths", metavar="PATH", nargs="+", help="files and folders")
    take.add_argument(
        "--as", dest="kind", choices=["documents", "labelled"], help="what they are (found out if not given)"
    )
    take.add_argument("--format", help="auto, beir, paddlenlp, flagembedding, sentence-transformers")
    take.add_argument("--split", choices=["train", "dev", "test"], help="the split these queries belong to")
    dedup = add("dedup", "find near-duplicate queries and merge them", _job("dedup", lambda o: _given(o, "threshold")))
    dedup.add_argument("--threshold", type=float, metavar="T", help="how alike, 0 to 1")
    split = add(
        "split", "split queries into train, dev and test without leaks", _job("split", lambda o: _given(o, "seed"))
    )
    split.add_argument("--seed", type=int, metavar="N")
    mine = add(
        "mine",
        "find hard negatives for the training queries",
        _job("mine", _mine_values),
        example="mine faq --sources bm25,dense --negatives 3 --relative-margin 0.05",
    )
    mine.add_argument("--sources", metavar="LIST", help="of bm25, dense, random")
    mine.add_argument("--negatives", dest="num_negatives", type=int, metavar="N", help="for each query")
    mine.add_argument("--relative-margin", type=float, metavar="M", help="below the lowest answer, share of its score")
    mine.add_argument("--rank-min", type=int, metavar="N")
    mine.add_argument("--rank-max", type=int, metavar="N")
    mine.add_argument("--max-score", type=float, metavar="S")
    mine.add_argument("--depth", type=int, metavar="N", help="candidates of each source")
    mine.add_argument("--model", metavar="ID", help="base, tuned or an id")


def _add_model_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    train = add("train", "tune the model", _job("train", _train_values), example="train faq --set learning_rate=3e-5")
    train.add_argument("--preset", choices=["quick", "balanced", "thorough"])
    train.add_argument("--base", metavar="ID|PATH", help="the model to start from: base, tuned, an id or a folder")
    train.add_argument("--set", action="append", metavar="NAME=VALUE", help="any setting; may be repeated")
    train.add_argument("--minutes", type=float, metavar="N", help="stop after so many minutes")
    train.add_argument("--resume", type=int, metavar="ID", help="go on with an interrupted training")
    evaluate = add(
        "evaluate",
        "measure systems on held-out queries and compare them",
        _job("evaluate", _evaluate_values),
        example="evaluate faq --systems bm25,base,tuned,hybrid",
    )
    evaluate.add_argument("--systems", metavar="LIST", help="of bm25, base, tuned, hybrid and models' ids")
    evaluate.add_argument("--split", choices=["train", "dev", "test"])
    search = add("search", "search the project", _search, example='search faq "how do I reset it" -k 5 --mode hybrid')
    search.add_argument("text", metavar="TEXT")
    search.add_argument("-k", type=int, default=10, metavar="N", help="how many hits (10)")
    search.add_argument("--mode", choices=["bm25", "dense", "hybrid"], default="dense")
    search.add_argument("--model", metavar="ID", help="base, tuned or an id (tuned where there is one)")
    export = add(
        "export",
        "take a model, a run or judgements out",
        _job("export", _export_values),
        example="export faq ~/faq-model",
    )
    export.add_argument("dest", metavar="DEST")
    export.add_argument("--what", choices=["model", "run", "qrels"])
    export.add_argument("--format", help="model: sentence-transformers; run: trec; qrels: trec, beir")
    export.add_argument("--model", metavar="ID", help="base, tuned or an id")
    export.add_argument("--system", metavar="NAME", help="whose run: bm25, base, tuned, hybrid")
    export.add_argument("--split", choices=["train", "dev", "test"])
    add("info", "say where a project stands", _info)
    tour = add("tour", "walk the whole way on the sample", _tour)
    tour.add_argument("project", metavar="PROJECT", nargs="?", help="where to make the project")
