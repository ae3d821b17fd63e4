"""The time forecast of training against the real time, over ten runs of different settings on a real project.

python -m benchmarks.forecasts PROJECT    PROJECT: with splits and mined negatives; a copy is used
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from engine.params import TrainParams
from engine.store.project import Project
from engine.task import Task
from engine.train.forecast import forecast
from engine.train.training import train

SETTINGS: tuple[dict[str, object], ...] = (
    {"batch_size": 16, "max_steps": 12},
    {"batch_size": 32, "max_steps": 8},
    {"batch_size": 16, "max_steps": 12, "max_length": 64},
    {"batch_size": 16, "max_steps": 12, "num_negatives": 3, "max_length": 64},
    {"batch_size": 16, "max_steps": 12, "objective": "cached_mnrl", "max_length": 64},
    {"batch_size": 16, "max_steps": 12, "objective": "triplet", "max_length": 64},
    {"batch_size": 16, "max_steps": 12, "objective": "simcse", "max_length": 64},
    {"batch_size": 16, "max_steps": 20, "lora_rank": 8, "max_length": 64},
    {"batch_size": 16, "max_steps": 20, "freeze_layers": 3, "max_length": 64},
    {"batch_size": 16, "max_steps": 1000, "minutes": 0.4, "max_length": 64},
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--runs", type=int, default=len(SETTINGS))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "project"
        shutil.copytree(chosen.project, copy)
        with Project.open(copy) as project:
            for settings in SETTINGS[: chosen.runs]:
                params = replace(TrainParams(), **{"minutes": 0.0, "dev_queries": 100, "eval_every": 10, **settings})
                told = forecast(project, params, Task())
                began = time.monotonic()
                train(project, params, Task())
                real = time.monotonic() - began
                row = {
                    "forecast": round(told.seconds, 1),
                    "real": round(real, 1),
                    "ratio": round(told.seconds / real, 2),
                }
                print(json.dumps({**settings, **row, "gigabytes": round(told.bytes / 1e9, 2)}), flush=True)


if __name__ == "__main__":
    main()
