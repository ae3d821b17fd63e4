"""Planted answers: how many of them the doubt finds at 5 % of true negatives lost, next to the relative margin alone.

    python -m benchmarks.doubt_calibration FOLDER [--fit beer-se medquad] [--test banking77] [--queries 600]

FOLDER holds sets in the BEIR layout. Of queries with several answers one is kept as known and the
others stay hidden among the candidates of BM25 and of the base model to depth 200: a good score puts them first. A set
whose documents are names of intents (banking77) is turned round: messages are passages, those of the same intent are
the answers. Sets under --fit choose the weights of a logistic regression (printed, so that engine/mine/doubt.py can be
held to them: its own were fitted on both defaults), the sets under --test are never seen by it. Prints for each set the
share of hidden answers caught, among all candidates and among those that BM25 or the model ranks in the first 30: by
the margin alone, by the doubt as it ships, by the doubt fitted under --fit and by one fitted on all the other sets,
which never saw this one. Then, of three negatives a query as the default rules choose them, how many are hidden
answers: with no guard, with the margin, with margin and doubt.
What was mined of a set stays in DIR, so that sets can be run one by one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.negatives_table import lines, write
from engine.encode.models import quiet_libraries
from engine.jobs import run_job
from engine.mine import doubt as shipped
from engine.params import SelectParams
from engine.store import negatives, queries
from engine.store.candidates import Candidates, Flag, read_candidates
from engine.store.project import Project
from engine.store.selection import select
from engine.task import Task

LOST = 0.05
FIRST = 30  # ranks among which negatives are usually chosen
TURNED = ("banking77",)
GUARDED = SelectParams()
RULES = {
    "no guard": replace(GUARDED, relative_margin=-100.0, max_doubt=2.0),
    "margin": replace(GUARDED, max_doubt=2.0),
    "margin and doubt": GUARDED,
}


@dataclass(frozen=True, slots=True)
class Planted:
    """A set's candidates that are no known answers.

    Attributes:
        features: (n, 5): margin, weights of the two ranks, nearness, doubt.
        hidden: (n,) bool, the planted answers.
        first: (n,) bool, ranked among the first by a source.
        chosen: (rules, n) bool, chosen as negatives under each of `RULES`.
    """

    features: np.ndarray
    hidden: np.ndarray
    first: np.ndarray
    chosen: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fit", nargs="*", default=["beer-se", "medquad"])
    parser.add_argument("--test", nargs="*", default=["banking77"])
    parser.add_argument("--queries", type=int, default=400, help="at most, with several answers, of each set")
    parser.add_argument("--passages", type=int, default=3000, help="most passages of each corpus")
    parser.add_argument("--keep", type=Path, default=Path("build/doubt"), help="where mined sets stay")
    options = parser.parse_args()
    quiet_libraries()
    planted = {name: plant(name, options) for name in dict.fromkeys([*options.fit, *options.test])}
    weights = fit([planted[name] for name in options.fit])
    rows = []
    for name, found in planted.items():
        others = [other for key, other in planted.items() if key != name]
        scores = {
            "margin alone": -found.features[:, 0],
            "doubt as it ships": found.features[:, 4],
            "doubt fitted here": scored(found, weights),
            **({"doubt fitted on the others": scored(found, fit(others))} if others else {}),
        }
        near = found.first
        rows.append(
            {
                "set": name,
                "used for": "fit" if name in options.fit else "test",
                "candidates": len(found.hidden),
                "hidden answers": int(found.hidden.sum()),
                "caught": {key: caught(score, found.hidden) for key, score in scores.items()},
                f"caught among the first {FIRST}": {
                    key: caught(score[near], found.hidden[near]) for key, score in scores.items()
                },
                "negatives that are hidden answers": {
                    key: f"{int(found.hidden[rows].sum())} of {int(rows.sum())}"
                    for key, rows in zip(RULES, found.chosen, strict=True)
                },
            }
        )
    names = ("MARGIN", "DENSE_RANK", "BM25_RANK", "NEARNESS", "CONSTANT")
    fitted = {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True)}
    print(json.dumps({"true negatives lost": LOST, "sets": rows, "weights": fitted}, indent=1))


def plant(name: str, options: argparse.Namespace) -> Planted:
    """Mine a set with hidden answers, or read what was mined of it before."""
    kept = options.keep / f"{name}-{options.queries}-{options.passages}.npz"
    if not kept.is_file():
        place = Path(tempfile.mkdtemp())
        try:
            make = turned_set if name in TURNED else make_set
            secret = make(options.folder / name, place / "set", options.queries, options.passages)
            path = place / "project"
            for kind, values in (
                ("new", {}),
                ("import", {"paths": [str(place / "set")], "kind": "labelled"}),
                ("split", {"dev_share": 0.0, "test_share": 0.0}),
                ("mine", {}),
            ):
                run_job(path, kind, values, Task())
            options.keep.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(kept, **asdict(table_of(path, secret)))
        finally:
            shutil.rmtree(place)
    with np.load(kept) as columns:
        return Planted(**columns)


def table_of(path: Path, secret: set[tuple[str, str]]) -> Planted:
    """Read the candidates of the project's mining; `secret` are the hidden answers by their own ids."""
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
    ranks = [np.asarray(rank)[kept] for rank in (all_.dense_rank, all_.bm25_rank)]
    first = np.logical_or(*((rank > 0) & (rank <= FIRST) for rank in ranks))
    chosen = np.stack([select(all_, rules).chosen[kept] for rules in RULES.values()])
    return Planted(features_of(all_, kept), hidden, first, chosen)


