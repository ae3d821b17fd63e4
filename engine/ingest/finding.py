"""What lies under the paths a person named: documents, labelled sets, and what is left alone with its reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from engine.errors import FormatError, UserError
from engine.ingest.archives import archive_kind
from engine.ingest.labelled import FORMATS, NAMES, Detection, detect
from engine.ingest.labelled.detecting import FOLDERS_ONLY, SUFFIXES
from engine.ingest.readers.opening import check_size
from engine.ingest.readers.sniffing import FOREIGN, is_known, sniff
from engine.ingest.unlocking import LOCKED, is_sealed
from engine.params import ImportParams
from engine.task import Task

# The last is the mark that our own exports bear.
_SYSTEM_NAMES = ("thumbs.db", "desktop.ini", "__macosx", "__pycache__", "searchsmith.json")
# Notes that people put beside a labelled set; they are no part of it and would be strangers in its corpus.
_NOTES = (".md", ".txt", ".pdf", "")
_NOTE_NAMES = ("readme", "license", "licence", "notice", "changelog", "citation")
# With a `project.db` beside them; that name alone others use, too.
_OF_PROJECTS = ("vectors", "minings", "runs")


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or the folder of a labelled set.

    `shown` is its name for people, below the path they named; `origin` where it came from, for a file out of an
    archive, and `archive` the path of the outermost one. `format` is a document's kind (or an archive's) or a labelled
    set's format; `code` and `reason` say why it is skipped, or what the format was seen by. `mapping` is a table's.
    """

    path: Path
    shown: str
    kind: Literal["documents", "labelled", "skipped"]
    format: str
    reason: str
    code: str = ""
    mapping: tuple[tuple[str, str], ...] = ()
    origin: str = ""
    archive: str = ""

    @property
    def name(self) -> str:
        """What its document is known by: the path, or the archive's path and the name within."""
        return self.origin or str(self.path)


class Known(Protocol):
    """What is known of files from before, so that not each is looked into again."""

    def found(self, path: Path, shown: str, facts: os.stat_result, *, named: bool) -> Found | None:
        """What an unchanged file was found to be."""

    def note(self, found: Found, *, named: bool) -> None:
        """Take down what a file was found to be."""


def scan(
    paths: Sequence[str], params: ImportParams, task: Task | None = None, *, known: Known | None = None
) -> list[Found]:
    """Everything that an import of `paths` would look at, in order of name; nothing is read but heads of files.

    Hidden files are passed over. Links are followed only to places within the folder named. A file is listed once.

    Raises:
        UserError: a path is not there, nothing is found, or the format asked for does not fit.
    """
    if params.format not in ("auto", *FORMATS):
        raise UserError(f"There is no format '{params.format}'.", hint=f"Formats: auto, {', '.join(FORMATS)}.")
    if params.kind == "documents" and params.format != "auto":
        raise UserError(
            f"Documents are not read as {params.format}, which is a labelled set.",
            hint="Leave --format out, or --as documents.",
        )
    if not paths:
        raise UserError("No file or folder was named.", hint="Name files or folders to import.")
    task = task or Task()
    found: list[Found] = []
    seen: set[tuple[int, int]] = set()
    named = [Path(name).expanduser().absolute() for name in dict.fromkeys(paths)]
    for number, path in enumerate(named):
        if not path.exists():
            raise UserError(f"There is no file or folder {path}.", hint="Check the path.")
        before = len(found)
        for one in _below(path, _Look(params, known), seen, task):
            found.append(one)
            task.progress("look at files", len(found), 0, one.shown)
        if path.is_dir() and len(found) == before and not any(path.is_relative_to(other) for other in named[:number]):
            raise UserError(f"There is nothing to import in {path}.", hint="Hidden files are not read.")
    return _without_notes(_settle_pools(_once(found), params))


@dataclass(frozen=True, slots=True)
class _Look:
    """How files are looked at."""

    params: ImportParams
    known: Known | None = None


