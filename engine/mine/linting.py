"""Look at what training would learn from before it does, and name what would make it worse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any, Literal

import numpy as np

from engine.encode.models import folder_of
from engine.encode.tokens import token_counter
from engine.errors import ModelError, ProjectError
from engine.objectives import OBJECTIVES
from engine.params import TrainParams
from engine.records import Review, Split
from engine.store import documents, models, negatives, queries
from engine.store.candidates import queries_mined
from engine.store.project import Project
from engine.store.reading import base_offer

Code = Literal["unreadable", "unmined", "none", "few", "shared_answer", "too_easy", "cut", "judged_away"]
KEY = "negatives_lint"
# The median negative scores less than this share below the answer: in-batch negatives, which cost nothing, do as well.
EASY_MARGIN = 0.6
# Shares from which a finding is worth a word; under them it is the usual rest.
_SHARES: dict[Code, float] = {
    "unmined": 0.0, "none": 0.0, "few": 0.2, "shared_answer": 0.1, "cut": 0.1, "judged_away": 0.0
}  # fmt: skip
_SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that would make training worse: how many of how many, in a sentence, with the next step."""

    code: Code
    count: int
    total: int
    words: str
    hint: str


@dataclass(frozen=True, slots=True)
class Lint:
    """What the negatives of a mining (0: none) look like; `findings` is empty where nothing is wrong."""

    mining: int
    queries: int
    negatives: int
    median_margin: float | None
    findings: tuple[Finding, ...]


def lint(project: Project, params: TrainParams | None = None) -> Lint:
    """Look at the newest mining's negatives as `params` would train with them; without, as they were asked for.

    Reads ids and hashes of all, and the texts of a sample alone: 3 to 4 s for 100,000 queries with 300,000 negatives
    on a busy core, in 70 MB more memory.
    """
    facts = OBJECTIVES[params.objective] if params else None
    takes = params is None or (facts is not None and "num_negatives" in facts.own and params.num_negatives > 0)
    mining = negatives.newest_mining(project) if takes else None
    found = negatives.kept_negatives(project, mining.id) if mining else negatives.NO_NEGATIVES
    positives = queries.positives(project)
    asked = [query.id for query in queries.representatives(project, Split.TRAIN) if positives.get(query.id)]
    words = queries.reviews(project)
    away = found.among(pair for pair, word in words.items() if word is not Review.NEGATIVE)
    counted = Counter(found.query_ids[~away].tolist())
    chosen = int((mining.params.get("select") or {}).get("num_negatives", 0)) if mining else 0
    wanted, length = (params.num_negatives, params.max_length) if params else (chosen, TrainParams().max_length)
    answers = {query_id: list(positives[query_id]) for query_id in asked}
    needs_answers = not facts or facts.needs in ("answers", "negatives")
    median = round(float(np.median(found.margins)), 4) if len(found) else None
    cut, looked = _cut(project, {*chain(*answers.values()), *found.passage_ids.tolist()}, length)
    without = {query for query in asked if not counted[query]} if mining else set()
    unmined = _unmined(project, mining.id, without) if mining and without else 0
    findings = [
        _unreadable(project, params),
        _finding("unmined", unmined, len(asked)),
        _finding("none", len(without) - unmined, len(asked)),
        _few(sum(0 < counted[q] < wanted for q in asked), len(asked), chosen, wanted),
        _finding("shared_answer", _crowded(project, answers) if needs_answers else 0, len(asked)),
        _finding("cut", cut, looked, length),
        _finding("judged_away", int(np.count_nonzero(away)), len(found)),
        _easy(median, len(found)),
    ]
    kept = tuple(finding for finding in findings if finding is not None)
    return Lint(mining.id if mining else 0, len(asked), len(found), median, kept)


def keep_lint(project: Project) -> Lint:
    """Lint and keep the record with the project, where pages read it."""
    found = lint(project)
    project.set_meta_json(KEY, asdict(found))
    return found


def kept_lint(project: Project) -> dict[str, Any] | None:  # Any: JSON values
    """The record that the last mining or selection kept."""
    return project.meta_json(KEY)  # type: ignore[no-any-return]  # what was written is an object


