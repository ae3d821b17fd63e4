"""Commands for a project as a whole: new, sample, info, tour."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

from engine.commands.common import Add, Values, absolute, given, job
from engine.errors import UserError
from engine.store.project import Project
from engine.terminal import TerminalTask, show_import, show_info, show_nothing


def add_start_commands(add: Add) -> None:
    """Commands that make a project."""
    new = add("new", "make an empty project in a new folder", _new, example="new law --base ~/models/bge-small")
    new.add_argument("--name", help="what the project is called")
    new.add_argument("--base", metavar="PATH", help="a model's folder instead of the bundled model")
    add(
        "sample",
        "make the sample project from documentation installed here",
        job("sample", lambda _: {}),
        show=show_import,
    )


def add_state_commands(add: Add) -> None:
    """Commands that tell where a project stands, or walk the whole way."""
    add("info", "say where a project stands", _info, show=show_info)
    tour = add("tour", "walk the whole way on the sample", _tour, project=False, show=show_nothing)
    tour.add_argument("project", metavar="PROJECT", nargs="?", help="where to make the project")


def _new(options: argparse.Namespace, task: TerminalTask) -> Values:

    from engine.jobs import run_job

    path = Path(absolute(options.project))
    if (path / "project.db").exists():
        raise UserError(f"{path} is a project already.", hint="Choose another folder.")
    return run_job(path, "new", given(options, "name", "base"), task)


def _info(options: argparse.Namespace, task: TerminalTask) -> Values:
    from dataclasses import asdict

    from engine.store.imports import count_problems, unfinished_imports
    from engine.store.jobs import interrupted_jobs
    from engine.store.models import models
    from engine.store.overview import overview

    with Project.open(Path(options.project), readonly=True) as project:
        found = overview(project)
        return {
            "name": found.name,
            "path": str(project.path),
            "passages": found.passages,
            "queries": found.queries,
            "stages": [asdict(stage) for stage in found.stages],
            "next_step": asdict(found.next_step),
            "models": [{"id": m.id, "name": m.name, "kind": m.kind, "dim": m.dim} for m in models(project)],
            "runs": [{"system": r.system, "split": r.split.value, "metrics": r.metrics} for r in found.test_runs],
            "unfinished_imports": [asdict(broken) for broken in unfinished_imports(project)],
            "open_problems": count_problems(project),
            "interrupted": [job.kind for job in interrupted_jobs(project)],
            "token_report": project.meta_json("token_report"),
        }


def _tour(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.tour import tour

    path = Path(absolute(options.project)) if options.project else None
    with redirect_stdout(sys.stderr) if options.json else nullcontext():
        return tour(path, task)
