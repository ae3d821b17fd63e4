"""Time one re-selection of stored candidates, as a moved slider asks for it: `python benchmarks/mining_selection.py`.

Made candidates: each query has `--depth` of the model and as many of BM25, half of them the same. Beside it, in the
same run, the same rules as one loop over each query's candidates with numpy (what a script would do) on `--plain`
queries; the last line is the ratio of queries a second.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.params import SelectParams
from engine.store.candidates import Candidates, columns_of
from engine.store.selection import select


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--depth", type=int, default=133, help="of each source; half of it is found by both")
    parser.add_argument("--plain", type=int, default=2_000, help="queries that the plain loop selects for")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    candidates = made_candidates(options.queries, options.depth)
    seconds = []
    for seed in range(options.repeats):
        started = time.perf_counter()
        selection = select(candidates, SelectParams(seed=seed))
        seconds.append(time.perf_counter() - started)
    started = time.perf_counter()
    chosen = sum(plain(candidates, query) for query in range(options.plain))
    theirs = (time.perf_counter() - started) / options.plain
    rows = int(candidates.starts[options.plain])
    facts = {
        "queries": options.queries,
        "candidates": len(candidates),
        "megabytes": round(sum(column.nbytes for column in columns_of(candidates).values()) / 1e6),
        "best_s": round(min(seconds), 3),
        "median_s": round(float(np.median(seconds)), 3),
        "same_choice": bool(selection.chosen[:rows].sum() == chosen),
        "ratio_to_loop": round(theirs * options.queries / min(seconds), 1),
    }
    print(json.dumps(facts, indent=1))


def made_candidates(n_queries: int, depth: int) -> Candidates:
    rng = np.random.default_rng(13)
    size = depth + depth // 2
    n = n_queries * size
    dense = np.tile(np.concatenate([np.arange(1, depth + 1), np.zeros(size - depth)]).astype(np.uint16), n_queries)
    late = np.concatenate([rng.permutation(depth) + 1 for _ in range(n_queries)]).astype(np.uint16)
    bm25 = np.zeros((n_queries, size), np.uint16)
    bm25[:, size - depth :] = late.reshape(n_queries, depth)
    bm25 = bm25.ravel()
    found = np.flatnonzero(bm25)
    number = np.repeat(np.arange(n_queries, dtype=np.int32), size)
    # Scores fall with the rank and keep their noise, so that every rule takes some.
    score = (0.75 - 0.4 * np.tile(np.linspace(0, 1, size), n_queries) + rng.normal(0, 0.05, n)).astype(np.float32)
    return Candidates(
        queries=np.arange(n_queries, dtype=np.int32),
        starts=np.arange(0, n + 1, size, dtype=np.int64),
        positive_score=np.full(n_queries, 0.75, np.float32),
        passage_id=rng.integers(0, 10**6, n, dtype=np.int32),
        bm25_rank=bm25,
        bm25_score=score,
        dense_rank=dense,
        dense_score=score,
        margin=(0.75 - score) / np.float32(0.75),
        doubt=rng.random(n, dtype=np.float32) ** 4,
        flags=np.zeros(n, np.uint8),
        by_bm25=found[np.lexsort((bm25[found], number[found]))].astype(np.int32),
    )


def plain(candidates: Candidates, query: int) -> int:
    """How many negatives the default rules choose for one query."""
    params = SelectParams()
    rows = slice(int(candidates.starts[query]), int(candidates.starts[query + 1]))
    dense, bm25 = candidates.dense_rank[rows], candidates.bm25_rank[rows]
    safe = (candidates.doubt[rows] < params.max_doubt) & (candidates.margin[rows] >= params.relative_margin)
    from_dense = np.flatnonzero(safe & (dense >= 1) & (dense <= params.rank_max))
    from_bm25 = np.flatnonzero(safe & (bm25 >= 1) & (bm25 <= params.rank_max))
    from_bm25 = from_bm25[np.argsort(bm25[from_bm25], kind="stable")]
    share = int(params.num_negatives * params.share_bm25 + 0.5)
    taken = list(from_dense[: params.num_negatives - share])
    for row in [*from_bm25, *from_dense]:
        if len(taken) < params.num_negatives and row not in taken:
            taken.append(row)
    return len(taken)


if __name__ == "__main__":
    main()
