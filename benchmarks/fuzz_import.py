"""Damaged files by the thousand through the command line: the engine ends none of its imports, and tells every file.

    python benchmarks/fuzz_import.py [--count 1000] [--seed 1] [--kinds pdf,docx,...]

Makes COUNT damaged copies of a good file of each kind that is read, imports each folder with the real reading process,
and checks that the command ended by itself and that every file came in or is listed. Exit status 1 where one did not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.store import documents, imports
from engine.store.project import Project
from tests.engine.ingest.damage import SEEDS, damaged

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(SEEDS))
    options = parser.parse_args()
    print("| kind | files | came in | listed | ended their reader | untold | seconds |\n|---|---|---|---|---|---|---|")
    fine = True
    for kind in options.kinds.split(","):
        with tempfile.TemporaryDirectory() as folder:
            fine &= _measure(kind, options.count, options.seed, Path(folder))
    return 0 if fine else 1


def _measure(kind: str, count: int, seed: int, place: Path) -> bool:
    """One import of `count` damaged files of a kind; whether all is told."""
    files = place / "files"
    files.mkdir()
    for number, content in enumerate(damaged(kind, count, seed)):
        (files / f"m{number:05d}.{kind}").write_bytes(content)
    main = [sys.executable, str(ROOT / "main.py")]
    subprocess.run([*main, "new", str(place / "p")], check=True, capture_output=True)
    began = time.monotonic()
    command = [*main, "import", str(place / "p"), str(files), "--as", "documents", "--quiet", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True)
    seconds = time.monotonic() - began
    nothing = ended.returncode == 1 and "Nothing was imported" in ended.stderr
    if (ended.returncode and not nothing) or "Traceback" in ended.stderr:
        print(f"| {kind} | the command ended with {ended.returncode}: {ended.stderr[-500:]}")
        return False
    with Project.open(place / "p", readonly=True) as project:
        stored = {Path(path).relative_to(files).parts[0] for path, _ in documents.paths_of_files(project)}
        (report,) = imports.import_reports(project)
        problems = imports.problems_of(project, report.id, limit=100 * count)
    listed = {problem.file.split("/")[0] for problem in problems}
    died = sum("ended its reader" in problem.reason for problem in problems)
    untold = {file.name for file in files.iterdir()} - stored - listed
    shown = [kind, count, len(stored), len(listed - stored), died, len(untold), f"{seconds:.0f}"]
    print("| " + " | ".join(map(str, shown)) + " |", flush=True)
    for problem in [one for one in problems if "cannot be read:" in one.reason][:3]:
        print(f"  {problem.file}: {problem.reason}", file=sys.stderr)
    return not untold and (nothing or json.loads(ended.stdout)["new"] == report.counts.new)


if __name__ == "__main__":
    sys.exit(main())
