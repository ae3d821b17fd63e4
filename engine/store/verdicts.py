"""Says in words what a comparison of two systems means and, where it is no win, why that may be and what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from engine.records import Comparison, Outcome, Run, Split
from engine.store.learnt import known_by_run, known_sentence
from engine.store.project import Project

# Standard errors that a true difference must span to be shown four times in five: z(0.975) + z(0.8).
_REACH = 2.8016
_HALF_INTERVAL = 1.96
_FEW_PAIRS = 1_000
_MUCH_OVERLAP = 0.6
_MANY_DOUBTFUL = 0.1
_MANY_UNKNOWN = 0.1
_OUT_OF_REACH = 20
_SEEN = {Split.TEST: "it never saw", Split.DEV: "of the dev split", Split.TRAIN: "of the training split"}
_FEWEST = 6  # moved queries below which random signs give as much more often than one time in twenty: 2 / 2^5


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else is known of a comparison's making; None where it was not measured.

    Attributes:
        word_overlap: mean share (0..1) of a query's words that stand in its answer.
        train_pairs: query-positive pairs the model was tuned on.
        doubtful_share: share (0..1) of mined negatives that may be answers.
        conflicts: training queries with a text that is called an answer in one place and wrong in another.
        unknown_share: share (0..1) of the texts' tokens that the base model does not know.
        made_queries: how many of the queries the program made itself.
        conflicting: the first of the queries that `conflicts` counts, by id.
        known: by the id of a run, how many of the queries its model knows from its training.
        split: whose queries they are.
    """

    word_overlap: float | None = None
    train_pairs: int | None = None
    doubtful_share: float | None = None
    conflicts: int | None = None
    unknown_share: float | None = None
    made_queries: int = 0
    conflicting: tuple[int, ...] = ()
    known: Mapping[int, int] = field(default_factory=dict)
    split: Split = Split.TEST


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a comparison is no win, or proves nothing; `action` names the remedy.

    Actions: add_queries, hybrid, add_pairs, review_negatives, review_queries, other_base, parts, train_again, or ""
    where there is none.
    """

    code: str
    sentence: str
    action: str


def keep_circumstances(project: Project, split: Split, known: Circumstances) -> None:
    """Store what was measured beside the newest evaluation of a split."""
    kept = asdict(known)
    for derived in ("known", "split"):
        del kept[derived]
    project.set_meta_json(f"circumstances_{split.value}", kept)


def circumstances(project: Project, split: Split = Split.TEST) -> Circumstances:
    """What `keep_circumstances` stored, nothing where it never did, and which queries models know by now."""
    stored = project.meta_json(f"circumstances_{split.value}") or {}
    made = Circumstances(**{**stored, "conflicting": tuple(stored.get("conflicting", ()))})
    return replace(made, known=known_by_run(project, split), split=split)


def verdict_sentence(
    comparison: Comparison, split: Split = Split.TEST, circumstances: Circumstances | None = None
) -> str:
    """One sentence for a beginner with the figures an expert asks for; `split` says whose queries were asked."""
    a, b = system_name(comparison.a), system_name(comparison.b)
    metric, size = metric_name(comparison.metric), _asked(comparison, split, circumstances)
    if comparison.n_queries == 0:
        return f"{_capital(a)} and {b} could not be compared: no query has a judged answer."
    if comparison.verdict is Outcome.WIN:
        return f"{_capital(a)} beats {b} by {signed(comparison.delta)} {metric} {_interval(comparison)}, {size}."
    if comparison.verdict is Outcome.LOSS:
        below = f"{abs(comparison.delta):.3f} {metric}"
        return f"{_capital(a)} falls behind {b} by {below} {_interval(comparison)}, {size}."
    return (
        f"No difference between {a} and {b} can be told: {signed(comparison.delta)} {metric} "
        f"{_interval(comparison)}, {size}."
    )


def made_sentence(known: Circumstances, n_queries: int) -> str:
    """That the program made the queries that were measured on; "" where people asked all of them."""
    if not known.made_queries:
        return ""
    which = "all" if known.made_queries >= n_queries else f"{known.made_queries:,} of the {n_queries:,}"
    return f"Measured on made queries: the program made {which} itself. Only those of people tell how people will fare."


def movement_sentence(comparison: Comparison) -> str:
    """How many queries gained and lost their answer in the first ten, and how many kept their side."""
    rest = comparison.n_queries - comparison.fixed - comparison.broken
    moved = f"Fixed {comparison.fixed:,}, broke {comparison.broken:,}"
    return f"{moved}; the other {rest:,} stayed in or out of the first ten."


def known_queries(comparison: Comparison, circumstances: Circumstances | None) -> tuple[str, int]:
    """The system of the two that knows more of the queries from its training, and how many; ("", 0) for none."""
    by_run = circumstances.known if circumstances else {}
    sides = ((comparison.a, comparison.run_a), (comparison.b, comparison.run_b))
    number, system = max((by_run.get(run_id, 0), name) for name, run_id in sides)
    return (system, number) if number else ("", 0)


def verdict_word(comparison: Comparison, circumstances: Circumstances | None) -> str:
    """WIN, TIE or LOSS; on queries that one of the two knows, that they were not held out."""
    return "NOT HELD OUT" if known_queries(comparison, circumstances)[1] else comparison.verdict.value


def _asked(comparison: Comparison, split: Split, circumstances: Circumstances | None) -> str:
    """How many queries were asked, and whether they were unknown."""
    known = known_queries(comparison, circumstances)[1]
    told = f"on {_queries(comparison.n_queries)}"
    return f"{told}, {known:,} of which it knows from its training" if known else f"{told} {_SEEN[split]}"


def headline(
    comparisons: Sequence[Comparison], system: str = "tuned", circumstances: Circumstances | None = None
) -> str:
    """What `system` achieved against all it was compared with, as one or two sentences; "" where it was not compared.

    Equal outcomes share a sentence: "The tuned model beats BM25 by … and the base model by …, on 300 queries …".
    """
    ours = [comparison for comparison in comparisons if comparison.a == system]
    if len(ours) < 2 or any(c.verdict is not Outcome.WIN for c in ours):
        return " ".join(verdict_sentence(comparison, circumstances=circumstances) for comparison in ours)
    parts = [f"{system_name(c.b)} by {signed(c.delta)} {metric_name(c.metric)} {_interval(c)}" for c in ours]
    joined = ", ".join(parts[:-1]) + " and " + parts[-1]
    return f"{_capital(system_name(system))} beats {joined}, {_asked(ours[0], Split.TEST, circumstances)}."


def verdict_reasons(comparison: Comparison, circumstances: Circumstances | None = None) -> list[Reason]:
    """Likely reasons why the comparison is no WIN, the likeliest first; for a WIN only that it proves nothing."""
    known = circumstances or Circumstances()
    system, number = known_queries(comparison, known)
    first = []
    if number:
        sentence = known_sentence(_capital(system_name(system)), number, comparison.n_queries, known.split)
        first = [Reason("known_queries", sentence, "train_again")]
    if comparison.verdict is Outcome.WIN or comparison.n_queries == 0:
        return first
    reasons = [
        _small_test(comparison),
        _unread(comparison, known.unknown_share),
        _copied_words(comparison, known.word_overlap),
        _bm25_ahead(comparison, known.word_overlap),
        _few_pairs(comparison, known.train_pairs),
        _conflicts(comparison, known.conflicts),
        _doubtful(comparison, known.doubtful_share),
        _corrected(comparison),
    ]
    if comparison.verdict is Outcome.LOSS:
        reasons = reasons[1:]
    return first + ([reason for reason in reasons if reason] or [_somewhere(comparison)])


def smallest_difference(comparison: Comparison) -> float:
    """The smallest true difference these queries would show four times in five, from the interval's width.

    Infinite where they show no spread to tell it from: too few of them, or no query differs.
    """
    if comparison.n_queries < _FEWEST or comparison.high <= comparison.low:
        return math.inf
    return _REACH * _standard_error(comparison)


def reach_sentence(comparison: Comparison) -> str:
    """What the queries of a comparison could show at all."""
    smallest = smallest_difference(comparison)
    asked = _capital(_queries(comparison.n_queries)) if comparison.n_queries != 1 else "One query"
    if comparison.n_queries < _FEWEST:
        return f"{asked} can show no difference: even if all moved, chance would give as much. Add some hundreds."
    if math.isinf(smallest):
        return "The two score the same on every query, so it cannot be told which differences these would show."
    return f"These {comparison.n_queries:,} queries can show a difference from about {smallest:.3f} on."


def queries_needed(comparison: Comparison) -> int:
    """About how many queries would show the observed difference four times in five; 0 where it cannot be told."""
    if comparison.delta == 0.0 or math.isinf(smallest_difference(comparison)):
        return 0
    return math.ceil(comparison.n_queries * (smallest_difference(comparison) / abs(comparison.delta)) ** 2)


def system_name(system: str) -> str:
    """A system in words: "BM25", "the tuned model", "model 7"."""
    names = {"bm25": "BM25", "base": "the base model", "tuned": "the tuned model", "hybrid": "hybrid search"}
    kind = system.removesuffix("+reranker")
    if kind != system:
        return f"{system_name(kind)} with the reranker"
    return names.get(system, f"model {system}" if system.isdecimal() else system)


def run_name(run: Run, models: Mapping[int, str]) -> str:
    """A run in tables and charts: BM25, Base, a model's name, "NAME + BM25", "… + reranker", or its own name.

    `models`: names by id.
    """
    kind = run.system.removesuffix("+reranker")
    if kind in ("bm25", "base"):
        name = {"bm25": "BM25", "base": "Base"}[kind]
    else:
        name = models.get(run.model_id or 0, kind)
        name = f"{name} + BM25" if kind == "hybrid" else name
    return name if kind == run.system else f"{name} + reranker"


def metric_name(metric: str) -> str:
    """A measure as the field writes it: "nDCG@10"."""
    name, _, k = metric.partition("@")
    written = {"ndcg": "nDCG", "mrr": "MRR", "map": "MAP", "hit_rate": "hit rate"}.get(name, name.replace("_", " "))
    return f"{written}@{k}" if k else written


def signed(value: float) -> str:
    """A difference to three digits with a true minus, and no sign on what rounds to zero."""
    text = f"{abs(value):.3f}"
    if float(text) == 0.0:
        return text
    return f"+{text}" if value > 0 else f"−{text}"


def _small_test(comparison: Comparison) -> Reason | None:
    needed, n = queries_needed(comparison), comparison.n_queries
    if n < _FEWEST:
        return Reason("small_test", f"The test set is too small. {reach_sentence(comparison)}", "add_queries")
    if comparison.delta == 0.0:
        alike = comparison.low == comparison.high == 0.0
        return Reason("equal", f"Both systems score the same {'on every query' if alike else 'on average'}.", "")
    shown = f"{n:,} queries show differences from about {smallest_difference(comparison):.3f} on"
    if needed <= n:
        return None
    if needed > _OUT_OF_REACH * n:
        return Reason(
            "equal",
            f"The two are practically equal: {shown}, and they differ by {abs(comparison.delta):.3f}.",
            "parts",
        )
    return Reason(
        "small_test",
        f"The test set is too small: {shown}; about {needed - n:,} more would settle {abs(comparison.delta):.3f}.",
        "add_queries",
    )


def _somewhere(comparison: Comparison) -> Reason:
    """Where nothing else is known: the queries themselves tell."""
    better = system_name(comparison.b if comparison.delta < 0 else comparison.a)
    sentence = f"Nothing known of the data explains it. In parts, the queries show where {better} is ahead."
    return Reason("somewhere", sentence, "parts")


def _copied_words(comparison: Comparison, overlap: float | None) -> Reason | None:
    if comparison.b != "bm25" or comparison.a == "hybrid" or overlap is None or overlap < _MUCH_OVERLAP:
        return None
    return Reason(
        "copied_words",
        f"BM25 is strong here: {_percent(overlap)} of the queries' words stand in their answers. Try hybrid search.",
        "hybrid",
    )


def _bm25_ahead(comparison: Comparison, overlap: float | None) -> Reason | None:
    """Where BM25 wins although queries do not copy their answers' words."""
    behind = comparison.verdict is Outcome.LOSS and comparison.b == "bm25" and comparison.a != "hybrid"
    if not behind or (overlap is not None and overlap >= _MUCH_OVERLAP):
        return None
    return Reason(
        "bm25_ahead",
        "BM25 finds answers here that the model alone misses. Joined, each fills the other's gaps. Try hybrid search.",
        "hybrid",
    )


