"""Every objective: a step on fitting data, a sentence on unfitting data, and the numbers of sentence-transformers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3Model

from engine.encode.models import add_model_folder
from engine.errors import UserError
from engine.objectives import OBJECTIVES
from engine.params import TrainParams, params_from_dict
from engine.records import Qrel
from engine.store import models, queries
from engine.store.documents import NewDocument, NewPassage, put_labelled
from engine.store.imports import start_import
from engine.store.project import Project
from engine.store.scores import PairScore, put_scores
from engine.task import Task
from engine.train.examples import Batch
from engine.train.objectives import build_loss, matryoshka_dims
from engine.train.plain_texts import cut_piece, leave_out_words
from engine.train.sources import fitting, open_source
from engine.train.steps import TokenBatch
from engine.train.training import train
from tests.engine.train.test_training import Recorder


@pytest.fixture
def labelled(project):
    """Answers, two negatives a query, teacher's scores and a few judged as not relevant."""
    for query_id in range(1, 53):
        wrong = [1 + (query_id + 6) % 60, 1 + (query_id + 20) % 60]
        queries.put_imported_negatives(project, [(query_id, passage_id) for passage_id in wrong])
        queries.put_qrels(project, [Qrel(query_id, 1 + (query_id + 30) % 60, 0)])
        pairs = [(query_id, 0.9), (wrong[0], 0.4), (wrong[1], 0.1)]
        put_scores(project, [PairScore(query_id, passage_id, score) for passage_id, score in pairs], "teacher")
    return project


@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_every_objective_trains_on_fitting_data(labelled, small, objective):
    own = {name: value for name, value in OBJECTIVES[objective].defaults.items() if name in ("noise", "margin")}
    task = Recorder()
    summary = train(
        labelled, replace(small, objective=objective, max_steps=3, eval_every=2, num_negatives=2, **own), task
    )
    assert [step for step, _ in task.points["loss"]] == [1, 2, 3]
    assert all(np.isfinite(value) for _, value in task.points["loss"])
    assert fitting(labelled)[objective] == ""
    assert models.model(labelled, summary.model).params["objective"] == objective


@pytest.mark.parametrize("objective", ["tsdae", "mlm", "softmax", "augmented"])
def test_objectives_with_other_data_or_a_head_go_on_bit_for_bit(labelled, small, objective):
    from engine.errors import Cancelled

    params = replace(small, objective=objective, max_steps=6, eval_every=2, merge="off")
    whole = Recorder()
    train(labelled, params, whole)
    with pytest.raises(Cancelled):
        train(labelled, params, Recorder(stop_at=3))
    (left,) = models.interrupted_models(labelled)
    resumed = Recorder()
    train(labelled, replace(params, resume=left.id), resumed)
    assert resumed.points["loss"] == whole.points["loss"][3:]


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ("triplet", "needs hard negatives"),
        ("contrastive", "needs hard negatives"),
        ("cosent", "at least two different scores"),
        ("margin_ranking", "two passages of different scores"),
        ("softmax", "at least two different labels"),
        ("margin_mse", "a reranker's scores, and there are none"),
        ("kl_distill", "a reranker's scores, and there are none"),
    ],
)
def test_unfitting_data_is_refused_with_a_sentence(project, small, objective, said):
    with pytest.raises(UserError, match=said) as refused:
        train(project, replace(small, objective=objective), Task())
    assert refused.value.hint
    assert fitting(project)[objective]
    assert len(models.models(project, complete=False)) == 1


@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_every_objective_refuses_a_project_that_has_nothing_for_it(tmp_path, tiny_folder, small, objective):
    """Texts alone for those that need more, and not even texts for those that need nothing else."""
    with Project.create(tmp_path / "bare") as bare:
        bare.set_meta("base_model_id", str(add_model_folder(bare, str(tiny_folder))))
        if OBJECTIVES[objective].needs != "texts":
            import_id = start_import(bare, [], "test")
            document = NewDocument("", "0", "test", "0", external_id="d0", labelled=True)
            put_labelled(bare, [(document, NewPassage("the red lamp"))], import_id=import_id)
        with pytest.raises(UserError) as refused:
            train(bare, replace(small, objective=objective), Task())
        assert refused.value.message.endswith(".")
        assert refused.value.hint
        assert fitting(bare)[objective]
        assert len(models.models(bare, complete=False)) == 1


def test_scores_of_different_queries_do_not_order_the_passages_of_one(project, small):
    """Each query has one scored passage: enough for scores as cosines, not for better before worse."""
    put_scores(project, [PairScore(query_id, query_id, 0.02 * query_id) for query_id in range(1, 41)], "teacher")
    fit = fitting(project)
    assert fit["cosent"] == ""
    for objective in ("margin_ranking", "margin_mse", "kl_distill"):
        assert fit[objective]
        with pytest.raises(UserError, match="two passages of different scores"):
            train(project, replace(small, objective=objective), Task())


