"""The settings behind "Advanced" and those of a reranker: what is typed wrong, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

from engine.params import PRESETS
from engine.records import Model, State
from gui.pages.train.facts import TrainFacts, effective
from gui.pages.train.form import SettingsForm, TrainForm
from gui.pages.train.needs import why_not
from gui.pages.train.plan import TrainPlan
from gui.pages.train.reranker import RerankerDialog
from gui.widgets.inputs import ChoiceBox
from tests.gui.pages.test_train_page import _page


def _type(form: SettingsForm, name: str, text: str) -> None:
    field = form.field(name)
    field.setText(text)
    field.textEdited.emit(text)


def test_no_run_starts_with_another_rate_than_the_field_shows(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    form = page._plan.form()
    _type(form, "learning_rate", "3e-4x")
    for button in (page._start, page._plan.rounds.start, page._copy):
        assert not button.isEnabled()
        assert button.shown_text() == "Mend first: Learning rate"
    form.row("learning_rate").reset.emit()
    assert form.field("learning_rate").text() == "0.0001"
    assert page._start.isEnabled()
    assert page._copy.isEnabled()


def test_a_preset_puts_right_what_was_typed_wrong(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    form = page._plan.form()
    _type(form, "learning_rate", "fast")
    assert form.row("learning_rate").is_wrong()
    page._plan.choose("balanced")
    assert form.field("learning_rate").text() == "5e-5"
    assert not form.row("learning_rate").is_wrong()
    assert page._start.isEnabled()
    _type(form, "learning_rate", "fast")
    form.reset_all()
    assert not form.row("learning_rate").is_wrong()


def test_no_reranker_starts_with_another_rate_than_the_field_shows(qtbot):
    dialog = RerankerDialog(TrainFacts(questions=95))
    qtbot.addWidget(dialog)
    _type(dialog.form, "learning_rate", "")
    assert not dialog.ok.isEnabled()
    assert dialog.ok.shown_text() == "Mend first: Learning rate"
    _type(dialog.form, "learning_rate", "1e-5")
    assert dialog.ok.isEnabled()


def test_long_words_of_a_choice_end_in_dots(qtbot):
    box = ChoiceBox([("Handbook of the workshop, spring edition, seed 14", "2"), ("off", "off")])
    qtbot.addWidget(box)
    box.setFixedWidth(168)
    box.show()
    assert box.shown_text().endswith("…")
    assert box.shown_text().startswith("Handbook of the")
    box.set_value("off")
    assert box.shown_text() == "off"


def test_the_share_of_replay_is_asked_only_where_a_project_is_replayed(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    assert form.row("replay_share").isHidden()
    form.put({"replay": "/projects/law"})
    assert not form.row("replay_share").isHidden()
    form.put({"replay_share": 0.5})
    form.row("replay").reset.emit()
    assert form.row("replay_share").isHidden()
    assert form.changes() == {}


def test_a_table_of_words_is_offered_nothing_that_needs_layers(qtbot):
    plan = TrainPlan(PRESETS)
    qtbot.addWidget(plan)
    own = Model(5, "own words", "base", "models/5/final", "d", 1024, 0, None, None, {}, {}, State.COMPLETE, "")
    facts = TrainFacts(
        base="own words", questions=95, dev=3, texts=640, base_id=5, models=(own,), static=frozenset({5})
    )
    plan.show_facts(facts)
    form = plan.form()
    for name in ("lora_rank", "adapter", "freeze_layers", "gradient_checkpointing"):
        assert form.row(name).isHidden()
    for box in (form.field("objective"), plan.rounds.adapt):
        assert [box.is_possible(value) for value in ("tsdae", "mlm", "simcse")] == [False, False, True]
    plan.change({"objective": "mlm", "lora_rank": 8})
    assert why_not(facts, plan.params()) == "Choose another objective"
    assert "lora_rank" not in plan.values()
    plan.show_facts(replace(facts, static=frozenset()))
    assert not form.row("lora_rank").isHidden()
    assert why_not(replace(facts, static=frozenset()), plan.params()) == ""


def test_no_stage_on_texts_comes_first_where_there_are_too_few(qtbot):
    plan = TrainPlan(PRESETS)
    qtbot.addWidget(plan)
    plan.rounds.adapt.set_value("simcse")
    plan.show_facts(TrainFacts(questions=95, dev=3, texts=4, unmet=frozenset({"texts"})))
    assert plan.rounds.adapt.value() == "off"
    assert not plan.rounds.adapt.is_possible("simcse")


def test_a_table_of_words_shows_the_settings_that_its_run_has(qtbot):
    plan = TrainPlan(PRESETS)
    qtbot.addWidget(plan)
    own = Model(5, "own words", "base", "models/5/final", "d", 1024, 0, None, None, {}, {}, State.COMPLETE, "")
    facts = TrainFacts(base="own words", questions=95, dev=3, base_id=5, models=(own,), static=frozenset({5}))
    plan.show_facts(facts)
    form = plan.form()
    names = ("batch_size", "epochs", "learning_rate", "max_steps", "eval_every", "dev_passages")
    for preset in PRESETS:
        plan.choose(preset)
        run = effective(plan.params(), facts)
        assert [form.value(name) for name in names] == [getattr(run, name) for name in names]
        assert plan.values() == {"preset": preset}
    for name in ("max_length", "micro_batch_size", "precision", "device"):
        assert form.row(name).isHidden()
    plan.choose("quick")
    plan.change({"epochs": 30.0})
    assert plan.values() == {"preset": "quick", "epochs": 30.0}
    form.field("objective").set_value("triplet")
    assert form.value("batch_size") == 64  # trained as any other model
    assert not form.row("micro_batch_size").isHidden()
    assert form.value("epochs") == 30.0
    form.reset_all()
    assert (form.value("batch_size"), form.value("epochs")) == (512, 12.0)
