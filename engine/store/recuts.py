"""What a cutting changed, document by document, so that it can be taken back as one step; the last one only."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.params import CutParams
from engine.records import text_hash
from engine.store import cuts, documents, following
from engine.store.cuts import Cut, Layout
from engine.store.documents import NewPassage
from engine.store.following import MINED, SAID, Finder, Followed, Place, Row, Rows
from engine.store.project import Project, now
from engine.store.schema import next_id

_EVERYTHING = {**SAID, **MINED}
_PASSAGE = 'id, ordinal, heading, text, text_hash, start, "end", page, external_id'


@dataclass(frozen=True, slots=True)
class Recut:
    """A cutting of the project. `state`: building (it was ended before all documents were cut) or complete."""

    id: int
    made_at: str
    before: CutParams
    after: CutParams
    counts: dict[str, Any]  # Any: JSON values
    state: str


def start_recut(project: Project, after: CutParams) -> int:
    """Open the record of a cutting and make `after` the project's way; goes on with one that was ended before.

    Only this cutting can be taken back as soon as it changed a document.
    """
    last = newest_recut(project)
    with project.db.atomic():
        if last is not None and last.state == "building" and last.after == after:
            return last.id
        cursor = project.db.execute(
            "insert into recuts (made_at, before, after, counts, state) values (?, ?, ?, '{}', 'building')",
            [now(), json.dumps(asdict(cuts.project_cut(project))), json.dumps(asdict(after))],
        )
        cuts.set_project_cut(project, after)
    return int(cursor.lastrowid or 0)


def finish_recut(project: Project, recut_id: int, counts: dict[str, Any]) -> None:  # Any: JSON values
    """Close the record; one that changed nothing goes, so that the cutting before it can still be taken back."""
    if not count_changed(project, recut_id):
        project.db.execute("delete from recuts where id = ?", [recut_id])
        return
    project.db.execute("update recuts set counts = ?, state = 'complete' where id = ?", [json.dumps(counts), recut_id])


def newest_recut(project: Project) -> Recut | None:
    """The cutting that can be taken back, None where there is none."""
    row = project.db.execute(
        "select id, made_at, before, after, counts, state from recuts order by id desc limit 1"
    ).fetchone()
    if row is None:
        return None
    before, after = (CutParams(**json.loads(text)) for text in row[2:4])
    return Recut(int(row[0]), row[1], before, after, json.loads(row[4]), row[5])


def count_changed(project: Project, recut_id: int) -> int:
    """Documents that a cutting changed."""
    asked = "select count(*) from recut_documents where recut_id = ?"
    return int(project.db.execute(asked, [recut_id]).fetchone()[0])


def recut_document(
    project: Project, recut_id: int, document_id: int, passages: Sequence[NewPassage], cut: Cut, layout: Layout
) -> Followed:
    """Give a document other passages of the same text and keep what there was, in one transaction."""
    with project.db.atomic():
        project.db.execute("delete from recuts where id < ?", [recut_id])
        before = _snapshot(project, document_id)
        followed = following.replace_passages(project, document_id, passages, same_text=True)
        cuts.put_cut(project, document_id, cut, layout)
        after = following.said_of(project, [place.id for place in following.passages_at(project, document_id)])
        packed = zlib.compress(json.dumps({**before, "after": after}, ensure_ascii=False).encode())
        project.db.execute(
            "insert or replace into recut_documents (recut_id, document_id, change) values (?, ?, ?)",
            [recut_id, document_id, packed],
        )
    return followed


def cut_since(project: Project, stamp: str) -> bool:
    """Whether a cutting gave documents other passages after `stamp`."""
    last = newest_recut(project)
    return last is not None and last.made_at > stamp and count_changed(project, last.id) > 0


def changed_documents(project: Project, recut_id: int) -> list[int]:
    rows = project.db.execute(
        "select document_id from recut_documents where recut_id = ? order by document_id", [recut_id]
    )
    return [int(row[0]) for row in rows]


def take_back(project: Project, recut_id: int, document_id: int) -> bool:
    """Give a document its passages of before a cutting, with their ids and all that was said of them.

    What was said since then follows its text. False where the document was read anew since: it stays as it is.
    """
    row = project.db.execute(
        "select change from recut_documents where recut_id = ? and document_id = ?", [recut_id, document_id]
    ).fetchone()
    change = json.loads(zlib.decompress(row[0]))
    text = documents.document_text(project, document_id)
    with project.db.atomic():
        project.db.execute(
            "delete from recut_documents where recut_id = ? and document_id = ?", [recut_id, document_id]
        )
        if text_hash(text) != change["text"]:
            return False
        _restore(project, document_id, change, text)
        found = change["cut"]
        if found is None:
            project.db.execute("delete from document_cuts where document_id = ?", [document_id])
        else:
            cuts.put_cut(project, document_id, Cut(CutParams(*found[:3]), found[3]))
    return True


def finish_take_back(project: Project, recut: Recut) -> None:
    """Make the project's way of cutting what it was before."""
    with project.db.atomic():
        cuts.set_project_cut(project, recut.before)
        project.db.execute("delete from recuts where id = ?", [recut.id])