def _below(path: Path, look: _Look, seen: set[tuple[int, int]], task: Task) -> Iterator[Found]:
    is_new = _is_first(path, seen)
    if not path.is_dir():
        if is_new:
            yield _file(path, path.name, look, named=True)
        return
    yield from _folder(path, path, look, seen, task)


def _folder(root: Path, folder: Path, look: _Look, seen: set[tuple[int, int]], task: Task) -> Iterator[Found]:
    task.check_cancelled()
    params = look.params
    shown = folder.relative_to(root).as_posix() if folder != root else root.name
    if _is_project(folder):
        reason = "a project of this program: its files are no documents; name the folders that hold them"
        yield Found(folder, shown, "skipped", "", reason, "project")
        return
    if params.kind != "documents":
        detection = detect(folder)
        wanted = params.format in ("auto", detection.format)
        if detection.format and wanted:
            yield Found(folder, shown, "labelled", detection.format, detection.reason)
            yield from _beside(root, folder, detection)
            return
        if params.format in FOLDERS_ONLY and folder == root:
            raise UserError(f"{folder} is no {NAMES[params.format]} folder.", hint=FOLDERS_ONLY[params.format])
    try:
        entries = _entries(folder)
    except UserError as error:
        if folder == root:
            raise
        yield Found(folder, shown, "skipped", "", str(error), "unreadable")
        return
    for entry in entries:
        path = Path(entry.path)
        shown = path.relative_to(root).as_posix()
        if not _is_text(shown):
            reason = "its name is no text (bytes that are no UTF-8), so it can be listed nowhere; rename it"
            shown = shown.encode("utf-8", "backslashreplace").decode("utf-8")
            yield Found(Path(shown), shown, "skipped", "", reason, "name")
        elif entry.is_symlink() and not _stays_within(path, root):
            yield Found(path, shown, "skipped", "", "a link that leads out of the folder", "link")
        elif not _is_first(path, seen):
            continue
        elif entry.is_dir():
            yield from _folder(root, path, look, seen, task)
        else:
            yield _file(path, shown, look, named=False)


def _is_project(folder: Path) -> bool:
    try:
        return (folder / "project.db").is_file() and all((folder / name).is_dir() for name in _OF_PROJECTS)
    except OSError:  # not to be looked into, or too long a path: told where its entries are read
        return False


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not _is_hidden(entry.name)]
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be read: {error.strerror or error}.", hint="Check its permissions."
        ) from error
    # Links last: a file that is there twice goes by its own name.
    return sorted(visible, key=lambda entry: (entry.is_symlink(), entry.name))


def _is_text(name: str) -> bool:
    """Whether a name can be written down: Linux allows any bytes, which Python reads as lone surrogates."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in _SYSTEM_NAMES


def _stays_within(path: Path, root: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _is_first(path: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether this file was not met before under another name (links make loops)."""
    try:
        facts = path.stat()
    except OSError:
        return True
    identity = (facts.st_dev, facts.st_ino)
    if not facts.st_ino or identity not in seen:
        seen.add(identity)
        return True
    return False


def _beside(root: Path, folder: Path, detection: Detection) -> Iterator[Found]:
    """Data files beside or below a labelled set that are no part of it; notes about it are passed over."""
    own = {file.resolve() for file in detection.files}
    for path in sorted(folder.rglob("*")):
        hidden = any(_is_hidden(part) for part in path.relative_to(folder).parts)
        if hidden or not path.is_file() or path.suffix.lower() in _NOTES or path.resolve() in own:
            continue
        reason = f"lies beside the {NAMES[detection.format]} set but is no part of it; name it by itself to import it"
        yield Found(path, path.relative_to(root).as_posix(), "skipped", "", reason, "beside_set")


