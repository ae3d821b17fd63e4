"""Processes that share each batch, one a GPU: torch.distributed's all-reduce over vectors and gradients.

The first process leads: it looks at dev, takes the optimiser's step, writes checkpoints. Before each step it sends its
weights to all, so that a run goes on after an interruption with nothing but the leader's checkpoint.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import TrainingError, UserError
from engine.params import TrainParams, params_from_dict, params_to_dict
from engine.store.kept import NOTHING_KEPT, Kept

if TYPE_CHECKING:
    import torch

_STEP, _START, _END = 1, 2, 0
# The leader finds a member that hangs; a member waits for a leader that is paused, and ends when it is gone.
_PATIENCE, _PATIENCE_OF_MEMBERS = timedelta(minutes=10), timedelta(days=30)


@dataclass(slots=True)
class Team:
    """This process among `size`; `rank` 0 leads."""

    rank: int
    size: int
    device: str
    members: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_at(self, step: int) -> None:
        """Tell members which step's batch comes next."""
        self._tell(_START, step)

    def begin(self, model: Any, seed: int) -> None:  # Any: a torch module
        """Tell members to compute a batch with the leader's weights."""
        self._tell(_STEP, seed)
        self.share_weights(model)

    def end(self) -> None:
        self._tell(_END, 0)

    def _tell(self, what: int, value: int) -> None:
        """Members that ended say so here, in one sentence, rather than by a wait without end."""
        import torch
        import torch.distributed as dist

        dead = [member.returncode for member in self.members if member.poll() is not None]
        if dead:
            raise TrainingError(
                f"A process of the team ended (code {dead[0]}).", hint="Resume with fewer processes, or with 1."
            )
        dist.broadcast(torch.tensor([what, value], device=self.device), src=0)

    def listen(self) -> tuple[int, int]:
        """What the leader says."""
        import torch
        import torch.distributed as dist

        heard = torch.zeros(2, dtype=torch.int64, device=self.device)
        dist.broadcast(heard, src=0)
        return int(heard[0]), int(heard[1])

    def share_weights(self, model: Any) -> None:  # Any: a torch module
        """Give all the leader's weights, buffers included."""
        import torch.distributed as dist

        for weight in model.state_dict().values():
            dist.broadcast(weight, src=0)

    def add_up(self, tensor: torch.Tensor) -> None:
        """Put the sum over all processes into `tensor` of each."""
        import torch.distributed as dist

        dist.all_reduce(tensor)

    def add_up_gradients(self, model: Any) -> None:  # Any: a torch module
        """The sum of all processes' gradients, in one message; a weight that one process did not touch counts 0."""
        import torch

        weights = [weight for weight in model.parameters() if weight.requires_grad]
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        flat = torch.cat([weight.grad.ravel() for weight in weights])
        self.add_up(flat)
        for weight, part in zip(weights, torch.split(flat, [weight.numel() for weight in weights]), strict=True):
            weight.grad.copy_(part.view_as(weight))


@contextmanager
def lead(project: Path, base_folder: Path, params: TrainParams, kept: Kept = NOTHING_KEPT) -> Iterator[Team | None]:
    """Start the other processes of a run and lead them; None where one process is enough.

    Args:
        kept: what the run learns from, which the others read.

    Raises:
        UserError: more GPUs are asked for than there are, or the objective cannot be shared.
    """
    size = _size(params)
    if size < 2:
        yield None
        return
    if params.objective in ("softmax", "tsdae", "mlm"):
        raise UserError("This objective has weights of its own and runs in one process.", hint="Set processes=1.")
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "WORLD_SIZE": str(size)}
    values = {"project": str(project), "base": str(base_folder), "params": params_to_dict(params)}
    asked = json.dumps({**values, "kept": str(kept.folder or ""), "mining": kept.mining_id})
    members = [_start_member(rank, size, place, asked) for rank in range(1, size)]
    team = None
    try:
        team = _join(0, size, params, place)
        team.members = members
        yield team
        team.end()
        for member in members:
            member.wait(60)
    finally:
        for member in members:
            if member.poll() is None:
                member.kill()
            member.wait()
        if team is not None:
            _leave()


def _size(params: TrainParams) -> int:
    import torch

    gpus = torch.cuda.device_count()
    if params.processes == 0:
        return max(1, gpus)
    if gpus and params.device in ("auto", "cuda") and params.processes > gpus:
        raise UserError(f"There are {gpus} GPUs, not {params.processes}.", hint="Set processes=0 for all of them.")
    return params.processes


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _start_member(rank: int, size: int, place: dict[str, str], asked: str) -> subprocess.Popen[bytes]:
    frozen = getattr(sys, "frozen", False)
    command = [sys.executable, *(["--team-member"] if frozen else ["-m", "engine.train.team"])]
    threads = max(1, (os.cpu_count() or 1) // size)
    environment = {**os.environ, **place, "RANK": str(rank), "OMP_NUM_THREADS": str(threads)}
    member = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment, cwd=Path(__file__).parents[2]
    )
    assert member.stdin is not None  # for the type: it is a pipe
    member.stdin.write(asked.encode() + b"\n")
    member.stdin.flush()  # left open: a member ends when the leader's end of it is gone
    return member


def _join(rank: int, size: int, params: TrainParams, place: dict[str, str]) -> Team:
    import torch
    import torch.distributed as dist

    on_gpu = torch.cuda.is_available() and params.device in ("auto", "cuda")
    device = f"cuda:{rank}" if on_gpu else "cpu"
    if on_gpu:
        torch.cuda.set_device(rank)
    dist.init_process_group(
        "nccl" if on_gpu else "gloo",
        init_method=f"tcp://{place['MASTER_ADDR']}:{place['MASTER_PORT']}",
        rank=rank,
        world_size=size,
        timeout=_PATIENCE_OF_MEMBERS if rank else _PATIENCE,
    )
    return Team(rank, size, device)


def _leave() -> None:
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()


def main() -> int:
    """A member: reads what to do from stdin, computes its parts of each batch until the leader ends."""
    import threading
    from dataclasses import replace

    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_leader, daemon=True).start()
    params = params_from_dict(TrainParams, asked["params"])
    place = {name: os.environ[name] for name in ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE")}
    rank = int(os.environ["RANK"])
    from engine.encode.models import quiet_libraries

    quiet_libraries()
    team = _join(rank, int(place["WORLD_SIZE"]), params, place)
    kept = Kept(Path(asked["kept"]) if asked["kept"] else None, asked["mining"])
    _follow(team, Path(asked["project"]), Path(asked["base"]), replace(params, device=team.device, guard=""), kept)
    _leave()
    return 0


def _follow(team: Team, project: Path, base_folder: Path, params: TrainParams, kept: Kept) -> None:
    from engine.store.project import Project
    from engine.task import Task
    from engine.train.work import EncoderWork

    with Project.open(project, readonly=True) as opened:
        work = EncoderWork(opened, base_folder, params, Task(), team=team, kept=kept)
        batches = work.batches(0)
        while (heard := team.listen())[0] != _END:
            what, value = heard
            if what == _START:
                batches = work.batches(value)
                continue
            team.share_weights(work.model)
            work.model.zero_grad(set_to_none=True)
            work.stepper.backward(next(batches), value)


def _end_with_leader() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
