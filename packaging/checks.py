"""Run every check: style, types, layers, tests, with those of real engine processes beside. `make test` calls it.

.venv/bin/python packaging/checks.py [all|fast] [pytest's own options]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
STATIC = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy"],
    "mypy packaging": ["-m", "mypy", "packaging"],
    "layers": ["-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"],
}
END_TO_END = "tests/e2e"
FAST = ["-m", "not slow and not gpu", "--ignore", END_TO_END]
# No window opens, no hub is asked, and no tokenizer warns about a fork.
ENVIRONMENT = {"QT_QPA_PLATFORM": "offscreen", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def main() -> int:
    which, options = (sys.argv[1:2] or ["all"])[0], sys.argv[2:]
    environment = {**os.environ, **ENVIRONMENT}
    if which == "fast":
        return _check([*FAST, *options], environment)
    # The tests with real engine processes mostly wait for them: beside the rest, and shown after it.
    with tempfile.TemporaryFile() as said:
        beside = subprocess.Popen(
            [PYTHON, "-m", "pytest", END_TO_END, *options],
            cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            code = _check(["--ignore", END_TO_END, *options], environment)
            print("tests with real engine processes", flush=True)
            code = beside.wait() or code
        finally:
            beside.kill()
        said.seek(0)
        print(said.read().decode(errors="replace"), flush=True)
    return code


def _check(tests: list[str], environment: dict[str, str]) -> int:
    """Style, types and layers, then these tests; 0 where all pass."""
    failed = [name for name, words in STATIC.items() if not _passes(name, words, environment)]
    print("tests", flush=True)
    code = subprocess.call([PYTHON, "-m", "pytest", *tests], cwd=ROOT, env=environment)
    if failed:
        print(f"Failed before the tests: {', '.join(failed)}.", file=sys.stderr, flush=True)
    return code or bool(failed)


def _passes(name: str, words: list[str], environment: dict[str, str]) -> bool:
    """Run one check; what it says is shown only when it fails."""
    started = time.monotonic()
    outcome = subprocess.run(
        [PYTHON, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    verdict = "ok" if outcome.returncode == 0 else "FAILED"
    print(f"{name}: {verdict} ({time.monotonic() - started:.0f} s)", flush=True)
    if outcome.returncode:
        print(outcome.stdout, flush=True)
    return outcome.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
