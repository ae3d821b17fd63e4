"""The most memory that a piece of work holds: of the GPU where it runs on one, else of the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_LOOK_SECONDS = 0.02


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
    """Watch until the block ends; a process is looked at fifty times a second."""
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
        yield peak
    finally:
        ended.set()
        watcher.join()
