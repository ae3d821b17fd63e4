"""Trains with every objective on a real project and tells what each did to its own loss and to dev nDCG@10.

python -m benchmarks.objectives PROJECT [--steps 24]    PROJECT: with splits and mined negatives; a copy is used

Every batch of a first pass is new to the model when its loss is taken, so a falling loss is no learning by heart.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.objectives import OBJECTIVES
from engine.params import RerankerParams, ScoreParams, TrainParams, params_from_dict
from engine.records import Qrel, Split
from engine.store import models, negatives, queries
from engine.store.project import Project
from engine.task import Task
from engine.train.reranking import train_reranker
from engine.train.teaching import score_pairs
from engine.train.training import train

QUERIES = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--only", nargs="*", default=list(OBJECTIVES))
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "project"
        shutil.copytree(chosen.project, copy)
        with Project.open(copy) as project:
            prepare(project, chosen.steps)
            for name in chosen.only:
                rows.append(row_of(project, name, chosen.steps))
                print(json.dumps(rows[-1]), flush=True)
    if chosen.out:
        chosen.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def prepare(project: Project, steps: int) -> None:
    """Negatives become judgements of grade 0, and a reranker trained here scores the pairs."""
    known = queries.representatives(project, Split.TRAIN)
    queries.set_splits(project, {query.id: None for query in known[QUERIES:]})
    mining = negatives.newest_mining(project)
    assert mining
    wrong = negatives.negatives(project, mining.id)
    queries.put_qrels(project, [Qrel(n.query_id, n.passage_id, 0, "benchmark") for n in wrong])
    params = RerankerParams(max_steps=2 * steps, batch_size=8, max_length=64, eval_every=0, dev_queries=20)
    made = train_reranker(project, params, Task())
    print(json.dumps({"objective": "reranker", "dev_bm25": made.dev_bm25, "dev": made.dev}), flush=True)
    score_pairs(project, ScoreParams(max_length=64), Task())


def row_of(project: Project, name: str, steps: int) -> dict[str, object]:
    params = replace(
        params_from_dict(TrainParams, {"objective": name}),
        max_steps=steps, max_length=64, eval_every=0, minutes=0.0, epochs=1.0, merge="off", num_negatives=2,
        batch_size=8 if name == "tsdae" else 16, dev_passages=300, dev_queries=100,
    )  # fmt: skip
    began = time.monotonic()
    summary = train(project, params, Task())
    losses = [point.value for point in models.curve(project, summary.model, "loss")]
    quarter = max(1, len(losses) // 4)
    return {
        "objective": name,
        "loss_first": round(float(np.mean(losses[:quarter])), 4),
        "loss_last": round(float(np.mean(losses[-quarter:])), 4),
        "dev_base": round(summary.dev_base or 0.0, 4),
        "dev": round(summary.dev or 0.0, 4),
        "seconds": round(time.monotonic() - began, 1),
    }


if __name__ == "__main__":
    main()
