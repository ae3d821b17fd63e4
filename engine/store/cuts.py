"""How each document was cut into passages, and what is kept of it so that it can be cut again without its file."""

from __future__ import annotations

import json
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from engine.params import CutParams
from engine.records import Passage
from engine.store.project import Project

_KEY = "cut"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a document's text that passages do not go beyond, with the heading path above it."""

    heading: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Layout:
    """What a reader found in a document beside its text.

    Attributes:
        stretches: in order; between them stand headings and blanks.
        page_starts: offset of each page's first character, empty where there are no pages.
        named_rows: stretches are rows of a table, whose headings stand nowhere else.
    """

    stretches: tuple[Stretch, ...]
    page_starts: tuple[int, ...] = ()
    named_rows: bool = False

    def page_at(self, offset: int) -> int:
        """The page that holds `offset`, from 1; 0 where there are no pages."""
        return bisect_right(self.page_starts, offset)


@dataclass(frozen=True, slots=True)
class Cut:
    """How a document was cut: by which settings, measured by which tokenizer ("" where that was not kept)."""

    params: CutParams
    ruler: str


def project_cut(project: Project) -> CutParams:
    """How passages are cut in this project: as was last asked for, or by default."""
    found = project.meta_json(_KEY)
    return CutParams(**found) if found else CutParams()


def set_project_cut(project: Project, params: CutParams) -> None:
    project.set_meta_json(_KEY, asdict(params))


def put_cut(project: Project, document_id: int, cut: Cut, layout: Layout | None = None) -> None:
    """Keep how a document was cut, and its layout where that is new."""
    with project.db.atomic():
        project.db.execute(
            "insert into document_cuts (document_id, passage_tokens, overlap_tokens, headings, ruler, layout) "
            "values (?, ?, ?, ?, ?, ?) on conflict (document_id) do update set "
            "passage_tokens = excluded.passage_tokens, overlap_tokens = excluded.overlap_tokens, "
            "headings = excluded.headings, ruler = excluded.ruler, layout = coalesce(excluded.layout, layout)",
            [
                document_id,
                cut.params.passage_tokens,
                cut.params.overlap_tokens,
                int(cut.params.headings),
                cut.ruler,
                _packed(layout) if layout is not None else None,
            ],
        )


def cut_of(project: Project, document_id: int) -> Cut | None:
    """How a document was cut; None where that was not kept."""
    row = project.db.execute(
        "select passage_tokens, overlap_tokens, headings, ruler from document_cuts where document_id = ?", [document_id]
    ).fetchone()
    return Cut(CutParams(int(row[0]), int(row[1]), bool(row[2])), str(row[3])) if row else None


def layout_of(project: Project, document_id: int, text: str, passages: list[Passage]) -> Layout:
    """A document's layout; of one imported before layouts were kept, what its passages show of it."""
    row = project.db.execute("select layout from document_cuts where document_id = ?", [document_id]).fetchone()
    return _unpacked(row[0]) if row and row[0] is not None else layout_from(text, passages)


def layout_from(text: str, passages: list[Passage]) -> Layout:
    """Stretches of passages under one heading, with nothing but blanks between them; pages where passages begin."""
    stretches: list[Stretch] = []
    pages: list[int] = []
    for passage in passages:
        last = stretches[-1] if stretches else None
        if last and last.heading == passage.heading and not text[last.end : max(last.end, passage.start)].strip():
            stretches[-1] = Stretch(last.heading, last.start, max(last.end, passage.end))
        else:
            stretches.append(Stretch(passage.heading, max(passage.start, last.end if last else 0), passage.end))
        pages += [passage.start] * (passage.page - len(pages))
    return Layout(tuple(stretches), tuple(pages))


def count_cuttable(project: Project) -> int:
    """Documents whose whole text is kept; passages of labelled sets are never cut."""
    row = project.db.execute(
        "select count(*) from document_texts t join documents d on d.id = t.document_id where d.labelled = 0"
    ).fetchone()
    return int(row[0])


def cuttable(project: Project, after: int = 0, limit: int = 500) -> Iterator[int]:
    """Their ids, ascending, from the one after `after`."""
    rows = project.db.execute(
        "select d.id from documents d join document_texts t on t.document_id = d.id "
        "where d.labelled = 0 and d.id > ? order by d.id limit ?",
        [after, limit],
    ).fetchall()
    yield from (int(row[0]) for row in rows)


def _packed(layout: Layout) -> bytes:
    rows = [[found.heading, found.start, found.end] for found in layout.stretches]
    content = {"stretches": rows, "pages": layout.page_starts, "rows": layout.named_rows}
    return zlib.compress(json.dumps(content, ensure_ascii=False).encode())


def _unpacked(packed: bytes) -> Layout:
    content = json.loads(zlib.decompress(packed))
    stretches = tuple(Stretch(*row) for row in content["stretches"])
    return Layout(stretches, tuple(content["pages"]), bool(content["rows"]))
