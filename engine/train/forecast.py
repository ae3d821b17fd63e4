"""How long a run will take and how much memory, from a few real steps whose result is thrown away."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from engine.encode.models import folder_of
from engine.objectives import OBJECTIVES
from engine.params import TrainParams, static_params
from engine.store import models
from engine.store.forecasts import SLACK, Measured, find_forecast, put_forecast
from engine.store.project import Project
from engine.task import Task
from engine.train.checkpoints import digest, sync
from engine.train.examples import Batch
from engine.train.memory import watched
from engine.train.running import SAVE_SECONDS
from engine.train.schedule import count_steps, make_optimizer
from engine.train.static_work import StaticWork, fits_static, is_static
from engine.train.work import EncoderWork

_BATCHES_LOOKED_AT = 60
_STEPS = 2
_MIXES = 2
# Where a processor multiplies in bf16, torch's library keeps what it made for every shape that it met, and blocks of
# many sizes leave gaps: over a run's first steps the process grows by up to so much of what the trial steps held, and
# by so many bytes at most (measured by `benchmarks.forecasts` and by whole runs).
_GROWTH, _GROWTH_STEPS, _MOST_GROWTH = 0.55, 16, 2_200_000_000
_SHORT_LOOK = 2.0
"""Seconds; a look that takes less is looked at twice, as the first one meets every shape for the first time."""
LEAST_LIMIT = 60.0
"""Seconds of learning that a run is given in any case: what is foretold of shorter ones says little."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run with these settings will do.

    Attributes:
        seconds: from its start to the finished model.
        bytes: most memory it holds: of the GPU where it runs on one, else of the process.
        steps: it will come to, within its limit of time.
        step_seconds: of one step on ordinary batches.
        look_seconds: of one look at dev.
        most: seconds after which it is ended, a fifth more than foretold where the settings have no limit of their own.
        words: the same in words.
    """

    seconds: float
    bytes: int
    steps: int
    step_seconds: float
    look_seconds: float
    most: float = 0.0
    words: str = ""


def forecast(project: Project, params: TrainParams, task: Task) -> Forecast:
    """Load what the run would load, do two ordinary steps and one on the longest batch, and count.

    Raises:
        UserError: as `train` would.
    """
    began, asked = task.clock(), params
    known = params.base in ("base", "tuned") or params.base.isdecimal()
    model = models.resolve_model(project, params.base) if known else None
    folder = folder_of(project, model) if model else Path(params.base).expanduser()
    static = is_static(folder) and fits_static(params)
    params = static_params(params) if static else params
    work = (StaticWork if static else EncoderWork)(project, folder, params, task)
    load = task.clock() - began
    with watched(work.device) as peak:
        first_look = _look(work, task)
        look = _look(work, task) if first_look < _SHORT_LOOK else first_look
        step = _steps(work, params, task)
        save = _write(work, project)
        mixes = _MIXES if work.dev and params.merge != "off" and work.can_mix else 0
        again = _load_again(work) if mixes else 0.0
    steps = count_steps(work.steps_per_epoch(), params)
    looks = 1 + (steps - 1) // params.eval_every if params.eval_every else 1
    every = step + (look + save) * (looks / steps) + (save * step / SAVE_SECONDS if not params.eval_every else 0.0)
    learning = steps * every
    if params.minutes and learning > 60 * params.minutes:
        steps, learning = max(1, round(60 * params.minutes / every)), 60 * params.minutes + step / 2
    beside = load + first_look + mixes * look + again + 2 * save
    most = beside + (learning if params.minutes else max(SLACK * (beside + learning) - beside, LEAST_LIMIT))
    made = Forecast(beside + learning, _held(peak.bytes(), steps, work), steps, step, look, most)
    made = replace(made, words=_in_words(made, params, work, model.name if model else folder.name))
    put_forecast(project, asked, Measured(made.seconds, learning, made.bytes, steps, made.words))
    return made


def _held(tried: int, steps: int, work: EncoderWork) -> int:
    """Bytes that a run of so many steps holds at most, by what the trial steps held."""
    grows = work.device == "cpu" and work.precision == "bf16" and not isinstance(work, StaticWork)
    share = _GROWTH * (1 - math.exp(-steps / _GROWTH_STEPS))
    return tried + min(round(share * tried), _MOST_GROWTH) if grows else tried


def kept_inside(project: Project, params: TrainParams) -> TrainParams:
    """The params with what was foretold as their limit of time, where they have none and something was foretold.

    A fifth more than foretold is allowed in all; the rate falls with the clock only where a run is slower than that.
    """
    if params.minutes or (found := find_forecast(project, params)) is None:
        return params
    beside = found.seconds - found.learning
    return replace(params, minutes=max(SLACK * found.seconds - beside, LEAST_LIMIT) / 60)


def _look(work: EncoderWork, task: Task) -> float:
    began = task.clock()
    work.measure()
    work.measure_guard()
    if work.watch is not None:
        work.watch.look(work.model, 0)
        work.watch.shape()
    return task.clock() - began


def _load_again(work: EncoderWork) -> float:
    """Seconds it takes to have the base's weights beside the tuned ones, to mix them."""
    began = time.monotonic()
    work.base_weights()
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
        began = task.clock()
        work.backward(work.ready(batch, number), number, loss_scale=1.0)
        torch.nn.utils.clip_grad_norm_(work.whole.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if work.device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(task.clock() - began)
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
        sync(place)
        digest(place)
    finally:
        place.unlink(missing_ok=True)
    return 3 * (time.monotonic() - began)


def _in_words(made: Forecast, params: TrainParams, work: EncoderWork, base: str) -> str:
    queries = work.source.n_queries
    texts = "texts" if OBJECTIVES[params.objective].needs == "texts" else "training queries"
    passes = f"{made.steps / work.steps_per_epoch():.1f}".removesuffix(".0")
    what = (
        f"Tunes {base} in {made.steps:,} steps of {params.batch_size} over {queries:,} {texts} "
        f"({passes} {'pass' if passes == '1' else 'passes'})"
    )
    looks = f", with a look at dev every {params.eval_every} steps" if work.dev and params.eval_every else ""
    early = f" It ends earlier where {params.patience} looks bring no gain." if params.patience else ""
    memory = f"{made.bytes / 1e9:.1f} GB of {'GPU memory' if work.device.startswith('cuda') else 'memory'}"
    return (
        f"{what}{looks}. It takes about {_duration(made.seconds)} and is ended after {_duration(made.most)}; "
        f"it needs about {memory}.{early}"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
