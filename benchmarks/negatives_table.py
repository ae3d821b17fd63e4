"""Which negatives to train with: tuned nDCG@10 by kind of negative, at equal steps, on sets with hidden answers.

    python -m benchmarks.negatives_table FOLDER [--sets NAME...] [--steps 30] [--batch 32] [--keep DIR] [--one]

FOLDER holds sets in the BEIR layout. Of each set: at most 2,000 training queries, the first 300 of dev
and test, and a corpus of their answers filled up with seeded others. Of training queries with several answers one is
kept and the others are hidden, as in a real, incompletely judged set; they are what a mined negative may get wrong and
what the last cell's judge knows. Each cell starts from the base model with the same seed, steps and negatives a query.
A cell that is finished stays in DIR/negatives.json and is not run again; --one stops after one cell, so that the table
can be made in pieces. Prints Markdown.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.encode.models import quiet_libraries
from engine.jobs import run_job
from engine.mine.mining import reselect
from engine.params import SelectParams
from engine.records import Review
from engine.store import negatives, queries
from engine.store.candidates import Flag, read_candidates
from engine.store.project import Project
from engine.task import Task

SETS = ("beer-se", "medquad", "squad11-dev")
OPEN = SelectParams(num_negatives=2, relative_margin=-100.0, max_doubt=2.0)
GUARDED = SelectParams(num_negatives=2)
CELLS: dict[str, SelectParams | None] = {
    "in-batch only": None,
    "random": replace(OPEN, share_bm25=0.0, share_random=1.0),
    "BM25": replace(OPEN, share_bm25=1.0),
    "dense, unguarded": replace(OPEN, share_bm25=0.0),
    "dense, guarded": replace(GUARDED, share_bm25=0.0),
    "both, guarded": replace(GUARDED, share_bm25=0.5),
    "both, guarded, 50 judged": replace(GUARDED, share_bm25=0.5),
}
JUDGED = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--passages", type=int, default=3000, help="most passages of each corpus")
    parser.add_argument("--keep", type=Path, default=Path("build/negatives"), help="projects and finished cells")
    parser.add_argument("--one", action="store_true", help="stop after one piece of work")
    options = parser.parse_args()
    quiet_libraries()
    store = options.keep / "negatives.json"
    for name in options.sets:
        for cell in CELLS:
            done = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
            key = f"{name} {options.steps}x{options.batch}"
            if cell in done.get(key, {}):
                continue
            place = options.keep / name
            if not (place / "ready").exists():
                prepare(options.folder / name, place, options.passages)
                if options.one:
                    return
            done.setdefault(key, {})[cell] = measure(place, cell, options.steps, options.batch)
            store.write_text(json.dumps(done, indent=1), encoding="utf-8")
            print(table(done), flush=True)
            if options.one:
                return
    print(table(json.loads(store.read_text(encoding="utf-8"))))


def prepare(source: Path, place: Path, most: int) -> None:
    """A project with candidates of all sources, made of a part of the set; `hidden.json` keeps what it may not see."""
    shutil.rmtree(place, ignore_errors=True)
    hidden = cut_down(source, place / "set", most)
    project = place / "project"
    for kind, values in (
        ("new", {}),
        ("import", {"paths": [str(place / "set")], "kind": "labelled"}),
        ("dedup", {}),
        ("split", {}),
        ("mine", {"sources": ["bm25", "dense", "random"]}),
        ("evaluate", {"systems": ["bm25", "base"]}),
    ):
        summary = run_job(project, kind, values, Task())
    (place / "hidden.json").write_text(json.dumps(hidden), encoding="utf-8")
    (place / "ready").write_text(json.dumps(summary["systems"]), encoding="utf-8")


def cut_down(source: Path, dest: Path, most: int) -> list[tuple[str, str]]:
    """Write the part of the set that is used; returns the hidden answers as (query, passage) of its own ids."""
    rng = np.random.default_rng(13)
    (dest / "qrels").mkdir(parents=True)
    wanted: dict[str, None] = {}
    kept: dict[str, None] = {}
    hidden: list[tuple[str, str]] = []
    for split, limit in (("train", 2000), ("dev", 300), ("test", 300)):
        grouped: dict[str, list[tuple[str, int]]] = {}
        for line in (source / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]:
            query, passage, grade = line.split("\t")
            grouped.setdefault(query, []).append((passage, int(grade)))
        names = sorted(grouped)
        rows = ["query-id\tcorpus-id\tscore"]
        for query in [names[i] for i in rng.permutation(len(names))[:limit]]:
            right = [(passage, grade) for passage, grade in grouped[query] if grade > 0]
            kept[query] = None
            wanted.update(dict.fromkeys(passage for passage, _ in right))
            shown = right[:1] if split == "train" else right
            hidden += [(query, passage) for passage, _ in right if split == "train"][1:]
            rows += [f"{query}\t{passage}\t{grade}" for passage, grade in shown]
        (dest / "qrels" / f"{split}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    corpus = {row["_id"]: row for row in lines(source / "corpus.jsonl")}
    spare = sorted(set(corpus) - set(wanted))
    wanted.update(dict.fromkeys(spare[i] for i in rng.permutation(len(spare))[: max(0, most - len(wanted))]))
    write(dest / "corpus.jsonl", (row for name, row in corpus.items() if name in wanted))
    write(dest / "queries.jsonl", (row for row in lines(source / "queries.jsonl") if row["_id"] in kept))
    return hidden


def lines(path: Path) -> Iterator[dict[str, str]]:
    packed = path.with_name(path.name + ".gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def write(path: Path, rows: Iterator[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def measure(place: Path, cell: str, steps: int, batch: int) -> dict[str, float]:
    """Train one cell on a copy of the project and rank the test queries with it."""
    copy = place / "cell"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place / "project", copy)
    facts = choose(copy, cell, json.loads((place / "hidden.json").read_text(encoding="utf-8")))
    values = {
        "max_steps": steps, "batch_size": batch, "minutes": 0, "eval_every": 0, "merge": "off", "epochs": 1000,
        "num_negatives": 0 if CELLS[cell] is None else 2, "dev_queries": 50,
    }  # fmt: skip
    trained = run_job(copy, "train", values, Task())
    measured = run_job(copy, "evaluate", {"systems": ["bm25", "base", "tuned"]}, Task())
    found = {name: round(metrics["ndcg@10"], 4) for name, metrics in measured["systems"].items()}
    shutil.rmtree(copy)
    return {**facts, **found, "steps": trained["steps"], "test_queries": measured["queries"]}


def choose(path: Path, cell: str, hidden: list[list[str]]) -> dict[str, float]:
    """Select the cell's negatives; says how many of them are hidden answers (which no trainer can see)."""
    params = CELLS[cell]
    with Project.open(path) as project, project.writing("benchmark"):
        external = {query.external_id: query.id for query in queries.all_queries(project)}
        rows = project.db.execute("select p.external_id, d.external_id, p.id from passages p join documents d "
                                  "on d.id = p.document_id")  # fmt: skip
        passages = {name: passage_id for own, document, passage_id in rows for name in (own, document) if name}
        right = {(external[q], passages[p]) for q, p in hidden if q in external and p in passages}
        mining = negatives.newest_mining(project)
        if params is None or mining is None:
            return {"negatives": 0, "wrong": 0, "hidden": len(right)}
        if cell.endswith("judged"):
            judge(project, mining.id, right)
        reselect(project, mining.id, params)
        chosen = negatives.negatives(project, mining.id)
        wrong = sum((n.query_id, n.passage_id) in right for n in chosen)
        return {"negatives": len(chosen), "wrong": wrong, "hidden": len(right)}


