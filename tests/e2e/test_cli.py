"""The command line as a person and a script meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from engine.store import schema
from engine.store.project import Project
from tests.e2e.engine import ROOT


def _run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *arguments], capture_output=True, text=True, timeout=120, **options
    )


def _refused(result: subprocess.CompletedProcess[str]) -> str:
    """The one sentence on stderr of a command that was refused."""
    assert result.returncode == 1, result
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    (line,) = result.stderr.strip().splitlines()
    return line


def test_a_new_project_is_made_and_described_as_json(tmp_path):
    made = _run("new", str(tmp_path / "p"), "--name", "Boxes", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["name"] == "Boxes"
    info = json.loads(_run("info", str(tmp_path / "p"), "--json").stdout)
    assert info["next_step"]["label"] == "Import documents"


def test_a_project_is_described_not_the_tour_walked_where_there_is_no_display(tmp_path):
    Project.create(tmp_path / "p", "Boxes").close()
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    shown = _run(str(tmp_path / "p"), env={**kept, "XDG_DATA_HOME": str(tmp_path)})
    assert shown.stdout.startswith("Boxes"), shown


def test_an_unknown_command_is_refused_in_one_sentence():
    assert "dance" in _refused(_run("dance"))


def test_a_folder_without_a_project_is_refused_in_one_sentence(tmp_path):
    assert "no project" in _refused(_run("info", str(tmp_path)))


@pytest.mark.parametrize("what", ["absent", "empty", "binary"])
def test_what_cannot_be_imported_is_refused_in_one_sentence(tmp_path, what):
    _run("new", str(tmp_path / "p"))
    path = tmp_path / "thing.txt"
    if what == "empty":
        path = tmp_path / "folder"
        path.mkdir()
    if what == "binary":
        path.write_bytes(bytes(range(256)) * 40)
    assert str(path.name) in _refused(_run("import", str(tmp_path / "p"), str(path), "--quiet"))


def test_a_project_of_a_newer_version_is_refused_in_one_sentence(tmp_path):
    with Project.create(tmp_path / "p") as project:
        project.db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    assert "newer version" in _refused(_run("info", str(tmp_path / "p")))


def test_a_bad_setting_is_refused_in_one_sentence(tmp_path):
    _run("new", str(tmp_path / "p"))
    assert "no setting 'speed'" in _refused(_run("train", str(tmp_path / "p"), "--set", "speed=9"))


def test_every_command_has_help_with_its_project():
    for command in [
        "new",
        "sample",
        "import",
        "dedup",
        "split",
        "mine",
        "train",
        "evaluate",
        "search",
        "export",
        "info",
        "tour",
    ]:
        shown = _run(command, "--help")
        assert shown.returncode == 0
        assert "PROJECT" in shown.stdout


def test_an_interrupt_cancels_with_its_own_exit_code_and_keeps_what_was_done(tmp_path):
    _run("new", str(tmp_path / "p"))
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.txt").write_text(f"The lid of box {number} opens upwards. " * 20, encoding="utf-8")
    command = [sys.executable, str(ROOT / "main.py"), "import", str(tmp_path / "p"), str(folder), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("import files"):
                break
        process.send_signal(signal.SIGINT)
        said, more = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")
    assert "Cancelled" in more
    assert "Traceback" not in more


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to another process")
@pytest.mark.parametrize("command", ["import", "cut"])
def test_one_interrupt_ends_a_preview_at_once(tmp_path, command):
    place, folder = str(tmp_path / "p"), tmp_path / "texts"
    folder.mkdir()
    (folder / "large.txt").write_text("The lid of this box opens upwards, and the next one's too. " * 30_000)
    pairs = (f"how does lid {number} open,lid {number} opens upwards" for number in range(80_000))
    (tmp_path / "pairs.csv").write_text("query,answer\n" + "\n".join(pairs))
    _run("new", place)
    _run("import", place, str(folder), "--quiet")
    what = ["--budget", "40"] if command == "cut" else [str(tmp_path / "pairs.csv")]
    call = [sys.executable, "-m", "tests.e2e.interrupted", command, place, *what, "--preview"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines()[-1].startswith("Cancelled")


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to another process")
def test_an_interrupt_while_the_program_loads_ends_it_without_a_traceback():
    # What a shell starts in the background ignores interrupts; here they are heeded wherever the tests run.
    heeded = "import main, signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heeded}; main._start = lambda: signal.raise_signal(signal.SIGINT); exit(main.main())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "Cancelled.\n")


def test_the_version_is_told():
    assert _run("--version").stdout.startswith("searchsmith ")
