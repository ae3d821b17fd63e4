"""Commands that mine hard negatives and show them."""

from __future__ import annotations

import argparse

from engine.commands.common import Add, Values, given, job, words


def add_commands(add: Add) -> None:
    """Register them."""
    mine = add(
        "mine",
        "find hard negatives for the training queries",
        job("mine", _mine_values),
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


def _mine_values(options: argparse.Namespace) -> Values:
    values = given(options, "depth", "model")
    if options.sources:
        values["sources"] = words(options.sources)
    select = given(options, "num_negatives", "relative_margin", "rank_min", "rank_max", "max_score")
    return {**values, "select": select} if select else values
