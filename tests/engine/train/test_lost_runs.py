"""Whatever ends a run, it goes on with the very same numbers: kills, half-written checkpoints, clocks, memory, disk."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import Cancelled, TrainingError
from engine.params import params_to_dict
from engine.protocol import JobFailed, RunJob, read_event
from engine.records import State
from engine.store import models
from engine.task import Task
from engine.train.checkpoints import Checkpoints, Progress
from engine.train.steps import Stepper
from engine.train.training import train
from engine.worker import Worker
from tests.engine.train.test_training import Recorder, folder, weights

FILES = ("model.safetensors", "optimizer.safetensors", "state.json", "hashes.json")


def checkpoints_of(project, model_id):
    return Checkpoints(folder(project, model_id) / "checkpoints")


def interrupted(project, small, at=9):
    with pytest.raises(Cancelled):
        train(project, small, Recorder(stop_at=at))
    (model,) = models.interrupted_models(project)
    return model


class Killer:
    """Trains in processes of their own (`tests.engine.train.forking`) and kills them."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.train.forking"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
        )  # fmt: skip

    def run_until_killed(self, project, params, steps, wait):
        """Train, and kill -9 it `wait` seconds after its first `steps` steps; whether it was still at work then."""
        values = {"project": str(project), "params": params_to_dict(params)}
        self.process.stdin.write(json.dumps(values) + "\n")
        self.process.stdin.flush()
        lines = iter(self.process.stdout.readline, "")
        child = int(next(lines))
        for _, line in zip(range(steps), lines, strict=False):
            if line == "end\n":
                return False
        time.sleep(wait)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        while next(lines) != "end\n":
            pass
        return True


@pytest.fixture(scope="module")
def killer():
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    made = Killer()
    yield made
    made.process.stdin.close()
    made.process.wait(20)
    made.process.stdout.close()


def unbroken_and_killed(killer, project, small, kills):
    """The unbroken run, and one that could go on after each of `kills` kills on its way and was then left alone."""
    params = replace(small, max_steps=6 * kills, epochs=100.0, eval_every=2)
    whole = train(project, params, Task())
    rng = np.random.default_rng(11)
    following, resumed = params, 0
    while resumed < kills:
        assert killer.run_until_killed(project.path, following, int(rng.integers(1, 4)), float(rng.uniform(0, 0.03)))
        project.recover()
        left = models.interrupted_models(project)
        assert left or not resumed, f"after kill {resumed + 1} nothing could go on"
        resumed += bool(left)  # before its first checkpoint a run leaves nothing, and begins anew
        following = replace(params, resume=left[0].id) if left else params
    print(f"{resumed} of {kills} kills could go on")
    return whole, train(project, following, Task())


def assert_equal_runs(project, whole, other):
    for name in ("loss", "lr", "dev_ndcg@10"):
        assert models.curve(project, other.model, name) == models.curve(project, whole.model, name)
    one, two = weights(project, whole), weights(project, other)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert (other.best_step, other.dev, other.base_share) == (whole.best_step, whole.dev, whole.base_share)


def test_a_run_killed_again_and_again_ends_as_the_unbroken_one(killer, project, small):
    assert_equal_runs(project, *unbroken_and_killed(killer, project, small, 3))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_twenty_kills_at_random_steps_change_no_bit(killer, project, small, precision):
    assert_equal_runs(project, *unbroken_and_killed(killer, project, replace(small, precision=precision), 20))


def half_written(place):
    """35 ways in which a checkpoint may have been left: each file absent, empty or cut; a byte changed; not yet named."""
    for name in FILES:
        for share in (0.0, 0.01, 0.2, 0.5, 0.9, 0.999, None):
            yield f"{name} at {share}", place, (name, share)
    for name in FILES[:3]:
        yield f"{name} changed", place, (name, "changed")
    yield "other hashes", place, ("hashes.json", "changed")
    yield "nothing in it", place, ("*", None)
    yield "beside, whole", place.with_name(f".{place.name}.99999999.tmp"), ("", None)
    yield "a file of that name", place, ("file", None)