def _few_pairs(comparison: Comparison, pairs: int | None) -> Reason | None:
    if comparison.a != "tuned" or pairs is None or pairs >= _FEW_PAIRS:
        return None
    return Reason(
        "few_pairs",
        f"The model was tuned on {pairs:,} pairs only; with {_FEW_PAIRS:,} or more the gain is usually clear.",
        "add_pairs",
    )


def _doubtful(comparison: Comparison, share: float | None) -> Reason | None:
    if comparison.a != "tuned" or share is None or share < _MANY_DOUBTFUL:
        return None
    return Reason(
        "doubtful_negatives",
        f"{_percent(share)} of the mined negatives may be answers, which teaches the model wrongly. Look at them.",
        "review_negatives",
    )


def _unread(comparison: Comparison, unknown: float | None) -> Reason | None:
    reads = comparison.a.removesuffix("+reranker") in ("base", "tuned", "hybrid")
    if not reads or unknown is None or unknown < _MANY_UNKNOWN:
        return None
    return Reason(
        "unread",
        f"The base model does not know {_percent(unknown)} of the tokens of these texts. Start from one that does.",
        "other_base",
    )


def _conflicts(comparison: Comparison, conflicts: int | None) -> Reason | None:
    if comparison.a != "tuned" or not conflicts:
        return None
    return Reason(
        "conflicting_labels",
        f"{_capital(_queries(conflicts))} call the same text an answer in one place and wrong in another.",
        "review_queries",
    )


def _corrected(comparison: Comparison) -> Reason | None:
    beside_zero = comparison.low > 0 or comparison.high < 0
    if comparison.verdict is not Outcome.TIE or not beside_zero or comparison.n_queries < _FEWEST:
        return None
    if comparison.family < 2:
        return Reason(
            "few_moved",
            f"Too few queries moved: the interval lies beside zero, but chance alone gives such a difference "
            f"{_percent(comparison.p)} of the time (randomisation test).",
            "add_queries",
        )
    return Reason(
        "many_systems",
        f"{comparison.family} systems were compared with {system_name(comparison.b)}, so one may look better by "
        f"chance: p is {comparison.p:.3f} alone and {comparison.p_adjusted:.3f} after Holm's correction.",
        "add_queries",
    )


def _standard_error(comparison: Comparison) -> float:
    return (comparison.high - comparison.low) / (2 * _HALF_INTERVAL)


def _interval(comparison: Comparison) -> str:
    return f"(95 % interval {signed(comparison.low)} to {signed(comparison.high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _queries(n: int) -> str:
    return "1 query" if n == 1 else f"{n:,} queries"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
