"""BM25 and the base model on every labelled set of a folder, in one table.

    python -m benchmarks.baselines_table FOLDER [--sets NAME...] [--keep DIR] [--convention trec_eval]

FOLDER holds sets in the BEIR layout with qrels/test.tsv. Each set is imported with its own splits as they are, nothing
is merged or left out, and every judged test query is asked over the whole corpus. Sets that are finished stay in
DIR/baselines.json and are not computed again; one that was interrupted goes on from the vectors it has. Figures as the
convention named in the table's head counts. Where other work runs beside, OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
keeps threads from waiting for one another.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.encode.models import quiet_libraries
from engine.evaluate.metrics import CONVENTIONS
from engine.jobs import run_job
from engine.store import queries
from engine.store.documents import count_passages
from engine.store.project import Project
from engine.terminal import TerminalTask

METRICS = ("ndcg@10", "mrr@10", "recall@100", "map@100")
SYSTEMS = ("bm25", "base")
Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="*", help="all with qrels/test.tsv if not given, the smallest first")
    parser.add_argument("--keep", type=Path, default=Path("build/baselines"), help="projects and finished cells")
    parser.add_argument("--convention", choices=CONVENTIONS, default="trec_eval")
    options = parser.parse_args()
    quiet_libraries()
    found = sorted(options.folder.glob("*/qrels/test.tsv"), key=lambda path: _size(path.parent.parent))
    names = options.sets or [path.parent.parent.name for path in found]
    if not names:
        print(f"{options.folder} holds no set with qrels/test.tsv.")
    store = options.keep / "baselines.json"
    rows: dict[str, Row] = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
    for name in names:
        if name not in rows:
            rows[name] = measure_set(options.folder / name, options.keep / name)
            store.write_text(json.dumps(rows, indent=1), encoding="utf-8")
        print(table(rows, options.convention), flush=True)


def measure_set(folder: Path, path: Path) -> Row:
    """Import a set and measure both baselines on its test queries."""
    task = TerminalTask()
    began = time.monotonic()
    if not (path / "project.db").is_file():
        run_job(path, "new", {}, task)
    if not (path / "imported").is_file():
        run_job(path, "import", {"paths": [str(folder)], "kind": "labelled"}, task)
        (path / "imported").touch()
    with Project.open(path) as project, project.writing("benchmark"):
        asked = queries.representatives(project)
        queries.set_splits(project, {query.id: query.official_split for query in asked})
    summary = run_job(path, "evaluate", {"systems": list(SYSTEMS), "ks": [10, 100]}, task)
    (found,) = summary["comparisons"]
    with Project.open(path, readonly=True) as project:
        passages = count_passages(project)
    return {
        "passages": passages,
        "queries": summary["queries"],
        "figures": summary["conventions"],
        "base against bm25": [found["delta"], found["low"], found["high"], found["p"], found["verdict"]],
        "seconds": round(time.monotonic() - began, 1),
    }


def table(rows: dict[str, Row], convention: str) -> str:
    """The finished sets as Markdown; PaddleNLP has no recall and no MAP."""
    shown = [metric for metric in METRICS if any(metric in row["figures"]["bm25"][convention] for row in rows.values())]
    heads = [f"{system} {metric}" for metric in shown for system in ("BM25", "Base")]
    lines = [
        f"As {convention} counts:",
        "",
        f"| Set | Passages | Test queries | {' | '.join(heads)} | Base − BM25, nDCG@10 |",
        "|---" * (len(heads) + 4) + "|",
    ]
    for name, row in rows.items():
        cells = [f"{row['figures'][system][convention][metric]:.3f}" for metric in shown for system in SYSTEMS]
        delta, low, high, _, verdict = row["base against bm25"]
        tested = f"{delta:+.3f} ({low:+.3f} to {high:+.3f}), {verdict}".replace("-", "−")
        lines.append(f"| {name} | {row['passages']:,} | {row['queries']:,} | {' | '.join(cells)} | {tested} |")
    return "\n".join(lines)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("corpus.jsonl*"))


if __name__ == "__main__":
    main()
