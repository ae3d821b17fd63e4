"""Mine hard negatives: passages that look like answers to training queries and are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.curate.sameness import normal_text
from engine.errors import UserError
from engine.mine import blocks
from engine.mine.approximate import InvertedFile, choose_search
from engine.mine.blocks import clear_blocks, finished_blocks, mine_blocks, mining_key
from engine.mine.dense import ExactSearch
from engine.mine.equality import Equality
from engine.mine.gathering import Found, Known, Space, gather
from engine.mine.kept_index import open_bm25
from engine.mine.linting import keep_lint
from engine.params import MineParams, SelectParams, params_to_dict
from engine.records import Model, Query, Split
from engine.store import documents, models, negatives, queries
from engine.store.candidates import MAX_RANK, Candidates, read_candidates, read_reviews, write_candidates
from engine.store.documents import Corpus
from engine.store.project import Project
from engine.store.selection import Selection, chosen_negatives, select
from engine.task import Task

# Random candidates a query: enough to choose among, few enough to cost nothing.
_RANDOM = 50


@dataclass(frozen=True, slots=True)
class MineSummary:
    """Queries mined, their candidates without the answers, negatives chosen, how many were held back as doubtful.

    `recall`: of the model's exact candidates, the share that the index found; None where the search was exact.
    """

    queries: int
    candidates: int
    negatives: int
    by_source: dict[str, int]
    doubtful: int
    short: int = 0
    mining: int = 0
    recall: float | None = None


def mine(project: Project, params: MineParams, task: Task) -> MineSummary:
    """Gather candidates for every training query and choose its negatives.

    Queries are those of split train that stand for themselves and have a right passage; right passages of their
    duplicates count as theirs. Every candidate is scored by the model, whichever source brought it.

    Raises:
        UserError: no split yet, no training query with a right passage, no such model or source.
    """
    _check(params)
    model = models.resolve_model(project, params.model)
    corpus = documents.corpus(project)
    asked, known = _known(project, corpus)
    mining_id = negatives.start_mining(project, model_id=model.id, params=params_to_dict(params))
    key = mining_key(model, corpus, asked, known, params)
    try:
        candidates, recall = _mined(project, key, model, corpus, asked, known, params, task)
        write_candidates(project, mining_id, candidates)
        task.progress("choose negatives", 0, len(known))
        selection = select(candidates, params.select, read_reviews(project, candidates))
        negatives.put_negatives(project, mining_id, chosen_negatives(candidates, selection))
        counts = _counts(project, mining_id, candidates, selection)
        negatives.finish_mining(project, mining_id, counts={**counts, "recall": recall})
    except BaseException:
        negatives.drop_mining(project, mining_id)
        raise
    clear_blocks(project, key)
    if params.select.gate != "off":
        task.warn("The gate is on, but no reranker has read these candidates yet: searchsmith negatives score PROJECT")
    for finding in keep_lint(project).findings:
        task.warn(f"{finding.words} {finding.hint}")
    task.progress("choose negatives", len(known), len(known))
    return MineSummary(
        queries=len(known),
        candidates=selection.candidates,
        negatives=int(selection.chosen.sum()),
        by_source=selection.by_source(),
        doubtful=int(selection.held.sum()),
        short=selection.short,
        mining=mining_id,
        recall=recall,
    )


def reselect(project: Project, mining_id: int, params: SelectParams) -> dict[str, Any]:  # Any: JSON values
    """Choose again among a mining's stored candidates; returns its new counts.

    Raises:
        UserError: there is no such mining, or the rules cannot be.
        ProjectError: its candidates are absent or damaged.
    """
    mined = negatives.mining(project, mining_id)
    if mined is None:
        raise UserError(f"There is no mining {mining_id}.", hint="Mine negatives first.")
    check_rules(params)
    candidates = read_candidates(project, mining_id)
    selection = select(candidates, params, read_reviews(project, candidates))
    counts = {**_counts(project, mining_id, candidates, selection), "recall": mined.counts.get("recall")}
    kept = {**mined.params, "select": params_to_dict(params)}
    negatives.replace_selection(project, mining_id, chosen_negatives(candidates, selection), params=kept, counts=counts)
    keep_lint(project)
    return counts


def _check(params: MineParams) -> None:
    if not params.sources:
        raise UserError("No source of candidates was chosen.", hint="Choose at least one of bm25, dense, random.")
    if not 1 <= params.depth <= MAX_RANK:
        raise UserError(f"A depth of {params.depth} is not possible.", hint=f"Choose 1 to {MAX_RANK}; 200 is usual.")
    check_rules(params.select)
    for source, share in (("bm25", params.select.share_bm25), ("random", params.select.share_random)):
        if share and source not in params.sources:
            raise UserError(
                f"A share of {share:g} cannot come from {source}, which is no source of this mining.",
                hint=f"Name it among the sources: {','.join([*params.sources, source])}.",
            )


def check_rules(rules: SelectParams) -> None:
    """Refuse rules under which no candidate at all could be chosen.

    Raises:
        UserError: it names the rule.
    """
    if rules.num_negatives < 1:
        raise UserError(
            f"{rules.num_negatives} negatives for each query cannot be chosen.",
            hint="Choose at least 1. To train without mined ones: train --set num_negatives=0",
        )
    if not 1 <= rules.rank_min <= rules.rank_max:
        raise UserError(f"No rank lies from {rules.rank_min} to {rules.rank_max}.", hint="Ranks count from 1.")
    if rules.min_score > rules.max_score:
        raise UserError(f"No score lies from {rules.min_score:g} to {rules.max_score:g}.")
    for share in (rules.share_bm25, rules.share_random):
        if not 0 <= share <= 1:
            raise UserError(
                f"A share of {share:g} is not possible.", hint="Shares go from 0 to 1; the model has the rest."
            )


def _known(project: Project, corpus: Corpus) -> tuple[list[Query], list[Known]]:
    """Training queries with an answer, by id, and what is known of each."""
    train = queries.representatives(project, Split.TRAIN)
    if not train:
        if not any(queries.split_counts(project).get(split) for split in Split):
            raise UserError(
                "The queries are not split yet, so it is not known which ones to train on.",
                hint="Split them first: searchsmith split PROJECT",
            )
        raise UserError("No query is in the training part.", hint="Split again with smaller shares of dev and test.")
    judged = queries.judgements(project)
    shared = _answers_by_text(queries.all_queries(project), queries.positives(project))
    imported = queries.imported_negatives(project)
    asked, known = [], []
    for query in train:
        answers = corpus.rows_of(shared.get(normal_text(query.text), set()) | _positive(judged.get(query.id, {})))
        if len(answers):
            wrong = [passage_id for passage_id, grade in judged.get(query.id, {}).items() if grade == 0]
            asked.append(query)
            known.append(Known(query.id, answers, corpus.rows_of(wrong), corpus.rows_of(imported.get(query.id, []))))
    if not known:
        raise UserError(
            "No training query has a right passage, so nothing can be told apart from it.",
            hint="Import judgements or mark right passages of your queries.",
        )
    return asked, known


def _positive(grades: dict[int, int]) -> set[int]:
    return {passage_id for passage_id, grade in grades.items() if grade > 0}


def _answers_by_text(everyone: Sequence[Query], positives: dict[int, dict[int, int]]) -> dict[str, set[int]]:
    """Right passages by normal text, so that a repeat that was never merged still lends its answers."""
    found: dict[str, set[int]] = {}
    for query in everyone:
        found.setdefault(normal_text(query.text), set()).update(positives.get(query.duplicate_of or query.id, {}))
    return found


def _mined(
    project: Project,
    key: str,
    model: Model,
    corpus: Corpus,
    asked: Sequence[Query],
    known: Sequence[Known],
    params: MineParams,
    task: Task,
) -> tuple[Candidates, float | None]:
    """The candidates of all queries, and what share of the model's exact ones an index found."""
    texts = [query.text for query in asked]
    index = open_bm25(project, corpus, params.bm25, task=task)
    equality = Equality(corpus.texts, index)
    vectors, passages = _vectors(project, model, texts, corpus.texts, task)
    passages = np.require(passages, np.float32, ["C", "W"])  # once for all blocks
    dense: ExactSearch | InvertedFile = ExactSearch(passages)
    if "dense" in params.sources and choose_search(params.index, len(asked), len(corpus.ids)) == "ivf":
        dense = InvertedFile.build(vectors, passages, params.depth, task)
    drawn = _random(len(known), len(corpus.ids), min(params.depth, _RANDOM), params.select.seed)
    if begun := finished_blocks(project, key):
        task.warn(
            f"A mining of the same was ended before: {begun * blocks.QUERIES:,} of its queries need not be mined again."
        )

    def block(rows: slice) -> Candidates:
        quiet = _Quiet(task)
        found: dict[str, Found] = {}
        if "bm25" in params.sources:
            found["bm25"] = Found(*index.top_k(texts[rows], params.depth, task=quiet))
        if "dense" in params.sources:
            found["dense"] = Found(*dense.top_k(vectors[rows], params.depth, task=quiet))
        if "random" in params.sources:
            found["random"] = Found(drawn.places[rows], drawn.scores[rows])
        space = Space(corpus.ids, corpus.document_ids, passages, vectors[rows], equality)
        return gather(known[rows], found, space, quiet)

    candidates = mine_blocks(project, key, len(known), block, task)
    return candidates, round(dense.recall, 4) if isinstance(dense, InvertedFile) else None


