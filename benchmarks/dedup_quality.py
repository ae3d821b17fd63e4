"""Merged queries beside labelled duplicates: precision, recall and F1 of pairs at each threshold, the default marked.

    python benchmarks/dedup_quality.py [--data ../shared/data] [--keep FOLDER]

*covid*: 488 pairs of questions, half of them labelled as similar; only these pairs are counted. *disfl-qa*: 11,780
questions as people stumble over them among 11,807 clean ones; all pairs of queries that end in one group are counted,
and right are those that belong to one clean question. (Clean questions that say the same are labelled as different, so
its precision is a lower bound.) *medquad*: 14,345 questions that are nearly all different; how many are merged away,
and the largest group. Two queries count as merged when they end in one group, over whatever lies between them.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.curate.duplicates import dedup, standing_for
from engine.jobs import run_job
from engine.params import DedupParams
from engine.store import queries
from engine.store.edges import read_edges
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.task import Task

THRESHOLDS = (0.70, 0.75, 0.80, 0.85, 0.88, 0.90, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98)
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
Groups = dict[float, dict[str, int]]  # per threshold, the group of each text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--keep", type=Path, help="keep the projects with their vectors here, for the next time")
    parser.add_argument("--sets", default="covid,disfl-qa,medquad")
    options = parser.parse_args()
    if not (options.data / "query-dedup").is_dir():
        print(f"There is no labelled set in {options.data}; name its folder with --data.")
        return 0
    measures = {"covid": covid, "disfl-qa": disfluent, "medquad": different}
    with tempfile.TemporaryDirectory() as place:
        for name in options.sets.split(","):
            measures[name](options.data, options.keep or Path(place))
    return 0


def covid(data: Path, place: Path) -> None:
    """Labelled pairs only."""
    with (data / "query-dedup" / "covid-question-pairs.csv").open(encoding="utf-8", newline="") as file:
        pairs = [(row["question_1"].strip(), row["question_2"].strip(), row["similar"] == "1")
                 for row in csv.DictReader(file)]  # fmt: skip
    merged = groups(place / "covid", sorted({text for pair in pairs for text in pair[:2]}))
    print(f"covid: {len(pairs)} pairs, {sum(same for *_, same in pairs)} of them similar")
    for threshold, group in merged.items():
        found = [group[a] == group[b] for a, b, _ in pairs]
        right = sum(f and same for f, (*_, same) in zip(found, pairs, strict=True))
        print_row(threshold, right, sum(found), sum(same for *_, same in pairs))


def disfluent(data: Path, place: Path) -> None:
    """All pairs of queries that end in one group."""
    folder = data / "disflqa-dups"
    found = [row for name in ("queries", "corpus") for row in rows(folder / f"{name}.jsonl")]
    texts = {row["_id"]: row["text"].strip() for row in found}
    ties = [(texts[query], texts[document]) for split in ("train", "dev", "test")
            for query, document in judged(folder / "qrels" / f"{split}.tsv")]  # fmt: skip
    label = tied(texts.values(), ties)
    merged = groups(place / "disfl-qa", sorted(set(texts.values())))
    total = pairs_of(Counter(label.values()).values())
    print(f"\ndisfl-qa: {len(label):,} questions, {total:,} pairs that are duplicates")
    for threshold, group in merged.items():
        members: dict[int, list[str]] = {}
        for text, number in group.items():
            members.setdefault(number, []).append(label[text])
        merging = pairs_of(len(labels) for labels in members.values())
        right = sum(pairs_of(Counter(labels).values()) for labels in members.values())
        print_row(threshold, right, merging, total)


def different(data: Path, place: Path) -> None:
    """Questions of one pattern that differ in a name: few of them are duplicates."""
    lines = (data / "query-dedup" / "medquad-queries.txt").read_text(encoding="utf-8").splitlines()
    texts = sorted({line.strip() for line in lines if line.strip()})
    merged = groups(place / "medquad", texts)
    print(f"\nmedquad: {len(texts):,} questions, nearly all of them different")
    for threshold, group in merged.items():
        sizes = Counter(group.values())
        away = len(texts) - len(sizes)
        print(f"  {threshold:.2f}  merged away {away:6,}  largest group {max(sizes.values()):4}{mark_of(threshold)}")


def groups(folder: Path, texts: Sequence[str]) -> Groups:
    """The group of each text at each threshold, by the program's own search for duplicates."""
    if not (folder / "project.db").exists():
        run_job(folder, "new", {"name": folder.name}, Task())
    with Project.open(folder) as project:
        queries.put_queries(project, [NewQuery(text) for text in texts], import_id=None)
        dedup(project, DedupParams(), Task())
        everyone, edges = queries.all_queries(project), read_edges(project)
    assert edges is not None
    found = {}
    for threshold in THRESHOLDS:
        standing = standing_for(everyone, edges, threshold)
        found[threshold] = {query.text: standing[query.id] for query in everyone}
    return found


def tied(texts: Iterable[str], ties: Sequence[tuple[str, str]]) -> dict[str, str]:
    """A label for each text that is the same for texts tied to one another."""
    label = {text: text for text in texts}

    def root(text: str) -> str:
        while label[text] != text:
            text = label[text]
        return text

    for a, b in ties:
        label[root(a)] = root(b)
    return {text: root(text) for text in label}


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judged(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    return [(line.split("\t")[0], line.split("\t")[1]) for line in lines]


def pairs_of(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def print_row(threshold: float, right: int, found: int, total: int) -> None:
    precision, recall = right / found if found else 1.0, right / total
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    shares = f"precision {precision:.3f} ({right:,} of {found:,})  recall {recall:.3f}  F1 {f1:.3f}"
    print(f"  {threshold:.2f}  {shares}{mark_of(threshold)}", flush=True)


def mark_of(threshold: float) -> str:
    return "  <- default" if threshold == DedupParams().threshold else ""


if __name__ == "__main__":
    sys.exit(main())
