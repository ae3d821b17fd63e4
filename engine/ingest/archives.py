"""Archives (ZIP, TAR, gzip) as folders: unpacked beside, counted while they are, never outside, never for ever."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal, cast

from engine.errors import FormatError, LimitError
from engine.ingest.limits import raised
from engine.ingest.readers.encodings import detect
from engine.ingest.readers.opening import read_head
from engine.ingest.unlocking import HINT
from engine.task import Task

ArchiveKind = Literal["", "zip", "tar", "gz", "bz2", "xz"]

ARCHIVES = ("zip", "tar", "gz", "bz2", "xz")
MAX_MEMBERS = 200_000
MAX_BYTES = 8 * 1024**3
RATIO_FROM = 100 * 1024 * 1024
MAX_RATIO = 200
_BLOCK = 1 << 20
_DOCUMENTS = ("word/document.xml", "META-INF/container.xml", "content.xml", "[Content_Types].xml")
_LONGEST_NAME = 200
_LONGEST_BYTES = 245  # Linux takes 255, and a number may come behind the name
_LONGEST_SUFFIX = 16
_ON_WINDOWS = sys.platform == "win32"
_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"|?*', "_"))  # a colon would write into a stream of another file

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


def archive_kind(path: Path) -> ArchiveKind:
    """What packs the file at `path`; "" for all else, and for documents that are ZIP files inside (DOCX, EPUB)."""
    head = read_head(path, 512)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "" if _is_document(path) else "zip"
    magics: tuple[tuple[bytes, ArchiveKind], ...] = (
        (b"\x1f\x8b", "gz"),
        *((b"BZh%d" % level + block, "bz2") for level in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90")),
        (b"\xfd7zXZ\0", "xz"),
    )
    for magic, kind in magics:
        if head.startswith(magic):
            return "tar" if ".tar" in path.name.lower() or path.suffix.lower() in (".tgz", ".tbz2", ".txz") else kind
    return "tar" if head[257:262] == b"ustar" else ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file of an archive that was not taken out, and why."""

    name: str
    reason: str
    code: str = "archive"


def unpack(
    path: Path,
    kind: ArchiveKind,
    place: Path,
    task: Task,
    *,
    password: str = "",
    pulse: Callable[[], None] | None = None,
) -> list[LeftOut]:
    """Write the archive's files below the new folder `place`; returns those left out.

    Names never lead out of `place`; links, devices and members whose password is not given are left out. `pulse` is
    called after each block and may raise to give it up.

    Raises:
        FormatError: it is damaged.
        LimitError: it unpacks to more than `MAX_BYTES` or `MAX_RATIO` times its size.
    """
    place.mkdir(parents=True)
    budget = _Budget(path, pulse or task.check_cancelled)
    try:
        if kind == "zip":
            return list(_unzip(path, place, budget, password))
        if kind == "tar":
            return list(_untar(path, place, budget))
        with _opened(path, kind) as stream:
            budget.copy(stream, _target(place, path.stem))
    except _DAMAGED as error:
        raise FormatError(f"{path.name} is damaged: {error}.", hint="Get the file again.") from error
    return []


def _opened(path: Path, kind: ArchiveKind) -> IO[bytes]:
    if kind == "bz2":
        return bz2.open(path)
    return cast(IO[bytes], lzma.open(path) if kind == "xz" else gzip.open(path))


class _Budget:
    """Counts what comes out of an archive and stops where it is too much."""

    def __init__(self, path: Path, pulse: Callable[[], None]) -> None:
        self._path, self._pulse = path, pulse
        self._size = max(path.stat().st_size, 1)
        self._bytes = self._members = 0

    def member(self) -> None:
        self._members += 1
        self._pulse()
        if self._members > raised(MAX_MEMBERS):
            raise self._too_much()

    def copy(self, stream: IO[bytes], target: Path) -> None:
        self.member()
        with target.open("wb") as file:
            while block := stream.read(_BLOCK):
                self._pulse()
                self._bytes += len(block)
                wild = self._bytes > RATIO_FROM and self._bytes > raised(MAX_RATIO) * self._size
                if self._bytes > raised(MAX_BYTES) or wild:
                    raise self._too_much()
                file.write(block)

    def _too_much(self) -> LimitError:
        return LimitError(
            f"{self._path.name} unpacks to far more than an archive of documents holds.",
            hint="Do not trust it, or unpack it yourself and import the folder, or read it again with larger limits.",
        )


