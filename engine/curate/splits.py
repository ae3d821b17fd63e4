"""Split queries into train, dev and test so that nothing in one is known from another."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from engine.curate.sameness import normal_text
from engine.errors import UserError
from engine.params import SplitParams
from engine.records import Query, Split
from engine.store import documents, learnt, models, outside, queries, ties
from engine.store.edges import read_edges
from engine.store.made import is_made
from engine.store.project import Project
from engine.task import Task

# Rules that may be given up where a component is too large to be split well, the weaker one first.
SAME_DOCUMENT = "same document"
SHARED_ANSWER = "shared answer"
_GIVEN_UP = (SAME_DOCUMENT, SHARED_ANSWER)
# Splits are good when dev and test come within this share of what was asked for, no group filling more than half.
_GOOD = 0.8


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """Queries by split. `leaks` counts ties across splits that the rules kept forbid.

    Attributes:
        dropped_rules: rules given up because they tied too many queries together.
        ties_across: pairs of splits that share something under a rule given up, as counts of passages or documents.
        official: whether the set's own splits were kept.
        unused: queries without a right passage, and made ones tied to a dev or test query; they get no split.
        made_test: test queries that the program made.
    """

    train: int
    dev: int
    test: int
    leaks: int
    dropped_rules: tuple[str, ...] = ()
    ties_across: dict[str, int] = field(default_factory=dict)
    official: bool = False
    unused: int = 0
    sentence: str = ""
    made_test: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What splitting needs to know of a query: every text that says the same, its answers, their documents.

    `pairs` names it and another query, where both are near-duplicates although they were not merged; `groups` are those
    a table put it in, to be kept together.
    """

    id: int
    texts: tuple[str, ...]
    answers: frozenset[int]
    documents: frozenset[int] = frozenset()
    official: Split | None = None
    pairs: frozenset[tuple[int, int]] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Leaks:
    """What stands in more than one split: texts, near-duplicates, answers and source documents."""

    texts: int = 0
    duplicates: int = 0
    answers: int = 0
    documents: int = 0


def split(project: Project, params: SplitParams, task: Task) -> SplitSummary:
    """Give every query with a right passage a split; duplicates follow the query that stands for them and get none.

    Raises:
        UserError: no query has a right passage, or the shares leave nothing to train on.
    """
    if min(params.dev_share, params.test_share) < 0 or params.dev_share + params.test_share >= 1:
        raise UserError("The shares of dev and test leave nothing to train on.", hint="Choose shares below 1 in sum.")
    everyone = queries.all_queries(project)
    near = _near_duplicates(project, everyone)
    asked = _asked(project, everyone, near)
    if not asked:
        raise UserError(
            "No query has a right passage yet, so there is nothing to split.",
            hint="Import a labelled set, make the sample, or mark right passages of your queries.",
        )
    task.progress("split", 0, len(asked))
    made = frozenset(query.id for query in everyone if is_made(query.source))
    places, dropped = _assign_beside_made(asked, made if params.made == "train" else frozenset(), params)
    task.progress("split", len(asked), len(asked))
    chosen: dict[int, Split | None] = {query.id: None for query in everyone}
    chosen.update(places)
    leaks = leaks_of(asked, places, near)
    unused = sum(query.duplicate_of is None for query in everyone) - len(places)
    made_test = sum(place is Split.TEST for query, place in places.items() if query in made)
    summary = _summary(
        places, dropped, leaks, official=_kept_official(asked, params), unused=unused, made_test=made_test
    )
    queries.set_splits(project, chosen)
    project.set_meta_json("split_report", {**asdict(summary), "state": ties.leak_state(project)})
    learnt.count_known(project)
    newest = models.newest_tuned(project)
    for sentence in learnt.known_words(project, [newest] if newest else []):
        task.warn(sentence)
    if not summary.train:
        task.warn(
            "No query is left to train on: the set's own splits hold none. To train, split again without "
            "keeping them (split --ignore-official)."
        )
    return summary


def _assign_beside_made(
    asked: Sequence[Asked], made: frozenset[int], params: SplitParams
) -> tuple[dict[int, Split], tuple[str, ...]]:
    """Split the queries of people; made ones are trained on, or left out where they are tied to dev or test.

    Where all were made they are split like others: something has to be measured with.
    """
    others = [query for query in asked if query.id not in made]
    if not others or len(others) == len(asked):
        return assign(asked, params)
    places, dropped = assign(others, params)
    for group in components(asked, _GIVEN_UP if _kept_official(others, params) else dropped):
        held = any(places.get(query.id, Split.TRAIN) is not Split.TRAIN for query in group)
        if not held:
            places.update((query.id, Split.TRAIN) for query in group if query.id in made)
    return places, dropped


