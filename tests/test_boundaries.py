"""What must not be loaded, imported or written where: the walls between window, engine and foreign code."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "transformers", "sentence_transformers", "faiss", "hnswlib", "scipy", "sklearn", "pandas", "datasets"}
QT = {"PySide6", "shiboken6", "pyqtgraph", "qtawesome"}
SOURCES = [*sorted(path for folder in ("engine", "gui") for path in (ROOT / folder).rglob("*.py")), ROOT / "main.py"]
MADE_OF_TORCH = {"engine.train.on_cpu"}  # classes of torch's own kinds; imported inside functions alone
ENGINE = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "engine").rglob("*.py")
)

# Versions below which a known hole lets a model file or a damaged disk hurt; each with its reason.
FLOORS = {
    "torch": ((2, 10), "CVE-2026-24747: code from a weights_only load before 2.10"),
    "transformers": ((5, 0), "CVE-2026-1839: code from a checkpoint's rng_state before 5.0"),
    "sentence-transformers": ((6, 0), "local folders could run their own code before 6.0"),
    "sqlite-utils": ((4, 2), "migrations and transactions as the store uses them"),
}

FORBIDDEN = {
    r"\b(?:import|from)\s+(?:c?pickle|dill|joblib|shelve|marshal)\b|\bpickle\.": "unpickling runs foreign code",
    r"\btorch\.load\(": "torch.load unpickles; weights are safetensors only",
    r"allow_pickle\s*=\s*True": "numpy arrays are read without pickle",
    r"trust_remote_code\s*=\s*True": "a model folder's own code is never run",
    r"\.extractall\(": "archives are read member by member, with limits and checked names",
    r"\.setHtml\((?!\s*[\"'])": "rich text of foreign origin loads local files; use plain text and formats",
    r"\bprocessEvents\(": "nested event loops break the order of events",
    r"(?<![.\w])(?:eval|exec)\(": "code is never made of text",
    r"shell\s*=\s*True": "commands are lists",
}


def loaded_by(code: str) -> set[str]:
    """The top-level packages that a fresh Python has loaded after `code`."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    outcome = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    return set(json.loads(outcome.stdout.splitlines()[-1]))


def needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.fail(f"there is no module {module}")


def test_window_loads_no_model_library():
    needs("gui.app")
    found = loaded_by("import gui.app") & HEAVY
    assert not found


def test_every_page_of_the_window_loads_no_model_library():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / "gui").rglob("*.py"))
    ]
    found = loaded_by("import importlib\nfor m in " + repr(modules) + ": importlib.import_module(m)") & HEAVY
    assert not found


def test_every_module_of_the_engine_loads_no_qt_and_no_model_library():
    modules = [name for name in ENGINE if name not in MADE_OF_TORCH]
    found = loaded_by("import importlib\nfor m in " + repr(modules) + ": importlib.import_module(m)") & (QT | HEAVY)
    assert not found


@pytest.mark.parametrize("module", ["engine", "engine.cli", "engine.worker", "main"])
def test_what_starts_first_loads_no_model_library_and_no_qt(module):
    needs(module)
    found = loaded_by(f"import {module}") & (QT | HEAVY)
    assert not found


def test_layers_are_kept():
    command = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout


def test_sql_is_written_in_the_store_alone():
    statement = re.compile(r"""["'](?:select|insert into|update|delete from|create table|pragma)\s""", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        if not path.is_relative_to(ROOT / "engine" / "store")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if statement.search(line) and re.search(r"execute|query\(", line)
    ]
    assert not found, "SQL lives in engine/store"


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_dangerous_calls_are_absent(pattern):
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, line.partition("#")[0])
    ]
    assert not found, FORBIDDEN[pattern] + "\n" + "\n".join(found)


@pytest.mark.parametrize("package", FLOORS)
def test_installed_versions_have_the_known_holes_closed(package):
    floor, reason = FLOORS[package]
    have = tuple(int(part) for part in re.findall(r"\d+", metadata.version(package))[: len(floor)])
    assert have >= floor, reason


def test_qt_stays_below_the_version_that_aborts():
    assert metadata.version("PySide6_Essentials").startswith("6.11."), (
        "6.12.0 aborts on Python 3.11 after some hundred signals"
    )


def test_every_dependency_has_a_pinned_version_that_fits():
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = [Requirement(text) for group in groups for text in group]
    unfit = [str(need) for need in wanted if Version(versions[canonicalize_name(need.name)]) not in need.specifier]
    assert not unfit


def test_every_module_opens_with_a_sentence_and_stays_short():
    problems = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if text.strip() and not text.startswith('"""'):
            problems.append(f"{path.relative_to(ROOT)}: no docstring")
        if text.count("\n") > 500:
            problems.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
    assert not problems
