"""Documents and passages: what was read, and the pieces that are retrieved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from engine.records import Document, Passage, text_hash
from engine.store import following
from engine.store.project import Project
from engine.store.schema import next_id

_DOCUMENT = "id, external_id, title, path, kind, content_hash, n_chars, n_passages, import_id, labelled"
_PASSAGE = 'id, document_id, external_id, ordinal, heading, text, start, "end", page'
_MANY = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage before it has an id; fields as in `records.Passage`."""

    text: str
    heading: str = ""
    external_id: str = ""
    start: int = 0
    end: int = 0
    page: int = 0

    @property
    def search_text(self) -> str:
        return f"{self.heading} {self.text}" if self.heading else self.text


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document before it has an id. `text` is the whole text where passages are cut from it, "" for labelled ones."""

    title: str
    path: str
    kind: str
    content_hash: str
    text: str = ""
    external_id: str = ""
    labelled: bool = False


def put_document(project: Project, document: NewDocument, passages: Sequence[NewPassage], *, import_id: int) -> int:
    """Store a document with its passages in one transaction, replacing the one from the same path or external id.

    Passages whose text stands in the old version keep their id, and with it their judgements; what was said of others
    follows its text as `engine.store.following` says. Returns the id.
    """
    with project.db.atomic():
        old = _find_same(project, document)
        same_text = old is not None and document_text(project, old.id) == document.text
        document_id = _write_document(project, document, passages, import_id, old.id if old else None)
        following.replace_passages(project, document_id, passages, same_text=same_text)
    return document_id


def put_labelled(project: Project, rows: Sequence[tuple[NewDocument, NewPassage]], *, import_id: int) -> list[int]:
    """Store new labelled documents of one passage each, in one transaction; returns the passages' ids in order."""
    ids: list[int] = []
    with project.db.atomic():
        for document, passage in rows:
            document_id = _write_document(project, document, [passage], import_id, None)
            ids.append(_insert_passage(project, document_id, 0, passage))
    return ids


def update_passage(project: Project, passage_id: int, passage: NewPassage, *, content_hash: str) -> None:
    """Give a labelled passage its new text (same external id, other text)."""
    with project.db.atomic():
        project.db.execute(
            "update passages set heading = ?, text = ?, text_hash = ? where id = ?",
            [passage.heading, passage.text, text_hash(passage.search_text), passage_id],
        )
        project.db.execute(
            "update documents set title = ?, content_hash = ?, n_chars = ? "
            "where id = (select document_id from passages where id = ?)",
            [passage.heading, content_hash, len(passage.text), passage_id],
        )


def _find_same(project: Project, document: NewDocument) -> Document | None:
    return document_at(project, document.path) if document.path and not document.labelled else None


def _write_document(
    project: Project, document: NewDocument, passages: Sequence[NewPassage], import_id: int, old_id: int | None
) -> int:
    values = {
        "external_id": document.external_id,
        "title": document.title,
        "path": document.path,
        "kind": document.kind,
        "content_hash": document.content_hash,
        "n_chars": len(document.text) if document.text else sum(len(p.text) for p in passages),
        "n_passages": len(passages),
        "import_id": import_id,
        "labelled": int(document.labelled),
    }
    if old_id is None:
        values["first_import_id"] = import_id
        columns = ", ".join(values)
        marks = ", ".join("?" * len(values))
        cursor = project.db.execute(f"insert into documents ({columns}) values ({marks})", list(values.values()))
        document_id = int(cursor.lastrowid or 0)
    else:
        project.db.table("documents").update(old_id, values)
        document_id = old_id
    if document.text:
        project.db.table("document_texts").upsert({"document_id": document_id, "text": document.text}, pk="document_id")
    return document_id


def _insert_passage(project: Project, document_id: int, ordinal: int, passage: NewPassage) -> int:
    cursor = project.db.execute(
        'insert into passages (id, document_id, external_id, ordinal, heading, text, text_hash, start, "end", page) '
        f"values ({next_id('passages')}, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            document_id,
            passage.external_id,
            ordinal,
            passage.heading,
            passage.text,
            text_hash(passage.search_text),
            passage.start,
            passage.end,
            passage.page,
        ],
    )
    return int(cursor.lastrowid or 0)


