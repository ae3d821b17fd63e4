"""A run as a script: plain sentence-transformers gives the same weights, dropout included."""

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

from engine.encode.models import folder_of
from engine.errors import UserError
from engine.objectives import OBJECTIVES
from engine.params import MakeBaseParams, MineParams, TrainParams
from engine.records import Qrel
from engine.store import models, queries
from engine.store.documents import NewDocument, NewPassage, put_labelled, remove_documents
from engine.store.imports import start_import
from engine.store.scores import PairScore, put_scores
from engine.task import Task
from engine.train.bases import make_base
from engine.train.objectives import build_loss
from engine.train.script_text import body_of, script_text
from engine.train.scripts import base_name, command_line, write_script
from engine.train.steps import TokenBatch
from engine.train.training import train
from tests.tiny_model import build_tiny_model

WAYS = {
    "ranking": {},
    "both ways, matryoshka": {"objective": "symmetric_mnrl", "matryoshka": "on"},
    "cached": {"objective": "cached_mnrl"},
    "classes": {"objective": "softmax"},
    "lists": {"objective": "kl_distill"},
    "texts": {"objective": "augmented"},
    "texts written again": {"objective": "tsdae"},
    "hidden words": {"objective": "mlm"},
    "half of it in bf16": {"precision": "bf16"},
    "adapters above frozen layers": {"lora_rank": 2, "freeze_layers": 1},
    "adapters that learn lengths apart": {"lora_rank": 2, "adapter": "dora"},
    "adapters of two products": {"lora_rank": 2, "adapter": "loha", "learning_rate": 1e-2},
    "prompts": {"query_prompt": "find: ", "passage_prompt": "read: "},
}
ON_VECTORS = [name for name in OBJECTIVES if name not in ("softmax", "tsdae", "mlm")]


@pytest.fixture
def labelled(project):
    """Answers, two negatives a query, a teacher's scores, some judged as not relevant."""
    for query_id in range(1, 41):
        wrong = [1 + (query_id + 6) % 60, 1 + (query_id + 20) % 60]
        queries.put_imported_negatives(project, [(query_id, passage_id) for passage_id in wrong])
        queries.put_qrels(project, [Qrel(query_id, 1 + (query_id + 30) % 60, 0)])
        pairs = [(query_id, 0.9), (wrong[0], 0.4), (wrong[1], 0.1)]
        put_scores(project, [PairScore(query_id, passage_id, score) for passage_id, score in pairs], "teacher")
    return project


@pytest.mark.parametrize("way", list(WAYS))
def test_the_script_gives_the_same_weights(labelled, small, tmp_path, capsys, way):
    params = replace(small, max_steps=3, eval_every=3, num_negatives=2, merge="off", **WAYS[way])
    run = models.model(labelled, train(labelled, params, Task()).model)
    made = write_script(labelled, run.id, str(tmp_path / "again"))
    repeat(made["script"])
    assert "step 3: loss" in capsys.readouterr().out
    ours = load_file(folder_of(labelled, run) / "model.safetensors")
    theirs = load_file(tmp_path / "again" / "model" / "model.safetensors")
    assert ours.keys() == theirs.keys()
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < 3e-5
    assert_same_prompts(folder_of(labelled, run), tmp_path / "again" / "model")
    start = load_file(folder_of(labelled, models.base_model(labelled)) / "model.safetensors")
    assert max(float((ours[name] - start[name]).abs().max()) for name in ours) > 1e-3


def assert_same_prompts(ours: Path, theirs: Path) -> None:
    told = [
        json.loads((folder / "config_sentence_transformers.json").read_text())["prompts"] for folder in (ours, theirs)
    ]
    assert told[0] == told[1]


def repeat(script: str, beside: str = "on_cpu") -> None:
    """Run a script as Python does: what lies beside it can be imported."""
    sys.path.insert(0, str(Path(script).parent))
    try:
        runpy.run_path(script, run_name="__main__")
        assert Path(sys.modules[beside].__file__).parent == Path(script).parent
    finally:
        sys.path.pop(0)
        sys.modules.pop(beside, None)


