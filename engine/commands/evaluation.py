"""Commands that measure and compare."""

from __future__ import annotations

import argparse

from engine.commands.common import Add, Values, given, job, words
from engine.errors import UserError
from engine.terminal import show_evaluation, table


def add_commands(add: Add) -> None:
    """Register them."""
    evaluate = add(
        "evaluate",
        "measure systems on held-out queries and compare them",
        job("evaluate", _evaluate_values),
        example="evaluate faq --systems bm25,base,tuned,hybrid",
        show=_show,
    )
    evaluate.add_argument(
        "--systems",
        metavar="LIST",
        help="of bm25, base, tuned, hybrid, each also as NAME+reranker; models' ids and folders; TREC run files; "
        "names of imported runs",
    )
    evaluate.add_argument("--split", choices=["train", "dev", "test"], help="whose queries are asked (test)")
    evaluate.add_argument("--k", metavar="LIST", help="every measure at these cut-offs in each convention, e.g. 1,5,20")
    tasks = add(
        "tasks",
        "measure models on other tasks: scored pairs, duplicates, triplets, reranking, clustering, classification",
        job("tasks", _tasks_values),
        example="tasks faq --models base,tuned",
        show=_show_tasks,
    )
    tasks.add_argument("--models", metavar="LIST", help="of base, tuned and ids (base)")
    tasks.add_argument("--split", choices=["train", "dev", "test"], help="whose queries are asked (test)")


def _tasks_values(options: argparse.Namespace) -> Values:
    values = given(options, "split")
    if options.models:
        values["models"] = words(options.models)
    return values


def _show_tasks(summary: Values) -> None:
    names = list(dict.fromkeys(name for found in summary["models"].values() for name in found))
    rows = [["task", "size", *summary["models"]]]
    for name in names:
        size = summary["sizes"][name.partition(":")[0]]
        rows.append([name, f"{size:,}", *(f"{found[name]:.4f}" for found in summary["models"].values())])
    print(table(rows, right=range(1, len(rows[0]))))
    for name, total in summary["drawn_from"].items():
        print(f"{name}: {summary['sizes'][name]:,} drawn from {total:,}")
    for name, why in summary["left_out"].items():
        print(f"{name}: {why}")


def _evaluate_values(options: argparse.Namespace) -> Values:
    values = given(options, "split")
    if options.systems:
        values["systems"] = words(options.systems)
    if options.k:
        values["ks"] = [whole(word) for word in words(options.k)]
    return values


def whole(word: str) -> int:
    """A cut-off as a number.

    Raises:
        UserError: it is none.
    """
    if not word.isdecimal() or int(word) < 1:
        raise UserError(f"'{word}' is no cut-off.", hint="Numbers from 1 on, e.g. --k 1,5,20.")
    return int(word)


def _show(summary: Values) -> None:
    show_evaluation(summary)
    conventions = list(dict.fromkeys(name for found in summary["conventions"].values() for name in found))
    for convention in conventions:
        shown = {system: found.get(convention, {}) for system, found in summary["conventions"].items()}
        names = list(dict.fromkeys(name for values in shown.values() for name in values))
        rows = [[f"as {convention} counts", *shown]]
        rows += [[name, *(f"{values[name]:.4f}" for values in shown.values())] for name in names]
        print()
        print(table(rows, right=range(1, len(rows[0]))))
