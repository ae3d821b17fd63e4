"""Cutting a project again by other settings: what it would change, doing it, and taking it back."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from engine.encode.rulers import Ruler
from engine.errors import UserError
from engine.ingest.cutting import Cutting, OpenDocument, new_passages, open_document, project_ruler, sensible
from engine.ingest.passages import Cutter, Piece, beginning
from engine.params import CutParams, UncutParams
from engine.records import Document
from engine.store import cuts, documents, following, recuts
from engine.store.following import Followed, Place, SetAside
from engine.store.models import base_model
from engine.store.project import Project
from engine.task import Task

STAGE = "cut documents"
BINS = 36  # of the lengths, each a 24th of what the model reads: the last third shows what is too long
_LIMIT_AT = 24
TRANSACTION = 0.3  # seconds; a person who cancels waits for one
_LISTED = 200
_KEPT_BYTES = 96_000_000
_HEAD = 32_000  # characters that a document's beginning is measured by, for a first look
_FROM_THE_FIRST = -1
_MOST_GOING = 2  # the document that is shown, and the one that is looked at


@dataclass(frozen=True, slots=True)
class CutSummary:
    """What cutting again did.

    Attributes:
        documents: looked at; `changed` of them have other passages now.
        before, after: passages of those documents.
        moved: judgements, reviews, votes and the like that follow their text to another passage.
        restored: set aside by an earlier cutting, and back now.
        aside: without a passage now; the first of them in `set_aside`, all of them in the project.
        mined: mined negatives on passages that are gone.
        recut: names this cutting; it can be taken back until the next one.
    """

    documents: int
    changed: int
    before: int
    after: int
    moved: int
    restored: int
    aside: int
    mined: int
    recut: int
    set_aside: tuple[SetAside, ...] = ()


@dataclass(frozen=True, slots=True)
class UncutSummary:
    """What taking a cutting back did. `left`: documents that were read anew since and stay as they are."""

    documents: int
    left: int
    params: CutParams


@dataclass(frozen=True, slots=True)
class Outlook:
    """What cutting by other settings would change in some documents; sums add up.

    Attributes:
        documents: looked at; `cuttable` of them have their text here, `changed` would get other passages.
        before, after: passages of all of them.
        over: of those after, how many are longer than the model reads.
        moved, aside: judgements and the like that would follow to another passage, and that would be set aside.
        mined: mined negatives on passages that would be gone.
        bins: how many passages after are how long, in 24ths of what the model reads; the last is for all longer ones.
    """

    documents: int = 0
    cuttable: int = 0
    changed: int = 0
    before: int = 0
    after: int = 0
    over: int = 0
    moved: int = 0
    aside: int = 0
    mined: int = 0
    bins: tuple[int, ...] = field(default=(0,) * BINS)

    def __add__(self, other: Outlook) -> Outlook:
        sums = {
            name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__ if name != "bins"
        }
        return Outlook(**sums, bins=tuple(a + b for a, b in zip(self.bins, other.bins, strict=True)))


def cut(project: Project, params: CutParams, task: Task) -> CutSummary:
    """Cut the documents whose passages would be others, from the texts that are kept; labelled passages stay.

    A few documents a transaction: whatever ends it, every document is cut in one way or the other, and the same cutting
    asked for again goes on where it stopped.

    Raises:
        UserError: no document has a text to cut.
        Cancelled: what was cut stays so, and can be taken back.
    """
    cutting = Cutting(project, params)
    total = cuts.count_cuttable(project)
    if not total:
        raise UserError("No document here can be cut.", hint="Passages of labelled sets are kept whole.")
    recut_id = recuts.start_recut(project, cutting.params)
    done = before = after = 0
    sums = Followed()
    for batch in _batches(project):
        while batch:
            task.progress(STAGE, done, total)
            began = time.monotonic()
            with project.db.atomic():
                while batch:
                    followed = _cut_one(cutting, batch.pop(0), recut_id)
                    done += 1
                    before += followed.kept + followed.removed
                    after += followed.kept + followed.added
                    sums += followed
                    if time.monotonic() - began >= TRANSACTION:
                        break
    task.progress(STAGE, total, total)
    changed = recuts.count_changed(project, recut_id)
    found = tuple(following.set_aside(project, limit=_LISTED)) if sums.aside else ()
    summary = CutSummary(
        done, changed, before, after, sums.moved, sums.restored, sums.aside, sums.mined, recut_id, found
    )
    recuts.finish_recut(project, recut_id, {k: v for k, v in asdict(summary).items() if k != "set_aside"})
    if sums.aside:
        task.warn(f"{sums.aside:,} judgements found no passage with most of their text; they are set aside and listed.")
    return summary


def uncut(project: Project, params: UncutParams, task: Task) -> UncutSummary:
    """Take the last cutting back: its documents get their old passages with all that was said of them.

    Raises:
        UserError: there is none.
        Cancelled: what was taken back stays so; asked again it goes on.
    """
    recut = recuts.newest_recut(project)
    if recut is None:
        raise UserError("There is no cutting to take back.", hint="Only the last one can be taken back.")
    ids = recuts.changed_documents(project, recut.id)
    back = 0
    for done, document_id in enumerate(ids):
        task.progress("take back the cutting", done, len(ids))
        back += recuts.take_back(project, recut.id, document_id)
    recuts.finish_take_back(project, recut)
    return UncutSummary(back, len(ids) - back, recut.before)


def _batches(project: Project) -> Iterator[list[int]]:
    last = 0
    while batch := list(cuts.cuttable(project, last)):
        last = batch[-1]
        yield batch


def _cut_one(cutting: Cutting, document_id: int, recut_id: int) -> Followed:
    project = cutting.project
    if cutting.is_cut_so(document_id):
        found = documents.document(project, document_id)
        return Followed(kept=found.n_passages if found else 0)
    opened = open_document(project, document_id, cutting.ruler)
    pieces = opened.cutter.cut(cutting.params)
    if opened.differs(pieces):
        new = new_passages(pieces)
        return recuts.recut_document(project, recut_id, document_id, new, cutting.cut, opened.layout)
    cuts.put_cut(project, document_id, cutting.cut, opened.layout)
    return Followed(kept=len(pieces))


@dataclass(slots=True)
class _Going:
    """A document that is being cut, and its passages so far."""

    steps: Iterator[list[Piece]]
    pieces: list[Piece] = field(default_factory=list)


class Bench:
    """Looks at what a cutting would give; documents that were measured stay at hand for the next setting.

    Attributes:
        limit: tokens of a passage that the base model reads.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._model = 0
        self._ruler: Ruler | None = None
        self._open: OrderedDict[tuple[int, str], OpenDocument] = OrderedDict()
        self._going: OrderedDict[tuple[int, str, CutParams], _Going] = OrderedDict()
        self._head: tuple[tuple[int, str, int], Cutter] | None = None

    @property
    def ruler(self) -> Ruler:
        model = base_model(self._project)
        if self._ruler is None or (model.id if model else 0) != self._model:
            self._model = model.id if model else 0
            self._ruler = project_ruler(self._project)
            self._open.clear()
            self._going.clear()
            self._head = None
        return self._ruler

    @property
    def limit(self) -> int:
        ruler: Ruler = self.ruler
        return ruler.limit

    def pieces(self, document: Document, params: CutParams, until: int | None = None) -> list[Piece]:
        """A document's passages if it were cut so; with `until` only those that begin before that place, at once."""
        params = sensible(params)
        if until is None:
            return self.more(document, params, 0)[0]
        opened = self._opened(document)
        if opened.cutter.is_measured:
            return opened.cutter.cut(params, until)
        reach = (until // _HEAD + 1) * _HEAD
        key = (document.id, document.content_hash, reach)
        if self._head is None or self._head[0] != key:
            self._head = key, beginning(opened.text, opened.layout, self.ruler, reach)
        return self._head[1].cut(params, until)

    def more(
        self, document: Document, params: CutParams, have: int, *, seconds: float = 0.0
    ) -> tuple[list[Piece], bool]:
        """A document's passages from number `have` on, as far as `seconds` reach (0: all), and whether those are all.

        Asked again with the same settings it goes on where it stopped.
        """
        began = time.monotonic()
        going = self._going_on(document, sensible(params))
        for part in going.steps:
            going.pieces += part
            if seconds and time.monotonic() - began > seconds:
                return going.pieces[have:], False
        return going.pieces[have:], True

    def _going_on(self, document: Document, params: CutParams) -> _Going:
        key = (document.id, document.content_hash, params)
        going = self._going.pop(key, None)
        if going is None:
            going = _Going(self._opened(document).cutter.steps(params))
        self._going[key] = going
        while len(self._going) > _MOST_GOING:
            self._going.popitem(last=False)
        return going

    def look(self, params: CutParams, *, after: int = 0, seconds: float = 0.0) -> tuple[Outlook, int]:
        """What would change in documents beyond the id `after`, as far as `seconds` reach (0: to the end).

        Returns that and the id to go on from, 0 where all were looked at. A large document may take several calls.
        """
        ruler, began = self.ruler, time.monotonic()
        params = sensible(params)
        outlook = Outlook()
        while found := documents.documents_after(self._project, after, 200):
            for document in found:
                told = self._of(document, params, ruler, seconds and max(seconds - (time.monotonic() - began), 0.001))
                if told is None:
                    return outlook, after or _FROM_THE_FIRST
                outlook += told
                after = document.id
                if seconds and time.monotonic() - began > seconds:
                    return outlook, after
        return outlook, 0

    def _of(self, document: Document, params: CutParams, ruler: Ruler, seconds: float) -> Outlook | None:
        """What would change in one document; None where the time was over before it was cut."""
        if document.labelled or not documents.has_text(self._project, document.id):
            passages = documents.passages_of(self._project, document.id)
            lengths = ruler.count([passage.search_text for passage in passages])
            return Outlook(1, before=len(passages), after=len(passages), **self._lengths(lengths))
        pieces, done = self.more(document, params, 0, seconds=seconds)
        if not done:
            return None
        opened = self._opened(document, fresh=True)
        sums = self._lengths([piece.tokens for piece in pieces])
        if not opened.differs(pieces):
            return Outlook(1, 1, before=len(pieces), after=len(pieces), **sums)
        moved, aside, mined = self._affected(opened, pieces)
        return Outlook(1, 1, 1, len(opened.passages), len(pieces), moved=moved, aside=aside, mined=mined, **sums)

    def _lengths(self, lengths: Sequence[int]) -> dict[str, Any]:  # Any: values of an Outlook
        bins, limit = [0] * BINS, self.limit
        for tokens in lengths:
            bins[min(tokens * _LIMIT_AT // limit, BINS - 1)] += 1
        return {"bins": tuple(bins), "over": sum(tokens > limit for tokens in lengths)}

    def _affected(self, opened: OpenDocument, pieces: Sequence[Piece]) -> tuple[int, int, int]:
        """(would follow, would be set aside, mined negatives that would go), as the cutting itself decides it."""
        texts = {piece.text for piece in pieces}
        gone = {p.id: Place(p.id, p.start, p.end, p.text, p.heading) for p in opened.passages if p.text not in texts}
        new = [Place(-n, p.start, p.end, p.text, p.heading) for n, p in zip(count(1), pieces, strict=False)]
        return following.foresee(self._project, gone, new)

    def _opened(self, document: Document, *, fresh: bool = False) -> OpenDocument:
        """A document at hand; `fresh`: with its passages as they are stored now."""
        key = (document.id, document.content_hash)
        opened = self._open.pop(key, None)
        if opened is None:
            opened = open_document(self._project, document.id, self.ruler)
        elif fresh:
            opened.passages = documents.passages_of(self._project, document.id)
        self._open[key] = opened
        while len(self._open) > 1 and sum(kept.cutter.size for kept in self._open.values()) > _KEPT_BYTES:
            self._open.popitem(last=False)
        return opened


_benches: WeakKeyDictionary[Project, Bench] = WeakKeyDictionary()


def bench_of(project: Project) -> Bench:
    """The bench of an open project; it goes when the project is closed and forgotten."""
    return _benches.setdefault(project, Bench(project))
