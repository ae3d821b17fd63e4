"""Small changes by hand: one judgement, one name; done at once by the resident process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.params import CutParams, ImportParams, SelectParams, TrainParams, params_from_dict, params_to_dict
from engine.records import Qrel, Review, Split
from engine.store import documents, grouping, imports, jobs, judging, models, notes, pins, places, queries, runs
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.store.reading import keep_base
from engine.store.recovering import recover
from engine.store.sqlite import disk_in_words

Values = dict[str, Any]  # Any: JSON values from the pipe
Edit = Callable[[Project, Values], tuple[list[str], Values]]


def apply_edit(project: Project, kind: str, values: Values) -> tuple[list[str], Values]:
    """Do one edit; returns the changed topics and what the edit says of itself.

    Raises:
        UserError: an unknown edit, or a value that is missing or names nothing.
    """
    edit = EDITS.get(kind)
    if edit is None:
        raise UserError(f"There is no edit '{kind}'.")
    try:
        with disk_in_words():
            return edit(project, values)
    except KeyError as error:
        raise UserError(f"The edit '{kind}' needs a value '{error.args[0]}'.") from error


def _review(project: Project, values: Values) -> tuple[list[str], Values]:
    """A person's word on a candidate; says what it was before, and the judgement it replaced, for taking it back."""
    verdict, ids = Review(values["verdict"]), (int(values["query_id"]), int(values["passage_id"]))
    before = queries.review_of(project, *ids)
    removed = queries.put_review(project, *ids, verdict)
    changed = ["negatives", *(["queries"] if Review.RELEVANT in (verdict, before) else [])]
    said = {"removed": [[*astuple(row), import_id] for row, import_id in removed]}
    return changed, {"before": before.value if before else "", **said}


def _unreview(project: Project, values: Values) -> tuple[list[str], Values]:
    """Take a word back, to what was `before` it and the judgements it `removed` if they are given."""
    ids = int(values["query_id"]), int(values["passage_id"])
    queries.remove_review(project, *ids)
    for *row, import_id in values.get("removed", ()):
        queries.put_qrels(project, [Qrel(*row)], import_id=import_id)
    if values.get("before"):
        queries.put_review(project, *ids, Review(values["before"]))
    return ["negatives", "queries"], {}


def _review_all(project: Project, values: Values) -> tuple[list[str], Values]:
    """One word on all candidates of a state that have none yet; `stamp` names them for taking it back."""
    from engine.mine.judging import review_all

    params = params_from_dict(SelectParams, values["select"])
    verdict = Review(values["verdict"])
    count = review_all(
        project,
        int(values["mining_id"]),
        params,
        state=str(values["state"]),
        verdict=verdict,
        stamp=str(values["stamp"]),
    )
    return ["negatives"], {"count": count}


def _unreview_all(project: Project, values: Values) -> tuple[list[str], Values]:
    return ["negatives"], {"count": queries.remove_reviews_of(project, str(values["stamp"]))}


def _likeness(project: Project, values: Values) -> tuple[list[str], Values]:
    """Which sentences of a passage carry its similarity to a query: [start, end, fall of the cosine without it].

    `read`: characters of the text that the model reads.
    """
    from engine.mine.likeness import likeness

    ids = {name: int(values[name]) for name in ("query_id", "passage_id", "model_id")}
    found = likeness(project, **ids)
    weights = [[s.start, s.end, s.fall] for s in found.sentences]
    return [], {"passage_id": ids["passage_id"], "sentences": weights, "read": found.read}


def _lint(project: Project, values: Values) -> tuple[list[str], Values]:
    """What a training with these params (as of its job) would suffer from; nothing is changed."""
    from engine.mine.linting import lint

    found = lint(project, params_from_dict(TrainParams, values["params"]))
    return [], {"findings": [asdict(finding) for finding in found.findings]}


def _reselect(project: Project, values: Values) -> tuple[list[str], Values]:
    from engine.mine.mining import reselect

    params = params_from_dict(SelectParams, values["select"])
    counts = reselect(project, int(values["mining_id"]), params)
    return ["negatives"], {"counts": counts, "select": params_to_dict(params)}


