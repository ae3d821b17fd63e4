"""Cutting for a project: by its settings, measured with its base model, kept so that it can be done again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.encode.models import BUNDLED, folder_of
from engine.encode.rulers import Ruler
from engine.ingest.document import ReadDocument
from engine.ingest.passages import SMALLEST, Cutter, Piece, cut_passages, layout_of
from engine.params import CutParams, ImportParams
from engine.records import Passage
from engine.store import cuts, documents, following
from engine.store.cuts import Cut
from engine.store.documents import NewDocument, NewPassage
from engine.store.models import base_model
from engine.store.project import Project


@dataclass(frozen=True, slots=True)
class Put:
    """A document that was stored. `aside`: judgements and the like whose text is in none of its passages any more."""

    document_id: int
    passages: int
    aside: int


class Cutting:
    """How documents are cut in a project; the tokenizer is opened with the first one."""

    def __init__(self, project: Project, params: CutParams) -> None:
        self.project = project
        self.params = sensible(params)
        self._ruler: Ruler | None = None

    @property
    def ruler(self) -> Ruler:
        """
        Raises:
            ModelError: the base model has no tokenizer that can be read.
        """
        if self._ruler is None:
            self._ruler = project_ruler(self.project)
        return self._ruler

    @property
    def cut(self) -> Cut:
        return Cut(self.params, self.ruler.digest)

    def put(self, new: NewDocument, document: ReadDocument, *, import_id: int) -> Put:
        """Cut what was read and store it with how it was cut, in one transaction."""
        passages = new_passages(cut_passages(document, self.params, self.ruler))
        with self.project.db.atomic():
            before = following.count_set_aside(self.project)
            document_id = documents.put_document(self.project, new, passages, import_id=import_id)
            cuts.put_cut(self.project, document_id, self.cut, layout_of(document))
            aside = following.count_set_aside(self.project) - before
        return Put(document_id, len(passages), max(aside, 0))

    def is_cut_so(self, document_id: int) -> bool:
        """Whether a document was cut by these settings and this tokenizer."""
        return cuts.cut_of(self.project, document_id) == self.cut

    def again(self, document_id: int) -> int:
        """Cut a document of the project by these settings, from the text that is kept; returns its passages.

        Judgements follow their text, as `engine.store.following` says.
        """
        opened = open_document(self.project, document_id, self.ruler)
        passages = new_passages(opened.cutter.cut(self.params))
        with self.project.db.atomic():
            following.replace_passages(self.project, document_id, passages, same_text=True)
            cuts.put_cut(self.project, document_id, self.cut, opened.layout)
        return len(passages)


class OpenDocument:
    """A document of the project, ready to be cut in any way.

    Attributes:
        passages: as they are stored.
        text: the whole.
    """

    def __init__(self, text: str, passages: list[Passage], layout: cuts.Layout, ruler: Ruler) -> None:
        self.text = text
        self.passages = passages
        self.layout = layout
        self.cutter = Cutter(text, layout, ruler)

    def differs(self, pieces: list[Piece]) -> bool:
        """Whether another cut gives other passages than those that are stored."""
        now = [(found.heading, found.start, found.end) for found in self.passages]
        return now != [(piece.heading, piece.start, piece.end) for piece in pieces]


def open_document(project: Project, document_id: int, ruler: Ruler) -> OpenDocument:
    """Measure a document whose whole text is kept."""
    passages = documents.passages_of(project, document_id)
    text = documents.document_text(project, document_id)
    return OpenDocument(text, passages, cuts.layout_of(project, document_id, text, passages), ruler)


def project_ruler(project: Project) -> Ruler:
    """Measures texts as the project's base model does, or the bundled one where it has none yet."""
    model = base_model(project)
    folder = folder_of(project, model) if model else BUNDLED.path()
    return Ruler(folder, model.max_length if model else BUNDLED_LENGTH)


def sensible(params: CutParams) -> CutParams:
    """At least so many tokens that text has room, and an overlap under half of them."""
    tokens = max(SMALLEST, params.passage_tokens)
    return replace(params, passage_tokens=tokens, overlap_tokens=min(max(params.overlap_tokens, 0), tokens // 2))


def import_cut(project: Project, params: ImportParams) -> CutParams:
    """How an import cuts: as it says, and where it does not, as the project is cut."""
    asked = project_cut = cuts.project_cut(project)
    if params.passage_tokens > 0:
        asked = replace(asked, passage_tokens=params.passage_tokens)
    if params.overlap_tokens >= 0:
        asked = replace(asked, overlap_tokens=params.overlap_tokens)
    if params.headings is not None:
        asked = replace(asked, headings=params.headings)
    if asked != project_cut:
        cuts.set_project_cut(project, asked)
    return asked


def set_aside_words(count: int) -> str:
    """What is said of a file whose new text leaves judgements without a passage."""
    what = "1 judgement was" if count == 1 else f"{count:,} judgements were"
    return f"{what} set aside: the text they were made on is in no passage any more"


def new_passages(pieces: list[Piece]) -> list[NewPassage]:
    return [NewPassage(found.text, found.heading, "", found.start, found.end, found.page) for found in pieces]


BUNDLED_LENGTH = 256  # tokens that the bundled model reads