def remove_documents(project: Project, document_ids: Sequence[int]) -> None:
    """Take documents, their passages and the judgements on them out of the project; files are not touched."""
    with project.db.atomic():
        for block in _blocks(document_ids):
            marks = ", ".join("?" * len(block))
            found = project.db.execute(f"select id from passages where document_id in ({marks})", block)
            following.delete_passages(project, [row[0] for row in found.fetchall()])
            project.db.execute(f"delete from document_texts where document_id in ({marks})", block)
            project.db.execute(f"delete from documents where id in ({marks})", block)


def paths_of_files(project: Project) -> list[tuple[str, int]]:
    """(path, document id) of every document that was read from a file of its own."""
    rows = project.db.execute("select path, id from documents where labelled = 0 and path != '' order by path")
    return [(str(path), int(document_id)) for path, document_id in rows]


def document_at(project: Project, path: str) -> Document | None:
    """The document read from the file `path`."""
    row = project.db.execute(f"select {_DOCUMENT} from documents where path = ? and labelled = 0", [path]).fetchone()
    return _document(row) if row else None


def document(project: Project, document_id: int) -> Document | None:
    row = project.db.execute(f"select {_DOCUMENT} from documents where id = ?", [document_id]).fetchone()
    return _document(row) if row else None


def document_text(project: Project, document_id: int) -> str:
    """The whole text passages were cut from; for labelled documents their one passage."""
    row = project.db.execute("select text from document_texts where document_id = ?", [document_id]).fetchone()
    if row:
        return str(row[0])
    return "\n\n".join(passage.text for passage in passages_of(project, document_id))


def has_text(project: Project, document_id: int) -> bool:
    """Whether the whole text of a document is kept, so that it can be cut again."""
    asked = "select 1 from document_texts where document_id = ?"
    return project.db.execute(asked, [document_id]).fetchone() is not None


def documents_after(project: Project, after: int, limit: int) -> list[Document]:
    """Documents in order of id, from the one after `after`."""
    rows = project.db.execute(f"select {_DOCUMENT} from documents where id > ? order by id limit ?", [after, limit])
    return [_document(row) for row in rows]


def count_documents(project: Project, *, contains: str = "", place: str = "") -> int:
    """How many documents a table with these filters shows; `place`: only those from this file, folder or archive."""
    where, values = _like(contains, place)
    return int(project.db.execute(f"select count(*) from documents {where}", values).fetchone()[0])


def page_of_documents(
    project: Project,
    *,
    offset: int,
    limit: int,
    contains: str = "",
    place: str = "",
    order: str = "id",
    descending: bool = False,
) -> list[Document]:
    """A page of documents for a table; `order` is one of id, title, kind, n_chars, n_passages."""
    if order not in ("id", "title", "kind", "n_chars", "n_passages"):
        order = "id"
    where, values = _like(contains, place)
    direction = "desc" if descending else "asc"
    rows = project.db.execute(
        f"select {_DOCUMENT} from documents {where} order by {order} {direction}, id limit ? offset ?",
        [*values, limit, offset],
    )
    return [_document(row) for row in rows]


def below(path: str) -> tuple[str, list[str]]:
    """A condition, with its values, for rows whose path is `path` or lies below it."""
    start = path.rstrip("/\\")
    terms, values = ["path = ?"], [start]
    for mark in dict.fromkeys(("/", os.sep)):
        terms.append("(path > ? and path < ?)")
        values += [start + mark, start + chr(ord(mark) + 1)]
    return f"({' or '.join(terms)})", values


def _like(contains: str, place: str) -> tuple[str, list[str]]:
    terms: list[str] = []
    values: list[str] = []
    if contains:
        escaped = contains.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        terms.append(r"(title like ? escape '\' or path like ? escape '\')")
        values += [f"%{escaped}%"] * 2
    if place:
        term, more = below(place)
        terms.append(term)
        values += more
    return (f"where {' and '.join(terms)}" if terms else ""), values


def count_passages(project: Project) -> int:
    return int(project.db.execute("select count(*) from passages").fetchone()[0])


