"""PaddleNLP's own sample, in its own format, through every stage by command; what its tools get wrong does not happen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import main
from tests.datasets import shared_data
from tests.tiny_model import build_tiny_model

pytestmark = pytest.mark.slow

PARTS = {
    "lever": ("a soft old cloth and one drop of oil", "it sticks after a cold night outdoors"),
    "lid": ("hot water, vinegar and a brush", "rings of lime show on glass"),
    "hinge": ("compressed air from below", "doors begin to squeak or sag"),
    "filter": ("nothing but a tap and patience", "coffee runs slowly, every second week"),
    "pump": ("citric acid, twenty grams a litre", "pressure falls under nine bar"),
    "valve": ("a needle, carefully", "steam escapes where none should"),
}


class Terminal:
    """Commands on one project, and what they print as JSON."""

    def __init__(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._project, self._capsys = str(project), capsys

    def __call__(self, command: str, *arguments: str) -> dict:
        self._capsys.readouterr()
        code = main([*command.split(), self._project, *arguments, "--json", "--quiet"])
        printed = self._capsys.readouterr()
        assert code == 0, printed.err
        return json.loads(printed.out)


@pytest.fixture
def run(tmp_path, capsys):
    model = build_tiny_model(tmp_path / "model")
    run = Terminal(tmp_path / "p", capsys)
    run("new", "--base", str(model))
    return run


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_sample_goes_through_cleaning_mining_training_and_evaluation(run, tmp_path):
    source = shared_data("toy-formats/paddlenlp/toy_source.json")
    rows = lines_of(source)
    assert run("import", str(source))["queries"] == len(rows) == 20
    run("dedup")
    split = run("split", "--dev", "0.15", "--test", "0.2")
    assert split["leaks"] == 0
    mined = run("mine", "--negatives", "2", "--relative-margin", "-1", "--max-doubt", "2")
    assert mined["queries"] == split["train"]
    assert mined["negatives"] == 2 * mined["queries"]
    trained = run("train", "--set", "max_steps=2", "--set", "batch_size=4", "--set", "max_length=32")
    assert trained["steps"] == 2
    measured = run("evaluate", "--systems", "bm25,base,tuned")
    assert list(measured["systems"]) == ["bm25", "base", "tuned"]
    assert measured["queries"] == split["test"]
    run("negatives export", str(tmp_path / "out.json"), "--format", "paddlenlp", "--split", "train")
    positives = {row["query"].strip(): [text.strip() for text in row["pos_passage"]] for row in rows}
    exported = lines_of(tmp_path / "out.json")
    assert len(exported) == split["train"]
    for row in exported:
        assert [text.strip() for text in row["pos_passage"]] == positives[row["query"].strip()]
        assert len(row["neg_passage"]) == 2
        assert not {text.strip() for text in row["neg_passage"]} & set(positives[row["query"].strip()])


def test_every_positive_counts_and_a_query_with_few_survivors_is_kept(run, tmp_path):
    """PaddleNLP's mining takes `pos_passage[0]` alone and leaves out queries with too few negatives."""
    source = tmp_path / "several.json"
    rows = [
        {
            "query": f"how to clean the {part}",
            "pos_passage": [f"clean the {part} with {tool}", f"the {part} is due when {sign}"],
            "neg_passage": [],
        }
        for part, (tool, sign) in PARTS.items()
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run("import", str(source))
    run("split", "--dev", "0", "--test", "0")
    # Ten passages are no answer of a query; twelve are asked for, so that every query comes out short.
    mined = run("mine", "--negatives", "12", "--relative-margin", "-9", "--max-doubt", "2")
    assert (mined["queries"], mined["short"]) == (len(PARTS), len(PARTS))
    assert 0 < mined["negatives"] <= 10 * len(PARTS)
    for number in range(1, len(PARTS) + 1):
        shown = run("negatives show", str(number))
        answers = [row["text"] for row in shown["candidates"] if row["state"] == "answer"]
        assert sorted(answers) == sorted(rows[number - 1]["pos_passage"])
    run("negatives export", str(tmp_path / "out.json"), "--format", "paddlenlp", "--split", "train")
    exported = {row["query"]: row for row in lines_of(tmp_path / "out.json")}
    assert len(exported) == len(PARTS)
    for row in rows:
        found = exported[row["query"]]
        assert sorted(found["pos_passage"]) == sorted(row["pos_passage"])
        assert found["neg_passage"]
        assert not set(found["neg_passage"]) & set(row["pos_passage"])
    trained = run("train", "--set", "max_steps=1", "--set", "batch_size=4", "--set", "max_length=32")
    assert trained["steps"] == 1
    run("reranker", "--set", "max_steps=1", "--set", "batch_size=4", "--set", "max_length=32")
    scored = run("negatives score", "--per-query", "4", "--gate", "share", "--gate-at", "0.98")
    assert scored["gate"] == "share"
    assert scored["scored"] >= 2 * len(PARTS)  # each query's two answers, and others
    assert scored["negatives"] <= mined["negatives"]
    freed = run("negatives select", "--gate", "off", "--negatives", "1")
    assert freed["negatives"] == len(PARTS)
