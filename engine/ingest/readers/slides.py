"""PPTX: a section a slide under its title, with tables and the speaker's notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from engine.errors import FormatError
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.readers.zipped import check_archive


def read_pptx(path: Path, beat: Callable[[], None] = lambda: None) -> ReadDocument:
    """Slides in their order; a slide is a page, so that a hit can name it.

    Raises:
        FormatError: damaged, with a password, made to exhaust a reader, or without text.
    """
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    check_archive(path, doctype_of="PPTX")
    try:
        shown = Presentation(str(path))
        outline = Outline()
        for slide in shown.slides:
            beat()
            _slide(outline, slide)
        title = str(shown.core_properties.title or "").strip()
    except (PythonPptxError, KeyError, ValueError, AttributeError, IndexError, OSError, SyntaxError) as error:
        raise FormatError(f"{path.name} is a damaged PPTX file.", hint="Open it and save it again.") from error
    if outline.is_empty:
        raise FormatError(f"{path.name} holds no text.", hint="If it holds pictures of text, save it as PDF after OCR.")
    return outline.build(title or path.stem, "pptx")


def _slide(outline: Outline, slide: Any) -> None:  # Any: python-pptx ships no types
    outline.page()
    head = slide.shapes.title
    title = head.text_frame.text if head is not None and head.has_text_frame else ""
    outline.heading(1, title)
    for shape in _in_reading_order(slide.shapes):
        if head is not None and shape.shape_id == head.shape_id:
            continue
        outline.paragraph("\n".join(_lines(shape)))
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        outline.paragraph(slide.notes_slide.notes_text_frame.text)


def _in_reading_order(shapes: Iterable[Any]) -> Iterator[Any]:
    """Shapes from the top down, those within a group where the group stands."""
    for shape in sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
        if hasattr(shape, "shapes"):
            yield from _in_reading_order(shape.shapes)
        else:
            yield shape


def _lines(shape: Any) -> Iterator[str]:
    if getattr(shape, "has_table", False):
        for row in shape.table.rows:
            yield " | ".join(" ".join(cell.text.split()) for cell in row.cells)
    elif shape.has_text_frame:
        for paragraph in shape.text_frame.paragraphs:
            words = "".join(run.text for run in paragraph.runs) or paragraph.text
            if words.strip():
                yield f"{'  ' * paragraph.level}{words}"
