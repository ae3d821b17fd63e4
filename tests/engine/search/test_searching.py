"""A warm engine answers by words, vectors or both, sees changes, and survives odd input."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.errors import UserError
from engine.params import SearchParams
from engine.records import ImportCounts
from engine.search.searching import INDEX_SETTING, SearchEngine, clean_query
from engine.store import documents, imports, models
from engine.store.documents import NewDocument, NewPassage
from engine.store.following import replace_passages
from engine.store.project import Project
from engine.task import Task


@pytest.fixture
def project(small_world):
    return small_world


def find(engine: SearchEngine, text: str, **settings) -> list[int]:
    return [hit.passage_id for hit in engine.search(SearchParams(text=text, **settings)).hits]


class Stages(Task):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.said: list[str] = []

    def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
        self.names.append(stage)

    def on_warning(self, message: str) -> None:
        self.said.append(message)


def test_words_find_the_passages_that_hold_them(project):
    hits = SearchEngine(project).search(SearchParams(text="telescope lens", mode="bm25")).hits
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert {hit.passage_id for hit in hits} == {19, 20}
    assert hits[0].score > hits[-1].score > 0


def test_vectors_rank_by_the_cosine_of_the_model(project):
    from engine.encode.models import open_encoder

    result = SearchEngine(project).search(SearchParams(text="violin bow", k=5, model="base"))
    encoder = open_encoder(project, models.resolve_model(project, "base"))
    query = encoder.encode(["violin bow"], "query")[0]
    corpus = documents.corpus(project)
    scores = encoder.encode(corpus.texts, "passage") @ query
    assert [hit.score for hit in result.hits] == pytest.approx(sorted(scores, reverse=True)[:5], abs=1e-3)
    for hit in result.hits:
        row = int(np.flatnonzero(corpus.ids == hit.passage_id)[0])
        assert hit.score == pytest.approx(float(scores[row]), abs=1e-3)


def test_two_models_answer_side_by_side(project):
    engine = SearchEngine(project)
    assert find(engine, "bank loan", model="base") != find(engine, "bank loan", model="tuned")


def test_hybrid_scores_are_means_of_both_scores_brought_to_between_0_and_1(project):
    engine = SearchEngine(project)
    found = {
        mode: {
            hit.passage_id: hit.score for hit in engine.search(SearchParams(text="chess bishop", mode=mode, k=25)).hits
        }
        for mode in ("bm25", "dense", "hybrid")
    }
    words, vectors = found["bm25"], found["dense"]
    assert 0 < len(words) < len(vectors) == 25  # vectors rank every passage, words those that hold one
    low, high, most = min(vectors.values()), max(vectors.values()), max(words.values())
    for passage, score in list(found["hybrid"].items())[:5]:
        expected = (words.get(passage, 0.0) / most + (vectors[passage] - low) / (high - low)) / 2
        assert score == pytest.approx(expected, abs=1e-4)


def test_passages_of_equal_text_are_both_hits(project):
    assert find(SearchEngine(project), "kettle vinegar descale", mode="bm25")[:2] == [1, 25]


@pytest.mark.parametrize("mode", ["bm25", "dense", "hybrid"])
@pytest.mark.parametrize(
    "text", ["", "   ", "\x00\x01", "\ud800", "?!…", "kettle " * 150_000, "\ud83d kettle \x07", "a\nb\tc", "水壶"]
)
def test_odd_queries_give_hits_or_none_but_no_error(project, mode, text):
    result = SearchEngine(project).search(SearchParams(text=text, mode=mode))
    assert all(np.isfinite(hit.score) for hit in result.hits)


def test_text_without_a_word_gives_no_hits(project):
    assert find(SearchEngine(project), " \x00 ") == []


def test_cleaning_keeps_what_can_be_read():
    assert clean_query("\x00 de\ud800scale \n kettle ") == "de?scale   kettle"
    assert len(clean_query("a" * 1_000_000)) == 10_000


def test_new_passages_are_found_at_the_next_search(project):
    engine = SearchEngine(project)
    assert find(engine, "zeppelin", mode="bm25") == []
    find(engine, "zeppelin", mode="dense")
    import_id = imports.start_import(project, ["later"], "made")
    row = (NewDocument("", "", "labelled", "z", external_id="z", labelled=True), NewPassage("A zeppelin mooring mast"))
    (passage_id,) = documents.put_labelled(project, [row], import_id=import_id)
    imports.finish_import(project, import_id, ImportCounts(documents=1, passages=1, new=1))
    assert find(engine, "zeppelin", mode="bm25") == [passage_id]
    assert passage_id in find(engine, "zeppelin mooring mast", mode="dense", k=26)


def test_a_document_cut_in_another_way_is_searched_as_it_is_now(project):
    engine = SearchEngine(project)
    text = "Alpaca wool is warm. Llamas carry loads."
    halves = [NewPassage(text[:20], start=0, end=20), NewPassage(text[21:], start=21, end=40)]
    document = NewDocument("Wool", "/wool.txt", "txt", "h", text=text)
    document_id = documents.put_document(project, document, halves, import_id=1)
    assert find(engine, "alpaca", mode="bm25")
    others = [NewPassage(text[:6], start=0, end=6), NewPassage(text[7:], start=7, end=40)]
    replace_passages(project, document_id, others, same_text=True)
    (found,) = find(engine, "wool", mode="bm25")
    assert documents.passages(project, [found])[found].text == text[7:]


@pytest.mark.parametrize("kind", ["hnsw", "sq8"])
def test_chosen_index_is_kept_and_read_again(project, kind):
    project.set_meta(INDEX_SETTING, kind)
    first = SearchEngine(project)
    warm = first.warm("base")
    assert (warm.index, warm.passages) == (kind, 25)
    assert warm.recall >= 0.95
    stages = Stages()
    second = SearchEngine(project, stages)
    assert second.warm("base") == warm
    assert "build index" not in stages.names
    assert find(second, "router password") == find(first, "router password")


def test_damaged_index_is_built_again_with_a_warning(project):
    project.set_meta(INDEX_SETTING, "hnsw")
    SearchEngine(project).warm("base")
    (file,) = (project.path / "indexes").glob("hnsw-*/index.bin")
    content = bytearray(file.read_bytes())
    content[100] ^= 0xFF
    file.write_bytes(content)
    stages = Stages()
    SearchEngine(project, stages).warm("base")
    assert "build index" in stages.names
    assert "was damaged" in stages.said[0]


def test_index_of_an_older_corpus_is_not_used(project):
    project.set_meta(INDEX_SETTING, "hnsw")
    SearchEngine(project).warm("base")
    documents.remove_documents(project, [3])
    assert SearchEngine(project).warm("base").passages == 24
    (manifest,) = (project.path / "indexes").glob("hnsw-*/manifest.json")
    assert json.loads(manifest.read_text(encoding="utf-8"))["count"] == 23


def test_read_only_project_is_searched_without_writing(project):
    project.set_meta(INDEX_SETTING, "hnsw")
    SearchEngine(project).search(SearchParams(text="flour", model="base"))  # vectors are there
    for folder in (project.path / "indexes").iterdir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    with Project.open(project.path, readonly=True) as readonly:
        assert SearchEngine(readonly).search(SearchParams(text="flour", model="base")).hits
    assert not list((project.path / "indexes").iterdir())


def test_a_readonly_project_without_vectors_is_searched_and_says_that_none_is_kept(project):
    task = Stages()
    with Project.open(project.path, readonly=True) as readonly:
        engine = SearchEngine(readonly, task)
        found = [engine.search(SearchParams(text=text, model="base", k=5)).hits for text in ("flour", "kettle")]
    assert task.said == ["Nothing can be kept in this project, so 24 texts are encoded for this time alone."]
    assert not list((project.path / "vectors").iterdir())
    kept = SearchEngine(project)
    assert found == [kept.search(SearchParams(text=text, model="base", k=5)).hits for text in ("flour", "kettle")]


def test_explanation_names_shared_words_and_the_cosine(project):
    engine = SearchEngine(project)
    explanation = engine.why("kettle vinegar please", 25, model_ref="base")
    assert {word.word[:5] for word in explanation.words} == {"kettl", "vineg"}
    hits = engine.search(SearchParams(text="kettle vinegar please", model="base", k=25)).hits
    assert explanation.cosine == pytest.approx(next(h.score for h in hits if h.passage_id == 25), abs=1e-3)


def test_wishes_that_cannot_be_met_are_said(project):
    engine = SearchEngine(project)
    with pytest.raises(UserError, match="1001 hits"):
        engine.search(SearchParams(text="a", k=1001))
    with pytest.raises(UserError, match="no model '99'"):
        engine.search(SearchParams(text="a", model="99"))
    with pytest.raises(UserError, match="no passage 999"):
        engine.why("kettle", 999)


def test_empty_project_says_what_to_do(tmp_path):
    with Project.create(tmp_path / "empty") as project, pytest.raises(UserError, match="no passages"):
        SearchEngine(project).search(SearchParams(text="a", mode="bm25"))
