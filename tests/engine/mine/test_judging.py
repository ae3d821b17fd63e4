"""One word on many candidates is recorded, counted and taken back as one; sentences are cut and weighed."""

from __future__ import annotations

import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from engine.edits import apply_edit
from engine.errors import UserError
from engine.mine import likeness, mining
from engine.mine.likeness import sentences
from engine.mine.mining import mine
from engine.params import MineParams, SelectParams, params_to_dict
from engine.records import Review, Split
from engine.store import models, queries
from engine.task import Task
from tests.engine.mine.projects import add_passages, add_queries, bag_vectors, judge, new_project

RULES = SelectParams(num_negatives=1, max_doubt=0.0, relative_margin=-99)  # all are doubtful


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(mining, "_vectors", lambda *_: (bag_vectors(_[2]), bag_vectors(_[3])))
    with new_project(tmp_path / "p") as project:
        add_passages(project, ["Clean the kettle with vinegar", "Clean the oven with soap", "The kettle is blue"])
        query = add_queries(project, ["How do I clean a kettle?"], split=Split.TRAIN)[0]
        judge(project, (query, 1, 1))
        yield project


def words_on_all(project, **changes):
    mining_id = mine(project, MineParams(select=RULES), Task()).mining
    values = {"mining_id": mining_id, "select": params_to_dict(RULES), "state": "doubtful", "verdict": "left_out", "stamp": "s1"}  # fmt: skip
    return apply_edit(project, "review_all", {**values, **changes})[1]["count"]


def test_all_doubtful_ones_without_a_word_get_one(project):
    queries.put_review(project, 1, 2, Review.NEGATIVE)
    assert words_on_all(project) == 1
    assert queries.reviews(project) == {(1, 2): Review.NEGATIVE, (1, 3): Review.LEFT_OUT}


def test_they_are_taken_back_as_one_and_no_others(project):
    queries.put_review(project, 1, 2, Review.NEGATIVE)
    words_on_all(project)
    assert apply_edit(project, "unreview_all", {"stamp": "s1"})[1]["count"] == 1
    assert queries.reviews(project) == {(1, 2): Review.NEGATIVE}


@pytest.mark.parametrize("changes", [{"verdict": "relevant"}, {"state": "answer"}])
def test_what_is_said_of_one_passage_at_a_time_is_refused(project, changes):
    with pytest.raises(UserError, match="at once"):
        words_on_all(project, **changes)


def test_sentences_are_cut_at_marks_full_stops_and_empty_lines():
    text = "One is here.  Two? 三在这里。四。\n\nFive"
    assert [text[a:b] for a, b in sentences(text)] == ["One is here.", "Two?", "三在这里。", "四。", "Five"]
    assert sentences("") == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('He said "go." Then he left.', ['He said "go."', "Then he left."]),
        ("他说：“好。”然后走了。真的？！是的。", ["他说：“好。”", "然后走了。", "真的？！", "是的。"]),
        ("Version 3.2 is out. Get it.", ["Version 3.2 is out.", "Get it."]),
    ],
)
def test_a_sentence_ends_with_its_closing_quotation_mark(text, parts):
    assert [text[start:end] for start, end in sentences(text)] == parts


def test_a_long_text_without_a_full_stop_is_cut_at_its_commas():
    text = "，".join(["高血压患者首先要注意控制食盐摄入量每天不超过六克"] * 20)
    parts = [text[start:end] for start, end in sentences(text)]
    assert "".join(parts) == text
    assert len(parts) > 3
    assert all(80 <= len(part) <= 240 and part.endswith("，") for part in parts[:-1])


class Words:
    """In place of an encoder: vectors of words, of the first `max_length` of them."""

    def __init__(self, max_length=100):
        self.max_length = max_length

    def prompted(self, text, kind):
        return text

    def encode(self, texts, kind):
        return bag_vectors([" ".join(text.split()[: self.max_length]) for text in texts])


class Blanks:
    """In place of a tokenizer: words between blanks."""

    def encode(self, text, add_special_tokens):
        return SimpleNamespace(offsets=[match.span() for match in re.finditer(r"\S+", text)])

    def num_special_tokens_to_add(self, _pair):
        return 0


@pytest.fixture
def weigh(project, monkeypatch):
    def weigh(text, max_length=100, **passage):
        monkeypatch.setattr(likeness, "warm_encoder", lambda *_: Words(max_length))
        monkeypatch.setattr(likeness, "open_tokenizer", lambda _folder: Blanks())
        (project.path / "fake").mkdir(exist_ok=True)
        (passage_id,) = add_passages(project, [text], **passage)
        return likeness.likeness(project, query_id=1, passage_id=passage_id, model_id=models.models(project)[0].id)

    return weigh


def test_the_sentence_that_shares_the_querys_words_carries_the_likeness(weigh):
    text = "Vinegar is sour. Clean a kettle with it. The sun is far away."
    found = weigh(text).sentences
    assert [text[s.start : s.end] for s in found] == ["Vinegar is sour.", "Clean a kettle with it.", "The sun is far away."]  # fmt: skip
    query, whole = bag_vectors(["How do I clean a kettle?"])[0], bag_vectors([text])[0]
    without = bag_vectors(["Vinegar is sour.  The sun is far away."])[0]
    assert found[1].fall == pytest.approx(float(whole @ query - without @ query), abs=1e-4)
    assert int(np.argmax([s.fall for s in found])) == 1


def test_what_lies_behind_the_models_length_neither_counts_nor_moves_up(weigh):
    text = "Vinegar is sour. Soap is dear. How do I clean a kettle?"
    found = weigh(text, max_length=6)
    assert text[: found.read] == "Vinegar is sour. Soap is dear."
    assert [text[s.start : s.end] for s in found.sentences] == ["Vinegar is sour.", "Soap is dear."]
    assert max(s.fall for s in found.sentences) <= 0


def test_of_very_many_sentences_neighbours_are_left_out_together(weigh):
    found = weigh(" ".join(f"Number {i}." for i in range(95)), max_length=1000)
    assert len(found.sentences) == 32
    assert all(a.end < b.start for a, b in pairwise(found.sentences))
