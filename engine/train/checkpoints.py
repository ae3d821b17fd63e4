"""Where a run stands, on disk: complete or absent, numbers and JSON only, the newest and the best one kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import TrainingError
from engine.store.files import clear_leftovers, swap_folder, write_json

if TYPE_CHECKING:
    import torch

_PREFIX = "checkpoint-"
_FILES = ("model.safetensors", "optimizer.safetensors", "state.json")


@dataclass(slots=True)
class Progress:
    """How far a run is.

    Attributes:
        step: steps done.
        best_step: where dev was best so far, 0 before the first look after training began.
        best_dev: nDCG@10 there.
        stale: looks at dev since the best.
        seconds: spent training so far.
        data: digest of the training set.
        pool: digest of the dev pool, "" without one.
        base_dev: nDCG@10 of the base model in the same pool, None without dev queries.
        bm25_dev: of BM25.
        base_values: nDCG@10 of the base model on each dev query.
        best_values: of the model at its best step.
        guard_base: nDCG@10 of the base model on the guard set, None without one.
        looked: the last step at which dev was measured.
        stopped: why no more steps follow, "" where they do.
        shortages: how often memory ran short; parts stay as small after going on.
        scaler: state of the scaler of fp16 gradients.
        signs: what went wrong so far, in words, by its kind.
    """

    step: int = 0
    best_step: int = 0
    best_dev: float = -1.0
    stale: int = 0
    seconds: float = 0.0
    data: str = ""
    pool: str = ""
    base_dev: float | None = None
    bm25_dev: float | None = None
    base_values: tuple[float, ...] = ()
    best_values: tuple[float, ...] = ()
    guard_base: float | None = None
    looked: int = 0
    stopped: str = ""
    shortages: int = 0
    scaler: dict[str, float] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)


class Checkpoints:
    """The checkpoints of one run in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, progress: Progress, model: Any, optimizer: torch.optim.Optimizer) -> None:
        """Write a checkpoint for `progress.step`, then remove those that are neither the newest nor the best."""
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        folder = self._of(progress.step)
        beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            save_file(_weights(model), beside / "model.safetensors")
            save_file(_moments(model, optimizer), beside / "optimizer.safetensors")
            write_json(beside / "state.json", asdict(progress))
            for name in _FILES:
                sync(beside / name)
            write_json(beside / "hashes.json", {name: digest(beside / name) for name in _FILES})
            swap_folder(beside, folder)
        except (OSError, SafetensorError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            reason = getattr(error, "strerror", None) or error
            raise TrainingError(
                f"The checkpoint of step {progress.step} cannot be written: {reason}.",
                hint=f"Free about {self._megabytes(model)} MB where the project lies; training goes on from the "
                "checkpoint before with resume.",
            ) from error
        self._rotate(progress)

    def check_space(self, model: Any) -> None:
        """Refuse to start what the disk cannot hold; what a run that goes on has written already is room that it has.

        Raises:
            TrainingError: too little is free for the checkpoints and the finished model.
        """
        place = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        free, needed = shutil.disk_usage(place).free >> 20, self._megabytes(model)
        needed -= sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()) >> 20
        if free < needed:
            raise TrainingError(
                f"The disk has {free} MB free where the project lies; training needs about {needed} MB.",
                hint="Free some space, or discard interrupted runs.",
            )

    @staticmethod
    def _megabytes(model: Any) -> int:
        """The newest, the best and one being written, each with two moments a trained weight; then the model itself."""
        sizes: list[tuple[int, bool]] = [
            (weight.numel() * weight.element_size(), weight.requires_grad) for weight in model.parameters()
        ]
        one: int = sum(size * (3 if trained else 1) for size, trained in sizes)
        return (3 * one + sum(size for size, _ in sizes) >> 20) + 1

    def newest(self) -> int | None:
        """The step of the newest complete checkpoint; others are passed over. None where there is none."""
        return next((step for step in sorted(self.steps(), reverse=True) if self.is_complete(step)), None)

    def steps(self) -> list[int]:
        found = [path.name.removeprefix(_PREFIX) for path in self.folder.glob(f"{_PREFIX}*")]
        return [int(name) for name in found if name.isdigit()]

    def is_complete(self, step: int) -> bool:
        """Whether every file is there as it was written."""
        folder = self._of(step)
        try:
            hashes = json.loads((folder / "hashes.json").read_text(encoding="utf-8"))
            return set(hashes) == set(_FILES) and all(digest(folder / name) == hashes[name] for name in _FILES)
        except (OSError, ValueError, TypeError):
            return False

    def load(self, step: int, model: Any, optimizer: torch.optim.Optimizer) -> Progress:
        """Put model and optimizer back to where they were at `step`."""
        from safetensors.torch import load_file

        self.load_weights(step, model)
        moments = load_file(self._of(step) / "optimizer.safetensors")
        for name, weight in model.named_parameters():
            if f"{name}.step" in moments:
                counts_at = weight.device if optimizer.defaults.get("fused") else "cpu"
                optimizer.state[weight] = {
                    "step": moments[f"{name}.step"].to(counts_at),
                    "exp_avg": moments[f"{name}.exp_avg"].to(weight.device),
                    "exp_avg_sq": moments[f"{name}.exp_avg_sq"].to(weight.device),
                }
        return self.read(step)

    def read(self, step: int) -> Progress:
        """How far the run was at `step`."""
        return Progress(**json.loads((self._of(step) / "state.json").read_text(encoding="utf-8")))

    def load_weights(self, step: int, model: Any) -> None:
        from safetensors.torch import load_file

        model.load_state_dict(load_file(self._of(step) / "model.safetensors"))

    def clear(self) -> None:
        """Remove all checkpoints; call it when the finished model is in place."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _of(self, step: int) -> Path:
        return self.folder / f"{_PREFIX}{step:06d}"

    def _rotate(self, progress: Progress) -> None:
        for step in self.steps():
            if step not in (progress.step, progress.best_step):
                shutil.rmtree(self._of(step), ignore_errors=True)
        clear_leftovers(self.folder)


def _weights(model: Any) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = {}
    places: set[int] = set()
    for name, weight in model.state_dict().items():
        flat = weight.detach().cpu().contiguous()
        weights[name] = flat.clone() if flat.data_ptr() in places else flat  # safetensors takes no tied weights
        places.add(flat.data_ptr())
    return weights


def _moments(model: Any, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    moments = {}
    for name, weight in model.named_parameters():
        for key, value in optimizer.state.get(weight, {}).items():
            moments[f"{name}.{key}"] = value.detach().cpu().contiguous()
    return moments


def sync(path: Path) -> None:
    """Have the disk keep what was written to a file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def digest(path: Path) -> str:
    """A file's content in 32 hexadecimal digits."""
    found = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
