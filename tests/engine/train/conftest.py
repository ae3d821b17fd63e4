import os

os.environ["HF_HUB_OFFLINE"] = "1"

import itertools

import numpy as np
import pytest
import torch

from engine.encode.models import add_model_folder
from engine.params import TrainParams
from engine.records import ImportCounts, Qrel, Split
from engine.store import models, queries
from engine.store.documents import NewDocument, NewPassage, put_labelled
from engine.store.imports import finish_import, start_import
from engine.store.project import Project
from engine.store.queries import NewQuery
from tests.tiny_model import WORDS, build_tiny_model

TOPICS = WORDS[:18] + WORDS[-2:]


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Matrices this small are not worth two threads, which wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return build_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def project(tmp_path, tiny_folder):
    """60 passages about two topics each; 40 training and 12 dev queries that name both in the other order."""
    with Project.create(tmp_path / "project") as project:
        fill(project)
        project.set_meta("base_model_id", str(add_model_folder(project, str(tiny_folder))))
        yield project


def fill(project, n=60):
    rng = np.random.default_rng(5)
    pairs = list(itertools.combinations(TOPICS, 2))
    chosen = [pairs[int(i)] for i in rng.permutation(len(pairs))[:n]]
    import_id = start_import(project, [], "test")
    rows = []
    for i, (a, b) in enumerate(chosen):
        text = f"the {a} in the {b} does make {a} and {b} long"
        rows.append((NewDocument("", f"{i}", "test", f"{i}", external_id=f"d{i}", labelled=True), NewPassage(text)))
    passage_ids = put_labelled(project, rows, import_id=import_id)
    asked = [NewQuery(f"how to find {b} of {a}") for a, b in chosen[:52]]
    query_ids = [query_id for query_id, _ in queries.put_queries(project, asked, import_id=import_id)]
    queries.put_qrels(project, [Qrel(q, p, 1) for q, p in zip(query_ids, passage_ids, strict=False)])
    queries.set_splits(project, {q: Split.TRAIN if i < 40 else Split.DEV for i, q in enumerate(query_ids)})
    finish_import(project, import_id, ImportCounts())
    return query_ids, passage_ids


@pytest.fixture
def small():
    """A run of a few steps with the tiny model."""
    return TrainParams(
        batch_size=8, micro_batch_size=4, max_length=32, learning_rate=1e-3, epochs=4.0, max_steps=12, eval_every=4,
        minutes=0.0, device="cpu", precision="fp32",
    )  # fmt: skip


@pytest.fixture
def base(project):
    return models.base_model(project)
