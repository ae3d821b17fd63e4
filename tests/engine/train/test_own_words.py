"""A base model made from the documents alone, and how it is tuned; numbers against sentence-transformers and numpy."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from engine.encode.models import folder_of, open_encoder
from engine.errors import Cancelled, UserError
from engine.params import MakeBaseParams, TrainParams, params_from_dict, params_to_dict, static_params
from engine.records import State, text_hash
from engine.store import models
from engine.store.documents import corpus
from engine.store.project import Project
from engine.task import Task
from engine.train.bags import idf_of, leave_out, make_bag, rank_loss, vectors
from engine.train.bases import make_base
from engine.train.document_pairs import DocumentPairs, cut
from engine.train.doubling import doubling
from engine.train.forecast import forecast
from engine.train.pieces import Parts, count_tokens, learn_tokenizer, token_names
from engine.train.scripts import changes_of
from engine.train.training import train

CHINESE = ["头疼吃什么药", "头疼怎么办", "高血压吃什么药好", "头疼药和高血压药"]
SMALL = MakeBaseParams(tokens=400, dim=24)


def test_characters_are_written_twice_and_all_else_stays():
    assert doubling("头疼药𠀀").normalize_str("头疼 x药好𠀀。aa") == "头头疼疼 x药药好𠀀𠀀。aa"


def test_chinese_is_read_as_overlapping_pairs_and_its_ends():
    tokenizer = learn_tokenizer(CHINESE * 2, 400, Task())
    assert tokenizer.encode("头疼吃药B12", add_special_tokens=False).tokens[:5] == ["头", "头疼", "疼吃", "吃", "药"]


def test_a_tokenizer_read_back_from_its_file_cuts_the_same(tmp_path):
    tokenizer = learn_tokenizer([*CHINESE, "Blood pressure, blood test"] * 2, 400, Task())
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    again = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    text = "高血压 BLOOD tests"
    assert again.encode(text).ids == tokenizer.encode(text).ids


def test_letters_that_no_text_held_are_unknown_and_not_counted():
    tokenizer = learn_tokenizer(CHINESE * 2, 400, Task())
    counts = count_tokens(tokenizer, ["头疼", "Ω", ""], Task(), "")
    assert counts.sum(axis=1).tolist() == [3.0, 0.0, 0.0]


def test_counts_are_those_of_the_tokens():
    tokenizer = learn_tokenizer(CHINESE * 2, 400, Task())
    (text,) = ["头疼头疼药"]
    row = count_tokens(tokenizer, [text], Task(), "").toarray()[0]
    expected = Counter(tokenizer.encode(text, add_special_tokens=False).tokens)
    assert {token_names(tokenizer)[i]: row[i] for i in np.flatnonzero(row)} == expected


def test_a_pair_is_made_of_itself_and_its_characters():
    parts = Parts.of(["[UNK]", "头", "疼", "头疼", "blood", "bloody"], 20)
    made = {parts.names[i]: n for i, n in enumerate(parts.matrix.toarray()[3]) if n}
    assert made == {"头疼": 1.0, "头": 1.0, "疼": 1.0}
    assert {"blo", "loo", "ood", "bloo", "lood"} <= set(parts.names)
    assert "ody" not in parts.names  # in one token only: it would tell nothing that the token does not


def test_rare_tokens_weigh_more_and_absent_ones_nothing():
    counts = csr_array(np.array([[1, 0, 2, 0], [1, 1, 0, 0], [1, 0, 0, 0]], np.float32))
    assert idf_of(counts) == pytest.approx([np.log(4 / 3.5), np.log(4 / 1.5), np.log(4 / 1.5), 0.0])


def test_an_untrained_bag_gives_the_mean_of_rows_as_sentence_transformers_does():
    rows = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    bag = make_bag(rows, csr_array(np.eye(4, dtype=np.float32)))
    counts = csr_array(np.array([[2, 1, 0, 0], [0, 0, 1, 3]], np.float32))
    ours = vectors(counts, bag.rows()).detach()
    table = torch.nn.EmbeddingBag.from_pretrained(torch.from_numpy(rows))
    theirs = table(torch.tensor([0, 0, 1, 2, 3, 3, 3]), torch.tensor([0, 3]))
    torch.testing.assert_close(ours, torch.nn.functional.normalize(theirs, dim=1))


def test_the_gradient_of_a_bag_is_that_of_dense_matrices():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(5, 3)).astype(np.float32)
    parts, counts = (rng.integers(0, 3, shape).astype(np.float32) for shape in ((5, 6), (4, 5)))
    bag = make_bag(rows, csr_array(parts))
    with torch.no_grad():
        bag.change.copy_(torch.from_numpy(rng.normal(size=(6, 3)).astype(np.float32)))
    vectors(csr_array(counts), bag.rows())[:, 0].sum().backward()
    weight, change = (p.detach().clone().requires_grad_() for p in (bag.weight, bag.change))
    dense = weight.exp()[:, None] * torch.from_numpy(rows) + torch.from_numpy(parts) @ change
    torch.nn.functional.normalize(torch.from_numpy(counts) @ dense, dim=1)[:, 0].sum().backward()
    torch.testing.assert_close(bag.change.grad, change.grad)
    torch.testing.assert_close(bag.weight.grad, weight.grad)


def test_the_loss_is_the_mean_of_both_directions_of_cross_entropy():
    rng = np.random.default_rng(3)
    asked, read = (torch.from_numpy(rng.normal(size=(n, 4)).astype(np.float32)) for n in (2, 3))
    blocked = np.array([[False, True, False], [False, False, False]])
    scores = (asked @ read.T * 5).numpy().astype(np.float64)
    scores[blocked] = -np.inf
    forth = np.mean([np.log(np.exp(scores[i]).sum()) - scores[i, i] for i in range(2)])
    back = np.mean([np.log(np.exp(scores[:, i]).sum()) - scores[i, i] for i in range(2)])
    assert float(rank_loss(asked, read, blocked, 5.0)) == pytest.approx((forth + back) / 2, rel=1e-5)


def test_no_text_loses_all_its_tokens():
    counts = csr_array(np.array([[1, 0, 1], [0, 0, 0], [0, 3, 0]], np.float32))
    rng = np.random.default_rng(0)
    left = [leave_out(counts, 0.9, rng).sum(axis=1) for _ in range(50)]
    assert all(row[0] > 0 and row[1] == 0 and row[2] == 3 for row in left)
    assert any(row[0] == 1 for row in left)


def test_pieces_and_their_rest_make_up_the_passage():
    texts = ["一二三。四五六。七八九。", "a b c. d e f. g h i.", "short"]
    tokenizer = learn_tokenizer(texts * 2, 200, Task())
    pairs = DocumentPairs(tokenizer, texts, Task())
    whole = count_tokens(tokenizer, [piece for text in texts[:2] for piece in cut(text)], Task(), "").toarray()
    sums = {tuple(whole[:3].sum(axis=0)), tuple(whole[3:].sum(axis=0))}
    rng = np.random.default_rng(4)
    asked, read = pairs.draw(8, rng)
    together = [tuple(row) for row in (asked + read).toarray()]
    assert pairs.n == asked.shape[0] == 2
    assert sums & set(together)


def test_a_base_of_own_words_becomes_the_projects_base_and_loads_elsewhere(project):
    made = make_base(project, SMALL, Task())
    base = models.base_model(project)
    assert base.id == made.model
    assert (base.kind, base.state, base.dim) == ("base", State.COMPLETE, 24)
    assert made.unknown_share == 0.0
    texts = corpus(project).texts[:5]
    ours = open_encoder(project, base).encode(texts, "passage")
    theirs = SentenceTransformer(str(project.path / base.path), device="cpu").encode(texts)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_the_same_texts_and_seed_give_the_same_model(project):
    one, two = (models.model(project, make_base(project, SMALL, Task()).model) for _ in range(2))
    assert one.weights_digest == two.weights_digest
    assert one.name != two.name


def test_the_base_stays_where_it_is_asked_to(project, base):
    made = make_base(project, MakeBaseParams(tokens=400, dim=24, use=False), Task())
    assert models.base_model(project).id == base.id
    assert not made.used


def test_a_cancelled_making_leaves_nothing(project, base):
    class Stops(Task):
        def on_progress(self, stage, done, total, note):
            if stage == "save the model":
                self.cancel()

    with pytest.raises(Cancelled):
        make_base(project, SMALL, Stops())
    assert [m.id for m in models.models(project, complete=False)] == [base.id]
    assert models.base_model(project).id == base.id
    assert not list((project.path / "models").iterdir())


def test_a_model_is_not_made_from_next_to_nothing(tmp_path):
    with Project.create(tmp_path / "empty") as empty, pytest.raises(UserError, match="0 passages"):
        make_base(empty, SMALL, Task())


def test_training_on_own_words_learns_what_only_the_labels_say(project, small):
    for query_id, text in project.db.execute("select id, text from queries").fetchall():
        foreign = " ".join(word[::-1] for word in text.split())
        project.db.execute(
            "update queries set text = ?, text_hash = ? where id = ?", [foreign, text_hash(foreign), query_id]
        )
    make_base(project, replace(SMALL, dim=64), Task())
    run = train(project, replace(small, eval_every=20, learning_rate=0.05, epochs=30.0, max_steps=150), Task())
    assert run.dev_base < 0.4
    assert run.dev > run.dev_base + 0.2


def test_an_interrupted_run_on_own_words_goes_on_to_the_same_model(project, small):
    make_base(project, SMALL, Task())
    params = replace(small, eval_every=4, merge="off")
    whole = models.model(project, train(project, params, Task()).model)

    class Stops(Task):
        def on_progress(self, stage, done, total, note):
            if stage == "train" and done == 6:
                self.cancel()

    with pytest.raises(Cancelled):
        train(project, params, Stops())
    (waiting,) = models.interrupted_models(project)
    again = models.model(project, train(project, TrainParams(resume=waiting.id), Task()).model)
    assert again.weights_digest == whole.weights_digest


def test_presets_become_what_a_static_model_wants_and_changes_stay():
    adapted = static_params(TrainParams(batch_size=100))
    assert (adapted.batch_size, adapted.learning_rate, adapted.max_steps, adapted.minutes) == (100, 1e-3, 0, 2.5)


def test_a_value_that_the_preset_has_anyway_is_taken_where_it_was_set():
    asked = params_from_dict(TrainParams, {"preset": "quick", "batch_size": 64, "epochs": "2"})
    adapted = static_params(asked)
    assert (adapted.batch_size, adapted.epochs, adapted.learning_rate) == (64, 2.0, 1e-3)
    assert static_params(params_from_dict(TrainParams, params_to_dict(asked))) == adapted
    assert changes_of(asked) == {"batch_size": 64, "epochs": 2.0}


def test_a_record_of_a_run_says_nothing_of_what_was_chosen():
    record = {name: value for name, value in params_to_dict(TrainParams()).items() if name != "chosen"}
    assert params_from_dict(TrainParams, record) == TrainParams()


def test_a_base_learns_the_characters_it_lacks(project, base):
    text = "药 in the river 药店"
    tokenizer = Tokenizer.from_file(str(folder_of(project, base) / "tokenizer.json"))
    assert "[UNK]" in tokenizer.encode(text).tokens
    project.db.execute("update passages set text = text || ' 药 店' where id % 2 = 0")
    made = make_base(project, MakeBaseParams(way="vocabulary"), Task())
    grown = models.base_model(project)
    assert (made.tokens, grown.id, grown.parent_id) == (2, made.model, base.id)
    loaded = SentenceTransformer(str(project.path / grown.path), device="cpu")
    assert loaded.tokenizer.tokenize(text)[0] == "药"
    assert not made.unknown_share
    ours = open_encoder(project, grown).encode([text], "passage")
    np.testing.assert_allclose(ours, loaded.encode([text], normalize_embeddings=True), atol=1e-5)
    plain = ["how the river does long"]
    before = open_encoder(project, base).encode(plain, "passage")
    np.testing.assert_allclose(open_encoder(project, grown).encode(plain, "passage"), before, atol=1e-6)


def test_a_model_that_knows_every_character_gains_nothing(project):
    with pytest.raises(UserError, match="knows every character"):
        make_base(project, MakeBaseParams(way="vocabulary"), Task())


def test_the_forecast_counts_the_steps_that_a_run_on_own_words_takes(project, small):
    make_base(project, SMALL, Task())
    assert forecast(project, small, Task()).steps == train(project, small, Task()).steps == 12
