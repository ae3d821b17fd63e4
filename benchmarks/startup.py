"""How long the window's code takes to load, beside `import torch`, which it must stay far below.

.venv/bin/python benchmarks/startup.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
LINES = {
    "import gui.app": "the window",
    "import torch": "torch",
    "import engine.cli": "the command line",
    "": "Python alone",
}


def main() -> int:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    taken: dict[str, list[float]] = {line: [] for line in LINES}
    for turn in range(
        ROUNDS + 1
    ):  # in turns, so that other work on the machine meets all alike; the first warms the disk
        for line, seconds in taken.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", line], cwd=ROOT, env=environment, check=True)
            if turn:
                seconds.append(time.perf_counter() - started)
    middle = {line: statistics.median(seconds) for line, seconds in taken.items()}
    for line, name in LINES.items():
        print(f"{name:18} {middle[line]:6.2f} s   (best {min(taken[line]):.2f}, of {ROUNDS})")
    ratio = middle["import gui.app"] / middle["import torch"]
    print(f"window / torch     {ratio:6.2f}     (wanted: below 0.50)")
    return 0 if ratio < 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