def _merge(project: Project, values: Values) -> tuple[list[str], Values]:
    query_id, into = int(values["query_id"]), int(values["into"])
    standing = queries.query(project, into)
    if standing is None or query_id == into:
        raise UserError(f"The query {query_id} cannot be merged into {into}.")
    return ["queries"], {"before": grouping.merge(project, query_id, standing.duplicate_of or into)}


def _unmerge(project: Project, values: Values) -> tuple[list[str], Values]:
    return ["queries"], {"before": grouping.unmerge(project, int(values["query_id"]))}


def _keep_apart(project: Project, values: Values) -> tuple[list[str], Values]:
    """Two queries do not ask the same, whatever the threshold."""
    before = grouping.keep_apart(project, int(values["query_id"]), int(values["other_id"]))
    return ["queries"], {"before": before}


def _take_apart(project: Project, values: Values) -> tuple[list[str], Values]:
    """Nothing is merged into a query any more."""
    return ["queries"], {"before": grouping.take_apart(project, int(values["query_id"]))}


def _restore_groups(project: Project, values: Values) -> tuple[list[str], Values]:
    """Undo of the four above: `before` as they said it."""
    grouping.restore(project, values["before"])
    return ["queries"], {}


def _unqrel(project: Project, values: Values) -> tuple[list[str], Values]:
    """Take a judgement away, also where it was given to a merged query; says what it was, for `restore_qrels`."""
    removed = queries.remove_judgements(project, int(values["query_id"]), int(values["passage_id"]))
    changed, said = _judged(project, int(values["query_id"]))
    return changed, {**said, "removed": [[*astuple(row), import_id] for row, import_id in removed]}


def _restore_qrels(project: Project, values: Values) -> tuple[list[str], Values]:
    """Undo of `unqrel`: the judgements that it said it removed."""
    for *row, import_id in values["removed"]:
        queries.put_qrels(project, [Qrel(*row)], import_id=import_id)
    return _judged(project, int(values["query_id"]))


def _judged(project: Project, query_id: int) -> tuple[list[str], Values]:
    """Let what was measured follow a changed judgement at once."""
    from engine.evaluate.judging import judge_query_again

    compared = judge_query_again(project, query_id)
    return ["queries", *(["runs"] if compared else [])], {"compared": len(compared)}


def _judge(project: Project, values: Values) -> tuple[list[str], Values]:
    """A grade by hand on a pooled passage, or none to skip it; says what was there before, for taking it back."""
    from engine.evaluate.by_hand import judge_passage

    grade = None if values["grade"] is None else int(values["grade"])
    spoken = judge_passage(project, int(values["query_id"]), int(values["passage_id"]), grade)
    placed = spoken.placed.value if spoken.placed else ""
    said = {"before": asdict(spoken.before), "placed": placed, "compared": spoken.compared}
    return ["queries", *(["runs"] if spoken.compared else [])], said


def _unjudge(project: Project, values: Values) -> tuple[list[str], Values]:
    """Take a grade or a skip back; `before` and `placed` as `judge` said them."""
    from engine.evaluate.by_hand import Word, take_back

    before = Word(**values["before"])
    ids = int(values["query_id"]), int(values["passage_id"])
    compared = take_back(project, *ids, before, placed=bool(values.get("placed")))
    return ["queries", *(["runs"] if compared else [])], {"compared": compared}


def _judged_pool(project: Project, values: Values) -> tuple[list[str], Values]:
    """Every passage pooled for a query was judged or skipped."""
    judging.put_judged(project, int(values["query_id"]), judging.systems_key(project))
    return [], {}


def _pin_query(project: Project, values: Values) -> tuple[list[str], Values]:
    k = int(values.get("k", 10))
    if k < 1:
        raise UserError(f"A query is pinned to the first 1 or more hits, not {k}.")
    if queries.query(project, int(values["query_id"])) is None:
        raise UserError(f"There is no query {values['query_id']}.", hint="List them: searchsmith queries list PROJECT")
    pins.pin_query(project, int(values["query_id"]), k)
    return ["runs"], {"pinned": int(values["query_id"]), "to the first": k}