@pytest.mark.parametrize("objective", ON_VECTORS)
def test_the_loss_in_a_script_is_the_engines(objective):
    made = torch.nn.functional.normalize(torch.randn(12, 32, generator=torch.Generator().manual_seed(3)), dim=1)
    asked, read = made[:4], made[4:]
    lists = objective in ("margin_mse", "kl_distill")
    better = lists or objective == "margin_ranking"
    rows = [(i, i, 4 + i) if better else (i, 4 + i) for i in range(4)]
    targets = np.array([[0.9, 0.2]] * 4 if lists else [0.1, 0.8, 0.6, 0.3], np.float32)
    blocked = np.zeros((4, 8), np.bool_)
    blocked[1, 6] = True
    batch = TokenBatch(None, None, blocked, np.array(rows, np.int64), targets)
    params = TrainParams(objective=objective, scale=13.0, margin=0.4)
    ours = build_loss(params, None, dim=32).compute(asked, read, batch)
    values = dict.fromkeys(("name", "more", "base", "max_length", "seed", "weight_decay", "dims"), "")
    values |= {"device": "cpu", "precision": "fp32", "base_share": 0.0, "classes": 0, "again": False, "lighter": ""}
    values |= {"head": "return None", "prompts": {}}
    script: dict[str, object] = {"__name__": "script", "__file__": "script.py"}
    exec(script_text(**values, scale=13.0, margin=0.4, body=body_of(objective)), script)
    theirs = script["compute"](asked, read, torch.from_numpy(blocked), torch.tensor(rows), torch.from_numpy(targets))
    assert float(theirs) == pytest.approx(float(ours), abs=1e-6)


def test_the_script_mixes_with_the_base_as_the_run_did(project, small, tmp_path, capsys):
    params = replace(small, learning_rate=0.05, max_steps=6)  # so fast that half of the base is better
    run = models.model(project, train(project, params, Task()).model)
    assert run.summary["base_share"] > 0
    made = write_script(project, run.id, str(tmp_path / "again"))
    repeat(made["script"])
    capsys.readouterr()
    ours = load_file(folder_of(project, run) / "model.safetensors")
    theirs = load_file(tmp_path / "again" / "model" / "model.safetensors")
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < 1e-5


@pytest.mark.parametrize(("merge", "prompt"), [("off", "auto"), ("auto", "find: ")])
def test_a_script_repeats_a_table_of_vectors(project, small, tmp_path, capsys, merge, prompt):
    make_base(project, MakeBaseParams(tokens=200, dim=16), Task())
    rate = 0.5 if merge == "auto" else 0.02  # so fast that some of the base is better
    params = replace(small, max_steps=4, learning_rate=rate, merge=merge, query_prompt=prompt)
    run = models.model(project, train(project, params, Task()).model)
    assert (run.summary["base_share"] > 0) == (merge == "auto")
    made = write_script(project, run.id, str(tmp_path / "again"))
    assert "searchsmith train" in made["command"]
    repeat(made["script"], "bags")
    assert f"step {run.summary['best_step']}: loss" in capsys.readouterr().out
    ours, theirs, start = (
        load_file(folder / "model.safetensors")
        for folder in (
            folder_of(project, run),
            tmp_path / "again" / "model",
            folder_of(project, models.base_model(project)),
        )
    )
    assert ours.keys() == theirs.keys()
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < 1e-6
    assert max(float((ours[name] - start[name]).abs().max()) for name in ours) > 1e-3
    assert_same_prompts(folder_of(project, run), tmp_path / "again" / "model")


def test_the_script_of_a_table_of_vectors_has_the_large_batches_that_its_run_had(project, small, tmp_path):
    texts = [f"the {number} in the long. how to find {number} of it" for number in range(100)]
    new = [(NewDocument("", "", "notes", text, labelled=True), NewPassage(text)) for text in texts]
    put_labelled(project, new, import_id=start_import(project, [], "test"))
    make_base(project, MakeBaseParams(tokens=200, dim=16), Task())
    params = TrainParams(epochs=1.0, minutes=0.0)  # the preset's batches are of 64, those of such a model of 512
    run = models.model(project, train(project, params, Task()).model)
    made = write_script(project, run.id, str(tmp_path / "again"))
    assert np.load(made["batches"])["0_pieces_shape"][0] == 100
    repeat(made["script"], "bags")
    ours = load_file(folder_of(project, run) / "model.safetensors")
    theirs = load_file(tmp_path / "again" / "model" / "model.safetensors")
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < 1e-6


