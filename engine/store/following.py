"""Replaces a document's passages; what was said of the old ones follows its text, and what cannot is set aside.

A judgement follows to the passage with the same text; else to the shortest one that holds all of the old text; else to
the one that holds most of it, if that is at least half. What a made query was made from is also found where its own
words stand. What was said is never put on a passage that is called an answer of the same query. All else is set aside
with the text it was said of, and comes back when a later cutting gives that text a passage again.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.records import text_hash
from engine.store.made import PREFIX
from engine.store.project import Project, now
from engine.store.schema import next_id

if TYPE_CHECKING:
    from engine.store.documents import NewPassage

HALF = 0.5
_SPAN = "span"  # where in the document's text something was said, kept with what is set aside
_WAITING = "select id from set_aside where document_id = ? and reason = 'split'"
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")

# Tables of what is said of passages, with the columns that are kept. What was mined or computed does not follow.
SAID: dict[str, tuple[str, ...]] = {
    "qrels": ("query_id", "passage_id", "grade", "source", "import_id"),
    "imported_negatives": ("query_id", "passage_id", "score", "import_id"),
    "reviews": ("query_id", "passage_id", "verdict", "created_at"),
    "pair_scores": ("query_id", "passage_id", "score", "source"),
    "feedback": ("id", "text", "passage_id", "vote", "system", "created_at"),
}
MINED = {"negatives": ("mining_id", "query_id", "passage_id", "source", "rank", "score", "margin", "doubt")}
_KINDS = {
    "qrels": "judgement",
    "imported_negatives": "wrong passage",
    "reviews": "review",
    "pair_scores": "score",
    "feedback": "vote",
}

Row = dict[str, Any]  # Any: a row's columns
Rows = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of a document's passages and of what was said of them.

    Attributes:
        kept: passages that stayed, `added` and `removed` ones.
        moved: judgements and the like that are on another passage now; `restored` ones were set aside before.
        aside: what found no passage.
        mined: mined negatives on passages that are gone; mining again brings new ones.
    """

    kept: int = 0
    added: int = 0
    removed: int = 0
    moved: int = 0
    restored: int = 0
    aside: int = 0
    mined: int = 0

    def __add__(self, other: Followed) -> Followed:
        return Followed(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class Place:
    """A passage as following sees it."""

    id: int
    start: int
    end: int
    text: str
    heading: str


def replace_passages(project: Project, document_id: int, new: Sequence[NewPassage], *, same_text: bool) -> Followed:
    """Give a document other passages, in one transaction; those with the same text keep their id and all that is on it.

    Args:
        same_text: `start` and `end` of old and new passages are places in the same text.
    """
    with project.db.atomic():
        old = passages_at(project, document_id)
        places, gone, kept = _write(project, document_id, new, old)
        said = said_of(project, [place.id for place in gone])
        mined = _count(project, "negatives", [place.id for place in gone])
        moved = aside = 0
        waiting = [row[0] for row in project.db.execute(_WAITING, [document_id])]
        by_id = {place.id: place for place in gone}
        finder = Finder(places, same_text=same_text)
        for kind, rows in said.items():
            for row in rows:
                followed = follow(project, document_id, kind, row, by_id[row["passage_id"]], finder)
                moved += followed == "moved"
                aside += followed == "aside"
        delete_passages(project, list(by_id))
        restored = _restore(project, waiting, places, finder) if len(places) > kept else 0
        project.db.execute("update documents set n_passages = ? where id = ?", [len(places), document_id])
    return Followed(kept, len(places) - kept, len(gone), moved, restored, aside, mined)


def follow(
    project: Project, document_id: int, kind: str, row: Row, old: Place, finder: Finder
) -> Literal["moved", "aside", "dropped"]:
    """Put something said of an old passage where its text is now, or aside; what was computed is dropped."""
    reason = _follow(project, kind, row, old, finder)
    if reason == "computed":
        return "dropped"
    if reason:
        _set_aside(project, document_id, kind, row, old, reason)
    return "aside" if reason else "moved"


def passages_at(project: Project, document_id: int) -> list[Place]:
    rows = project.db.execute(
        'select id, start, "end", text, heading from passages where document_id = ? order by ordinal, id', [document_id]
    )
    return [Place(int(row[0]), row[1] or 0, row[2] or 0, row[3], row[4] or "") for row in rows]


def said_of(project: Project, passage_ids: Sequence[int], tables: Mapping[str, tuple[str, ...]] = SAID) -> Rows:
    """What is said of passages, by table."""
    found: Rows = {}
    for table, columns in tables.items():
        rows: list[Row] = []
        for block in _blocks(passage_ids):
            marks = ", ".join("?" * len(block))
            asked = f"select {', '.join(columns)} from {table} where passage_id in ({marks}) order by rowid"
            rows += [dict(zip(columns, row, strict=True)) for row in project.db.execute(asked, block)]
        if rows:
            found[table] = rows
    return found


def delete_passages(project: Project, passage_ids: Sequence[int]) -> None:
    """Take passages out with everything that is still said of them."""
    for block in _blocks(passage_ids):
        marks = ", ".join("?" * len(block))
        for table in (*SAID, *MINED):
            project.db.execute(f"delete from {table} where passage_id in ({marks})", block)
        project.db.execute(f"delete from passages where id in ({marks})", block)


def foresee(project: Project, gone: Mapping[int, Place], new: Sequence[Place]) -> tuple[int, int, int]:
    """(would move, would be set aside, mined) for what is said of passages that would go; nothing is changed."""
    finder = Finder(new, same_text=True)
    moved = aside = 0
    for kind, rows in said_of(project, list(gone)).items():
        for row in rows:
            if kind == "pair_scores" and row["source"] != "imported":
                continue
            found = finder.target(gone[row["passage_id"]], _made_words(project, row))
            moved += found is not None
            aside += found is None
    return moved, aside, _count(project, "negatives", list(gone))


class Finder:
    """Finds where an old passage's text went."""

    def __init__(self, places: Sequence[Place], *, same_text: bool) -> None:
        self._places = sorted(places, key=lambda place: (place.start, place.end))
        self._starts = [place.start for place in self._places]
        self._longest = max((place.end - place.start for place in self._places), default=0)
        self.same_text = same_text
        self._plain: dict[int, str] = {}

    def near(self, old: Place) -> list[tuple[float, Place]]:
        """New passages that hold some of an old one's text, with the share they hold, in order."""
        if not self.same_text:
            sentences = dict.fromkeys(map(plain, _SENTENCE.findall(old.text)))
            parts = [part for part in sentences if part] or [plain(old.text)]
            total = sum(map(len, parts)) or 1
            shares = [
                (sum(len(part) for part in parts if part in self._text(place)) / total, place) for place in self._places
            ]
            return [(share, place) for share, place in shares if share > 0]
        first = bisect_left(self._starts, old.start - self._longest)
        found = []
        for place in self._places[first:]:
            if place.start >= old.end:
                break
            shared = min(place.end, old.end) - max(place.start, old.start)
            if shared > 0:
                found.append((shared / max(old.end - old.start, 1), place))
        return found

    def target(self, old: Place, words: str = "") -> Place | None:
        """The passage that stands for an old one; `words` of a made query may say which where none holds most."""
        found = self.near(old)
        if not found:
            return None
        best = max(share for share, _ in found)
        if best >= HALF:
            return min((place for share, place in found if share == best), key=lambda p: (p.end - p.start, p.start))
        asked = plain(words)
        return next((p for _, p in found if asked and asked in f"{plain(p.heading)} {self._text(p)}"), None)

    def _text(self, place: Place) -> str:
        if place.id not in self._plain:
            self._plain[place.id] = plain(place.text)
        return self._plain[place.id]


def plain(text: str) -> str:
    """Without differences of blanks and case."""
    return " ".join(text.casefold().split())


def _write(
    project: Project, document_id: int, new: Sequence[NewPassage], old: Sequence[Place]
) -> tuple[list[Place], list[Place], int]:
    """Store new passages on the old ones' ids where the text is the same; (all, those that are gone, how many kept)."""
    by_text: dict[str, list[Place]] = {}
    for place in old:
        by_text.setdefault(place.text, []).append(place)
    places: list[Place] = []
    kept = 0
    for ordinal, passage in enumerate(new):
        values = [ordinal, passage.heading, text_hash(passage.search_text), passage.start, passage.end, passage.page]
        if same := by_text.get(passage.text):
            passage_id = same.pop(0).id
            kept += 1
            project.db.execute(
                'update passages set ordinal = ?, heading = ?, text_hash = ?, start = ?, "end" = ?, page = ? '
                "where id = ?",
                [*values, passage_id],
            )
        else:
            cursor = project.db.execute(
                'insert into passages (id, ordinal, heading, text_hash, start, "end", page, document_id, external_id, '
                f"text) values ({next_id('passages')}, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [*values, document_id, passage.external_id, passage.text],
            )
            passage_id = int(cursor.lastrowid or 0)
        places.append(Place(passage_id, passage.start, passage.end, passage.text, passage.heading))
    return places, [place for places in by_text.values() for place in places], kept


def _follow(project: Project, kind: str, row: Row, old: Place, finder: Finder) -> str:
    """Put a row on the passage that stands for its old one; returns why it cannot be, "" where it was."""
    if kind == "pair_scores" and row["source"] != "imported":
        return "computed"
    target = finder.target(old, _made_words(project, row))
    if target is None:
        return "split"
    return put_row(project, kind, {**row, "passage_id": target.id})


def put_row(project: Project, kind: str, row: Row) -> str:
    """Say something of a passage; returns why it cannot be, "" where it was. Of two grades the higher one stays."""
    pair = [row.get("query_id"), row["passage_id"]]
    if kind == "feedback":
        project.db.table("feedback").upsert(row, pk="id")
        return ""
    grade = project.db.execute("select grade from qrels where query_id = ? and passage_id = ?", pair).fetchone()
    if kind == "qrels":
        if grade and min(grade[0], row["grade"]) == 0 < max(grade[0], row["grade"]):
            return "answer" if grade[0] else _replace_grade(project, row)
        if grade and grade[0] >= row["grade"]:
            return ""
        return _replace_grade(project, row)
    if grade and grade[0] > 0 and (kind == "imported_negatives" or row.get("verdict") in ("negative", "left_out")):
        return "answer"
    columns = ", ".join(row)
    marks = ", ".join("?" * len(row))
    project.db.execute(f"insert or ignore into {kind} ({columns}) values ({marks})", list(row.values()))
    return ""


def _replace_grade(project: Project, row: Row) -> str:
    project.db.table("qrels").upsert(row, pk=("query_id", "passage_id"))
    return ""


def _made_words(project: Project, row: Row) -> str:
    """The words of a query that was made from the passage, "" where a person or a set said it."""
    if not str(row.get("source") or "").startswith(PREFIX):
        return ""
    found = project.db.execute("select text from queries where id = ?", [row["query_id"]]).fetchone()
    return str(found[0]) if found else ""


def _set_aside(project: Project, document_id: int, kind: str, row: Row, old: Place, reason: str) -> None:
    project.db.execute(
        "insert into set_aside (document_id, kind, query_id, fact, heading, text, reason, set_aside_at) "
        "values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            document_id,
            kind,
            row.get("query_id"),
            json.dumps({**row, _SPAN: [old.start, old.end]}),
            old.heading,
            old.text,
            reason,
            now(),
        ],
    )