def count_passages_of(project: Project, document_ids: Sequence[int]) -> int:
    """How many passages these documents have together."""
    total = 0
    for block in _blocks(document_ids):
        marks = ", ".join("?" * len(block))
        found = project.db.execute(f"select count(*) from passages where document_id in ({marks})", block)
        total += int(found.fetchone()[0])
    return total


def passages_of(project: Project, document_id: int) -> list[Passage]:
    rows = project.db.execute(
        f"select {_PASSAGE} from passages where document_id = ? order by ordinal, id", [document_id]
    )
    return [Passage(*row) for row in rows]


def passages(project: Project, passage_ids: Iterable[int]) -> dict[int, Passage]:
    """Passages by id; ids that are not there are left out."""
    found = {}
    for block in _blocks(list(passage_ids)):
        marks = ", ".join("?" * len(block))
        for row in project.db.execute(f"select {_PASSAGE} from passages where id in ({marks})", block):
            found[row[0]] = Passage(*row)
    return found


def text_hashes(project: Project, passage_ids: Iterable[int]) -> dict[int, str]:
    """`text_hash` of the search texts of passages, by id, without reading the texts; absent ids are left out."""
    found: dict[int, str] = {}
    for block in _blocks(list(passage_ids)):
        marks = ", ".join("?" * len(block))
        found.update(project.db.execute(f"select id, text_hash from passages where id in ({marks})", block).fetchall())
    return found


def all_passages(project: Project) -> Iterator[Passage]:
    """Every passage in order of id."""
    for row in project.db.execute(f"select {_PASSAGE} from passages order by id"):
        yield Passage(*row)


@dataclass(frozen=True, slots=True)
class Corpus:
    """All passages as parallel sequences in order of id.

    Attributes:
        ids: (n,) int64, ascending.
        document_ids: (n,) int64.
        texts: what systems read of each (`Passage.search_text`).
        hashes: `text_hash` of each text.
    """

    ids: np.ndarray
    document_ids: np.ndarray
    texts: list[str]
    hashes: list[str]

    def rows_of(self, passage_ids: Iterable[int]) -> np.ndarray:
        """Positions of `passage_ids` in the corpus, (k,) int64; ids that are not there are left out."""
        wanted = np.unique(np.fromiter(passage_ids, dtype=np.int64))
        rows = np.searchsorted(self.ids, wanted)
        rows = np.minimum(rows, max(len(self.ids) - 1, 0))
        return rows[self.ids[rows] == wanted] if len(self.ids) else np.empty(0, np.int64)


def corpus(project: Project) -> Corpus:
    """Every passage's id and text, for systems that rank all of them."""
    ids, document_ids, texts, hashes = [], [], [], []
    for row in project.db.execute("select id, document_id, heading, text, text_hash from passages order by id"):
        ids.append(row[0])
        document_ids.append(row[1])
        texts.append(f"{row[2]} {row[3]}" if row[2] else row[3])
        hashes.append(row[4])
    return Corpus(np.array(ids, np.int64), np.array(document_ids, np.int64), texts, hashes)


def passage_ids_by_external(project: Project, external_ids: Iterable[str]) -> dict[str, int]:
    return _ids_by(project, "external_id", external_ids)


def passage_ids_by_hash(project: Project, hashes: Iterable[str]) -> dict[str, int]:
    """The first passage with each `text_hash` of its search text."""
    return _ids_by(project, "text_hash", hashes)


def _ids_by(project: Project, column: str, values: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for block in _blocks(list(values)):
        marks = ", ".join("?" * len(block))
        rows = project.db.execute(
            f"select {column}, min(id) from passages where {column} in ({marks}) group by {column}", block
        )
        found.update({row[0]: row[1] for row in rows})
    return found


def _document(row: Sequence[Any]) -> Document:  # Any: a row's columns
    document_id, external_id, title, path, kind, content_hash, n_chars, n_passages, import_id, labelled = row
    return Document(
        document_id, external_id, title, path, kind, content_hash, n_chars, n_passages, import_id, bool(labelled)
    )


def _blocks(values: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(values), _MANY):
        yield list(values[start : start + _MANY])
