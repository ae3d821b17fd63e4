"""What the import window says of files: kinds and counts, and what each row of a table becomes."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from engine.formats import LABELLED, ImportPreview, PreviewCounts, PreviewFile, PreviewTable
from gui import words
from gui.amounts import amount
from gui.phrases import fill


def _tr(text: str) -> str:
    return QCoreApplication.translate("ImportSentences", text)


def kinds_sentence(seen: ImportPreview) -> str:
    """`1 labelled set (BEIR). 83 documents: 57 PDF, 26 DOCX. 8 files are left out.`"""
    parts = []
    sets = [kind for kind in seen.kinds if kind.kind == "labelled"]
    if sets:
        names = ", ".join(f"{words.count(kind.files)} {LABELLED.get(kind.format, kind.format)}" for kind in sets)
        total = amount(sum(kind.files for kind in sets), _tr("labelled set"), _tr("labelled sets"))
        parts.append(f"{total}: {names}.")
    papers = [kind for kind in seen.kinds if kind.kind == "documents"]
    if papers:
        names = ", ".join(f"{words.count(kind.files)} {kind.format.upper()}" for kind in papers)
        total = amount(sum(kind.files for kind in papers), _tr("document"), _tr("documents"))
        size = words.size(sum(kind.bytes for kind in papers))
        parts.append(f"{total} ({size}): {names}.")
    left = sum(kind.files for kind in seen.kinds if kind.kind == "skipped")
    if left:
        parts.append(fill(_tr("%1 left out."), amount(left, _tr("file is"), _tr("files are"))))
    if not seen.complete:
        parts.append(_tr("There are too many files to look into each; kinds are told by their names."))
    return " ".join(parts)


def sentence_of(file: PreviewFile, format: str) -> str:
    """What a file becomes when it is read as `format`."""
    if format == "documents":
        return _tr("Read as documents: cut into passages, without queries.")
    if format == "table" and file.table is not None:
        return table_sentence(file.table)
    return counts_sentence(file.counts) if file.counts is not None else ""


def counts_sentence(counts: PreviewCounts) -> str:
    kinds = (
        (counts.queries, _tr("query"), _tr("queries")),
        (counts.passages, _tr("passage"), _tr("passages")),
        (counts.judgements, _tr("judgement"), _tr("judgements")),
        (counts.negatives, _tr("negative"), _tr("negatives")),
        (counts.hits, _tr("hit of a run"), _tr("hits of a run")),
        (counts.skipped, _tr("line that cannot be taken"), _tr("lines that cannot be taken")),
    )
    said = ", ".join(amount(number, one, many) for number, one, many in kinds if number)
    if not said:
        return _tr("Nothing in it can be taken.")
    return fill(_tr("Brings %1.") if counts.complete else _tr("Brings at least %1."), said)


def table_sentence(table: PreviewTable) -> str:
    """`Each row: a query from q_text, answered by the passage with the id in pid. 1,204 rows usable, ...`"""
    if table.fault:
        return words.plain(table.fault, 300)
    of: dict[str, str] = {}
    for name, role in table.roles.items():
        said = f"“{words.plain(name, 60)}”"
        of[role] = f"{of[role]}, {said}" if role in of else said
    if "query" not in of:
        return _tr("Say which column is the query.")
    parts = [fill(_tr("a query from %1"), of["query"])]
    for role, said in (
        ("positive", _tr("answered by the text in %1")),
        ("passage_id", _tr("answered by the passage whose id is in %1")),
        ("negative", _tr("not answered by %1")),
        ("score", _tr("as much as %1 says")),
        ("group", _tr("kept together by %1")),
        ("split", _tr("in the split of %1")),
    ):
        if role in of:
            parts.append(fill(said, of[role]))
    counts = [fill(_tr("%1 usable"), amount(table.usable, _tr("row"), _tr("rows")))]
    if table.text_only:
        said = _tr("%1 of them by their text alone, because no passage here has their id")
        counts.append(fill(said, words.count(table.text_only)))
    if table.unmatched:
        counts.append(fill(_tr("%1 without a matching passage"), words.count(table.unmatched)))
    if table.skipped:
        why = words.plain(table.why, 120)
        counts.append(fill(_tr("%1 that cannot be taken (%2)"), words.count(table.skipped), why))
    text = fill(_tr("Each row: %1. %2"), ", ".join(parts), ", ".join(counts))
    return f"{text}." if table.complete else fill(_tr("%1, in the first %2 rows."), text, words.count(table.counted))
