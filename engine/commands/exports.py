"""Commands that take models, runs and judgements out."""

from __future__ import annotations

import argparse

from engine.commands.common import Add, Values, absolute, given, job
from engine.formats import QUERIES, TRAINING, WITHOUT_NEGATIVES


def add_commands(add: Add) -> None:
    """Register them."""
    export = add(
        "export",
        "take a model, a run or judgements out",
        job("export", _export_values),
        example="export faq ~/faq-model",
    )
    export.add_argument("dest", metavar="DEST")
    export.add_argument(
        "--what", choices=["model", "run", "qrels", "queries", "training", "negatives"], help="what to take (model)"
    )
    export.add_argument(
        "--format",
        metavar="NAME",
        help="model: sentence-transformers; run: trec; qrels: trec, beir, paddlenlp, flagembedding, "
        f"sentence-transformers; queries: {', '.join(QUERIES)}; training, negatives: {', '.join(TRAINING)}",
    )
    export.add_argument("--model", metavar="ID", help="base, tuned or an id")
    export.add_argument("--system", metavar="NAME", help="whose run: a system as evaluate takes it")
    export.add_argument("--split", choices=["train", "dev", "test", "all"], help="test; for training sets train")
    export.add_argument(
        "--despite-pins", action="store_true", default=None, help="also a model that lost pinned queries"
    )
    negatives = add(
        "negatives export",
        "take queries with their answers and negatives out",
        job("export", _negatives_values),
        example="negatives export faq ~/train.jsonl --format flagembedding",
    )
    negatives.add_argument("dest", metavar="DEST")
    known = [name for name in TRAINING if name not in WITHOUT_NEGATIVES]
    negatives.add_argument("--format", metavar="NAME", help=f"one of {', '.join(known)} (flagembedding)")
    negatives.add_argument("--split", choices=["train", "dev", "test", "all"], help="train if not given")


def _export_values(options: argparse.Namespace) -> Values:
    dest = absolute(options.dest)
    split = {"training": "train", "negatives": "train", "queries": "all"}.get(options.what or "")
    values = {"dest": dest, **given(options, "what", "format", "model", "system", "split", "despite_pins")}
    return {"split": split, **values} if split else values


def _negatives_values(options: argparse.Namespace) -> Values:
    values = {"dest": absolute(options.dest), "what": "negatives", "split": "train"}
    return {**values, **given(options, "format", "split")}