def _unzip(path: Path, place: Path, budget: _Budget, password: str) -> Iterator[LeftOut]:
    with ExitStack() as open_:
        archive = open_.enter_context(zipfile.ZipFile(path))
        locked = open_.enter_context(_unlocking(path)) if password else None
        members = archive.infolist()
        names = _names(members)
        for member in members:
            name = names[member.filename]
            if member.is_dir():
                continue
            if (member.external_attr >> 16) & 0o170000 == 0o120000:
                yield LeftOut(name, "a link inside an archive")
            elif not _is_safe(name):
                yield LeftOut(name, "its name leads out of the archive")
            elif member.flag_bits & 1 and locked is None:
                yield LeftOut(name, f"asks for a password. {HINT}", "password")
            elif member.flag_bits & 1 and locked is not None:
                target = _target(place, name)
                if not _unlock(locked, member.filename, password, target, budget):
                    target.unlink(missing_ok=True)
                    yield LeftOut(name, f"the password given is not the right one. {HINT}", "wrong_password")
            elif not member.file_size:  # not written: an archive of 100,000 of them is 400 bytes a name
                budget.member()
                if not _is_hidden(name):
                    yield LeftOut(
                        name, f"{PurePosixPath(name).name} is empty. Nothing can be imported from it.", "empty"
                    )
            else:
                with archive.open(member) as stream:
                    budget.copy(stream, _target(place, name))


def _unlocking(path: Path) -> Any:  # Any: untyped library
    import pyzipper

    return pyzipper.AESZipFile(path)


def _unlock(archive: Any, member: str, password: str, target: Path, budget: _Budget) -> bool:  # Any: untyped library
    """Write a member with a password, of either kind (PKWARE, AES); False where the password is a wrong one."""
    import pyzipper

    # The old cipher lets one wrong word in 256 through to the checksum.
    wrong: tuple[type[Any], ...] = (RuntimeError, pyzipper.BadZipFile, zipfile.BadZipFile, zlib.error)
    try:
        with archive.open(member, pwd=password.encode()) as stream:
            budget.copy(stream, target)
    except wrong:
        return False
    return True


def _untar(path: Path, place: Path, budget: _Budget) -> Iterator[LeftOut]:
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            if member.isdir():
                continue
            if not member.isreg():
                budget.member()
                yield LeftOut(member.name, "a link or device inside an archive")
            elif not _is_safe(member.name):
                yield LeftOut(member.name, "its name leads out of the archive")
            else:
                stream = archive.extractfile(member)
                if stream is not None:
                    with stream:
                        budget.copy(stream, _target(place, member.name))


def _is_document(path: Path) -> bool:
    damaged = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError)
    with suppress(*damaged), zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        return bool(names.intersection(_DOCUMENTS)) or any(name.startswith(("xl/", "ppt/", "word/")) for name in names)
    return False


def _names(members: list[zipfile.ZipInfo]) -> dict[str, str]:
    """Names as people wrote them; a ZIP without the mark of UTF-8 does not say its encoding, so all are looked at."""
    names = {member.filename: member.filename for member in members}
    raw = {m.filename: m.filename.encode("cp437", "replace") for m in members if not m.flag_bits & 0x800}
    joined = b"\n".join(raw.values())
    encoding = "ascii" if joined.isascii() else detect(joined) or "cp437"
    for name, content in raw.items():
        with suppress(UnicodeDecodeError, LookupError):
            names[name] = content.decode(encoding)
    return names


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part.lower() == "__macosx" for part in PurePosixPath(name).parts)


def _is_safe(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or name.startswith(("/", "\\")) or "\0" in name:
        return False
    return ".." not in parts and ":" not in parts[0]


def _target(place: Path, name: str) -> Path:
    """Where a member is written; parts that are no names here are changed, and a name that is taken gets a number."""
    *folders, last = (_writable(part) for part in PurePosixPath(name.replace("\\", "/")).parts)
    for folder in folders:
        place = _numbered(place / folder, lambda path: path.exists() and not path.is_dir())
    place.mkdir(parents=True, exist_ok=True)
    return _numbered(place / last, Path.exists)


def _numbered(path: Path, is_taken: Callable[[Path], bool]) -> Path:
    target, number = path, 2
    while is_taken(target):
        target = path.with_name(f"{path.stem} ({number}){path.suffix}")
        number += 1
    return target


def _writable(part: str) -> str:
    """A name that this system takes: not too long, and on Windows without what only other systems allow."""
    if _ON_WINDOWS:
        part = part.translate(_FORBIDDEN)
    if len(part) <= _LONGEST_NAME and len(part.encode(errors="replace")) <= _LONGEST_BYTES:
        return part
    suffix = Path(part).suffix
    suffix = suffix if len(suffix) <= _LONGEST_SUFFIX else ""
    stem = part.removesuffix(suffix).encode(errors="replace")[: _LONGEST_NAME - len(suffix.encode())]
    return stem.decode(errors="ignore") + suffix
