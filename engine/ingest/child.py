"""The child process that reads foreign files: paths in, documents out, as JSON lines; it may die at any moment."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

import msgspec

from engine.errors import FormatError, SearchsmithError
from engine.ingest.document import ReadDocument
from engine.ingest.limits import MEMORY_BYTES, limits_times
from engine.ingest.readers.sniffing import Kind


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """`kind` None: it shows only when the file is opened with its password."""

    path: str
    kind: Kind | None
    password: str = ""


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """`beat` says "still at work"; `document` or `message` ends the request. `code` as in `records.ImportProblem`."""

    state: Literal["beat", "done", "refused"]
    document: ReadDocument | None = None
    message: str = ""
    hint: str = ""
    code: str = "format"


def main() -> int:
    """Serve requests from stdin until it closes; a number as last argument: how many times the usual it may take."""
    factor = int(sys.argv[-1]) if sys.argv[-1].isdecimal() else 1
    out = _own_stdout()
    _limit_memory(factor * MEMORY_BYTES)
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    with limits_times(factor):
        while True:
            request = msgspec.json.decode(requests.get(), type=Request)
            _send(out, _answer(request, out))


def _answer(request: Request, out: int) -> Reply:
    path = Path(request.path)
    try:
        return Reply("done", _read(path, request, out))
    except SearchsmithError as error:
        return Reply("refused", message=error.message, hint=error.hint, code=error.code)
    except MemoryError:
        os._exit(137)  # what is left of the heap is not to be trusted; the parent says it in words
    except Exception as error:  # the border of the child: any library fault is an answer about this file
        return Reply("refused", message=f"{path.name} cannot be read: {type(error).__name__}: {error}"[:300])


def _read(path: Path, request: Request, out: int) -> ReadDocument:
    from engine.ingest.readers.reading import read_document
    from engine.ingest.readers.sniffing import sniff
    from engine.ingest.unlocking import unlocked

    def beat() -> None:
        _send(out, Reply("beat"))

    if request.kind is not None and not request.password:
        try:
            return read_document(path, request.kind, beat=beat)
        except FormatError:
            with unlocked(path, ""):  # says that a password is asked for, where that is the reason
                raise
    with unlocked(path, request.password) as readable:
        return read_document(readable, request.kind or sniff(readable), beat=beat)


def _listen(requests: SimpleQueue[bytes]) -> None:
    """Pass lines on; when stdin closes the parent is gone or done, so end at once even in the middle of a file."""
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _own_stdout() -> int:
    """Keep the pipe for ourselves; what libraries print goes to stderr."""
    out = os.dup(1)
    os.dup2(2, 1)
    return out


def _limit_memory(most: int = MEMORY_BYTES) -> None:
    if sys.platform == "win32":
        return
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError):
        print("The memory limit cannot be set here.", file=sys.stderr)  # macOS refuses RLIMIT_AS


def _send(out: int, reply: Reply) -> None:
    line = memoryview(msgspec.json.encode(reply) + b"\n")
    while line:
        line = line[os.write(out, line) :]


if __name__ == "__main__":
    sys.exit(main())