def test_a_table_of_vectors_whose_documents_were_removed_is_no_script(project, small, tmp_path):
    make_base(project, MakeBaseParams(tokens=200, dim=16), Task())
    summary = train(project, replace(small, max_steps=1), Task())
    new = [(NewDocument("", "", "notes", "", labelled=True), NewPassage("a passage that nobody asked for"))]
    put_labelled(project, new, import_id=start_import(project, [], "test"))
    assert write_script(project, summary.model, str(tmp_path / "one"))["script"]  # what came since is not learnt from
    answers = {passage_id for grades in queries.positives(project).values() for passage_id in grades}
    found = project.db.execute("select id, document_id from passages").fetchall()
    unasked = next(document_id for passage_id, document_id in found if passage_id not in answers)
    remove_documents(project, [unasked])
    with pytest.raises(UserError, match="were removed since"):
        write_script(project, summary.model, str(tmp_path / "two"))


def test_a_table_of_vectors_that_learns_as_any_model_does_has_a_script(labelled, small, tmp_path, capsys):
    make_base(labelled, MakeBaseParams(tokens=200, dim=16), Task())
    run = models.model(labelled, train(labelled, replace(small, max_steps=2, objective="cosent"), Task()).model)
    repeat(write_script(labelled, run.id, str(tmp_path / "again"))["script"])
    assert "step 2: loss" in capsys.readouterr().out
    one = SentenceTransformer(str(folder_of(labelled, run)), device="cpu").encode(["the long in the"])
    two = SentenceTransformer(str(tmp_path / "again" / "model"), device="cpu").encode(["the long in the"])
    assert np.allclose(one, two, atol=1e-5)


@pytest.mark.parametrize("name", ["train.py", "batches.npz"])
def test_a_script_replaces_no_file_of_a_person_but_an_older_script(project, small, tmp_path, name):
    run = train(project, replace(small, max_steps=1), Task()).model
    own = tmp_path / "own" / name
    own.parent.mkdir()
    own.write_text("mine")
    with pytest.raises(UserError, match=f"holds a {name} that was not written by Searchsmith"):
        write_script(project, run, str(own.parent))
    assert [path.name for path in own.parent.iterdir()] == [name]
    assert own.read_text() == "mine"
    for _ in range(2):
        assert write_script(project, run, str(tmp_path / "again"))["script"]
    with pytest.raises(UserError, match=f"{name} is no folder"):
        write_script(project, run, str(own))


def test_answers_judged_since_do_not_change_the_script(project, small, tmp_path):
    summary = train(project, replace(small, max_steps=1), Task())
    queries.put_qrels(project, [Qrel(1, 2, 1)])
    assert write_script(project, summary.model, str(tmp_path / "again"))["script"]


def test_a_run_whose_passages_were_removed_is_no_script(project, small, tmp_path):
    summary = train(project, replace(small, max_steps=1), Task())
    (document_id,) = project.db.execute("select document_id from passages where id = 1").fetchone()
    remove_documents(project, [document_id])
    with pytest.raises(UserError, match="data changed since tuned 1 was trained"):
        write_script(project, summary.model, str(tmp_path / "again"))


def test_the_script_takes_the_negatives_that_the_run_had(project, small, tmp_path):
    from engine.mine.mining import mine

    summary = train(project, replace(small, max_steps=1), Task())
    mine(project, MineParams(sources=("bm25",), depth=20), Task())
    assert write_script(project, summary.model, str(tmp_path / "again"))["script"]


def test_the_command_names_the_model_that_the_run_started_from(project, small, tmp_path):
    first = train(project, replace(small, max_steps=1), Task())
    second = train(project, replace(small, max_steps=1, base="tuned"), Task())
    train(project, replace(small, max_steps=1), Task())  # "tuned" is another one now
    run = models.model(project, second.model)
    assert f"--base {first.model}" in command_line(run, base=base_name(project, run))
    other = build_tiny_model(tmp_path / "other", seed=4)
    from engine.jobs import set_base_model

    set_base_model(project, str(other))
    run = models.model(project, first.model)
    assert f"--base {run.parent_id}" in command_line(run, base=base_name(project, run))
