"""The forecast of a training's time and memory against the real ones, over ten short runs on a real project.

python -m benchmarks.forecasts PROJECT --work FOLDER [--only NUMBER...]

PROJECT: with splits and mined negatives; a copy is used. Each forecast and each run has a process of its own, as in
the window. `FOLDER/rows.jsonl` keeps a row for each run; those that have one are passed over. Prints the table.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.params import TrainParams, params_from_dict, params_to_dict
from engine.store.project import Project
from engine.task import Task
from engine.train.forecast import forecast
from engine.train.training import train

SETTINGS: tuple[dict[str, object], ...] = (
    {"batch_size": 16, "max_steps": 12},
    {"batch_size": 32, "max_steps": 6},
    {"batch_size": 16, "max_steps": 12, "max_length": 64},
    {"batch_size": 16, "max_steps": 10, "num_negatives": 3, "max_length": 64},
    {"batch_size": 16, "max_steps": 10, "objective": "cached_mnrl", "max_length": 64},
    {"batch_size": 16, "max_steps": 12, "objective": "triplet", "max_length": 64},
    {"batch_size": 16, "max_steps": 12, "objective": "simcse", "max_length": 64},
    {"batch_size": 16, "max_steps": 16, "lora_rank": 8, "max_length": 64},
    {"batch_size": 16, "max_steps": 16, "freeze_layers": 3, "max_length": 64},
    {"batch_size": 16, "max_steps": 1000, "epochs": 100.0, "minutes": 0.4, "max_length": 64},
)
ALL = {"minutes": 0.0, "dev_queries": 60, "eval_every": 6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--only", nargs="*", type=int, default=list(range(len(SETTINGS))))
    parser.add_argument("--job", choices=["forecast", "train"], help=argparse.SUPPRESS)
    parser.add_argument("--params", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.job:
        print(json.dumps(do_job(chosen.project, chosen.job, json.loads(chosen.params))))
        return
    path, rows = chosen.work / "project", chosen.work / "rows.jsonl"
    chosen.work.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        shutil.copytree(chosen.project, path)
    known = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()] if rows.exists() else []
    for number in chosen.only:
        if number not in {row["number"] for row in known}:
            known.append(measure(path, number))
            with rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps(known[-1]) + "\n")
    print(table(known))


def measure(path: Path, number: int) -> dict[str, Any]:
    params = params_to_dict(replace(TrainParams(), **{**ALL, **SETTINGS[number]}))
    told, real = child(path, "forecast", params), child(path, "train", params)
    return {
        "number": number, "settings": SETTINGS[number], "told_seconds": told["seconds"], "seconds": real["wall"],
        "told_step": told["step_seconds"], "told_look": told["look_seconds"], "learning": real["seconds"],
        "told_bytes": told["bytes"], "bytes": real["peak_bytes"], "told_steps": told["steps"], "steps": real["steps"],
    }  # fmt: skip


def child(path: Path, job: str, params: dict[str, object]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.forecasts", str(path), "--job", job, "--params", json.dumps(params)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def do_job(path: Path, job: str, values: dict[str, Any]) -> dict[str, Any]:
    """Forecast or train; `wall` is how long that took, without loading Python's libraries."""
    import sentence_transformers  # noqa: F401 - the window's spare process has it loaded, too

    params = params_from_dict(TrainParams, values)
    with Project.open(path) as project:
        if job == "forecast":
            told = asdict(forecast(project, params, Task()))
            project.set_meta_json("forecasts", {})  # so that it does not become the run's limit
            return told
        began = time.monotonic()
        summary = train(project, params, Task())
        return {**asdict(summary), "wall": time.monotonic() - began}


def table(rows: list[dict[str, Any]]) -> str:
    head = ["Settings", "Foretold s", "Real s", "Ratio", "Foretold GB", "Real GB", "Ratio", "Steps"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        settings = ", ".join(f"{name} {value}" for name, value in row["settings"].items())
        seconds, memory = row["told_seconds"] / row["seconds"], row["told_bytes"] / row["bytes"]
        lines.append(
            [
                settings,
                f"{row['told_seconds']:.1f}",
                f"{row['seconds']:.1f}",
                f"{seconds:.2f}",
                f"{row['told_bytes'] / 1e9:.2f}",
                f"{row['bytes'] / 1e9:.2f}",
                f"{memory:.2f}",
                str(row["steps"]),
            ]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
