"""Text that the base model cannot read: BM25, the base, a model of the documents' own words, tuned, and hybrid.

    python benchmarks/unreadable_text.py FOLDER [FOLDER ...] [--work DIR] [--way vocabulary]

Each FOLDER is a BEIR set with its own splits. Prints nDCG@10 on the test queries with 95 % intervals against BM25, and
the seconds of each stage. `--way static` (what the program proposes): a model of the documents' own words, tuned on
the pairs. `--way vocabulary`: the bundled model is given the characters it lacks, then learns from the texts alone by
hidden words (`--masked` steps) and by pairs of augmented texts (`--augmented` steps), then from the pairs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.jobs import run_job
from engine.task import Task


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--work", type=Path, help="where projects are made (a temporary folder if not given)")
    parser.add_argument("--preset", default="quick", choices=["quick", "balanced", "thorough"])
    parser.add_argument("--bundled", action="store_true", help="measure the bundled model too, which takes minutes")
    parser.add_argument("--minutes", type=float, help="of training (the preset's if not given)")
    parser.add_argument("--way", default="static", choices=["static", "vocabulary"])
    parser.add_argument("--masked", type=int, default=60, help="steps on hidden words, with --way vocabulary")
    parser.add_argument("--augmented", type=int, default=30, help="steps on augmented texts, with --way vocabulary")
    options = parser.parse_args()
    texts = {"mlm": options.masked, "augmented": options.augmented} if options.way == "vocabulary" else {}
    with tempfile.TemporaryDirectory() as temporary:
        for data in options.sets:
            print(f"\n## {data.name}\n", flush=True)
            training = {"preset": options.preset, **({"minutes": options.minutes} if options.minutes else {})}
            path = (options.work or Path(temporary)) / data.name
            _measure(path, data, options.way, texts, training, bundled=options.bundled)
    return 0


def _measure(
    path: Path, data: Path, way: str, texts: dict[str, int], training: dict[str, Any], *, bundled: bool
) -> None:
    """Run all stages on one set; `texts`: steps of each objective that learns from texts alone, in their order."""
    seconds: dict[str, float] = {}

    def job(kind: str, values: dict[str, Any], name: str = "") -> dict[str, Any]:
        began = time.monotonic()
        summary = run_job(path, kind, values, Task())
        seconds[name or kind] = time.monotonic() - began
        return summary

    job("new", {"name": data.name})
    job("import", {"paths": [str(data)], "kind": "labelled"})
    job("split", {})
    systems = ["bm25", "base", "hybrid"]
    before = job("evaluate", {"systems": systems}, "evaluate the bundled model") if bundled else None
    made = job("make_base", {"way": way}, "make the base")
    base = "base"
    for objective, steps in texts.items():
        learnt = {"objective": objective, "base": base, "max_steps": steps, "minutes": 0, "merge": "off"}
        base = str(job("train", {**learnt, "eval_every": 0}, objective)["model"])
        print(f"{objective}: {steps} steps, {seconds[objective]:.0f} s", flush=True)
    run = job("train", {**training, "base": base}, "train")
    after = job("evaluate", {"systems": ["bm25", "base", "tuned", "hybrid"]}, "evaluate")
    _show(before, made, run, after, seconds)


def _show(before: Any, made: Any, run: Any, after: Any, seconds: dict[str, float]) -> None:
    print(f"unknown tokens: {made['unknown_before']:.1%} bundled model, {made['unknown_share']:.2%} the new base")
    print(f"{run['steps']} steps in {run['seconds']:.0f} s, dev {run['dev_base']:.3f} -> {run['dev']:.3f}\n")
    print("| System | nDCG@10 | less BM25 (95 % interval) |\n|---|---|---|")
    _row("BM25", after, "bm25")
    if before:
        _row("bundled model", before, "base")
        _row("bundled model, hybrid", before, "hybrid")
    _row("new base, before training", after, "base")
    _row("new base, tuned", after, "tuned")
    _row("new base, tuned, hybrid", after, "hybrid")
    print("\n" + ", ".join(f"{name} {taken:.0f} s" for name, taken in seconds.items()), flush=True)


def _row(title: str, summary: Any, label: str) -> None:
    against = next((c for c in summary["comparisons"] if c["a"] == label and c["b"] == "bm25"), None)
    gain = f"{against['delta']:+.3f} ({against['low']:+.3f} to {against['high']:+.3f})" if against else ""
    print(f"| {title} | {summary['systems'][label]['ndcg@10']:.3f} | {gain} |")


if __name__ == "__main__":
    sys.exit(main())
