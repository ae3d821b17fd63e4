"""The sample is made from what is installed: the same each time, honest, and large enough to learn from."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from engine.errors import UserError
from engine.ingest.docstrings import Documented, documented, without_signature
from engine.ingest.sample import choose, entries_of, entry_of, make_sample
from engine.params import SampleParams
from engine.store import documents, imports, queries
from engine.store.project import Project
from engine.task import Task

BODY = "It reads the permission bits of one file and sets them on the other. Symbolic links are followed unless it is told not to follow."


def test_the_summary_is_the_query_and_the_rest_is_the_passage():
    entry = entry_of(Documented("shutil.copymode", f"Copy the mode bits to another file.\n\n{BODY}"))
    assert entry is not None
    assert (entry.query, entry.passage) == ("Copy the mode bits to another file", BODY)


def test_a_passage_never_holds_its_query():
    doc = f"Copy the mode bits to another file.\n\n{BODY} Copy the mode bits to another file."
    assert entry_of(Documented("a", doc)) is None


@pytest.mark.parametrize("doc", ["", "Too short.", "Copy the mode bits to another file.", f"Init.\n\n{BODY}"])
def test_poor_docstrings_are_left_out(doc):
    assert entry_of(Documented("a", doc)) is None


def test_examples_and_references_are_cut_off():
    doc = (
        f"Copy the mode bits to another file.\n\n{BODY}\n\nExamples\n--------\n>>> copymode(1)\n\nNotes\n-----\nFast.\n"
    )
    entry = entry_of(Documented("a", doc))
    assert entry is not None
    assert ">>>" not in entry.passage
    assert entry.passage.endswith("Fast.")


def test_the_call_line_of_compiled_functions_is_no_summary():
    assert without_signature("add(x1, x2, /, out=None)\n\nAdd arguments.") == "Add arguments."


@pytest.mark.parametrize("what", ["document", "query"])
def test_a_project_that_holds_other_things_gets_no_sample(tmp_path, what):
    with Project.create(tmp_path / "law") as project:
        if what == "query":
            queries.put_queries(project, [queries.NewQuery("when is a deed void")], import_id=None)
        else:
            import_id = imports.start_import(project, ["a"], "documents")
            new = documents.NewDocument("a", "a.md", "md", "1")
            documents.put_document(project, new, [documents.NewPassage("A deed.")], import_id=import_id)
        with pytest.raises(UserError, match=f"law holds other things: .*1 {what[:4]}") as refused:
            make_sample(project, SampleParams(), Task())
        assert "sample NEW-FOLDER" in refused.value.hint
        assert documents.count_documents(project) == (what == "document")


def test_nothing_is_imported_to_be_read():
    script = (
        "import sys; from engine.ingest.docstrings import documented; found = documented(['email', 'antigravity']);"
        "assert any(entry.name == 'email.message.Message.get_payload' for entry in found);"
        "assert 'email.message' not in sys.modules and 'antigravity' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_private_and_window_modules_are_left_out():
    names = [entry.name for entry in documented([""])]
    assert not [name for name in names if name.split(".")[0] in ("tkinter", "idlelib", "turtle", "this", "test")]
    assert not [name for name in names if any(part.startswith("_") for part in name.split("."))]


def test_the_choice_is_seeded_and_in_order():
    entries = entries_of(documented([""]))
    params = SampleParams(max_queries=50)
    assert choose(entries, params) == choose(entries, params) != choose(entries, SampleParams(max_queries=50, seed=14))
    assert [entry.name for entry in choose(entries, params)] == sorted(entry.name for entry in choose(entries, params))


def test_the_sample_is_large_enough_quick_and_the_same_again(tmp_path):
    with Project.create(tmp_path / "project") as project:
        began = time.monotonic()
        report = make_sample(project, SampleParams(), Task())
        assert time.monotonic() - began < 30
        assert report.counts.passages >= 2500
        assert report.counts.queries >= 2300
        assert report.counts.qrels == report.counts.passages
        assert report.counts.new + report.counts.unchanged == 3 * report.counts.passages
        assert report.problems == ()
        assert all(query.official_split is None for query in queries.all_queries(project))
        passage = next(documents.all_passages(project))
        assert passage.heading == ""
        assert documents.document(project, passage.document_id).title == passage.external_id
        again = make_sample(project, SampleParams(), Task())
        assert (again.counts.new, again.counts.passages) == (0, 0)
