"""What a person can set for each job, with defaults and where they come from. Plain data, no heavy import."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

import msgspec

from engine.errors import UserError
from engine.import_params import CutParams as CutParams
from engine.import_params import FileChoice as FileChoice
from engine.import_params import ImportParams as ImportParams
from engine.import_params import ReimportParams as ReimportParams
from engine.import_params import RetryParams as RetryParams
from engine.import_params import UncutParams as UncutParams
from engine.objectives import OBJECTIVES, Objective
from engine.refusals import check_least, refusal_of


@dataclass(frozen=True, slots=True)
class NewParams:
    """A new project. `base` is `bundled`, a model's folder, or "" for the bundled one."""

    name: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class SampleParams:
    """Make the sample from the documentation strings installed on this machine."""

    max_queries: int = 3200
    seed: int = 13


@dataclass(frozen=True, slots=True)
class DedupParams:
    """Queries at least `threshold` alike (cosine of the base model, 0..1) or equal after normalisation are merged.

    0.95: docs/decisions/006-duplicate-threshold.md.
    """

    threshold: float = 0.95
    model: str = "base"


PROMPT = """Write {count} different questions that a person might type into a search box and that this text answers.
Use the person's own words, not the text's. Write in the language of the text. One question a line, nothing else.

{passage}"""


@dataclass(frozen=True, slots=True)
class MakeParams:
    """Make queries from passages. `limit`: of how many passages, 0 for all.

    The rest is for `endpoint`, a server with OpenAI's chat interface: `prompt` has the places {count} and {passage};
    the key is read from the environment variable `key_variable` and never stored; `price_per_million` tokens gives the
    cost.
    """

    sources: tuple[Literal["headings", "questions", "cloze", "phrases", "endpoint"], ...] = ("headings", "questions")
    per_passage: int = 1
    limit: int = 0
    seed: int = 13
    url: str = ""
    model: str = ""
    prompt: str = PROMPT
    key_variable: str = "SEARCHSMITH_API_KEY"
    temperature: float = 0.7
    seconds: float = 120.0
    price_per_million: float = 0.0


@dataclass(frozen=True, slots=True)
class SplitParams:
    """Shares of queries; whole components of related queries go to one split.

    `made` train: queries that the program made are only trained on where others can be measured with; all: they are
    split like others.
    """

    seed: int = 13
    dev_share: float = 0.1
    test_share: float = 0.2
    keep_official: bool = True
    max_dev: int = 500
    max_test: int = 1000
    made: Literal["train", "all"] = "train"


@dataclass(frozen=True, slots=True)
class SelectParams:
    """Rules that choose negatives among stored candidates.

    relative_margin 0.05 on the lowest positive: NV-Retriever, arXiv:2407.15831 (TopK-PercPos 95 %).
    Ranks count the raw list from 1, positives included (`rank_among` raw, as FlagEmbedding counts), or what the other
    rules left (survivors, as sentence-transformers counts). `absolute_margin`: least difference to the lowest positive,
    -2: no such rule. Candidates whose doubt (0..1, how likely they are answers nobody marked) is at least `max_doubt`
    are held back. `order`: the first by rank, or drawn by seed. `fill`: what a source cannot bring comes from the rest,
    by chance or not at all. `share_bm25` 0: the model's own, guarded, trained best on average (docs/results.md); BM25's
    candidates are gathered all the same and count for the doubt. `same_document` False leaves out passages of an
    answer's own document.
    `gate`: where a reranker has read the candidates near the cut, those it gives at least `gate_at` are held back
    (`score`: RocketQA, arXiv:2010.08191, keeps what is under 0.1), or those with at least `gate_at` of the lowest
    answer's score (`share`: NV-Retriever takes 0.95).
    """

    num_negatives: int = 3
    rank_min: int = 1
    rank_max: int = 100
    relative_margin: float = 0.05
    max_score: float = 1.0
    min_score: float = -1.0
    share_bm25: float = 0.0
    share_random: float = 0.0
    max_doubt: float = 0.5
    same_document: bool = True
    seed: int = 13
    rank_among: Literal["raw", "survivors"] = "raw"
    absolute_margin: float = -2.0
    order: Literal["top", "random"] = "top"
    fill: Literal["rest", "random", "none"] = "rest"
    gate: Literal["off", "score", "share"] = "off"
    gate_at: float = 0.5


