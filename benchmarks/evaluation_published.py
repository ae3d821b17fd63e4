"""A published figure reproduced: Banking77 by logistic regression, as MTEB measures it.

    python -m benchmarks.evaluation_published FOLDER/banking77 [--keep DIR]

MTEB's protocol (Muennighoff et al. 2022): ten times, eight training messages of each of the 77 intents are drawn and a
logistic regression (at most 100 iterations) learns the intents from their vectors; accuracy and macro F1 on the whole
test split are averaged. Published for all-MiniLM-L6-v2 (`results/all-MiniLM-L6-v2/Banking77Classification.json` of
embeddings-benchmark/mtebpaper): accuracy 0.7975, standard deviation 0.0080; F1 0.7893. Other messages are drawn here,
so the mean may differ by a few thousandths. Vectors are this program's: its model, its batches, its cache.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.encode.models import open_encoder, quiet_libraries
from engine.encode.vectors import encode_texts
from engine.jobs import run_job
from engine.records import Query, Split
from engine.store import models, queries
from engine.store.project import Project
from engine.terminal import TerminalTask

PUBLISHED = {"accuracy": 0.7975, "deviation": 0.0080, "f1": 0.7893}
DRAWS, EACH = 10, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", type=Path, default=Path("build/banking77"), help="the project and its vectors")
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    quiet_libraries()
    task = TerminalTask()
    if not (options.keep / "project.db").is_file():
        run_job(options.keep, "new", {}, task)
        run_job(options.keep, "import", {"paths": [str(options.folder)], "kind": "labelled"}, task)
    with Project.open(options.keep) as project, project.writing("benchmark"):
        found = measure(project, task, options.seed)
    print(json.dumps({"published": PUBLISHED, "ours": found}, indent=1))


def measure(project: Project, task: TerminalTask, seed: int) -> dict[str, float]:
    """Accuracy and macro F1, averaged over the draws, with the deviation of the accuracy between them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score

    positives = queries.positives(project)
    asked = queries.all_queries(project)
    intent = {query.id: next(iter(positives[query.id])) for query in asked}
    test = [query for query in asked if query.official_split is Split.TEST]
    train = [query for query in asked if query.official_split is not Split.TEST]
    rng = np.random.default_rng(seed)
    draws = [_draw(train, intent, rng) for _ in range(DRAWS)]
    needed = {query.id: query.text for drawn in (*draws, test) for query in drawn}
    encoder = open_encoder(project, models.resolve_model(project, "base"))
    made = encode_texts(project, encoder, list(needed.values()), kind="query", task=task, stage="encode queries")
    row = {query_id: place for place, query_id in enumerate(needed)}
    vectors = np.asarray(made, np.float64)
    right = [intent[query.id] for query in test]
    accuracies, f1s = [], []
    for drawn in draws:
        learner = LogisticRegression(max_iter=100, random_state=seed)
        learner.fit(vectors[[row[query.id] for query in drawn]], [intent[query.id] for query in drawn])
        guessed = learner.predict(vectors[[row[query.id] for query in test]])
        accuracies.append(accuracy_score(right, guessed))
        f1s.append(f1_score(right, guessed, average="macro"))
    return {
        "accuracy": round(float(np.mean(accuracies)), 4),
        "deviation": round(float(np.std(accuracies)), 4),
        "f1": round(float(np.mean(f1s)), 4),
        "training messages": len(train),
        "test messages": len(test),
    }


def _draw(train: list[Query], intent: dict[int, int], rng: np.random.Generator) -> list[Query]:
    """Eight messages of each intent."""
    kept: dict[int, list[Query]] = {}
    for place in rng.permutation(len(train)):
        group = kept.setdefault(intent[train[place].id], [])
        if len(group) < EACH:
            group.append(train[place])
    return [query for group in kept.values() for query in group]


if __name__ == "__main__":
    main()
