"""Small but complete projects for the window's tests: a bicycle workshop's handbook, written here, mined and measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.params import MineParams, SelectParams, params_to_dict
from engine.records import (
    ImportCounts,
    ImportProblem,
    JobState,
    Outcome,
    Qrel,
    QueryMetrics,
    Split,
)
from engine.store import documents, imports, jobs, models, negatives, queries, runs
from engine.store.candidates import Candidates, Flag, sort_key, write_candidates
from engine.store.documents import NewDocument, NewPassage
from engine.store.edges import SCALE, Edges, write_edges
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.store.selection import chosen_negatives, select

PARTS = {
    "chain": ("chain checker", "the drivetrain", "It stretches by wear, about one per cent in 3,000 km."),
    "brake pads": ("5 mm hex key", "the brakes", "Under one millimetre of compound they no longer stop the wheel."),
    "saddle": ("6 mm hex key", "the seat post", "A saddle that tilts forward puts weight on the wrists."),
    "rear wheel": ("truing stand", "the frame", "Spokes on the driving side carry more tension than those opposite."),
    "gear cable": ("cable cutter", "the rear derailleur", "A rusty cable is the usual reason for hesitant shifting."),
    "tyre": ("tyre lever", "the rim", "Small cuts are harmless until the thread of the casing shows."),
    "headset": ("headset wrench", "the fork", "Play in the headset is felt when the front brake is held."),
    "bottom bracket": ("crank puller", "the cranks", "A creak under load often comes from here, and often does not."),
    "pedals": ("15 mm spanner", "the cranks", "The left pedal has a left-handed thread."),
    "lamp": ("small screwdriver", "the handlebar", "A lamp set too high blinds those who come towards you."),
}
TASKS = {
    "replace": (
        "Loosen the {part} with the {tool}, lift it off {place} and put the new one in its place. Tighten by hand first, "
        "then to the torque printed on the part. {fact}",
        "How do I replace the {part}?",
    ),
    "clean": (
        "Brush dry dirt from the {part}, wipe it with a damp cloth and let it dry before the next ride. Strong solvents "
        "attack seals near {place}, so soap is enough. {fact}",
        "What is the best way to clean a dirty {part}?",
    ),
    "adjust": (
        "Turn the adjuster of the {part} in quarter turns with the {tool} and test after each. The adjustment is right "
        "when nothing rubs against {place}. {fact}",
        "Adjusting the {part} so that nothing rubs",
    ),
    "check": (
        "Look at the {part} once a month, more often in winter. Worn parts are found by eye and with the {tool}; note the "
        "date in the service book. {fact}",
        "How can I see whether the {part} is worn?",
    ),
    "store": (
        "Keep a spare {part} in a dry drawer, wrapped in oiled paper, away from {place} of other bicycles. Label it with "
        "the size and the month it was bought. {fact}",
        "Where should spare {part} be kept?",
    ),
    "order": (
        "Order the {part} by its printed number, not by its name. Measure {place} first: makers change sizes within one "
        "season, and a wrong part cannot be sent back once fitted. {fact}",
        "Which number do I need to order {part}?",
    ),
}
CHINESE = (
    (
        "更换链条",
        "先用链条工具打开旧链条,再装上同样长度的新链条。新链条装好后转动脚踏,检查换挡是否顺畅。",
        "怎样更换自行车链条?",
    ),
    ("清洗链条", "用刷子和肥皂水清洗链条,擦干后再上油。不要用强溶剂,以免损坏密封件。", "链条脏了怎么清洗?"),
    ("检查刹车", "刹车片厚度少于一毫米时必须更换。每个月检查一次,冬天更要常看。", "刹车片什么时候需要更换?"),
)
ASKED_AGAIN = {
    "How do I replace the chain?": "How do I replace the chain on my bicycle?",
    "What is the best way to clean a dirty saddle?": "Best way to clean a dirty saddle",
    "Adjusting the headset so that nothing rubs": "Adjust the headset so that nothing rubs",
    "How can I see whether the tyre is worn?": "How do I see whether a tyre is worn?",
}
LONG = (
    "My bicycle was in the cellar for two winters, the front brake squeals in the rain, somebody told me that it is the "
    "rim and somebody else that it is the pads, and before I buy anything I would like to know what to look at first?"
)


def empty_project(folder: Path) -> Path:
    """A new project without anything in it."""
    path = folder / "empty"
    Project.create(path, "Empty").close()
    return path


def imported_project(folder: Path) -> Path:
    """Documents, queries and judgements, nothing else yet."""
    path = folder / "imported"
    with Project.create(path, "Bicycle handbook") as project:
        _import_handbook(project, folder)
    return path


def split_project(folder: Path) -> Path:
    """Imported, merged and split, with a base model; nothing mined or measured."""
    path = folder / "split"
    with Project.create(path, "Bicycle handbook") as project:
        _import_handbook(project, folder)
        _merge_and_split(project)
        _add_base(project)
    return path


def finished_project(folder: Path) -> Path:
    """The whole way: imported, merged, split, measured, mined, trained, measured again."""
    path = folder / "finished"
    with Project.create(path, "Bicycle handbook") as project:
        _import_handbook(project, folder)
        _merge_and_split(project)
        base, tuned = _add_models(project)
        mining = _mine(project, base)
        project.db.execute("update models set mining_id = ? where id = ?", [mining, tuned])
        _evaluate(project, base, tuned)
        _add_history(project)
    return path


def _import_handbook(project: Project, folder: Path) -> None:
    files = folder / "handbook"
    files.mkdir(exist_ok=True)
    import_id = imports.start_import(project, [str(files)], "auto")
    asked: list[tuple[str, int, str]] = []
    for part, (tool, place, fact) in PARTS.items():
        rows = {
            f"{part.capitalize()}: {task}": (
                text.format(part=part, tool=tool, place=place, fact=fact),
                ask.format(part=part),
            )
            for task, (text, ask) in TASKS.items()
        }
        asked += _put(project, files / f"{part.replace(' ', '_')}.md", rows, import_id)
    chinese = {heading: (text, ask) for heading, text, ask in CHINESE}
    asked += _put(project, files / "修车手册.md", chinese, import_id)
    documents.put_document(
        project, NewDocument("", str(files / "scanned.pdf"), "pdf", "0" * 32, text=" "), [], import_id=import_id
    )
    new = [NewQuery(text, f"q{number}", "imported") for number, (text, _, _) in enumerate(asked)]
    ids = [query_id for query_id, _ in queries.put_queries(project, new, import_id=import_id)]
    queries.put_qrels(project, [Qrel(q, passage, 1) for q, (_, passage, _) in zip(ids, asked, strict=True)])
    again = queries.put_queries(
        project, [NewQuery(text, source="hand") for text in (*ASKED_AGAIN.values(), LONG)], import_id=import_id
    )
    answers = {text: passage for text, passage, _ in asked}
    pairs = [Qrel(q, answers[first], 1) for (q, _), first in zip(again, ASKED_AGAIN, strict=False)]
    queries.put_qrels(project, pairs)
    imports.add_problems(
        project,
        import_id,
        [
            ImportProblem(str(files / "scanned.pdf"), 0, "no_text", "The file holds pictures of text, but no text."),
            ImportProblem(str(files / "questions.csv"), 17, "no_field", "No 'text' field in this line."),
            ImportProblem(str(files / "locked.pdf"), 0, "password", "The file needs a password."),
        ],
    )
    n = documents.count_documents(project)
    passages = documents.count_passages(project)
    counts = ImportCounts(
        documents=n, passages=passages, queries=len(ids) + len(again), qrels=len(ids) + 4, new=n, skipped=3
    )
    imports.finish_import(project, import_id, counts, format="documents")
    project.set_meta_json(
        "token_report",
        {"model": "all-MiniLM-L6-v2", "texts": passages, "unknown_share": 0.021, "cut_share": 0.0, "median_tokens": 58,
         "max_length": 256},
    )  # fmt: skip


def _put(project: Project, path: Path, rows: dict[str, tuple[str, str]], import_id: int) -> list[tuple[str, int, str]]:
    """Store a document made of `rows` (heading: text, query); returns (query, passage id, heading) of each."""
    whole, passages = "", []
    for heading, (text, _) in rows.items():
        whole += f"# {heading}\n\n"
        passages.append(NewPassage(text, heading, start=len(whole), end=len(whole) + len(text)))
        whole += text + "\n\n"
    path.write_text(whole, encoding="utf-8")
    document = NewDocument(path.stem.replace("_", " "), str(path), "md", f"{hash(whole):x}", text=whole)
    document_id = documents.put_document(project, document, passages, import_id=import_id)
    stored = documents.passages_of(project, document_id)
    return [(ask, passage.id, passage.heading) for passage, (_, ask) in zip(stored, rows.values(), strict=True)]


def _merge_and_split(project: Project) -> None:
    by_text = {query.text: query.id for query in queries.all_queries(project)}
    merged = {by_text[again]: by_text[first] for first, again in ASKED_AGAIN.items()}
    queries.set_duplicates(project, merged)
    standing = queries.representatives(project)
    order = (Split.TRAIN, Split.TRAIN, Split.TRAIN, Split.DEV, Split.TEST, Split.TRAIN, Split.TEST)
    queries.set_splits(project, {query.id: order[place % 7] for place, query in enumerate(standing)})
    record = jobs.start_job(project, "dedup", {"threshold": 0.95})
    jobs.end_job(
        project, record, JobState.DONE, seconds=4, summary={"queries": len(standing), "groups": 4, "duplicates": 4}
    )
    _compare_queries(project)
    project.set_meta_json("dedup", {"threshold": 0.95, "model": 1})
    project.set_meta_json("split_report", {"leaks": 0, "sentence": ""})
    record = jobs.start_job(project, "split", {})
    counts = queries.split_counts(project)
    jobs.end_job(project, record, JobState.DONE, seconds=1, summary={**counts, "leaks": 0})


def _compare_queries(project: Project) -> None:
    asked = queries.all_queries(project)
    alike = _similarity([q.text for q in asked], [q.text for q in asked], words=False)
    merged = {(q.duplicate_of, q.id) for q in asked if q.duplicate_of}
    pairs = [
        (a, b, 0.955 + 0.01 * (a % 4) if (asked[a].id, asked[b].id) in merged else min(float(alike[a, b]) + 0.2, 0.945))
        for a in range(len(asked))
        for b in range(a + 1, len(asked))
        if alike[a, b] > 0.42
    ]
    first, second, scores = (np.array(values) for values in zip(*pairs, strict=True))
    names = [(asked[a].text.split()[-1], asked[b].text.split()[-1]) for a, b, _ in pairs]
    write_edges(
        project,
        Edges(
            query_id=np.array([q.id for q in asked], np.int64),
            text=np.arange(len(asked), dtype=np.int32),
            a=first.astype(np.int32),
            b=second.astype(np.int32),
            score=np.round(scores * SCALE).astype(np.uint16),
            apart=np.array([place % 3 == 0 and left != right for place, (left, right) in enumerate(names)], bool)
            & (scores < 0.95),
            digest="made for the tests",
        ),
    )


def _add_base(project: Project) -> int:
    base = models.add_model(project, name="all-MiniLM-L6-v2", kind="base", path="/models/minilm", dim=384)
    models.finish_model(
        project, base, path="/models/minilm", weights_digest="b" * 64, dim=384, max_length=256, summary={}
    )
    project.set_meta("base_model_id", str(base))
    return base


def _add_models(project: Project) -> tuple[int, int]:
    base = _add_base(project)
    tuned = models.add_model(
        project,
        name="round 1, quick",
        kind="tuned",
        path=f"models/{base + 1}",
        parent_id=base,
        params={"preset": "quick"},
    )
    for step in range(0, 61, 2):
        models.add_metrics(project, tuned, [("loss", step, 1.9 - 0.02 * step + 0.05 * (step % 6))])
    for step in range(0, 61, 10):
        models.add_metrics(project, tuned, [("dev_ndcg@10", step, 0.49 + 0.12 * (1 - 0.96**step))])
    models.finish_model(
        project, tuned, path=f"models/{tuned}", weights_digest="t" * 64, dim=384, max_length=256,
        summary={"steps": 60, "seconds": 131.0, "dev": {"ndcg@10": 0.601}, "best_step": 60},
    )  # fmt: skip
    return base, tuned


def _mine(project: Project, base: int) -> int:
    params = MineParams(depth=40, select=SelectParams(rank_max=40))
    mining = negatives.start_mining(project, model_id=base, params=params_to_dict(params))
    candidates = make_candidates(project, depth=40)
    write_candidates(project, mining, candidates)
    selection = select(candidates, params.select)
    chosen = chosen_negatives(candidates, selection)
    negatives.put_negatives(project, mining, chosen)
    doubtful = int((candidates.doubt >= params.select.max_doubt).sum())
    counts = {
        "queries": len(candidates.queries), "candidates": selection.candidates, "negatives": len(chosen),
        "by_source": selection.by_source(), "doubtful": doubtful,
    }  # fmt: skip
    negatives.finish_mining(project, mining, counts=counts)
    record = jobs.start_job(project, "mine", {})
    jobs.end_job(project, record, JobState.DONE, seconds=12, summary=counts)
    return mining


def make_candidates(project: Project, *, depth: int) -> Candidates:
    """Candidates of the training queries, ranked by shared words (as BM25) and shared letters (as a model)."""
    asked = queries.representatives(project, Split.TRAIN)
    answers = queries.positives(project)
    asked = [query for query in asked if query.id in answers]
    corpus = documents.corpus(project)
    by_words = _similarity([q.text for q in asked], corpus.texts, words=True)
    by_letters = _similarity([q.text for q in asked], corpus.texts, words=False)
    rows: list[tuple[float, ...]] = []
    lowest = []
    for place, query in enumerate(asked):
        right = np.isin(corpus.ids, list(answers[query.id]))
        low = float(by_letters[place][right].min())
        lowest.append(low)
        bm25_rank, dense_rank = _ranks(by_words[place], depth), _ranks(by_letters[place], depth)
        chance = np.flatnonzero((bm25_rank == 0) & (dense_rank == 0))[:2]
        for row in np.flatnonzero((bm25_rank > 0) | (dense_rank > 0) | np.isin(np.arange(len(right)), chance)):
            score = float(by_letters[place][row])
            margin = (low - score) / max(abs(low), 0.01)
            flag = Flag.ANSWER if right[row] else Flag.RANDOM if row in chance else 0
            doubt = 0.0 if right[row] else float(np.clip(0.5 - 4 * margin, 0, 1))
            rows.append(
                (place, query.id, corpus.ids[row], bm25_rank[row], 9 * by_words[place][row], dense_rank[row], score,
                 margin, doubt, int(flag))
            )  # fmt: skip
    table = np.array(rows, float)
    table = table[sort_key(table[:, 0], table[:, 5], table[:, 3])]
    return _packed(table, asked_ids=[q.id for q in asked], lowest=lowest)


def _packed(table: np.ndarray, *, asked_ids: list[int], lowest: list[float]) -> Candidates:
    counts = np.bincount(table[:, 0].astype(int), minlength=len(asked_ids))
    ranked = np.flatnonzero(table[:, 3] > 0)
    by_bm25 = ranked[np.lexsort((table[ranked, 3], table[ranked, 0]))]
    return Candidates(
        queries=np.array(asked_ids, np.int32),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        positive_score=np.array(lowest, np.float32),
        passage_id=table[:, 2].astype(np.int32),
        bm25_rank=table[:, 3].astype(np.uint16),
        bm25_score=np.where(table[:, 3] > 0, table[:, 4], 0).astype(np.float32),
        dense_rank=table[:, 5].astype(np.uint16),
        dense_score=table[:, 6].astype(np.float32),
        margin=table[:, 7].astype(np.float32),
        doubt=table[:, 8].astype(np.float32),
        flags=table[:, 9].astype(np.uint8),
        by_bm25=by_bm25.astype(np.int32),
    )


def _ranks(scores: np.ndarray, depth: int) -> np.ndarray:
    ranks = np.zeros(len(scores), int)
    order = np.argsort(-scores, kind="stable")[:depth]
    ranks[order] = np.arange(1, len(order) + 1)
    return ranks


def _similarity(asked: list[str], texts: list[str], *, words: bool) -> np.ndarray:
    """(n asked, n texts) cosine over weighted words, or over pairs of letters."""
    pieces = [_pieces(text, words) for text in (*asked, *texts)]
    known = {piece: place for place, piece in enumerate(sorted({p for found in pieces for p in found}))}
    matrix = np.zeros((len(pieces), len(known)))
    for row, found in enumerate(pieces):
        for piece in found:
            matrix[row, known[piece]] += 1
    matrix *= np.log(len(pieces) / (1 + (matrix > 0).sum(axis=0))) + 0.2
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
    similar: np.ndarray = matrix[: len(asked)] @ matrix[len(asked) :].T
    return similar


def _pieces(text: str, words: bool) -> list[str]:
    text = text.casefold()
    return text.replace("?", "").replace(",", " ").split() if words else [text[i : i + 2] for i in range(len(text) - 1)]


def _evaluate(project: Project, base: int, tuned: int) -> None:
    asked = [q for q in queries.representatives(project, Split.TEST) if q.id in queries.positives(project)]
    answers = queries.positives(project)
    corpus = documents.corpus(project)
    by_words = _similarity([q.text for q in asked], corpus.texts, words=True)
    by_letters = _similarity([q.text for q in asked], corpus.texts, words=False)
    right = np.array([np.isin(corpus.ids, list(answers[q.id])) for q in asked])
    rng = np.random.default_rng(13)
    worse = by_letters + rng.normal(0, 0.09, by_letters.shape)
    better = by_letters + 0.14 * right
    better[::9] -= 0.3 * right[::9]
    made = {}
    for system, model_id, scores in (("bm25", None, by_words), ("base", base, worse), ("tuned", tuned, better)):
        made[system] = _put_run(project, system, model_id, scores, right, corpus.ids, [q.id for q in asked])
    for other in ("bm25", "base"):
        a = {m.query_id: m for m in runs.query_metrics(project, made["tuned"])}
        b = {m.query_id: m for m in runs.query_metrics(project, made[other])}
        deltas = np.array([a[q].ndcg10 - b[q].ndcg10 for q in a])
        mean, wide = float(deltas.mean()), 1.96 * float(deltas.std()) / len(deltas) ** 0.5
        verdict = Outcome.WIN if mean - wide > 0 else Outcome.LOSS if mean + wide < 0 else Outcome.TIE
        fixed = sum(a[q].hit_rate10 > b[q].hit_rate10 for q in a)
        broken = sum(a[q].hit_rate10 < b[q].hit_rate10 for q in a)
        runs.put_comparison(
            project, a="tuned", b=other, run_a=made["tuned"], run_b=made[other], metric="ndcg@10", delta=mean,
            low=mean - wide, high=mean + wide, p=0.004, verdict=verdict, fixed=int(fixed), broken=int(broken),
            n_queries=len(deltas),
        )  # fmt: skip


def _put_run(
    project: Project,
    system: str,
    model_id: int | None,
    scores: np.ndarray,
    right: np.ndarray,
    passage_ids: np.ndarray,
    query_ids: list[int],
) -> int:
    run = runs.start_run(project, system=system, model_id=model_id, split=Split.TEST, content_key=f"{system}-1")
    order = np.argsort(-scores, axis=1, kind="stable")[:, :100]
    runs.save_hits(
        project, run, query_ids=np.array(query_ids, np.int64), passage_ids=passage_ids[order],
        scores=np.take_along_axis(scores, order, 1),
    )  # fmt: skip
    rows = []
    for place, query_id in enumerate(query_ids):
        found = np.flatnonzero(right[place][order[place]])
        first = int(found[0]) + 1 if len(found) else 0
        inside = 0 < first <= 10
        rows.append(
            QueryMetrics(
                query_id,
                1 / float(np.log2(first + 1)) if inside else 0.0,
                1 / first if inside else 0.0,
                float(inside),
                float(inside),
                1 / first if first else 0.0,
                first,
            )
        )
    runs.put_query_metrics(project, run, rows)
    names = ("ndcg10", "mrr10", "recall10", "hit_rate10", "map100")
    shown = ("ndcg@10", "mrr@10", "recall@10", "hit_rate@10", "map@100")
    metrics = {key: float(np.mean([getattr(r, name) for r in rows])) for key, name in zip(shown, names, strict=True)}
    runs.finish_run(project, run, n_queries=len(rows), metrics=metrics, seconds=1.4)
    return run


def _add_history(project: Project) -> None:
    for kind, seconds in (("import", 3.0), ("train", 131.0), ("evaluate", 6.0)):
        record = jobs.start_job(project, kind, {})
        jobs.end_job(project, record, JobState.DONE, seconds=seconds)
