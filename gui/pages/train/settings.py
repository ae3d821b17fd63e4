"""The settings of trainings in words: name, effect and kind of field of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QCoreApplication

from engine.objectives import OBJECTIVES

Group = Literal["learning", "model", "end", "batches", "objective", "forgetting", "machine"]
LEFT: tuple[Group, ...] = ("learning", "end", "model")
RIGHT: tuple[Group, ...] = ("batches", "objective", "forgetting", "machine")
Value = Any  # Any: a setting's value, int, float or str by its kind


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `kind`: int, float, rate (written as 5e-5), share (0..1 shown as per cent), choice, text or folder.

    `zero` is the word shown for 0 (no limit), `unit` stands behind the number, `one` behind a 1 where that is another.
    """

    name: str
    group: Group
    title: str
    effect: str
    kind: Literal["int", "float", "rate", "share", "choice", "text", "folder"]
    low: float = 0.0
    high: float = 1.0
    zero: str = ""
    unit: str = ""
    one: str = ""
    choices: tuple[tuple[str, str], ...] = ()


def settings() -> list[Setting]:
    """All settings in the order they are shown."""
    tr = _tr
    automatic = ("auto", tr("automatic"))
    return [
        Setting("learning_rate", "learning", tr("Learning rate"), tr("Size of each step"), "rate", 1e-7, 1e-2),
        Setting("epochs", "learning", tr("Passes"), tr("Times through the queries"), "float", 0.1, 100),
        Setting("max_steps", "learning", tr("Steps at most"), tr("Ends a pass early"), "int", 0, 1e6, tr("no limit")),
        Setting("warmup_share", "learning", tr("Warm-up"), tr("A slow start, of all steps"), "share", 0, 0.9),
        Setting("weight_decay", "learning", tr("Weight decay"), tr("Pulls weights towards zero"), "float", 0, 1),
        Setting("eval_every", "end", tr("Measure every"), tr("Steps from look to look"), "int",
                0, 1e5, tr("at the end"), tr("steps"), tr("step")),
        Setting("patience", "end", tr("Stop early"), tr("After looks without gain"), "int", 0, 1000, tr("off")),
        Setting("minutes", "end", tr("Time limit"), tr("Keeps the best when it is up"), "float",
                0, 1e4, tr("off"), tr("min")),
        Setting("dev_queries", "end", tr("Dev queries"), tr("Asked at a look, at most"), "int", 10, 100_000),
        Setting("dev_passages", "end", tr("Dev passages"), tr("Searched at a look"), "int", 50, 1_000_000),
        Setting("base", "model", tr("Start from"), tr("The model that is tuned"), "choice"),
        Setting("lora_rank", "model", tr("LoRA rank"), tr("Trains small matrices only"), "int", 0, 1024, tr("off")),
        Setting("adapter", "model", tr("Adapter"), tr("What a LoRA rank makes"), "choice",
                choices=(("lora", "LoRA"), ("dora", "DoRA"), ("loha", "LoHa"))),
        Setting("freeze_layers", "model", tr("Frozen layers"), tr("Lowest ones stay as they are"), "int",
                0, 200, tr("none")),
        Setting("gradient_checkpointing", "model", tr("Layers again"), tr("Half the memory, slower"),
                "choice", choices=(("off", tr("kept")), ("on", tr("computed again")))),
        Setting("matryoshka", "model", tr("Shorter vectors"), tr("Their first numbers suffice"),
                "choice", choices=(("off", tr("off")), ("on", tr("halves, quarters")))),
        Setting("query_prompt", "model", tr("Prompt of queries"), tr("auto: the model's own"), "text"),
        Setting("passage_prompt", "model", tr("Prompt of passages"), tr("auto: the model's own"), "text"),
        Setting("batch_size", "batches", tr("Queries a batch"), tr("Larger: more negatives"), "int", 2, 4096),
        Setting("num_negatives", "batches", tr("Negatives"), tr("Mined ones, for each query"), "int", 0, 16),
        Setting("max_length", "batches", tr("Longest text"), tr("What is longer is cut"), "int",
                16, 8192, unit=tr("tokens")),
        Setting("micro_batch_size", "batches", tr("Size of a part"), tr("Queries at once"), "int", 1, 1024),
        Setting("objective", "objective", tr("Objective"), tr("What a batch teaches"),
                "choice", choices=tuple((name, facts.title) for name, facts in OBJECTIVES.items())),
        Setting("scale", "objective", tr("Scale"), tr("How sharply near misses count"), "float", 1, 100),
        Setting("margin", "objective", tr("Margin"), tr("How far apart, for pairs"), "float", 0, 10),
        Setting("guide", "objective", tr("Guide"), tr("Guards guided ranking"), "choice"),
        Setting("noise", "objective", tr("Words left out"), tr("By objectives on texts"), "share", 0, 0.9),
        Setting("merge", "forgetting", tr("Mix with the base"), tr("Keeps what the base knew"),
                "choice", choices=(automatic, ("off", tr("off")))),
        Setting("guard", "forgetting", tr("Guard project"), tr("Its test queries, before and after"), "folder"),
        Setting("replay", "forgetting", tr("Replay project"), tr("Its queries are trained on, too"), "folder"),
        Setting("replay_share", "forgetting", tr("Share of replay"), tr("Of each batch"), "share", 0, 0.9),
        Setting("precision", "machine", tr("Numbers"), tr("bf16: half the memory"),
                "choice", choices=(automatic, ("fp32", "fp32"), ("bf16", "bf16"), ("fp16", "fp16"))),
        Setting("device", "machine", tr("Processor"), tr("Automatic: the GPU, if any"),
                "choice", choices=(automatic, ("cpu", "CPU"), ("cuda", "CUDA"), ("mps", "MPS"))),
        Setting("processes", "machine", tr("Processes"), tr("Share one batch; one a GPU"), "int",
                0, 64, tr("all GPUs")),
        Setting("seed", "machine", tr("Seed"), tr("Same seed, same run"), "int", 0, 2**31 - 1),
    ]  # fmt: skip


