"""The tables of a project and the numbered steps that lead to them."""

from __future__ import annotations

from engine.store.sqlite import Database, Migrations

APPLICATION_ID = 0x53534D31  # "SSM1"
VERSION = 15

migrations = Migrations("searchsmith")


@migrations(name="001_first_tables")
def first_tables(db: Database) -> None:
    _texts(db)
    _questions(db)
    _models(db)
    _minings(db)
    _runs(db)
    _history(db)


def _texts(db: Database) -> None:
    db.table("meta").create({"key": str, "value": str}, pk="key")
    db.table("imports").create(
        {"id": int, "created_at": str, "format": str, "paths": str, "counts": str, "state": str}, pk="id"
    )
    db.table("import_problems").create(
        {"id": int, "import_id": int, "file": str, "line": int, "code": str, "reason": str},
        pk="id",
        foreign_keys=[("import_id", "imports", "id")],
    )
    db.table("import_problems").create_index(["import_id"])
    db.table("documents").create(
        {
            "id": int,
            "external_id": str,
            "title": str,
            "path": str,
            "kind": str,
            "content_hash": str,
            "n_chars": int,
            "n_passages": int,
            "import_id": int,
            "labelled": int,
        },
        pk="id",
        foreign_keys=[("import_id", "imports", "id")],
    )
    db.table("documents").create_index(["path"])
    db.table("document_texts").create(
        {"document_id": int, "text": str}, pk="document_id", foreign_keys=[("document_id", "documents", "id")]
    )
    db.table("passages").create(
        {
            "id": int,
            "document_id": int,
            "external_id": str,
            "ordinal": int,
            "heading": str,
            "text": str,
            "text_hash": str,
            "start": int,
            "end": int,
            "page": int,
        },
        pk="id",
        foreign_keys=[("document_id", "documents", "id")],
    )
    for column in ("document_id", "external_id", "text_hash"):
        db.table("passages").create_index([column])


def _questions(db: Database) -> None:
    db.table("queries").create(
        {
            "id": int,
            "external_id": str,
            "text": str,
            "text_hash": str,
            "source": str,
            "split": str,
            "official_split": str,
            "duplicate_of": int,
            "import_id": int,
        },
        pk="id",
        foreign_keys=[("duplicate_of", "queries", "id"), ("import_id", "imports", "id")],
    )
    db.table("queries").create_index(["text_hash"], unique=True)
    for column in ("external_id", "split", "duplicate_of"):
        db.table("queries").create_index([column])
    db.table("qrels").create(
        {"query_id": int, "passage_id": int, "grade": int, "source": str},
        pk=("query_id", "passage_id"),
        foreign_keys=[("query_id", "queries", "id"), ("passage_id", "passages", "id")],
    )
    db.table("qrels").create_index(["passage_id"])
    db.table("imported_negatives").create(
        {"query_id": int, "passage_id": int, "score": float},
        pk=("query_id", "passage_id"),
        foreign_keys=[("query_id", "queries", "id"), ("passage_id", "passages", "id")],
    )
    db.table("reviews").create(
        {"query_id": int, "passage_id": int, "verdict": str, "created_at": str},
        pk=("query_id", "passage_id"),
        foreign_keys=[("query_id", "queries", "id"), ("passage_id", "passages", "id")],
    )
    db.table("feedback").create(
        {"id": int, "text": str, "passage_id": int, "vote": int, "system": str, "created_at": str},
        pk="id",
        foreign_keys=[("passage_id", "passages", "id")],
    )


def _models(db: Database) -> None:
    db.table("models").create(
        {
            "id": int,
            "name": str,
            "kind": str,
            "path": str,
            "weights_digest": str,
            "dim": int,
            "max_length": int,
            "parent_id": int,
            "mining_id": int,
            "params": str,
            "summary": str,
            "state": str,
            "created_at": str,
        },
        pk="id",
        foreign_keys=[("parent_id", "models", "id")],
    )
    db.table("model_metrics").create(
        {"model_id": int, "name": str, "step": int, "value": float},
        pk=("model_id", "name", "step"),
        foreign_keys=[("model_id", "models", "id")],
    )