def judge(project: Project, mining_id: int, right: set[tuple[int, int]]) -> None:
    """The 50 most doubtful candidates get the word that the true judgements give."""
    candidates = read_candidates(project, mining_id)
    doubt = np.where(candidates.flags & np.uint8(Flag.ANSWER | Flag.SAME_AS_ANSWER), 0, candidates.doubt)
    number = candidates.query_numbers()
    for row in np.argsort(-doubt, kind="stable")[:JUDGED]:
        pair = int(candidates.queries[number[row]]), int(candidates.passage_id[row])
        queries.put_review(project, *pair, Review.RELEVANT if pair in right else Review.NEGATIVE)


def table(done: dict[str, dict[str, dict[str, float]]]) -> str:
    """Finished cells as Markdown; behind each figure, in brackets, the hidden answers among its negatives."""
    cells = ["| Set | BM25 | Base | " + " | ".join(CELLS) + " |", "|---" * (len(CELLS) + 3) + "|"]
    for key, row in done.items():
        first = next(iter(row.values()))
        shown = [f"{row[cell]['tuned']:.3f} ({row[cell]['wrong']})" if cell in row else "–" for cell in CELLS]
        cells.append(f"| {key} | {first['bm25']:.3f} | {first['base']:.3f} | " + " | ".join(shown) + " |")
    whole = [row for row in done.values() if all(cell in row for cell in CELLS)]
    if len(whole) > 1:
        means = [f"{np.mean([row[cell]['tuned'] for row in whole]):.3f}" for cell in CELLS]
        cells.append(f"| Mean of {len(whole)} | | | " + " | ".join(means) + " |")
    return "\n".join(cells)


if __name__ == "__main__":
    main()
