"""Archives are imported like folders, and none of them leads out of its place or on for ever."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from engine.errors import FormatError
from engine.ingest import archives
from engine.ingest.archives import archive_kind, unpack
from engine.ingest.importing import import_paths
from engine.params import ImportParams
from engine.store import documents
from engine.store.project import Project
from engine.task import Task
from tests.datasets import shared_data
from tests.engine.ingest.samples import make_docx


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        yield made


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _tar(path: Path, members: dict[str, bytes], *, link: str = "") -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo("link.txt")
            member.type, member.linkname = tarfile.SYMTYPE, link
            archive.addfile(member)
    return path


def _titles(project: Project) -> dict[str, str]:
    return {Path(d.path).name: d.path for d in documents.page_of_documents(project, offset=0, limit=100)}


def test_files_of_an_archive_are_documents_named_within_it(project, tmp_path):
    inner = _zip(tmp_path / "inner.zip", {"deep.txt": b"the deep red box"})
    docx = make_docx(tmp_path / "a.docx", [("", "A screw and a nut.")])
    members = {"notes/a.txt": b"the red box", "list.docx": docx.read_bytes(), "more.zip": inner.read_bytes()}
    folder = tmp_path / "in"
    folder.mkdir()
    path = _zip(folder / "all.zip", members)
    report = import_paths(project, ImportParams(paths=(str(folder),)), Task())
    assert report.problems == ()
    assert _titles(project) == {
        "a.txt": f"{path}/notes/a.txt",
        "list.docx": f"{path}/list.docx",
        "deep.txt": f"{path}/more.zip/deep.txt",
    }
    again = import_paths(project, ImportParams(paths=(str(folder),)), Task())
    assert (again.counts.unchanged, again.counts.new) == (3, 0)


@pytest.mark.parametrize("name", ["all.tar", "all.tar.gz", "all.tgz"])
def test_tar_archives_are_read_and_their_links_are_not(project, tmp_path, name):
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret", encoding="utf-8")
    path = _tar(tmp_path / name, {"a.txt": b"the red box"}, link=str(secret))
    report = import_paths(project, ImportParams(paths=(str(path),)), Task())
    assert [problem.reason for problem in report.problems] == ["a link or device inside an archive"]
    assert list(_titles(project)) == ["a.txt"]


def test_a_gzipped_text_is_its_text(project, tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"the red box"))
    import_paths(project, ImportParams(paths=(str(path),)), Task())
    assert list(_titles(project)) == ["a.txt"]


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "a/../../out.txt", "..\\out.txt", "C:\\out.txt"])
def test_a_name_that_leads_out_is_left_out(tmp_path, name):
    path = _zip(tmp_path / "a.zip", {name: b"x", "in.txt": b"y"})
    place = tmp_path / "deep" / "place"
    left_out = unpack(path, "zip", place, Task())
    assert len(left_out) == 1
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.txt")} == {"deep/place/in.txt"}


@pytest.mark.parametrize(
    ("member", "written"),
    [
        ("文" * 120 + ".txt", "文" * 65 + ".txt"),
        ("a" * 300 + ".txt", "a" * 196 + ".txt"),
        ("in.txt/more.txt", "in (2).txt/more.txt"),
        ("deep/what: why?.txt", "deep/what_ why_.txt"),
    ],
)
def test_a_name_that_this_system_does_not_take_loses_no_file(tmp_path, monkeypatch, member, written):
    monkeypatch.setattr(archives, "_ON_WINDOWS", True)
    path = _zip(tmp_path / "a.zip", {"in.txt": b"y", member: b"x"})
    place = tmp_path / "place"
    assert unpack(path, "zip", place, Task()) == []
    assert {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()} == {"in.txt", written}


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_bomb_is_stopped_while_it_is_counted(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(archives, "RATIO_FROM", 1 << 20)
    content = bytes(8 << 20)
    path = tmp_path / f"bomb.{kind}"
    if kind == "zip":
        _zip(path, {"a": content})
    else:
        path.write_bytes(gzip.compress(content))
    place = tmp_path / "place"
    with pytest.raises(FormatError, match="far more"):
        unpack(path, kind, place, Task())
    assert sum(p.stat().st_size for p in place.rglob("*") if p.is_file()) <= 2 << 20


def test_an_archive_in_itself_ends(project):
    path = shared_data("mixed-docs/broken/droste.zip")
    report = import_paths(project, ImportParams(paths=(str(path),)), Task())
    assert [problem.file.count(".zip") for problem in report.problems if problem.code == "too_deep"] == [4]


def test_names_in_a_chinese_code_page_are_read(project):
    path = shared_data("mixed-docs/broken/gbk.zip")
    (problem,) = import_paths(project, ImportParams(paths=(str(path),)), Task()).problems
    assert (problem.code, problem.file.split("/")[1]) == ("empty", "审计压缩包文件检索测试")


@pytest.mark.parametrize(
    ("name", "code", "read"), [("testZipEncrypted.zip", "password", 1), ("testZIP_corrupted_oom.zip", "archive", 0)]
)
def test_what_cannot_be_taken_out_is_listed(project, name, code, read):
    report = import_paths(project, ImportParams(paths=(str(shared_data(f"mixed-docs/broken/{name}")),)), Task())
    assert [problem.code for problem in report.problems] == [code]
    assert report.counts.documents == read


def test_documents_that_are_zip_files_are_no_archives(tmp_path):
    assert archive_kind(make_docx(tmp_path / "a.docx", [("", "x")])) == ""
    assert archive_kind(_zip(tmp_path / "a.zip", {"a": b"x"})) == "zip"
