"""Files with a password: which ask for one, and a readable copy of them for as long as they are read."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from engine.errors import FormatError, PasswordError
from engine.ingest.readers.opening import read_head

Lock = Literal["", "pdf", "office", "opendocument"]

LOCKED = "locked"
"""The kind of a file that shows what it is only when it is opened with its password."""
HINT = "Give its password and read it again, or save a copy without one."

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_ENCRYPTED = b"encryption-data"
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, ValueError, KeyError, NotImplementedError, RuntimeError, EOFError)
_PASSWORD_CODE = 4  # FPDF_ERR_PASSWORD in fpdfview.h
_SEALED = "encrypted-package"  # LibreOffice since 24.8 writes one in place of the parts


def is_sealed(path: Path) -> bool:
    """Whether the file does not even show its kind without its password."""
    head = read_head(path, 512)
    if head.startswith(b"PK\x03\x04"):
        with suppress(*_DAMAGED), zipfile.ZipFile(path) as archive:
            return _SEALED in archive.namelist()
    return _is_locked_office(path, head)


def _is_locked_office(path: Path, head: bytes) -> bool:
    """Whether it is an Office document within a container of ciphertext ([MS-OFFCRYPTO]), told by the container."""
    if not head.startswith(_OLE) or len(head) < 52:
        return False
    sector = 1 << int.from_bytes(head[30:32], "little")
    directory = (int.from_bytes(head[48:52], "little") + 1) * sector
    with path.open("rb") as file:
        file.seek(directory)
        return _PACKAGE in file.read(8 * sector)


def lock_of(path: Path) -> Lock:
    """What keeps the file at `path` from being read without a password; "" where nothing does."""
    head = read_head(path, 1024)
    if b"%PDF-" in head:
        return "pdf" if _opens_pdf(path, None) is False else ""
    if head.startswith(_OLE):
        return "office" if _is_locked_office(path, head) else ""
    if head.startswith(b"PK\x03\x04"):
        with suppress(*_DAMAGED), zipfile.ZipFile(path) as archive:
            sealed = _SEALED in archive.namelist() or _ENCRYPTED in archive.read("META-INF/manifest.xml")
            return "opendocument" if sealed else ""
    return ""


@contextmanager
def unlocked(path: Path, password: str) -> Iterator[Path]:
    """The file itself where it asks for no password, else a copy without one, which is gone afterwards.

    Raises:
        PasswordError: it asks for a password, and none or a wrong one was given.
        FormatError: it is damaged, or locked in a way that is not known.
    """
    lock = lock_of(path)
    if not lock:
        yield path
        return
    if not password:
        raise PasswordError(f"{path.name} asks for a password.", hint=HINT)
    with TemporaryDirectory(prefix="searchsmith-") as place:  # only this user may look into it
        copy = Path(place) / path.name
        _OPENERS[lock](path, copy, password)
        yield copy


def _pdf(path: Path, copy: Path, password: str) -> None:
    import pypdfium2

    if not _opens_pdf(path, password):
        raise _wrong(path)
    with pypdfium2.PdfDocument(path, password=password) as pdf:
        pdf.save(copy, flags=pypdfium2.raw.FPDF_REMOVE_SECURITY)


def _opens_pdf(path: Path, password: str | None) -> bool | None:
    """Whether the password opens the file; None where something else is wrong with it."""
    import pypdfium2

    try:
        pypdfium2.PdfDocument(path, password=password).close()
    except pypdfium2.PdfiumError as error:
        return False if getattr(error, "err_code", None) == _PASSWORD_CODE else None
    return True


def _office(path: Path, copy: Path, password: str) -> None:
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError

    try:
        with path.open("rb") as file, copy.open("wb") as target:
            office = msoffcrypto.OfficeFile(file)
            office.load_key(password=password, verify_password=True)
            office.decrypt(target)
    except InvalidKeyError as error:
        raise _wrong(path) from error
    except (DecryptionError, FileFormatError, ParseError) as error:
        raise FormatError(f"{path.name} cannot be opened: {error}.", hint="Save a copy without a password.") from error


def _opendocument(path: Path, copy: Path, password: str) -> None:
    from odfdecrypt import ODFDecryptError, UnsupportedEncryptionError, decrypt

    try:
        copy.write_bytes(decrypt(str(path), password=password).getvalue())
    except UnsupportedEncryptionError as error:
        raise FormatError(f"{path.name} cannot be opened: {error}.", hint="Save a copy without a password.") from error
    except ODFDecryptError as error:  # a wrong password shows as a wrong checksum or as content that does not inflate
        raise _wrong(path) from error


def _wrong(path: Path) -> PasswordError:
    return PasswordError(f"The password given for {path.name} is not the right one.", hint=HINT, wrong=True)


_OPENERS: dict[Lock, Callable[[Path, Path, str], None]] = {
    "pdf": _pdf,
    "office": _office,
    "opendocument": _opendocument,
}
