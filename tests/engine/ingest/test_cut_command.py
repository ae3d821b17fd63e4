"""`searchsmith cut`: what it would do, what it did, and taking it back, as a script meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine import cli
from engine.params import CutParams
from engine.records import Qrel
from engine.store import cuts, documents, queries
from engine.store.project import Project
from engine.store.queries import NewQuery

TEXT = " ".join(f"Sentence number {n} speaks of topic{n} and no more." for n in range(1, 25))


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    (tmp_path / "manual.md").write_text(f"# Kettles\n\n{TEXT}\n", encoding="utf-8")
    project = str(tmp_path / "project")
    assert cli.main(["new", project, "--quiet"]) == 0
    assert cli.main(["import", project, str(tmp_path / "manual.md"), "--quiet"]) == 0
    with Project.open(Path(project)) as opened:
        passage = next(documents.all_passages(opened))
        ((query_id, _),) = queries.put_queries(opened, [NewQuery("all of it")], import_id=None)
        queries.put_qrels(opened, [Qrel(query_id, passage.id, 2)])
    capsys.readouterr()
    return project


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.main([*arguments, "--json", "--quiet"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def _passages(place: str) -> list[tuple[int, str, str]]:
    with Project.open(Path(place), readonly=True) as project:
        return [(passage.id, passage.heading, passage.text) for passage in documents.all_passages(project)]


def test_a_preview_changes_nothing_and_foretells_the_cutting(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = _passages(place)
    options = ["cut", place, "--budget", "40", "--overlap", "0", "--no-headings"]
    foreseen = _json(capsys, *options, "--preview")
    assert _passages(place) == before
    done = _json(capsys, *options)
    names = ("documents", "changed", "before", "after", "moved", "aside")
    assert [done[name] for name in names] == [foreseen[name] for name in names]
    assert done["after"] == len(_passages(place)) > len(before)
    assert {heading for _, heading, _ in _passages(place)} == {""}
    with Project.open(Path(place), readonly=True) as project:
        assert cuts.project_cut(project) == CutParams(40, 0, False)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--budget", "0"], "Passages of 0 tokens cannot be cut. --budget is 8 or more."),
        (["--budget", "40", "--overlap", "30"], "30 tokens does not fit passages of 40. --overlap is 0 to 20"),
        (["--overlap", "-1"], "An overlap of -1 tokens does not fit"),
    ],
)
def test_a_cutting_that_cannot_be_is_refused(
    place: str, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    for more in ([], ["--preview"]):
        assert cli.main(["cut", place, *options, *more, "--quiet"]) == 1
        assert said in capsys.readouterr().err


def test_a_cutting_is_taken_back(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = _passages(place)
    assert _json(capsys, "cut", place, "--budget", "40")["aside"] == 1
    listed = _json(capsys, "set-aside", place)
    assert [row["query"] for row in listed["set_aside"]] == ["all of it"]
    assert _json(capsys, "cut", place, "--undo")["documents"] == 1
    assert _passages(place) == before
    assert _json(capsys, "set-aside", place)["count"] == 0


def test_the_summary_is_told_in_sentences(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cut", place, "--budget", "40", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "1 of 1 documents got other passages" in said
    assert "judgement on 'all of it': no passage holds most of its text" in said
    assert cli.main(["cut", place, "--undo", "--quiet"]) == 0
    assert "1 documents have their old passages again." in capsys.readouterr().out


def test_what_was_cut_is_not_read_again_by_an_import(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    _json(capsys, "cut", place, "--budget", "40")
    after = _passages(place)
    assert _json(capsys, "reimport", place)["unchanged"] == 1
    assert _passages(place) == after