def _unpin_query(project: Project, values: Values) -> tuple[list[str], Values]:
    if not any(pin.query_id == int(values["query_id"]) for pin in pins.pins(project)):
        raise UserError(f"Query {values['query_id']} is not pinned.", hint="searchsmith pins list PROJECT names them.")
    pins.unpin_query(project, int(values["query_id"]))
    return ["runs"], {"unpinned": int(values["query_id"])}


def _compare(project: Project, values: Values) -> tuple[list[str], Values]:
    """Compare two measured runs query by query."""
    from engine.evaluate.comparing import compare_runs

    chosen = [runs.run(project, int(values[name])) for name in ("run_a", "run_b")]
    first, second = chosen
    if first is None or second is None:
        raise UserError("One of the two runs is not there any more.", hint="Measure again.")
    found = compare_runs(project, [((first.system, first), (second.system, second))])
    return ["runs"], {"compared": len(found)}


def _note(project: Project, values: Values) -> tuple[list[str], Values]:
    notes.put_note(project, "model", int(values["model_id"]), str(values["text"]))
    return ["models"], {}


def _add_query(project: Project, values: Values) -> tuple[list[str], Values]:
    """Add a query, or an answer to one of this text that is there; says what was there before, for `unadd_query`."""
    text = str(values["text"]).strip()
    if not text:
        raise UserError("A query needs a text.")
    split = Split(values["split"]) if values.get("split") else None
    ((query_id, is_new),) = queries.put_queries(project, [NewQuery(text, source="hand")], import_id=None)
    stood = queries.query(project, query_id)
    said: Values = {"query_id": query_id, "new": is_new, "split": str(stood.split or "") if stood else ""}
    if split:
        queries.set_splits(project, {query_id: split})
    if values.get("passage_id"):
        passage_id = int(values["passage_id"])
        removed = queries.remove_judgements(project, query_id, passage_id)
        said |= {"passage_id": passage_id, "removed": [[*astuple(row), import_id] for row, import_id in removed]}
        if any(row.grade for row, _ in removed):
            _restore_qrels(project, said)
        else:
            queries.put_qrels(project, [Qrel(query_id, passage_id, 1, "hand")])
    return ["queries"], said


def _unadd_query(project: Project, values: Values) -> tuple[list[str], Values]:
    """Undo of `add_query`, by what it said: a query that was there before stays, with all that was there."""
    query_id = int(values["query_id"])
    if values["new"]:
        return _remove_query(project, {"query_id": query_id})
    queries.set_splits(project, {query_id: Split(values["split"]) if values["split"] else None})
    if values.get("passage_id"):
        queries.remove_judgements(project, query_id, int(values["passage_id"]))
        return _restore_qrels(project, values)
    return ["queries"], {}


def _remove_query(project: Project, values: Values) -> tuple[list[str], Values]:
    """Take a query out; what was measured on it follows at once, as after a changed judgement."""
    from engine.evaluate.judging import judge_again

    asked = queries.query(project, int(values["query_id"]))
    if asked is None:
        return [], {"compared": 0}
    queries.remove_query(project, asked.id)
    compared = judge_again(project, asked.split) if asked.split and asked.duplicate_of is None else []
    return ["queries", "negatives", *(["runs"] if compared else [])], {"compared": len(compared)}


def _remove_documents(project: Project, values: Values) -> tuple[list[str], Values]:
    ids = [int(value) for value in values["document_ids"]]
    documents.remove_documents(project, ids)
    return ["documents", "queries", "negatives"], {"removed": len(ids)}


def _rename_project(project: Project, values: Values) -> tuple[list[str], Values]:
    project.set_meta("name", str(values["name"]).strip() or project.path.name)
    project.set_meta("named", "1")
    return ["project"], {}


def _rename_model(project: Project, values: Values) -> tuple[list[str], Values]:
    models.rename_model(project, int(values["model_id"]), str(values["name"]).strip())
    return ["models"], {}