def reranker_settings() -> list[Setting]:
    """Those of a reranker, in the order they are shown."""
    tr = _tr
    automatic = ("auto", tr("automatic"))
    return [
        Setting("loss", "objective", tr("Objective"), tr("What a batch teaches"), "choice", choices=(
            ("binary", tr("right or wrong")), ("pairwise", tr("pairs (RankNet)")),
            ("listwise", tr("lists (ListNet)")))),
        Setting("base", "model", tr("Start from"), tr("Whose weights it begins with"), "choice"),
        Setting("num_negatives", "batches", tr("Negatives"), tr("Mined ones, for each query"), "int", 1, 16),
        Setting("batch_size", "batches", tr("Queries a batch"), tr("Each with its answer and negatives"), "int",
                1, 1024),
        Setting("max_length", "batches", tr("Longest pair"), tr("Query and passage; more is cut"), "int",
                32, 8192, unit=tr("tokens")),
        Setting("learning_rate", "learning", tr("Learning rate"), tr("Size of each step"), "rate", 1e-7, 1e-2),
        Setting("epochs", "learning", tr("Passes"), tr("Times through the queries"), "float", 0.1, 100),
        Setting("max_steps", "learning", tr("Steps at most"), tr("Ends a pass early"), "int", 0, 1e6, tr("no limit")),
        Setting("warmup_share", "learning", tr("Warm-up"), tr("A slow start, of all steps"), "share", 0, 0.9),
        Setting("weight_decay", "learning", tr("Weight decay"), tr("Pulls weights towards zero"), "float", 0, 1),
        Setting("minutes", "end", tr("Time limit"), tr("Keeps the best when it is up"), "float",
                0, 1e4, tr("off"), tr("min")),
        Setting("eval_every", "end", tr("Measure every"), tr("Steps from look to look"), "int",
                0, 1e5, tr("at the end"), tr("steps"), tr("step")),
        Setting("patience", "end", tr("Stop early"), tr("After looks without gain"), "int", 0, 1000, tr("off")),
        Setting("dev_queries", "end", tr("Dev queries"), tr("Asked at a look, at most"), "int", 10, 100_000),
        Setting("candidates", "end", tr("Hits to sort"), tr("BM25's first ones, of each dev query"), "int", 10, 1000),
        Setting("precision", "machine", tr("Numbers"), tr("bf16: half the memory"),
                "choice", choices=(automatic, ("fp32", "fp32"), ("bf16", "bf16"), ("fp16", "fp16"))),
        Setting("device", "machine", tr("Processor"), tr("Automatic: the GPU, if any"),
                "choice", choices=(automatic, ("cpu", "CPU"), ("cuda", "CUDA"), ("mps", "MPS"))),
        Setting("seed", "machine", tr("Seed"), tr("Same seed, same run"), "int", 0, 2**31 - 1),
    ]  # fmt: skip


def _tr(text: str) -> str:
    return QCoreApplication.translate("train_settings", text)