def test_the_newest_scores_count(project, small):
    for source, scores in (("old", (0.9, 0.1)), ("new", (0.5, 0.5))):
        pairs = [PairScore(q, 1 + (q + k) % 60, s) for q in range(1, 41) for k, s in enumerate(scores)]
        put_scores(project, pairs, source)
    assert fitting(project)["cosent"]
    with pytest.raises(UserError, match="at least two different scores"):
        train(project, replace(small, objective="cosent"), Task())


@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_settings_that_an_objective_does_not_name_change_nothing(labelled, small, objective):
    """And its own ones change its first batch or the loss of it."""
    facts = OBJECTIVES[objective]
    others = {"scale": 7.0, "margin": 0.9, "noise": 0.4, "num_negatives": 1}
    plain = _first_loss(labelled, replace(small, objective=objective, num_negatives=2))
    for name, value in others.items():
        changed = _first_loss(labelled, replace(small, objective=objective, **{"num_negatives": 2, name: value}))
        assert (changed != plain) == (name in facts.own), name


def _first_loss(project, params):
    from engine.encode.models import folder_of
    from engine.train.work import EncoderWork

    work = EncoderWork(project, folder_of(project, models.base_model(project)), params, Task())
    return work.backward(work.ready(next(work.source.batches(0)), 0), 1, loss_scale=1.0)


def test_what_fits_plain_pairs_is_told(project):
    fit = {name for name, obstacle in fitting(project).items() if not obstacle}
    assert fit == {"mnrl", "symmetric_mnrl", "cached_mnrl", "gist", "simcse", "augmented", "tsdae", "mlm"}


def vectors(n, dim=32, seed=0):
    made = torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(made, dim=1)


def batch(rows=None, targets=None, n=4, m=8):
    rows = None if rows is None else np.array(rows, np.int64)
    targets = None if targets is None else np.array(targets, np.float32)
    return TokenBatch(None, None, np.zeros((n, m), np.bool_), rows, targets)


def given(features):
    return features


ASKED, READ = vectors(4), vectors(8, seed=1)
PAIRS = [(0, 4), (1, 5), (2, 6), (3, 7)]
COLUMNS = [ASKED, READ[:4], READ[4:]]
SCORES = [0.1, 0.8, 0.8, 0.3]


def ours(objective, the_batch, **settings):
    return build_loss(TrainParams(objective=objective, **settings), None, dim=32, classes=3).compute(
        ASKED, READ, the_batch
    )


def test_ranking_losses_equal_those_of_sentence_transformers():
    plain = losses.MultipleNegativesRankingLoss(given).compute_loss_from_embeddings(COLUMNS, None)
    both = losses.MultipleNegativesSymmetricRankingLoss(given).compute_loss_from_embeddings(COLUMNS, None)
    assert float(ours("mnrl", batch())) == pytest.approx(float(plain), abs=1e-5)
    assert float(ours("symmetric_mnrl", batch())) == pytest.approx(float(both), abs=1e-5)


def test_guided_ranking_equals_gist_without_its_extra_columns(project, small):
    class Model(torch.nn.Module):
        def __init__(self, column):
            super().__init__()
            self.tokenizer, self.column = object(), column

        def forward(self, features):
            return {"sentence_embedding": features[self.column]}

    guide_asked, guide_read = vectors(4, seed=5), vectors(8, seed=6)
    theirs = losses.GISTEmbedLoss.__new__(losses.GISTEmbedLoss)
    torch.nn.Module.__init__(theirs)
    theirs.model, theirs.guide = Model("own"), Model("guide")
    theirs.temperature, theirs.margin, theirs.margin_strategy = 0.01, 0.0, "absolute"
    theirs.contrast_anchors = theirs.contrast_positives = theirs.must_retokenize = False
    theirs.gather_across_devices = False
    theirs.similarity_fct = torch.nn.CosineSimilarity(dim=-1)
    theirs.cross_entropy_loss = torch.nn.CrossEntropyLoss()
    columns = zip(COLUMNS, [guide_asked, guide_read[:4], guide_read[4:]], strict=True)
    expected = theirs([{"own": own, "guide": guide} for own, guide in columns], None)
    from engine.train.sources import _Guide

    guide = _Guide(dict(enumerate(guide_asked.numpy())), guide_read.numpy(), {row: row for row in range(8)})
    plain = Batch([""] * 4, [""] * 8, np.zeros((4, 8), np.bool_), ids=(tuple(range(4)), tuple(range(8))))
    guarded = TokenBatch(None, None, guide.guarded(plain).blocked)
    assert guarded.blocked.any()
    assert float(ours("gist", guarded, scale=100.0)) == pytest.approx(float(expected), abs=1e-4)