def _minings(db: Database) -> None:
    db.table("minings").create(
        {"id": int, "model_id": int, "round": int, "params": str, "counts": str, "state": str, "created_at": str},
        pk="id",
        foreign_keys=[("model_id", "models", "id")],
    )
    db.table("negatives").create(
        {
            "mining_id": int,
            "query_id": int,
            "passage_id": int,
            "source": str,
            "rank": int,
            "score": float,
            "margin": float,
            "doubt": float,
        },
        pk=("mining_id", "query_id", "passage_id"),
        foreign_keys=[
            ("mining_id", "minings", "id"),
            ("query_id", "queries", "id"),
            ("passage_id", "passages", "id"),
        ],
    )
    db.table("negatives").create_index(["query_id"])
    db.table("negatives").create_index(["passage_id"])


def _runs(db: Database) -> None:
    db.table("runs").create(
        {
            "id": int,
            "system": str,
            "model_id": int,
            "split": str,
            "content_key": str,
            "n_queries": int,
            "metrics": str,
            "seconds": float,
            "state": str,
            "created_at": str,
        },
        pk="id",
        foreign_keys=[("model_id", "models", "id")],
    )
    db.table("runs").create_index(["content_key"])
    db.table("query_metrics").create(
        {
            "run_id": int,
            "query_id": int,
            "ndcg10": float,
            "mrr10": float,
            "recall10": float,
            "hit_rate10": float,
            "map100": float,
            "first_rank": int,
        },
        pk=("run_id", "query_id"),
        foreign_keys=[("run_id", "runs", "id"), ("query_id", "queries", "id")],
    )
    db.table("comparisons").create(
        {
            "id": int,
            "a": str,
            "b": str,
            "run_a": int,
            "run_b": int,
            "metric": str,
            "delta": float,
            "low": float,
            "high": float,
            "p": float,
            "verdict": str,
            "fixed": int,
            "broken": int,
            "n_queries": int,
        },
        pk="id",
        foreign_keys=[("run_a", "runs", "id"), ("run_b", "runs", "id")],
    )


def _history(db: Database) -> None:
    db.table("exports").create(
        {
            "id": int,
            "what": str,
            "format": str,
            "path": str,
            "model_id": int,
            "check": str,
            "created_at": str,
        },
        pk="id",
        foreign_keys=[("model_id", "models", "id")],
    )
    db.table("jobs").create(
        {
            "id": int,
            "kind": str,
            "params": str,
            "state": str,
            "pid": int,
            "started_at": str,
            "ended_at": str,
            "seconds": float,
            "message": str,
            "summary": str,
            "dismissed": int,
        },
        pk="id",
    )


@migrations(name="002_pair_scores")
def pair_scores(db: Database) -> None:
    """How alike a query and a passage are as a teacher or an annotator says; `source` names who said so."""
    db.table("pair_scores").create(
        {"query_id": int, "passage_id": int, "score": float, "source": str},
        pk=("query_id", "passage_id", "source"),
        foreign_keys=[("query_id", "queries", "id"), ("passage_id", "passages", "id")],
    )
    db.table("pair_scores").create_index(["passage_id"])


@migrations(name="003_verdicts")
def verdicts(db: Database) -> None:
    """Comparisons know how many systems were compared; queries can be pinned; models carry notes."""
    db.table("comparisons").add_column("p_adjusted", float)
    db.table("comparisons").add_column("family", int)
    db.execute("update comparisons set p_adjusted = p, family = 1")
    db.table("pinned_queries").create(
        {"query_id": int, "k": int, "created_at": str}, pk="query_id", foreign_keys=[("query_id", "queries", "id")]
    )
    db.table("notes").create({"kind": str, "owner": int, "text": str, "changed_at": str}, pk=("kind", "owner"))


@migrations(name="004_groups_and_imported_runs")
def groups_and_imported_runs(db: Database) -> None:
    """Queries that labelled sets keep together, and rankings of other systems (hits beside the database)."""
    db.execute(
        "create table query_groups (query_id integer primary key references queries(id) on delete cascade, name text)"
    )
    db.execute("create index idx_query_groups_name on query_groups (name)")
    db.table("imported_runs").create(
        {"id": int, "name": str, "file": str, "n_queries": int, "depth": int, "import_id": int, "created_at": str},
        pk="id",
    )
    db.table("imported_runs").create_index(["name"], unique=True)


