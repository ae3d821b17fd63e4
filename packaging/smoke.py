"""Start the built program in every way it is started: version, engine, terminal with a model, window.

    python3 packaging/smoke.py [FOLDER]          FOLDER: dist/searchsmith

Runs with an empty home folder and without Python's paths, so that nothing of the machine it was built on is used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WINDOW_SECONDS = 15
PAGES = {
    "kettle.md": "# Kettle\n\nBoil vinegar and water to take the lime out of a kettle, then rinse it twice.\n",
    "bicycle.md": "# Bicycle\n\nA chain that jumps between the gears wants its cable tightened by half a turn.\n",
    "bread.txt": "Let the dough rest overnight in the cold; the crumb becomes open and the crust crisp.\n",
}


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "searchsmith"
    program = folder / ("searchsmith-worker.exe" if os.name == "nt" else "searchsmith")
    with tempfile.TemporaryDirectory() as place:
        steps: dict[str, Callable[[Path, Path], str]] = {
            "version": version,
            "engine": engine,
            "terminal": terminal,
            "window": window,
        }
        for name, step in steps.items():
            started = time.monotonic()
            try:
                outcome = step(program, Path(place))
            except (SystemExit, OSError, ValueError, subprocess.SubprocessError) as error:
                print(f"{name}: FAILED: {error}")
                return 1
            print(f"{name}: {outcome} ({time.monotonic() - started:.1f} s)", flush=True)
    return 0


def version(program: Path, place: Path) -> str:
    return _run(program, place, "--version").strip()


def engine(program: Path, place: Path) -> str:
    """The worker says that it is ready and ends when told to."""
    process = subprocess.Popen(
        [str(program), "--worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(place)
    )
    answer, _ = process.communicate(json.dumps({"type": "Shutdown", "v": 1}).encode() + b"\n", timeout=60)
    first = json.loads(answer.splitlines()[0])
    if first["type"] != "WorkerReady" or process.returncode != 0:
        raise ValueError(f"it said {first}, exit code {process.returncode}")
    return "ready, and ended when told to"


def terminal(program: Path, place: Path) -> str:
    """Import three pages and find the right one by meaning: model, tokenizer, vectors and store are in the folder."""
    pages, project = place / "pages", place / "project"
    pages.mkdir()
    for name, text in PAGES.items():
        (pages / name).write_text(text, encoding="utf-8")
    _run(program, place, "new", str(project))
    taken = json.loads(_run(program, place, "import", str(project), str(pages), "--json"))
    question = "how do I descale my water boiler"
    found = json.loads(_run(program, place, "search", str(project), question, "--model", "base", "--json"))
    text = found["hits"][0]["text"]
    if taken["documents"] != len(PAGES) or "vinegar" not in text:
        raise ValueError(f"imported {taken}, found {text!r}")
    return f"{taken['documents']} documents in, the right one first"


def window(program: Path, place: Path) -> str:
    """The window stays up; anything it says on stderr is a failure."""
    environment = _environment(place)
    if not (environment.get("DISPLAY") or os.name == "nt" or sys.platform == "darwin"):
        environment["QT_QPA_PLATFORM"] = "offscreen"
    program = program.with_name(program.name.replace("-worker", ""))
    process = subprocess.Popen([str(program)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
    try:
        _, said = process.communicate(timeout=WINDOW_SECONDS)
        raise ValueError(f"it ended by itself with code {process.returncode}: {said.decode(errors='replace')[-2000:]}")
    except subprocess.TimeoutExpired:
        process.terminate()
    _, said = process.communicate(timeout=20)
    if b"Traceback" in said or b"rror" in said:
        raise ValueError(said.decode(errors="replace")[-2000:])
    return f"up for {WINDOW_SECONDS} s"


def _run(program: Path, place: Path, *words: str) -> str:
    outcome = subprocess.run(
        [str(program), *words], capture_output=True, text=True, env=_environment(place), timeout=300
    )
    if outcome.returncode != 0:
        raise ValueError(f"'{' '.join(words)}' ended with {outcome.returncode}: {outcome.stderr[-2000:]}")
    return outcome.stdout


def _environment(place: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "QT_"))}
    return {**kept, "HOME": str(place), "XDG_CONFIG_HOME": str(place), "XDG_DATA_HOME": str(place)}


if __name__ == "__main__":
    sys.exit(main())
