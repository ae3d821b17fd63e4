"""The memory of a piece of work: the most it holds, of the GPU or of the process; what it frees is kept for it."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_LOOK_SECONDS = 0.02
# glibc's mallopt(3): what may be on the heap at most, and how much may lie free at its end.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MOST_ON_HEAP, _USUAL_TRIM = 32 << 20, 64 << 20


@dataclass(slots=True)
class Peak:
    """The most so far, in bytes; a GPU counts by itself."""

    on_gpu: bool
    seen: int = 0

    def bytes(self) -> int:
        if self.on_gpu:
            import torch

            self.seen = max(self.seen, int(torch.cuda.max_memory_allocated()))
        return self.seen


@contextmanager
def watched(device: str) -> Iterator[Peak]:
    """Watch until the block ends; a process is looked at fifty times a second and keeps meanwhile what it frees."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats()
        peak = Peak(True)
        yield peak
        peak.bytes()
        return
    import psutil

    process, ended = psutil.Process(), threading.Event()
    peak = Peak(False, int(process.memory_info().rss))

    def watch() -> None:
        while not ended.wait(_LOOK_SECONDS):
            peak.seen = max(peak.seen, int(process.memory_info().rss))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        with freed_stays():
            yield peak
    finally:
        ended.set()
        watcher.join()


@contextmanager
def freed_stays() -> Iterator[None]:
    """Within it the C library keeps for the process what it frees; at the end the system has it back.

    A training step on a processor asks for gigabytes and frees them again, a few megabytes at a time; given back each
    time, they are filled with zeros by the system each time: a twentieth of a step (MiniLM, batch 64). Elsewhere than
    with glibc nothing changes.
    """
    try:
        c = ctypes.CDLL(None)
        mallopt, trim = c.mallopt, c.malloc_trim
    except (OSError, TypeError, AttributeError):
        yield
        return
    mallopt(_MMAP_THRESHOLD, _MOST_ON_HEAP)
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        mallopt(_TRIM_THRESHOLD, _USUAL_TRIM)
        trim(0)
