"""Imports of many small files and of one large file of passages: rate, memory, and the second time.

    python benchmarks/import_scale.py [--files 100000] [--passages 1000000] [--work DIR]

Makes text files of about 2 kB and a JSON lines file of passages of about 1 kB from a seeded generator, imports each
into a project of its own, twice. Prints seconds, units a second, the growth of memory over the start (the import's own
process, and the largest of its reading processes) and the second import's share of the first.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_RUN = """
import json, resource, sys, time
from pathlib import Path
from engine.ingest.importing import import_paths
from engine.params import ImportParams
from engine.store.project import Project
from engine.task import Task
own = lambda who: resource.getrusage(who).ru_maxrss / 1024
path = Path(sys.argv[1])
with Project.open(path) if path.exists() else Project.create(path) as project:
    before, began = own(resource.RUSAGE_SELF), time.monotonic()
    counts = import_paths(project, ImportParams(paths=(sys.argv[2],)), Task()).counts
    seconds = time.monotonic() - began
    work = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps([counts.documents, counts.passages, counts.unchanged, counts.skipped, seconds, work,
    own(resource.RUSAGE_SELF) - before, own(resource.RUSAGE_CHILDREN)]))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--work", type=Path, help="where files and projects are made (a temporary folder if not given)")
    options = parser.parse_args()
    print("| what | stored | seconds | of them processor time | a second | memory over the start | child | again |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        if options.files:
            _measure(f"{options.files:,} text files", made_files(work / "files", options.files), work / "of-files")
        if options.passages:
            lines = made_lines(work / "passages", options.passages)
            size = (lines / "corpus.jsonl").stat().st_size
            _measure(f"{options.passages:,} passages, {size / 1e6:,.0f} MB", lines, work / "of-lines")
    return 0


def _measure(what: str, source: Path, project: Path) -> None:
    documents, passages, _, skipped, seconds, work, own, child = _import(project, source)
    again = _import(project, source)
    stored = f"{documents:,} documents, {passages:,} passages" + (f", {skipped:,} not" if skipped else "")
    share = f"{again[4]:.0f} s ({again[4] / seconds:.1%}), {again[2]:,} unchanged"
    cells = [
        what,
        stored,
        f"{seconds:.0f}",
        f"{work:.0f}",
        f"{documents / seconds:,.0f}",
        f"{own:.0f} MB",
        f"{child:.0f} MB",
    ]
    print("| " + " | ".join([*cells, share]) + " |", flush=True)


def _import(project: Path, source: Path) -> list[float]:
    command = [sys.executable, "-c", _RUN, str(project), str(source)]
    found: list[float] = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    return found


def _words(choose: random.Random, chars: int) -> str:
    """Sentences of made words whose frequencies fall off as in a language."""
    out: list[str] = []
    length = 0
    while length < chars:
        word = _VOCABULARY[min(int(choose.paretovariate(0.7)), len(_VOCABULARY)) - 1]
        out.append(word + ("." if choose.random() < 0.07 else ""))
        length += len(out[-1]) + 1
    return " ".join(out)


def _vocabulary() -> list[str]:
    choose = random.Random(7)
    parts = [first + vowel for first in "bdfgklmnprstvw" for vowel in "aeiou"]
    return ["".join(choose.choices(parts, k=choose.randint(1, 5))) for _ in range(30_000)]


_VOCABULARY = _vocabulary()


def made_files(folder: Path, count: int) -> Path:
    if folder.exists():
        return folder
    choose = random.Random(1)
    for number in range(count):
        place = folder / f"{number // 1000:03d}"
        place.mkdir(parents=True, exist_ok=True)
        paragraphs = "\n\n".join(_words(choose, 480) for _ in range(4))
        (place / f"{number:06d}.txt").write_text(f"Note {number}\n\n{paragraphs}\n", encoding="utf-8")
    return folder


def made_lines(folder: Path, count: int) -> Path:
    """A set of passages with two queries, so that it is one."""
    if folder.exists():
        return folder
    choose = random.Random(2)
    (folder / "qrels").mkdir(parents=True)
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as file:
        for number in range(count):
            line = {"_id": f"p{number}", "title": f"Note {number}", "text": _words(choose, 930)}
            file.write(json.dumps(line) + "\n")
    queries = "".join(json.dumps({"_id": f"q{number}", "text": f"note {number}"}) + "\n" for number in range(2))
    (folder / "queries.jsonl").write_text(queries, encoding="utf-8")
    judged = "query-id\tcorpus-id\tscore\nq0\tp0\t1\nq1\tp1\t1\n"
    (folder / "qrels" / "test.tsv").write_text(judged, encoding="utf-8")
    return folder


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"{time.monotonic() - began:.0f} s in all", file=sys.stderr)
    sys.exit(code)
