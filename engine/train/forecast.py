"""How long a run will take and how much memory, from a few real steps whose result is thrown away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from engine.encode.models import folder_of
from engine.objectives import OBJECTIVES
from engine.params import TrainParams
from engine.store import models
from engine.store.project import Project
from engine.task import Task
from engine.train.examples import Batch
from engine.train.running import SAVE_SECONDS, count_steps, make_optimizer
from engine.train.static_work import StaticWork, fits_static, is_static, static_params
from engine.train.work import EncoderWork

_BATCHES_LOOKED_AT = 60
_STEPS = 2
_MIXES = 2


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run with these settings will do.

    Attributes:
        seconds: from its start to the finished model.
        bytes: most memory it holds: of the GPU where it runs on one, else of the process.
        steps: it will come to, within its limit of time.
        step_seconds: of one step on ordinary batches.
        look_seconds: of one look at dev.
        words: the same in words.
    """

    seconds: float
    bytes: int
    steps: int
    step_seconds: float
    look_seconds: float
    words: str


def forecast(project: Project, params: TrainParams, task: Task) -> Forecast:
    """Load what the run would load, do two ordinary steps and one on the longest batch, and count.

    Raises:
        UserError: as `train` would.
    """
    began = time.monotonic()
    known = params.base in ("base", "tuned") or params.base.isdecimal()
    folder = folder_of(project, models.resolve_model(project, params.base)) if known else Path(params.base).expanduser()
    static = is_static(folder) and fits_static(params)
    params = static_params(params) if static else params
    work = (StaticWork if static else EncoderWork)(project, folder, params, task)
    load = time.monotonic() - began
    with _watched(work.device) as peak:
        look = _look(work)
        step = _steps(work, params, task)
        save = _write(work, project)
    steps = count_steps(work.steps_per_epoch(), params)
    looks = 1 + (steps - 1) // params.eval_every if params.eval_every else 1
    every = step + (look + save) * (looks / steps) + (save * step / SAVE_SECONDS if not params.eval_every else 0.0)
    learning = steps * every
    if params.minutes and learning > 60 * params.minutes:
        steps, learning = max(1, round(60 * params.minutes / every)), 60 * params.minutes + step / 2
    mixes = _MIXES if work.dev and params.merge != "off" else 0
    seconds = load + look + learning + mixes * look + 2 * save
    made = Forecast(seconds, max(peak), steps, step, look, "")
    return Forecast(seconds, max(peak), steps, step, look, _in_words(made, params, work.source.n_queries))


def _look(work: EncoderWork) -> float:
    began = time.monotonic()
    work.measure()
    work.measure_guard()
    return time.monotonic() - began


def _steps(work: EncoderWork, params: TrainParams, task: Task) -> float:
    """Seconds an ordinary step takes; the first, on the longest batch, sets the memory and warms up."""
    import torch

    optimizer = make_optimizer(work.whole, params, work.device)
    found = list(islice(work.source.batches(0), min(_BATCHES_LOOKED_AT, work.steps_per_epoch())))
    longest = max(found, key=_letters)
    ordinary = sorted(found, key=_letters)[len(found) // 2 :][:_STEPS] or [longest]
    seconds = []
    for number, batch in enumerate([longest, *ordinary]):
        task.progress("try a few steps", number, 1 + len(ordinary))
        began = time.monotonic()
        work.backward(work.ready(batch, number), number, loss_scale=1.0)
        torch.nn.utils.clip_grad_norm_(work.whole.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if work.device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(time.monotonic() - began)
    return sum(seconds[1:]) / len(seconds[1:])


def _letters(batch: Batch) -> int:
    return sum(map(len, batch.queries)) + sum(map(len, batch.passages))


def _write(work: EncoderWork, project: Project) -> float:
    """Seconds a checkpoint takes to write: weights and two moments, by the speed of writing the weights once."""
    from safetensors.torch import save_file

    place = project.path / "models" / ".forecast.tmp"
    weights = {str(i): w.detach().cpu().contiguous().clone() for i, w in enumerate(work.whole.parameters())}
    began = time.monotonic()
    try:
        save_file(weights, place)
        _sync(place)
    finally:
        place.unlink(missing_ok=True)
    return 3 * (time.monotonic() - began)


def _sync(path: Path) -> None:
    import os

    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _watched(device: str) -> Iterator[list[int]]:
    """A list whose highest number is the most memory in use meanwhile, in bytes."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats()
        seen = [0]
        yield seen
        seen.append(int(torch.cuda.max_memory_allocated()))
        return
    import psutil

    process, ended = psutil.Process(), threading.Event()
    seen = [int(process.memory_info().rss)]

    def watch() -> None:
        while not ended.wait(0.01):
            seen.append(int(process.memory_info().rss))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def _in_words(made: Forecast, params: TrainParams, queries: int) -> str:
    minutes = made.seconds / 60
    time_ = f"{made.seconds:.0f} seconds" if minutes < 1.5 else f"{minutes:.0f} minutes"
    texts = "texts" if OBJECTIVES[params.objective].needs == "texts" else "training queries"
    return (
        f"About {made.steps:,} steps of {params.batch_size} over {queries:,} {texts}, in about {time_}, "
        f"with about {made.bytes / 1e9:.1f} GB of memory."
    )