def _unmined(project: Project, mining_id: int, without: set[int]) -> int:
    """How many of these queries the mining did not look at: they came, or were given to training, after it."""
    try:
        mined = queries_mined(project, mining_id)
    except ProjectError:
        return 0  # an older mining's files are gone; that the queries lack negatives is told all the same
    return len(without.difference(mined.tolist()))


def _crowded(project: Project, answers: Mapping[int, Sequence[int]]) -> int:
    """How many queries have an answer whose text is an answer of another one, too."""
    text_of = documents.text_hashes(project, {*chain(*answers.values())})
    texts = {query_id: {text_of[p] for p in ids if p in text_of} for query_id, ids in answers.items()}
    shared = Counter(chain(*texts.values()))
    return sum(any(shared[text] > 1 for text in own) for own in texts.values())


def _cut(project: Project, passage_ids: Collection[int], limit: int) -> tuple[int, int]:
    """How many of a sample of passages are longer than `limit` tokens, and how many were looked at."""
    base = models.base_model(project)
    if base is None or not passage_ids or models.is_static(project, base):  # a table of vectors reads every token
        return 0, 0
    picks = np.random.default_rng(13).permutation(np.sort(np.fromiter(passage_ids, np.int64)))[:_SAMPLE]
    texts = [passage.search_text for passage in documents.passages(project, picks.tolist()).values()]
    try:
        count = token_counter(folder_of(project, base))
    except ModelError:
        return 0, 0  # the folder was moved: choosing among stored candidates needs no model, and the rest is still told
    lengths = count(texts)
    return sum(length + 2 > limit for length in lengths), len(lengths)


def _finding(code: Code, count: int, total: int, limit: int = 0) -> Finding | None:
    if not count or count < _SHARES[code] * total:
        return None
    of, are, have = f"{count:,} of {total:,}", _one(count, "is", "are"), _one(count, "has", "have")
    words, hint = {
        "unmined": (
            f"{of} training queries came to training after the mining and {have} no negative.",
            "Mine again.",
        ),
        "none": (
            f"{of} training queries {have} no negative.",
            "Loosen a rule, mine deeper, or let chance fill what is missing.",
        ),
        "few": (
            f"{of} training queries {have} fewer negatives than asked for.",
            "Loosen a rule, mine deeper, or ask for fewer.",
        ),
        "shared_answer": (
            f"{of} training queries {_one(count, 'shares', 'share')} an answer with another one.",
            "Such answers never stand twice in a batch; merge near-duplicate queries, or choose a smaller batch.",
        ),
        "cut": (
            f"{of} passages looked at {are} longer than the {limit} tokens that training reads.",
            "What tells them apart may be cut off: choose a longer text length, or shorter passages.",
        ),
        "judged_away": (
            f"{of} negatives {_one(count, 'was', 'were')} left out or called relevant since; training does not use "
            f"{_one(count, 'it', 'them')}.",
            f"Keep the selection again, and {_one(count, 'another one takes its place', 'others take their places')}.",
        ),
        "too_easy": ("", ""),
        "unreadable": ("", ""),
    }[code]
    return Finding(code, count, total, words, hint)


def _unreadable(project: Project, params: TrainParams | None) -> Finding | None:
    """A training would start from a base that cannot read the texts, and nobody said that it should."""
    offer, base = base_offer(project), models.base_model(project)
    if offer is None or base is None or params is None or params.base not in ("base", str(base.id)):
        return None
    per_cent = round(100 * offer.unknown_share)
    words = f"The base model does not know {per_cent} % of the tokens of your texts."
    return Finding("unreadable", per_cent, 100, words, "Make one of their own words first; it is tuned in less time.")


def _few(count: int, total: int, chosen: int, wanted: int) -> Finding | None:
    """Fewer negatives than training takes; where the selection itself has no more for a query, that is said."""
    found = _finding("few", count, total)
    if found is None or wanted <= chosen:
        return found
    hint = f"The selection takes {chosen} for each query, training {wanted}: choose more there, or train with fewer."
    return replace(found, hint=hint)


def _one(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _easy(median: float | None, total: int) -> Finding | None:
    if median is None or median < EASY_MARGIN:
        return None
    words = f"The negatives are easy: half of them score {100 * median:.0f} % or more below the answer."
    return Finding("too_easy", total, total, words, "Take more from the model and BM25, or lower the margin.")
