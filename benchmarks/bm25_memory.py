"""State what a BM25 index of a million passages needs: `python benchmarks/bm25_memory.py [--passages 1000000]`.

Made passages of 40 to 140 words whose frequencies fall as in language (Zipf, 100,000 words), read one after the other,
so that the texts themselves take no memory. States the index's size, the most memory while it is built and in all, and
the seconds of both.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.mine.bm25 import BM25Index

WORDS = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--k", type=int, default=200)
    options = parser.parse_args()
    words = [f"w{number}" for number in range(WORDS)]
    before = megabytes()
    started = time.perf_counter()
    index = BM25Index.from_tokens(passages(words, options.passages))
    built, peak = time.perf_counter() - started, megabytes() - before
    queries = [" ".join(made) for made in passages(words, options.queries, shortest=8, longest=9, seed=14)]
    started = time.perf_counter()
    places, _ = index.top_k(queries, options.k)
    facts = {
        "passages": options.passages,
        "postings": len(index.passages),
        "index_mb": round((index.passages.nbytes + index.impacts.nbytes + index.starts.nbytes) / 1e6),
        "most_while_building_mb": round(peak),
        "most_in_all_mb": round(megabytes() - before),
        "build_s": round(built, 1),
        "queries_per_s": round(options.queries / (time.perf_counter() - started), 1),
        "found": bool((places[:, 0] >= 0).all()),
    }
    print(json.dumps(facts, indent=1))


def passages(
    words: list[str], count: int, shortest: int = 40, longest: int = 140, seed: int = 13
) -> Iterator[list[str]]:
    """Passages as words, a thousand drawn at a time."""
    rng = np.random.default_rng(seed)
    upto = np.cumsum(1 / np.arange(1, WORDS + 1))
    upto /= upto[-1]
    for start in range(0, count, 1000):
        lengths = rng.integers(shortest, longest, min(1000, count - start))
        drawn = np.searchsorted(upto, rng.random(int(lengths.sum()))).tolist()
        ends = np.cumsum(lengths).tolist()
        for end, size in zip(ends, lengths.tolist(), strict=True):
            yield [words[number] for number in drawn[end - size : end]]


def megabytes() -> float:
    """The most memory this process has held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    main()
