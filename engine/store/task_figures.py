"""What models reached on other tasks than retrieval, kept beside one another as long as the data stay the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.records import Split
from engine.store.project import Project, now


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """Figures of a split.

    Attributes:
        models: figures by task and measure ("triplets: accuracy"), by the model's id.
        sizes: of how many pairs, triplets or queries each task is made.
        left_out: for each task that could not be measured, what the data lack.
        measured_at: when the last model was measured; "" where none was.
    """

    models: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    measured_at: str = ""


def keep_task_figures(
    project: Project,
    split: Split,
    *,
    content: str,
    models: Mapping[int, Mapping[str, float]],
    sizes: Mapping[str, int],
    left_out: Mapping[str, str],
) -> None:
    """Keep what models reached; figures of others stay where `content`, a digest of the data, is the same."""
    before = project.meta_json(_key(split)) or {}
    earlier = before.get("models", {}) if before.get("content") == content else {}
    project.set_meta_json(
        _key(split),
        {
            "content": content,
            "models": {**earlier, **{str(model): dict(found) for model, found in models.items()}},
            "sizes": dict(sizes),
            "left_out": dict(left_out),
            "measured_at": now(),
        },
    )


def task_figures(project: Project, split: Split = Split.TEST) -> TaskFigures:
    """What `keep_task_figures` kept."""
    kept = project.meta_json(_key(split))
    if not kept:
        return TaskFigures()
    models = {int(model): found for model, found in kept["models"].items()}
    return TaskFigures(models, kept["sizes"], kept["left_out"], kept["measured_at"])


def _key(split: Split) -> str:
    return f"tasks_{split.value}"
