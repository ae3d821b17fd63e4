"""A real engine process driven by a test, line by line."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import TypeVar

from engine.protocol import Command, Event, Message, read_event, to_line

ROOT = Path(__file__).resolve().parents[2]
M = TypeVar("M", bound=Message)


class Engine:
    """Starts `main.py --worker`, or `python -c script`; a context manager that ends it."""

    def __init__(self, script: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, *(["-c", script] if script else [str(ROOT / "main.py"), "--worker"])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.seen: list[Event] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._events.put(read_event(line))
        self._events.put(None)

    def say(self, command: Command) -> None:
        assert self.process.stdin
        self.process.stdin.write(to_line(command))
        self.process.stdin.flush()

    def wait_for(self, *kinds: type[M], seconds: float = 120) -> M:
        """The next event of one of `kinds`; all events before it are kept in `seen`."""
        while True:
            event = self._events.get(timeout=seconds)
            assert event is not None, f"the engine ended, code {self.process.wait(5)}; last: {self.seen[-3:]}"
            self.seen.append(event)
            if isinstance(event, kinds):
                return event

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
