"""The thread between a long piece of work and whoever asked for it: progress out, cancel and pause in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from engine.errors import Cancelled, Skipped
from engine.records import Probe


class Task:
    """Handed to every long function; the plain one is silent and can be cancelled from another thread.

    Callers report once a batch. Subclasses override the `on_*` methods to carry reports to a pipe or a terminal.
    """

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._finishing = threading.Event()
        self._saved = threading.Event()
        self._saved.set()
        self._paused_seconds = 0.0
        self._skip: str | None = None
        self._at_work = False

    def cancel(self) -> None:
        """Ask the work to stop at its next check; also ends a pause."""
        self._cancelled.set()
        self._running.set()

    def finish(self) -> None:
        """Ask the work to stop early and keep the best it has (training); also ends a pause."""
        self._finishing.set()
        self._running.set()

    def skip(self, file: str = "") -> None:
        """Ask the work to go on without the file it reads; with `file`, only if that is the one (as told in notes)."""
        self._skip = file

    def check_skipped(self, file: str) -> None:
        """Raise `Skipped` if the person asked to go on without `file`, the one that is being read now."""
        asked = self._skip
        if asked is None:
            return
        self._skip = None
        if not asked or asked == file or asked.startswith(f"{file} ("):
            raise Skipped

    def pause(self) -> None:
        self._running.clear()

    def resume(self) -> None:
        self._running.set()

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def is_finishing(self) -> bool:
        """Whether the person asked to stop early and keep the best so far."""
        return self._finishing.is_set()

    @property
    def paused_seconds(self) -> float:
        """How long the work has stood still on a person's wish; limits of time leave it out."""
        return self._paused_seconds

    def clock(self) -> float:
        """Seconds since some moment, as far as the work did not stand still on a person's wish."""
        return time.monotonic() - self.paused_seconds

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around work that looks at this task again and again; outside of it nobody would notice a cancel."""
        self._at_work = True
        try:
            yield
        finally:
            self._at_work = False

    @property
    def is_working(self) -> bool:
        return self._at_work

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Around a write that a cancelled job needs to go on later: whoever insists on the end waits for it."""
        self._saved.clear()
        try:
            yield
        finally:
            self._saved.set()

    @property
    def is_saving(self) -> bool:
        return not self._saved.is_set()

    def wait_saved(self, seconds: float) -> bool:
        """Wait until nothing is being saved; False where it took longer than `seconds`."""
        return self._saved.wait(seconds)

    def check_cancelled(self) -> None:
        """Wait while paused, then raise `Cancelled` if the person asked to stop."""
        if not self._running.is_set():
            began = time.monotonic()
            self._running.wait()
            self._paused_seconds += time.monotonic() - began
        if self._cancelled.is_set():
            raise Cancelled

    def progress(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Say how far `stage` is, in its own units; also a point where the work may be cancelled.

        Args:
            stage: a short verb phrase, e.g. "encode passages".
            done: units finished, from 0.
            total: units in all, 0 where unknown.
            note: what is being worked on now, e.g. a file's name.
        """
        self.check_cancelled()
        self.on_progress(stage, done, total, note)

    def metric(self, name: str, step: int, value: float) -> None:
        """Record one point of a curve, e.g. `("loss", 12, 0.81)` or `("dev_ndcg@10", 20, 0.55)`."""
        self.on_metric(name, step, value)

    def probes(self, found: Sequence[Probe]) -> None:
        """Tell where the answers of watched queries stand now."""
        self.on_probes(found)

    def warn(self, message: str) -> None:
        """Say something the person should know although the work goes on."""
        self.on_warning(message)

    def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
        pass

    def on_metric(self, name: str, step: int, value: float) -> None:
        pass

    def on_probes(self, found: Sequence[Probe]) -> None:
        pass

    def on_warning(self, message: str) -> None:
        pass
