"""Scores of training pairs, for objectives that learn from a teacher: a reranker's, or from a file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.encode.encoder import pick_device, pick_precision
from engine.encode.models import folder_of
from engine.encode.rerankers import CrossEncoder
from engine.errors import FormatError, UserError
from engine.params import ScoreParams, TrainParams
from engine.records import text_hash
from engine.store import models
from engine.store.project import Project
from engine.store.scores import PairScore, ids_by_text, replace_scores
from engine.task import Task
from engine.train.examples import load_training_set

_BLOCK = 500


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """Pairs scored under `source`; `unknown` lines of a file name texts that the project does not have."""

    source: str
    pairs: int
    unknown: int = 0


def score_pairs(project: Project, params: ScoreParams, task: Task) -> ScoreSummary:
    """Score every training query's answers and negatives with a reranker, or take scores from a file.

    Scores of the same source from before stay until all new ones are there.

    Raises:
        UserError: no such reranker or file, or nothing to score.
        FormatError: a line of the file is not {"query", "passage", "score"}.
    """
    return _from_file(project, params, task) if params.path else _from_model(project, params, task)


def _from_model(project: Project, params: ScoreParams, task: Task) -> ScoreSummary:
    teacher = models.resolve_model(project, params.model)
    if teacher.kind != "reranker":
        raise UserError(f"{teacher.name} is no reranker.", hint="Train one first: searchsmith reranker PROJECT")
    data = load_training_set(project, TrainParams(num_negatives=1))
    device = pick_device("auto")
    scorer = CrossEncoder.open(
        folder_of(project, teacher),
        device=device,
        precision=pick_precision(device, "auto"),
        max_length=params.max_length,
    )
    source, scored = f"reranker {teacher.id}", list[PairScore]()
    pairs = [(example, row) for example in data.examples for row in (*example.positives, *example.negatives)]
    for start in range(0, len(pairs), _BLOCK):
        task.progress("score pairs", start, len(pairs))
        block = pairs[start : start + _BLOCK]
        found = scorer.scores([(example.text, data.corpus.texts[row]) for example, row in block], task.check_cancelled)
        scored += [
            PairScore(example.query_id, int(data.corpus.ids[row]), float(score))
            for (example, row), score in zip(block, found, strict=True)
        ]
    replace_scores(project, scored, source)
    return ScoreSummary(source, len(pairs))


def _from_file(project: Project, params: ScoreParams, task: Task) -> ScoreSummary:
    path = Path(params.path).expanduser()
    if not path.is_file():
        raise UserError(f"There is no file {path}.", hint="Name a JSON lines file of query, passage and score.")
    source, known, unknown = f"file {path.name}", list[PairScore](), 0
    for lines, block in _blocks(path):
        task.progress("read scores", lines, 0, path.name)
        asked = ids_by_text(project, "queries", (text_hash(query.strip()) for query, _, _ in block))
        read = ids_by_text(project, "passages", (text_hash(passage) for _, passage, _ in block))
        found = [
            PairScore(asked[text_hash(query.strip())], read[text_hash(passage)], score)
            for query, passage, score in block
            if text_hash(query.strip()) in asked and text_hash(passage) in read
        ]
        known += found
        unknown += len(block) - len(found)
    if not known:
        raise UserError(
            f"No line of {path.name} names a query and a passage of this project.",
            hint="Import the texts first; scores are matched by the very same text.",
        )
    replace_scores(project, known, source)
    return ScoreSummary(source, len(known), unknown)


def _blocks(path: Path) -> Iterator[tuple[int, list[tuple[str, str, float]]]]:
    block: list[tuple[str, str, float]] = []
    number = 0
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                block.append(_row(path, number, line))
            if len(block) == _BLOCK:
                yield number, block
                block = []
    if block:
        yield number, block


def _row(path: Path, number: int, line: str) -> tuple[str, str, float]:
    try:
        row = json.loads(line)
        query, passage, score = row["query"], row["passage"], float(row["score"])
        if not isinstance(query, str) or not isinstance(passage, str) or not math.isfinite(score):
            raise ValueError("a value of the wrong type")
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"{path.name}, line {number}: no query, passage and score.",
            hint='Each line: {"query": "...", "passage": "...", "score": 0.7}',
        ) from error
    return query, passage, score
