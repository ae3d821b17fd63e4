"""Whatever the texts, the answers and the rules: no negative equals or nearly equals an answer of its query."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.curate.sameness import normal_text
from engine.mine import mining
from engine.mine.bm25 import BM25Index
from engine.mine.dense import top_k
from engine.mine.equality import SHARED_WORDS, Equality
from engine.mine.gathering import Found, Known, Space, gather
from engine.mine.mining import mine
from engine.params import MineParams, SelectParams
from engine.records import Split
from engine.store import negatives, queries
from engine.store.selection import chosen_negatives, select
from engine.task import Task
from tests.engine.mine.projects import add_passages, add_queries, bag_vectors, judge, new_project

WORDS = ["tea", "pot", "lid", "cup", "milk", "sugar", "warm", "cold", "clean", "rinse"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
rules = st.builds(
    SelectParams,
    num_negatives=st.integers(1, 9),
    relative_margin=st.sampled_from([-99.0, 0.0]),
    max_doubt=st.sampled_from([0.5, 2.0]),
    share_bm25=st.sampled_from([0.0, 0.5, 1.0]),
    share_random=st.sampled_from([0.0, 0.5]),
    rank_among=st.sampled_from(["raw", "survivors"]),
    order=st.sampled_from(["top", "random"]),
    fill=st.sampled_from(["rest", "random", "none"]),
)


@given(st.lists(texts, min_size=2, max_size=10), rules, st.data())
@settings(deadline=None, max_examples=120)
def test_no_negative_is_nearly_an_answer(corpus, params, data):
    written = data.draw(st.sampled_from([str.upper, lambda t: f"{t}!", lambda t: f"  {t}  ", lambda t: t]))
    passages = [*corpus, written(corpus[0])]
    answers = sorted({0, *data.draw(st.lists(st.integers(0, len(passages) - 1), max_size=2))})
    index, vectors = BM25Index.build(passages), bag_vectors(passages)
    query = data.draw(texts)
    asked = bag_vectors([query])
    found = {
        "bm25": Found(*index.top_k([query], 20)),
        "dense": Found(*top_k(asked, vectors, 20)),
        "random": Found(np.arange(len(passages), dtype=np.int32)[None], np.zeros((1, len(passages)), np.float32)),
    }
    none = np.zeros(0, np.int64)
    ids = np.arange(1, len(passages) + 1)
    space = Space(ids, ids, vectors, asked, Equality(passages, index))
    candidates = gather([Known(1, np.array(answers), none, none)], found, space, Task())
    for negative in chosen_negatives(candidates, select(candidates, params)):
        text = passages[negative.passage_id - 1]
        mine = set(index.tokens(text))
        for answer in answers:
            assert negative.passage_id - 1 != answer
            assert normal_text(text) != normal_text(passages[answer])
            theirs = set(index.tokens(passages[answer]))
            assert len(mine & theirs) / len(mine | theirs) < SHARED_WORDS


@pytest.mark.parametrize("seed", range(8))
def test_no_negative_is_nearly_an_answer_of_the_query_or_of_its_duplicates(tmp_path, monkeypatch, seed):
    """Whole projects by chance: passages with copies, queries asked twice (merged, or only the same text), loose rules."""
    monkeypatch.setattr(mining, "_vectors", lambda _p, _m, asked, texts, _t: (bag_vectors(asked), bag_vectors(texts)))
    rng = np.random.default_rng(seed)

    def text() -> str:
        return " ".join(rng.choice(WORDS, rng.integers(2, 12)))

    with new_project(tmp_path / "p") as project:
        written = [text() for _ in range(14)]
        written += [how(written[i]) for i, how in enumerate((str.upper, lambda t: f"{t}!", lambda t: f"“{t}” …"))]
        written += [f"{written[i]} {rng.choice(WORDS)}" for i in range(3)]
        passages = dict(zip(add_passages(project, list(dict.fromkeys(written))), dict.fromkeys(written), strict=True))
        first = [f"{text()} {number}" for number in range(5)]
        stand = add_queries(project, first, split=Split.TRAIN)
        merged = add_queries(project, [f"please {asked}" for asked in first[:3]], split=Split.TRAIN)
        repeats = add_queries(project, [f"{asked.upper()}?!" for asked in first[2:]], split=Split.TRAIN)
        queries.set_duplicates(project, dict(zip(merged, stand[:3], strict=True)))
        ids = list(passages)
        for query_id in (*stand, *merged, *repeats):
            judge(project, *((query_id, int(p), 1) for p in rng.choice(ids, rng.integers(1, 3), replace=False)))
        judged = queries.judgements(project)
        groups = [*zip(merged, stand[:3], strict=True), *zip(repeats, stand[2:], strict=True)]
        rules = SelectParams(num_negatives=20, relative_margin=-99, max_doubt=2, share_random=0.3, fill="rest")
        summary = mine(project, MineParams(sources=("bm25", "dense", "random"), depth=20, select=rules), Task())
        index = BM25Index.build(list(passages.values()))
        found = negatives.negatives(project, summary.mining)
        assert found
        for negative in found:
            same = {negative.query_id, *(a for a, b in groups if b == negative.query_id)}
            same |= {b for a, b in groups if a == negative.query_id}
            mine_ = set(index.tokens(passages[negative.passage_id]))
            for answer in {p for query_id in same for p in judged.get(query_id, {})}:
                assert negative.passage_id != answer
                assert normal_text(passages[negative.passage_id]) != normal_text(passages[answer])
                theirs = set(index.tokens(passages[answer]))
                assert len(mine_ & theirs) / len(mine_ | theirs) < SHARED_WORDS