def _snapshot(project: Project, document_id: int) -> dict[str, Any]:  # Any: JSON values
    text = documents.document_text(project, document_id)
    rows = project.db.execute(
        f"select {_PASSAGE} from passages where document_id = ? order by ordinal, id", [document_id]
    ).fetchall()
    passages = [[*row[:3], None if text[row[5] : row[6]] == row[3] else row[3], *row[4:]] for row in rows]
    aside = project.db.execute("select * from set_aside where document_id = ?", [document_id]).fetchall()
    cut = cuts.cut_of(project, document_id)
    return {
        "text": text_hash(text),
        "passages": passages,
        "said": following.said_of(project, [row[0] for row in rows], _EVERYTHING),
        "aside": [list(row) for row in aside],
        "cut": [*asdict(cut.params).values(), cut.ruler] if cut else None,
    }


def _restore(project: Project, document_id: int, change: dict[str, Any], text: str) -> None:  # Any: JSON values
    now_there = following.passages_at(project, document_id)
    later = _later(project, now_there, change["after"])
    following.delete_passages(project, [place.id for place in now_there])
    ids = {row[0]: _insert(project, document_id, row, text) for row in change["passages"]}
    for table, rows in change["said"].items():
        for row in rows:
            _put_back(project, table, {**row, "passage_id": ids[row["passage_id"]]})
    project.db.execute("delete from set_aside where document_id = ?", [document_id])
    for row in change["aside"]:
        if _is_undone(project, json.loads(row[4])):
            continue
        if row[3] is None or _exists(project, "queries", row[3]):
            marks = ", ".join("?" * len(row))
            project.db.execute(f"insert or replace into set_aside values ({marks})", row)
    project.db.execute("update documents set n_passages = ? where id = ?", [len(change["passages"]), document_id])
    finder = Finder(following.passages_at(project, document_id), same_text=True)
    places = {place.id: place for place in now_there}
    for table, rows in later.items():
        for row in rows:
            following.follow(project, document_id, table, row, places[row["passage_id"]], finder)


def _later(project: Project, places: Sequence[Place], after: Rows) -> Rows:
    """What was said since the cutting."""
    there = following.said_of(project, [place.id for place in places])
    return {table: [row for row in rows if row not in after.get(table, [])] for table, rows in there.items()}


def _insert(project: Project, document_id: int, row: list[Any], text: str) -> int:  # Any: a row's columns
    """Bring a passage back under its id, or under a new one where another passage has it by now."""
    passage_id = None if _exists(project, "passages", row[0]) else row[0]
    values = [passage_id, *row[1:3], text[row[5] : row[6]] if row[3] is None else row[3], *row[4:], document_id]
    cursor = project.db.execute(
        f"insert into passages ({_PASSAGE}, document_id) values (coalesce(?, {next_id('passages')}), "
        "?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    return int(cursor.lastrowid or 0)


def _put_back(project: Project, table: str, row: Row) -> None:
    if "query_id" in row and not _exists(project, "queries", row["query_id"]):
        return
    if "mining_id" in row and not _exists(project, "minings", row["mining_id"]):
        return
    if _is_undone(project, row):
        return
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    project.db.execute(f"insert or replace into {table} ({columns}) values ({marks})", list(row.values()))


def _is_undone(project: Project, row: Row) -> bool:
    """Whether the import that said it was taken back since."""
    asked = "select 1 from imports where id = ? and undone = 1"
    return bool(row.get("import_id")) and project.db.execute(asked, [row["import_id"]]).fetchone() is not None


def _exists(project: Project, table: str, row_id: int) -> bool:
    return project.db.execute(f"select 1 from {table} where id = ?", [row_id]).fetchone() is not None
