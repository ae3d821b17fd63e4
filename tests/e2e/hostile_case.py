"""One import in a process of its own, measured: `python -m tests.e2e.hostile_case PROJECT PATH` prints one JSON line."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from engine.errors import SearchsmithError
from engine.ingest.importing import import_paths
from engine.params import ImportParams
from engine.store import documents, queries
from engine.store.project import Project
from engine.task import Task


def main(project_folder: str, path: str) -> int:
    began = time.monotonic()
    out: dict[str, object] = {"refused": "", "problems": [], "new": 0, "skipped": 0}
    with Project.create(Path(project_folder)) as project:
        try:
            report = import_paths(project, ImportParams(paths=(path,)), Task())
        except SearchsmithError as error:
            out["refused"] = str(error)
        else:
            counts = report.counts
            out |= {"new": counts.new, "skipped": counts.skipped, "unchanged": counts.unchanged}
            out["problems"] = [
                [problem.file, problem.line, problem.code, problem.reason] for problem in report.problems
            ]
        stored = list(documents.page_of_documents(project, offset=0, limit=5000))
        words = [documents.document_text(project, document.id) for document in stored]
        words += [document.title for document in stored] + [query.text for query in queries.all_queries(project)]
        out |= {"documents": len(stored), "text": "\n".join(words)[:2_000_000]}
    out |= {"seconds": time.monotonic() - began, **_peaks()}
    sys.stdout.write(json.dumps(out) + "\n")
    return 0


def _peaks() -> dict[str, float]:
    """Most memory this process and any of its children held, in MB, and the processor time they took together."""
    if sys.platform == "win32":
        return {}
    import resource

    unit = 1024 if sys.platform != "darwin" else 1024**2
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    work = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return {"own_mb": own.ru_maxrss / unit, "child_mb": children.ru_maxrss / unit, "cpu_seconds": work}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
