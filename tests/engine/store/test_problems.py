"""Problems of imports: what becomes of those of a file that is read again."""

from __future__ import annotations

from pathlib import Path

from engine.records import ImportProblem
from engine.store.imports import add_problems, repeat_problems, settle_problems, start_import
from engine.store.project import Project
from tests.growth import steps


def started(project: Project, files: int, lines: int) -> int:
    """An import that could not take so many lines in each of so many files, and the next one, begun."""
    import_id = start_import(project, ["/x"], "auto")
    found = [(f"/x/{file}.jsonl", line) for file in range(files) for line in range(1, lines + 1)]
    add_problems(project, import_id, [ImportProblem(path, line, "json", "no JSON", path=path) for path, line in found])
    return start_import(project, ["/x"], "auto")


def work_of_repeating(path: Path, lines: int) -> int:
    with Project.create(path) as project:
        import_id = started(project, 1, lines)
        return steps(project, lambda: repeat_problems(project, import_id, "/x/0.jsonl"))


def work_of_settling(path: Path, files: int) -> int:
    with Project.create(path) as project:
        import_id = started(project, files, 1)

        def settle() -> None:
            for file in range(files):
                settle_problems(project, import_id, f"/x/{file}.jsonl", whole=False)

        return steps(project, settle)


def test_reading_a_file_with_twice_the_bad_lines_again_is_about_twice_the_work(tmp_path):
    assert work_of_repeating(tmp_path / "twice", 400) < 3 * work_of_repeating(tmp_path / "once", 200)


def test_settling_twice_the_files_with_problems_is_about_twice_the_work(tmp_path):
    assert work_of_settling(tmp_path / "twice", 400) < 3 * work_of_settling(tmp_path / "once", 200)