class _Quiet(Task):
    """Passes cancelling and warnings on, but no progress: the block's own stages are too short to be shown."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self._task = task

    def check_cancelled(self) -> None:
        self._task.check_cancelled()

    def on_warning(self, message: str) -> None:
        self._task.warn(message)


def _vectors(
    project: Project, model: Model, asked: list[str], texts: list[str], task: Task
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from engine.encode.models import open_encoder
    from engine.encode.vectors import encode_texts

    encoder = open_encoder(project, model)
    passages = encode_texts(project, encoder, texts, kind="passage", task=task, stage="encode passages")
    return encode_texts(project, encoder, asked, kind="query", task=task, stage="encode queries"), passages


def _random(n_queries: int, n_passages: int, depth: int, seed: int) -> Found:
    places = np.random.default_rng(seed).integers(0, n_passages, (n_queries, depth), dtype=np.int32)
    return Found(places, np.zeros(places.shape, np.float32))


def _counts(
    project: Project, mining_id: int, candidates: Candidates, selection: Selection
) -> dict[str, Any]:  # Any: JSON values
    margins = candidates.margin[selection.chosen]
    return {
        "queries": len(candidates.queries),
        "candidates": selection.candidates,
        "negatives": int(selection.chosen.sum()),
        "by_source": selection.by_source(),
        "doubtful": int(selection.held.sum()),
        "short": selection.short,
        "waterfall": [[step.state.value, step.removed, step.left] for step in selection.waterfall],
        "median_margin": round(float(np.median(margins)), 4) if len(margins) else None,
        "new": _new_since(project, mining_id, candidates, selection),
    }


def _new_since(project: Project, mining_id: int, candidates: Candidates, selection: Selection) -> int | None:
    """How many chosen negatives the mining before did not have; None for the first one."""
    before = negatives.mining_before(project, mining_id)
    if before is None:
        return None
    kept = negatives.kept_pairs(project, before.id)
    return int(np.count_nonzero(~np.isin(selection.pairs(candidates), kept)))
