"""The first page, before and after a project is open."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtWidgets import QApplication, QLabel

from engine.params import params_to_dict
from engine.records import JobState, Outcome, State
from engine.store import jobs, models
from engine.store.overview import overview
from engine.store.project import Project
from gui.dialogs.question import Question
from gui.pages.home.check import check_disk, check_model
from gui.pages.home.facts import read_home
from gui.pages.home.first import paths_in
from gui.pages.home.page import ALL_STEPS, HomePage
from gui.pages.home.rounds import ticks_between
from gui.settings import Recent
from gui.widgets.buttons import Button
from gui.widgets.labels import Chip
from tests.gui.projects import empty_project, finished_project, imported_project


@pytest.fixture
def page(qtbot, session):
    made = HomePage(session)
    qtbot.addWidget(made)
    made.resize(1040, 760)
    with qtbot.waitExposed(made):
        made.show()
    return made


def texts(page):
    return [found.text() for found in page.standing._content.findChildren(QLabel)]


def button(page, text):
    return next(b for b in page.standing._content.findChildren(Button) if b.text().startswith(text))


def test_before_a_project_there_are_three_doors(page):
    assert page.first.isVisible()
    assert not page.standing.isVisible()
    assert page.first.sample.text() == "Open the sample"


def test_the_sample_is_made_in_a_free_folder(qtbot, page, session, tmp_path):
    with qtbot.waitSignal(session.queue.job_started, timeout=5000) as started:
        page.first.sample.click()
    job = started.args[0]
    assert job.kind == "sample"
    assert job.project == tmp_path / "projects" / "Python-functions"
    assert not page.first.sample.isEnabled()
    qtbot.waitUntil(lambda: job.is_over, timeout=10_000)


def test_recent_projects_that_are_gone_are_not_offered(qtbot, session, tmp_path):
    there = empty_project(tmp_path)
    session.settings.remember(Recent(str(tmp_path / "gone"), "Gone", "2026-01-01T00:00:00+00:00"))
    session.settings.remember(Recent(str(there), "There", "2026-01-01T00:00:00+00:00"))
    made = HomePage(session)
    qtbot.addWidget(made)
    made.refresh({"all"})
    rows = [made.first._recent.itemAt(n).widget().accessibleName() for n in range(made.first._recent.count())]
    assert rows == ["", "There"]  # a line, and the row


def test_a_recent_project_opens_with_a_click(qtbot, page, session, tmp_path):
    there = empty_project(tmp_path)
    with qtbot.waitSignal(session.project_changed):
        page.first.project_chosen.emit(str(there))
    assert session.path == there


def test_a_dropped_project_is_opened(qtbot, page, session, tmp_path):
    there = empty_project(tmp_path)
    page.first.files_given.emit([str(there)])
    assert session.path == there


def test_a_path_is_pasted_wherever_the_focus_is(qtbot, page, tmp_path):
    page.first.sample.setFocus()
    QApplication.clipboard().setText(str(tmp_path))
    page.first.files_given.disconnect()
    with qtbot.waitSignal(page.first.files_given) as given:
        qtbot.keyClick(page.first.sample, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert given.args == [[str(tmp_path)]]


def test_pasting_what_is_no_path_is_told(qtbot, page, session, tmp_path):
    QApplication.clipboard().setText(str(tmp_path / "gone"))
    with qtbot.waitSignal(session.said) as said:
        qtbot.keyClick(page.first.sample, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert said.args[0].startswith("The clipboard holds no path")


def test_the_door_that_is_at_work_says_so(page):
    page.first.set_making("new", "")
    assert page.first.folder.shown_text() == "Making it…"
    assert page.first.sample.shown_text() == "Open the sample"
    assert not page.first.sample.isEnabled()
    page.first.set_making("", "")
    assert page.first.sample.isEnabled()
    assert page.first.folder.shown_text() == "Choose a folder…"


def test_only_paths_that_exist_are_taken_from_the_clipboard(tmp_path):
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    text = QMimeData()
    text.setText(f'"{tmp_path / "a.txt"}"\n/no/such/file\nrelative.txt')
    assert paths_in(text) == [str(tmp_path / "a.txt")]
    urls = QMimeData()
    urls.setUrls([QUrl.fromLocalFile(str(tmp_path)), QUrl("https://example.org/x")])
    assert paths_in(urls) == [str(tmp_path)]
    assert paths_in(None) == []


def test_an_empty_project_says_what_comes_next(page, session, tmp_path):
    session.open_project(empty_project(tmp_path))
    assert "Import documents" in texts(page)
    assert button(page, "Import documents").isEnabled()


def test_the_next_step_starts_its_job(qtbot, page, session, tmp_path):
    session.open_project(imported_project(tmp_path))
    with qtbot.waitSignal(session.queue.job_started, timeout=5000) as started:
        button(page, "Find duplicate queries").click()
    assert started.args[0].kind == "dedup"
    qtbot.waitUntil(lambda: started.args[0].is_over, timeout=10_000)


def test_a_base_that_cannot_read_the_texts_may_be_replaced_or_kept(qtbot, page, session, tmp_path, monkeypatch):
    folder = imported_project(tmp_path / "p")
    with Project.open(folder) as project:
        models.add_model(project, name="mini", kind="base", path="/mini", state=State.COMPLETE)
        project.set_meta_json("token_report", {"model": "mini", "unknown_share": 0.71})
    session.open_project(folder)
    assert any("does not know 71 %" in text for text in texts(page))
    with qtbot.waitSignal(session.queue.job_started, timeout=5000) as started:
        button(page, "Build a model from your documents").click()
    assert started.args[0].kind == "make_base"
    qtbot.waitUntil(lambda: started.args[0].is_over, timeout=10_000)
    edits = []
    monkeypatch.setattr(session, "edit", lambda kind, values: edits.append((kind, values)))
    button(page, "Keep the base model").click()
    assert edits == [("keep_base", {})]


def test_the_verdict_is_said_with_its_interval_and_both_counts(page, session, tmp_path):
    path = finished_project(tmp_path)
    session.open_project(path)
    with Project.open(path, readonly=True) as project:
        first = read_home(project, overview(project)).against[0]
    shown = " ".join(texts(page))
    assert f"{first.fixed} fixed, {first.broken} broken" in shown
    assert f"on {first.n_queries} queries it never saw" in shown
    assert "95 % interval" in shown


def test_every_outcome_has_its_own_title(page, session, tmp_path):
    session.open_project(finished_project(tmp_path))
    from dataclasses import replace

    verdict = session.overview().verdicts[0]
    titles = {outcome: page.standing._title(replace(verdict, verdict=outcome, delta=-0.041), 0) for outcome in Outcome}
    assert titles[Outcome.WIN].startswith("Your model beats BM25 by")
    assert titles[Outcome.LOSS] == "Your model falls behind BM25 by 0.041 nDCG@10"
    assert titles[Outcome.TIE].startswith("No difference to BM25 can be told")


def test_broken_questions_are_one_click_away(qtbot, page, session, tmp_path):
    session.open_project(finished_project(tmp_path))
    with qtbot.waitSignal(session.page_asked) as asked:
        button(page, "See the").click()
    assert asked.args == ["evaluate", {"tab": "fixed"}]


def test_what_is_broken_is_one_number_on_the_page(page, session, tmp_path):
    session.open_project(finished_project(tmp_path))
    verdict = session.overview().verdicts[0]
    assert verdict.broken
    shown = [text for text in texts(page) if text.endswith("only BM25 answers")]
    assert [text.split()[0] for text in shown] == [str(verdict.broken)]


def test_what_the_model_cannot_read_is_said_short_with_the_whole_in_the_tooltip(page, session, tmp_path):
    path = imported_project(tmp_path)
    report = {"unknown_share": 0.07, "cut_share": 0.2, "sentence": "The whole sentence."}
    with Project.open(path) as project:
        project.set_meta_json("token_report", report)
    session.open_project(path)
    shown = next(found for found in page.standing.findChildren(QLabel) if found.text().startswith("7 %"))
    assert shown.text() == "7 % of the tokens unknown to the model"
    assert "The whole sentence." in shown.parentWidget().toolTip()


def test_another_round_mines_with_the_tuned_model(qtbot, page, session, tmp_path):
    session.open_project(finished_project(tmp_path))
    with qtbot.waitSignal(session.queue.job_started, timeout=5000) as started:
        page._again.click()
    assert (started.args[0].kind, started.args[0].params) == ("mine", {"model": "tuned"})
    assert session.chain_length == 2
    assert not page._again.isEnabled()  # a second one would only do the same
    assert page._again.shown_text() == "Jobs are still to come"


def test_an_interrupted_job_can_go_on_or_be_dismissed(qtbot, page, session, tmp_path):
    path = imported_project(tmp_path)
    with Project.open(path) as project:
        record = jobs.start_job(project, "mine", {"depth": 50})
        jobs.end_job(project, record, JobState.INTERRUPTED)
    session.open_project(path)
    assert any("Mine negatives was interrupted" in text for text in texts(page))
    with qtbot.waitSignal(session.queue.job_started, timeout=5000) as started:
        button(page, "Go on").click()
    assert started.args[0].params == {"depth": 50}


def test_interrupted_rounds_say_that_they_would_start_with_the_whole_time_again(page, session, tmp_path, monkeypatch):
    path = imported_project(tmp_path)
    params = {"preset": "quick", "minutes": 10.0}
    with Project.open(path) as project:
        jobs.end_job(project, jobs.start_job(project, "autopilot", params), JobState.INTERRUPTED)
    session.open_project(path)
    assert any("begin with the first and take up to 10 min once more" in text for text in texts(page))
    ran = []
    monkeypatch.setattr(session.queue, "add", lambda kind, _path, params: ran.append((kind, params)))
    button(page, "Start again").click()
    assert ran == [("autopilot", params)]


def test_a_training_without_a_checkpoint_is_started_again_not_gone_on_with(page, session, tmp_path, monkeypatch):
    path = imported_project(tmp_path)
    with Project.open(path) as project:
        record = jobs.start_job(project, "train", {"preset": "quick", "resume": 7, "finish": True})
        jobs.end_job(project, record, JobState.INTERRUPTED)
    session.open_project(path)
    assert any("there is no checkpoint to go on from" in text for text in texts(page))
    ran = []
    monkeypatch.setattr(session.queue, "add", lambda kind, _path, params: ran.append((kind, params)))
    button(page, "Start again").click()
    assert ran == [("train", {"preset": "quick"})]


def test_an_unfinished_training_can_go_on_or_be_discarded(page, session, tmp_path, monkeypatch):
    path = imported_project(tmp_path)
    with Project.open(path) as project:
        record = jobs.start_job(project, "train", {"preset": "quick"})
        half = models.add_model(project, name="tuned 1", kind="tuned", path="", params={"preset": "quick"})
        (path / "models" / str(half) / "checkpoints").mkdir(parents=True)
        jobs.end_job(project, record, JobState.INTERRUPTED)
    session.open_project(path)
    assert any("The training of tuned 1" in text for text in texts(page))
    ran, edited = [], []
    monkeypatch.setattr(session.queue, "add", lambda kind, _path, params: ran.append((kind, params)))
    button(page, "Go on").click()
    assert ran == [("train", {"resume": half})]
    monkeypatch.setattr(session, "edit", lambda kind, values, done=None: edited.append((kind, values, done)))
    monkeypatch.setattr(Question, "exec", lambda _self: 0)
    button(page, "Discard").click()
    assert edited == []
    monkeypatch.setattr(Question, "exec", lambda _self: 1)
    button(page, "Discard").click()
    assert edited[0][:2] == ("discard_model", {"model_id": half})
    edited[0][2]({})
    assert edited[1][:2] == ("dismiss_job", {"job_id": record})


def test_discarding_a_training_leaves_what_is_told_of_others(page, session, tmp_path, monkeypatch):
    path = imported_project(tmp_path)
    with Project.open(path) as project:
        half = models.add_model(project, name="tuned 1", kind="tuned", path="")
        (path / "models" / str(half) / "checkpoints").mkdir(parents=True)
        project.db.execute("update models set created_at = '2026-01-01T10:00:00Z' where id = ?", [half])
        for kind in ("train", "reranker"):  # both lost later, before their first checkpoints
            jobs.end_job(project, jobs.start_job(project, kind, {}), JobState.INTERRUPTED)
    session.open_project(path)
    edited = []
    monkeypatch.setattr(session, "edit", lambda kind, values, done=None: edited.append((kind, values, done)))
    monkeypatch.setattr(Question, "exec", lambda _self: 1)
    button(page, "Discard").click()
    edited[0][2]({})
    assert [kind for kind, _values, _done in edited] == ["discard_model"]


def test_an_unfinished_reranker_goes_on_from_its_checkpoint(page, session, tmp_path, monkeypatch):
    path = imported_project(tmp_path)
    with Project.open(path) as project:
        half = models.add_model(project, name="reranker 1", kind="reranker", path="")
        (path / "models" / str(half) / "checkpoints").mkdir(parents=True)
        record = jobs.start_job(project, "reranker", {"epochs": 1.0})
        jobs.end_job(project, record, JobState.INTERRUPTED)
    session.open_project(path)
    ran = []
    monkeypatch.setattr(session.queue, "add", lambda kind, _path, params: ran.append((kind, params)))
    button(page, "Go on").click()
    assert ran == [("reranker", {"resume": half})]


def test_ticks_stand_at_round_scores_inside_the_chart():
    assert ticks_between(0.53, 0.667) == [0.55, 0.6, 0.65]
    assert ticks_between(0.499, 0.521) == [0.5, 0.51, 0.52]
    assert ticks_between(0.1, 0.9) == [0.2, 0.4, 0.6, 0.8]


def test_all_steps_take_params_the_engine_knows():
    from engine import params

    kinds = {
        "dedup": "DedupParams",
        "split": "SplitParams",
        "evaluate": "EvaluateParams",
        "mine": "MineParams",
        "train": "TrainParams",
    }
    for kind, values in ALL_STEPS:
        made = params.params_from_dict(getattr(params, kinds[kind]), values)
        stored = json.loads(json.dumps(params_to_dict(made)))
        assert {name: stored[name] for name in values} == values


def test_the_check_names_a_model_folder_that_is_none(tmp_path):
    found = check_model(str(tmp_path))
    assert found.state == "problem"
    assert "config.json" in found.detail
    assert check_model("bundled").state == "done"


def test_the_check_measures_the_disk_of_a_folder_still_to_be_made(tmp_path):
    assert check_disk(str(tmp_path / "a" / "b")).text.endswith("free")


def test_a_model_that_knows_its_test_queries_has_no_verdict(page, session, finished):
    with Project.open(finished) as project:
        project.set_meta_json("known_queries", {"test": {str(models.newest_tuned(project).id): 2}})
    session.open_project(finished)
    page.standing.show_facts(read_home(session.project, session.overview()))
    shown = texts(page)
    assert [chip.text() for chip in page.standing._content.findChildren(Chip)] == ["NOT HELD OUT"]
    assert any("it knows 2 from its training" in text for text in shown)
    assert not any("it never saw" in text for text in shown)
    assert session.overview().next_step.label == "Train, quick"
    asked = []
    page.standing.page_asked.connect(lambda name, _what: asked.append(name))
    button(page, "Train again").click()
    assert asked == ["train"]
