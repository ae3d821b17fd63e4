"""Trains with every objective on a real project and tells what each did to its own loss on batches it never saw.

python -m benchmarks.objectives PROJECT --work FOLDER [--steps 12] [--only NAME...]

PROJECT: with splits and mined negatives; `FOLDER/project` is its copy, `FOLDER/rows.jsonl` a row for each objective.
Objectives that have a row are passed over, so that the benchmark goes on where it was ended; prints the table.

The loss of the same held-out batches is taken before and after training, with the same dropout; beside it stands
nDCG@10 on dev. Mined negatives count as judged wrong (grade 0); the teacher of distillation is BM25, whose scores are
divided by the query's highest.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from engine.encode.models import folder_of
from engine.mine.bm25 import BM25Index
from engine.objectives import OBJECTIVES
from engine.params import TrainParams, params_from_dict
from engine.records import Qrel, Split
from engine.store import models, negatives, queries
from engine.store.documents import corpus
from engine.store.project import Project
from engine.store.scores import PairScore, put_scores
from engine.task import Task
from engine.train.checkpoints import Checkpoints
from engine.train.running import Run
from engine.train.training import open_row
from engine.train.work import EncoderWork

HELD = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--only", nargs="*", default=list(OBJECTIVES))
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no other objective after so many")
    chosen = parser.parse_args()
    began, path, rows = time.monotonic(), chosen.work / "project", chosen.work / "rows.jsonl"
    chosen.work.mkdir(parents=True, exist_ok=True)
    if not (chosen.work / "prepared").exists():
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(chosen.project, path)
        with Project.open(path) as project:
            prepare(project)
        (chosen.work / "prepared").touch()
    with Project.open(path) as project:
        for name in chosen.only:
            if name not in done(rows) and time.monotonic() - began < chosen.seconds:
                row = row_of(project, name, chosen.steps)
                with rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    print(table(list(done(rows).values())))


def done(rows: Path) -> dict[str, dict[str, object]]:
    lines = rows.read_text(encoding="utf-8").splitlines() if rows.exists() else []
    return {row["objective"]: row for row in map(json.loads, lines)}


def prepare(project: Project) -> None:
    """Negatives become judgements of grade 0, and BM25 scores all pairs."""
    mining = negatives.newest_mining(project)
    assert mining, "mine negatives first"
    wrong = negatives.negatives(project, mining.id)
    queries.put_qrels(project, [Qrel(n.query_id, n.passage_id, 0, "benchmark") for n in wrong])
    texts = corpus(project)
    index, row_of_passage = BM25Index.build(texts.texts), {int(p): row for row, p in enumerate(texts.ids)}
    pairs, known = [], queries.positives(project)
    for query in queries.representatives(project, Split.TRAIN):
        scores = index.scores(query.text)
        read = [*known.get(query.id, {}), *(n.passage_id for n in wrong if n.query_id == query.id)]
        highest = max(float(scores.max()), 1e-9)
        pairs += [PairScore(query.id, p, float(scores[row_of_passage[p]]) / highest) for p in dict.fromkeys(read)]
    put_scores(project, pairs, "teacher")


def row_of(project: Project, name: str, steps: int) -> dict[str, object]:
    """Train on the first batches of a pass; batches after them are held out."""
    params = replace(
        params_from_dict(TrainParams, {"objective": name}),
        max_steps=steps, max_length=32, eval_every=0, minutes=0.0, epochs=1.0, merge="off", num_negatives=1,
        batch_size=8, dev_passages=100, dev_queries=30,
    )  # fmt: skip
    began = time.monotonic()
    base = models.base_model(project)
    assert base
    work = EncoderWork(project, folder_of(project, base), params, Task())
    assert work.steps_per_epoch() >= steps + HELD, f"{name}: too few batches"
    held = [
        (steps + number, work.ready(batch, steps + number))
        for number, batch in enumerate(islice(work.source.batches(steps), HELD))
    ]
    before = losses(work, held)
    row, params = open_row(project, params)
    folder = project.path / "models" / str(row.id) / "checkpoints"
    summary = Run(project, row, base, params, Checkpoints(folder), work, Task()).finish()
    after = losses(work, held)
    assert len(queries.representatives(project, Split.DEV)) > 0
    return {
        "objective": name,
        "before": round(float(np.mean(before)), 4),
        "after": round(float(np.mean(after)), 4),
        "fell": int(np.sum(np.array(after) < before)),
        "held": HELD,
        "dev_base": round(summary.dev_base or 0.0, 4),
        "dev": round(summary.dev or 0.0, 4),
        "steps": summary.steps,
        "seconds": round(time.monotonic() - began, 1),
    }


def losses(work: EncoderWork, held: list[tuple[int, object]]) -> list[float]:
    """The loss of each batch; gradients are thrown away."""
    found = []
    for seed, batch in held:
        found.append(work.backward(batch, 1000 + seed, loss_scale=1.0))
        work.whole.zero_grad(set_to_none=True)
    return found


def table(rows: list[dict[str, object]]) -> str:
    head = ["Objective", "Loss before", "after", "Batches that fell", "Dev nDCG@10 base", "tuned", "Seconds"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        fell = f"{row['fell']} of {row['held']}"
        lines.append([str(v) for v in (row["objective"], row["before"], row["after"], fell, row["dev_base"], row["dev"],
                                       row["seconds"])])  # fmt: skip
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
