"""Prompts are the model's own, else those of its family, and the tuned model carries them on."""

import json
from dataclasses import replace

import pytest

from engine.encode.families import known_prompts
from engine.encode.folders import read_facts
from engine.encode.models import folder_of
from engine.store import models
from engine.task import Task
from engine.train.training import train
from tests.tiny_model import build_tiny_model


@pytest.mark.parametrize(
    ("name", "query", "passage"),
    [
        ("intfloat/e5-base-v2", "query: ", "passage: "),
        ("multilingual-e5-small", "query: ", "passage: "),
        ("BAAI/bge-small-en-v1.5", "Represent this sentence for searching relevant passages: ", ""),
        ("bge-large-zh", "为这个句子生成表示以用于检索相关文章：", ""),
        (
            "Qwen3-Embedding-0.6B",
            "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
            "",
        ),
    ],
)
def test_families_are_known_by_where_the_weights_came_from(tmp_path, name, query, passage):
    assert known_prompts(tmp_path, {"_name_or_path": name}) == {"query": query, "passage": passage}


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "bge-m3", "bert-base-uncased", ""])
def test_other_models_have_no_prompts(tmp_path, name):
    assert known_prompts(tmp_path, {"_name_or_path": name}) is None


def test_a_card_that_shows_the_prompts_of_e5_is_enough(tmp_path):
    (tmp_path / "README.md").write_text("texts = ['query: how much', 'passage: As a rule']", encoding="utf-8")
    assert known_prompts(tmp_path, {}) == {"query": "query: ", "passage": "passage: "}


def test_a_model_of_a_family_is_tuned_with_its_prompts_and_keeps_them(project, small, tmp_path):
    folder = build_tiny_model(tmp_path / "e5-small-v2")
    assert read_facts(folder).prompts == {"query": "query: ", "passage": "passage: "}
    summary = train(project, replace(small, base=str(folder), max_steps=1), Task())
    tuned = folder_of(project, models.model(project, summary.model))
    stored = json.loads((tuned / "config_sentence_transformers.json").read_text(encoding="utf-8"))["prompts"]
    assert (stored["query"], stored["document"]) == ("query: ", "passage: ")


def test_a_models_own_prompts_come_first(tmp_path):
    folder = build_tiny_model(tmp_path / "e5-small-own", prompts={"query": "ask ", "document": ""})
    assert read_facts(folder).prompts["query"] == "ask "
