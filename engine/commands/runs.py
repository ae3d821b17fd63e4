"""Commands that show what was trained and measured, compare any two of it, and write the report."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from engine.commands.common import Add, Values, absolute, given, job, words
from engine.errors import UserError
from engine.store.project import Project
from engine.store.verdicts import circumstances, signed, verdict_reasons, verdict_word
from engine.terminal import TerminalTask, comparison_lines, plain, table


def add_commands(add: Add) -> None:
    """Register them."""
    shown = add("runs", "list the models with parent, settings, data and scores", _runs, show=_show_runs)
    shown.add_argument("--split", choices=["train", "dev", "test"], default="test", help="whose scores (test)")
    compare = add(
        "compare",
        "compare any two systems query by query",
        _compare,
        example="compare faq 3 2",
        show=_show_comparison,
    )
    compare.add_argument("a", metavar="A", help="bm25, base, tuned, hybrid, a model's id, or a TREC run file")
    compare.add_argument("b", metavar="B")
    compare.add_argument("--split", choices=["train", "dev", "test"], default="test", help="whose queries (test)")
    compare.add_argument("--by", metavar="LIST", help="also in parts: of length, overlap, language, source, document")
    compare.add_argument(
        "--moved", type=int, default=0, metavar="N", help="also the N queries moved furthest in and out"
    )
    report = add(
        "report",
        "write the verdict as one HTML page or as CSV",
        job("report", _report_values),
        example="report faq v.html",
    )
    report.add_argument("dest", metavar="DEST", help="a file (html) or a folder (csv)")
    report.add_argument("--format", choices=["html", "csv"], help="one page, or tables (html)")
    report.add_argument("--split", choices=["train", "dev", "test"], help="whose queries (test)")
    task = add(
        "mteb",
        "write a split as a retrieval task that MTEB loads",
        job("mteb", lambda options: {"dest": absolute(options.dest), **given(options, "split")}),
        example="mteb faq ~/faq-task",
    )
    task.add_argument("dest", metavar="DEST", help="a folder")
    task.add_argument("--split", choices=["train", "dev", "test"], help="whose queries (test)")


def _report_values(options: argparse.Namespace) -> Values:
    return {"dest": absolute(options.dest), **given(options, "format", "split")}


def _runs(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.records import Split
    from engine.store.lineage import lineage

    with Project.open(Path(options.project), readonly=True) as project:
        return {
            "models": [
                {
                    "id": line.model.id,
                    "name": line.model.name,
                    "kind": line.model.kind,
                    "parent": line.parent,
                    "preset": line.preset,
                    "changed": dict(line.changed),
                    "data": line.data,
                    "dev": line.dev,
                    "metrics": line.run.metrics if line.run else None,
                    "against": {rival: asdict(found) for rival, found in line.against.items()},
                    "note": line.note,
                    "made_at": line.model.created_at,
                }
                for line in lineage(project, Split(options.split))
            ]
        }


def _show_runs(summary: Values) -> None:
    rows = [["id", "model", "from", "learnt from", "preset", "changed", "dev", "test", "verdict"]]
    for line in summary["models"]:
        changed = ", ".join(f"{name}={value}" for name, value in line["changed"].items())
        verdicts = ", ".join(f"{found['verdict']} against {rival}" for rival, found in line["against"].items())
        dev = "–" if line["dev"] is None else f"{line['dev']:.3f}"
        test = f"{line['metrics']['ndcg@10']:.3f}" if line["metrics"] else "–"
        names = (line["name"], line["parent"], line["data"], line["preset"], changed)
        rows.append([str(line["id"]), *(plain(name) or "–" for name in names), dev, test, verdicts or "–"])
    print(table(rows, right=(0, 6, 7)))
    for line in summary["models"]:
        if line["note"]:
            print(f"{plain(line['name'])}: {plain(line['note'])}")


def _compare(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.evaluate.comparing import compare_systems
    from engine.jobs import run_job
    from engine.records import Split
    from engine.store.runs import movements
    from engine.store.slices import BYS, slices

    by = words(options.by)
    wrong = [name for name in by if name not in BYS]
    if wrong:
        raise UserError(f"Queries cannot be parted by '{wrong[0]}'.", hint=f"Parts: {', '.join(BYS)}.")
    path, split = Path(options.project), Split(options.split)
    run_job(path, "evaluate", {"systems": [options.a, options.b], "split": options.split}, task)
    with Project.open(path) as project, project.writing("compare"):
        found = compare_systems(project, options.a, options.b, split)
        told = {name: slices(project, found.run_a, found.run_b, name) for name in BYS if name in by}
        moved = {
            kind: movements(project, found.run_a, found.run_b, only=kind)[: options.moved]
            for kind in ("fixed", "broken")
            if options.moved
        }
        known = circumstances(project, split)
        reasons = [reason.sentence for reason in verdict_reasons(found, known)]
    return {
        "comparison": asdict(found),
        "reasons": reasons,
        "word": verdict_word(found, known),
        "slices": {name: [asdict(part) for part in parts] for name, parts in told.items()},
        "moved": {kind: [asdict(row) for row in rows] for kind, rows in moved.items()},
    }


def _show_comparison(summary: Values) -> None:
    compared = summary["comparison"]
    told = {"comparisons": [compared], "reasons": [summary["reasons"]], "words": [summary["word"]]}
    for line in comparison_lines(told):
        print(line)
    names = [plain(compared["b"]), plain(compared["a"])]
    for by, parts in summary["slices"].items():
        print()
        if not parts:
            print(f"by {by}: no part has five queries or more")
            continue
        rows = [[f"by {by}", "queries", *names, "gain", "95 % interval"]]
        for part in parts:
            figures = (f"{part['b']:.3f}", f"{part['a']:.3f}", signed(part["delta"]))
            interval = f"{signed(part['low'])} to {signed(part['high'])}"
            rows.append([plain(part["name"]), str(part["n"]), *figures, interval])
        print(table(rows, right=range(1, 6)))
    for kind, found in summary["moved"].items():
        print()
        rows = [[f"{kind}: rank of the first answer", "query", *names]]
        rows += [[plain(m["text"])[:90], str(m["query_id"]), _rank(m["rank_b"]), _rank(m["rank_a"])] for m in found]
        print(table(rows, right=range(1, 4)))


def _rank(rank: int) -> str:
    return str(rank) if rank else "–"
