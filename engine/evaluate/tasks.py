"""What else an embedding model is judged by, where the data allow: pairs, duplicates, triplets, clusters, classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engine.errors import UserError
from engine.evaluate.judging import digest_of
from engine.evaluate.metrics import evaluate_rankings, means
from engine.params import TasksParams
from engine.records import Model, Query, Split
from engine.store import documents, models, queries, scores
from engine.store.project import Project
from engine.store.task_figures import keep_task_figures
from engine.task import Task

Floats = npt.NDArray[np.float64]
_FEWEST = 10  # pairs, triplets or queries below which a figure would say nothing
_PAIRS = 20_000
_TRIPLETS = 20_000  # more say nothing more: accuracy of this many is known to 0.7 % (95 %)
_EXAMPLES = 4  # training queries a class needs to be learnt


@dataclass(frozen=True, slots=True)
class TasksSummary:
    """Figures by model and task; `left_out` says of each other task what data it lacks.

    `drawn_from`: how many there are where a task is made of some of them only.
    """

    split: str
    models: dict[str, dict[str, float]]
    sizes: dict[str, int]
    left_out: dict[str, str]
    drawn_from: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Data:
    """What the tasks are made of; ids of queries and passages."""

    scored: list[tuple[int, int, float]]
    triplets: list[tuple[int, int, int]]
    judged: dict[int, dict[int, int]]
    pairs: list[tuple[int, int, bool]]
    classes: dict[int, int]
    train_classes: dict[int, int]
    n_triplets: int = field(default=0, repr=False)


def evaluate_tasks(project: Project, params: TasksParams, task: Task) -> TasksSummary:
    """Measure models on every task that a split's data allow, and keep the figures.

    Raises:
        UserError: no such model, or data for none of the tasks.
    """
    split = Split(params.split)
    data, left_out = _gather(project, split, params.seed)
    sizes = {
        "scored pairs": len(data.scored),
        "triplets": len(data.triplets),
        "reranking": len(data.judged),
        "duplicates": len(data.pairs),
        "clustering": len(data.classes),
        "classification": len(data.classes) if data.train_classes else 0,
    }
    sizes = {name: size for name, size in sizes.items() if size}
    if not sizes:
        raise UserError(
            f"The {split.value} queries have data for none of these tasks.",
            hint="They need scores, negatives, or several queries with one answer.",
        )
    chosen = {label: models.resolve_model(project, label) for label in params.models}
    found = {}
    for label, model in chosen.items():
        vectors = _vectors(project, model, data, task)
        found[label] = _measure(data, *vectors, seed=params.seed)
        task.check_cancelled()
    keep_task_figures(
        project,
        split,
        content=digest_of([repr(data), params.seed]),
        models={chosen[label].id: figures for label, figures in found.items()},
        sizes=sizes,
        left_out=left_out,
    )
    drawn_from = {"triplets": data.n_triplets} if data.n_triplets > len(data.triplets) > 0 else {}
    return TasksSummary(split.value, found, sizes, left_out, drawn_from)


def best_f1(similarities: Floats, same: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """(highest F1, its threshold) over all places to cut between two neighbouring similarities."""
    order = np.argsort(-similarities, kind="stable")
    sorted_, right = similarities[order], np.cumsum(same[order])
    cut = np.flatnonzero(np.append(sorted_[1:] < sorted_[:-1], True))
    f1 = 2 * right[cut] / (cut + 1 + same.sum())
    best = int(np.argmax(f1))
    below = cut[best] + 1
    upper = float(sorted_[cut[best]])
    return float(f1[best]), (upper + float(sorted_[below])) / 2 if below < len(sorted_) else upper


def _gather(project: Project, split: Split, seed: int) -> tuple[_Data, dict[str, str]]:
    asked = queries.representatives(project, split)
    ids = {query.id for query in asked}
    positives = queries.positives(project)
    wrong = _wrong(project)
    sources = scores.sources(project)
    scored = [
        (query, passage, value)
        for query, found in (scores.scores(project, sources[0][0]) if sources else {}).items()
        if query in ids
        for passage, value in found.items()
    ]
    triplets, n_triplets = _triplets(sorted(ids & wrong.keys() & positives.keys()), positives, wrong, seed)
    judged = {
        query: {**dict.fromkeys(wrong[query], 0), **positives[query]}
        for query in sorted(ids & wrong.keys() & positives.keys())
    }
    classes = _classes(asked, positives)
    train = _classes(queries.representatives(project, Split.TRAIN), positives)
    learnt = {name for name, count in Counter(train.values()).items() if count >= _EXAMPLES}
    known = {query: name for query, name in classes.items() if name in learnt}
    enough = len(set(known.values())) > 1 and len(known) >= _FEWEST
    data = _Data(
        scored=scored if len(scored) >= _FEWEST and len({row[2] for row in scored}) > 1 else [],
        triplets=triplets if len(triplets) >= _FEWEST else [],
        judged=judged if len(judged) >= _FEWEST else {},
        pairs=_pairs(classes, seed),
        classes=classes if len(set(classes.values())) > 1 and len(classes) >= _FEWEST else {},
        train_classes={query: name for query, name in train.items() if name in learnt} if enough else {},
        n_triplets=n_triplets,
    )
    return data, _left_out(data)


def _left_out(data: _Data) -> dict[str, str]:
    lacks = {
        "scored pairs": ("scores of pairs, not all alike", data.scored),
        "triplets": ("negatives that came with the queries or were confirmed", data.triplets),
        "reranking": ("negatives that came with the queries or were confirmed", data.judged),
        "duplicates": ("several queries with one answer", data.pairs),
        "clustering": ("several queries with one answer", data.classes),
        "classification": (f"answers with {_EXAMPLES} training queries or more", data.train_classes),
    }
    return {name: f"needs {what}" for name, (what, there) in lacks.items() if not there}


def _wrong(project: Project) -> dict[int, set[int]]:
    """Passages known to be no answer: imported negatives, confirmed ones, judgements of grade 0."""
    found = {query: set(passages) for query, passages in queries.imported_negatives(project).items()}
    for query, grades in queries.judgements(project).items():
        found.setdefault(query, set()).update(passage for passage, grade in grades.items() if grade == 0)
    for (query, passage), review in queries.reviews(project).items():
        if review.value == "negative":
            found.setdefault(query, set()).add(passage)
    return {query: passages for query, passages in found.items() if passages}


def _triplets(
    asked: Sequence[int], positives: Mapping[int, Mapping[int, int]], wrong: Mapping[int, Set[int]], seed: int
) -> tuple[list[tuple[int, int, int]], int]:
    """Each answer beside each wrong passage of its query, at most `_TRIPLETS` drawn by seed; and how many there are."""
    rights = [list(positives[query]) for query in asked]
    wrongs = [sorted(wrong[query] - positives[query].keys()) for query in asked]
    ends = np.cumsum([len(right) * len(others) for right, others in zip(rights, wrongs, strict=True)], dtype=np.int64)
    total = int(ends[-1]) if asked else 0
    places = np.arange(total) if total <= _TRIPLETS else np.random.default_rng(seed).choice(total, _TRIPLETS, False)
    found = []
    for place in np.sort(places).tolist():
        row = int(np.searchsorted(ends, place, side="right"))
        right, other = divmod(place - int(ends[row]), len(wrongs[row]))  # counted from the end of its query: negative
        found.append((asked[row], rights[row][right], wrongs[row][other]))
    return found, total


def _classes(asked: Sequence[Query], positives: Mapping[int, Mapping[int, int]]) -> dict[int, int]:
    """The one answer of each query that shares it with another; queries with several answers have no class."""
    single = {query.id: next(iter(positives[query.id])) for query in asked if len(positives.get(query.id, {})) == 1}
    counts = Counter(single.values())
    return {query: answer for query, answer in single.items() if counts[answer] > 1}


def _pairs(classes: Mapping[int, int], seed: int) -> list[tuple[int, int, bool]]:
    """As many pairs of queries with one answer as with two, drawn by seed."""
    ids = np.array(sorted(classes), np.int64)
    if len(ids) < _FEWEST or len(set(classes.values())) < 2:
        return []
    members: dict[int, list[int]] = {}
    for query in ids.tolist():
        members.setdefault(classes[query], []).append(query)
    same = [(a, b, True) for group in members.values() for a, b in pairwise(group)][: _PAIRS // 2]
    rng = np.random.default_rng(seed)
    other: set[tuple[int, int, bool]] = set()
    for a, b in rng.choice(ids, (len(same) * 8, 2)).tolist():
        if classes[a] != classes[b] and len(other) < len(same):
            other.add((min(a, b), max(a, b), False))
    return [*same, *sorted(other)]


Vectors = dict[int, Floats]


def _vectors(project: Project, model: Model, data: _Data, task: Task) -> tuple[Vectors, Vectors]:
    """Vectors of the queries and of the passages that the tasks name."""
    from engine.encode.models import open_encoder
    from engine.encode.vectors import encode_texts

    asked = {row[0] for row in (*data.scored, *data.triplets)} | data.judged.keys() | data.classes.keys()
    asked |= data.train_classes.keys()
    named = {row[1] for row in (*data.scored, *data.triplets)} | {row[2] for row in data.triplets}
    named |= {passage for grades in data.judged.values() for passage in grades}
    texts = {i: query.text for i, query in sorted(queries.queries(project, asked).items())}
    passages = {i: found.search_text for i, found in sorted(documents.passages(project, named).items())}
    encoder = open_encoder(project, model)
    vectors = []
    for kind, chosen in (("query", texts), ("passage", passages)):
        made = encode_texts(
            project,
            encoder,
            list(chosen.values()),
            kind="query" if kind == "query" else "passage",
            task=task,
            stage=f"encode {'queries' if kind == 'query' else 'passages'}",
        )
        vectors.append(dict(zip(chosen, np.asarray(made, np.float64), strict=True)))
    return vectors[0], vectors[1]


def _measure(data: _Data, asked: Vectors, passages: Vectors, *, seed: int) -> dict[str, float]:
    from scipy.stats import pearsonr, spearmanr

    found: dict[str, float] = {}
    if data.scored:
        cosines = [float(asked[q] @ passages[p]) for q, p, _ in data.scored]
        given = [value for *_, value in data.scored]
        found["scored pairs: spearman"] = float(spearmanr(cosines, given).statistic)
        found["scored pairs: pearson"] = float(pearsonr(cosines, given).statistic)
    if data.triplets:
        right = [asked[q] @ passages[p] > asked[q] @ passages[n] for q, p, n in data.triplets]
        found["triplets: accuracy"] = float(np.mean(right))
    if data.judged:
        lists = {
            q: sorted(grades, key=lambda p: (-float(asked[q] @ passages[p]), p)) for q, grades in data.judged.items()
        }
        depth = max(map(len, lists.values()))
        measured = means(evaluate_rankings(lists, data.judged, ks=(10, depth)))
        found["reranking: map"], found["reranking: mrr@10"] = measured[f"map@{depth}"], measured["mrr@10"]
    if data.pairs:
        found.update(_duplicates(data, asked))
    if data.classes:
        found.update(_groups(data, asked, seed))
    return found


def _duplicates(data: _Data, asked: Vectors) -> dict[str, float]:
    from sklearn.metrics import average_precision_score

    similarities = np.array([float(asked[a] @ asked[b]) for a, b, _ in data.pairs])
    same = np.array([row[2] for row in data.pairs])
    f1, threshold = best_f1(similarities, same)
    average = float(average_precision_score(same, similarities))
    return {"duplicates: ap": average, "duplicates: f1": f1, "duplicates: threshold": threshold}


def _groups(data: _Data, asked: Vectors, seed: int) -> dict[str, float]:
    """V-measure of k-means with as many clusters as answers; accuracy and macro F1 of logistic regression (MTEB's)."""
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score, v_measure_score

    vectors, names = np.array([asked[q] for q in data.classes]), list(data.classes.values())
    clusters = MiniBatchKMeans(len(set(names)), batch_size=512, n_init=1, random_state=seed).fit_predict(vectors)
    found = {"clustering: v-measure": float(v_measure_score(names, clusters))}
    if data.train_classes:
        learner = LogisticRegression(max_iter=1000, random_state=seed)
        learner.fit(np.array([asked[q] for q in data.train_classes]), list(data.train_classes.values()))
        learnt = set(data.train_classes.values())
        test = [q for q, name in data.classes.items() if name in learnt]
        guessed, right = learner.predict(np.array([asked[q] for q in test])), [data.classes[q] for q in test]
        found["classification: accuracy"] = float(accuracy_score(right, guessed))
        found["classification: macro f1"] = float(f1_score(right, guessed, average="macro"))
    return found
