"""The command that searches."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.commands.common import Add, Values
from engine.store.project import Project
from engine.terminal import TerminalTask, show_hits


def add_commands(add: Add) -> None:
    """Register them."""
    search = add(
        "search",
        "search the project",
        _search,
        example='search faq "how do I reset it" -k 5 --mode hybrid',
        show=show_hits,
    )
    search.add_argument("text", metavar="TEXT")
    search.add_argument("-k", type=int, default=10, metavar="N", help="how many hits (10)")
    search.add_argument(
        "--mode", choices=["bm25", "dense", "hybrid"], default="dense", help="by words, by meaning, or both (dense)"
    )
    search.add_argument("--rerank", type=int, default=0, metavar="N", help="let the reranker sort the first N again")
    search.add_argument("--model", metavar="ID", help="base, tuned or an id (tuned where there is one)")


def _search(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.params import SearchParams, params_from_dict
    from engine.search.searching import SearchEngine
    from engine.store.documents import document, passages
    from engine.store.models import newest_tuned

    with Project.open_as_allowed(Path(options.project)) as project:
        model = options.model or ("tuned" if newest_tuned(project) else "base")
        values = {"text": options.text, "k": options.k, "mode": options.mode, "model": model}
        values["rerank"] = options.rerank
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