@migrations(name="005_same_or_not")
def same_or_not(db: Database) -> None:
    """What a person said of two queries: that they ask the same, or that they do not."""
    db.table("query_decisions").create(
        {"query_id": int, "other_id": int, "same": int, "made_at": str},
        pk=("query_id", "other_id"),
        foreign_keys=[("query_id", "queries", "id"), ("other_id", "queries", "id")],
    )


@migrations(name="006_undone_imports")
def undone_imports(db: Database) -> None:
    """Which import brought a row first, so that an import can be taken back without what others brought."""
    for table in ("qrels", "imported_negatives"):
        db.table(table).add_column("import_id", int)
    db.table("documents").add_column("first_import_id", int)
    db.execute("update documents set first_import_id = import_id")
    db.table("imports").add_column("undone", int, not_null_default=0)


@migrations(name="007_probes")
def probes(db: Database) -> None:
    """Where answers of watched queries stood while a model was trained; `top` are its first passages' ids as JSON."""
    db.execute(
        "create table probes (model_id integer references models(id) on delete cascade, step integer, "
        "query_id integer references queries(id) on delete cascade, rank integer, top text, "
        "primary key (model_id, step, query_id))"
    )
    db.execute("create index idx_probes_query on probes (query_id)")


@migrations(name="008_counting_queries")
def counting_queries(db: Database) -> None:
    """Queries by split are counted at each refresh of the window: from an index, not from the rows."""
    db.execute("create index idx_queries_counted on queries (duplicate_of, split)")


@migrations(name="009_imports_go_on")
def imports_go_on(db: Database) -> None:
    """Problems that can be settled, imports that go on where they stopped, files known by size and times, watched ones.

    What is known of labelled files holds as long as nothing that they may have brought is taken out.
    """
    problems = db.table("import_problems")
    problems.add_column("path", str, not_null_default="")
    problems.add_column("state", str, not_null_default="open")
    problems.add_column("settled_by", int)
    db.execute("create index idx_import_problems_path on import_problems (path) where path != ''")
    imports = db.table("imports")
    imports.add_column("settings", str, not_null_default="{}")
    imports.add_column("total_files", int, not_null_default=0)
    imports.add_column("done_files", int, not_null_default=0)
    imports.add_column("current_file", str, not_null_default="")
    db.execute(
        "create table seen_files (path text primary key, size integer, mtime_ns integer, ctime_ns integer, "
        "read_ns integer, found text, settings text, digest text, code text, reason text, units integer, "
        "n_documents integer, labelled integer) without rowid"
    )
    db.execute("create index idx_seen_files_labelled on seen_files (path) where labelled = 1")
    for table, condition in (("documents", "old.labelled = 1"), ("queries", "true")):
        db.execute(
            f"create trigger forget_seen_{table} after delete on {table} when {condition} "
            "begin delete from seen_files where labelled = 1; end"
        )
    db.execute("create table watched_places (path text primary key, added_at text, read_at text not null default '')")


@migrations(name="010_cuts")
def cuts(db: Database) -> None:
    """How each document was cut, what is needed to cut it again, and what the last cutting changed.

    `set_aside`: what was said of passages whose text stands in no passage any more; `fact` is the row as JSON.
    `recut_documents`: what a cutting changed in a document, as compressed JSON, so that it can be taken back.
    """
    db.execute(
        "create table document_cuts (document_id integer primary key references documents(id) on delete cascade, "
        "passage_tokens integer, overlap_tokens integer, headings integer, ruler text, layout blob)"
    )
    db.execute(
        "create table set_aside (id integer primary key, document_id integer references documents(id) "
        "on delete cascade, kind text, query_id integer references queries(id) on delete cascade, fact text, "
        "heading text, text text, reason text, set_aside_at text)"
    )
    db.execute("create index idx_set_aside_document on set_aside (document_id)")
    db.execute("create index idx_set_aside_query on set_aside (query_id)")
    db.execute(
        "create table recuts (id integer primary key, made_at text, before text, after text, counts text, state text)"
    )
    db.execute(
        "create table recut_documents (recut_id integer references recuts(id) on delete cascade, "
        "document_id integer references documents(id) on delete cascade, change blob, "
        "primary key (recut_id, document_id))"
    )
    db.execute("create index idx_recut_documents on recut_documents (document_id)")


