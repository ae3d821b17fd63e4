"""Planted answers: how many of them the doubt finds at 5 % of true negatives lost, next to the relative margin alone.

    python -m benchmarks.doubt_calibration FOLDER [--fit beer-se] [--test medquad squad11-dev] [--queries 600]

FOLDER holds sets in the BEIR layout (../shared/data). Of queries with several answers one is kept as known and the
others stay hidden among the candidates of BM25 and of the base model to depth 200: a good score puts them first. Sets
under --fit choose the weights of a logistic regression (printed, so that engine/mine/doubt.py can be held to them), the
sets under --test are never seen by it. Prints for each set: hidden answers among the candidates, the share of them
caught by the margin alone, by the doubt as it ships, and by the doubt fitted here.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.negatives_table import lines, write
from engine.encode.models import quiet_libraries
from engine.jobs import run_job
from engine.mine import doubt as shipped
from engine.store import negatives, queries
from engine.store.candidates import Flag, read_candidates
from engine.store.project import Project
from engine.task import Task

LOST = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fit", nargs="*", default=["beer-se"])
    parser.add_argument("--test", nargs="*", default=["medquad"])
    parser.add_argument("--queries", type=int, default=400, help="at most, with several answers, of each set")
    parser.add_argument("--passages", type=int, default=3000, help="most passages of each corpus")
    options = parser.parse_args()
    quiet_libraries()
    planted = {name: plant(options.folder / name, options) for name in dict.fromkeys([*options.fit, *options.test])}
    weights = fit([planted[name] for name in options.fit])
    rows = []
    for name, (features, hidden) in planted.items():
        share = {
            "margin alone": caught(-features[:, 0], hidden),
            "doubt as it ships": caught(features[:, 4], hidden),
            "doubt fitted here": caught(features[:, :4] @ weights[:4] + weights[4], hidden),
        }
        rows.append({"set": name, "used for": "fit" if name in options.fit else "test", "candidates": len(hidden),
                     "hidden answers": int(hidden.sum()), **{k: round(v, 3) for k, v in share.items()}})  # fmt: skip
    names = ("MARGIN", "DENSE_RANK", "BM25_RANK", "NEARNESS", "CONSTANT")
    fitted = {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True)}
    print(json.dumps({"true negatives lost": LOST, "sets": rows, "weights": fitted}, indent=1))


def plant(source: Path, options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Mine a set with hidden answers; features (n, 5) of its candidates and which of them are hidden answers (n,)."""
    place = Path(tempfile.mkdtemp())
    try:
        secret = make_set(source, place / "set", options.queries, options.passages)
        path = place / "project"
        for kind, values in (
            ("new", {}),
            ("import", {"paths": [str(place / "set")], "kind": "labelled"}),
            ("split", {"dev_share": 0.0, "test_share": 0.0}),
            ("mine", {}),
        ):
            run_job(path, kind, values, Task())
        return table_of(path, secret)
    finally:
        shutil.rmtree(place)


def table_of(path: Path, secret: set[tuple[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """Margin, rank weights, nearness (as far as it can be told from the doubt that is kept) and doubt, by candidate."""
    with Project.open(path, readonly=True) as project:
        mining = negatives.newest_mining(project)
        assert mining is not None  # it was mined above
        all_ = read_candidates(project, mining.id)
        name_of = {query.id: query.external_id for query in queries.all_queries(project)}
        own = dict(
            project.db.execute(
                "select p.id, coalesce(nullif(p.external_id, ''), d.external_id) from passages p "
                "join documents d on d.id = p.document_id"
            ).fetchall()
        )
    kept = (np.asarray(all_.flags) & np.uint8(Flag.ANSWER | Flag.SAME_AS_ANSWER)) == 0
    number = all_.query_numbers()[kept]
    passages = np.asarray(all_.passage_id)[kept]
    hidden = np.array(
        [(name_of[int(all_.queries[q])], own[int(p)]) in secret for q, p in zip(number, passages, strict=True)]
    )
    margin = np.clip(all_.margin[kept], -0.5, 1)
    dense, bm25 = (shipped._weight(rank[kept]) for rank in (all_.dense_rank, all_.bm25_rank))
    chance = np.clip(all_.doubt[kept].astype(np.float64), 1e-9, 1 - 1e-9)
    rest = shipped.MARGIN * margin + shipped.DENSE_RANK * dense + shipped.BM25_RANK * bm25 + shipped.CONSTANT
    near = (np.log(chance / (1 - chance)) - rest) / shipped.NEARNESS
    return np.column_stack([margin, dense, bm25, near, chance]), hidden


def make_set(source: Path, dest: Path, most: int, passages: int) -> set[tuple[str, str]]:
    """Write queries with several answers, one of them known; returns the others as (query, passage)."""
    rng = np.random.default_rng(13)
    (dest / "qrels").mkdir(parents=True)
    grouped: dict[str, list[str]] = {}
    for path in sorted((source / "qrels").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            query, passage, grade = line.split("\t")
            if int(grade) > 0:
                grouped.setdefault(query, []).append(passage)
    several = sorted(query for query, answers in grouped.items() if len(answers) > 1)
    kept = [several[i] for i in rng.permutation(len(several))[:most]]
    known = {query: grouped[query][int(rng.integers(len(grouped[query])))] for query in kept}
    rows = ["query-id\tcorpus-id\tscore", *(f"{query}\t{known[query]}\t1" for query in kept)]
    (dest / "qrels" / "train.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    wanted = {passage for query in kept for passage in grouped[query]}
    corpus = list(lines(source / "corpus.jsonl"))
    spare = [row["_id"] for row in corpus if row["_id"] not in wanted]
    wanted |= {spare[i] for i in rng.permutation(len(spare))[: max(0, passages - len(wanted))]}
    write(dest / "corpus.jsonl", (row for row in corpus if row["_id"] in wanted))
    write(dest / "queries.jsonl", (row for row in lines(source / "queries.jsonl") if row["_id"] in known))
    return {(query, passage) for query in kept for passage in grouped[query] if passage != known[query]}


def caught(score: np.ndarray, hidden: np.ndarray) -> float:
    """The share of hidden answers above the score that loses 5 % of the others."""
    bound = np.quantile(score[~hidden], 1 - LOST)
    return float((score[hidden] > bound).mean()) if hidden.any() else float("nan")


def fit(sets: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Weights of the four features and the constant, by logistic regression."""
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate([table[:, :4] for table, _ in sets])
    hidden = np.concatenate([found for _, found in sets])
    model = LogisticRegression(max_iter=1000).fit(features, hidden)
    return np.concatenate([model.coef_[0], model.intercept_])


if __name__ == "__main__":
    main()
