"""The Export page: models, things to take, the place, what the check said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QInputDialog

from engine.records import Outcome, Split, State
from engine.store import jobs, models, runs
from engine.store.project import Project
from gui.jobs.job import Job, Phase
from gui.pages.export.facts import ExportFacts, choices, params_of, read_facts, slug, why_not
from gui.pages.export.page import ExportPage
from gui.pages.export.parts import ChoiceRow
from gui.widgets.buttons import Button
from tests.gui.asking import AskingSession, settle
from tests.gui.projects import empty_project


def _page(qtbot, tmp_path, path) -> ExportPage:
    page = ExportPage(AskingSession(path, tmp_path))
    qtbot.addWidget(page)
    page.resize(1072, 764)
    page.show()
    settle(qtbot, page)
    return page


def _facts(path):
    with Project.open(path, readonly=True) as project:
        return read_facts(project)


def _choice(key):
    return next(choice for choice in choices() if choice.key == key)


def test_every_choice_is_something_the_engine_writes():
    from engine.export.exporting import FORMATS
    from engine.export.labelled import LINE_FORMATS

    offered = {(c.what, name) for c in choices() for name in (c.formats or (c.format,))}
    known = {(what, name) for what, formats in FORMATS.items() for name in formats}
    # Judgements as lines with texts are training sets, and stand there.
    assert offered == known - {("qrels", name) for name in LINE_FORMATS}


def test_a_training_set_is_named_and_judged_by_its_format(finished):
    choice = _choice("training")
    assert params_of(choice, None, "/out") == {
        "dest": str(Path("/out/train-flagembedding.jsonl")),
        "what": "training",
        "format": "flagembedding",
        "split": "train",
    }
    assert params_of(replace(choice, format="gpl"), None, "/out")["dest"] == str(Path("/out/train-gpl"))
    bare = ExportFacts(judged={"train": 3})
    assert why_not(choice, None, bare) == ""
    assert why_not(replace(choice, format="st-tuple"), None, bare) == "no negatives were mined"


def test_the_format_picked_on_a_row_is_what_is_exported(qtbot):
    row = ChoiceRow(_choice("negatives"))
    qtbot.addWidget(row)
    assert row.formats.accessibleName() == "Format of: Hard negatives"
    row.formats.picked.emit("tevatron-v2")
    assert params_of(row.choice, None, "/out")["dest"] == str(Path("/out/train-tevatron-v2-negatives"))


def test_tuned_models_come_first_with_score_and_verdict(finished):
    first, base = _facts(finished).models
    assert (first.name, first.is_tuned, first.system) == ("round 1, quick", True, "2")
    assert first.verdict in list(Outcome)
    assert (base.name, base.system) == ("all-MiniLM-L6-v2", "base")


def test_params_name_the_models_run_and_file(finished):
    model = _facts(finished).models[0]
    assert params_of(_choice("run"), model, "/out") == {
        "dest": str(Path("/out/round-1-quick-test.run")),
        "what": "run",
        "format": "trec",
        "split": "test",
        "system": "2",
    }


def test_names_of_files_are_safe():
    assert slug("../my model: 100 %/ü 链条") == "my-model-100-ü-链条"
    assert slug("...") == "model"


def test_an_unmeasured_models_run_cannot_be_taken(finished):
    with Project.open(finished) as project:
        new = models.add_model(project, name="tuned 2", kind="tuned", path="x", parent_id=1)
        models.finish_model(project, new, path="x", weights_digest="", dim=1, max_length=1, summary={})
    facts = _facts(finished)
    assert why_not(_choice("run"), facts.models[0], facts) == "not measured on the test queries yet"
    assert why_not(_choice("model"), facts.models[0], facts) == ""


def test_the_best_model_is_chosen_at_first(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    assert page._chosen_model().name == "round 1, quick"
    assert page._go.shown_text() == "Export Sentence Transformers folder"


def test_a_better_model_that_comes_is_chosen_where_nobody_chose(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    with Project.open(finished) as project:
        better = models.add_model(project, name="round 2", kind="tuned", path="", state=State.COMPLETE)
        run = runs.start_run(project, system="tuned", model_id=better, split=Split.TEST, content_key="t2")
        runs.finish_run(project, run, n_queries=18, metrics={"ndcg@10": 0.99}, seconds=1)
    page.session._emit({"models", "runs"})
    settle(qtbot, page)
    assert page._model == better
    next(card for card in page._cards if card.model_id == 2).choice.setChecked(True)
    page.session._emit({"runs"})
    settle(qtbot, page)
    assert page._model == 2  # what a person chose stays


def test_each_thing_chosen_is_a_job_of_its_own(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._row("beir").box.setChecked(True)
    assert page._go.shown_text() == "Export 2 things"
    page._go.click()
    assert [(kind, values["what"], values["format"]) for kind, values in page.session.jobs] == [
        ("export", "model", "sentence-transformers"),
        ("export", "qrels", "beir"),
    ]
    assert page.session.jobs[0][1]["model"] == "2"
    assert page._go.shown_text() == "Exporting…"


def test_nothing_chosen_is_the_buttons_label(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._row("model").box.setChecked(False)
    assert page._go.shown_text() == "Choose what to take"
    assert not page._go.isEnabled()


def test_the_last_column_is_filled_only_after_the_check(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    row = page._row("model")
    assert row.state() == "not taken yet"
    page._go.click()
    job = page.session.queue.running
    job.stage = "load it again and compare"
    page.session.queue.job_progressed.emit(job)
    assert row.state() == "load it again and compare"
    with Project.open(finished) as project:
        path = page.session.jobs[0][1]["dest"]
        check = "20 of 20 texts give the same vectors."
        jobs.put_export(project, what="model", format="sentence-transformers", path=path, model_id=2, check=check)
    page.session.end_job(job, Phase.DONE, changed={"exports"})
    settle(qtbot, page)
    assert row.state() == check
    assert page._check_title.text() == "round 1, quick gives the same vectors"
    assert path in page._code.toPlainText()
    assert page._history.count() == 1


def test_an_export_of_another_model_does_not_count(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        path = str(finished / "exports" / "round-1-quick")
        jobs.put_export(project, what="model", format="sentence-transformers", path=path, model_id=1, check="ok")
    page = _page(qtbot, tmp_path, finished)
    assert page._row("model").state() == "not taken yet"


def test_a_failed_export_says_why_and_what_was_kept(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    assert not page.tells_failure("export")  # what was begun elsewhere is the window's to tell
    page._go.click()
    job = page.session.queue.running
    assert page.tells_failure("export")
    page.session.end_job(job, Phase.FAILED, message="/x is not empty.", hint="Choose a new folder.")
    settle(qtbot, page)
    assert page.tells_failure("export")
    assert page._row("model").state() == "/x is not empty."
    assert page.problem.isVisible()
    assert "Kept:" in page.problem.accessibleName()


def test_all_that_failed_is_named_with_its_reason(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._row("beir").box.setChecked(True)
    page._go.click()
    model, beir = (Job(id_, "export", finished, dict(page.session.jobs[id_ - 1][1])) for id_ in (1, 2))
    page.session.end_job(model, Phase.FAILED, message="/x is not empty.", hint="Choose a new folder.")
    page.session.end_job(beir, Phase.FAILED, message="The disk is full.", hint="Make room.")
    settle(qtbot, page)
    names = [page._row(key).choice.title for key in ("model", "beir")]
    assert page.problem.accessibleName().startswith(
        f"{names[0]}, {names[1]} were not exported {names[0]}: /x is not empty. Choose a new folder.\n"
        f"{names[1]}: The disk is full. Make room. Kept:"
    )


def test_try_again_repeats_what_failed_and_nothing_else(qtbot, tmp_path, finished, monkeypatch):
    page = _page(qtbot, tmp_path, finished)
    page._row("beir").box.setChecked(True)
    page._go.click()
    model, beir = (Job(id_, "export", finished, dict(page.session.jobs[id_ - 1][1])) for id_ in (1, 2))
    page.session.end_job(model, Phase.FAILED, message="/x is not empty.")
    page.session.end_job(beir, Phase.DONE, changed={"exports"})
    settle(qtbot, page)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(tmp_path / "away"))
    page._change_folder()
    again = next(b for b in page.problem.findChildren(Button) if b.text() == "Try again")
    again.click()
    (again_values,) = [values for _kind, values in page.session.jobs[2:]]
    assert again_values == {**model.params, "dest": str(tmp_path / "away" / "round-1-quick")}
    assert page.problem.isHidden()


def test_another_folder_is_chosen(qtbot, tmp_path, finished, monkeypatch):
    page = _page(qtbot, tmp_path, finished)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(tmp_path / "away"))
    page._change_folder()
    assert page._place_words.text() == str(tmp_path / "away")
    page._go.click()
    assert page.session.jobs[0][1]["dest"] == str(tmp_path / "away" / "round-1-quick")


def test_a_model_is_renamed_and_named_back(qtbot, tmp_path, finished, monkeypatch):
    page = _page(qtbot, tmp_path, finished)
    monkeypatch.setattr(QInputDialog, "getText", lambda *_args, **_kwargs: ("bikes", True))
    page._rename(2)
    settle(qtbot, page)
    assert page._chosen_model().name == "bikes"
    page.session.undo()
    settle(qtbot, page)
    assert page._chosen_model().name == "round 1, quick"


def test_another_model_is_chosen_by_its_card(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._cards[1].choice.setChecked(True)
    page._go.click()
    assert page.session.jobs[0][1]["model"] == "1"


def test_a_project_with_nothing_in_it_says_what_will_be_here(qtbot, tmp_path):
    page = _page(qtbot, tmp_path, empty_project(tmp_path))
    assert page._stack.currentIndex() == 0
    assert page._go.isHidden()


def test_the_narrow_window_folds_cards_and_inspector(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page.set_narrow(True)
    assert page.inspector.isHidden()
    assert page._a_row == 3