def _discard_model(project: Project, values: Values) -> tuple[list[str], Values]:
    model_id = int(values["model_id"])
    known = [model for kind in ("tuned", "reranker") for model in models.interrupted_models(project, kind=kind)]
    if model_id not in {found.id for found in known}:
        raise UserError(f"The model {model_id} is not one that was interrupted.", hint="Only those can be discarded.")
    if project.is_busy():
        raise UserError("A job is running in this project.", hint="Wait until it ends, then discard.")
    models.drop_model(project, model_id)
    return ["models", "jobs"], {}


def _base_model(project: Project, values: Values) -> tuple[list[str], Values]:
    from engine.jobs import set_base_model

    return ["models"], {"model_id": set_base_model(project, str(values["base"]))}


def _keep_base(project: Project, values: Values) -> tuple[list[str], Values]:
    keep_base(project)
    return ["models"], {}


def _dismiss_job(project: Project, values: Values) -> tuple[list[str], Values]:
    jobs.dismiss_job(project, int(values["job_id"]))
    return ["jobs"], {}


def _feedback(project: Project, values: Values) -> tuple[list[str], Values]:
    vote = 1 if int(values["vote"]) > 0 else -1
    feedback_id = queries.put_feedback(
        project, str(values["text"]), int(values["passage_id"]), vote, str(values.get("system", ""))
    )
    return ["feedback"], {"feedback_id": feedback_id}


def _unfeedback(project: Project, values: Values) -> tuple[list[str], Values]:
    queries.remove_feedback(project, int(values["feedback_id"]))
    return ["feedback"], {}


def _recover(project: Project, values: Values) -> tuple[list[str], Values]:
    if project.is_busy():
        return [], {"interrupted": []}
    with project.writing("open"):
        found = recover(project)
    changed = ["jobs", "models", "negatives", "runs"] if found.kinds else []
    changed += ["jobs", "documents", "queries"] if found.undone else []
    return list(dict.fromkeys(changed)), {"interrupted": found.kinds, "taken_back": len(found.undone)}


def _objectives(project: Project, values: Values) -> tuple[list[str], Values]:
    """Every objective with what keeps it from this project's data ("" where it fits)."""
    from engine.train.sources import fitting

    return [], {"obstacles": fitting(project)}


def _script(project: Project, values: Values) -> tuple[list[str], Values]:
    """A run as a command line and as a script for plain sentence-transformers, with the data it learnt from."""
    from engine.train.scripts import write_script

    return [], write_script(project, int(values["model_id"]), str(values["dest"]))


def _preview(project: Project, values: Values) -> tuple[list[str], Values]:
    """What an import would bring; rows of foreign tables are in no project, so that they cross the pipe, cut short."""
    from engine.ingest.preview import preview, preview_file

    params = params_from_dict(ImportParams, values["params"])
    if file := str(values.get("file", "")):
        return [], params_to_dict(preview_file(project, params, file))
    return [], params_to_dict(preview(project, params))


def _undo_import(project: Project, values: Values) -> tuple[list[str], Values]:
    from engine.store.undoing import newest_import, undo_import

    import_id = int(values.get("import_id") or 0) or newest_import(project)
    if not import_id:
        raise UserError("There is no import to take back.")
    undone = undo_import(project, import_id)
    changed = ["documents", "queries", "negatives", *(["runs"] if undone.rankings else [])]
    return changed, {"import_id": import_id, **asdict(undone)}


def _ignore_problem(project: Project, values: Values) -> tuple[list[str], Values]:
    ids = [int(value) for value in values["problem_ids"]]
    return ["documents"], {"changed": imports.ignore_problems(project, ids)}


def _unignore_problem(project: Project, values: Values) -> tuple[list[str], Values]:
    ids = [int(value) for value in values["problem_ids"]]
    return ["documents"], {"changed": imports.ignore_problems(project, ids, ignore=False)}


