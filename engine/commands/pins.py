"""Commands for queries that must keep their answer in the first hits, whatever else a model gains."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from engine.commands.common import Add, Values, edit, given
from engine.store import models, runs
from engine.store.pins import Pin, pins
from engine.store.project import Project
from engine.terminal import TerminalTask, plain, table


def add_commands(add: Add) -> None:
    """Register them."""
    shown = add("pins list", "list pinned queries with the rank of their answer", _list, show=_show)
    shown.add_argument("--system", metavar="NAME", help="under which system (the newest tuned model, else the base)")
    pinned = add(
        "pins add",
        "pin a query: a model that loses its answer is exported only with --despite-pins",
        edit("pin_query", lambda options: {"query_id": options.query, **given(options, "k")}),
        example="pins add faq 17 --k 3",
    )
    pinned.add_argument("query", type=int, metavar="QUERY", help="its number: searchsmith queries list PROJECT")
    pinned.add_argument("--k", type=int, metavar="N", help="in how many first hits its answer must stay (10)")
    unpinned = add(
        "pins remove",
        "unpin a query",
        edit("unpin_query", lambda options: {"query_id": options.query}),
        example="pins remove faq 17",
    )
    unpinned.add_argument("query", type=int, metavar="QUERY")


def _list(options: argparse.Namespace, task: TerminalTask) -> Values:
    with Project.open(Path(options.project), readonly=True) as project:
        label = options.system or ("tuned" if models.newest_tuned(project) else "base")
        run = runs.run_of_system(project, label) if options.system or models.base_model(project) else None
        found = pins(project, run.id if run else 0)
    return {"system": label, "measured": run is not None, "pins": [{**asdict(p), "broken": p.is_broken} for p in found]}


def _show(summary: Values) -> None:
    if not summary["pins"]:
        print("No query is pinned. Pin one: searchsmith pins add PROJECT QUERY")
        return
    if not summary["measured"]:
        print(f"{summary['system']} was not measured on the test queries yet.")
    found = [Pin(p["query_id"], p["text"], p["k"], p["rank"]) for p in summary["pins"]]
    rows = [["query", "text", f"under {plain(summary['system'])}", ""]]
    rows += [[str(p.query_id), plain(p.text)[:90], p.place_words(), "LOST" if p.is_broken else ""] for p in found]
    print(table(rows, right=(0,)))