@dataclass(frozen=True, slots=True)
class MineParams:
    """Which sources bring candidates, how deep, and how negatives are chosen from them.

    `index`: how the model's candidates are found: `exact`, through an inverted file whose recall is measured (`ivf`),
    or `auto`, which is exact up to 50 thousand million pairs of a query and a passage. `bm25`: rank-bm25's Okapi, L or
    Plus, or Lucene's variant; which serves best is measured in docs/decisions/003-bm25-default.md.
    """

    sources: tuple[Literal["bm25", "dense", "random"], ...] = ("bm25", "dense")
    depth: int = 200
    model: str = "base"
    index: Literal["auto", "exact", "ivf"] = "auto"
    select: SelectParams = field(default_factory=SelectParams)
    bm25: Literal["okapi", "l", "plus", "lucene"] = "plus"


@dataclass(frozen=True, slots=True)
class GateParams:
    """A reranker that reads the candidates near the cut.

    `reranker`: `reranker` (the newest of the project), an id or a folder. `mining` 0: the newest. `per_query`: how many
    answers, and how many other candidates, of each query. `max_length`: tokens of a pair. `gate` and `gate_at` as in
    `SelectParams`; `keep` and -1: as the mining has them.
    """

    reranker: str = "reranker"
    mining: int = 0
    per_query: int = 20
    max_length: int = 256
    gate: Literal["keep", "off", "score", "share"] = "keep"
    gate_at: float = -1.0


@dataclass(frozen=True, slots=True)
class TrainParams:
    """One training run; steps are what `epochs` give, at most `max_steps` (0: no limit).

    Defaults are the preset `quick`: what two processor cores do in two and a half minutes; the learning rate falls in
    time with the clock, so that fewer steps on a slow machine are whole training too. 1e-4 for a model of 20 million
    weights: uniem's rule by size. `minutes` 0: no limit of time. `eval_every` 0: measure at the end only.
    `patience` 0: do not stop early, else after so many measurements without a gain. `merge` auto: mix the tuned with
    the base weights where that is better on dev. `resume`: the id of an interrupted run; it keeps its own settings.
    `scale` 20: sentence-transformers' MultipleNegativesRankingLoss. What an objective changes: `OBJECTIVES`.
    `margin`: of objectives that have one. `guide`: the model that guards `gist`. `noise`: share of words left out or
    hidden by objectives on texts. `matryoshka` on: the objective also on the first half, quarter, ... of the numbers.
    `lora_rank` over 0: only small matrices of that rank are trained and added to the weights at the end; `adapter` says
    how: their product (LoRA, arXiv:2106.09685), the same with each row's length learnt apart (DoRA, arXiv:2402.09353),
    or two products multiplied number by number (LoHa, arXiv:2108.06098). `freeze_layers`: lowest layers that stay as
    they are, the embeddings with them.
    `gradient_checkpointing` on: activations inside a layer are computed again (less memory, a third more time).
    `query_prompt` and `passage_prompt`: `auto` (the model's own), or a text. `guard`: another project's folder, whose
    test queries are measured before and after. `processes`: how many work together, one a GPU; 0: one for each GPU.
    `replay`: another project's folder, whose training queries make up `replay_share` of each batch, against forgetting.
    `finish`, with `resume`: train no further, keep the best checkpoint as a finished model. `chosen`: names that were
    set to what the preset has anyway, so that a table of vectors takes them, too (`static_params`).
    """

    preset: Literal["quick", "balanced", "thorough"] = "quick"
    base: str = "base"
    objective: Objective = "mnrl"
    num_negatives: int = 1
    batch_size: int = 64
    micro_batch_size: int = 16
    max_length: int = 128
    learning_rate: float = 1e-4
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    scale: float = 20.0
    margin: float = 0.2
    guide: str = "base"
    noise: float = 0.15
    matryoshka: Literal["off", "on"] = "off"
    lora_rank: int = 0
    adapter: Literal["lora", "dora", "loha"] = "lora"
    freeze_layers: int = 0
    gradient_checkpointing: Literal["off", "on"] = "off"
    query_prompt: str = "auto"
    passage_prompt: str = "auto"
    guard: str = ""
    replay: str = ""
    replay_share: float = 0.2
    processes: int = 1
    epochs: float = 2.0
    max_steps: int = 60
    eval_every: int = 5
    dev_queries: int = 150
    dev_passages: int = 300
    patience: int = 0
    merge: Literal["auto", "off"] = "auto"
    minutes: float = 2.5
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    device: str = "auto"
    seed: int = 13
    resume: int = 0
    finish: bool = False
    chosen: tuple[str, ...] = ()


