"""Intervals, p-values and verdicts agree with scipy and with simulation."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from engine.evaluate.statistics import (
    bootstrap_interval,
    compare_paired,
    holm,
    queries_needed,
    randomisation_p,
    smallest_difference,
    verdict_of,
)
from engine.records import Outcome


def ranks_difference(rng: np.random.Generator, n: int, shift: float = 0.0) -> np.ndarray:
    """Differences of reciprocal ranks, some moved up by `shift`, as rank measures look."""
    a, b = rng.integers(1, 15, size=n), rng.integers(1, 15, size=n)
    return np.where(a <= 10, 1 / a, 0) - np.where(b <= 10, 1 / b, 0) + shift


def test_interval_agrees_with_scipy_percentile_bootstrap():
    stats = pytest.importorskip("scipy.stats")
    differences = ranks_difference(np.random.default_rng(1), 300, 0.03)
    gold = stats.bootstrap(
        (differences,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    low, high = bootstrap_interval(differences)
    width = gold.high - gold.low
    assert low == pytest.approx(gold.low, abs=0.05 * width)
    assert high == pytest.approx(gold.high, abs=0.05 * width)


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.05])
def test_p_agrees_with_scipy_permutation_test(shift):
    stats = pytest.importorskip("scipy.stats")
    differences = ranks_difference(np.random.default_rng(3), 120, shift)
    gold = stats.permutation_test(
        (differences,),
        lambda d, axis: d.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9_999,
        rng=np.random.default_rng(4),
    ).pvalue
    assert randomisation_p(differences) == pytest.approx(gold, abs=0.02)


def test_p_equals_the_exact_share_of_sign_patterns_for_few_queries():
    differences = np.array([0.5, 0.3, 0.2, 0.1, -0.05])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1).T
    exact = np.mean(np.abs(signs @ np.abs(differences)) >= differences.sum() - 1e-12)
    assert randomisation_p(differences, resamples=50_000) == pytest.approx(exact, abs=0.005)


def share_of_verdicts(differences, *, n: int, trials: int) -> float:
    """How many in a hundred verdicts on `n` queries say that systems differ which do not."""
    rng = np.random.default_rng(n)
    told = 0
    for trial in range(trials):
        test = compare_paired(differences(rng, n), np.zeros(n), resamples=400, seed=trial)
        told += test.verdict is not Outcome.TIE
    return told / trials


def few_moved(rng: np.random.Generator, n: int) -> np.ndarray:
    """Differences of a barely trained model: 85 % of the queries did not move."""
    return np.where(rng.random(n) < 0.85, 0.0, ranks_difference(rng, n))


@pytest.mark.parametrize("differences", [ranks_difference, few_moved])
def test_under_the_null_about_five_in_a_hundred_verdicts_are_no_tie(differences):
    assert 0.04 <= share_of_verdicts(differences, n=200, trials=1_200) <= 0.06


@pytest.mark.parametrize(("differences", "n"), [(ranks_difference, 15), (few_moved, 60)])
def test_few_queries_under_the_null_are_told_apart_no_oftener(differences, n):
    rng = np.random.default_rng(n)
    intervals = [bootstrap_interval(differences(rng, n), resamples=400, seed=trial) for trial in range(1_000)]
    assert np.mean([low > 0 or high < 0 for low, high in intervals]) > 0.07  # the interval alone would not do
    assert share_of_verdicts(differences, n=n, trials=1_000) <= 0.06


def test_under_the_null_a_family_of_many_is_told_apart_no_oftener_than_one():
    rng = np.random.default_rng(12)
    trials, n = 400, 60
    told, uncorrected = 0, 0
    for trial in range(trials):
        rival = rng.integers(1, 15, size=n)
        tests = []
        for _ in range(5):
            own = np.where(rng.random(n) < 0.5, rival, rng.integers(1, 15, size=n))
            tests.append(compare_paired(1 / own, 1 / rival, resamples=400, seed=trial))
        together = [verdict_of(t.low, t.high, p) for t, p in zip(tests, holm([t.p for t in tests]), strict=True)]
        told += any(verdict is not Outcome.TIE for verdict in together)
        uncorrected += any(test.verdict is not Outcome.TIE for test in tests)
    assert told / trials <= 0.06
    assert uncorrected / trials > 0.12


def test_verdict_follows_the_interval_where_the_test_agrees():
    assert verdict_of(0.01, 0.05, 0.01) is Outcome.WIN
    assert verdict_of(-0.01, 0.05, 0.3) is Outcome.TIE
    assert verdict_of(-0.05, -0.01, 0.01) is Outcome.LOSS
    assert verdict_of(0.0, 0.0, 1.0) is Outcome.TIE


def test_interval_beside_zero_is_a_tie_where_chance_gives_as_much():
    assert verdict_of(0.01, 0.05, 0.05) is Outcome.TIE
    assert verdict_of(-0.05, -0.01, 0.05) is Outcome.TIE


def test_comparison_is_antisymmetric_in_its_delta_and_verdict():
    rng = np.random.default_rng(6)
    a, b = rng.random(400) * 0.5 + 0.2, rng.random(400) * 0.5
    forward, backward = compare_paired(a, b), compare_paired(b, a)
    assert forward.delta == pytest.approx(-backward.delta)
    assert (forward.verdict, backward.verdict) == (Outcome.WIN, Outcome.LOSS)


def test_same_seed_gives_the_same_figures():
    rng = np.random.default_rng(7)
    a, b = rng.random(50), rng.random(50)
    assert compare_paired(a, b, seed=1) == compare_paired(a, b, seed=1)


def test_equal_systems_tie_with_p_one():
    values = np.random.default_rng(8).random(30)
    test = compare_paired(values, values)
    assert (test.delta, test.low, test.high, test.p, test.verdict) == (0, 0, 0, 1, Outcome.TIE)


def test_no_queries_tie():
    test = compare_paired(np.array([]), np.array([]))
    assert (test.n, test.delta, test.p, test.verdict) == (0, 0.0, 1.0, Outcome.TIE)
    assert math.isinf(test.smallest)


def test_difference_of_the_smallest_size_is_found_four_times_in_five():
    rng = np.random.default_rng(9)
    spread = 0.3
    smallest = smallest_difference(rng.normal(0, spread, 100_000)) * math.sqrt(100_000 / 200)
    found = 0
    for trial in range(500):
        test = compare_paired(rng.normal(smallest, spread, 200), np.zeros(200), resamples=500, seed=trial)
        found += test.verdict is Outcome.WIN
    assert found / 500 == pytest.approx(0.8, abs=0.06)


def test_queries_needed_inverts_the_smallest_difference():
    differences = ranks_difference(np.random.default_rng(10), 250)
    assert queries_needed(differences, smallest_difference(differences)) in (250, 251)


def test_hundred_thousand_queries_are_compared_in_seconds():
    rng = np.random.default_rng(11)
    differences = ranks_difference(rng, 100_000, 0.001)  # few distinct values, as rank measures have
    begin = time.process_time()  # other work on the machine shall not count
    compare_paired(differences, np.zeros_like(differences))
    assert time.process_time() - begin < 10