def test_pair_losses_equal_those_of_sentence_transformers():
    cosine = losses.TripletDistanceMetric.COSINE
    triplet = losses.TripletLoss(given, distance_metric=cosine, triplet_margin=0.3)
    expected = triplet.compute_loss_from_embeddings(COLUMNS, None)
    rows = [(0, 4), (1, 5), (2, 6), (3, 7)]
    assert float(ours("triplet", batch(rows), margin=0.3)) == pytest.approx(float(expected), abs=1e-5)
    left, right = torch.cat([ASKED, ASKED]), READ
    labels = torch.tensor([1.0] * 4 + [0.0] * 4)
    for name, kind in (("contrastive", losses.ContrastiveLoss), ("online_contrastive", losses.OnlineContrastiveLoss)):
        expected = kind(given, margin=0.5).compute_loss_from_embeddings([left, right], labels)
        assert float(ours(name, batch(rows), margin=0.5)) == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize(
    ("objective", "kind"),
    [("cosine_similarity", losses.CosineSimilarityLoss), ("cosent", losses.CoSENTLoss), ("angle", losses.AnglELoss)],
)
def test_score_losses_equal_those_of_sentence_transformers(objective, kind):
    expected = kind(given).compute_loss_from_embeddings([ASKED, READ[4:]], torch.tensor(SCORES))
    assert float(ours(objective, batch(PAIRS, SCORES))) == pytest.approx(float(expected), abs=1e-5)


def test_margin_ranking_is_the_hinge_of_the_difference():
    rows = [(0, 0, 4), (1, 1, 5)]
    better = [float(ASKED[i] @ READ[i]) for i in range(2)]
    worse = [float(ASKED[i] @ READ[4 + i]) for i in range(2)]
    expected = np.mean([max(0.0, 0.2 - (b - w)) for b, w in zip(better, worse, strict=True)])
    assert float(ours("margin_ranking", batch(rows))) == pytest.approx(expected, abs=1e-6)


def test_distillation_equals_sentence_transformers():
    rows, targets = [(i, i, 4 + i) for i in range(4)], [[0.9, 0.2]] * 4
    expected = losses.MarginMSELoss(given).compute_loss_from_embeddings(COLUMNS, torch.tensor(targets))
    assert float(ours("margin_mse", batch(rows, targets))) == pytest.approx(float(expected), abs=1e-5)

    def scaled(a, b):
        return (a * b).sum(1) * 20

    theirs = losses.DistillKLDivLoss(given, similarity_fct=scaled)
    expected = theirs.compute_loss_from_embeddings(COLUMNS, torch.tensor(targets))
    assert float(ours("kl_distill", batch(rows, targets))) == pytest.approx(float(expected), abs=1e-5)


def test_matryoshka_equals_sentence_transformers():
    class Given(torch.nn.Module):
        def forward(self, features):
            return dict(features)

        def get_embedding_dimension(self):
            return 128

    model, asked, read = Given(), vectors(4, 128), vectors(8, 128, seed=1)
    inner = losses.MultipleNegativesRankingLoss(model)
    theirs = losses.MatryoshkaLoss(model, inner, matryoshka_dims=[128, 64, 32])
    expected = theirs([{"sentence_embedding": v} for v in (asked, read[:4], read[4:])], None)
    loss = build_loss(TrainParams(matryoshka="on"), None, dim=128).compute(asked, read, batch())
    assert matryoshka_dims(128) == [128, 64, 32]
    assert float(loss) == pytest.approx(float(expected), abs=1e-4)


def test_matryoshka_with_a_decoder_is_refused(project, small):
    with pytest.raises(UserError, match="cannot be combined with Matryoshka"):
        train(project, replace(small, objective="tsdae", matryoshka="on"), Task())


