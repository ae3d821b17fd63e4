"""A document as its reader hands it over: text, headings and pages, with offsets into the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import LimitError
from engine.ingest.limits import more, raised
from engine.records import ImportProblem

TABLE_KINDS = ("csv", "tsv", "jsonl", "json")
MAX_CHARS = 50_000_000  # output cap of a reader, after Tika's and Recoll's limits; War and Peace has 3 million

_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document's text under one heading path, outermost heading first."""

    path: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """What a reader got out of a file.

    Sections lie in order and cover all of `text` but headings (they are in the paths of the sections below them).
    `page_starts` holds the offset of each page's first character, empty where there are no pages. `problems` are rows
    of a table that could not be taken.
    """

    title: str
    kind: str
    text: str
    sections: tuple[Section, ...]
    page_starts: tuple[int, ...] = ()
    problems: tuple[ImportProblem, ...] = ()

    def page_at(self, offset: int) -> int:
        """The page that holds `offset`, from 1; 0 where there are no pages."""
        return bisect_right(self.page_starts, offset)

    def heading(self, section: Section) -> str:
        """`Title > Section`, without saying the same twice in a row; a table's rows have titles of their own."""
        parts: list[str] = []
        for part in section.path if self.kind in TABLE_KINDS else (self.title, *section.path):
            if part and (not parts or part.casefold() != parts[-1].casefold()):
                parts.append(part)
        return " > ".join(parts)


def check_chars(name: str, chars: int) -> None:
    """
    Raises:
        LimitError: the file `name` gives more text than a document may.
    """
    if chars > raised(MAX_CHARS):
        raise LimitError(f"{name} holds more than {raised(MAX_CHARS):,} characters.", hint=more("split it into parts"))


def clean(text: str) -> str:
    """Give `text` plain line ends and take out what no person wrote: control characters, marks, lone surrogates."""
    text = _BREAKS.sub("\n", text)
    text = _CONTROLS.sub("", text)
    return _SURROGATES.sub("\ufffd", text)


class Outline:
    """Builds a `ReadDocument` from headings, paragraphs, table rows and pages in reading order."""

    def __init__(self) -> None:
        # level, text; level 0 is a paragraph, -1 one that is a section of its own
        self._blocks: list[tuple[int, str]] = []
        self._pages: list[int] = []  # index of each page's first block
        self._titles: dict[int, str] = {}  # of rows, by their block

    @property
    def is_empty(self) -> bool:
        return not self._blocks

    @property
    def only_top_heading(self) -> str:
        """The one heading of the outermost level, which is the document's title; "" where there are several or none."""
        levels = [level for level, _ in self._blocks if level > 0]
        tops = [text for level, text in self._blocks if levels and level == min(levels)]
        return tops[0] if len(tops) == 1 and levels[0] == min(levels) else ""

    def page(self) -> None:
        """The next block begins a new page."""
        self._pages.append(len(self._blocks))

    def heading(self, level: int, text: str) -> None:
        """A heading; `level` 1 is the outermost. Blank ones are left out."""
        if line := _one_line(text):
            self._blocks.append((level, line))

    def paragraph(self, text: str) -> None:
        """A block of text. Blank ones are left out."""
        if text := clean(text).strip():
            self._blocks.append((0, text))

    def row(self, title: str, text: str) -> None:
        """A row of a table: a section by itself. Blank ones are left out."""
        if text := clean(text).strip():
            self._titles[len(self._blocks)] = _one_line(title)
            self._blocks.append((-1, text))

    def build(self, title: str, kind: str, problems: tuple[ImportProblem, ...] = ()) -> ReadDocument:
        text = "\n\n".join(block for _, block in self._blocks)
        starts = [0]
        for _, block in self._blocks:
            starts.append(starts[-1] + len(block) + 2)
        pages = tuple(min(starts[index], len(text)) for index in self._pages)
        return ReadDocument(_one_line(title), kind, text, tuple(self._sections(starts)), pages, problems)

    def _sections(self, starts: list[int]) -> Iterator[Section]:
        path: list[tuple[int, str]] = []
        index = 0
        while index < len(self._blocks):
            level, line = self._blocks[index]
            first = index
            index += 1
            if level > 0:
                path = [entry for entry in path if entry[0] < level]
                if self._says_all(index, level):
                    yield Section(tuple(text for _, text in path), starts[first], starts[index] - 2)
                path.append((level, line))
                continue
            while level == 0 and index < len(self._blocks) and self._blocks[index][0] == 0:
                index += 1
            titles = [text for _, text in path] + ([self._titles[first]] if self._titles.get(first) else [])
            yield Section(tuple(titles), starts[first], starts[index] - 2)

    def _says_all(self, after: int, level: int) -> bool:
        """Whether a heading has nothing below it: its words stand in no path, so they must be a text themselves."""
        if after >= len(self._blocks):
            return True
        return 0 < self._blocks[after][0] <= level


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())
