"""Evaluation with vectors ready: rank, judge, measure and test two systems; 10 s is the limit for the usual size.

    python benchmarks/evaluation_speed.py [--queries 1000] [--passages 100000]

Vectors and judgements are made up (seeded); the second system's queries carry more noise. Prints the seconds of each
part as JSON, and the processor's own seconds in all, which other work beside does not lengthen much.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.evaluate.metrics import CONVENTIONS, judge, means, measure
from engine.evaluate.statistics import bootstrap_interval, randomisation_p, smallest_difference, verdict_of
from engine.mine.dense import top_k


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=13)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    passages = _unit(rng.standard_normal((options.passages, options.dim), np.float32))
    answers = rng.integers(0, options.passages, options.queries)
    qrels = {q: {int(p): 1, int(rng.integers(0, options.passages)): 2} for q, p in enumerate(answers)}
    seconds: dict[str, float] = {}
    worked = time.process_time()
    ndcg = []
    for name, noise in (("a", 4.0), ("b", 4.2)):
        noisy = rng.standard_normal((options.queries, options.dim), np.float32) * noise / np.sqrt(options.dim)
        asked = _unit(passages[answers] + noisy.astype(np.float32))
        began = time.perf_counter()
        places, _ = top_k(asked, passages, options.depth)
        seconds[f"rank {name}"] = time.perf_counter() - began
        began = time.perf_counter()
        judged = judge(dict(enumerate(places.tolist())), qrels)
        measured = [measure(judged, convention=convention) for convention in CONVENTIONS]
        seconds[f"judge and measure {name}, three conventions"] = time.perf_counter() - began
        ndcg.append(measured[0]["ndcg@10"])
    differences = ndcg[0] - ndcg[1]
    began = time.perf_counter()
    low, high = bootstrap_interval(differences, resamples=options.resamples)
    seconds["bootstrap"] = time.perf_counter() - began
    began = time.perf_counter()
    p = randomisation_p(differences, resamples=options.resamples)
    seconds["randomisation"] = time.perf_counter() - began
    facts = {
        "queries": options.queries,
        "passages": options.passages,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "seconds in all": round(sum(seconds.values()), 2),
        "processor seconds": round(time.process_time() - worked, 2),
        "ndcg@10": [round(means({"x": values})["x"], 4) for values in ndcg],
        "interval": [round(low, 4), round(high, 4)],
        "p": round(p, 5),
        "verdict": verdict_of(low, high, p).value,
        "smallest difference": round(smallest_difference(differences), 4),
    }
    print(json.dumps(facts, indent=1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