def assign(asked: Sequence[Asked], params: SplitParams) -> tuple[dict[int, Split], tuple[str, ...]]:
    """The split of each query, and the rules given up to get there. The same for any order of `asked`.

    Official splits stay where `params.keep_official` and the set has any; what says the same as a test query is then
    never trained on, and only the splits that the set lacks are drawn.
    """
    asked = sorted(asked, key=lambda query: (min(query.texts), query.id))
    places: dict[int, Split] = {}
    if _kept_official(asked, params):
        places = _official(asked)
    # What the set lacks is taken from its training queries, never from its test.
    sizes = {split: size for split, size in _sizes(params, len(asked)).items() if split not in places.values()}
    free = [query for query in asked if places.get(query.id, Split.TRAIN) is Split.TRAIN]
    for count in range(len(_GIVEN_UP) + 1):
        drawn = _draw(components(free, _GIVEN_UP[:count]), sizes, params.seed)
        if all(_count(drawn, split) >= _GOOD * size for split, size in sizes.items()):
            break
    return {**places, **drawn}, _GIVEN_UP[:count]


def components(asked: Sequence[Asked], dropped: Iterable[str] = ()) -> list[list[Asked]]:
    """Queries tied together by equal texts, shared answers or (unless `dropped`) their documents, in order."""
    parent = list(range(len(asked)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first: dict[tuple[str, object], int] = {}
    for place, query in enumerate(asked):
        for tie in _ties(query, frozenset(dropped)):
            parent[root(place)] = root(first.setdefault(tie, place))
    groups: dict[int, list[Asked]] = {}
    for place, query in enumerate(asked):
        groups.setdefault(root(place), []).append(query)
    return list(groups.values())


def leaks_of(asked: Sequence[Asked], places: Mapping[int, Split], near: Iterable[tuple[int, int]] = ()) -> Leaks:
    """Count what stands in more than one split, by looking at every text, pair, answer and document itself.

    Independent of how the splits were made: it neither unites nor draws.

    Args:
        near: pairs of query ids that are near-duplicates.
    """
    seen: dict[tuple[str, object], set[Split]] = {}
    for query in asked:
        if query.id not in places:
            continue
        things = [("text", normal_text(text)) for text in query.texts]
        things += [("answer", str(passage)) for passage in query.answers]
        things += [("document", str(document)) for document in query.documents]
        for thing in things:
            seen.setdefault(thing, set()).add(places[query.id])
    counts = {"text": 0, "answer": 0, "document": 0}
    for (kind, _), splits in seen.items():
        counts[kind] += len(splits) > 1
    pairs = sum(a in places and b in places and places[a] is not places[b] for a, b in near)
    return Leaks(counts["text"], pairs, counts["answer"], counts["document"])


def forbidden(leaks: Leaks, allowed: Iterable[str] = ()) -> int:
    """How many of these leaks no rule that was given up allows."""
    return leaks.texts + leaks.duplicates + sum(n for rule, n in _by_rule(leaks).items() if rule not in set(allowed))


def _by_rule(leaks: Leaks) -> dict[str, int]:
    return {SAME_DOCUMENT: leaks.documents, SHARED_ANSWER: leaks.answers}


def leaks_now(project: Project) -> int:
    """Leaks between the splits as they stand now, by the rules that the last split kept."""
    report = project.meta_json("split_report") or {}
    return forbidden(leaks_in(project), _GIVEN_UP if report.get("official") else report.get("dropped_rules", ()))


def leaks_in(project: Project) -> Leaks:
    """What leaks between the splits of a project as they stand now, whoever gave them."""
    everyone = queries.all_queries(project)
    near = _near_duplicates(project, everyone)
    places = {query.id: query.split for query in everyone if query.split and not query.duplicate_of}
    return leaks_of(_asked(project, everyone, near), places, near)


def _near_duplicates(project: Project, everyone: Sequence[Query]) -> list[tuple[int, int]]:
    """Pairs that the last search for duplicates found alike, as ids of the queries that stand for them."""
    edges = read_edges(project)
    settings = project.meta_json("dedup")
    if edges is None or not settings:
        return []
    merging = edges.merging(float(settings["threshold"]))
    standing = {query.id: query.duplicate_of or query.id for query in everyone}
    query_of = {
        text: standing[query]
        for text, query in zip(edges.text.tolist(), edges.query_id.tolist(), strict=True)
        if query in standing
    }
    pairs = zip(edges.a[merging].tolist(), edges.b[merging].tolist(), strict=True)
    found = {(query_of[a], query_of[b]) for a, b in pairs if a in query_of and b in query_of}
    return sorted((a, b) for a, b in found if a != b)


def _asked(project: Project, everyone: Sequence[Query], near: Sequence[tuple[int, int]]) -> list[Asked]:
    """Queries that stand for themselves and have an answer, with all that their duplicates add."""
    answers = queries.positives(project)
    groups: dict[int, list[Query]] = {}
    for query in everyone:
        groups.setdefault(query.duplicate_of or query.id, []).append(query)
    found = documents.passages(project, {passage for grades in answers.values() for passage in grades})
    sources = _file_documents(project, {passage.document_id for passage in found.values()})
    pairs: dict[int, set[tuple[int, int]]] = {}
    for pair in near:
        for query_id in pair:
            pairs.setdefault(query_id, set()).add(pair)
    asked = []
    groups_of = outside.groups(project)
    for query_id, grades in answers.items():
        members = sorted(groups[query_id], key=lambda query: query.id != query_id)
        official = [member.official_split for member in members if member.official_split]
        places = {found[passage].document_id for passage in grades if passage in found}
        asked.append(
            Asked(
                query_id,
                tuple(member.text for member in members),
                frozenset(grades),
                frozenset(places & sources),
                max(official, key=_guarded) if official else None,
                frozenset(pairs.get(query_id, ())),
                frozenset(groups_of.get(query_id, ())),
            )
        )
    return asked


def _file_documents(project: Project, document_ids: Iterable[int]) -> set[int]:
    """Those that were read from files: each row of a labelled set is a document of its own and ties nothing."""
    rows = (documents.document(project, document_id) for document_id in document_ids)
    return {row.id for row in rows if row is not None and not row.labelled}


def _ties(query: Asked, dropped: frozenset[str]) -> Iterable[tuple[str, object]]:
    yield from (("text", normal_text(text)) for text in query.texts)
    yield from (("pair", pair) for pair in query.pairs)
    yield from (("group", name) for name in query.groups)
    if SHARED_ANSWER not in dropped:
        yield from (("answer", passage_id) for passage_id in query.answers)
    if SAME_DOCUMENT not in dropped:
        yield from (("document", document_id) for document_id in query.documents)


def _guarded(place: Split) -> int:
    return (Split.TRAIN, Split.DEV, Split.TEST).index(place)


def _kept_official(asked: Sequence[Asked], params: SplitParams) -> bool:
    return params.keep_official and any(query.official for query in asked)


def _official(asked: Sequence[Asked]) -> dict[int, Split]:
    """Official splits as they are; queries tied by text move together to the most guarded of theirs.

    Answers shared across official splits are the set's own design (they are counted, not mended).
    """
    places: dict[int, Split] = {}
    for group in components(asked, _GIVEN_UP):
        official = [query.official for query in group if query.official]
        if official:
            places.update(dict.fromkeys((query.id for query in group), max(official, key=_guarded)))
    return places


def _sizes(params: SplitParams, n: int) -> dict[Split, int]:
    return {
        Split.TEST: min(params.max_test, round(n * params.test_share)),
        Split.DEV: min(params.max_dev, round(n * params.dev_share)),
    }


def _draw(groups: Sequence[list[Asked]], sizes: Mapping[Split, int], seed: int) -> dict[int, Split]:
    """Whole groups to test, then dev, in seeded order, as far as they fit; others, and very large ones, to train."""
    order = list(groups)
    random.Random(seed).shuffle(order)
    left = dict(sizes)
    places: dict[int, Split] = {}
    for group in order:
        fits = (split for split in left if len(group) <= min(left[split], max(1, sizes[split] // 2)))
        place = next(fits, Split.TRAIN)
        if place in left:
            left[place] -= len(group)
        places.update({query.id: place for query in group})
    return places


def _count(places: Mapping[int, Split], split: Split) -> int:
    return sum(place is split for place in places.values())


def _summary(
    places: Mapping[int, Split],
    dropped: tuple[str, ...],
    leaks: Leaks,
    *,
    official: bool,
    unused: int,
    made_test: int,
) -> SplitSummary:
    allowed = _GIVEN_UP if official else dropped
    total = forbidden(leaks, allowed)
    across = {rule: count for rule, count in _by_rule(leaks).items() if rule in allowed and count}
    return SplitSummary(
        _count(places, Split.TRAIN),
        _count(places, Split.DEV),
        _count(places, Split.TEST),
        total,
        dropped,
        across,
        official,
        unused,
        _in_words(leaks, dropped, across, official=official, made_test=made_test),
        made_test,
    )


def _in_words(
    leaks: Leaks, dropped: tuple[str, ...], across: Mapping[str, int], *, official: bool, made_test: int
) -> str:
    counts = {SHARED_ANSWER: f"{leaks.answers} shared answers", SAME_DOCUMENT: f"{leaks.documents} shared documents"}
    kept = [words for rule, words in counts.items() if rule not in across]
    parts = [f"Leaks: {', '.join([f'{leaks.texts} texts', f'{leaks.duplicates} near-duplicates', *kept])}."]
    if official:
        parts.append("The set's own splits were kept.")
    if dropped:
        which = "that rule was" if len(dropped) == 1 else "these rules were"
        parts.append(f"Too many queries hang together to split them by {' and '.join(dropped)}; {which} given up.")
    for rule, count in across.items():
        things = "right passages" if rule == SHARED_ANSWER else "documents"
        parts.append(f"{count} {things} are known in more than one split.")
    if made_test:
        parts.append(f"{made_test:,} test queries were made by the program: the verdict is measured on made queries.")
    return " ".join(parts)
