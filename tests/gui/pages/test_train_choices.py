"""What can be chosen on the Train page: objectives that the data fit, settings that matter, rerankers, mixing, stages."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from engine.jobs import JOBS
from engine.objectives import OBJECTIVES
from engine.params import (
    PRESETS,
    AutopilotParams,
    RerankerParams,
    TrainParams,
    params_from_dict,
    static_params,
)
from engine.records import Comparison, Model, Outcome, State
from engine.store import models
from engine.store.forecasts import Measured, put_forecast
from engine.store.project import Project
from engine.store.scores import PairScore, put_scores
from engine.train.reranking import common
from engine.train.schedule import count_steps
from gui.jobs.job import Phase
from gui.pages.train.end import EndCard
from gui.pages.train.facts import TrainFacts
from gui.pages.train.form import SettingsForm, TrainForm
from gui.pages.train.inspector import TrainInspector, _ModelRow
from gui.pages.train.needs import model_in_words, needs_in_words
from gui.pages.train.plan import TrainPlan
from gui.pages.train.reranker import RerankerDialog
from gui.pages.train.settings import reranker_settings, settings
from gui.widgets.cards import Inspector
from tests.gui.asking import settle
from tests.gui.pages.test_train_page import _page
from tests.gui.projects import empty_project


def _offered(form: TrainForm) -> set[str]:
    box = form.field("objective")
    places = range(box.count())
    return {box.itemData(place) for place in places if box.model().item(place).flags() & Qt.ItemFlag.ItemIsEnabled}


def test_only_objectives_that_the_data_fit_are_offered(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    ranking = {name for name, facts in OBJECTIVES.items() if facts.needs in ("answers", "negatives", "texts")}
    assert _offered(page._plan.form()) == ranking
    box = page._plan.form().field("objective")
    model = box.model()
    assert model.item(box.findData("kl_distill")).toolTip() == "No reranker has scored the training pairs yet."
    assert model.item(box.findData("gist")).toolTip().endswith("Source: GISTEmbed, arXiv:2402.16829, temperature 0.01")
    assert page._plan.form().row("objective").toolTip().startswith("Source: arXiv:1807.03748")
    with Project.open(finished) as project:
        pairs = [(query_id, passage_id) for query_id in range(1, 60) for passage_id in (1, 2)]
        put_scores(project, [PairScore(q, p, 0.1 * p + 0.01 * q) for q, p in pairs], "teacher")
    page.session._emit({"queries"})
    settle(qtbot, page)
    assert _offered(page._plan.form()) == set(OBJECTIVES) - {"softmax"}


def test_what_an_objective_brings_is_shown_and_is_no_change(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    form.put({"objective": "gist"})
    assert form.value("scale") == 100.0
    assert form.changes() == {"objective": "gist"}
    form.put({"scale": 20.0})
    assert form.changes() == {"objective": "gist", "scale": 20.0}
    form.put({"objective": "mnrl"})
    assert form.value("scale") == 20.0
    assert form.changes() == {}


def test_what_the_form_shows_is_what_the_engine_takes(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    form.set_bases([("base", "MiniLM")])
    for preset in PRESETS:
        for objective in OBJECTIVES:
            form.reset_all()
            form.set_preset(PRESETS[preset])
            form.put({"objective": objective, "seed": 99})
            sent = params_from_dict(TrainParams, {"preset": preset, **form.changes()})
            shown = {setting.name: form.value(setting.name) for setting in settings() if form.matters(setting.name)}
            assert {name: getattr(sent, name) for name in shown} == shown, (preset, objective)


def test_a_value_of_the_preset_set_by_hand_is_taken_for_a_table_of_vectors(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    form.set_bases([("base", "own words")], tables=["base"])
    form.put({"base": "base", "batch_size": 64})  # a table's usual one is 512
    assert form.changes() == {"batch_size": 64}
    assert static_params(params_from_dict(TrainParams, form.changes())).batch_size == 64


def test_settings_that_do_nothing_for_an_objective_are_not_shown(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    hidden = {name for name in ("scale", "margin", "guide", "noise") if form.row(name).isHidden()}
    assert hidden == {"margin", "guide", "noise"}
    form.put({"objective": "triplet", "margin": 0.4})
    assert form.row("scale").isHidden()
    assert form.changes() == {"objective": "triplet", "margin": 0.4}
    form.show_matching("how far")
    assert not form.row("margin").isHidden()
    assert form.row("objective").isHidden()
    form.reset_all()
    assert form.row("margin").isHidden()
    assert form.changes() == {}


def test_the_kind_of_adapter_is_asked_only_where_there_is_a_rank(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    form.put({"adapter": "dora"})
    assert form.row("adapter").isHidden()
    assert "adapter" not in form.changes()
    form.field("lora_rank").setValue(8)
    assert not form.row("adapter").isHidden()
    assert form.changes()["adapter"] == "dora"
    form.reset_all()
    assert form.row("adapter").isHidden()
    assert not form.changes()
    form.put({"lora_rank": 4, "adapter": "loha"})
    assert not form.row("adapter").isHidden()
    assert form.changes() == {"lora_rank": 4, "adapter": "loha"}


def test_the_forecast_of_an_objective_is_found_by_what_it_brings(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        params = params_from_dict(TrainParams, {"preset": "quick", "objective": "gist"})
        put_forecast(project, params, Measured(61.0, 50.0, 2_000_000_000, 9, ""))
    page = _page(qtbot, tmp_path, finished)
    page._plan.change({"objective": "gist"})
    settle(qtbot, page)
    assert page._plan.measured().steps == 9


def test_the_objective_says_what_it_teaches_and_the_model_what_it_is(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.change({"objective": "triplet"})
    form = page._plan.form()
    assert form.row("objective")._effect.text() == OBJECTIVES["triplet"].words
    assert form.row("base")._effect.text() == "256 tokens, 384 numbers"


def test_a_model_is_told_with_its_pooling_and_its_prompts():
    told = {"pooling": "mean", "prompts": {"query": "query: ", "passage": "passage: "}}
    e5 = Model(3, "e5", "base", "", "", 384, 512, None, None, told, {}, State.COMPLETE, "")
    facts = TrainFacts(base_id=3, models=(e5,))
    said = "mean of the tokens, 512 tokens, 384 numbers, prompts “query:” and “passage:”"
    assert model_in_words(facts, "base") == model_in_words(facts, "3") == said
    assert model_in_words(facts, "7") == ""


def test_every_need_has_its_words():
    assert {facts.needs for facts in OBJECTIVES.values()} == set(needs_in_words())


def test_a_project_without_labels_learns_from_its_texts(qtbot, tmp_path):
    page = _page(qtbot, tmp_path, empty_project(tmp_path))
    assert page._texts_alone.isHidden()  # not even texts
    from tests.gui.projects import imported_project

    with Project.open(imported_project(tmp_path)) as project:
        project.db.execute("delete from qrels")
        path = project.path
    page = _page(qtbot, tmp_path, path)
    assert page._stack.currentWidget() is page._empty
    assert page._texts_alone.isVisible()
    page._texts_alone.click()
    assert page._plan.isVisible()
    assert page._start.isEnabled()
    page._start.click()
    assert page.session.jobs == [("train", {"preset": "quick", "objective": "simcse"})]


def test_rounds_begin_with_the_texts_where_that_is_chosen(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.rounds.adapt.set_value("tsdae")
    page._plan.rounds.start.click()
    (kind, values) = page.session.jobs[0]
    assert kind == "autopilot"
    assert params_from_dict(AutopilotParams, values).adapt == "tsdae"


def _accept(monkeypatch, kind, act=lambda _dialog: None):
    def shown(dialog) -> int:
        act(dialog)
        return 1

    monkeypatch.setattr(kind, "exec", shown)


def _with_reranker(path, **summary) -> int:
    with Project.open(path) as project:
        made = models.add_model(
            project, name="reranker 1", kind="reranker", path="x", parent_id=1, params={"loss": "pairwise"}
        )
        told = {
            "steps": 40,
            "seconds": 100.0,
            "dev": 0.71,
            "dev_bm25": 0.66,
            "dev_base": 0.66,
            "best_step": 40,
            **summary,
        }
        models.finish_model(project, made, path="x", weights_digest="r", dim=1, max_length=256, summary=told)
        points = [("dev_ndcg@10", 0, 0.66), ("dev_ndcg@10", 40, 0.71), ("dev_bm25", 0, 0.66), ("dev_base", 0, 0.66)]
        models.add_metrics(project, made, [*points, ("loss", 40, 0.3)])
    return made


def test_a_reranker_is_trained_from_the_page_and_followed(qtbot, tmp_path, finished, monkeypatch):
    page = _page(qtbot, tmp_path, finished)
    _accept(monkeypatch, RerankerDialog, lambda dialog: dialog.form.put({"loss": "listwise", "minutes": 5.0}))
    page._plan.reranker.start.click()
    assert page.session.jobs == [("reranker", {"loss": "listwise", "minutes": 5.0})]
    assert params_from_dict(RerankerParams, page.session.jobs[0][1]).loss == "listwise"
    job = page._job
    job.stage, job.done, job.total = "train", 10, 40
    job.metrics = {
        "loss": [(10, 0.5)],
        "dev_ndcg@10": [(0, 0.6), (10, 0.7)],
        "dev_bm25": [(0, 0.6)],
        "dev_base": [(0, 0.6)],
    }
    page.session.queue.job_progressed.emit(job)
    page._live.redraw_now()
    assert page._live.isVisible()
    assert page._live._curves.base is None  # BM25's order is what it has to better, told once
    made = _with_reranker(finished)
    page.session.end_job(job, Phase.DONE, changed={"models"}, summary={"model": made})
    settle(qtbot, page)
    said = page._live.ending.sentence()
    assert "reranker 1 reached 0.710 nDCG@10 on the dev queries at step 40, against BM25 +0.050." in said
    assert not page._live.ending._mix.isVisible()
    page._live.ending.verdict_asked.emit()
    assert page.session.jobs[-1] == ("evaluate", {"systems": ["bm25", "tuned", "tuned+reranker"]})


def test_a_reranker_is_listed_and_scores_the_training_pairs(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    assert page._plan.reranker._scores.isHidden()
    made = _with_reranker(finished)
    page.session._emit({"models"})
    settle(qtbot, page)
    assert page._plan.reranker._words.text() == (
        "reranker 1 sorts BM25's hits to nDCG@10 0.710 on the dev queries, from 0.660."
    )
    page._plan.reranker._scores.click()
    assert page.session.jobs == [("scores", {"model": "reranker"})]
    page._side.model_asked.emit(made)
    settle(qtbot, page)
    page._live.ending.command_asked.emit()
    copied = QGuiApplication.clipboard().text()
    assert copied == f"searchsmith reranker {finished} --set loss=pairwise"


def test_a_rerankers_run_can_be_repeated_with_one_thing_changed(qtbot, tmp_path, finished, monkeypatch):
    made = _with_reranker(finished)
    page = _page(qtbot, tmp_path, finished)
    page._side.model_asked.emit(made)
    settle(qtbot, page)
    _accept(monkeypatch, RerankerDialog, lambda dialog: dialog.form.put({"epochs": 2.0}))
    page._live.ending.repeat_asked.emit()
    assert page.session.jobs == [("reranker", {"loss": "pairwise", "epochs": 2.0})]


def test_a_repeated_reranker_has_every_value_of_the_run(qtbot):
    run = {"num_negatives": 20, "warmup_share": 0.055, "weight_decay": 0.0000001, "device": "cuda:1", "seed": 2**40}
    dialog = RerankerDialog(TrainFacts(questions=95), run)
    qtbot.addWidget(dialog)
    assert dialog.values() == run
    dialog.form.field("num_negatives").setValue(19)  # what is typed counts
    assert dialog.values() == {**run, "num_negatives": 19}
    dialog.form.reset_all()
    assert dialog.values() == {}


def test_a_reranker_needs_negatives(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        project.db.execute("delete from negatives")
    page = _page(qtbot, tmp_path, finished)
    assert page._plan.reranker.start.shown_text() == "Mine negatives first"
    assert not page._plan.reranker.start.isEnabled()


def test_an_interrupted_reranker_goes_on_as_one(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        half = models.add_model(project, name="reranker 1", kind="reranker", path="", params={})
        (finished / "models" / str(half) / "checkpoints").mkdir(parents=True)
    page = _page(qtbot, tmp_path, finished)
    page._resume._go.click()
    assert page.session.jobs == [("reranker", {"resume": half})]


def test_an_interrupted_reranker_can_be_discarded(qtbot, tmp_path, finished, monkeypatch):
    from gui.dialogs.question import Question

    with Project.open(finished) as project:
        half = models.add_model(project, name="reranker 1", kind="reranker", path="", params={})
        (finished / "models" / str(half) / "checkpoints").mkdir(parents=True)
    page = _page(qtbot, tmp_path, finished)
    _accept(monkeypatch, Question)
    page._resume.discarded.emit()
    settle(qtbot, page)
    assert not (finished / "models" / str(half)).exists()


def test_the_steps_of_a_reranker_are_those_that_the_engine_counts(qtbot):
    dialog = RerankerDialog(TrainFacts(questions=95))
    qtbot.addWidget(dialog)
    dialog.form.put({"epochs": 0.5})
    assert count_steps(95 // 16, common(RerankerParams(epochs=0.5))) == 3  # 2.5 of the five full batches of a pass
    assert dialog._size.text() == "At most 3 steps of 16 queries with 5 passages each."


def test_a_reranker_of_few_queries_says_how_many_a_step_takes(qtbot):
    dialog = RerankerDialog(TrainFacts(questions=10))
    qtbot.addWidget(dialog)
    assert " of 10 queries with 5 passages each." in dialog._size.text()


def test_the_settings_of_a_reranker_are_all_there_and_none_is_changed(qtbot):
    dialog = RerankerDialog(TrainFacts(questions=640, dev=3))
    qtbot.addWidget(dialog)
    assert dialog.values() == {}
    known = {setting.name for setting in reranker_settings()}
    left_out = set(RerankerParams.__dataclass_fields__) - known
    assert left_out == {"resume", "finish"}
    assert dialog._size.text() == "At most 40 steps of 16 queries with 5 passages each."
    dialog.form.put({"minutes": 2.0, "max_steps": 10})
    assert dialog._size.text() == (
        "At most 10 steps of 16 queries with 5 passages each; it ends after 2 min with the best so far."
    )


def test_a_form_of_other_settings_says_what_was_changed(qtbot):
    form = SettingsForm(reranker_settings(), RerankerParams())
    qtbot.addWidget(form)
    form.field("batch_size").setValue(4)
    assert form.changes() == {"batch_size": 4}
    form.row("batch_size").reset.emit()
    assert form.changes() == {}


def test_a_folder_is_typed_or_chosen(qtbot, monkeypatch, tmp_path):
    form = TrainForm()
    qtbot.addWidget(form)
    other, old = tmp_path / "other", tmp_path / "old"
    for folder in (other, old):
        folder.mkdir()
        (folder / "project.db").touch()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(other))
    (choose,) = form.field("guard").actions()
    choose.trigger()
    type_into(form, "replay", str(old))
    assert form.changes() == {"guard": str(other), "replay": str(old)}
    assert form.fault() == ""


def test_a_folder_without_a_project_is_marked_until_it_is_mended(qtbot, tmp_path):
    form = TrainForm()
    qtbot.addWidget(form)
    type_into(form, "guard", str(tmp_path / "nowhere"))
    assert form.row("guard").is_wrong()
    assert form.fault() == "Mend first: Guard project"
    type_into(form, "guard", "")
    assert (form.fault(), form.changes()) == ("", {})
    form.put({"replay": str(tmp_path)})  # of a run whose project was moved since
    assert form.fault() == "Mend first: Replay project"


def type_into(form, name, text):
    form.field(name).setText(text)
    form.field(name).textEdited.emit(text)


def test_a_failed_training_is_told_once(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    assert [kind for kind in JOBS if page.tells_failure(kind)] == ["train", "autopilot", "reranker"]


def test_rounds_need_an_objective_on_labels(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._plan.change({"objective": "simcse"})
    assert page._start.isEnabled()
    assert page._plan.rounds.start.shown_text() == "Choose an objective on labels"
    assert not page._plan.rounds.start.isEnabled()


def test_the_longest_sentence_on_a_finished_run_stands_whole_on_the_page(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project)
        told = {**tuned.summary, "dev": 0.601, "stopped": "patience", "base_share": 0.25}
        models.set_model_state(project, tuned.id, tuned.state, summary=told)
        models.rename_model(project, tuned.id, "the third round on the handbook with twice as many negatives of BM25")
        models.add_metrics(project, tuned.id, [("dev_bm25", 0, 0.5), ("dev_base", 0, 0.45)])
        project.db.execute("delete from comparisons")
    page = _page(qtbot, tmp_path, finished)
    page.resize(740, 764)
    page.open_at({"model": tuned.id})
    settle(qtbot, page)
    words = page._live.ending._words
    assert "the verdict says" in words.text()
    qtbot.waitUntil(lambda: words.height() >= words.heightForWidth(words.width()) >= 60)
    assert page._live.ending.geometry().bottom() < page._live._score.parentWidget().geometry().top()


def test_a_rerankers_time_is_told_by_the_pace_of_the_one_before(qtbot):
    """40 steps of 16 queries with 5 passages in 4 minutes: 40 of half as many are 2 minutes."""
    told = {"steps": 40, "seconds": 240.0}
    before = Model(7, "reranker 1", "reranker", "", "", 1, 256, 1, None, {}, told, State.COMPLETE, "")
    dialog = RerankerDialog(TrainFacts(questions=640, dev=3, rerankers=(before,)))
    qtbot.addWidget(dialog)
    assert dialog._size.text().endswith("At the pace of reranker 1 they take ≈ 4 min.")
    dialog.form.put({"batch_size": 8, "max_steps": 40})
    assert dialog._size.text().endswith("they take ≈ 2 min.")


def test_negatives_are_counted_as_the_settings_will_use_them(qtbot, tmp_path):
    plan = TrainPlan(PRESETS)
    qtbot.addWidget(plan)
    figure = plan._figures[1]
    for each, changes, shown in (
        (3.0, {}, "1 of 3"),
        (3.0, {"num_negatives": 4}, "3"),
        (2.5, {"num_negatives": 2}, "2 of 2.5"),
        (3.0, {"num_negatives": 0}, "0"),
        (3.0, {"objective": "simcse"}, "0"),
        (0.0, {}, "0"),
    ):
        plan._form.reset_all()
        plan.show_facts(TrainFacts(questions=40, negatives_each=each))
        plan.change(changes)
        assert figure.value() == shown, (each, changes)


def test_scores_of_other_dev_pools_are_named_in_the_list_of_runs(qtbot, tmp_path):
    def run(number, passages):
        summary = {"dev": 0.5, "steps": 14, "pool": {"queries": 150, "passages": passages}}
        return Model(
            number, f"tuned {number}", "tuned", "", "", 0, 0, 1, None, {}, summary, State.COMPLETE, "2026-01-01"
        )

    pane = Inspector()
    qtbot.addWidget(pane)
    side = TrainInspector(pane)
    side.show_facts(TrainFacts(tuned=(run(3, 1000), run(2, 300))))
    told = [row.accessibleName() for row in pane.findChildren(_ModelRow)]
    assert "dev: 150 in 1,000 passages" in told[0]
    assert "dev: 150 in 300 passages" in told[1]
    side.show_facts(TrainFacts(tuned=(run(3, 300), run(2, 300))))
    assert "14 steps" in pane.findChildren(_ModelRow)[-1].accessibleName()


def test_words_beside_done_and_win_begin_in_one_column(qtbot):
    card = EndCard()
    qtbot.addWidget(card)
    found = Comparison(1, "tuned", "bm25", 1, 2, "ndcg@10", 0.1, 0.05, 0.15, 0.01, Outcome.WIN, 5, 2, 60)
    card.show_end("done", "good", "It is done.", verdict=True, again=False, verdicts=(found,))
    card.resize(700, 200)
    card.show()
    row_ = card._verdicts[0]
    assert card._words.mapTo(card, QPoint(0, 0)).x() == row_._words.mapTo(card, QPoint(0, 0)).x()


def test_a_small_weight_decay_is_taken_as_it_is(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    field = form.field("weight_decay")
    assert field.text() == "0.01"
    field.lineEdit().setText("0.001")
    field.interpretText()
    assert form.changes() == {"weight_decay": 0.001}
    assert field.text() == "0.001"
    assert form.field("epochs").text() == "2.00"