def features_of(all_: Candidates, kept: np.ndarray) -> np.ndarray:
    """What the doubt is made of; nearness as far as it can be told from the doubt that is kept."""
    margin = np.clip(all_.margin[kept], -0.5, 1)
    dense, bm25 = (shipped._weight(rank[kept]) for rank in (all_.dense_rank, all_.bm25_rank))
    chance = np.clip(all_.doubt[kept].astype(np.float64), 1e-9, 1 - 1e-9)
    rest = shipped.MARGIN * margin + shipped.DENSE_RANK * dense + shipped.BM25_RANK * bm25 + shipped.CONSTANT
    near = (np.log(chance / (1 - chance)) - rest) / shipped.NEARNESS
    return np.column_stack([margin, dense, bm25, near, chance])


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


def turned_set(source: Path, dest: Path, most: int, passages: int) -> set[tuple[str, str]]:
    """Messages as passages: a query's answers are the passages of the same intent, one of them known."""
    rng = np.random.default_rng(13)
    (dest / "qrels").mkdir(parents=True)
    intent: dict[str, str] = {}
    for path in sorted((source / "qrels").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            query, passage, _grade = line.split("\t")
            intent[query] = passage
    names = sorted(intent)
    drawn = [names[i] for i in rng.permutation(len(names))]
    corpus, asked = drawn[:passages], drawn[passages : passages + most]
    texts = {row["_id"]: row["text"] for row in lines(source / "queries.jsonl")}
    same: dict[str, list[str]] = {}
    for name in corpus:
        same.setdefault(intent[name], []).append(name)
    asked = [query for query in asked if len(same.get(intent[query], [])) > 1]
    known = {query: same[intent[query]][int(rng.integers(len(same[intent[query]])))] for query in asked}
    rows = ["query-id\tcorpus-id\tscore", *(f"{query}\tm{known[query]}\t1" for query in asked)]
    (dest / "qrels" / "train.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    write(dest / "corpus.jsonl", ({"_id": f"m{name}", "title": "", "text": texts[name]} for name in corpus))
    write(dest / "queries.jsonl", ({"_id": query, "text": texts[query]} for query in asked))
    return {(query, f"m{name}") for query in asked for name in same[intent[query]] if name != known[query]}


def caught(score: np.ndarray, hidden: np.ndarray) -> float:
    """The share of hidden answers above the score that loses 5 % of the others."""
    bound = np.quantile(score[~hidden], 1 - LOST)
    return round(float((score[hidden] > bound).mean()), 3) if hidden.any() else float("nan")


def scored(planted: Planted, weights: np.ndarray) -> np.ndarray:
    score: np.ndarray = planted.features[:, :4] @ weights[:4] + weights[4]
    return score


def fit(sets: Sequence[Planted]) -> np.ndarray:
    """Weights of the four features and the constant, by logistic regression."""
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate([table.features[:, :4] for table in sets])
    hidden = np.concatenate([table.hidden for table in sets])
    model = LogisticRegression(max_iter=1000).fit(features, hidden)
    return np.concatenate([model.coef_[0], model.intercept_])


if __name__ == "__main__":
    main()
