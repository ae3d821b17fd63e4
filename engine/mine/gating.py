"""Let a reranker read the candidates near the cut, so that likely answers among them can be held back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.encode.models import folder_of
from engine.encode.rerankers import CrossEncoder, reranker_facts
from engine.errors import ModelError, UserError
from engine.mine.mining import reselect
from engine.mine.reporting import needed_mining, rules_of
from engine.params import GateParams, SelectParams
from engine.store import documents, models, queries
from engine.store.candidates import Candidates, Flag, read_candidates, read_reviews
from engine.store.gates import Gate, read_gate, read_parts, write_gate, write_part
from engine.store.project import Project
from engine.store.selection import STATES, CandidateState, Selection, select
from engine.task import Task

STAGE = "read near the cut"
# Pairs at a time: what an ended job loses at most; a small reranker reads so many in some seconds on two cores.
PAIRS = 512
# A gate takes out negatives and others follow that were not read yet: so often they are read and chosen again.
_ROUNDS = 20
_OPEN = (CandidateState.CHOSEN, CandidateState.OVER_COUNT, CandidateState.DOUBTFUL, CandidateState.GATED,
         CandidateState.TOO_CLOSE, CandidateState.TOO_HIGH)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GateSummary:
    """Which reranker; queries with a candidate it read; candidates read now and known before; what the gate held back.

    `unread`: negatives that are chosen without its word, as so many before them were taken for answers.
    """

    reranker: str
    mining: int
    queries: int
    scored: int
    known: int
    gate: str
    gated: int
    negatives: int
    unread: int


@dataclass(frozen=True, slots=True)
class _Reranker:
    """A cross-encoder's folder, its name and the digest of its weights."""

    folder: Path
    name: str
    digest: str


def score_candidates(project: Project, params: GateParams, task: Task) -> GateSummary:
    """Score each query's answers and the candidates near the cut with a reranker, and choose again where a gate is on.

    What was scored before by the same weights is not scored again, also what an ended job left. With a gate, what
    moves up in place of candidates it took out is read too.

    Raises:
        UserError: nothing is mined, or the model named is no reranker.
        ModelError: its folder cannot be read, or has no head that scores.
    """
    mining = needed_mining(project, params.mining)
    rules = _rules(rules_of(mining), params)
    reranker = _resolve(project, params.reranker)
    candidates = read_candidates(project, mining.id)
    reviews = read_reviews(project, candidates)
    scores = _known(project, mining.id, reranker, len(candidates))
    known = int(np.count_nonzero(~np.isnan(scores)))
    wanted = near_the_cut(candidates, select(candidates, rules, reviews), rules, params.per_query)
    reader = _Reader(project, mining.id, reranker, params, candidates, task)
    reader.read(wanted[np.isnan(scores[wanted])], scores)
    for _ in range(_ROUNDS if rules.gate != "off" else 0):
        chosen = np.flatnonzero(select(replace(candidates, reranked=scores), rules, reviews).chosen)
        missing = chosen[np.isnan(scores[chosen])]
        if not len(missing):
            break
        reader.read(missing, scores)
    write_gate(project, mining.id, Gate(reranker.name, reranker.digest, scores))
    if params.gate != "keep" or rules.gate != "off":
        reselect(project, mining.id, rules)
    selection = select(replace(candidates, reranked=scores), rules, reviews)
    unread = int(np.count_nonzero(selection.chosen & np.isnan(scores))) if rules.gate != "off" else 0
    if unread:
        task.warn(f"{unread:,} negatives were chosen unread: the reranker takes most of what it reads for answers.")
    number = np.searchsorted(candidates.starts, np.flatnonzero(~np.isnan(scores)), side="right")
    return GateSummary(
        reranker=reranker.name,
        mining=mining.id,
        queries=len(np.unique(number)),
        scored=len(number) - known,
        known=known,
        gate=rules.gate,
        gated=selection.count(CandidateState.GATED),
        negatives=int(selection.chosen.sum()),
        unread=unread,
    )


