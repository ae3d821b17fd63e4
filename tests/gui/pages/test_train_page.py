"""The Train page, from presets to the verdict."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.jobs import JOBS
from engine.params import AutopilotParams, params_from_dict
from engine.records import JobState, State
from engine.store import jobs, models
from engine.store.project import Project
from gui.dialogs.question import Question
from gui.jobs.job import PAGES, Job, Phase, job_name, job_past
from gui.pages.train.end import EndCard
from gui.pages.train.facts import Watched
from gui.pages.train.findings import TrainFindings
from gui.pages.train.live import TrainLive
from gui.pages.train.page import TrainPage
from gui.session import TOPICS
from gui.widgets.buttons import Button
from tests.gui.asking import AskingSession, settle
from tests.gui.projects import empty_project, imported_project


def _page(qtbot, tmp_path, path) -> TrainPage:
    page = TrainPage(AskingSession(path, tmp_path))
    qtbot.addWidget(page)
    page.resize(1072, 764)
    page.show()
    settle(qtbot, page)
    return page


def _metrics() -> dict[str, list[tuple[int, float]]]:
    dev = [(0, 0.48), (10, 0.5), (20, 0.56)]
    return {"loss": [(n, 2 - n / 30) for n in range(1, 21)], "dev_ndcg@10": dev, "dev_bm25": [(0, 0.52)]}


def test_the_data_is_said_in_figures(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    assert page._facts.questions == 36
    assert page._plan.isVisible()
    assert page._start.isEnabled()


def test_start_asks_for_the_preset(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    assert page.session.jobs == [("train", {"preset": "quick"})]


def test_a_run_without_a_limit_is_measured_first(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.choose("balanced")
    page._start.click()
    assert page.session.jobs == [("forecast", {"preset": "balanced"})]
    assert page._start.shown_text() == "Trial steps first…"
    page.session.end_job(page.session.queue.running, Phase.DONE)
    assert page.session.jobs[1:] == [("train", {"preset": "balanced"})]
    assert page._live.isVisible()


def test_trial_steps_that_fail_start_nothing(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.choose("thorough")
    page._start.click()
    page.session.end_job(page.session.queue.running, Phase.FAILED, message="No.")
    assert len(page.session.jobs) == 1
    assert page._start.isEnabled()


def test_changed_settings_are_marked_and_sent(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.form().field("learning_rate").setText("3e-4")
    page._plan.form().field("learning_rate").textEdited.emit("3e-4")
    page._plan.form().field("batch_size").setValue(32)
    assert page._plan.values() == {"preset": "quick", "learning_rate": 3e-4, "batch_size": 32}
    page._plan.form().row("batch_size").reset.emit()
    assert page._plan.values() == {"preset": "quick", "learning_rate": 3e-4}


def test_a_change_is_kept_when_another_preset_is_chosen(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.change({"seed": 99})
    page._plan.choose("thorough")
    assert page._plan.values() == {"preset": "thorough", "seed": 99}
    assert page._plan.params().batch_size == 128


def test_a_learning_rate_that_is_no_number_is_refused(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.form().field("learning_rate").textEdited.emit("fast")
    assert page._plan.values() == {"preset": "quick"}
    assert page._plan.form().field("learning_rate").property("wrong") is True


def test_settings_are_found_by_a_word(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    form = page._plan.form()
    form.show_matching("seed")
    assert not form.row("seed").isHidden()
    assert form.row("epochs").isHidden()


def test_the_command_is_copied(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.change({"epochs": 3.0})
    page._copy.click()
    assert QGuiApplication.clipboard().text().endswith("--preset quick --set epochs=3")


def test_without_questions_the_page_says_what_to_do(qtbot, tmp_path):
    page = _page(qtbot, tmp_path, empty_project(tmp_path))
    assert page._stack.currentWidget() is page._empty
    page._to_queries.click()
    assert page.session.pages == [("queries", {})]


def test_unsplit_questions_cannot_be_trained_on(qtbot, tmp_path):
    page = _page(qtbot, tmp_path, imported_project(tmp_path))
    assert page._start.shown_text() == "Split the queries first"
    assert not page._start.isEnabled()


def test_what_is_to_beat_stands_beside(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    assert [(beat.name, beat.test is not None) for beat in page._facts.beat] == [("BM25", True), ("Base", True)]


def test_a_running_job_is_followed_live(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    job = page._job
    job.stage, job.done, job.total, job.rate = "train", 20, 60, 2.0
    job.metrics = _metrics()
    page.session.queue.job_progressed.emit(job)
    page._live.redraw_now()
    assert page._live.isVisible()
    assert page._live._step._value.text() == "20 of 60"
    assert page._live._time._value.text() == "0:20"
    assert page._live._score._value.text() == "0.560"
    assert page._live._score._note.text() == "+0.040 over BM25"
    assert [name for name, _x, _y in page._live._dev_chart.crossings()] == ["BM25"]


def test_stop_cancels_the_job(qtbot, tmp_path, finished, monkeypatch):
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    cancelled = []
    monkeypatch.setattr(page.session.queue, "cancel", cancelled.append)
    page._controls.stop.click()
    assert cancelled == [page._job]


def test_of_two_runs_the_one_that_goes_is_followed_and_then_the_one_that_waited(qtbot, session, finished, monkeypatch):
    monkeypatch.setattr(TrainFindings, "follow", lambda _self, _values: None)  # the fake engine knows no linter
    session.open_project(finished)
    page = TrainPage(session)
    qtbot.addWidget(page)
    page.show()
    settle(qtbot, page)
    first = session.run_job("train", {"steps": 500, "wait": 0.01})
    second = session.run_job("train", {"steps": 500, "wait": 0.01})
    assert page._job is first
    qtbot.waitUntil(lambda: first.done > 0, timeout=10_000)
    page._controls.stop.click()
    qtbot.waitUntil(lambda: second.phase is Phase.RUNNING, timeout=10_000)
    assert first.phase is Phase.CANCELLED
    assert page._job is second
    assert not page._start.isEnabled()
    session.queue.cancel(second)
    qtbot.waitUntil(lambda: second.is_over, timeout=10_000)
    settle(qtbot, page)


def test_another_project_brings_neither_watched_queries_nor_a_model_to_start_from(qtbot, tmp_path, finished):
    other = Path(shutil.copytree(finished, tmp_path / "other"))
    page = _page(qtbot, tmp_path, finished)
    page._show_watched((Watched(1, "How do I replace the chain?", ((0, 3),), ()),))
    page._plan.change({"base": "2"})
    page.hide()
    page.session._take(Project.open(other, readonly=True))
    page.show()
    settle(qtbot, page)
    assert page._side._watched is None
    assert page._plan.values() == {"preset": "quick"}


def test_a_resumed_run_has_its_whole_curve_on_a_page_that_is_opened_late(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        half = models.add_model(project, name="half", kind="tuned", path="")
        models.add_metrics(project, half, [("loss", 1, 0.9), ("loss", 2, 0.8)])
    session = AskingSession(finished, tmp_path)
    job = session.run_job("train", {"resume": half})
    job.metrics = {"loss": [(3, 0.7)]}
    page = TrainPage(session)
    qtbot.addWidget(page)
    page.show()
    settle(qtbot, page)
    page._live.redraw_now()
    assert [point.step for point in page._live._curves.loss] == [1, 2, 3]


def test_a_run_is_repeated_from_a_base_that_is_no_longer_the_projects(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        newer = models.add_model(project, name="own words", kind="base", path="", state=State.COMPLETE)
        project.set_meta("base_model_id", str(newer))
    page = _page(qtbot, tmp_path, finished)
    page._show_model(2)
    settle(qtbot, page)
    page._repeat()
    assert page._plan.values()["base"] == "1"


def test_many_points_of_a_long_run_are_read_when_they_are_drawn_not_with_each_of_them(qtbot, monkeypatch, tmp_path):
    live = TrainLive()
    qtbot.addWidget(live)
    read = []
    monkeypatch.setattr(live, "_read", read.append)
    job = Job(1, "train", tmp_path, {}, Phase.RUNNING, metrics=_metrics())
    for _point in range(50):
        live.follow(job)
    assert len(read) == 1
    live.redraw_now()
    assert len(read) == 2


def test_a_finished_run_offers_the_verdict(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    model = models.newest_tuned(page.session.project).id
    page.session.end_job(page._job, Phase.DONE, changed={"models"}, summary={"model": model})
    settle(qtbot, page)
    assert "round 1, quick reached 0.600 nDCG@10 on the dev queries at step 60" in page._live.ending.sentence()
    page._live.ending.verdict_asked.emit()
    assert page.session.pages == [("evaluate", {})]
    assert len(page.session.jobs) == 1  # it was measured already


def test_the_value_written_out_is_the_last_while_it_goes_and_the_kept_ones_after(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project).id
        models.add_metrics(project, tuned, [("dev_ndcg@10", 65, 0.21)])
    page = _page(qtbot, tmp_path, finished)
    page.open_at({"model": tuned})
    settle(qtbot, page)
    dev = page._live._curves.dev
    best = max(dev, key=lambda point: point.value)
    assert page._live._dev_chart.named() == (best.step, best.value) != (dev[-1].step, dev[-1].value)
    with Project.open(finished) as project:
        row = models.model(project, tuned)
        models.set_model_state(project, tuned, row.state, summary={**row.summary, "best_step": dev[1].step})
    page.open_at({"model": tuned})
    settle(qtbot, page)
    assert page._live._dev_chart.named() == (dev[1].step, dev[1].value)  # as the run itself says
    assert f"at step {dev[1].step}." in page._live.ending.sentence()
    page._show_plan()
    page._start.click()
    page._job.metrics = {"dev_ndcg@10": [(0, 0.4), (5, 0.6), (10, 0.5)], "dev_bm25": [(0, 0.675)]}
    page.session.queue.job_progressed.emit(page._job)
    page._live.redraw_now()
    assert page._live._dev_chart.named() == (10, 0.5)
    assert page._live._score._note.text() == "0.075 under BM25"


def test_an_unmeasured_model_is_measured_for_its_verdict(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        new = models.add_model(project, name="tuned 2", kind="tuned", path="x", parent_id=1, state=State.COMPLETE)
    page = _page(qtbot, tmp_path, finished)
    page.open_at({"model": new})
    settle(qtbot, page)
    page._live.verdict_asked.emit()
    assert page.session.jobs == [("evaluate", {"systems": ["bm25", "base", "tuned"]})]


def test_a_failed_run_says_why_and_leads_back(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    page.session.end_job(page._job, Phase.FAILED, message="Memory ran out.", hint="Use a smaller batch.")
    settle(qtbot, page)
    assert page.problem.isVisible()
    assert "Memory ran out." in page.problem.accessibleName()
    page._back.click()
    assert page._plan.isVisible()
    assert page.problem.isHidden()


def test_a_run_whose_engine_died_stays_in_sight_and_can_go_on(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    with Project.open(finished) as project:
        half = models.add_model(project, name="tuned 2", kind="tuned", path="")
        (finished / "models" / str(half) / "checkpoints").mkdir(parents=True)
    page.session.end_job(page._job, Phase.FAILED, message="The engine was ended.", code="crash", changed=set(TOPICS))
    settle(qtbot, page)
    assert page._live.isVisible()
    assert "The engine was ended." in page.problem.accessibleName()
    (go_on,) = [button for button in page.problem.findChildren(Button) if button.text() == "Go on from the checkpoint"]
    go_on.click()
    assert page.session.jobs[-1] == ("train", {"resume": half})


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.CANCELLED])
def test_a_run_that_left_nothing_does_not_offer_an_earlier_ones_checkpoint(qtbot, tmp_path, finished, phase):
    with Project.open(finished) as project:
        earlier = models.add_model(project, name="tuned 2", kind="tuned", path="")
        (finished / "models" / str(earlier) / "checkpoints").mkdir(parents=True)
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    page.session.end_job(page._job, phase, message="The loss was no number at step 2.")
    settle(qtbot, page)
    if phase is Phase.FAILED:
        assert "Kept" not in page.problem.accessibleName()
        assert [b.text() for b in page.problem.findChildren(Button) if "checkpoint" in b.text()] == []
    else:
        assert "nothing was kept" in page._live.ending.sentence()


def test_of_two_runs_that_can_go_on_the_stopped_one_does(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        first, second = (models.add_model(project, name="tuned 2", kind="tuned", path="") for _ in range(2))
        for half in (first, second):
            (finished / "models" / str(half) / "checkpoints").mkdir(parents=True)
    page = _page(qtbot, tmp_path, finished)
    page.session.run_job("train", {"resume": first})
    page.session.end_job(page._job, Phase.CANCELLED, changed={"models"})
    settle(qtbot, page)
    page._live.again_asked.emit()
    assert page.session.jobs[-1] == ("train", {"resume": first})


def test_an_interrupted_run_can_go_on(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        half = models.add_model(project, name="tuned 2", kind="tuned", path="", params={"preset": "quick"})
        (finished / "models" / str(half) / "checkpoints").mkdir(parents=True)
        models.add_metrics(project, half, [("dev_ndcg@10", 0, 0.4), ("dev_ndcg@10", 10, 0.5), ("loss", 10, 1.0)])
    page = _page(qtbot, tmp_path, finished)
    assert "tuned 2" in page._resume.sentence()
    page._resume.go_on.emit(half)
    settle(qtbot, page)
    assert page.session.jobs == [("train", {"resume": half})]
    page._job.metrics = {"dev_ndcg@10": [(20, 0.55)]}
    page.session.queue.job_progressed.emit(page._job)
    page._live.redraw_now()
    assert [point.step for point in page._live._curves.dev] == [0, 10, 20]
    page._live.redraw_now()
    assert page._live._dev_card.fact.text() == "nDCG@10; resumed, it had reached step 10"


def test_a_run_without_a_step_says_when_its_curve_begins(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    settle(qtbot, page)
    page._live.redraw_now()
    assert page._live._loss_gap.isVisible()
    page._job.metrics = _metrics()
    page.session.queue.job_progressed.emit(page._job)
    page._live.redraw_now()
    assert not page._live._loss_gap.isVisible()
    assert page._live._loss_chart.isVisible()
    assert page._live._dev_card.fact.text() == "nDCG@10, measured while it trains"


def test_a_stopped_run_says_that_it_can_go_on(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    with Project.open(finished) as project:
        half = models.add_model(project, name="tuned 2", kind="tuned", path="")
        (finished / "models" / str(half) / "checkpoints").mkdir(parents=True)
    page.session.end_job(page._job, Phase.CANCELLED, changed={"models"})
    settle(qtbot, page)
    assert "can go on" in page._live.ending.sentence()
    page._live.again_asked.emit()
    assert page.session.jobs[-1] == ("train", {"resume": half})


def test_a_stopped_run_can_be_discarded(qtbot, tmp_path, finished, monkeypatch):
    with Project.open(finished) as project:
        half = models.add_model(project, name="tuned 2", kind="tuned", path="")
        (finished / "models" / str(half) / "checkpoints").mkdir(parents=True)
    page = _page(qtbot, tmp_path, finished)
    monkeypatch.setattr(Question, "exec", lambda _self: 1)
    page._resume.discarded.emit()
    settle(qtbot, page)
    assert page.session.edits == [("discard_model", {"model_id": half})]
    assert page._resume.isHidden()
    assert not (finished / "models" / str(half)).exists()


def test_a_run_lost_before_its_first_checkpoint_is_dismissed(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        lost = jobs.start_job(project, "train", {})
        jobs.end_job(project, lost, JobState.INTERRUPTED)
    page = _page(qtbot, tmp_path, finished)
    assert "nothing of it was kept" in page._resume.sentence()
    page._resume.dismissed.emit(lost)
    settle(qtbot, page)
    assert page._resume.isHidden()


def test_the_curves_of_an_earlier_model_are_shown(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._side.model_asked.emit(page._facts.tuned[0].id)
    settle(qtbot, page)
    assert page._live.isVisible()
    assert page._live._step._value.text() == "60"


def test_nothing_is_changed_at_first(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    assert page._plan.values() == {"preset": "quick"}
    assert page._plan._advanced.fact.text() == "as Quick has them"


def test_what_is_to_beat_stays_in_sight_in_a_narrow_window(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page.set_narrow(True)
    assert page.head._fact.text() == "to beat: BM25 0.794, Base 0.576"


def test_the_sentence_on_a_finished_run_stands_whole_in_a_narrow_window(qtbot):
    ending = EndCard()
    qtbot.addWidget(ending)
    holder = QWidget()
    qtbot.addWidget(holder)
    stack = QVBoxLayout(holder)
    stack.addWidget(ending)
    stack.addStretch(1)
    holder.resize(560, 500)
    holder.show()
    for sentence in ("word " * 60, "short", "word " * 90):
        ending.show_end("done", "good", sentence, verdict=True, again=False)
        qtbot.waitUntil(
            lambda: ending.height() > ending._words.height() >= ending._words.heightForWidth(ending._words.width()) > 0
        )


def test_a_running_training_can_be_paused_and_ended_with_its_best(qtbot, tmp_path, finished, monkeypatch):
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    job, said = page._job, []
    monkeypatch.setattr(page.session.queue, "pause", lambda _job, paused: said.append(("pause", paused)))
    monkeypatch.setattr(page.session.queue, "finish", lambda job: said.append(("finish", job.id)))
    job.phase = Phase.RUNNING
    page.session.queue.job_progressed.emit(job)
    assert not page._controls.keep.isEnabled()  # no step is done yet
    job.metrics = _metrics()
    page.session.queue.job_progressed.emit(job)
    assert page._controls.pause._icon_name == "pause"
    page._controls.pause.click()
    job.phase = Phase.PAUSED
    page.session.queue.job_progressed.emit(job)
    assert (page._controls.pause.text(), page._controls.pause._icon_name) == ("Go on", "play")
    page._controls.pause.click()
    page._controls.keep.click()
    assert said == [("pause", True), ("pause", False), ("finish", job.id)]
    job.finishing = True
    page.session.queue.job_progressed.emit(job)
    assert not page._controls.keep.isEnabled()


def test_an_interrupted_run_can_be_ended_with_its_best(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        half = models.add_model(project, name="tuned 2", kind="tuned", path="", params={"preset": "quick"})
        (finished / "models" / str(half) / "checkpoints").mkdir(parents=True)
    page = _page(qtbot, tmp_path, finished)
    page._resume._keep.click()
    assert page.session.jobs == [("train", {"resume": half, "finish": True})]


def test_rounds_take_the_minutes_and_the_settings_of_the_page(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.change({"learning_rate": 3e-5})
    page._plan.rounds.minutes.setValue(12)
    page._plan.rounds.start.click()
    expected = {"preset": "quick", "base": "base", "minutes": 12, "settings": {"learning_rate": 3e-5}}
    assert page.session.jobs == [("autopilot", expected)]
    assert params_from_dict(AutopilotParams, expected).rounds == 3
    job = page._job
    job.stage, job.done, job.total = "train", 5, 14
    job.metrics = {"dev_ndcg@10": [(0, 0.4), (10, 0.5), (0, 0.5), (5, 0.55)], "loss": [(10, 1.0), (1, 0.9)]}
    page.session.queue.job_progressed.emit(job)
    page._live.redraw_now()
    assert [point.step for point in page._live._curves.dev] == [0, 5]  # the newest round's


def test_every_job_has_a_name_in_words():
    for kind in JOBS:
        assert job_name(kind) != kind
        assert job_past(kind) != kind
        assert kind in PAGES
