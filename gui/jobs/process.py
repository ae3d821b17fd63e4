"""One engine process as the window sees it: messages in and out, and a plain sentence when it dies."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from engine.errors import ProtocolError
from engine.protocol import MAX_LINE, Message, Shutdown, WorkerReady, read_event, to_line

_STDERR_KEPT = 16_000


def worker_command() -> list[str]:
    """Program and arguments that start the engine: this interpreter on main.py, or the installed build itself."""
    if getattr(sys, "frozen", False):
        own = Path(sys.executable)
        console = own.with_name(f"searchsmith-worker{own.suffix}")
        return [str(console if console.exists() else own), "--worker"]
    return [sys.executable, str(Path(__file__).resolve().parents[2] / "main.py"), "--worker"]


class LineBuffer:
    """Cuts a stream of bytes into lines; looks at each byte once, however long a line grows."""

    def __init__(self) -> None:
        self._open: list[bytes] = []
        self._length = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; returns the lines they complete.

        Raises:
            ProtocolError: a line is longer than the protocol allows.
        """
        first, *rest = chunk.split(b"\n")
        self._keep(first)
        lines = []
        for piece in rest:
            lines.append(b"".join(self._open))
            self._open, self._length = [], 0
            self._keep(piece)
        return [line for line in lines if line]

    def _keep(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length > MAX_LINE:
            raise ProtocolError(f"The engine sent a line of more than {MAX_LINE} bytes.")
        self._open.append(piece)


class EngineProcess(QObject):
    """Starts an engine process and speaks the protocol with it.

    Signals:
        said: each event of the engine, in order.
        ended: the process is gone, with its exit code (the signal's number, negative, where it was killed).
    """

    said = Signal(object)
    ended = Signal(int)

    def __init__(self, command: Sequence[str] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = list(command or worker_command())
        self._lines = LineBuffer()
        self._stderr = bytearray()
        self.is_ready = False
        self._over = False
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONIOENCODING", "utf-8")
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_stderr)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed)

    def start(self) -> None:
        self._process.start(self._command[0], self._command[1:])

    @property
    def is_alive(self) -> bool:
        return not self._over

    @property
    def pid(self) -> int:
        return int(self._process.processId())

    def send(self, message: Message) -> None:
        """Write one command; before the process runs it waits in the pipe."""
        self._process.write(to_line(message))

    def shut_down(self) -> None:
        """Ask the process to end once it has done what it was told; its memory is free then."""
        if self.is_alive:
            self.send(Shutdown())
            self._process.closeWriteChannel()

    def hang_up(self) -> None:
        """Close its input: a job at work writes its checkpoint and ends."""
        if self.is_alive:
            self._process.closeWriteChannel()

    def kill(self) -> None:
        self._process.kill()

    def wait(self, milliseconds: int) -> bool:
        """Wait for the end of the process, for the end of the program only."""
        return self._over or self._process.waitForFinished(milliseconds)

    def stderr_tail(self) -> str:
        """The last things the process wrote to stderr."""
        return self._stderr.decode("utf-8", "replace")

    def _read(self) -> None:
        try:
            for line in self._lines.feed(bytes(self._process.readAllStandardOutput().data())):
                event = read_event(line)
                self.is_ready = self.is_ready or isinstance(event, WorkerReady)
                self.said.emit(event)
        except ProtocolError as error:
            self._stderr.extend(f"\n{error}\n".encode())
            self._process.kill()

    def _read_stderr(self) -> None:
        self._stderr.extend(bytes(self._process.readAllStandardError().data()))
        del self._stderr[:-_STDERR_KEPT]

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read_stderr()
        self._end(-code if status == QProcess.ExitStatus.CrashExit else code)

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._stderr.extend(f"{self._command[0]}: {self._process.errorString()}\n".encode())
            self._end(-1)

    def _end(self, code: int) -> None:
        if not self._over:
            self._over = True
            self.ended.emit(code)


def death_sentence(code: int) -> tuple[str, str]:
    """Why an engine process may have gone, and what to do, in words: `(message, hint)`."""
    if code in (-9, 137):
        return (
            "The engine was ended from outside; most often the computer's memory ran out.",
            "What was finished is kept. Close other programs or choose smaller batches, then start it again.",
        )
    if code in (-11, -6, -7, -4):
        return (
            f"The engine crashed (signal {-code}).",
            "What was finished is kept. Start it again; if it happens twice, send us the details.",
        )
    if code == -1:
        return "The engine could not be started.", "Install Searchsmith again; the details say what is missing."
    return (
        f"The engine ended before the work was done (code {code}).",
        "What was finished is kept. Start it again; the details may say why.",
    )
