"""A folder of 160 real files, good, odd and broken, through the command line: each comes in whole or is listed."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.records import ImportProblem
from engine.store import documents, imports
from engine.store.project import Project
from gui import words
from gui.dialogs.import_window import ImportWindow
from gui.pages.documents.outcome import COUNTERS
from tests.datasets import shared_data
from tests.e2e.engine import ROOT
from tests.engine.ingest.references import UNSOUND, reference, word_recall

pytest.importorskip("pypdf")
pytest.importorskip("docx")

# What does not come in, and words of the reason it is listed with. A password may also be asked for.
LISTED = {
    "broken/aes-256.pdf": "password",
    "broken/cut.pdf": "damaged",
    "broken/droste.zip": "an archive within 3 others",
    "broken/emoji 😀 name — 空.txt": "is empty",
    "broken/empty.pdf": "is empty",
    "broken/empty.txt": "is empty",
    "broken/fake-text-all-whitespace.txt": "nothing but blanks",
    "broken/gbk.zip": "is empty",
    "broken/libreoffice-writer-password.pdf": "password",
    "broken/loremipsum-flat.pdf": "has no text on its one page (a scan?)",
    "broken/password-example.pdf": "password",
    "broken/random.bin": "files ending in .bin are not read",
    "broken/rc4-40.pdf": "password",
    "broken/testOCR.pdf": "(a scan?)",
    "broken/testODTnotaZipFile.odt": "named like an ODT file but is none",
    "broken/testWORD_protected_passtika.docx": "password",
    "broken/testWORD_truncated.docx": "damaged",
    "broken/testZIP_corrupted_oom.zip": "damaged",
    "broken/testZipEncrypted.zip": "password",
    "broken/truncated.epub": "damaged",
    "broken/unpacks-to-100MB.docx": "unpacks to far more than a document holds",
    "csv/csv-inconsistent-header.csv": "4 columns where the first line names 3",
    "docx/having-images.docx": "holds no text",
    "docx/tbl-having-tables.docx": "holds no text",
    "duplicates/copy of word_sample.docx": "the same, byte for byte, as docx/word_sample.docx",
    "html/test_blog.html": "the same, byte for byte, as broken/really-html.docx",
    "other/testWORD.doc": "an old Office file",
    "pdf/minimal-document.pdf": "the same, byte for byte, as broken/really-a-pdf.txt",
}
# Rows that are left out of files that come in otherwise.
ROWS_LEFT_OUT = {"csv/csv-too-many-columns.csv"}
MAX_MB = 1024

# Runs the command line and tells the most memory that it or any process below it held; notes every file opened.
_MEASURE = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[2:], stdout=sys.stderr).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1 if sys.platform != "darwin" else 1024)
open(sys.argv[1], "w").write(json.dumps([code, peak / 1024]))
"""
_WATCH = """
import os, sys
log = os.open(os.environ["OPENED_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def opened(event, arguments, write=os.write):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        write(log, os.fsencode(os.path.abspath(arguments[0])).replace(b"\\n", b"?") + b"\\n")
sys.addaudithook(opened)
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """(project, peak in MB, files opened) after one import of the whole folder."""
    folder = shared_data("mixed-docs")
    place = tmp_path_factory.mktemp("mixed")
    (place / "watch").mkdir()
    (place / "watch" / "sitecustomize.py").write_text(_WATCH, encoding="utf-8")
    (place / "temp").mkdir()
    main = [sys.executable, str(ROOT / "main.py")]
    subprocess.run([*main, "new", str(place / "p")], check=True, capture_output=True)
    log = place / "opened.txt"
    environment = os.environ | {
        "PYTHONPATH": str(place / "watch"),
        "OPENED_LOG": str(log),
        "TMPDIR": str(place / "temp"),
    }
    command = [*main, "import", str(place / "p"), str(folder), "--quiet", "--json"]
    measure = [sys.executable, "-S", "-c", _MEASURE, str(place / "peak.json")]
    subprocess.run([*measure, *command], env=environment, check=True, capture_output=True, timeout=900)
    code, peak = json.loads((place / "peak.json").read_text(encoding="utf-8"))
    assert code == 0
    opened = {Path(line) for line in log.read_text(encoding="utf-8", errors="replace").splitlines()}
    with Project.open(place / "p", readonly=True) as project:
        yield project, peak, opened, place


def _names() -> list[str]:
    path = shared_data("mixed-docs") / "manifest.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [row["file"] for row in csv.DictReader(file)]


def _problems(project: Project) -> list[ImportProblem]:
    (report,) = imports.import_reports(project)
    return imports.problems_of(project, report.id)


@pytest.mark.slow
def test_every_file_comes_in_or_is_listed_with_its_reason(imported):
    project, *_ = imported
    root = shared_data("mixed-docs")
    stored = {path for path, _ in documents.paths_of_files(project)}
    problems = _problems(project)
    wrong = []
    for name in _names():
        reasons = [one.reason for one in problems if one.file == name or one.file.startswith(f"{name}/")]
        if name in LISTED:
            fine = any(LISTED[name] in reason for reason in reasons) and str(root / name) not in stored
        else:
            fine = str(root / name) in stored and (not reasons or name in ROWS_LEFT_OUT)
        if not fine:
            wrong.append((name, str(root / name) in stored, reasons))
    assert wrong == []


@pytest.mark.slow
def test_what_came_in_has_the_words_that_other_readers_find(imported):
    project, *_ = imported
    root = shared_data("mixed-docs")
    poor = {}
    for name in _names():
        document = documents.document_at(project, str(root / name))
        if document is None or name in UNSOUND:
            continue
        headings = dict.fromkeys(passage.heading for passage in documents.passages_of(project, document.id))
        ours = " ".join([document.title, documents.document_text(project, document.id), *headings])
        recall = word_recall(reference(root, name), ours) if reference(root, name) else float(bool(ours.strip()))
        if recall < 0.95:
            poor[name] = round(recall, 3)
    assert poor == {}


@pytest.mark.slow
def test_the_counters_add_up_to_what_was_found(imported):
    project, *_ = imported
    (report,) = imports.import_reports(project)
    counts = report.counts
    problems = _problems(project)
    whole_files = [one for one in problems if one.line == 0]
    assert counts.skipped == len(whole_files)
    assert counts.new == counts.documents == documents.count_documents(project)
    found = {one.file for one in whole_files if one.file in set(_names())} | {
        path for path, _ in documents.paths_of_files(project)
    }
    archives = {name for name in LISTED if name.endswith(".zip") and name not in found}
    inside = [one for one in whole_files if ".zip/" in one.file]
    beside = 3  # README.md, manifest.csv and reference.txt
    out_of_archives = sum(".zip/" in path for path, _ in documents.paths_of_files(project))
    assert counts.new + counts.skipped == 160 + beside - len(archives) + len(inside) + out_of_archives


@pytest.mark.slow
def test_no_process_of_the_import_takes_a_gigabyte(imported):
    _, peak, *_ = imported
    assert 50 < peak <= MAX_MB


@pytest.mark.slow
def test_nothing_is_opened_outside_the_folder_the_project_and_the_program(imported):
    _, _, opened, place = imported
    program = [
        Path(sys.prefix),
        Path(sys.base_prefix),
        ROOT,
        *map(Path, ("/usr", "/proc", "/sys", "/dev", "/etc", "/lib")),
    ]
    allowed = [shared_data("mixed-docs"), place, *program, *(path.resolve() for path in program)]
    outside = sorted(str(path) for path in opened if not any(path.is_relative_to(root) for root in allowed))
    assert shared_data("mixed-docs") / "pdf" / "simple4.pdf" in opened
    assert outside == []


@pytest.mark.slow
def test_the_window_says_of_every_file_what_the_command_line_says(imported, window, qtbot):
    project, *_ = imported
    (report,) = imports.import_reports(project)
    window.show_page("documents")
    page = window.page("documents")
    page.import_paths([str(shared_data("mixed-docs"))])
    (dialog,) = page.findChildren(ImportWindow)
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=300_000)
    dialog.ok.click()
    job = window._session.queue.running
    qtbot.waitUntil(lambda: job.is_over, timeout=900_000)
    qtbot.waitUntil(page.is_settled, timeout=60_000)
    page.show_imports()
    qtbot.waitUntil(lambda: page.imports.list.model().rowCount() == 1 and page.is_settled(), timeout=60_000)
    figures = {name: page.imports.figures[name].value() for name in COUNTERS}
    assert figures == {name: words.count(getattr(report.counts, name)) for name in COUNTERS}
    found = sum(getattr(report.counts, name) for name in COUNTERS)
    assert page.imports.figures["found"].value() == words.count(found)
    model = page.imports.problems.model
    qtbot.waitUntil(lambda: model.total() == len(_problems(project)), timeout=60_000)
    listed = []
    for row in range(model.total()):
        qtbot.waitUntil(lambda row=row: model.record(row) is not None, timeout=60_000)
        shown = model.record(row)
        assert model.index(row, 0).data() == words.plain(Path(shown.file).name, 300)
        assert model.index(row, 2).data() == words.plain(shown.bare_reason, 500)
        listed.append((shown.file, shown.line, shown.code, shown.reason))
    assert sorted(listed) == sorted((one.file, one.line, one.code, one.reason) for one in _problems(project))
    with Project.open(window._session.path, readonly=True) as other:
        texts = {path: documents.document_text(other, number) for path, number in documents.paths_of_files(other)}
    assert texts == {
        path: documents.document_text(project, number) for path, number in documents.paths_of_files(project)
    }
