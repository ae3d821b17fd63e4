"""Makes queries from passages: from headings, questions, first sentences, key phrases, or by a language model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.curate.asking import Endpoint, ask_for_queries
from engine.curate.phrases import Phrases
from engine.errors import UserError
from engine.params import MakeParams
from engine.records import Passage, Qrel
from engine.store import documents, made, queries
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.task import Task

_BATCH = 500
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_SENTENCE = re.compile(r"[^.!?…。！？\n]+(?:[.!?…]+(?=[\s\"'”’)\]]|$)|[。！？]+|(?=\n)|$)")
_NUMBERED = re.compile(
    r"^\s*(?:\d+(?:\.\d+)+[.):]?\s+|(?:\d+|[IVXLC]+|[ivxlc]+|[A-Za-z])[.):]\s+|第[一二三四五六七八九十百\d]+[章节節条條]\s*)"
)
# Headings that say where one is, not what it is about.
_EMPTY_HEADINGS = frozenset(
    [
        *("contents", "introduction", "overview", "summary", "notes", "note", "example", "examples", "references"),
        *("appendix", "index", "see also", "parameters", "returns", "conclusion", "abstract", "background", "preface"),
        *("table of contents", "目录", "概述", "简介", "前言", "附录", "参考文献", "摘要", "结论", "目次", "はじめに"),
    ]
)


@dataclass(frozen=True, slots=True)
class MakeSummary:
    """What was made: queries that are new, by source; passages that gave none; texts that stood there already.

    `tokens` and `seconds_asking` are the endpoint's; `cost` in the currency of the price given, 0 without one.
    """

    queries: int
    by_source: dict[str, int] = field(default_factory=dict)
    without: int = 0
    known: int = 0
    failed: int = 0
    tokens: int = 0
    seconds_asking: float = 0.0
    cost: float = 0.0


Maker = Callable[[Passage], list[str]]


def make_queries(project: Project, params: MakeParams, task: Task) -> MakeSummary:
    """Make queries, each with its passage as the answer and its way of making as its source.

    A text that is a query already is left alone. What was made stays when the job is ended; asked again, passages that
    an endpoint gave queries for are not asked about twice.

    Raises:
        UserError: no passages, counts that cannot be, or an endpoint that is not named or does not answer.
        Cancelled: what was made before stays.
    """
    if not documents.count_passages(project):
        raise UserError(
            "There are no passages to make queries from.", hint="Import documents first: searchsmith import"
        )
    if params.per_passage < 1 or params.limit < 0:
        raise UserError(
            f"{params.per_passage} queries of each of {params.limit} passages cannot be made.",
            hint="At least 1 of each; a limit of 0 stands for all passages.",
        )
    if "endpoint" in params.sources and not params.url:
        raise UserError(
            "No endpoint was named.", hint="Give its address, e.g. --endpoint http://localhost:11434/v1 --model llama3"
        )
    counts: Counter[str] = Counter()
    for source in params.sources:
        if source == "endpoint":
            counts.update(_ask(project, params, task))
        else:
            counts.update(_by_rule(project, source, params, task))
    by_source = {name.partition(":")[2]: n for name, n in counts.items() if name.startswith("new:")}
    return MakeSummary(
        sum(by_source.values()),
        by_source,
        counts["without"],
        counts["known"],
        counts["failed"],
        counts["tokens"],
        counts["milliseconds"] / 1000,
        counts["tokens"] * params.price_per_million / 1e6,
    )


def _by_rule(project: Project, source: str, params: MakeParams, task: Task) -> Counter[str]:
    passages = _chosen(project, params)
    maker = _maker(source, project, passages, params, task)
    counts: Counter[str] = Counter()
    waiting: list[tuple[str, int]] = []
    for number, passage in enumerate(passages):
        if number % 50 == 0:
            task.progress(f"make queries from {source}", number, len(passages))
        found = [text for text in maker(passage) if is_askable(text)][: params.per_passage]
        counts["without"] += not found
        waiting += [(text, passage.id) for text in found]
        if len(waiting) >= _BATCH:
            counts.update(_store(project, waiting, source))
            waiting = []
    counts.update(_store(project, waiting, source))
    task.progress(f"make queries from {source}", len(passages), len(passages))
    return counts


def _chosen(project: Project, params: MakeParams) -> list[Passage]:
    """Passages with words in them; with a limit a seeded sample, in order of id."""
    found = [passage for passage in documents.all_passages(project) if passage.text.strip()]
    if params.limit and len(found) > params.limit:
        picks = np.sort(np.random.default_rng(params.seed).permutation(len(found))[: params.limit])
        found = [found[int(pick)] for pick in picks]
    return found


def _maker(source: str, project: Project, passages: Sequence[Passage], params: MakeParams, task: Task) -> Maker:
    if source == "headings":
        return _from_heading(Counter(_last_heading(passage) for passage in passages))
    if source == "questions":
        return lambda passage: list(questions_in(passage.text))
    if source == "cloze":
        return lambda passage: first_sentence(passage.text)
    phrases = Phrases.of(documents.corpus(project).texts, task)
    return lambda passage: phrases.best(passage.text, params.per_passage)


def _from_heading(counts: Counter[str]) -> Maker:
    """A passage's own heading; one that stands over many passages is told apart by the heading above it."""

    def make(passage: Passage) -> list[str]:
        last = _last_heading(passage)
        if not last or last.casefold() in _EMPTY_HEADINGS:
            return []
        above = [_NUMBERED.sub("", part).strip() for part in passage.heading.split(" > ")[:-1]]
        if counts[last] > 1 and above and above[-1].casefold() not in last.casefold():
            return [f"{last} {above[-1]}" if _HAN.search(last) else f"{last} of {above[-1]}"]
        return [last]

    return make


