"""Our quick recipe beside plain sentence-transformers: same base, data, negatives a query, batch and steps.

    python benchmarks/plain_recipe.py FOLDER...    each a labelled set in the BEIR layout with official splits

Plain means the library's own tools: `mine_hard_negatives` (relative margin 0.05, one negative), its trainer with
MultipleNegativesRankingLoss, the preset's learning rate, warm-up 10 %, `NO_DUPLICATES` batches. Both models are
measured by the same code on the same test queries; prints nDCG@10 with the 95 % interval of the difference, and the
seconds of each stage.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from engine.encode.models import BUNDLED, quiet_libraries
from engine.evaluate.metrics import evaluate_rankings
from engine.evaluate.statistics import compare_paired
from engine.jobs import run_job
from engine.params import PRESETS
from engine.records import Split
from engine.store import models, queries
from engine.store.documents import corpus
from engine.store.project import Project
from engine.task import Task

METRIC = "ndcg@10"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--max-train", type=int, default=2000, help="training queries used of each set")
    parser.add_argument("--steps", type=int, default=0, help="exactly so many steps, without a limit of time")
    parser.add_argument("--plain-bf16", action="store_true", help="the plain side with its own option bf16=True")
    parser.add_argument("--keep", type=Path, help="keep the projects here")
    options = parser.parse_args()
    quiet_libraries()
    if not options.folders:
        print("Name one or more labelled sets: python benchmarks/plain_recipe.py FOLDER...")
    for folder in options.folders:
        place = options.keep or Path(tempfile.mkdtemp())
        settings = (options.preset, options.max_train, options.steps)
        row = compare(folder, place / folder.name, *settings, plain_bf16=options.plain_bf16)
        print(json.dumps({name: value for name, value in row.items() if name != "differences"}), flush=True)
        if not options.keep:
            shutil.rmtree(place)


def compare(
    folder: Path, path: Path, preset: str, max_train: int, steps: int, *, alone: bool = False, plain_bf16: bool = False
) -> dict[str, object]:
    """Both recipes on one set; ours only with `alone`."""
    task, seconds = Task(), {}

    def job(stage: str, **values: object) -> dict[str, object]:
        began = time.monotonic()
        summary = run_job(path, stage, values, task)
        seconds[stage] = round(time.monotonic() - began, 1)
        return summary

    job("new")
    job("import", paths=[str(folder)], kind="labelled")
    job("dedup")
    job("split")
    cap_training(path, max_train)
    job("mine")
    trained = job("train", preset=preset, **({"max_steps": steps, "minutes": 0} if steps else {}))
    measured = job("evaluate", systems=["bm25", "base", "tuned"])
    shown = {name: round(metrics[METRIC], 4) for name, metrics in measured["systems"].items()}
    row = {
        "set": folder.name,
        "queries": measured["queries"],
        **shown,
        "comparisons": [
            [c["a"], c["b"], *(round(c[k], 4) for k in ("delta", "low", "high")), c["verdict"], c["fixed"], c["broken"]]
            for c in measured["comparisons"]
        ],
        "steps": trained["steps"],
        "seconds": seconds,
    }
    if alone:
        return row
    plain, plain_seconds, pairs = train_plain(path, preset, int(trained["steps"]), bf16=plain_bf16)
    ours_by_query, plain_by_query = rank_with(path, None), rank_with(path, plain)
    test = compare_paired(ours_by_query, plain_by_query)
    return {
        **row,
        "plain": round(float(plain_by_query.mean()), 4),
        "ours_minus_plain": [round(v, 4) for v in (test.delta, test.low, test.high)],
        "differences": [round(float(value), 4) for value in ours_by_query - plain_by_query],
        "plain_pairs": pairs,
        "seconds": {**seconds, **plain_seconds},
    }


def cap_training(path: Path, most: int) -> None:
    """Keep at most `most` training queries, seeded; the others get no split."""
    with Project.open(path) as project:
        ids = [query.id for query in queries.representatives(project, Split.TRAIN)]
        if len(ids) > most:
            dropped = np.random.default_rng(13).permutation(ids)[most:]
            queries.set_splits(project, {int(query_id): None for query_id in dropped})


def train_plain(path: Path, preset: str, steps: int, *, bf16: bool) -> tuple[object, dict[str, float], int]:
    """The library's own recipe on the project's training pairs; returns the model and the seconds it took."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from sentence_transformers.sentence_transformer.training_args import BatchSamplers
    from sentence_transformers.util import mine_hard_negatives

    params = PRESETS[preset]
    with Project.open(path, readonly=True) as project:
        texts = dict(zip(corpus(project).ids.tolist(), corpus(project).texts, strict=True))
        train = queries.representatives(project, Split.TRAIN)
        answers = queries.positives(project)
    pairs = [{"anchor": q.text, "positive": texts[p]} for q in train for p in answers.get(q.id, {})]
    model = SentenceTransformer(str(BUNDLED.check()), device="cpu")
    model.max_seq_length = params.max_length
    began = time.monotonic()
    mined = mine_hard_negatives(
        Dataset.from_list(pairs),
        model,
        corpus=sorted(set(texts.values())),
        relative_margin=0.05,
        num_negatives=1,
        batch_size=32,
        use_faiss=False,
        verbose=False,
    )
    seconds = {"plain_mine": round(time.monotonic() - began, 1)}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as out:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=out,
            max_steps=steps,
            per_device_train_batch_size=params.batch_size,
            learning_rate=params.learning_rate,
            warmup_steps=round(steps * 0.1),
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            seed=13,
            use_cpu=True,
            bf16=bf16,
        )
        SentenceTransformerTrainer(
            model=model, args=arguments, train_dataset=mined, loss=MultipleNegativesRankingLoss(model)
        ).train()
    seconds["plain_train"] = round(time.monotonic() - began, 1)
    return model, seconds, len(mined)


def rank_with(path: Path, model: object | None) -> np.ndarray:
    """nDCG@10 of each test query in order of id; by the stored tuned run, or by a model of sentence-transformers."""
    from engine.store import runs

    with Project.open(path, readonly=True) as project:
        if model is None:
            tuned = models.newest_tuned(project)
            run = next(run for run in runs.newest_runs(project) if tuned and run.model_id == tuned.id)
            return np.array([row.ndcg10 for row in runs.query_metrics(project, run.id)])
        passages = corpus(project)
        answers = queries.positives(project)
        asked = [q for q in queries.representatives(project, Split.TEST) if q.id in answers]
    model.max_seq_length = 256  # as the base model reads when it searches
    vectors = model.encode(passages.texts, normalize_embeddings=True, batch_size=32)
    scores = model.encode([q.text for q in asked], normalize_embeddings=True) @ vectors.T
    order = np.argsort(-scores, axis=1, kind="stable")[:, :100]
    rankings = {q.id: passages.ids[row].tolist() for q, row in zip(asked, order, strict=True)}
    measured = evaluate_rankings(rankings, {q.id: answers[q.id] for q in asked})
    return np.asarray(measured[METRIC])


if __name__ == "__main__":
    main()
