"""What commands print for a person."""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import cli
from engine.commands import negatives, queries, training
from engine.store import overview as overview_module
from engine.store.project import Project
from engine.terminal import next_command, show_facts, show_hits

README = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")


def test_every_next_step_names_a_command_that_there_is():
    source = Path(overview_module.__file__).read_text(encoding="utf-8")
    steps = re.findall(r'NextStep\("[^"]+", "(\w+)", "(\w*)"', source)
    assert len(steps) > 8
    for page, job in steps:
        with pytest.raises(SystemExit) as ended:
            cli._parser().parse_args([*next_command(job, page).split(), "--help"])
        assert ended.value.code == 0


def _commands(parser: argparse.ArgumentParser, group: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                within = list(_commands(inner, f"{group}{name} "))
                yield from within or [(f"{group}{name}", inner)]


def test_every_option_of_every_command_says_what_it_is_for():
    silent = [
        f"{name} {action.option_strings[0]}"
        for name, parser in _commands(cli._parser())
        for action in parser._actions
        if action.option_strings and not action.help
    ]
    assert silent == []


def test_the_readme_names_every_command_with_what_it_must_be_given():
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    for name, parser in _commands(cli._parser()):
        named = [row for row in rows if re.search(rf"`{name}[ `]", row)]
        assert named, name
        for action in parser._actions:
            if action.required and action.option_strings:
                assert any(action.option_strings[0] in row for row in named), (name, action.option_strings)


def test_a_training_is_told_in_sentences(capsys):
    summary = {
        "model": 2, "name": "tuned 1", "steps": 14, "seconds": 144.2, "dev": 0.822, "dev_base": 0.798, "dev_bm25": None,
        "best_step": 10, "stopped": "time", "gain": 0.024, "gain_low": -0.01, "gain_high": 0.05, "warnings": ["Odd."],
    }  # fmt: skip
    training._show_trained(summary)
    assert capsys.readouterr().out.splitlines() == [
        "tuned 1 (model 2): 14 steps in 2 min 24 s, the best at step 10; ended when its time was up",
        "dev nDCG@10 0.822; base 0.798",
        "over the base +0.024 (95 % interval −0.010 to +0.050); evaluate says it on test queries",
        "! Odd.",
    ]


def test_made_queries_are_told_without_what_did_not_happen(capsys):
    nothing = {"failed": 0, "tokens": 0, "seconds_asking": 0.0, "cost": 0.0}
    queries._show_made({"queries": 3, "by_source": {"headings": 3}, "without": 2, "known": 0, **nothing})
    assert capsys.readouterr().out == "3 queries made: headings 3\n2 times a passage gave none\n"


def test_a_split_is_told_in_counts_and_a_sentence(capsys):
    queries._show_split({"train": 1200, "dev": 20, "test": 40, "sentence": "Leaks: 0 texts.", "unused": 0})
    assert capsys.readouterr().out == "1,200 train, 20 dev, 40 test\nLeaks: 0 texts.\n"


def test_negatives_are_listed_on_stdout_where_a_pipe_takes_them(capsys):
    rows = [{"id": 7, "negatives": 3, "doubtful": 1, "text": "How do I reset it?"}]
    mined = {"round": 1, "model": "base", "model_digest": "0123456789abcdef", "bm25": "lucene"}
    negatives._show_list({"queries": rows, "total": 9, **mined})
    shown = capsys.readouterr()
    assert "How do I reset it?" in shown.out
    assert "1 of 9 queries" in shown.out
    assert "Round 1, mined by base (weights 0123456789ab) and BM25 'lucene'" in shown.out
    assert shown.err == ""


def test_what_is_empty_is_not_told(capsys):
    show_facts({"path": "x", "stopped": "", "guard": None, "warnings": [], "failed": 0})
    assert capsys.readouterr().out == "path: x\nfailed: 0\n"


def test_a_long_hit_says_that_it_is_cut(capsys):
    hit = {"rank": 1, "score": 0.5, "document": "d", "external_id": "", "page": 0, "text": "字" * 101}
    show_hits({"hits": [hit, {**hit, "text": "short"}], "milliseconds": 3.0, "mode": "dense", "model": "base"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].strip() == "字" * 100 + "…"
    assert lines[3].strip() == "short"


def _in_western_letters(monkeypatch, *words: str) -> bytes:
    """What a command prints in a terminal that knows western letters alone."""
    shown = io.BytesIO()
    terminal = io.TextIOWrapper(shown, encoding="latin-1", write_through=True)
    monkeypatch.setattr(sys, "stdout", terminal)
    assert cli.main(words) == 0
    return shown.getvalue()


def test_a_table_is_shown_where_the_terminal_lacks_its_lines(monkeypatch, tmp_path):
    Project.create(tmp_path / "p").close()
    assert b"answers" in _in_western_letters(monkeypatch, "queries", "list", str(tmp_path / "p"))


def test_json_loses_no_letter_where_the_terminal_lacks_it(monkeypatch, tmp_path):
    Project.create(tmp_path / "p", "箱子").close()
    assert json.loads(_in_western_letters(monkeypatch, "info", str(tmp_path / "p"), "--json"))["name"] == "箱子"


def test_a_file_whose_name_is_no_text_is_refused_in_a_sentence(capsys, tmp_path):
    Project.create(tmp_path / "p").close()
    assert cli.main(["import", str(tmp_path / "p"), "caf\udce9.txt"]) == 1
    assert "Rename it" in capsys.readouterr().err


def test_a_prompt_that_is_not_in_utf_8_is_refused_in_a_sentence(capsys, tmp_path):
    Project.create(tmp_path / "p").close()
    (tmp_path / "prompt.txt").write_bytes(b"caf\xe9 {count} {passage}")
    assert cli.main(["queries", "make", str(tmp_path / "p"), "--prompt", str(tmp_path / "prompt.txt")]) == 1
    assert "Save it in UTF-8" in capsys.readouterr().err
