"""What is known of files that were read: size, times and what came of them, so that an unchanged one is not opened."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from engine.store.project import Project

_COLUMNS = (
    "path, size, mtime_ns, ctime_ns, read_ns, found, settings, digest, code, reason, units, n_documents, labelled"
)


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it was when it was read.

    Attributes:
        path: what it is known by.
        read_ns: the clock when its reading began; later times of the file are not to be trusted.
        found: what it was found to be, as JSON of the stage that wrote it.
        settings: how it was read.
        digest: the hash of its content and of what its passages depend on.
        code: the problem that kept it out as a whole, "" where it was taken.
        units: counted in it (lines of a labelled set, files of an archive), 1 for a document.
        n_documents: documents of its own that it left in the project.
        labelled: whether queries or judgements may have come from it.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    read_ns: int
    found: str
    settings: str
    digest: str
    code: str = ""
    reason: str = ""
    units: int = 1
    n_documents: int = 0
    labelled: bool = False


def seen_file(project: Project, path: str) -> SeenFile | None:
    row = project.db.execute(f"select {_COLUMNS} from seen_files where path = ?", [path]).fetchone()
    return SeenFile(*row) if row else None


def put_seen(project: Project, files: Sequence[SeenFile]) -> None:
    """Keep what is known; replaces what was known of the same paths."""
    names = tuple(SeenFile.__dataclass_fields__)
    project.db.conn.executemany(
        f"insert or replace into seen_files ({_COLUMNS}) values ({', '.join('?' * len(names))})",
        [tuple(getattr(file, name) for name in names) for file in files],
    )


def forget_seen(project: Project, path: str) -> None:
    project.db.execute("delete from seen_files where path = ?", [path])


def forget_labelled(project: Project) -> None:
    """After something that labelled files may have brought was taken out: they are read again next time."""
    project.db.execute("delete from seen_files where labelled = 1")


def count_from(project: Project, path: str, *, within: bool = False) -> int:
    """How many documents of the project came from the labelled set at `path`; `within`: out of the archive there."""
    if within:
        found = project.db.execute(
            "select count(*) from documents where path > ? and path < ?", [f"{path}/", f"{path}0"]
        )
    else:
        found = project.db.execute("select count(*) from documents where path = ? and labelled = 1", [path])
    return int(found.fetchone()[0])


def put_gone_members(project: Project, archive: str, *, met: Set[str], shut: Set[str]) -> int:
    """After an archive was read: keep which files the project has out of it that it holds no more; returns how many.

    Args:
        met: what everything found in it is known by.
        shut: those of them that could not be looked into; what was in there may be there still.
    """
    inside = [f"{archive}/", f"{archive}0"]
    rows = project.db.execute("select path from documents where path > ? and path < ? and labelled = 0", inside)
    gone = [
        path for (path,) in rows.fetchall() if path not in met and not any(path.startswith(f"{name}/") for name in shut)
    ]
    project.db.execute("delete from gone_members where path > ? and path < ?", inside)
    project.db.conn.executemany("insert into gone_members values (?)", [[path] for path in gone])
    return len(gone)


def gone_members(project: Project) -> set[str]:
    """Files whose archive did not hold them any more when it was read last."""
    return {str(row[0]) for row in project.db.execute("select path from gone_members")}


def contents_within(project: Project, path: str) -> list[tuple[str, str]]:
    """(content hash, path) of documents that came out of the archive `path`."""
    rows = project.db.execute(
        "select content_hash, path from documents where path > ? and path < ? and labelled = 0",
        [f"{path}/", f"{path}0"],
    )
    return [(str(digest), str(inside)) for digest, inside in rows]
