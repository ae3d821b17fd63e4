"""Every stage from the command line on a small labelled set, with the JSON keys that scripts rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.engine import ROOT

pytestmark = pytest.mark.slow

PARTS = ("lever", "lid", "hinge", "filter", "pump", "valve", "gear", "belt")
ACTS = ("clean", "open", "replace", "tighten", "oil", "test", "remove", "adjust")
METRICS = {"ndcg@10", "mrr@10", "recall@10", "hit_rate@10", "map@100"}


def _json(*arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *arguments, "--json"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> tuple[Path, dict[str, dict]]:
    """A project walked through all stages, and what each printed."""
    place = tmp_path_factory.mktemp("stages")
    folder = place / "set"
    (folder / "qrels").mkdir(parents=True)
    rows = [(f"{act}-{part}", act, part) for act in ACTS for part in PARTS]
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as file:
        for key, act, part in rows:
            text = f"To {act} it, switch off the machine, take tool {len(part)} and reach the {part} behind the panel."
            file.write(json.dumps({"_id": f"d-{key}", "title": part.title(), "text": text}) + "\n")
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as file:
        for key, act, part in rows:
            file.write(json.dumps({"_id": f"q-{key}", "text": f"how do I {act} the {part}"}) + "\n")
    lines = [f"q-{key}\td-{key}\t1\n" for key, _, _ in rows]
    for name, part_of in (("train", lines[:40]), ("dev", lines[40:50]), ("test", lines[50:])):
        (folder / "qrels" / f"{name}.tsv").write_text(
            "query-id\tcorpus-id\tscore\n" + "".join(part_of), encoding="utf-8"
        )
    project = str(place / "p")
    said = {"new": _json("new", project), "import": _json("import", project, str(folder))}
    said["dedup"] = _json("dedup", project)
    said["split"] = _json("split", project)
    said["mine"] = _json("mine", project, "--negatives", "2", "--sources", "bm25,dense,random")
    said["train"] = _json("train", project, "--set", "max_steps=2", "--set", "batch_size=16")
    said["evaluate"] = _json("evaluate", project, "--systems", "bm25,base,tuned,hybrid")
    said["search"] = _json("search", project, "how do I oil the pump", "-k", "3")
    said["export"] = _json("export", project, str(place / "run.trec"), "--what", "run", "--system", "tuned")
    return place, said


KEYS = {
    "import": {"documents", "passages", "queries", "qrels", "new", "updated", "unchanged", "skipped", "problems"},
    "dedup": {"queries", "groups", "duplicates"},
    "split": {"train", "dev", "test", "leaks"},
    "mine": {"queries", "candidates", "negatives", "by_source", "doubtful"},
    "train": {"model", "steps", "seconds", "dev"},
    "evaluate": {"split", "queries", "systems", "comparisons"},
    "search": {"hits", "milliseconds"},
}


@pytest.mark.parametrize("command", sorted(KEYS))
def test_a_stage_prints_the_keys_that_are_fixed(walked, command):
    assert KEYS[command] <= set(walked[1][command])


def test_official_splits_are_kept_without_leaks(walked):
    split = walked[1]["split"]
    assert (split["train"], split["dev"], split["test"], split["leaks"]) == (40, 10, 14, 0)


def test_every_system_has_its_metrics_and_every_comparison_its_interval(walked):
    evaluated = walked[1]["evaluate"]
    assert set(evaluated["systems"]) == {"bm25", "base", "tuned", "hybrid"}
    assert all(set(metrics) >= METRICS for metrics in evaluated["systems"].values())
    wanted = {"a", "b", "metric", "delta", "low", "high", "p", "verdict", "fixed", "broken"}
    assert all(wanted <= set(c) and c["low"] <= c["delta"] <= c["high"] for c in evaluated["comparisons"])


def test_imported_ids_come_back_in_hits_and_in_exported_runs(walked):
    place, said = walked
    hit = said["search"]["hits"][0]
    assert {"rank", "score", "passage_id", "document", "text"} <= set(hit)
    assert hit["external_id"] == "d-oil-pump"
    query, _, passage, rank, _, tag = (place / "run.trec").read_text(encoding="utf-8").splitlines()[0].split()
    assert query.startswith("q-")
    assert passage.startswith("d-")
    assert (rank, tag) == ("1", "tuned")


def test_info_says_that_everything_is_done(walked):
    info = _json("info", str(walked[0] / "p"))
    states = {stage["name"]: stage["state"] for stage in info["stages"]}
    assert states["queries"] == states["negatives"] == states["train"] == "done"
    assert info["interrupted"] == []
