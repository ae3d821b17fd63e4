"""Make the environment that Searchsmith runs in: `.venv` beside the code, every version pinned.

    python3 packaging/setup.py [--torch auto|cpu|gpu] [--again]

Needs Python alone, on Linux, macOS and Windows. `make run` and `make test` call it; when nothing has changed since the
last time it returns at once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import system

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / ".ready"
LOG = VENV / "setup.log"
CONSTRAINTS = ROOT / "constraints.txt"
INPUTS = (CONSTRAINTS, ROOT / "pyproject.toml", Path(__file__), Path(system.__file__))
ADVICE = {
    "No space left": "The disk is full: free some space, then start again.",
    "Failed building wheel for hnswlib": "The C++ compiler could not build hnswlib; the log says why.",
    "No matching distribution": "pip found no build of this version for this computer, or reached no index.",
    "Temporary failure in name resolution": "The package index cannot be reached: connect, then start again.",
    "Failed to establish a new connection": "The package index cannot be reached: connect, then start again.",
    "CERTIFICATE_VERIFY_FAILED": "The network's certificate is not trusted: set PIP_CERT to your organisation's file.",
}


def main() -> int:
    arguments = _arguments()
    try:
        system.use_supported_python()
        if not arguments.again and is_ready(arguments.torch):
            return 0
        set_up(arguments.torch)
    except system.SetupError as error:
        print(f"\nSet-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up stopped by you; start it again and it goes on from what is there.", file=sys.stderr)
        return 130
    return 0


def is_ready(torch: str) -> bool:
    """Whether the environment was made from exactly these pins, with this Python, for this folder."""
    try:
        return PYTHON.exists() and STAMP.read_text(encoding="utf-8") == fingerprint(torch)
    except OSError:
        return False


def fingerprint(torch: str) -> str:
    """A digest of everything that decides what is installed."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT} {torch}".encode())
    for path in INPUTS:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def set_up(torch: str) -> None:
    """Check the system, then install everything; raises SetupError with one sentence and the way out."""
    started = time.monotonic()
    _say(f"Setting up Searchsmith in {VENV} (once; a few minutes).")
    gpu = system.gpu_name() if torch == "auto" else ("as you asked" if torch == "gpu" else "")
    system.check_space(ROOT, gigabytes=9 if gpu else 4)
    _say("1/5  System: compiler, Qt's libraries, the parts of Python")
    for note in system.check_system():
        _say(f"     {note}")
    STAMP.unlink(missing_ok=True)
    _say(f"2/5  Virtual environment with Python {sys.version.split()[0]}")
    _make_venv()
    _say("3/5  pip")
    _pip("install", "--upgrade", "-c", str(CONSTRAINTS), "pip")
    _install_torch(system.torch_build(gpu))
    _say("5/5  Everything else (hnswlib is compiled: about a minute)")
    pins = ["-c", str(CONSTRAINTS), "--build-constraint", str(CONSTRAINTS)]
    _pip("install", "--no-compile", *pins, "--editable", f"{ROOT}[dev]")
    _pip("check")
    _check_imports()
    STAMP.write_text(fingerprint(torch), encoding="utf-8")
    _say(f"Ready after {time.monotonic() - started:.0f} s.\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the environment that Searchsmith runs in (.venv).")
    parser.add_argument(
        "--torch",
        choices=("auto", "cpu", "gpu"),
        default=os.environ.get("SEARCHSMITH_TORCH", "auto"),
        help="which build of PyTorch; auto (the default) takes the GPU build where nvidia-smi finds a GPU",
    )
    parser.add_argument("--again", action="store_true", help="install again although nothing seems to have changed")
    return parser.parse_args()


def _make_venv() -> None:
    if VENV.exists() and not _venv_fits():
        shutil.rmtree(VENV)
    if not VENV.exists():
        outcome = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
        if outcome.returncode:
            raise system.SetupError(f"the virtual environment could not be made: {_last_line(outcome.stdout)}")


def _venv_fits() -> bool:
    """Whether `.venv` runs, and with the Python that runs this script."""
    try:
        outcome = subprocess.run(
            [str(PYTHON), "-c", "import sys, pip; print(sys.version_info[:2])"], capture_output=True, text=True
        )
    except OSError:
        return False
    return outcome.stdout.strip() == str(sys.version_info[:2])


def _install_torch(build: system.TorchBuild) -> None:
    _say(f"4/5  PyTorch: {build.reason}")
    for number, (requirement, options) in enumerate(build.attempts, start=1):
        last = number == len(build.attempts)
        if last and number > 1:
            _say(f"     {build.fallback}")
        if _pip("install", "--no-deps", "--no-compile", requirement, *options, may_fail=not last):
            return


def _pip(*words: str, may_fail: bool = False) -> bool:
    """Run the environment's pip; its output goes to the log, its current line to the terminal."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *words]
    environment = {
        **os.environ,
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_REQUIRE_VIRTUALENV": "0",
    }
    lines: list[str] = []
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"\n$ pip {' '.join(words)}\n")
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=ROOT,
            env=environment,
        )
        assert process.stdout is not None  # PIPE above
        for line in process.stdout:
            log.write(line)
            lines.append(line)
            _show(line)
    _show("")
    if process.wait() == 0:
        return True
    if may_fail:
        return False
    text = "".join(lines)
    advice = next((advice for mark, advice in ADVICE.items() if mark in text), "Read the log, mend it, start again.")
    print("".join(lines[-8:]), file=sys.stderr)
    raise system.SetupError(f"pip {words[0]} failed. {advice} Log: {LOG}")


def _check_imports() -> None:
    """Qt and the compiled index must load here, or the first window fails with words nobody understands."""
    code = "import PySide6.QtWidgets, PySide6.QtSvg, hnswlib, faiss"
    outcome = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True)
    if outcome.returncode:
        raise system.SetupError(f"an installed package does not load: {_last_line(outcome.stderr)}")


def _show(line: str) -> None:
    """One line of the terminal that changes while pip works; nothing where the output is a file."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 6
        print("\r     " + line.strip()[:width].ljust(width), end="\r", flush=True)


def _say(text: str) -> None:
    print(text, flush=True)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]


if __name__ == "__main__":
    sys.exit(main())
