"""The documents name what exists: files that are linked, targets of make, commands of the program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_linked_files_exist(page):
    text = page.read_text(encoding="utf-8")
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text)]
    gone = [target for target in targets if target and "://" not in target and not (page.parent / target).exists()]
    assert not gone


def test_readme_lists_the_commands_that_the_program_knows():
    listed = set(
        re.findall(
            r"^\| `([a-z-]+)(?: [a-z]+)? (?:PROJECT|\[PROJECT)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M
        )
    )
    outcome = subprocess.run([sys.executable, "main.py", "--help"], cwd=ROOT, capture_output=True, text=True)
    known = set(re.findall(r"^    ([a-z-]+)(?:  |$)", outcome.stdout, re.M))
    assert listed == known


def test_targets_named_in_the_documents_are_in_the_makefile():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = {
        name
        for page in PAGES
        for name in re.findall(r"^\s*make ([a-z]+)|`make ([a-z]+)`", page.read_text("utf-8"), re.M)
    }
    assert {name for pair in named for name in pair if name} <= targets


def test_scripts_of_the_makefile_exist():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    scripts = set(re.findall(r"\b((?:packaging|benchmarks)/[a-z_]+\.py)\b", text))
    assert all((ROOT / script).is_file() for script in scripts)


def test_benchmarks_that_make_runs_need_no_argument():
    said = subprocess.run(["make", "--dry-run", "bench"], cwd=ROOT, capture_output=True, text=True).stdout
    names = re.findall(r"\b[a-z0-9]+(?:_[a-z]+)*\b", said[said.index("for name in") + 11 : said.index("; do")])
    assert "bm25_speed" in names
    for name in names:
        source = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
        assert not re.search(r'add_argument\(\s*"[a-z]', source), name


def test_every_decision_has_a_number_of_its_own():
    numbers = [path.name[:3] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert len(set(numbers)) == len(numbers)
