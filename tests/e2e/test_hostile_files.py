"""Files made to crash, hang, flood or leak an import each end it in an allowed way, within time and memory."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.datasets import shared_data
from tests.e2e.engine import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="the cases are made for POSIX")]

GROUPS = "docx,epub,pdf,html,text,csv,jsonl,fs,archive"
PORT = 47901
# Allowed here where the case's list says otherwise, and why.
ALLOWED = {
    "txt.one_line": "refuse: more than 50,000,000 characters are no document, and it is told so",
    "pdf.flate_bomb": "ok: where the machine is fast enough, its 200 MB are read within the reader's time and memory",
    "pdf.many_ops": "refuse: three million operators on one page need more than a reader's memory",
    "archive.slip_zip": "ok: the one good member comes in, the five that lead out are listed",
    "archive.slip_tar": "ok: members that stay within come in, the others are listed",
    "archive.link_zip": "ok: the link is listed, the regular members come in",
}
# Times are for an idle machine; on a busy one a process waits, so its own processor time is held to them.
WAITING = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    maker = shared_data("../tools/hostile/make_hostile.py")
    out = tmp_path_factory.mktemp("hostile") / "out"
    command = [sys.executable, "-S", str(maker), str(out), "--only", GROUPS]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    yield out
    for folder in (out / "fs" / "noperm" / "dir", out / "fs" / "noperm"):
        folder.chmod(0o700)


@pytest.fixture(scope="module")
def connections() -> list[str]:
    """Who called the address that some of the files name; nobody may."""
    calls: list[str] = []
    server = socket.create_server(("127.0.0.1", PORT))

    def accept() -> None:
        while True:
            try:
                calls.append(str(server.accept()[1]))
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield calls
    server.close()


def _import(path: Path, place: Path, seconds: float) -> dict:
    command = [sys.executable, "-m", "tests.e2e.hostile_case", str(place), str(path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WAITING * seconds + 60)
    assert ended.returncode == 0, f"{path.name}: {ended.stderr[-2000:]}"
    return json.loads(ended.stdout)


def _wrong(case: dict, outcome: dict) -> list[str]:
    """What an outcome does that its case does not allow."""
    expected, note = case["expect"], f"{case.get('note', '')} {ALLOWED.get(case['id'], '')}"
    listed = bool(outcome["problems"] or outcome["refused"])
    came_in = outcome["documents"] > 0
    wrong = []
    if expected in ("ok", "partial") and not came_in and not (listed and "refuse" in note):
        wrong.append("nothing came in")
    if expected in ("refuse", "skip") and came_in and not any(word in note for word in ("ok", "partial", "unexpanded")):
        wrong.append("something came in")
    if expected in ("refuse", "skip") and not came_in and not listed:
        wrong.append("nothing is told")
    if any(re.search(r"cannot be read: \w+(Error|Exception)\b", reason) for *_, reason in outcome["problems"]):
        wrong.append("a library's own words are shown")
    forbidden = case.get("must_not_contain") or []
    if any(words in outcome["text"] for words in ([forbidden] if isinstance(forbidden, str) else forbidden)):
        wrong.append("a text leaked")
    if outcome["cpu_seconds"] > case["max_s"] or outcome["seconds"] > WAITING * case["max_s"]:
        wrong.append(f"{outcome['cpu_seconds']:.0f} s of work in {outcome['seconds']:.0f} s")
    if max(outcome["own_mb"], outcome["child_mb"]) > case["max_rss_mb"]:
        wrong.append(f"{outcome['own_mb']:.0f} MB, {outcome['child_mb']:.0f} MB in its reader")
    return wrong


def test_every_case_ends_as_it_may(made, connections, tmp_path):
    cases = [json.loads(line) for line in (made / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(cases) > 75
    wrong = {}
    for number, case in enumerate(cases):
        if case.get("skip_if_root") and os.geteuid() == 0:
            continue
        outcome = _import(made / case["path"], tmp_path / str(number), case["max_s"])
        if found := _wrong(case, outcome):
            wrong[case["id"]] = found
    assert wrong == {}
    assert connections == []
    assert [path for path in (made / "MARKERS").rglob("*") if path.is_file()] == []
