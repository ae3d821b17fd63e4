"""Commands around imports: what a preview offers, the list of imports, taking one back by its number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import main
from engine.ingest.importing import import_paths
from engine.params import ImportParams
from engine.store.project import Project
from engine.task import Task


@pytest.fixture
def place(tmp_path):
    """A project with two imports."""
    with Project.create(tmp_path / "p") as project:
        for name in ("one", "two"):
            pair = {"query": f"how {name}", "pos": [f"very {name}"], "neg": []}
            (tmp_path / f"{name}.jsonl").write_text(json.dumps(pair), encoding="utf-8")
            import_paths(project, ImportParams(paths=(str(tmp_path / f"{name}.jsonl"),)), Task())
    return tmp_path / "p"


def _said(capsys, *words: object) -> str:
    assert main([str(word) for word in words]) == 0
    return str(capsys.readouterr().out)


def test_imports_are_listed_and_taken_back_by_number(place, capsys):
    listed = json.loads(_said(capsys, "imports", "list", place, "--json"))["imports"]
    told = [(one["id"], one["new"], one["state"], Path(one["paths"][0]).name) for one in listed]
    assert told == [(2, 1, "done", "two.jsonl"), (1, 1, "done", "one.jsonl")]
    assert "1 documents, 1 passages, 1 queries, 1 qrels" in _said(capsys, "undo-import", place, 1)
    assert "one.jsonl" in _said(capsys, "imports", "list", place)
    listed = json.loads(_said(capsys, "imports", "list", place, "--json"))["imports"]
    assert [one["state"] for one in listed] == ["done", "taken back"]
    assert "Import 2 is taken back" in _said(capsys, "undo-import", place)
    assert main(["undo-import", str(place)]) == 1
    assert capsys.readouterr().err.strip() == "searchsmith: There is no import to take back."


def test_a_problem_that_is_not_there_cannot_be_ignored(place, tmp_path, capsys):
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"%PDF-1.4 cut")
    main(["import", str(place), str(bad)])
    capsys.readouterr()
    assert main(["problems", "ignore", str(place), "1", "99"]) == 1
    assert "There is no open problem 99. searchsmith problems list" in capsys.readouterr().err
    assert "changed: 1" in _said(capsys, "problems", "ignore", place, 1)
    assert "changed: 1" in _said(capsys, "problems", "ignore", place, 1, "--undo")


def test_a_preview_offers_to_read_a_table_of_questions_as_such(place, tmp_path, capsys):
    table = tmp_path / "faq's.csv"
    table.write_text("q text,answer,n\nhow red,very red,1\n", encoding="utf-8")
    told = _said(capsys, "import", place, table, "--preview")
    assert "to read them so: --map 'query=q text,positive=answer'" in told
    told = _said(capsys, "import", place, table, "--preview", "--map", "query=q text,positive=answer")
    assert "1 rows usable" in told
    assert "to read them so" not in told


def test_the_terminal_splits_anew_where_the_sets_own_splits_leave_nothing_to_train_on(tmp_path, capsys):
    lines = [{"query": f"how {n}", "pos": [f"very {n}"], "neg": []} for n in range(20)]
    (tmp_path / "test.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    place = str(tmp_path / "p")
    for words in (["new", place], ["import", place, str(tmp_path / "test.jsonl")], ["split", place]):
        assert main([*words, "--quiet"]) == 0
    assert "0 train, 0 dev, 20 test" in capsys.readouterr().out
    assert main(["split", place]) == 0
    assert "split --ignore-official" in capsys.readouterr().err
    found = json.loads(_said(capsys, "split", place, "--ignore-official", "--json", "--quiet"))
    assert found["train"] > found["test"] > 0
