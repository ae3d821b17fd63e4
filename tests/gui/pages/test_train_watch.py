"""What the Train page tells beside the curves: watched queries, warnings, measured forecasts, verdicts, repeated runs."""

from __future__ import annotations

import json

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from engine.params import PRESETS, TrainParams, static_params
from engine.records import MetricPoint, Probe
from engine.store import documents, models, probes, queries
from engine.store.forecasts import Measured, put_forecast
from engine.store.project import Project
from gui.jobs.job import Phase
from gui.pages.train.commands import run_changes
from gui.pages.train.facts import (
    SECONDS_A_STATIC_STEP,
    Curves,
    TrainFacts,
    Watched,
    effective,
    joined,
    last_run,
    memory_size,
    read_facts,
    read_watched,
    seconds_of,
    steps_in_time,
)
from gui.pages.train.live import recent_speed
from gui.pages.train.watch import WatchedList, shown_ranks
from tests.gui.asking import settle
from tests.gui.pages.test_train_page import _metrics, _page


def _looks(query_id, ranks, top=(1, 2, 3)):
    return [Probe(query_id, 5 * place, rank, top) for place, rank in enumerate(ranks)]


def test_ranks_are_told_from_the_first_look_to_the_last():
    assert shown_ranks([41, 17, 3]) == [41, 17, 3]
    assert shown_ranks([41, 30, 20, 17, 9, 5, 3]) == [41, 20, 9, 3]