@migrations(name="011_judging")
def judging(db: Database) -> None:
    """Passages a person would not judge, and queries whose pool is judged to the end; `systems` names who pooled it."""
    db.execute(
        "create table skipped_passages (query_id integer references queries(id) on delete cascade, "
        "passage_id integer references passages(id) on delete cascade, made_at text, "
        "primary key (query_id, passage_id))"
    )
    db.execute("create index idx_skipped_passages_passage on skipped_passages (passage_id)")
    db.execute(
        "create table judged_pools (query_id integer primary key references queries(id) on delete cascade, "
        "systems text, made_at text)"
    )


@migrations(name="012_gone_members")
def gone_members(db: Database) -> None:
    """Files that an archive held when it was read and holds no more; and which job an import belongs to."""
    db.execute("create table gone_members (path text primary key) without rowid")
    db.table("imports").add_column("job_id", int)


@migrations(name="013_corpus_mark")
def corpus_mark(db: Database) -> None:
    """One number for all passages, their ids and texts: it is what it was when they are; a run keeps the one it saw."""
    db.execute("create table corpus_mark (mark integer not null)")
    db.execute(f"insert into corpus_mark select coalesce(sum({_weight('passages')}) % {_MARKS}, 0) from passages")
    for event, change in (
        ("insert", f"mark + {_weight('new')}"),
        ("delete", f"mark + {_MARKS} - {_weight('old')}"),
        ("update of id, text_hash", f"mark + {_MARKS} - {_weight('old')} + {_weight('new')}"),
    ):
        db.execute(
            f"create trigger mark_passages_{event.split()[0]} after {event} on passages "
            f"begin update corpus_mark set mark = ({change}) % {_MARKS}; end"
        )
    db.table("runs").add_column("corpus", int)
    db.execute(
        "create trigger mark_run after insert on runs "
        "begin update runs set corpus = (select mark from corpus_mark) where id = new.id; end"
    )


@migrations(name="014_removing")
def removing(db: Database) -> None:
    """What is said of a passage or query is found from an index: without, each one removed has whole tables read."""
    for table, column in (
        ("imported_negatives", "passage_id"),
        ("reviews", "passage_id"),
        ("feedback", "passage_id"),
        ("query_metrics", "query_id"),
        ("query_decisions", "other_id"),
    ):
        db.execute(f"create index idx_{table}_{column} on {table} ({column})")


@migrations(name="015_ids_once")
def ids_once(db: Database) -> None:
    """The highest id a passage or query ever had: candidates and hits name them by it, also those that are gone."""
    db.execute("create table last_ids (name text primary key, id integer not null) without rowid")
    for table in ("passages", "queries"):
        db.execute(f"insert into last_ids select ?, coalesce(max(id), 0) from {table}", [table])
        db.execute(
            f"create trigger keep_last_id_of_{table} after delete on {table} begin "
            f"update last_ids set id = max(id, old.id) where name = '{table}'; end"
        )


def next_id(table: str) -> str:
    """SQL for the id of a new passage or query: one that none had before."""
    highest = f"coalesce((select max(id) from {table}), 0)"
    return f"(select max(last.id, {highest}) + 1 from last_ids last where last.name = '{table}')"


_MARKS = (1 << 31) - 1  # a prime: marks are below it, so that billions of them can be added up


def _weight(row: str) -> str:
    """What a passage adds to the mark, from its id and the first letters of its text's digest."""
    letters = (f"unicode(substr({row}.text_hash, {place}, 1)) * {128 ** (place - 1)}" for place in (1, 2, 3))
    return f"coalesce({row}.id % 1000003 * ({' + '.join(letters)}) % {_MARKS}, 0)"