def near_the_cut(
    candidates: Candidates, selection: Selection, rules: SelectParams, per_query: int
) -> NDArray[np.int64]:
    """Places to read, ascending: up to `per_query` answers of each query and as many other candidates.

    Of these first the chosen ones, then those whose margin is nearest to the one asked for; never what texts, ranks or
    a person's word took out.
    """
    states = np.asarray(selection.states)
    number = candidates.query_numbers()
    answers = np.flatnonzero((np.asarray(candidates.flags) & np.uint8(Flag.ANSWER)) != 0)
    others = np.flatnonzero(np.isin(states, [STATES.index(state) for state in _OPEN]))
    chosen = selection.chosen[others]
    distance = np.abs(candidates.margin[others] - np.float32(rules.relative_margin))
    others = others[np.lexsort((distance, ~chosen, number[others]))]
    kept = [rows[_place(number[rows]) < per_query] for rows in (answers, others)]
    return np.sort(np.concatenate(kept))


def _place(group: NDArray[np.int32]) -> NDArray[np.int64]:
    """For ascending groups, the place from 0 of each element in its own."""
    found: NDArray[np.int64] = np.arange(len(group)) - np.searchsorted(group, group)
    return found


def _rules(kept: SelectParams, params: GateParams) -> SelectParams:
    """The mining's rules with the gate that is asked for."""
    if params.per_query < 1:
        raise UserError("At least one candidate of each query must be read.", hint="20 are usual.")
    gate = kept.gate if params.gate == "keep" else params.gate
    return replace(kept, gate=gate, gate_at=params.gate_at if params.gate_at >= 0 else kept.gate_at)


def _resolve(project: Project, ref: str) -> _Reranker:
    folder = Path(ref).expanduser()
    if ref != "reranker" and not ref.isdigit() and folder.is_dir():
        name = folder.name
    else:
        found = models.resolve_model(project, ref)
        if found.kind != "reranker":
            raise UserError(f"{found.name} is no reranker.", hint="Train one first: searchsmith reranker PROJECT")
        folder, name = folder_of(project, found), found.name
    try:
        heads = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or []
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} is no reranker: it has no config.json that can be read.") from error
    # A head that is not in the folder would be made by chance, and so would the scores.
    if not any(str(head).endswith("ForSequenceClassification") for head in heads):
        raise ModelError(f"{name} has no head that scores a query with a passage.", hint="Choose a cross-encoder.")
    return _Reranker(folder, name, reranker_facts(folder).weights_digest)


def _known(project: Project, mining_id: int, reranker: _Reranker, count: int) -> NDArray[np.float32]:
    """All scores that these weights gave already, NaN elsewhere."""
    scores = np.full(count, np.nan, np.float32)
    before = read_gate(project, mining_id)
    if before is not None and before.digest == reranker.digest and len(before.scores) == count:
        scores[:] = before.scores
    for rows, found in read_parts(project, mining_id, reranker.digest):
        if len(rows) and rows.max() < count:
            scores[rows] = found
    return scores


class _Reader:
    """Reads pairs block by block and keeps each block at once; the model is loaded when there is something to read."""

    def __init__(
        self,
        project: Project,
        mining_id: int,
        reranker: _Reranker,
        params: GateParams,
        candidates: Candidates,
        task: Task,
    ) -> None:
        self._project, self._mining, self._reranker, self._params = project, mining_id, reranker, params
        self._candidates, self._task = candidates, task
        self._model: CrossEncoder | None = None

    def read(self, rows: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        """Fill in the scores of `rows`."""
        for start in range(0, len(rows), PAIRS):
            self._task.progress(STAGE, start, len(rows))
            block = rows[start : start + PAIRS]
            logits = self._encoder().scores(self._pairs(block), self._task.check_cancelled)
            found = (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)
            write_part(self._project, self._mining, self._reranker.digest, block, found)
            scores[block] = found
        self._task.progress(STAGE, len(rows), len(rows))

    def _pairs(self, rows: NDArray[np.int64]) -> list[tuple[str, str]]:
        number = np.searchsorted(self._candidates.starts, rows, side="right") - 1
        query_ids = self._candidates.queries[number].tolist()
        passage_ids = self._candidates.passage_id[rows].tolist()
        asked = queries.queries(self._project, sorted(set(query_ids)))
        read = documents.passages(self._project, sorted(set(passage_ids)))
        return [
            (asked[q].text if q in asked else "", read[p].search_text if p in read else "")
            for q, p in zip(query_ids, passage_ids, strict=True)
        ]

    def _encoder(self) -> CrossEncoder:
        from engine.encode.encoder import pick_device, pick_precision

        if self._model is None:
            device = pick_device("auto")
            precision, length = pick_precision(device, "auto"), self._params.max_length
            self._model = CrossEncoder.open(
                self._reranker.folder, device=device, precision=precision, max_length=length
            )
        return self._model
