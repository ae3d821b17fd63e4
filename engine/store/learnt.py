"""Which of the queries that are measured with a model knows already, because the queries were split anew since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.records import Model, Split, text_hash
from engine.store import models, queries, runs
from engine.store.kept import Kept
from engine.store.project import Project

_META = "known_queries"


def count_known(project: Project) -> None:
    """Count, for each model trained here, the queries of dev and test that it knows; what pages read is kept.

    It knows those it was trained on, itself or a model that it came from, and of test also those that chose its step.
    Models that were counted for the same queries are not counted again.
    """
    asked = {split: {query.text for query in queries.representatives(project, split)} for split in _KNOWN_BY}
    digest = text_hash("\n".join(f"{split.value} {text}" for split in asked for text in sorted(asked[split])))
    before = project.meta_json(_META) or {}
    counted = set(before.get("counted", ())) if before.get("asked") == digest else set()
    counts = {split.value: dict(before.get(split.value, {})) if counted else {} for split in asked}
    for model in models.models(project, rerankers=True):
        if model.id in counted:
            continue
        line = _line_of(project, model)
        for split, names in _KNOWN_BY.items():
            known = frozenset().union(*(_texts(project, one, name) for one in line for name in names))
            if number := len(known & asked[split]):
                counts[split.value][str(model.id)] = number
        counted.add(model.id)
    project.set_meta_json(_META, {**counts, "asked": digest, "counted": sorted(counted)})


def known_by_model(project: Project, split: Split) -> dict[int, int]:
    """How many queries of a split each model knows, by its id; models that know none are left out."""
    counts = (project.meta_json(_META) or {}).get(split.value, {})
    return {int(model_id): int(number) for model_id, number in counts.items()}


def known_by_run(project: Project, split: Split) -> dict[int, int]:
    """The same for the runs that pages show, by a run's id; a reranker that sorted its hits counts, too.

    Runs on queries that were split anew since are left out: what they were measured on may have been unknown.
    """
    counts = known_by_model(project, split)
    if not counts:
        return {}
    reranker = models.newest_reranker(project)
    found = {}
    for run in runs.newest_runs(project, split):
        used = [run.model_id or 0, *([reranker.id] if reranker and run.system.endswith("+reranker") else [])]
        number = max(counts.get(model_id, 0) for model_id in used)
        if number and not runs.on_other_queries(project, [run]):
            found[run.id] = number
    return found


def known_words(project: Project, named: Iterable[Model], split: Split = Split.TEST) -> list[str]:
    """A sentence for each of these models that knows queries of a split."""
    counts, total = known_by_model(project, split), len(queries.representatives(project, split))
    return [known_sentence(model.name, counts[model.id], total, split) for model in named if model.id in counts]


def known_sentence(name: str, known: int, total: int, split: Split = Split.TEST) -> str:
    """What it means that a system knows queries that it is measured with."""
    which = "all" if known >= total else f"{known:,} of the"
    return (
        f"{name} knows {which} {total:,} {split.value} queries from its training, before they "
        f"were split anew: its figures prove nothing. Train again, then measure."
    )


_KNOWN_BY: Mapping[Split, tuple[str, ...]] = {Split.TEST: ("train", "dev"), Split.DEV: ("train",)}


def _line_of(project: Project, model: Model) -> list[Model]:
    """The model and all that its weights came from."""
    line, waiting = [], [model.id]
    while waiting:
        found = models.model(project, waiting.pop())
        if found is None or found in line:
            continue
        line.append(found)
        waiting += [int(other) for other in (found.parent_id, found.params.get("merged_from")) if other]
    return line


def _texts(project: Project, model: Model, name: str) -> frozenset[str]:
    """The queries that a run kept under a name; none where it kept none, or learnt from texts alone."""
    values = Kept.of_run(project.path, model.id, None).value(name)
    listed = values.get("examples" if name == "train" else "queries", ()) if isinstance(values, dict) else ()
    return frozenset(str(one[1]) for one in listed)
