"""Takes queries with their answers and negatives out as a training set, or queries alone; read again before done."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.errors import ExportError, UserError
from engine.export.examples import Example, examples
from engine.export.folders import write_folder
from engine.export.identifiers import passage_names, query_names
from engine.export.labelled import is_json_line
from engine.export.lines import suffix_of, write_file
from engine.export.places import check_folder, check_own_file, file_beside, folder_beside
from engine.export.proof import Content, check, expected, kept
from engine.formats import TRAINING_FOLDERS, WITHOUT_NEGATIVES
from engine.ingest.labelled import read_units
from engine.params import ExportParams
from engine.records import Query, Split
from engine.store import queries
from engine.store.project import Project, now
from engine.task import Task

Written = tuple[Path, tuple[str, ...], str]

# What import calls the formats whose names differ.
_PAIRS = ("st-pair", "st-tuple", "st-scored", "st-labelled", "st-list", "st-distill", "tsv")
_READ_AS = {
    **dict.fromkeys(_PAIRS, "sentence-transformers"),
    "tevatron-v2": "tevatron",
    "nvidia-inline": "nvidia",
    "trec-folder": "trec",
    "csv": "table",
}


def export_training(project: Project, params: ExportParams, format: str, task: Task) -> Written:
    """Write a training set; `what` negatives takes only queries that have some.

    Raises:
        UserError: there is nothing to write, or a place that holds something else.
        ExportError: what was written does not read back the same.
    """
    split = None if params.split == "all" else Split(params.split)
    name = split.value if split else "all"

    def rows() -> Iterator[Example]:
        found = examples(project, split)
        return kept((row for row in found if row.negatives or params.what != "negatives"), format)

    task.progress("gather examples", 0, 3)
    wanted, _ = expected(rows(), format)
    if not wanted.answers:
        raise _nothing(params, name)
    task.progress("write them", 1, 3)
    dest = Path(params.dest)
    if format in TRAINING_FOLDERS:
        path = check_folder(dest)
        facts: dict[str, object] = {"exported": params.what, "format": format, "project": project.name, "at": now()}
        with folder_beside(path, facts) as beside:
            write_folder(beside, format, rows(), project, names=passage_names(project), split=name)
            files = tuple(sorted(file.relative_to(beside).as_posix() for file in beside.rglob("*") if file.is_file()))
            task.progress("read it again", 2, 3)
            _check(beside, format, wanted)
    else:
        path = check_own_file(
            project, _with_ending(dest, suffix_of(format)), f"{name}.{suffix_of(format)}", _is_ours(format)
        )
        files = (path.name,)
        with file_beside(path) as beside:
            written = beside.with_name(f"{beside.name}.{suffix_of(format)}")  # readers go by the ending
            try:
                write_file(written, format, rows(), split.value if split else "")
                task.progress("read it again", 2, 3)
                _check(written, format, wanted)
                written.replace(beside)
            finally:
                written.unlink(missing_ok=True)
    task.progress("read it again", 3, 3)
    return path, files, _sentence(project, params, format, split, wanted.counts())


def _check(path: Path, format: str, wanted: Content) -> None:
    try:
        check(read_units(path, _READ_AS.get(format, format)), wanted, format)
    except KeyError as error:
        raise ExportError(f"The id {error.args[0]!r} has no text in what was written.", hint="Export again.") from error


def _sentence(
    project: Project, params: ExportParams, format: str, split: Split | None, counts: tuple[int, int, int]
) -> str:
    asked, right, wrong = counts
    negatives = "" if format in WITHOUT_NEGATIVES and format != "trec-folder" else f", {wrong:,} negatives"
    left = len(queries.representatives(project, split)) - asked
    why = "an answer and a negative" if params.what == "negatives" else "what this format needs"
    more = f" {left:,} queries without {why} are not in it." if left else ""
    return f"Read again: {asked:,} queries, {right:,} answers{negatives}, the same as in the project.{more}"


def _nothing(params: ExportParams, split: str) -> UserError:
    if params.what == "negatives":
        return UserError(
            f"No query of the {split} split has both an answer and a negative.",
            hint="Mine negatives first: searchsmith mine PROJECT",
        )
    return UserError(
        f"There is nothing to write: no query of the {split} split has what this format needs.",
        hint="Import judgements, mine negatives, or choose another split.",
    )


def _is_ours(format: str) -> Callable[[str], bool]:
    """Whether a file's first line is one that `write_file` writes in this format."""
    if format in ("csv", "tsv"):
        return lambda line: line.lstrip("\ufeff").replace('"', "").startswith(("query,positive", "query\tpositive"))
    return (lambda line: line.strip() == "{") if format == "llamaindex" else is_json_line


def export_queries(project: Project, params: ExportParams, format: str, task: Task) -> Written:
    """Write queries with their names and splits, those without an answer too, and read them again."""
    split = None if params.split == "all" else Split(params.split)
    found = queries.representatives(project, split)
    if not found:
        where, other = (f" in the {params.split} split", ", or choose another split") if split else ("", "")
        raise UserError(f"There are no queries{where}.", hint=f"Import some{other}.")
    task.progress("write queries", 0, 1)
    names = query_names(project)
    path = check_own_file(
        project, Path(params.dest), f"queries.{format}", lambda line: is_json_line(line) or "text" in line
    )
    with file_beside(path) as beside:
        _write_queries(beside, format, found, names)
        if _read_queries(beside, format) != [_clean(query.text, format) for query in found]:
            raise ExportError("The queries could not be read back as they were written.", hint="Export again.")
    task.progress("write queries", 1, 1)
    return path, (path.name,), f"Read again: {len(found):,} queries, the same texts."


def _write_queries(path: Path, format: str, found: list[Query], names: dict[int, str]) -> None:
    with path.open("w", encoding="utf-8" if format == "jsonl" else "utf-8-sig", newline="") as file:
        if format == "jsonl":
            for query in found:
                line = {"_id": names[query.id], "text": query.text, "split": query.split or "", "source": query.source}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            return
        writer = csv.writer(file, delimiter="\t" if format == "tsv" else ",", lineterminator="\r\n")
        writer.writerow(("_id", "text", "split", "source"))
        for query in found:
            writer.writerow((names[query.id], _clean(query.text, format), query.split or "", query.source))


def _read_queries(path: Path, format: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if format == "jsonl":
            return [json.loads(line)["text"] for line in file]
        return [row["text"] for row in csv.DictReader(file, delimiter="\t" if format == "tsv" else ",")]


def _clean(text: str, format: str) -> str:
    return text if format == "jsonl" else text.replace("\0", "")


def _with_ending(dest: Path, suffix: str) -> Path:
    """A file without an ending gets the format's: import tells what a file is by it."""
    return dest if dest.suffix or dest.is_dir() else dest.with_name(f"{dest.name}.{suffix}")
