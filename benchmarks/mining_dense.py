"""Dense candidates to depth 200 from made vectors, beside `mine_hard_negatives` in the same run.

    python benchmarks/mining_dense.py [--queries 100000] [--passages 100000] [--theirs 5000] [--topics 2000]

Both get the same unit vectors (384 numbers) and search exactly on the CPU, 256 queries at a time, as `mine` does. Ours
ranks all queries; the other library's function is given a model that hands out the vectors, and `--theirs` queries, its
faiss way and its torch way (at 16,384 queries at a time, its own default, that one holds 6.6 GB of products). States
seconds, queries a second, the ratio (also of processor time, which other work beside disturbs less), and the largest
memory of our part beside the vectors. With `--topics` the
passages lie around so many centres, as texts do, and our inverted file is measured too, with the recall that it states;
`--theirs 0` leaves the other library out.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.mine.approximate import InvertedFile
from engine.mine.dense import ExactSearch
from engine.task import Task


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--theirs", type=int, default=5_000, help="queries that sentence-transformers mines")
    parser.add_argument("--depth", type=int, default=200)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--topics", type=int, default=0, help="centres around which the passages lie; 0: none")
    options = parser.parse_args()
    rng = np.random.default_rng(13)
    passages = rng.standard_normal((options.passages, options.dim), dtype=np.float32)
    if options.topics:
        centres = rng.standard_normal((options.topics, options.dim), dtype=np.float32)
        passages += centres[rng.integers(0, options.topics, options.passages)]
    passages = unit(passages)
    answers = rng.integers(0, options.passages, options.queries)
    noise = rng.standard_normal((options.queries, options.dim), dtype=np.float32)
    queries = unit(passages[answers] + 0.05 * noise)
    ExactSearch(passages[:1000]).top_k(queries[:1], 1)  # loads torch
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, worked = time.perf_counter(), time.process_time()
    exact, firsts = ExactSearch(passages), []
    for start in range(0, len(queries), 256):
        firsts.append(exact.top_k(queries[start : start + 256], options.depth)[0][:, 0])
    ours, our_work = time.perf_counter() - started, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    facts = {
        "queries": options.queries,
        "passages": options.passages,
        "depth": options.depth,
        "ours_s": round(ours, 1),
        "ours_queries_per_s": round(options.queries / ours, 1),
        "ours_memory_mb": round(memory / 1024),
        "answer_is_first": round(float((np.concatenate(firsts) == answers).mean()), 4),
        "their_queries": options.theirs,
    }
    if options.topics:
        facts |= through_an_index(queries, passages, options.depth)
    for name, use_faiss in (("faiss", True), ("torch", False)) if options.theirs else ():
        seconds, work = theirs(queries[: options.theirs], passages, answers, options.depth, use_faiss)
        facts[f"theirs_{name}_s"] = round(seconds, 1)
        facts[f"theirs_{name}_queries_per_s"] = round(options.theirs / seconds, 1)
        facts[f"ratio_{name}"] = round((options.queries / ours) / (options.theirs / seconds), 2)
        facts[f"ratio_{name}_by_processor_time"] = round((options.queries / our_work) / (options.theirs / work), 2)
    print(json.dumps(facts, indent=1))


def through_an_index(queries: np.ndarray, passages: np.ndarray, depth: int) -> dict[str, float]:
    """What `mine --index ivf` takes, and the share of the exact hits it states."""
    started = time.perf_counter()
    index = InvertedFile.build(queries, passages, depth, Task())
    built = time.perf_counter() - started
    started = time.perf_counter()
    for start in range(0, len(queries), 256):
        index.top_k(queries[start : start + 256], depth)
    seconds = time.perf_counter() - started
    return {
        "index_build_s": round(built, 1),
        "index_queries_per_s": round(len(queries) / seconds, 1),
        "index_recall": round(index.recall, 4),
        "index_probes": index.probes,
        "index_lists": index.lists,
    }


def unit(vectors: np.ndarray) -> np.ndarray:
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def theirs(
    queries: np.ndarray, passages: np.ndarray, answers: np.ndarray, depth: int, use_faiss: bool
) -> tuple[float, float]:
    """Seconds of `mine_hard_negatives` for the same depth, without encoding: on the clock, and of the processor."""
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    rows = {f"q{i}": queries[i] for i in range(len(queries))} | {f"p{i}": passages[i] for i in range(len(passages))}
    pairs = Dataset.from_list([{"query": f"q{i}", "answer": f"p{answers[i]}"} for i in range(len(queries))])
    started, worked = time.perf_counter(), time.process_time()
    mine_hard_negatives(
        pairs,
        HandsOut(rows, queries.shape[1]),  # type: ignore[arg-type]  # what the function asks of a model
        corpus=[f"p{i}" for i in range(len(passages))],
        relative_margin=0.05,
        range_max=depth,
        num_negatives=3,
        use_faiss=use_faiss,
        faiss_batch_size=256,
        verbose=False,
    )
    return time.perf_counter() - started, time.process_time() - worked


class HandsOut:
    """In place of a model: the vectors of made texts."""

    device = "cpu"

    def __init__(self, rows: dict[str, np.ndarray], dim: int) -> None:
        self._rows, self._dim = rows, dim

    def encode_query(self, texts: list[str], **_: Any) -> np.ndarray:  # Any: the function's options
        return np.stack([self._rows[text] for text in texts])

    encode_document = encode_query

    def get_embedding_dimension(self) -> int:
        return self._dim

    def similarity(self, a: Any, b: Any) -> Any:  # Any: arrays or tensors
        from sentence_transformers.util import dot_score

        return dot_score(a, b)

    def similarity_pairwise(self, a: Any, b: Any) -> Any:  # Any: arrays or tensors
        from sentence_transformers.util import pairwise_dot_score

        return pairwise_dot_score(a, b)


if __name__ == "__main__":
    main()
