"""Reading foreign files safely: in a limited child process, whose death is a normal answer about one file."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

import msgspec

from engine.errors import FormatError, LimitError, PasswordError
from engine.ingest.child import Reply, Request
from engine.ingest.document import ReadDocument
from engine.ingest.limits import STALL_SECONDS, STALL_SECONDS_SILENT, TOTAL_SECONDS, in_words
from engine.ingest.readers.reading import read_document
from engine.ingest.readers.sniffing import FOREIGN, Kind
from engine.task import Task

POLL_SECONDS = 0.1
SMALL_BYTES = 8_000_000
"""Plain files up to this size are read at once, here; larger ones in the child, where they can be given up."""
_LIMITS = ("too_slow", "memory", "too_large")

_ROOT = Path(__file__).resolve().parents[2]


def child_command() -> list[str]:
    """How to start the reading child; a frozen build has no `-m`, so its own program does it."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--read-child"]
    return [sys.executable, "-m", "engine.ingest.child"]


class Reader:
    """Reads documents, foreign ones in a child; use as a context manager. One child serves until it dies.

    Args:
        factor: how many times the usual time, memory and size a file may take.
        pulse: called ten times a second while the child reads; may raise to give the file up.
    """

    def __init__(
        self,
        task: Task,
        *,
        stall_seconds: float | None = None,
        command: list[str] | None = None,
        factor: int = 1,
        pulse: Callable[[], None] | None = None,
    ) -> None:
        self._pulse = pulse or task.check_cancelled
        self._stall_seconds = stall_seconds
        self._factor = factor
        self._command = command or [*child_command(), str(factor)]
        self._child: subprocess.Popen[bytes] | None = None
        self._replies: SimpleQueue[bytes] = SimpleQueue()
        self._is_idle = True

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_child()

    def read(self, path: Path, kind: Kind | None, password: str = "") -> ReadDocument:
        """The document in `path`; `kind` None: it shows only when the file is opened with the password.

        Raises:
            UserError: not there, or not to be read.
            FormatError: of another kind, damaged, or it ended the child.
            PasswordError: it asks for one, or for another.
            LimitError: it took more time, memory or room than it may.
            Cancelled: within a second of the task's cancel, also while the child reads (and what else `pulse` raises).
        """
        if kind is not None and kind not in FOREIGN and path.stat().st_size <= SMALL_BYTES:
            return read_document(path, kind)
        child = self._child or self._start_child()
        try:
            self._ask(child, Request(str(path.absolute()), kind, password))
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
            raise _died(Path(request.path), child, self._factor) from error

    def _wait(self, child: subprocess.Popen[bytes], path: Path, kind: Kind | None) -> ReadDocument:
        silent = kind == "docx" or kind not in FOREIGN
        silence = self._stall_seconds or self._factor * (STALL_SECONDS_SILENT if silent else STALL_SECONDS)
        began = heard = time.monotonic()
        while True:
            try:
                line = self._replies.get(timeout=POLL_SECONDS)
            except Empty:
                line = None
            before = time.monotonic()
            self._pulse()  # also waits while the job is paused, which must not count as silence
            paused = time.monotonic() - before
            began, heard = began + paused, heard + paused
            if line == b"":
                raise _died(path, child, self._factor)
            if line is not None:
                heard = time.monotonic()
                reply = msgspec.json.decode(line, type=Reply)
                if reply.state != "beat":
                    self._is_idle = True
                    return _document(reply)
            now = time.monotonic()
            if now - heard > silence:
                raise _too_slow(path, f"for {silence:.0f} seconds its reader gave no sign of life", self._factor)
            if now - began > self._factor * TOTAL_SECONDS:
                raise _too_slow(path, f"more than {self._factor * TOTAL_SECONDS / 60:.0f} minutes", self._factor)

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
    if reply.document is not None:
        return reply.document
    if reply.code in _LIMITS:
        raise LimitError(reply.message, hint=reply.hint, code=reply.code)
    if reply.code in ("password", "wrong_password"):
        raise PasswordError(reply.message, hint=reply.hint, wrong=reply.code == "wrong_password")
    raise FormatError(reply.message, hint=reply.hint)


def _too_slow(path: Path, how: str, factor: int) -> LimitError:
    return LimitError(f"{path.name} took too long to read: {how}.", hint=_more(factor), code="too_slow")


def _more(factor: int) -> str:
    if factor > 1:
        return f"It had {in_words(factor)}: split it into parts."
    return "Read it again with larger limits, or split it into parts."


def _died(path: Path, child: subprocess.Popen[bytes], factor: int) -> FormatError:
    try:
        code = child.wait(timeout=1)
    except subprocess.TimeoutExpired:
        code = 0
    if code == 137:
        message = f"{path.name} needs more memory than a document may."
        return LimitError(message, hint=_more(factor), code="memory")
    return FormatError(f"{path.name} ended its reader (code {code}).", hint="Save it anew, or as another kind.")


def _listen(child: subprocess.Popen[bytes], replies: SimpleQueue[bytes]) -> None:
    """Pass the child's lines on; an empty one says that it ended."""
    assert child.stdout is not None
    with child.stdout as stream:
        for line in stream:
            replies.put(line)
    replies.put(b"")