def test_a_reranker_teaches_its_logits_even_where_none_is_below_zero(project, small):
    for query_id in range(1, 41):
        pairs = [(query_id, 9.0), (1 + (query_id + 6) % 60, 7.0), (1 + (query_id + 20) % 60, 6.0)]
        put_scores(project, [PairScore(query_id, passage_id, score) for passage_id, score in pairs], "reranker 7")
    params = replace(small, objective="kl_distill", num_negatives=2)
    batch = next(open_source(project, params, Task()).batches())
    assert (batch.targets - batch.targets[:, :1]).tolist() == [[0.0, -2.0, -3.0]] * 8


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([3.0, 1.0, -1.0], [1.0, 1 / 3, 0.0]),  # grades as TREC's: junk is −1
        ([0.8, 0.1, -0.4], [0.8, 0.1, -0.4]),  # similarities
        ([4.0, 0.0, -4.0], [0.982, 0.5, 0.018]),  # logits
    ],
)
def test_scores_below_zero_are_read_for_what_they_are(project, small, given, wanted):
    places = [(1 + (query_id + 6) % 60, 1 + (query_id + 20) % 60) for query_id in range(1, 41)]
    pairs = [(q, p, s) for q, more in enumerate(places, 1) for p, s in zip((q, *more), given, strict=True)]
    if given[0] == 3.0:
        queries.put_qrels(project, [Qrel(q, p, int(s)) for q, p, s in pairs])
    else:
        put_scores(project, [PairScore(q, p, s) for q, p, s in pairs], "file scores")
    source = open_source(project, replace(small, objective="cosine_similarity"), Task())
    targets = np.concatenate([next(source.batches(step)).targets for step in range(5)])
    assert sorted(set(targets.round(3).tolist()), reverse=True) == pytest.approx(wanted, abs=1e-3)


def test_scores_of_other_splits_leave_training_its_grades(project, small):
    queries.put_qrels(project, [Qrel(query_id, 1 + (query_id + 30) % 60, 0) for query_id in range(1, 41)])
    put_scores(project, [PairScore(query_id, query_id, 0.5) for query_id in range(41, 53)], "file dev")
    assert fitting(project)["cosent"] == ""
    source = open_source(project, replace(small, objective="cosent"), Task())
    assert set(np.concatenate([next(source.batches(step)).targets for step in range(5)])) == {0.0, 1.0}


def test_a_text_is_not_written_again_from_vectors_of_another_size(tiny_folder):
    model = SentenceTransformer(str(tiny_folder), device="cpu")
    model.append(Dense(32, 16))
    with pytest.raises(UserError, match="writes from vectors of 32 numbers, and this model's have 16"):
        build_loss(TrainParams(objective="tsdae"), model, dim=16)


@pytest.mark.parametrize(("objective", "said"), [("tsdae", "model of the kind qwen3"), ("mlm", "no sign for a hidden")])
def test_a_decoder_is_refused_where_it_cannot_do_what_is_asked(tmp_path, objective, said):
    model = SentenceTransformer(modules=[tiny_decoder(tmp_path), Pooling(32, pooling_mode="lasttoken")], device="cpu")
    with pytest.raises(UserError, match=said):
        build_loss(TrainParams(objective=objective), model, dim=32)


def tiny_decoder(folder):
    """A Qwen3 of two layers that reads bytes."""
    names = ["<|endoftext|>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(BPE({name: number for number, name in enumerate(names)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    kept = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=names[0], pad_token=names[0])
    kept.save_pretrained(folder)
    config = Qwen3Config(
        vocab_size=len(names), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        head_dim=16, intermediate_size=64, max_position_embeddings=64,
    )  # fmt: skip
    Qwen3Model(config).save_pretrained(folder)
    return Transformer(str(folder), max_seq_length=64)


def test_settings_that_an_objective_changes_come_with_it_unless_given():
    assert params_from_dict(TrainParams, {"objective": "gist"}).scale == 100.0
    assert params_from_dict(TrainParams, {"objective": "gist", "scale": 30.0}).scale == 30.0
    assert params_from_dict(TrainParams, {"preset": "balanced"}).learning_rate == 5e-5


def test_batches_start_anywhere(labelled, small):
    for objective in ("cosent", "kl_distill", "tsdae", "augmented"):
        params = replace(small, objective=objective)
        source = open_source(labelled, params, Task())
        first = source.batches(0)
        for _ in range(source.steps_per_epoch() + 1):
            skipped = next(first)
        again = next(open_source(labelled, params, Task()).batches(source.steps_per_epoch()))
        assert (again.queries, again.passages) == (skipped.queries, skipped.passages)


def test_words_left_out_keep_their_order_and_chinese_needs_no_blanks():
    rng = np.random.default_rng(1)
    kept = leave_out_words("one two three four five six seven eight", 0.5, rng).split()
    assert 1 <= len(kept) < 8
    assert kept == sorted(kept, key=["one", "two", "three", "four", "five", "six", "seven", "eight"].index)
    chinese = "学习语义检索需要困难负样本"
    assert 0 < len(leave_out_words(chinese, 0.6, rng)) < len(chinese)
    assert cut_piece(chinese, rng) in chinese
    assert leave_out_words("word", 1.0, rng) == "word"