PRESETS: dict[str, TrainParams] = {
    "quick": TrainParams(),
    "balanced": TrainParams(
        preset="balanced",
        learning_rate=5e-5,
        dev_queries=200,
        minutes=0.0,
        num_negatives=2,
        max_length=192,
        epochs=3.0,
        max_steps=400,
        eval_every=25,
        dev_passages=1000,
        patience=4,
    ),
    "thorough": TrainParams(
        preset="thorough",
        dev_queries=200,
        minutes=0.0,
        num_negatives=3,
        batch_size=128,
        max_length=256,
        learning_rate=3e-5,
        epochs=6.0,
        max_steps=0,
        eval_every=50,
        dev_passages=1500,
        patience=5,
    ),
}


# What the presets become for a model whose step costs a hundredth of a transformer's (docs/decisions).
_STATIC_BY_PRESET: dict[str, dict[str, Any]] = {  # Any: values of TrainParams' fields
    "quick": {"epochs": 12.0},
    "balanced": {"epochs": 20.0},
    "thorough": {"epochs": 40.0},
}
_STATIC_ALWAYS: dict[str, Any] = {
    "batch_size": 512,
    "learning_rate": 1e-3,
    "max_steps": 0,
    "eval_every": 20,
    "dev_passages": 1500,
}


def static_params(params: TrainParams) -> TrainParams:
    """The params with what a static model wants wherever nothing else was chosen; `minutes` stays."""
    preset = PRESETS[params.preset]
    wanted = {**_STATIC_ALWAYS, **_STATIC_BY_PRESET[params.preset]}
    usual = [n for n in wanted if getattr(params, n) == getattr(preset, n) and n not in params.chosen]
    return replace(params, **{name: wanted[name] for name in usual})


@dataclass(frozen=True, slots=True)
class MakeBaseParams:
    """A model to start from, made of the project's own documents, for text that the base model cannot read.

    `way` static: own tokenizer and token vectors, seconds to make, minutes to tune without a GPU; vocabulary: the base
    model is given the characters it lacks, which only long training on a GPU makes good use of; `auto`: static.
    `tokens`: at most so many of the vocabulary; `dim`: numbers a vector. `use`: make it the model that the project
    starts from. Measured: docs/decisions/010-text-the-base-model-cannot-read.md.
    """

    way: Literal["auto", "static", "vocabulary"] = "auto"
    tokens: int = 40_000
    dim: int = 1024
    use: bool = True
    name: str = ""
    seed: int = 13


@dataclass(frozen=True, slots=True)
class EvaluateParams:
    """Systems to rank a split's queries with: bm25, base, tuned, hybrid, each also as `NAME+reranker`; a model's id or
    folder; an imported run's name or a TREC run file.

    `ks`: cut-offs to give every measure at, in each convention, beside those that are always kept.
    """

    systems: tuple[str, ...] = ("bm25", "base", "tuned")
    ks: tuple[int, ...] = ()
    split: Literal["train", "dev", "test"] = "test"
    depth: int = 100
    resamples: int = 10_000
    seed: int = 13


@dataclass(frozen=True, slots=True)
class SearchParams:
    """One search. `model` as in mining; `mode` hybrid joins BM25 and vectors by their scores.

    `rerank` over 0: the newest reranker puts so many of the first hits (at least `k`) in a new order.
    """

    text: str = ""
    k: int = 10
    mode: Literal["bm25", "dense", "hybrid"] = "dense"
    model: str = "tuned"
    rerank: int = 0


@dataclass(frozen=True, slots=True)
class ExportParams:
    """What to take out, and where to; `despite_pins`: also a model that lost pinned queries."""

    dest: str = ""
    what: Literal["model", "run", "qrels", "queries", "training", "negatives"] = "model"
    format: str = "auto"
    model: str = "tuned"
    system: str = "tuned"
    split: Literal["train", "dev", "test", "all"] = "test"
    despite_pins: bool = False


@dataclass(frozen=True, slots=True)
class AutopilotParams:
    """Baseline, mine, train, mine with the tuned model, train again, evaluate; each round is a run with its parent.

    It ends after `rounds` rounds, when a round's gain on dev is inside its interval, or when `minutes` (0: no limit)
    are over, evaluation included. `adapt`: an objective on texts that comes first (the two-stage recipe), for at most
    `adapt_steps` steps. `settings`: of every training, as `NAME=VALUE` of the command line.
    """

    preset: Literal["quick", "balanced", "thorough"] = "quick"
    rounds: int = 3
    minutes: float = 0.0
    adapt: Literal["off", "simcse", "augmented", "tsdae", "mlm"] = "off"
    adapt_steps: int = 100
    base: str = "base"
    settings: dict[str, Any] = field(default_factory=dict)  # Any: values of TrainParams' fields


