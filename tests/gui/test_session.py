"""The session: what is open, the one refresh path, undo and chains of jobs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.protocol import EditDone
from engine.store import documents, imports, schema
from engine.store.documents import NewDocument, NewPassage
from engine.store.project import Project
from gui.jobs.job import Phase
from gui.session import TOPICS, Undo
from tests.gui.projects import empty_project, finished_project


@pytest.fixture
def path(tmp_path):
    return empty_project(tmp_path)


def test_opening_a_project_emits_all_and_remembers_it(qtbot, session, path):
    with qtbot.waitSignal(session.changed) as changed:
        assert session.open_project(path)
    assert changed.args[0] == {"all"}
    assert session.project.readonly
    assert [recent.path for recent in session.settings.values.recent] == [str(path)]


def test_a_folder_without_a_project_is_refused_in_words_and_the_open_one_stays(qtbot, session, path, tmp_path):
    session.open_project(path)
    with qtbot.waitSignal(session.failed) as failed:
        assert not session.open_project(tmp_path)
    assert "no project" in failed.args[0]
    assert session.path == path


def test_a_damaged_project_is_refused_in_words(qtbot, session, tmp_path):
    (tmp_path / "project.db").write_bytes(b"no database" * 100)
    with qtbot.waitSignal(session.failed) as failed:
        assert not session.open_project(tmp_path)
    assert str(tmp_path) in failed.args[0]


def test_the_overview_is_read_once_per_change(qtbot, session, path):
    session.open_project(path)
    first = session.overview()
    assert session.overview() is first
    with qtbot.waitSignal(session.changed, timeout=10_000):
        session.edit("judge", {})
    assert session.overview() is not first


def test_an_edit_refreshes_by_its_topics_and_tells_its_values(qtbot, session, path):
    session.open_project(path)
    told = []
    with qtbot.waitSignal(session.changed, timeout=10_000) as changed:
        session.edit("merge", {"query_id": 4}, told.append)
    assert changed.args[0] == {"queries"}
    assert told == [{"kind": "merge", "query_id": 4}]


def test_an_edit_that_fails_is_said(qtbot, session, path):
    session.open_project(path)
    with qtbot.waitSignal(session.failed, timeout=10_000) as failed:
        session.edit("fail", {})
    assert failed.args == ["No.", "Try another."]


def test_undo_says_what_it_takes_back_and_does_it(qtbot, session, path):
    session.open_project(path)
    with qtbot.waitSignal(session.undo_changed, timeout=10_000) as waiting:
        session.edit("review", {"passage_id": 3}, undo=Undo("mark 3 as relevant", "unreview", {"passage_id": 3}))
    assert waiting.args == ["mark 3 as relevant"]
    with qtbot.waitSignal(session.said, timeout=10_000) as said:
        session.undo()
    assert said.args[0] == "Undone: mark 3 as relevant"
    assert session.undo_words == ""


def test_an_undo_that_fails_can_be_asked_for_once_again(qtbot, session, path):
    session.open_project(path)
    for words, kind in (("mark 2 as relevant", "unreview"), ("mark 3 as relevant", "fail")):
        with qtbot.waitSignal(session.undo_changed, timeout=10_000):
            session.edit("review", {}, undo=Undo(words, kind, {}))
    for waiting in ("mark 3 as relevant", "mark 2 as relevant"):  # failing twice, it bars no longer what is before it
        with qtbot.waitSignal(session.failed, timeout=10_000) as failed:
            session.undo()
        assert failed.args == ["No.", "Try another."]
        assert session.undo_words == waiting


def test_another_project_empties_the_undo_stack(qtbot, session, path, tmp_path):
    session.open_project(path)
    with qtbot.waitSignal(session.undo_changed, timeout=10_000):
        session.edit("review", {}, undo=Undo("mark", "unreview", {}))
    other = tmp_path / "other"
    Project.create(other).close()
    session.open_project(other)
    assert session.undo_words == ""


def test_a_job_that_ends_refreshes_by_its_topics(qtbot, session, path):
    session.open_project(path)
    with qtbot.waitSignal(session.changed, timeout=10_000, check_params_cb=lambda topics: "jobs" in topics):
        session.run_job("mine", {"steps": 1})


def test_after_an_engine_that_died_everything_is_read_again_but_no_other_project_is_open(qtbot, session, path):
    session.open_project(path)
    heard = []
    session.changed.connect(heard.append)
    session.run_job("mine", {"die": 3})
    qtbot.waitUntil(lambda: bool(heard), timeout=10_000)
    assert heard[0] == TOPICS
    assert "all" not in heard[0]


def test_without_a_project_no_job_starts(session):
    assert session.run_job("mine") is None


def test_a_chain_runs_to_its_end(qtbot, session, path):
    session.open_project(path)
    ended = []
    session.queue.job_finished.connect(lambda job: ended.append(job.kind))
    session.run_chain([("dedup", {}), ("split", {}), ("mine", {})])
    qtbot.waitUntil(lambda: len(ended) == 3, timeout=20_000)
    assert ended == ["dedup", "split", "mine"]


def test_a_chain_ends_with_the_first_job_that_fails(qtbot, session, path):
    session.open_project(path)
    ended = []
    session.queue.job_finished.connect(ended.append)
    session.run_chain([("dedup", {}), ("split", {"fail": "Nothing to split."}), ("mine", {})])
    qtbot.waitUntil(lambda: len(ended) == 2, timeout=20_000)
    qtbot.wait(100)
    assert [job.phase for job in ended] == [Phase.DONE, Phase.FAILED]
    assert session.queue.running is None
    assert session.chain_length == 0


def test_two_chains_both_come_to_their_end(qtbot, session, path):
    session.open_project(path)
    ended = []
    session.queue.job_finished.connect(lambda job: ended.append(job.kind))
    session.run_chain([("mine", {}), ("evaluate", {})])
    session.run_chain([("forecast", {}), ("train", {})])
    assert session.chain_length == 2
    qtbot.waitUntil(lambda: len(ended) == 4, timeout=20_000)
    assert ended == ["mine", "forecast", "evaluate", "train"]


def test_a_chain_goes_on_in_its_project_while_another_one_is_open(qtbot, session, path, tmp_path):
    session.open_project(path)
    ended = []
    session.queue.job_finished.connect(ended.append)
    session.run_chain([("forecast", {}), ("train", {})])
    session.open_project(empty_project(tmp_path / "other"))
    assert session.chain_length == 0  # of the project that is open
    qtbot.waitUntil(lambda: len(ended) == 2, timeout=20_000)
    assert [(job.kind, job.project) for job in ended] == [("forecast", path), ("train", path)]


def test_search_without_a_project_asks_nothing(session):
    assert session.search("x", lambda _: None, lambda *_: None) == 0


def test_search_brings_hits(qtbot, session, path):
    session.open_project(path)
    found = []
    session.search("four", found.append, lambda *_: None)
    qtbot.waitUntil(lambda: bool(found), timeout=10_000)
    assert found[0].hits[0].passage_id == 4


def test_a_made_project_is_opened_and_goes_on(qtbot, session, tmp_path):
    path = tmp_path / "made"
    Project.create(path).close()
    then = []
    session.make_project(path, "Made", lambda: then.append(session.path))
    qtbot.waitUntil(lambda: bool(then), timeout=10_000)
    assert then == [path]


def test_the_fact_of_a_recent_project_is_its_verdict(qtbot, session, tmp_path):
    session.open_project(finished_project(tmp_path))
    assert "BM25" in session.settings.values.recent[0].fact


def test_the_fact_of_a_recent_project_follows_its_imports(session, tmp_path):
    path = empty_project(tmp_path)
    session.open_project(path)
    assert session.settings.values.recent[0].fact == "Nothing imported yet"
    with Project.open(path) as project:
        import_id = imports.start_import(project, [], "auto")
        documents.put_document(project, NewDocument("T", "/t", "txt", "h"), [NewPassage("a")], import_id=import_id)
    session._emit({"documents"})
    assert session.settings.values.recent[0].fact == "1 passage from 1 document"


def test_a_project_can_be_closed(qtbot, session, path):
    session.open_project(path)
    session.close_project()
    assert session.project is None
    assert session.overview() is None


def test_pages_are_asked_for_by_name(qtbot, session):
    with qtbot.waitSignal(session.page_asked) as asked:
        session.show_page("evaluate", {"tab": "broken"})
    assert asked.args == ["evaluate", {"tab": "broken"}]


def test_paths_are_kept_as_they_are(session, path):
    session.open_project(Path(str(path)))
    assert session.path == path


def test_an_old_project_is_brought_up_to_date_by_the_engine_and_then_opened(qtbot, session, path, monkeypatch):
    with sqlite3.connect(path / "project.db") as connection:
        connection.execute("PRAGMA user_version = 1")
    asked = []

    def edit(project, kind, values, done, failed):
        asked.append((project, kind))
        with sqlite3.connect(project / "project.db") as other:
            other.execute(f"PRAGMA user_version = {schema.VERSION}")
        done(EditDone(request=1, changed=[]))
        return 1

    monkeypatch.setattr(session.resident, "edit", edit)
    with qtbot.waitSignal(session.changed) as changed:
        assert not session.open_project(path)
    assert asked[0] == (path, "recover")
    assert changed.args[0] == {"all"}
    assert session.path == path