def _watch(project: Project, values: Values) -> tuple[list[str], Values]:
    path = Path(str(values["path"])).expanduser().absolute()
    if not path.exists():
        raise UserError(f"There is no file or folder {path}.", hint="Check the path.")
    return ["documents"], {"path": str(path), "new": places.watch(project, str(path))}


def _unwatch(project: Project, values: Values) -> tuple[list[str], Values]:
    path = str(Path(str(values["path"])).expanduser().absolute())
    if not places.unwatch(project, path):
        raise UserError(f"{path} is not watched.")
    return ["documents"], {"path": path}


def _leaks(project: Project, values: Values) -> tuple[list[str], Values]:
    """How many leaks there are between the splits now."""
    from engine.curate.splits import leaks_now

    return [], {"leaks": leaks_now(project)}


def _cut_preview(project: Project, values: Values) -> tuple[list[str], Values]:
    """A document's passages if it were cut so, as [start, end, tokens]; texts stay here.

    With `until` those that begin before that place, at once; with `have` those from that number on, as far as `seconds`
    reach. `count` is how many there are so far, `done` whether that is all; spans beyond `shown` are only counted.
    """
    from engine.ingest.recut import bench_of

    document_id = int(values["document_id"])
    found = documents.document(project, document_id)
    if found is None or not documents.has_text(project, document_id):
        return [], {"spans": [], "count": 0, "done": True, "document_id": document_id}
    bench, params = bench_of(project), params_from_dict(CutParams, values["params"])
    have, until = int(values.get("have", 0)), int(values.get("until", 0))
    if until:
        pieces, done = bench.pieces(found, params, until), False
    else:
        pieces, done = bench.more(found, params, have, seconds=float(values.get("seconds", 0.0)))
    shown = int(values.get("shown", found.n_chars))
    spans = [[piece.start, piece.end, piece.tokens] for piece in pieces if piece.start < shown]
    return [], {
        "document_id": document_id,
        "spans": spans,
        "count": have + len(pieces),
        "reached": pieces[-1].end if pieces else 0,
        "done": done,
        "limit": bench.limit,
        "before": found.n_passages,
    }


def _cut_outlook(project: Project, values: Values) -> tuple[list[str], Values]:
    """What another cut would change in documents after an id, as far as some milliseconds reach."""
    from engine.ingest.recut import bench_of

    bench = bench_of(project)
    params = params_from_dict(CutParams, values["params"])
    seconds = float(values.get("seconds", 0.15))
    outlook, following = bench.look(params, after=int(values.get("after", 0)), seconds=seconds)
    return [], {**asdict(outlook), "limit": bench.limit, "next": following}


EDITS: dict[str, Edit] = {
    "leaks": _leaks,
    "cut_preview": _cut_preview,
    "cut_outlook": _cut_outlook,
    "ignore_problem": _ignore_problem,
    "unignore_problem": _unignore_problem,
    "watch": _watch,
    "unwatch": _unwatch,
    "undo_import": _undo_import,
    "preview": _preview,
    "objectives": _objectives,
    "script": _script,
    "recover": _recover,
    "review": _review,
    "unreview": _unreview,
    "review_all": _review_all,
    "unreview_all": _unreview_all,
    "likeness": _likeness,
    "lint": _lint,
    "reselect": _reselect,
    "merge": _merge,
    "unmerge": _unmerge,
    "keep_apart": _keep_apart,
    "take_apart": _take_apart,
    "restore_groups": _restore_groups,
    "unqrel": _unqrel,
    "restore_qrels": _restore_qrels,
    "judge": _judge,
    "unjudge": _unjudge,
    "judged_pool": _judged_pool,
    "pin_query": _pin_query,
    "unpin_query": _unpin_query,
    "compare": _compare,
    "note": _note,
    "add_query": _add_query,
    "unadd_query": _unadd_query,
    "remove_query": _remove_query,
    "remove_documents": _remove_documents,
    "rename_project": _rename_project,
    "rename_model": _rename_model,
    "base_model": _base_model,
    "keep_base": _keep_base,
    "discard_model": _discard_model,
    "dismiss_job": _dismiss_job,
    "feedback": _feedback,
    "unfeedback": _unfeedback,
}
