"""Parts of a comparison add up to the whole and are told by what was kept of the queries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from engine.records import QueryMetrics, Split
from engine.store import pins, queries, runs, slices
from engine.store.notes import note, put_note
from engine.store.project import Project
from engine.store.queries import NewQuery


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        rows = [NewQuery(f"query {i}", source="hand" if i % 3 == 0 else "") for i in range(60)]
        queries.put_queries(made, rows, import_id=None)
        yield made


def _run(project: Project, system: str, values: np.ndarray) -> int:
    run_id = runs.start_run(project, system=system, model_id=None, split=Split.TEST, content_key=system)
    rows = [QueryMetrics(i + 1, v, v, v, v, v, 1 if v > 0.5 else 0) for i, v in enumerate(values.tolist())]
    runs.put_query_metrics(project, run_id, rows)
    runs.finish_run(project, run_id, n_queries=len(rows), metrics={}, seconds=1.0)
    return run_id


def _keep(project: Project) -> None:
    slices.keep_features(
        project,
        Split.TEST,
        query_ids=range(1, 61),
        words=[2] * 30 + [12] * 27 + [30] * 3,
        overlap=np.linspace(0, 1, 60).tolist(),
        language=["Chinese"] * 20 + ["Latin letters"] * 40,
    )


def test_slices_by_length_stand_in_order_and_equal_the_paired_t_interval(project):
    rng = np.random.default_rng(0)
    a, b = rng.random(60), rng.random(60)
    run_a, run_b = _run(project, "tuned", a), _run(project, "bm25", b)
    _keep(project)
    found = slices.slices(project, run_a, run_b, "length")
    assert [part.name for part in found] == ["1 to 4 words", "9 to 16 words"]  # three queries are too few to tell
    first = found[0]
    assert (first.n, first.a, first.b) == (30, pytest.approx(a[:30].mean()), pytest.approx(b[:30].mean()))
    d = a[:30] - b[:30]
    half = stats.t.ppf(0.975, 29) * stats.sem(d)
    assert (first.low, first.high) == (
        pytest.approx(d.mean() - half, abs=1e-5),
        pytest.approx(d.mean() + half, abs=1e-5),
    )


@pytest.mark.parametrize("df", [4, 5, 9, 30, 1000])
def test_the_interval_of_a_small_part_is_as_wide_as_students(df):
    assert slices._student(df) == pytest.approx(stats.t.ppf(0.975, df), rel=3e-3)


def test_a_query_that_shares_a_quarter_of_its_words_is_in_the_part_that_begins_there(project):
    run_a, run_b = _run(project, "tuned", np.ones(60)), _run(project, "bm25", np.zeros(60))
    shares = [0.0] * 10 + [0.25] * 10 + [0.5] * 10 + [0.75] * 30
    features = {"words": [3] * 60, "language": ["English"] * 60}
    slices.keep_features(project, Split.TEST, query_ids=range(1, 61), overlap=shares, **features)
    assert [part.n for part in slices.slices(project, run_a, run_b, "overlap")] == [10, 10, 10, 30]


@pytest.mark.parametrize(
    ("by", "names"), [("language", {"Chinese", "Latin letters"}), ("source", {"hand", "imported"})]
)
def test_other_slices_name_their_queries(project, by, names):
    run_a, run_b = _run(project, "tuned", np.ones(60)), _run(project, "bm25", np.zeros(60))
    _keep(project)
    found = slices.slices(project, run_a, run_b, by)
    assert {part.name for part in found} == names
    assert sum(part.n for part in found) == 60
    assert all(math.isclose(part.delta, 1.0) for part in found)


def test_without_features_there_are_no_slices_by_length(project):
    run_a, run_b = _run(project, "tuned", np.ones(60)), _run(project, "bm25", np.zeros(60))
    assert slices.slices(project, run_a, run_b, "length") == []
    assert slices.slices(project, 98, 99, "source") == []


def test_a_pinned_query_is_broken_when_its_answer_leaves_the_first_k(project):
    run = _run(project, "tuned", np.array([1.0, 0.0, 1.0] * 20))
    for query_id in (1, 2):
        pins.pin_query(project, query_id, 5)
    assert [(pin.query_id, pin.rank) for pin in pins.pins(project, run)] == [(1, 1), (2, 0)]
    assert [pin.query_id for pin in pins.broken_pins(project, run)] == [2]
    assert pins.broken_pins(project, 77) == []  # a run that did not ask says nothing
    pins.unpin_query(project, 2)
    assert [pin.query_id for pin in pins.pins(project)] == [1]


def test_a_note_is_replaced_and_removed(project):
    put_note(project, "model", 3, "first try")
    put_note(project, "model", 3, "second try")
    assert note(project, "model", 3) == "second try"
    put_note(project, "model", 3, " ")
    assert note(project, "model", 3) == ""