def _restore(project: Project, waiting: Sequence[int], places: Sequence[Place], finder: Finder) -> int:
    """Say again what was set aside before and has a passage now; returns how much."""
    by_sentences = Finder(places, same_text=False)
    restored = 0
    for aside_id in waiting:
        kind, fact, heading, text, whole = project.db.execute(
            "select s.kind, s.fact, s.heading, s.text, t.text from set_aside s "
            "left join document_texts t on t.document_id = s.document_id where s.id = ?",
            [aside_id],
        ).fetchone()
        row = json.loads(fact)
        start, end = row.pop(_SPAN)
        stands = (whole or "")[start:end] == text
        old = Place(0, start, end, text, heading or "")
        if not _follow(project, kind, row, old, finder if stands and finder.same_text else by_sentences):
            project.db.execute("delete from set_aside where id = ?", [aside_id])
            restored += 1
    return restored


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something said of a passage that is no more. `reason`: `split` (no passage holds half of its text) or `answer`
    (its text is part of a passage now that answers the query)."""

    id: int
    document_id: int
    kind: str
    query_id: int
    query: str
    heading: str
    text: str
    reason: str


def set_aside(project: Project, *, limit: int = 1000) -> list[SetAside]:
    """What waits for its text to have a passage again, the newest first."""
    rows = project.db.execute(
        "select s.id, s.document_id, s.kind, coalesce(s.query_id, 0), q.text, s.fact, s.heading, s.text, s.reason "
        "from set_aside s left join queries q on q.id = s.query_id order by s.id desc limit ?",
        [limit],
    )
    return [
        SetAside(
            row[0], row[1], _KINDS[row[2]], row[3], row[4] or json.loads(row[5]).get("text", ""), row[6], row[7], row[8]
        )
        for row in rows
    ]


def count_set_aside(project: Project) -> int:
    return int(project.db.execute("select count(*) from set_aside").fetchone()[0])


_SET_ASIDE_BY = "from set_aside where kind = ? and json_extract(fact, '$.import_id') = ?"


def count_said(project: Project, table: str, import_id: int) -> int:
    """How much of a kind (`qrels`, `imported_negatives`) an import said, with what is set aside of it."""
    stands = project.db.execute(f"select count(*) from {table} where import_id = ?", [import_id]).fetchone()
    waits = project.db.execute(f"select count(*) {_SET_ASIDE_BY}", [table, import_id]).fetchone()
    return int(stands[0] + waits[0])


def forget_said(project: Project, table: str, import_id: int) -> int:
    """Take that out; returns how much it was."""
    stood = project.db.execute(f"delete from {table} where import_id = ?", [import_id]).rowcount
    return int(stood + project.db.execute(f"delete {_SET_ASIDE_BY}", [table, import_id]).rowcount)


def _count(project: Project, table: str, passage_ids: Sequence[int]) -> int:
    total = 0
    for block in _blocks(passage_ids):
        marks = ", ".join("?" * len(block))
        total += project.db.execute(f"select count(*) from {table} where passage_id in ({marks})", block).fetchone()[0]
    return total


def _blocks(values: Sequence[int]) -> Iterable[list[int]]:
    for start in range(0, len(values), 500):
        yield list(values[start : start + 500])
