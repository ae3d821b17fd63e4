"""Tiny models and a small project with them, for the stages that need no more."""

from __future__ import annotations

import pytest

from tests.engine.small_world import add_base, add_tuned, small_project, tiny_model


@pytest.fixture(autouse=True)
def same_on_every_processor(monkeypatch):
    """`auto` means fp32 whatever the processor has; bf16 is what a test asks for, and what e2e tests meet by chance."""
    monkeypatch.setattr("engine.encode.encoder.cpu_has_bf16", lambda: False)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory):
    """Folders of two models of other weights, a base and a tuned one; no test writes in them."""
    pytest.importorskip("sentence_transformers")
    root = tmp_path_factory.mktemp("models")
    return tiny_model(root / "base", seed=0), tiny_model(root / "tuned", seed=1)


@pytest.fixture
def small_world(tmp_path, tiny_models):
    """The small project, with both as its models."""
    with small_project(tmp_path / "project") as project:
        add_tuned(project, tiny_models[1], parent_id=add_base(project, tiny_models[0]))
        yield project
