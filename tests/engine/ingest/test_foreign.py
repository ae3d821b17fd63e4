"""Foreign files are read in a child that may die, hang or be cancelled without harm."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from engine.errors import Cancelled, FormatError
from engine.ingest.foreign import Reader
from engine.task import Task
from tests.engine.ingest.samples import make_docx, make_pdf


def _child(body: str) -> list[str]:
    return [sys.executable, "-c", f"import os, sys, time; sys.stdin.readline(); {body}"]


def test_one_child_reads_file_after_file(tmp_path):
    with Reader(Task()) as reader:
        first = reader.read(make_pdf(tmp_path / "a.pdf", ["One"]), "pdf")
        child = reader._child
        second = reader.read(make_docx(tmp_path / "b.docx", [("", "Two")]), "docx")
        assert (first.text, second.text) == ("One", "Two")
        assert reader._child is child


def test_a_refusal_comes_back_in_words_and_the_child_goes_on(tmp_path):
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"%PDF-1.4 cut")
    with Reader(Task()) as reader:
        with pytest.raises(FormatError, match="damaged PDF") as caught:
            reader.read(bad, "pdf")
        assert caught.value.hint
        assert reader.read(make_pdf(tmp_path / "good.pdf", ["Good"]), "pdf").text == "Good"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_child_that_crashes_is_reported_and_the_next_file_gets_a_new_one(tmp_path):
    path = make_pdf(tmp_path / "a.pdf", ["Fine"])
    with Reader(Task(), command=_child("os.kill(os.getpid(), 11)")) as reader:
        with pytest.raises(FormatError, match=r"a\.pdf ended its reader \(code -11\)"):
            reader.read(path, "pdf")
        reader._command = Reader(Task())._command
        assert reader.read(path, "pdf").text == "Fine"


def test_a_child_without_memory_is_said_so(tmp_path):
    path = make_pdf(tmp_path / "a.pdf", ["x"])
    with (
        Reader(Task(), command=_child("os._exit(137)")) as reader,
        pytest.raises(FormatError, match="more memory than a document may"),
    ):
        reader.read(path, "pdf")


def test_a_child_that_stalls_is_ended(tmp_path):
    path = make_pdf(tmp_path / "a.pdf", ["x"])
    began = time.monotonic()
    with (
        Reader(Task(), command=_child("time.sleep(60)"), stall_seconds=0.5) as reader,
        pytest.raises(FormatError, match="took too long"),
    ):
        reader.read(path, "pdf")
    assert time.monotonic() - began < 5


def test_cancel_is_answered_within_a_second_while_a_child_reads(tmp_path):
    path = make_pdf(tmp_path / "a.pdf", ["x"])
    task = Task()
    with Reader(task, command=_child("time.sleep(60)")) as reader:
        threading.Timer(0.3, task.cancel).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            reader.read(path, "pdf")
        assert time.monotonic() - began < 1.3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit holds on Linux only")
def test_a_child_that_takes_too_much_memory_fails_alone(tmp_path):
    body = (
        "from engine.ingest import child; child._limit_memory();\n"
        "try:\n    bytearray(2 << 30)\nexcept MemoryError:\n    os._exit(137)"
    )
    path = make_pdf(tmp_path / "a.pdf", ["x"])
    command = [sys.executable, "-c", f"import os, sys; sys.stdin.readline()\n{body}"]
    with Reader(Task(), command=command) as reader, pytest.raises(FormatError, match="more memory"):
        reader.read(path, "pdf")
