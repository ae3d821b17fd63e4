import json

import pytest

from engine.encode.models import BUNDLED, add_model_folder
from engine.encode.tokens import in_words, measure_tokens, token_counter, unreadable
from engine.errors import ModelError
from engine.records import TokenReport
from engine.store import models
from engine.task import Task


def measured(project, folder, texts):
    model = models.model(project, add_model_folder(project, str(folder)))
    return measure_tokens(project, model, texts, Task())


def test_shares_are_those_counted_by_hand(project, tiny_folder):
    # tiny: known words are one token each, 日 and 本 are one unknown token each; 62 words + 2 special = 64 fit exactly
    texts = ["red green blue", "red 日 本", " ".join(["red"] * 62), " ".join(["red"] * 63)]
    report = measured(project, tiny_folder, texts)
    assert report.unknown_share == pytest.approx(2 / (3 + 3 + 62 + 63))
    assert report.cut_share == 0.25
    assert report.median_tokens == round((5 + 64) / 2)
    assert (report.texts, report.max_length, report.model) == (4, 64, "tiny")


def test_the_bundled_model_reads_almost_no_chinese(project):
    report = measured(project, BUNDLED.path(), ["怎样取消我的订单", "数据结构是什么", "请问这个药怎么吃"])
    assert report.unknown_share > 0.3
    assert "does not know" in in_words(report)
    assert "expect poor search" in in_words(report)


def test_texts_of_many_unknown_tokens_cannot_be_told_apart(project, tiny_folder):
    model = models.model(project, add_model_folder(project, str(tiny_folder)))
    texts = ["red green blue", "red green red green 日", "red green red green blue 日", "日 本", ""]
    assert unreadable(project, model, texts).tolist() == [False, True, False, True, False]


def test_the_bundled_model_cannot_tell_chinese_queries_apart(project):
    model = models.model(project, add_model_folder(project, str(BUNDLED.path())))
    asked = ["技术报告", "半准决赛阶段", "How do I reset it?", "What is “naïve” search?"]
    assert unreadable(project, model, asked).tolist() == [True, True, False, False]


def test_no_texts_are_no_trouble(project, tiny_folder):
    report = measured(project, tiny_folder, [])
    assert (report.unknown_share, report.cut_share, report.median_tokens) == (0.0, 0.0, 0)


def test_a_tokenizer_that_spells_everything_knows_all(project, copied):
    path = copied / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["model"] = {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}
    content["post_processor"] = None
    content["added_tokens"] = []
    path.write_text(json.dumps(content), encoding="utf-8")
    assert measured(project, copied, ["a b", "z"]).unknown_share == 0.0


def test_the_counter_counts_content_tokens(tiny_folder):
    assert token_counter(tiny_folder)(["red green", "", "red, 日"]) == [2, 0, 3]


def test_a_folder_without_tokenizer_is_one_sentence(copied):
    (copied / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer\.json"):
        token_counter(copied)


def test_nothing_is_said_where_all_is_well():
    assert in_words(TokenReport("m", 10, 0.01, 0.02, 40, 256)) == ""


def test_texts_that_are_cut_are_told():
    assert "40 % of these texts are longer than the 256 tokens" in in_words(TokenReport("m", 10, 0.0, 0.4, 240, 256))
