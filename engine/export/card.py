"""The model card that goes with an exported model: what it was made from, what was measured, how to load it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine.records import Comparison, Model, Run, Split
from engine.store import documents, models, negatives, queries, runs
from engine.store.project import Project
from engine.store.verdicts import (
    Circumstances,
    circumstances,
    headline,
    metric_name,
    movement_sentence,
    system_name,
    verdict_reasons,
)

METRICS = ("ndcg@10", "mrr@10", "recall@10", "hit_rate@10", "map@100")


def model_card(project: Project, model: Model, *, check: str) -> str:
    """A README.md in Markdown with the head that Hugging Face reads.

    Args:
        check: what the comparison of the exported model with the program's own said.
    """
    parent = models.model(project, model.parent_id) if model.parent_id else None
    parts = [
        _head(parent),
        f"# {model.name}",
        f"An embedding model for semantic search, exported from the Searchsmith project “{project.name}”.",
        _facts(model, parent),
        _use(model),
        _made_from(project, model),
        _measured(project, model),
        f"## Checked\n\n{check}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(parent: Model | None) -> str:
    base = [f"base_model: {json.dumps(parent.name, ensure_ascii=False)}"] if parent else []
    lines = [
        "library_name: sentence-transformers",
        "pipeline_tag: sentence-similarity",
        *base,
        "tags:",
        "- sentence-transformers",
        "- sentence-similarity",
        "- feature-extraction",
        "- searchsmith",
    ]
    return "\n".join(["---", *lines, "---"])


def _facts(model: Model, parent: Model | None) -> str:
    rows = [
        f"- Dimensions: {model.dim}",
        f"- Reads up to {model.max_length} tokens of a text",
        "- Similarity: cosine",
        f"- Weights: sha256 `{model.weights_digest}`",
    ]
    if parent:
        rows.insert(0, f"- Tuned from: {parent.name}")
    return "\n".join(rows)


def _use(model: Model) -> str:
    return f"""## How to use it

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/to/this/folder")
queries = model.encode_query(["what people type"])
passages = model.encode_document(["a passage", "another passage"])
print(model.similarity(queries, passages))  # {model.dim} dimensions, cosine
```"""


def _made_from(project: Project, model: Model) -> str:
    splits = queries.split_counts(project)
    rows = [
        f"- {documents.count_passages(project):,} passages, {documents.count_documents(project):,} documents",
        f"- {sum(splits.values()):,} queries after merging {queries.count_duplicates(project):,} duplicates: "
        + ", ".join(f"{splits.get(name, 0):,} {name}" for name in ("train", "dev", "test")),
        f"- {queries.count_qrels(project):,} judgements",
    ]
    title = "## Made from" if model.kind == "tuned" else "## The project it was measured in"
    return "\n\n".join(part for part in [title, "\n".join(rows), _mining(project, model), _training(model)] if part)


def _mining(project: Project, model: Model) -> str:
    mining = negatives.mining(project, model.mining_id) if model.mining_id else None
    if mining is None:
        return ""
    count = negatives.count_negatives(project, mining.id)
    return f"Hard negatives: {count:,}, mined with these settings:\n\n{_settings(mining.params)}"


def _training(model: Model) -> str:
    if not model.params or model.kind != "tuned":
        return ""
    known = {name: value for name, value in model.params.items() if name not in ("resume", "finish", "chosen")}
    return f"Training settings:\n\n{_settings(known)}"


def _settings(values: dict[str, object]) -> str:
    rows: list[str] = []
    for name, value in values.items():
        if isinstance(value, dict):
            rows += [f"| {name}.{inner} | {_cell(given)} |" for inner, given in value.items()]
        else:
            rows.append(f"| {name} | {_cell(value)} |")
    return "\n".join(["| setting | value |", "|---|---|", *rows])


def _cell(value: object) -> str:
    text = ", ".join(str(part) for part in value) if isinstance(value, list | tuple) else str(value)
    return text.replace("|", r"\|").replace("\n", " ")


def _measured(project: Project, model: Model) -> str:
    newest = runs.newest_runs(project, Split.TEST)
    own = next((run for run in newest if run.model_id == model.id and runs.is_of_model(run)), None)
    if own is None:
        return "## Measured\n\nNot measured on held-out queries yet."
    baselines = [run for run in newest if run.system in ("bm25", "base") and run.id != own.id]
    found = [runs.comparison(project, own.id, baseline.id) for baseline in baselines]
    comparisons = [comparison for comparison in found if comparison]
    return "\n\n".join(
        ["## Measured", _verdict(comparisons, circumstances(project)), _table([*baselines, own], own.n_queries)]
    )


def _verdict(comparisons: Sequence[Comparison], known: Circumstances) -> str:
    if not comparisons:
        return "Not compared with BM25 and the base model yet."
    moved = [f"Against {system_name(c.b)}: {movement_sentence(c)}" for c in comparisons]
    told = [reason.sentence for reason in verdict_reasons(comparisons[0], known) if reason.code == "known_queries"]
    return " ".join([headline(comparisons, comparisons[0].a, known), *told, *moved])


def _table(shown: Sequence[Run], n_queries: int) -> str:
    names = {"bm25": "BM25", "base": "base model"}
    head = "| system | " + " | ".join(metric_name(metric) for metric in METRICS) + " |"
    rows = [
        f"| {names.get(run.system, 'this model')} | "
        + " | ".join(f"{run.metrics.get(metric, 0.0):.4f}" for metric in METRICS)
        + " |"
        for run in shown
    ]
    note = f"{n_queries:,} test queries; nDCG with linear gain as trec_eval, averaged over all judged queries."
    return "\n".join([head, "|---|" + "---|" * len(METRICS), *rows]) + f"\n\n{note}"
