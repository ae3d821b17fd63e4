from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.encode.models import open_encoder  # noqa: E402
from engine.store import models  # noqa: E402
from engine.task import Task  # noqa: E402
from engine.train.training import train  # noqa: E402
from tests.engine.train.conftest import base, one_thread, project, small, tiny_folder  # noqa: E402, F401

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_vectors_of_the_gpu_are_those_of_the_processor(project, base, precision):  # noqa: F811
    texts = ["how to find red", "the old lamp in the round wheel " * 5]
    reference = open_encoder(project, base, device="cpu", precision="fp32").encode(texts, "query")
    found = open_encoder(project, base, device="cuda", precision=precision).encode(texts, "query")
    assert np.min((reference * found).sum(axis=1)) > 0.999


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("objective", ["mnrl", "cached_mnrl"])
def test_a_run_on_the_gpu_learns(project, small, precision, objective):  # noqa: F811
    params = replace(
        small, device="cuda", precision=precision, objective=objective, learning_rate=1e-3, max_steps=40, epochs=10.0
    )
    summary = train(project, params, Task())
    assert summary.dev > summary.dev_base
    assert models.model(project, summary.model).summary["precision"] == precision
