"""Commands that measure and compare."""

from __future__ import annotations

import argparse

from engine.commands.common import Add, Values, given, job, words
from engine.terminal import show_evaluation


def add_commands(add: Add) -> None:
    """Register them."""
    evaluate = add(
        "evaluate",
        "measure systems on held-out queries and compare them",
        job("evaluate", _evaluate_values),
        example="evaluate faq --systems bm25,base,tuned,hybrid",
        show=show_evaluation,
    )
    evaluate.add_argument(
        "--systems",
        metavar="LIST",
        help="of bm25, base, tuned, hybrid, each also as NAME+reranker; models' ids and folders; run files and imported runs",
    )
    evaluate.add_argument("--split", choices=["train", "dev", "test"])


def _evaluate_values(options: argparse.Namespace) -> Values:
    values = given(options, "split")
    if options.systems:
        values["systems"] = words(options.systems)
    return values
