"""Say of a mining what was chosen, why the rest was not, and how scores, margins and doubts are spread."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.mine.linting import lint
from engine.params import MineParams, SelectParams, params_from_dict, params_to_dict
from engine.records import Mining
from engine.store import models, negatives
from engine.store.candidates import Candidates, Flag, read_candidates, read_reviews
from engine.store.project import Project
from engine.store.selection import Selection, select

Values = dict[str, Any]  # Any: JSON values
_BINS = 40


def needed_mining(project: Project, mining_id: int = 0) -> Mining:
    """A mining by id, the newest for 0.

    Raises:
        UserError: there is none.
    """
    found = negatives.mining(project, mining_id) if mining_id else negatives.newest_mining(project)
    if found is None:
        raise UserError(
            f"There is no mining {mining_id}." if mining_id else "Nothing is mined yet.",
            hint="Mine first: searchsmith mine PROJECT",
        )
    return found


def rules_of(mining: Mining) -> SelectParams:
    """The rules a mining was selected with; defaults for those an older version did not know."""
    kept = mining.params.get("select") or {}
    known = SelectParams.__dataclass_fields__
    return params_from_dict(SelectParams, {name: value for name, value in kept.items() if name in known})


def mining_report(project: Project, mining_id: int = 0) -> Values:
    """Rules, counts by rule, sources, histograms of answers, candidates and negatives, turnover and findings.

    Raises:
        UserError: nothing is mined.
    """
    mining = needed_mining(project, mining_id)
    candidates = read_candidates(project, mining.id)
    selection = select(candidates, rules_of(mining), read_reviews(project, candidates))
    return {
        **provenance(project, mining),
        "rules": params_to_dict(rules_of(mining)),
        "queries": len(candidates.queries),
        "candidates": selection.candidates,
        "negatives": int(selection.chosen.sum()),
        "short": selection.short,
        "by_source": selection.by_source(),
        "by_rule": {step.state.value: step.removed for step in selection.waterfall},
        "waterfall": [[step.state.value, step.removed, step.left] for step in selection.waterfall],
        "histograms": _histograms(candidates, selection),
        "rounds": turnover(project),
        "findings": [asdict(finding) for finding in lint(project).findings],
    }


def provenance(project: Project, mining: Mining) -> Values:
    """Which mining, in which round, by which weights."""
    model = models.model(project, mining.model_id)
    return {
        "mining": mining.id,
        "round": mining.round,
        "created_at": mining.created_at,
        "model": model.name if model else "",
        "model_digest": model.weights_digest if model else "",
        "bm25": str(mining.params.get("bm25", MineParams().bm25)),
    }


def turnover(project: Project) -> list[Values]:
    """Each mining with how many of its negatives the one before did not have."""
    rows: list[Values] = []
    before: NDArray[np.int64] | None = None
    for mining in negatives.minings(project):
        pairs = negatives.kept_pairs(project, mining.id)
        new = None if before is None else int(np.count_nonzero(~np.isin(pairs, before)))
        rows.append({**provenance(project, mining), "negatives": len(pairs), "new": new})
        before = pairs
    return rows


def _histograms(candidates: Candidates, selection: Selection) -> Values:
    answer = (np.asarray(candidates.flags) & np.uint8(Flag.ANSWER)) != 0
    groups = {
        "answers": answer,
        "candidates": ~answer,
        "doubtful": selection.held,
        "negatives": selection.chosen,
    }
    columns = {
        "score": (np.asarray(candidates.dense_score), -1.0, 1.0),
        "margin": (np.asarray(candidates.margin), -0.5, 1.5),
        "doubt": (np.asarray(candidates.doubt), 0.0, 1.0),
    }
    return {
        name: {
            "edges": np.linspace(low, high, _BINS + 1).round(4).tolist(),
            **{
                group: np.histogram(np.clip(values[rows], low, high), _BINS, (low, high))[0].tolist()
                for group, rows in groups.items()
            },
        }
        for name, (values, low, high) in columns.items()
    }
