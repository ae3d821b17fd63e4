"""Reading foreign files safely: in a limited child process, whose death is a normal answer about one file."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

import msgspec

from engine.errors import FormatError
from engine.ingest.child import Reply, Request
from engine.ingest.document import ReadDocument
from engine.ingest.readers.reading import read_document
from engine.ingest.readers.sniffing import FOREIGN, Kind
from engine.task import Task

STALL_SECONDS = 30.0
# mammoth says nothing while it works, and it took 14 to 17 s for 872 pages on 2 busy cores.
STALL_SECONDS_DOCX = 120.0
TOTAL_SECONDS = 300.0
POLL_SECONDS = 0.1

_ROOT = Path(__file__).resolve().parents[2]


def child_command() -> list[str]:
    """How to start the reading child; a frozen build has no `-m`, so its own program does it."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--read-child"]
    return [sys.executable, "-m", "engine.ingest.child"]


class Reader:
    """Reads documents, foreign ones in a child; use as a context manager. One child serves until it dies."""

    def __init__(self, task: Task, *, stall_seconds: float | None = None, command: list[str] | None = None) -> None:
        self._task = task
        self._stall_seconds = stall_seconds
        self._command = command or child_command()
        self._child: subprocess.Popen[bytes] | None = None
        self._replies: SimpleQueue[bytes] = SimpleQueue()
        self._is_idle = True

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_child()

    def read(self, path: Path, kind: Kind) -> ReadDocument:
        """The document in `path`.

        Raises:
            UserError: not there, or not to be read.
            FormatError: of another kind, damaged, or it ended or stalled the child.
            Cancelled: within a second of the task's cancel, also while the child reads.
        """
        if kind not in FOREIGN:
            return read_document(path, kind)
        child = self._child or self._start_child()
        try:
            self._ask(child, Request(str(path.absolute()), kind))
            return self._wait(child, path, kind)
        except BaseException:
            if not self._is_idle:
                self._end_child()
            raise

    def _ask(self, child: subprocess.Popen[bytes], request: Request) -> None:
        assert child.stdin is not None
        self._is_idle = False
        try:
            child.stdin.write(msgspec.json.encode(request) + b"\n")
            child.stdin.flush()
        except OSError as error:
            raise _died(Path(request.path), child) from error

    def _wait(self, child: subprocess.Popen[bytes], path: Path, kind: Kind) -> ReadDocument:
        silence = self._stall_seconds or (STALL_SECONDS_DOCX if kind == "docx" else STALL_SECONDS)
        began = heard = time.monotonic()
        while True:
            try:
                line = self._replies.get(timeout=POLL_SECONDS)
            except Empty:
                line = None
            before = time.monotonic()
            self._task.check_cancelled()  # also waits while the job is paused, which must not count as silence
            paused = time.monotonic() - before
            began, heard = began + paused, heard + paused
            if line == b"":
                raise _died(path, child)
            if line is not None:
                heard = time.monotonic()
                reply = msgspec.json.decode(line, type=Reply)
                if reply.state != "beat":
                    self._is_idle = True
                    return _document(reply)
            now = time.monotonic()
            if now - heard > silence or now - began > TOTAL_SECONDS:
                raise FormatError(f"{path.name} took too long to read.", hint="Save it anew, or split it into parts.")

    def _start_child(self) -> subprocess.Popen[bytes]:
        windows = sys.platform == "win32"
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=None if getattr(sys, "frozen", False) else _ROOT,
            start_new_session=not windows,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._replies = SimpleQueue()
        threading.Thread(target=_listen, args=(self._child, self._replies), daemon=True).start()
        self._is_idle = True
        return self._child

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        assert child.stdin is not None
        try:
            child.stdin.close()
        except OSError:
            return  # an unsent request went down with the child


def _document(reply: Reply) -> ReadDocument:
    if reply.document is None:
        raise FormatError(reply.message, hint=reply.hint)
    return reply.document


def _died(path: Path, child: subprocess.Popen[bytes]) -> FormatError:
    try:
        code = child.wait(timeout=1)
    except subprocess.TimeoutExpired:
        code = 0
    if code == 137:
        return FormatError(f"{path.name} needs more memory than a document may.", hint="Split it into parts.")
    return FormatError(f"{path.name} ended its reader (code {code}).", hint="Save it anew, or as another kind.")


def _listen(child: subprocess.Popen[bytes], replies: SimpleQueue[bytes]) -> None:
    """Pass the child's lines on; an empty one says that it ended."""
    assert child.stdout is not None
    with child.stdout as stream:
        for line in stream:
            replies.put(line)
    replies.put(b"")
