"""Damaged files of every kind: each comes in or is listed, and none ends the import."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ingest.importing import import_paths
from engine.params import ImportParams
from engine.store import documents
from engine.store.project import Project
from engine.task import Task
from tests.engine.ingest.damage import SEEDS, damaged

FEW, SEED = 5, 7


def _import(folder: Path, place: Path) -> tuple[set[str], dict[str, str]]:
    """(files that came in, reasons by file listed)."""
    with Project.create(place) as project:
        report = import_paths(project, ImportParams(paths=(str(folder),), kind="documents"), Task())
        stored = {Path(path).relative_to(folder).parts[0] for path, _ in documents.paths_of_files(project)}
    return stored, {problem.file.split("/")[0]: problem.reason for problem in report.problems}


def test_every_damaged_file_comes_in_or_is_listed_in_words(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for kind in SEEDS:
        for number, content in enumerate(damaged(kind, FEW, SEED)):
            (folder / f"{kind}-{number}.{kind}").write_bytes(content)
    stored, listed = _import(folder, tmp_path / "p")
    assert stored | listed.keys() == {path.name for path in folder.iterdir()}
    assert len(stored) > len(SEEDS)  # much of the damage leaves something to read
    assert [reason for reason in listed.values() if "cannot be read:" in reason] == []


@pytest.mark.parametrize("kind", SEEDS)
def test_the_files_they_are_made_of_are_good(kind, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / f"good.{kind}").write_bytes(SEEDS[kind]())
    assert _import(folder, tmp_path / "p") == ({f"good.{kind}"}, {})