def _file(path: Path, shown: str, look: _Look, *, named: bool) -> Found:
    """What a file is: as it is known, or looked into."""
    if look.known is None:
        return _one_file(path, shown, look.params, named=named)
    with suppress(OSError):
        facts = path.stat()
        if stat.S_ISREG(facts.st_mode) and (before := look.known.found(path, shown, facts, named=named)):
            return before
    found = _one_file(path, shown, look.params, named=named)
    if found.path == path:  # else the set that the file belongs to
        look.known.note(found, named=named)
    return found


def _one_file(path: Path, shown: str, params: ImportParams, *, named: bool) -> Found:
    skipped = Found(path, shown, "skipped", "", "", "format")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return replace(skipped, reason="no regular file (a pipe, socket or device)", code="not_a_file")
        if params.kind != "labelled" and is_sealed(path):
            return Found(path, shown, "documents", LOCKED, "asks for a password")
        if params.kind != "documents":
            detection = detect(path)
            if labelled := _labelled(path, shown, detection, params):
                return labelled
            if params.kind == "labelled" or params.format != "auto":
                return replace(skipped, reason=f"no labelled set: {detection.reason}", code="not_labelled")
        if packed := archive_kind(path):
            return Found(path, shown, "documents", packed, "an archive: its files are imported")
        kind = sniff(path)
        check_size(path, text=kind not in FOREIGN)
    except FormatError as error:
        return replace(skipped, reason=str(error), code=_code(error))
    except (UserError, OSError) as error:
        return replace(skipped, reason=str(error), code="unreadable")
    if kind == "txt" and not named and not is_known(path):
        reason = f"files ending in {path.suffix} are not read from folders; name the file itself to read it as text"
        return replace(skipped, reason=reason, code="unknown_kind")
    note = "note" if not named and path.name.lower().startswith(_NOTE_NAMES) else ""
    return Found(path, shown, "documents", kind, f"read as {kind}", note)


def _code(error: FormatError) -> str:
    return "empty" if "is empty" in error.message else error.code


def _labelled(path: Path, shown: str, detection: Detection, params: ImportParams) -> Found | None:
    if detection.root and params.format in ("auto", detection.format):
        return Found(detection.root, shown, "labelled", detection.format, detection.reason)
    if params.format not in ("auto", *FOLDERS_ONLY) and path.name.lower().endswith((*SUFFIXES, ".gz", ".txt")):
        reason = detection.reason if detection.format == params.format else f"read as {NAMES[params.format]}, as asked"
        return Found(path, shown, "labelled", params.format, reason)
    if not detection.format or detection.root or params.format in FOLDERS_ONLY:
        return None
    pool = "pool" if detection.pool and params.kind == "auto" else ""
    return Found(path, shown, "labelled", detection.format, detection.reason, pool)


def _once(found: Sequence[Found]) -> list[Found]:
    """Each path once: several files of one BEIR folder stand for the same set."""
    return list({one.path: one for one in reversed(found)}.values())[::-1]


def _settle_pools(found: Sequence[Found], params: ImportParams) -> list[Found]:
    """Files of passages under a general name belong to a labelled set if one lies beside them, else are documents."""
    sets = {one.path.parent for one in found if one.kind == "labelled" and not one.code}
    settled = []
    for one in found:
        if one.code == "pool" and one.path.parent in sets:
            one = replace(one, reason=f"{one.reason}, beside a labelled set: a pool for it", code="")
        elif one.code == "pool":
            one = replace(_one_file(one.path, one.shown, replace(params, kind="documents"), named=True), code="")
        settled.append(one)
    return settled


def _without_notes(found: Sequence[Found]) -> list[Found]:
    """The same for labelled sets that are loose files: their README is not searched with their passages."""
    sets = {one.path.parent for one in found if one.kind == "labelled" and one.path.is_file()}
    reason = "notes about the labelled set beside it; name the file itself to import it"
    settled = []
    for one in found:
        if one.code == "note":
            around = any(labelled.is_relative_to(one.path.parent) for labelled in sets)
            one = replace(one, kind="skipped", reason=reason, code="beside_set") if around else replace(one, code="")
        settled.append(one)
    return settled