def test_a_watched_query_shows_its_path_and_what_comes_first(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        query = next(q for q in queries.representatives(project) if q.text == "How do I replace the chain?")
        (answer,) = queries.positives(project)[query.id]
        others = [int(p) for p in documents.corpus(project).ids if p != answer][:2]
        (watched,) = read_watched(project, _looks(query.id, [41, 17, 2], (others[0], answer, others[1])))
    assert watched.ranks == ((0, 41), (5, 17), (10, 2))
    assert [right for _title, right in watched.top] == [False, True, False]
    assert watched.top[1][0].startswith("Chain: replace: ")
    shown = WatchedList()
    qtbot.addWidget(shown)
    shown.show_watched([watched])
    (row,) = shown.rows()
    assert row.path() == "rank 41 → 17 → 2"
    assert row.accessibleName() == "How do I replace the chain?: rank 41 → 17 → 2"
    assert row._top[1].text().startswith("2  ✓ Chain: replace")
    assert row._now.property("tone") == "good"
    assert (shown._before.text(), shown._now.text()) == ("0 →", "1 of 1")
    shown.show_watched([Watched(query.id, watched.text, ((0, 2), (5, 12)), ())])
    assert shown.rows() == [row]  # changed in place
    assert row._now.property("tone") == "bad"


def test_rounds_show_the_newest_and_a_resumed_run_its_whole_path():
    assert last_run([*_looks(1, [5, 4, 3]), *_looks(1, [2, 1])]) == _looks(1, [2, 1])
    before = [Watched(1, "q", ((0, 9), (5, 7)), ())]
    now = [Watched(1, "q", ((5, 6), (10, 4)), ()), Watched(2, "new", ((5, 1),), ())]
    assert [query.ranks for query in joined(before, now)] == [((0, 9), (5, 6), (10, 4)), ((5, 1),)]


def test_watched_queries_stand_beside_a_running_training_and_below_it_in_a_narrow_window(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    job, asked = page._job, queries.representatives(page.session.project)[:3]
    job.metrics = {**_metrics(), "speed": [(1, 20.0), (2, 30.0)], "memory": [(0, 1.0e9), (10, 1.64e9)]}
    job.stage, job.done, job.total, job.rate = "train", 20, 60, 0.5
    job.probes += [probe for query in asked for probe in _looks(query.id, [12])]
    page.session.queue.job_progressed.emit(job)
    settle(qtbot, page)
    assert len(page._side._watched.rows()) == 3
    assert page._live._watched_card.isHidden()
    page.set_narrow(True)
    assert not page._live._watched_card.isHidden()
    page._live.redraw_now()
    assert page._live._memory._value.text() == "1.6 GB"
    assert page._live._step._note.text() == "2.0 s / step · 24 queries/s"
    page.session.end_job(job, Phase.CANCELLED)
    settle(qtbot, page)
    page._back.click()
    assert page._side._watched is None
    assert page._side._size.isVisibleTo(page.inspector)


def test_speed_is_the_mean_by_time_of_the_last_steps():
    # ten queries in one second, then ten in two: twenty in three
    assert recent_speed(Curves(speed=(MetricPoint(1, 10.0), MetricPoint(2, 5.0)))) == pytest.approx(20 / 3)
    assert recent_speed(Curves()) == 0


def test_warnings_are_shown_while_it_goes_and_with_the_finished_run(qtbot, tmp_path, finished):
    said = "Step 25: the loss is stuck: 1.300 over the first steps, 1.299 over the last."
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project)
        told = {"warnings": [said], "foretold": {"seconds": 140.0, "learning": 120.0, "bytes": 1.8e9}}
        models.add_metrics(project, tuned.id, [("memory", 0, 1.5e9), ("memory", 60, 1.7e9)])
        models.set_model_state(project, tuned.id, tuned.state, summary={**tuned.summary, **told})
        probes.add_probes(project, tuned.id, _looks(queries.representatives(project)[0].id, [9, 2]))
    page = _page(qtbot, tmp_path, finished)
    page._start.click()
    page._job.warnings.append("Memory ran short.")
    page.session.queue.job_progressed.emit(page._job)
    assert page._live.troubles.sentences() == ["Memory ran short."]
    page.session.end_job(page._job, Phase.DONE, changed={"models"}, summary={"model": tuned.id})
    settle(qtbot, page)
    assert page._live.troubles.sentences() == [said]
    assert page._live._time._note.text() == "taken; ≈ 2 min foretold"
    assert (page._live._memory._value.text(), page._live._memory._note.text()) == ("1.7 GB", "at most; 1.8 GB foretold")
    assert [row.path() for row in page._side._watched.rows()] == ["rank 9 → 2"]


def test_the_verdict_stands_with_the_finished_run(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page.open_at({"model": models.newest_tuned(page.session.project).id})
    settle(qtbot, page)
    said = page._live.ending.verdicts()
    assert len(said) == 2
    assert said[0].split()[0] in ("WIN", "TIE", "LOSS")
    assert "against BM25" in said[0]
    assert "against Base" in said[1]
    assert "the verdict says" not in page._live.ending.sentence()


def test_a_measured_forecast_stands_on_its_preset_only(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        put_forecast(project, PRESETS["balanced"], Measured(1500.0, 1400.0, 2_400_000_000, 90, "words"))
    page = _page(qtbot, tmp_path, finished)
    assert page._plan._cards["balanced"]._time.text() == "≈ 25 min"
    assert page._plan._cards["balanced"]._values[-1].text() == "2.4 GB"
    assert page._plan._cards["quick"]._values[-1].text() == "little"
    page._plan.choose("balanced")
    settle(qtbot, page)
    assert page._side._size._memory._value.text() == "2.4 GB"
    assert page._side._size._most._value.text() == "30 min"
    assert page._side._size._measure.isHidden()
    assert page._start.text() == "Start training (≈ 25 min)"
    page._plan.change({"batch_size": 32})
    settle(qtbot, page)
    assert page._plan.measured() is None
    assert not page._side._size._measure.isHidden()


def test_trial_steps_are_asked_for_with_the_settings_of_now(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.change({"seed": 5})
    page._side._size._measure.click()
    assert page.session.jobs == [("forecast", {"preset": "quick", "seed": 5})]
    assert page._side._size._measure.isHidden()
    page._side.forecast_asked.emit()
    assert len(page.session.jobs) == 1  # it is being measured already


def test_no_trial_steps_are_offered_for_settings_that_cannot_be_started(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.change({"guard": str(tmp_path / "nowhere")})
    assert page._start.shown_text() == "Mend first: Guard project"
    assert page._side._size._measure.isHidden()
    page._plan.change({"guard": ""})
    assert not page._side._size._measure.isHidden()


def test_the_presets_of_a_table_of_vectors_are_its_own(tmp_path, finished):
    with Project.open(finished) as project:
        folder = tmp_path / "own"
        folder.mkdir()
        (folder / "modules.json").write_text('[{"type": "sentence_transformers.models.StaticEmbedding"}]')
        own = models.add_model(project, name="own words", kind="base", path=str(folder))
        models.finish_model(project, own, path=str(folder), weights_digest="s", dim=8, max_length=0, summary={})
        project.set_meta("base_model_id", str(own))
        facts = read_facts(project)
    quick = PRESETS["quick"]
    assert facts.static == {own}
    assert effective(quick, facts) == static_params(quick)
    assert effective(TrainParams(base="1"), facts) == TrainParams(base="1")  # the transformer the project had before
    assert effective(TrainParams(objective="triplet"), facts).batch_size == 64
    many = TrainFacts(questions=5120, base_id=own, static=frozenset({own}))
    assert steps_in_time(quick, many) == min(120, int(150 / SECONDS_A_STATIC_STEP))
    assert seconds_of(TrainParams(minutes=0.0), many) == 120 * SECONDS_A_STATIC_STEP
    assert memory_size(PRESETS["thorough"], many) == 0


def test_a_run_is_repeated_with_its_own_settings_and_copied_as_a_command(qtbot, tmp_path, finished, monkeypatch):
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project).id
        changed = '{"preset": "balanced", "learning_rate": 0.0002, "seed": 7, "resume": 0, "finish": false}'
        project.db.execute("update models set params = ? where id = ?", [changed, tuned])
    page = _page(qtbot, tmp_path, finished)
    page._plan.change({"batch_size": 16})  # is forgotten: the run did not have it
    page.open_at({"model": tuned})
    settle(qtbot, page)
    page._live.ending.command_asked.emit()
    line = QGuiApplication.clipboard().text()
    assert line.endswith("--preset balanced --set learning_rate=0.0002 --set seed=7")
    page._live.ending.repeat_asked.emit()
    assert page._plan.values() == {"preset": "balanced", "learning_rate": 2e-4, "seed": 7}
    assert page._plan.isVisible()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    page._live.ending.script_asked.emit()
    assert page.session.edits == []  # no folder was chosen
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    asked = []
    monkeypatch.setattr(page.session, "edit", lambda kind, values, _done: asked.append((kind, values)))
    page._live.ending.script_asked.emit()
    assert asked == [("script", {"model_id": tuned, "dest": str(tmp_path)})]


def test_a_repeated_run_keeps_values_that_cannot_be_typed_on_the_page(qtbot, tmp_path, finished):
    run = {"num_negatives": 20, "device": "cuda:1", "warmup_share": 0.055, "objective": "gist", "guide": "tuned"}
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project).id
        params = json.dumps({"preset": "quick", **run})
        project.db.execute("update models set params = ? where id = ?", [params, tuned])
    page = _page(qtbot, tmp_path, finished)
    page.open_at({"model": tuned})
    settle(qtbot, page)
    page._live.ending.repeat_asked.emit()
    page.session._emit({"models"})
    settle(qtbot, page)
    values = page._plan.values()
    assert {name: values[name] for name in run} == run
    form = page._plan.form()
    assert form.field("num_negatives").value() == 20
    assert form.field("device").currentText() == "cuda:1"
    form.reset_all()
    assert page._plan.values() == {"preset": "quick"}
    assert form.field("device").findData("cuda:1") < 0


def test_the_base_of_a_repeated_run_is_the_model_it_had():
    from dataclasses import replace

    from engine.params import params_to_dict
    from tests.gui.pages.test_train_facts import _tuned

    params = params_to_dict(replace(PRESETS["quick"], base="tuned", resume=3))
    assert run_changes(replace(_tuned({}, params), parent_id=4)) == ("quick", {"base": "4"})


def test_captions_of_groups_go_with_their_settings(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    form = page._plan.form()
    form.show_matching("replay")
    assert [group for group, caption in form._captions.items() if not caption.isHidden()] == ["forgetting"]
    form.show_matching("")
    assert not any(caption.isHidden() for caption in form._captions.values())
