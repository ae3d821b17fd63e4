"""Two processes that share each batch give what one gives."""

from dataclasses import replace
from datetime import timedelta

import pytest
import torch

from engine.errors import Cancelled, TrainingError, UserError
from engine.params import TrainParams
from engine.store import models
from engine.task import Task
from engine.train.steps import Stepper
from engine.train.team import _join
from engine.train.training import train
from tests.engine.train.test_training import Recorder, weights

pytestmark = pytest.mark.slow


def test_two_processes_give_the_model_of_one(project, small):
    small = replace(small, micro_batch_size=2, merge="off")
    one, two = Recorder(), Recorder()
    alone = train(project, small, one)
    shared = train(project, replace(small, processes=2), two)
    assert [v for _, v in two.points["loss"]] == pytest.approx([v for _, v in one.points["loss"]], abs=1e-4)
    ours, theirs = weights(project, alone), weights(project, shared)
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-4) for name in ours)
    assert shared.dev == pytest.approx(alone.dev, abs=1e-6)


def test_two_processes_go_on_where_they_were(project, small):
    small = replace(small, processes=2, merge="off")
    whole = Recorder()
    train(project, small, whole)
    with pytest.raises(Cancelled):
        train(project, small, Recorder(stop_at=5))
    (left,) = models.interrupted_models(project)
    resumed = Recorder()
    train(project, replace(small, resume=left.id), resumed)
    assert resumed.points["loss"] == whole.points["loss"][5:]


def test_members_wait_for_a_leader_that_is_paused(monkeypatch):
    given = []
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda *_, **values: given.append(values["timeout"]))
    for rank in (0, 1):
        _join(rank, 2, TrainParams(device="cpu"), {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"})
    leader, member = given
    assert leader <= timedelta(minutes=10)
    assert member >= timedelta(days=7)


def test_memory_that_runs_short_in_one_of_two_processes_is_told_and_gives_no_wrong_sums(project, small, monkeypatch):
    small = replace(small, processes=2, micro_batch_size=2, merge="off", max_steps=3)
    forward, calls = Stepper._forward, []

    def short_once(self, part, seed):
        calls.append(part)
        if len(calls) == 6:
            raise MemoryError
        return forward(self, part, seed)

    monkeypatch.setattr(Stepper, "_forward", short_once)
    with pytest.raises(TrainingError, match="memory of cpu does not suffice for its share of a batch"):
        train(project, small, Task())


def test_both_processes_hold_equal_weights_and_gradients(tmp_path):
    """A process of its own for each rank; each writes what it holds after the sums."""
    import subprocess
    import sys

    from engine.train.team import _free_port

    script = tmp_path / "rank.py"
    script.write_text(
        "import sys, torch\n"
        "from engine.params import TrainParams\n"
        "from engine.train.team import _join, _leave\n"
        "rank, port, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]\n"
        "team = _join(rank, 2, TrainParams(device='cpu'), {'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': port})\n"
        "torch.manual_seed(rank)\n"
        "model = torch.nn.Linear(3, 2)\n"
        "team.share_weights(model)\n"
        "model(torch.full((1, 3), float(rank + 1))).sum().backward()\n"
        "team.add_up_gradients(model)\n"
        "torch.save([model.weight.detach(), model.weight.grad], out)\n"
        "_leave()\n",
        encoding="utf-8",
    )
    from pathlib import Path

    root, port = Path(__file__).parents[3], str(_free_port())
    made = [tmp_path / f"{rank}.pt" for rank in (0, 1)]
    started = [
        subprocess.Popen([sys.executable, str(script), str(r), port, str(made[r])], cwd=root, env=_with_path(root))
        for r in (0, 1)
    ]
    assert [process.wait(120) for process in started] == [0, 0]
    (one, one_grad), (two, two_grad) = (torch.load(path, weights_only=True) for path in made)
    assert torch.equal(one, two)
    assert torch.equal(one_grad, two_grad)
    assert torch.equal(one_grad, torch.full((2, 3), 3.0))  # 1 of the first process and 2 of the second


def _with_path(root):
    import os

    return {**os.environ, "PYTHONPATH": str(root)}


def test_an_objective_with_weights_of_its_own_is_not_shared(project, small):
    with pytest.raises(UserError, match="runs in one process"):
        train(project, replace(small, processes=2, objective="mlm"), Task())