def damage(place, name, how):
    if name == "file":
        shutil.rmtree(place)
        place.write_bytes(b"")
    elif name == "*":
        for file in place.iterdir():
            file.unlink()
    elif how is None and name:
        (place / name).unlink()
    elif how == "changed":
        content = bytearray((place / name).read_bytes())
        content[len(content) // 2] ^= 1
        (place / name).write_bytes(content)
    elif name:
        content = (place / name).read_bytes()
        (place / name).write_bytes(content[: int(len(content) * how)])


def test_all_35_half_written_checkpoints_are_passed_over(project, small):
    model = interrupted(project, small)
    checkpoints = checkpoints_of(project, model.id)
    good = checkpoints.folder / "checkpoint-000009"
    cases = list(half_written(checkpoints.folder / "checkpoint-000012"))
    assert len(cases) == 35
    for words, place, (name, how) in cases:
        shutil.copytree(good, place)
        damage(place, name, how)
        assert checkpoints.newest() == 9, words
        (shutil.rmtree if place.is_dir() else os.unlink)(place)
    shutil.copytree(good, checkpoints.folder / "checkpoint-000012")
    assert checkpoints.newest() == 12  # a whole one counts: the cases above were passed over for what was wrong in them


def test_a_run_goes_on_past_a_half_written_checkpoint(project, small):
    model = interrupted(project, small)
    checkpoints = checkpoints_of(project, model.id)
    shutil.copytree(checkpoints.folder / "checkpoint-000009", checkpoints.folder / "checkpoint-000011")
    damage(checkpoints.folder / "checkpoint-000011", "model.safetensors", 0.5)
    assert train(project, replace(small, resume=model.id), Task()).steps == 12


@pytest.mark.parametrize("finish", [False, True])
def test_a_run_without_a_whole_checkpoint_begins_anew_and_says_so_or_keeps_nothing(project, small, finish):
    model, task = interrupted(project, small), Recorder()
    checkpoints = checkpoints_of(project, model.id)
    for step in checkpoints.steps():
        damage(checkpoints.folder / f"checkpoint-{step:06d}", "model.safetensors", 0.5)
    params = replace(small, resume=model.id, finish=finish)
    if finish:
        with pytest.raises(TrainingError, match="no best model to keep"):
            train(project, params, task)
        assert models.newest_tuned(project) is None
        return
    assert train(project, params, task).steps == 12
    assert any("is whole; it begins anew" in warning for warning in task.warnings)
    assert [step for step, _ in task.points["loss"]] == list(range(1, 13))


def test_a_save_that_is_killed_leaves_the_checkpoint_before(project, small, monkeypatch):
    import engine.train.checkpoints as module

    swap = module.swap_folder

    def killed(beside, target):
        if "000008" in target.name:
            raise KeyboardInterrupt
        swap(beside, target)

    monkeypatch.setattr(module, "swap_folder", killed)
    with pytest.raises(KeyboardInterrupt):
        train(project, small, Task())
    (model,) = models.interrupted_models(project)
    assert checkpoints_of(project, model.id).newest() == 4


@pytest.mark.parametrize("jump", [-3600, 86_400, -(10**9)])
def test_a_clock_that_is_set_deletes_no_newest_checkpoint(project, small, monkeypatch, jump):
    began, looks = 1_700_000_000, iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: max(0.0, float(began + jump * next(looks))))
    save = Checkpoints.save

    def save_at_that_time(self, progress, *rest):
        save(self, progress, *rest)
        moment = max(0, began + jump * progress.step)
        os.utime(self.folder / f"checkpoint-{progress.step:06d}", (moment, moment))

    monkeypatch.setattr(Checkpoints, "save", save_at_that_time)
    model = interrupted(project, small, at=10)
    assert checkpoints_of(project, model.id).newest() == 10
    resumed = Recorder()
    train(project, replace(small, resume=model.id), resumed)
    assert [step for step, _ in resumed.points["loss"]] == [11, 12]


def test_hours_of_sleep_end_no_run_that_has_a_limit_of_time(project, small, monkeypatch):
    real, asleep = time.monotonic, [0.0]
    monkeypatch.setattr("engine.train.running.time.monotonic", lambda: real() + asleep[0])
    backward, calls = Stepper._backward, []

    def sleeping(self, batch, seed, loss_scale):
        calls.append(1)
        if len(calls) == 6:
            asleep[0] += 7200.0
        return backward(self, batch, seed, loss_scale)

    monkeypatch.setattr(Stepper, "_backward", sleeping)
    summary = train(project, replace(small, minutes=10.0), Task())
    assert (summary.steps, summary.stopped) == (12, "")
    assert summary.seconds < 600


def test_a_lost_gpu_ends_the_process_and_the_run_goes_on_in_another(project, small, monkeypatch):
    backward, calls = Stepper._backward, []

    def lost(self, batch, seed, loss_scale):
        calls.append(1)
        if len(calls) > 6:
            raise RuntimeError("CUDA error: unspecified launch failure")
        return backward(self, batch, seed, loss_scale)

    monkeypatch.setattr(Stepper, "_backward", lost)
    monkeypatch.setattr(os, "_exit", lambda code: (_ for _ in ()).throw(SystemExit(code)))
    out = io.BytesIO()
    with pytest.raises(SystemExit):
        Worker(out)._run(RunJob(job=1, kind="train", project=str(project.path), params=params_to_dict(small)))
    failed = read_event(out.getvalue().splitlines()[-1])
    assert isinstance(failed, JobFailed)
    assert (failed.code, failed.message) == ("device", "The GPU stopped answering.")
    assert len(calls) == 7  # nothing was tried again in the dead process
    monkeypatch.setattr(Stepper, "_backward", backward)
    (model,) = models.interrupted_models(project)
    resumed = Recorder()
    train(project, replace(small, resume=model.id), resumed)
    assert resumed.points["loss"][0][0] == 5


