"""Whatever the texts, the answers and the rules: no negative equals or nearly equals an answer of its query."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.curate.sameness import normal_text
from engine.mine.bm25 import BM25Index
from engine.mine.dense import top_k
from engine.mine.equality import SHARED_WORDS, Equality
from engine.mine.gathering import Found, Known, Space, gather
from engine.params import SelectParams
from engine.store.selection import chosen_negatives, select
from engine.task import Task
from tests.engine.mine.projects import bag_vectors

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
