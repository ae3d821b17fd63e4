"""A mining's candidates are kept whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ProjectError
from engine.store.candidates import Flag, columns_of, read_candidates, sort_key, write_candidates
from engine.store.project import Project
from tests.engine.store.test_selection import table

ROWS = [(1, 10, 1, 2, 0.2, 0.1, 0), (1, 11, 2, 0, 0.2, 0, Flag.SAME_DOCUMENT), (4, 10, 0, 1, 0.4, 0, Flag.RANDOM)]


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "p") as project:
        yield project


def test_candidates_come_back_as_they_were(project):
    written = table(ROWS)
    write_candidates(project, 3, written)
    read = read_candidates(project, 3, check=True)
    for name, column in columns_of(written).items():
        np.testing.assert_array_equal(getattr(read, name), column)
        assert getattr(read, name).dtype == column.dtype


def test_a_querys_candidates_are_found_by_its_id():
    candidates = table(ROWS)
    assert candidates.passage_id[candidates.rows_of(4)].tolist() == [10]
    assert candidates.passage_id[candidates.rows_of(2)].tolist() == []
    assert candidates.query_numbers().tolist() == [0, 0, 1]


def test_no_candidates_can_be_kept_too(project):
    write_candidates(project, 1, table([]))
    assert len(read_candidates(project, 1)) == 0


def test_a_write_that_fails_leaves_nothing(project, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_candidates(project, 1, table(ROWS))
    monkeypatch.undo()
    with pytest.raises(ProjectError):
        read_candidates(project, 1)


def test_a_changed_file_is_noticed(project):
    write_candidates(project, 1, table(ROWS))
    file = next((project.path / "minings" / "1").rglob("doubt.npy"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ProjectError, match="damaged"):
        read_candidates(project, 1, check=True)


def test_an_id_too_large_for_the_file_is_refused(project):
    candidates = table(ROWS)
    object.__setattr__(candidates, "passage_id", candidates.passage_id.astype(np.int64) + 2**31)
    with pytest.raises(ProjectError, match="two billion"):
        write_candidates(project, 1, candidates)


def test_candidates_lie_by_dense_rank_then_bm25_rank_with_unranked_ones_last():
    query, dense, bm25 = np.array([2, 1, 1, 1, 1]), np.array([1, 0, 0, 2, 1]), np.array([0, 0, 4, 1, 9])
    assert sort_key(query, dense, bm25).tolist() == [4, 3, 2, 1, 0]