def test_a_run_finished_early_keeps_the_best_so_far(project, small):
    task = Recorder()

    def finish_at_five(stage, done, total, note):
        if (stage, done) == ("train", 5):
            task.finish()

    task.on_progress = finish_at_five
    summary = train(project, small, task)
    assert (summary.stopped, summary.steps) == ("asked", 5)
    assert summary.dev == pytest.approx(max(v for s, v in task.points["dev_ndcg@10"] if s) if not summary.base_share
                                        else max(v for _, v in task.points["merge_dev"]))  # fmt: skip
    assert models.model(project, summary.model).state is State.COMPLETE


def test_an_interrupted_run_can_be_finished_without_another_step(project, small):
    model = interrupted(project, small)
    task = Recorder()
    summary = train(project, replace(small, resume=model.id, finish=True), task)
    assert (summary.steps, summary.stopped, "loss" in task.points) == (9, "asked", False)
    assert summary.best_step in (4, 8, 9)
    assert models.interrupted_models(project) == []


def test_finishing_needs_an_interrupted_run(project, small):
    from engine.errors import UserError

    with pytest.raises(UserError, match="interrupted run can be finished"):
        train(project, replace(small, finish=True), Task())


def test_a_pause_does_not_count_as_time(project, small):
    task = Task()
    paused = []

    def pause_once(stage, done, total, note):
        if (stage, done) == ("train", 2) and not paused:
            paused.append(True)
            task.pause()
            threading.Timer(1.0, task.resume).start()

    task.on_progress = pause_once
    summary = train(project, small, task)
    assert task.paused_seconds > 0.8
    assert summary.steps == 12
    began = time.monotonic()
    again = train(project, small, Task())
    assert summary.seconds < again.seconds + (time.monotonic() - began) + 0.8


def test_memory_that_runs_short_makes_parts_smaller_and_changes_no_loss(project, small, monkeypatch):
    whole = Recorder()
    train(project, replace(small, merge="off"), whole)
    backward, calls = Stepper._backward, []

    def short(self, batch, seed, loss_scale):
        calls.append(self.budget)
        if len(calls) == 3:
            raise torch.OutOfMemoryError("out of memory")
        return backward(self, batch, seed, loss_scale)

    monkeypatch.setattr(Stepper, "_backward", short)
    task = Recorder()
    train(project, replace(small, merge="off"), task)
    assert calls[3] == calls[2] // 2
    assert [v for _, v in task.points["loss"][:2]] == [v for _, v in whole.points["loss"][:2]]
    assert len(task.points["loss"]) == 12
    assert any("Memory ran short" in warning for warning in task.warnings)


def test_memory_that_never_suffices_is_one_sentence_and_the_run_can_go_on(project, small, monkeypatch):
    backward, calls = Stepper._backward, []

    def short(self, batch, seed, loss_scale):
        calls.append(1)
        if len(calls) > 6:
            raise torch.OutOfMemoryError("out of memory")
        return backward(self, batch, seed, loss_scale)

    monkeypatch.setattr(Stepper, "_backward", short)
    with pytest.raises(TrainingError, match="does not suffice"):
        train(project, small, Task())
    (model,) = models.interrupted_models(project)
    monkeypatch.setattr(Stepper, "_backward", backward)
    assert train(project, replace(small, resume=model.id), Task()).steps == 12


def test_a_disk_without_room_is_told_before_training(project, small, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 0))
    with pytest.raises(TrainingError, match=r"0 MB free .* needs about \d+ MB"):
        train(project, small, Task())
    assert models.interrupted_models(project) == []


def test_what_a_run_wrote_before_it_was_interrupted_is_room_that_it_has(tmp_path, monkeypatch):
    model, runs = torch.nn.Linear(700, 700), [Checkpoints(tmp_path / name) for name in ("new", "begun")]
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 700)).sum().backward()
    optimizer.step()
    for step in (1, 2):
        runs[1].save(Progress(step=step, best_step=1), model, optimizer)
    needed = 20  # the newest, the best and one being written, each of 5.6 MB, and the model
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, needed - 10 << 20))
    runs[1].check_space(model)
    with pytest.raises(TrainingError, match="10 MB free"):
        runs[0].check_space(model)


def test_checkpoints_hold_numbers_and_json_only(project, small):
    model = interrupted(project, small)
    found = checkpoints_of(project, model.id).folder / "checkpoint-000009"
    assert sorted(path.name for path in found.iterdir()) == sorted(FILES)
    assert json.loads((found / "state.json").read_text(encoding="utf-8"))["step"] == 9


def test_a_look_lost_with_its_process_is_made_up_for(project, small, monkeypatch):
    from engine.train.dev import DevMeasure

    whole = Recorder()
    train(project, small, whole)
    ndcg, looks = DevMeasure.ndcg, []

    def stopped(self, model):
        looks.append(1)
        if len(looks) == 3:
            raise Cancelled
        return ndcg(self, model)

    monkeypatch.setattr(DevMeasure, "ndcg", stopped)
    with pytest.raises(Cancelled):
        train(project, small, Task())
    monkeypatch.setattr(DevMeasure, "ndcg", ndcg)
    (model,) = models.interrupted_models(project)
    summary = train(project, replace(small, resume=model.id), Task())
    stored = [(p.step, p.value) for p in models.curve(project, summary.model, "dev_ndcg@10")]
    assert stored == whole.points["dev_ndcg@10"]
