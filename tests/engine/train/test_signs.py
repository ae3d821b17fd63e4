"""Signs of trouble in curves and in a space: each on a made case that has it, and on one that has not."""

import numpy as np
import pytest

from engine.records import MetricPoint
from engine.train.signs import Shape, collapsed, dev_falls_while_loss_falls, shape_of, stuck


def sphere(n, dim=64, seed=0):
    made = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def towards(vectors, share):
    """Vectors drawn to one direction; share 0 leaves them, 1 makes them one point."""
    goal = np.zeros_like(vectors)
    goal[:, 0] = 1
    made = (1 - share) * vectors + share * goal
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def points(values, start=0, every=1):
    return [MetricPoint(start + every * place, float(value)) for place, value in enumerate(values)]


def test_vectors_all_over_the_sphere_have_a_uniformity_of_nearly_minus_four():
    # d² = 2 - 2c with c of mean 0 and variance 1 / 64, so that log E exp(-2 d²) is near -4 + 16 / 2 / 64
    passages = sphere(800)
    found = shape_of(passages[:100], passages[:100], passages)
    assert found.uniformity == pytest.approx(-4 + 8 / 64, abs=0.02)
    assert (found.alignment, found.spread) == (0, pytest.approx(2, abs=0.02))


def test_shape_by_hand():
    # two passages at right angles: d² = 2; the query opposite to its answer: d² = 4
    passages = np.array([[1, 0], [0, 1]], np.float32)
    found = shape_of(np.array([[-1, 0]], np.float32), passages[:1], passages)
    assert (found.uniformity, found.alignment, found.spread) == pytest.approx((-4, 4, 2))


def test_a_space_that_shrinks_to_a_point_is_collapsing():
    asked, passages = sphere(200, seed=1), sphere(200, seed=2)
    first = shape_of(asked, passages, passages)
    now = shape_of(towards(asked, 0.9), towards(passages, 0.9), towards(passages, 0.9))
    assert "collapsing" in collapsed(now, first)
    assert f"{first.uniformity:.2f} → {now.uniformity:.2f}" in collapsed(now, first)


def test_a_space_that_shrinks_while_answers_come_nearer_is_learning():
    asked, passages = sphere(200, seed=1), sphere(200, seed=2)
    first = shape_of(asked, passages, passages)
    near = towards(passages, 0.9)
    learnt = near + 0.02 * (towards(asked, 0.9) - near)
    learnt /= np.linalg.norm(learnt, axis=1, keepdims=True)
    assert collapsed(shape_of(learnt, near, near), first) == ""


def test_a_space_as_wide_as_before_is_no_collapse():
    assert collapsed(Shape(-3.0, 1.4, 1.6), Shape(-3.2, 1.5, 1.7)) == ""


def noisy(level, fall, n=60, seed=3):
    return points(level - fall * np.arange(n) / n + np.random.default_rng(seed).normal(0, 0.1, n), 1)


def test_a_flat_loss_is_stuck_until_dev_gains():
    losses = noisy(2.0, 0.0)
    assert "stuck" in stuck(losses, points([0.4, 0.39, 0.4]), 60)
    assert stuck(losses, points([0.4, 0.39, 0.5]), 60) == ""


def test_a_falling_loss_is_not_stuck():
    assert stuck(noisy(2.0, 0.4), points([0.4, 0.4]), 60) == ""


def test_nobody_is_told_of_a_stuck_loss_after_a_few_steps():
    assert stuck(noisy(2.0, 0.0, n=20), [], 30) == ""
    assert stuck(noisy(2.0, 0.0, n=60), [], 1000) == ""


def test_a_loss_near_zero_has_nowhere_to_fall():
    assert stuck(points([0.001] * 60, 1), [], 60) == ""


def test_dev_that_falls_three_times_under_a_falling_loss_is_learning_by_heart():
    looks = points([0.40, 0.55, 0.54, 0.53, 0.51], every=10)
    losses = points(np.linspace(2, 0.2, 40), 1)
    said = dev_falls_while_loss_falls(looks, losses)
    assert "by heart" in said
    assert "0.550 at step 10, 0.510 now" in said


@pytest.mark.parametrize(
    ("looks", "losses"),
    [
        ([0.40, 0.55, 0.54, 0.53, 0.54], np.linspace(2, 0.2, 40)),  # it rose again
        ([0.40, 0.55, 0.54, 0.53], np.linspace(2, 0.2, 40)),  # two falls
        ([0.40, 0.550, 0.548, 0.546, 0.544], np.linspace(2, 0.2, 40)),  # less than a hundredth
        ([0.40, 0.55, 0.54, 0.53, 0.51], np.full(40, 2.0)),  # the loss stands still
    ],
)
def test_other_curves_are_no_learning_by_heart(looks, losses):
    assert dev_falls_while_loss_falls(points(looks, every=10), points(losses, 1)) == ""
