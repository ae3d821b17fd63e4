"""What commands print for a person."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine import cli
from engine.commands import queries
from engine.store import overview as overview_module
from engine.terminal import next_command


def test_every_next_step_names_a_command_that_there_is():
    source = Path(overview_module.__file__).read_text(encoding="utf-8")
    steps = re.findall(r'NextStep\("[^"]+", "(\w+)", "(\w*)"', source)
    assert len(steps) > 8
    for page, job in steps:
        with pytest.raises(SystemExit) as ended:
            cli._parser().parse_args([*next_command(job, page).split(), "--help"])
        assert ended.value.code == 0


def test_made_queries_are_told_without_what_did_not_happen(capsys):
    nothing = {"failed": 0, "tokens": 0, "seconds_asking": 0.0, "cost": 0.0}
    queries._show_made({"queries": 3, "by_source": {"headings": 3}, "without": 2, "known": 0, **nothing})
    assert capsys.readouterr().out == "3 queries made: headings 3\n2 times a passage gave none\n"


def test_a_split_is_told_in_counts_and_a_sentence(capsys):
    queries._show_split({"train": 1200, "dev": 20, "test": 40, "sentence": "Leaks: 0 texts.", "unused": 0})
    assert capsys.readouterr().out == "1,200 train, 20 dev, 40 test\nLeaks: 0 texts.\n"