def _last_heading(passage: Passage) -> str:
    return _NUMBERED.sub("", passage.heading.split(" > ")[-1]).strip(" .:：")


def questions_in(text: str) -> Iterator[str]:
    """Sentences that end with a question mark, in any script."""
    for found in _SENTENCE.finditer(text):
        sentence = " ".join(found.group().split()).lstrip("-–•*#>\"'“” ")
        if sentence.endswith(("?", "？")):
            yield sentence


def first_sentence(text: str) -> list[str]:
    """The first sentence that says enough to be looked for (inverse cloze, arXiv:1906.00300)."""
    for found in _SENTENCE.finditer(text):
        sentence = " ".join(found.group().split())
        if is_askable(sentence) and _size(sentence) >= 5:
            return [sentence.rstrip(".。")]
    return []


def is_askable(text: str) -> bool:
    """Whether a person might type it: two to forty words, with letters."""
    return 2 <= _size(text) <= 40 and sum(letter.isalpha() for letter in text) >= 3


def _size(text: str) -> float:
    """Words; Chinese, Japanese and Korean characters count half."""
    return len(_HAN.sub(" ", text).split()) + len(_HAN.findall(text)) / 2


def _store(project: Project, found: Sequence[tuple[str, int]], source: str) -> Counter[str]:
    """Queries with their passages as answers; a text that was there before is not touched."""
    rows = [NewQuery(text, source=made.source_of(source)) for text, _ in found]
    stored = queries.put_queries(project, rows, import_id=None)
    new = [(query_id, passage_id) for (query_id, is_new), (_, passage_id) in zip(stored, found, strict=True) if is_new]
    queries.put_qrels(project, [Qrel(query_id, passage_id, 1, made.source_of(source)) for query_id, passage_id in new])
    return Counter({f"new:{source}": len(new), "known": len(found) - len(new)})


def _ask(project: Project, params: MakeParams, task: Task) -> Counter[str]:
    """Let a language model write queries, passage by passage; each answer is stored at once."""
    done = made.passages_with(project, "endpoint")
    passages = [passage for passage in _chosen(project, params) if passage.id not in done]
    endpoint = Endpoint(params.url, params.model, params.key_variable, params.seconds, params.temperature)
    counts: Counter[str] = Counter()
    for number, passage in enumerate(passages):
        task.progress("ask the endpoint", number, len(passages), _spent(counts["tokens"], params.price_per_million))
        answer = ask_for_queries(endpoint, params.prompt, passage, params.per_passage, task)
        counts.update({"tokens": answer.tokens, "milliseconds": round(answer.seconds * 1000)})
        found = [text for text in answer.queries if is_askable(text)][: params.per_passage]
        counts["failed"] += not answer.queries
        counts.update(_store(project, [(text, passage.id) for text in found], "endpoint"))
    used = _spent(counts["tokens"], params.price_per_million)
    task.progress("ask the endpoint", len(passages), len(passages), used)
    return counts


def _spent(tokens: int, price_per_million: float) -> str:
    """Tokens so far, and what they cost where their price is known."""
    if not tokens:
        return ""
    cost = f", cost {tokens * price_per_million / 1e6:,.4f}" if price_per_million else ""
    return f"{tokens:,} tokens{cost}"
