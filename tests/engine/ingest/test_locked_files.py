"""Files with a password: told as such, opened with it, and the password is kept nowhere."""

from __future__ import annotations

import io
import json
import random
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import odfdecrypt
import pypdf
import pytest
import pyzipper
from msoffcrypto.format.ooxml import OOXMLFile

from engine.ingest.archives import unpack
from engine.ingest.importing import import_paths
from engine.ingest.passwords import Passwords
from engine.jobs import run_job
from engine.params import ImportParams, params_to_keep
from engine.records import ImportReport
from engine.store import documents, imports
from engine.store.project import Project
from engine.task import Task
from tests.datasets import shared_data
from tests.engine.ingest.samples import make_docx, make_pdf
from tests.growth import calls

WORD = "Xk7-geheim-Wort"
ODF = Path(odfdecrypt.__file__).parent / "tests" / "resources" / "password_protected"


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        yield made


def _locked_pdf(path: Path, *, algorithm: str = "AES-256") -> Path:
    writer = pypdf.PdfWriter(clone_from=str(make_pdf(path, ["The red page", "The blue page"])))
    writer.encrypt(WORD, "another", algorithm=algorithm)
    writer.write(str(path))
    return path


def _locked_docx(path: Path) -> Path:
    # msoffcrypto writes no readable container for files under 4 kB, as it says itself
    rng = random.Random(1)
    words = " ".join(str(rng.random()) for _ in range(1500))
    plain = make_docx(path.with_suffix(".plain"), [("H1", "The red heading"), ("", words)])
    with plain.open("rb") as file, path.open("wb") as target:
        OOXMLFile(file).encrypt(WORD, target)
    plain.unlink()
    return path


def _locked_zip(path: Path, *, aes: bool) -> Path:
    if aes:
        with pyzipper.AESZipFile(path, "w", encryption=pyzipper.WZ_AES) as archive:
            archive.setpassword(WORD.encode())
            archive.writestr("in.txt", "The packed box.")
        return path
    path.write_bytes(_pkware(b"The packed box."))
    return path


def _work_of_unpacking(path: Path, members: int) -> int:
    with pyzipper.AESZipFile(path, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(WORD.encode())
        for number in range(members):
            archive.writestr(f"{number}.txt", "The packed box.")
    place = path.with_suffix("")
    work = calls(lambda: unpack(path, "zip", place, Task(), password=WORD))
    assert len(list(place.iterdir())) == members
    return work


def test_twice_the_files_in_a_locked_archive_are_about_twice_the_work(tmp_path):
    _work_of_unpacking(tmp_path / "first.zip", 1)  # which loads the library
    assert _work_of_unpacking(tmp_path / "twice.zip", 80) < 2.3 * _work_of_unpacking(tmp_path / "once.zip", 40)


def _pkware(content: bytes) -> bytes:
    """A ZIP of one stored file `in.txt` under PKWARE's cipher (APPNOTE.TXT, 6.1), which no library writes any more."""
    table = [0] * 256
    for n in range(256):
        value = n
        for _ in range(8):
            value = (value >> 1) ^ 0xEDB88320 if value & 1 else value >> 1
        table[n] = value
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc32(byte: int, crc: int) -> int:
        return (crc >> 8) ^ table[(crc ^ byte) & 0xFF]

    def update(byte: int) -> None:
        keys[0] = crc32(byte, keys[0])
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc32(keys[1] >> 24, keys[2])

    for byte in WORD.encode():
        update(byte)
    crc = zlib.crc32(content)
    out = bytearray()
    for byte in bytes(11) + bytes([crc >> 24]) + content:
        key = keys[2] | 2
        out.append(byte ^ (((key * (key ^ 1)) >> 8) & 0xFF))
        update(byte)
    name, sizes = b"in.txt", (crc, len(out), len(content))
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 1, 0, 0, 33, *sizes, len(name), 0) + name + bytes(out)
    central = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 1, 0, 0, 33, *sizes, len(name), 0, 0, 0, 0, 0, 0
    )
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central) + len(name), len(local), 0)
    return local + central + name + end


def _import(project: Project, path: Path, **passwords: str) -> ImportReport:
    params = ImportParams(
        paths=(str(path),), passwords={str(path / k) if k else str(path): v for k, v in passwords.items()}
    )
    return import_paths(project, params, Task())


def _text(project: Project, path: str) -> str:
    found = documents.document_at(project, path)
    return documents.document_text(project, found.id) if found else ""


def _make(kind: str, tmp_path: Path) -> tuple[Path, str, str]:
    """A locked file, its password, and words of its text."""
    if kind == "pdf":
        return _locked_pdf(tmp_path / "a.pdf"), WORD, "The red page"
    if kind == "pdf-rc4":
        return _locked_pdf(tmp_path / "a.pdf", algorithm="RC4-128"), WORD, "The red page"
    if kind == "docx":
        return _locked_docx(tmp_path / "a.docx"), WORD, "The red heading"
    names = {"odt": "libre_office_sample_pw_hello.odt", "odt-old": "aoo_document_pw_hello.odt"}
    words = {"odt": "Hey ho", "odt-old": "Mission accomplished"}
    return Path(shutil.copy(ODF / names[kind], tmp_path / "a.odt")), "hello", words[kind]


