"""Time our BM25 against rank-bm25 on the same words in the same run: `python benchmarks/bm25_speed.py --help`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.mine.bm25 import BM25Index


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=1_000, help="queries that our index answers")
    parser.add_argument("--oracle", type=int, default=50, help="of these, as many are asked of rank-bm25")
    parser.add_argument("--k", type=int, default=200)
    parser.add_argument("--variant", choices=("okapi", "l", "plus"), default="okapi")
    parser.add_argument("--seed", type=int, default=13)
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    corpus = zipf_texts(rng, args.passages, 40, 140)
    queries = zipf_texts(rng, args.queries, 8, 9)
    started = time.perf_counter()
    index = BM25Index.from_tokens((text.split() for text in corpus), args.variant)
    built = time.perf_counter() - started
    started = time.perf_counter()
    places, scores = index.top_k(queries, args.k)
    ours = (time.perf_counter() - started) / args.queries
    theirs, worst = ask_rank_bm25(args, corpus, queries, places, scores)
    facts = {
        "passages": args.passages,
        "queries": args.queries,
        "k": args.k,
        "variant": args.variant,
        "build_s": round(built, 2),
        "index_mb": round((index.passages.nbytes + index.impacts.nbytes) / 1e6, 1),
        "ours_queries_per_s": round(1 / ours, 1),
        "rank_bm25_queries_per_s": round(1 / theirs, 2),
        "largest_score_difference": worst,
        "ratio": round(theirs / ours, 1),
    }
    print(json.dumps(facts, indent=1))


def zipf_texts(rng: np.random.Generator, n: int, shortest: int, longest: int) -> list[str]:
    """Texts of made-up words whose frequencies fall as in language (Zipf, 100,000 words)."""
    weights = 1 / np.arange(1, 100_001)
    lengths = rng.integers(shortest, longest, n)
    words = rng.choice(100_000, int(lengths.sum()), p=weights / weights.sum())
    ends = np.cumsum(lengths)
    return [" ".join(f"w{w}" for w in words[end - size : end]) for end, size in zip(ends, lengths, strict=True)]


def ask_rank_bm25(args, corpus, queries, places, scores) -> tuple[float, float]:
    """Seconds a query of rank-bm25's scores and top k, and the largest difference from our scores."""
    import rank_bm25

    kind = {"okapi": rank_bm25.BM25Okapi, "l": rank_bm25.BM25L, "plus": rank_bm25.BM25Plus}[args.variant]
    oracle = kind([text.split() for text in corpus])
    worst, spent = 0.0, 0.0
    for row, query in enumerate(queries[: args.oracle]):
        started = time.perf_counter()
        expected = oracle.get_scores(query.split())
        np.argsort(expected)[::-1][: args.k]
        spent += time.perf_counter() - started
        found = places[row] >= 0
        worst = max(worst, float(np.abs(expected[places[row][found]] - scores[row][found]).max(initial=0)))
    return spent / min(args.oracle, len(queries)), worst


if __name__ == "__main__":
    main()
