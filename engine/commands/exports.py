"""Commands that take models, runs and judgements out."""

from __future__ import annotations

import argparse

from engine.commands.common import Add, Values, absolute, given, job


def add_commands(add: Add) -> None:
    """Register them."""
    export = add(
        "export",
        "take a model, a run or judgements out",
        job("export", _export_values),
        example="export faq ~/faq-model",
    )
    export.add_argument("dest", metavar="DEST")
    export.add_argument("--what", choices=["model", "run", "qrels"])
    export.add_argument("--format", help="model: sentence-transformers; run: trec; qrels: trec, beir")
    export.add_argument("--model", metavar="ID", help="base, tuned or an id")
    export.add_argument("--system", metavar="NAME", help="whose run: bm25, base, tuned, hybrid")
    export.add_argument("--split", choices=["train", "dev", "test"])


def _export_values(options: argparse.Namespace) -> Values:
    dest = absolute(options.dest)
    return {"dest": dest, **given(options, "what", "format", "model", "system", "split")}