@pytest.mark.parametrize("kind", ["pdf", "pdf-rc4", "docx", "odt", "odt-old"])
def test_a_locked_file_says_so_and_is_read_with_its_password(project, tmp_path, kind):
    path, word, text = _make(kind, tmp_path)
    report = _import(project, path)
    (problem,) = report.problems
    assert (problem.code, problem.path, report.counts.skipped) == ("password", str(path), 1)
    assert "Give its password" in problem.reason
    (problem,) = _import(project, path, **{"": "not it"}).problems
    assert problem.code == "wrong_password"
    report = _import(project, path, **{"": word})
    assert (report.problems, report.counts.new) == ((), 1)
    assert text in _text(project, str(path))
    assert imports.count_problems(project) == 0


@pytest.mark.parametrize("aes", [True, False])
def test_files_of_a_locked_archive_come_out_with_its_password(project, tmp_path, aes):
    path = _locked_zip(tmp_path / "a.zip", aes=aes)
    (problem,) = _import(project, path).problems
    assert (problem.code, problem.path) == ("password", f"{path}/in.txt")
    (problem,) = _import(project, path, **{"": "not it"}).problems
    assert problem.code == "wrong_password"
    assert _import(project, path, **{"": WORD}).problems == ()
    assert _text(project, f"{path}/in.txt") == "The packed box."
    assert imports.count_problems(project) == 0


def test_the_standard_library_agrees_with_the_archive_made_here(tmp_path):
    with zipfile.ZipFile(io.BytesIO(_pkware(b"The packed box."))) as archive:
        assert archive.read("in.txt", pwd=WORD.encode()) == b"The packed box."


def test_the_password_of_a_folder_opens_all_in_it(project, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    _locked_pdf(folder / "a.pdf")
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.write(_locked_docx(tmp_path / "c.docx"), "c.docx")
    report = _import(project, folder, **{"": WORD})
    assert (report.problems, report.counts.new) == ((), 2)


def test_the_nearest_password_counts():
    words = Passwords({"/a": "folder", "/a/b.zip": "archive", "/a/b.zip/c.pdf": "file", "": "any"})
    assert [words.of(name) for name in ("/a/b.zip/c.pdf", "/a/b.zip/d.pdf", "/a/e", "/f")] == [
        "file",
        "archive",
        "folder",
        "any",
    ]
    assert WORD not in repr(Passwords({"/a": WORD}))


def test_a_file_that_needs_no_password_is_read_whatever_was_given(project, tmp_path):
    path = make_pdf(tmp_path / "a.pdf", ["The red page"])
    assert _import(project, path, **{"": WORD}).counts.new == 1


def test_a_password_is_kept_nowhere(tmp_path):
    path = _locked_pdf(tmp_path / "a.pdf")
    where = tmp_path / "p"
    run_job(where, "new", {}, Task())
    run_job(where, "import", {"paths": [str(path)], "passwords": {str(path): "Zz-wrong-word"}}, Task())
    run_job(where, "retry", {"files": [str(path)], "passwords": {str(path): WORD}}, Task())
    with Project.open(where) as project:
        kept = json.dumps([list(row) for row in project.db.execute("select params, summary, message from jobs")])
        assert documents.count_documents(project) == 1
    assert "passwords" not in kept
    written = [file.read_bytes() for file in where.rglob("*") if file.is_file()]
    assert written
    assert not any(word in content for content in written for word in (WORD.encode(), b"Zz-wrong-word"))


def test_params_say_no_password_aloud():
    params = ImportParams(paths=("a",), passwords={"/a": WORD})
    assert WORD not in repr(params)
    assert "passwords" not in params_to_keep(params)


LOCKED_REAL = {
    "aes-256.pdf": "foo",
    "rc4-40.pdf": "foo",
    "libreoffice-writer-password.pdf": "openpassword",
    "password-example.pdf": "test",
    "testWORD_protected_passtika.docx": "tika",
}


def test_real_locked_files_are_read_with_their_passwords(project):
    folder = shared_data("mixed-docs/broken")
    passwords = {str(folder / name): word for name, word in LOCKED_REAL.items()}
    params = ImportParams(paths=tuple(passwords), passwords=passwords)
    report = import_paths(project, params, Task())
    assert (report.problems, report.counts.new) == ((), len(LOCKED_REAL))
    assert all(_text(project, path) for path in passwords)


def test_a_wrong_password_does_not_settle_that_one_is_missing(project, tmp_path):
    _locked_pdf(tmp_path / "a.pdf")
    _import(project, tmp_path / "a.pdf")
    _import(project, tmp_path / "a.pdf", **{"": "wrong"})
    rows = project.db.execute("select code, state from import_problems order by id").fetchall()
    assert rows == [("password", "repeated"), ("wrong_password", "open")]