@dataclass(frozen=True, slots=True)
class MergeParams:
    """Mix a tuned model's weights with those of the model it was tuned from, as a new model.

    `alpha`: share of the base's weights, 0..1; below 0: the best of eleven on dev, whose curve is kept.
    `dev_queries` and `dev_passages` 0: dev as the run had it, so that its figures and these compare.
    """

    model: str = "tuned"
    alpha: float = -1.0
    dev_queries: int = 0
    dev_passages: int = 0


@dataclass(frozen=True, slots=True)
class ScoreParams:
    """Scores of pairs for objectives that need a teacher: a reranker's (`model`), or from a JSON lines file (`path`).

    Each line of a file: {"query": text, "passage": text, "score": number}; texts as they were imported.
    """

    model: str = "reranker"
    path: str = ""
    batch_size: int = 32
    max_length: int = 256


@dataclass(frozen=True, slots=True)
class RerankerParams:
    """Train a cross-encoder on the same queries, answers and negatives, to sort the first hits of a search again.

    `loss`: binary (cross-entropy of right and wrong), pairwise (RankNet), listwise (ListNet). `base`: a model's id or
    folder, or "base". 2e-5, one pass: the reranker recipe of sentence-transformers.
    """

    base: str = "base"
    loss: Literal["binary", "pairwise", "listwise"] = "binary"
    num_negatives: int = 4
    batch_size: int = 16
    max_length: int = 256
    learning_rate: float = 2e-5
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    epochs: float = 1.0
    max_steps: int = 300
    eval_every: int = 50
    dev_queries: int = 100
    candidates: int = 30
    patience: int = 0
    minutes: float = 0.0
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    device: str = "auto"
    seed: int = 13
    resume: int = 0
    finish: bool = False


@dataclass(frozen=True, slots=True)
class ReportParams:
    """What was measured, to hand on: `html` is one file, `csv` a folder of tables."""

    dest: str = ""
    format: Literal["html", "csv"] = "html"
    split: Literal["train", "dev", "test"] = "test"


@dataclass(frozen=True, slots=True)
class MtebParams:
    """A split as a retrieval task for MTEB, in the folder `dest`."""

    dest: str = ""
    split: Literal["train", "dev", "test"] = "test"


@dataclass(frozen=True, slots=True)
class TasksParams:
    """Other tasks that models (base, tuned or an id) are judged by, as far as a split's data allow."""

    models: tuple[str, ...] = ("base",)
    split: Literal["train", "dev", "test"] = "test"
    seed: int = 13


P = TypeVar("P")


_NOTED = {"chosen"}  # of what was set, noted beside the settings


def params_from_dict(kind: type[P], values: dict[str, Any]) -> P:  # Any: JSON values, checked here
    """Build params from JSON-like values; refuse unknown names and wrong types with one sentence.

    What `values` of a training run do not say comes from its preset.

    Raises:
        UserError: a name that `kind` does not have, a value of the wrong type, or of a training below what is possible.
    """
    known, given = set(kind.__dataclass_fields__), values  # type: ignore[attr-defined]
    unknown = sorted(set(values) - known)
    if unknown:
        raise UserError(f"There is no setting '{unknown[0]}'.", hint=f"Settings: {', '.join(sorted(known - _NOTED))}.")
    if kind is TrainParams:
        preset = params_to_dict(PRESETS.get(str(values.get("preset", "quick")), TrainParams()))
        own = OBJECTIVES.get(values.get("objective", "mnrl"))
        values = {**preset, **(own.defaults if own else {}), **values}
    try:
        found = msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise refusal_of(error, kind) from error
    if isinstance(found, TrainParams) and not {"chosen", "finish"} & set(given):  # a kept record says everything
        usual = PRESETS[found.preset]
        same = (n for n in sorted(_STATIC_ALWAYS | _STATIC_BY_PRESET[found.preset]) if n in given)
        found = replace(found, chosen=tuple(n for n in same if getattr(found, n) == getattr(usual, n)))
    if isinstance(found, TrainParams | RerankerParams | AutopilotParams | MakeBaseParams):
        check_least(found)
    return found


def params_to_dict(params: object) -> dict[str, Any]:
    """The inverse of `params_from_dict`, ready for JSON."""
    built: dict[str, Any] = msgspec.to_builtins(params)
    return built


def params_to_keep(params: object) -> dict[str, Any]:
    """`params_to_dict` for what is stored: without passwords."""
    kept = params_to_dict(params)
    for one in fields(params):  # type: ignore[arg-type]
        if one.metadata.get("secret"):
            kept.pop(one.name, None)
    return kept
