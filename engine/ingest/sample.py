"""The sample project: find a function from the sentence that says what it does, on documentation installed here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Cancelled, UserError
from engine.ingest.docstrings import Documented, documented, without_signature
from engine.ingest.labelled.units import JudgementUnit, PassageUnit, QueryUnit, Unit
from engine.ingest.storing import LabelledWriter
from engine.ingest.tally import ProblemList, Tally
from engine.params import SampleParams
from engine.records import ImportReport, text_hash
from engine.store import documents, imports, queries, seen
from engine.store.project import Project
from engine.task import Task

# Every package of the program that documents functions for people to find; "" is the standard library. Left out:
# transformers (thousands of model classes with one text) and packages of tools without such documentation.
PACKAGES = ("", "numpy", "scipy", "sklearn")
KIND = "docstring"
_PLACE = "sample"  # what its documents have for a path
STAGE = "read documentation"

MIN_WORDS, MAX_WORDS = 4, 30
MIN_BODY_CHARS = 120
# The bundled model reads 256 tokens: what is longer would be cut unseen, and the first thing a newcomer reads would be
# a warning. The beginning is what describes the function; 400 characters (90 tokens) keep the whole story near five
# minutes on two processor cores.
MAX_BODY_CHARS = 400

_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE = re.compile(r"(?<=[a-z0-9)\]'\"`])\.(?:\s+(?=[A-Z])|$)")
# Examples call the function by its name and references quote papers: neither says what it does.
_TAIL = re.compile(
    r"^(?:Examples?|References?|See Also|Methods)\s*\n-{3,}.*?(?=^\S[^\n]*\n-{3,}|\Z)", re.MULTILINE | re.DOTALL
)
# What a C function says first is often how it is called, which nobody would ask.
_CALL = re.compile(r"[\w.]+\(")
_DIRECTIVE = re.compile(r"^\s*\.\. [\w-]+::.*(?:\n(?:[ \t]+\S.*)?)*", re.MULTILINE)
_MARKUP = re.compile(r":\w+:`~?([^`]+)`|``([^`]+)``|`([^`\n]+)`_{0,2}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A documented function: what someone might ask for, and the text that answers."""

    name: str
    query: str
    passage: str


def make_sample(project: Project, params: SampleParams, task: Task) -> ImportReport:
    """Fill the project with the sample: queries, passages and which answers which; the same each time on one machine.

    No official split is given; the split stage makes one. Calling it again changes nothing.

    Raises:
        UserError: the project holds other things, or the documentation was stripped from this installation.
        Cancelled: what was stored before stays.
    """
    _check_free(project)
    task.progress(STAGE, 0, 0)
    entries = choose(entries_of(documented(PACKAGES, lambda _: task.check_cancelled())), params)
    if len(entries) < 100:
        raise UserError(
            "There is too little documentation on this machine to make the sample.", hint="Import your own documents."
        )
    import_id = imports.start_import(project, [_PLACE], "sample")
    tally = Tally()
    problems = ProblemList(project, import_id)
    writer = LabelledWriter(
        project,
        import_id=import_id,
        tally=tally,
        problems=problems,
        path=Path(_PLACE),
        kind=KIND,
        source="sample",
    )
    try:
        for count, unit in enumerate(_units(entries), 1):
            if writer.add(unit):
                task.progress(STAGE, count, 3 * len(entries))
        writer.flush()
    except Cancelled:
        imports.finish_import(project, import_id, tally.counts())
        raise
    imports.finish_import(project, import_id, tally.counts())
    report = imports.import_report(project, import_id)
    assert report is not None  # it was written in the line before
    return report


def _check_free(project: Project) -> None:
    """Refuse a project of a person's own, whose search and figures thousands of foreign texts would spoil."""
    held = documents.count_documents(project), queries.count_queries(project)
    if any(held) and not seen.count_from(project, _PLACE):
        raise UserError(
            f"The project in {project.path} holds other things: {held[0]:,} documents, {held[1]:,} queries.",
            hint="Make the sample in a folder of its own: searchsmith sample NEW-FOLDER",
        )


def entries_of(docs: list[Documented]) -> list[Entry]:
    """Docstrings that are a sentence and something more, in order of name; equal passages once."""
    found: dict[str, Entry] = {}
    for doc in docs:
        entry = entry_of(doc)
        if entry is not None:
            found.setdefault(text_hash(entry.passage), entry)
    return list(found.values())


def entry_of(doc: Documented) -> Entry | None:
    """Cut a docstring into its summary sentence (the query) and the rest (the passage), None where either is poor.

    The passage holds neither the summary nor, before it, the function's name: else the name alone would find it and
    the task would measure spelling. Names that stand in the rest by themselves stay, as in any documentation.
    """
    text = _plain(without_signature(doc.doc)).strip()
    first, *rest = _PARAGRAPH.split(text, maxsplit=1)
    summary, more = _first_sentence(" ".join(first.split()))
    body = "\n\n".join(part for part in (more, rest[0] if rest else "") if part.strip())
    body = _shortened(_unwrapped(_TAIL.sub("", body).strip()))
    words = summary.split()
    if not MIN_WORDS <= len(words) <= MAX_WORDS or len(body) < MIN_BODY_CHARS:
        return None
    if (
        not summary[0].isalpha()
        or _CALL.match(summary)
        or summary.endswith(":")
        or summary.casefold() in body.casefold()
    ):
        return None
    return Entry(doc.name, summary.rstrip("."), body)


def choose(entries: list[Entry], params: SampleParams) -> list[Entry]:
    """At most `max_queries` of them, in order of name.

    Each name has its own place in the draw, so that another version of one package changes few of the others.
    """
    drawn = sorted(entries, key=lambda entry: text_hash(f"{params.seed} {entry.name}"))[: params.max_queries]
    return sorted(drawn, key=lambda entry: entry.name)


def _first_sentence(paragraph: str) -> tuple[str, str]:
    match = _SENTENCE.search(paragraph)
    return (paragraph[: match.start()], paragraph[match.end() :]) if match else (paragraph, "")


def _unwrapped(body: str) -> str:
    """Paragraphs as one line each; what is indented or underlined (lists, tables, code) keeps its lines."""
    paragraphs = _PARAGRAPH.split(body)
    return "\n\n".join(
        part if re.search(r"^(?:[ \t]|-{3,})", part, re.MULTILINE) else " ".join(part.split()) for part in paragraphs
    )


def _shortened(body: str) -> str:
    """The beginning of a long body, up to the end of a sentence, else of a line, else of a word."""
    if len(body) <= MAX_BODY_CHARS:
        return body
    ends = (body.rfind(mark, MIN_BODY_CHARS, MAX_BODY_CHARS) + 1 for mark in (". ", "\n", " "))
    return body[: next((end for end in ends if end), MAX_BODY_CHARS)].rstrip()


def _plain(text: str) -> str:
    """Take reStructuredText marks out: directives (versions, notes on deprecation) and roles."""
    text = _DIRECTIVE.sub("", text)
    return _MARKUP.sub(lambda match: next(group for group in match.groups() if group is not None), text)


def _units(entries: list[Entry]) -> Iterator[Unit]:
    for line, entry in enumerate(entries, 1):
        yield PassageUnit("sample", line, entry.passage, external_id=entry.name, title=entry.name)
        yield QueryUnit("sample", line, entry.query, external_id=entry.name)
        yield JudgementUnit("sample", line, entry.name, entry.name, 1)
