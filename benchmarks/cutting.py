"""How fast documents are cut into passages, previewed, and cut again.

    python benchmarks/cutting.py [--megabytes 5] [--documents 2000]

Made English text, the bundled model's tokenizer. Prints seconds (and this process's processor time, which other work on
the machine does not change) for: one text of so many megabytes measured and cut for the first time, the same cut again
by other settings; the preview of an ordinary document (50 kB) and of a long one (1.5 MB) after a slider moved, of which
what is in view comes first; a project of many documents cut again, and taken back.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.encode.models import BUNDLED
from engine.encode.rulers import Ruler
from engine.ingest.cutting import Cutting
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.passages import Cutter, layout_of
from engine.ingest.recut import Bench, cut, uncut
from engine.params import CutParams, UncutParams
from engine.store import cuts, documents, imports
from engine.store.documents import NewDocument
from engine.store.project import Project
from engine.task import Task

T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=5.0)
    parser.add_argument("--documents", type=int, default=2000)
    options = parser.parse_args()
    text = made_document(random.Random(13), int(options.megabytes * 1e6))
    ruler = Ruler(BUNDLED.path(), 256)
    cutter = Cutter(text.text, layout_of(text), ruler)
    pieces = timed("measure and cut", lambda: cutter.cut(CutParams()))
    print(f"  {len(text.text):,} characters, {len(pieces):,} passages")
    timed("cut again", lambda: cutter.cut(CutParams(120, 16)))
    with tempfile.TemporaryDirectory() as place, Project.create(Path(place) / "p") as project:
        project_times(project, options.documents)


def project_times(project: Project, count: int) -> None:
    random_ = random.Random(5)
    import_id = imports.start_import(project, [], "documents")
    cutting = Cutting(project, CutParams())
    cuts.set_project_cut(project, cutting.params)
    for number in range(count):
        read = made_document(random_, 50_000 if number == 0 else 4_000)
        new = NewDocument(f"d{number}", f"/d/{number}", "txt", str(number), read.text)
        cutting.put(new, read, import_id=import_id)
    bench, first = Bench(project), next(cuts.cuttable(project))
    found = documents.document(project, first)
    assert found is not None
    long_preview(project, cutting, import_id)
    moves = []
    for size in range(60, 500, 8):
        began = time.process_time()
        bench.pieces(found, CutParams(size, 24))
        moves.append(1000 * (time.process_time() - began))
    print(
        f"preview of {found.n_chars:,} characters: first {moves[0]:.0f} ms, median {median(moves):.1f} ms of processor"
    )
    timed(f"look at {count:,} documents", lambda: bench.look(CutParams(120, 16)))
    timed("look again", lambda: bench.look(CutParams(140, 16)))
    summary = timed("cut them again", lambda: cut(project, CutParams(120, 16), Task()))
    print(f"  {summary.changed:,} changed, {summary.before:,} passages before, {summary.after:,} after")
    timed("take it back", lambda: uncut(project, UncutParams(), Task()))


def long_preview(project: Project, cutting: Cutting, import_id: int) -> None:
    """The first look at 1.5 MB, the next ones while a slider moves, and the rest in parts when it rests."""
    read = made_document(random.Random(7), 1_500_000)
    new = NewDocument("long", "/d/long", "txt", "long", read.text)
    found = documents.document(project, cutting.put(new, read, import_id=import_id).document_id)
    assert found is not None
    for name, view in (("its beginning", 8_000), ("300,000 characters down", 300_000)):
        bench, looks, parts = Bench(project), list[float](), list[float]()
        bench.ruler.count(["warm"])
        for size in range(60, 300, 20):
            began = time.process_time()
            bench.pieces(found, CutParams(size, 24), view)
            looks.append(1000 * (time.process_time() - began))
        have, done = 0, False
        while not done:
            began = time.process_time()
            more, done = bench.more(found, CutParams(100, 24), have, seconds=0.08)
            have += len(more)
            parts.append(1000 * (time.process_time() - began))
        print(
            f"preview of {found.n_chars:,} characters at {name}: first {looks[0]:.0f} ms, "
            f"then {median(looks[1:]):.0f} ms and at most {max(looks[1:]):.0f} ms of processor; "
            f"the rest in {len(parts)} parts of at most {max(parts):.0f} ms"
        )


def made_document(random_: random.Random, chars: int) -> ReadDocument:
    words = [
        f"{a}{b}" for a in ("re", "in", "con", "de", "un", "pro", "") for b in ("port", "form", "tract", "view", "act")
    ]
    outline, size = Outline(), 0
    while size < chars:
        if random_.random() < 0.1:
            outline.heading(random_.randint(1, 3), " ".join(random_.choices(words, k=3)))
        paragraph = " ".join(
            " ".join(random_.choices(words, k=random_.randint(5, 25))).capitalize() + "."
            for _ in range(random_.randint(1, 9))
        )
        outline.paragraph(paragraph)
        size += len(paragraph)
    return outline.build("Made", "txt")


def timed(name: str, work: Callable[[], T]) -> T:
    began, used = time.perf_counter(), time.process_time()
    found = work()
    print(f"{name}: {time.perf_counter() - began:.2f} s ({time.process_time() - used:.2f} s of processor)", flush=True)
    return found


if __name__ == "__main__":
    main()
