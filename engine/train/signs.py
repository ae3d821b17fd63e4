"""Signs that a training goes wrong, read from its curves and from the shape of its space, in words with the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engine.records import MetricPoint
from engine.train.saving import in_per_cent

Floats = npt.NDArray[np.float32]

_KEPT_SPREAD = 0.25
_LEAST_LOSSES = 24
_LEAST_FALL = 0.02
_FALLS = 3
_LEAST_LOST = 0.01
_SOLVED = 0.02


@dataclass(frozen=True, slots=True)
class Shape:
    """How vectors of unit length lie.

    Attributes:
        uniformity: log of the mean of exp(-2 d²) over pairs of passages, 0 where all are one point, about -4 where they
            fill the sphere (Wang and Isola, arXiv:2005.10242).
        alignment: mean squared distance of queries and their answers, 0..4 (the same).
        spread: mean squared distance of two passages, 0..4.
    """

    uniformity: float
    alignment: float
    spread: float


def shape_of(asked: Floats, answers: Floats, passages: Floats) -> Shape:
    """Measure a space; `asked` and `answers` row by row belong together, all of unit length, passages at least two."""
    alignment = float(np.mean(np.sum((asked - answers) ** 2, axis=1)))
    distances = np.maximum(2 - 2 * (passages @ passages.T), 0)[np.triu_indices(len(passages), 1)]
    return Shape(float(np.log(np.mean(np.exp(-2 * distances)))), alignment, float(np.mean(distances)))


def collapsed(now: Shape, first: Shape) -> str:
    """Whether all vectors draw together without answers coming nearer than the rest; "" where they do not.

    A space may shrink while it learns, as long as answers come closer to their queries than other passages do.
    """
    if first.spread <= 0 or now.spread > _KEPT_SPREAD * first.spread:
        return ""
    if now.alignment / max(now.spread, 1e-9) < 0.9 * first.alignment / first.spread:
        return ""
    left = in_per_cent(now.spread / first.spread)
    return (
        f"the vectors are collapsing: passages lie {left} as far apart as before training "
        f"(uniformity {first.uniformity:.2f} → {now.uniformity:.2f}), and answers came no nearer than the rest "
        f"(alignment {first.alignment:.2f} → {now.alignment:.2f}). Try a lower learning rate or more queries a batch."
    )


def stuck(losses: Sequence[MetricPoint], looks: Sequence[MetricPoint], total: int) -> str:
    """Whether the loss has not fallen since the start and dev gained nothing; "" where it has, or it is too early.

    The first and the last third of the steps are compared: the means differ by less than two standard errors and by
    less than 2 %.
    """
    if len(losses) < max(_LEAST_LOSSES, total // 4):
        return ""
    values = np.array([point.value for point in losses])
    first, last = values[: len(values) // 3], values[-(len(values) // 3) :]
    fall = float(first.mean() - last.mean())
    error = float(np.sqrt(first.var(ddof=1) / len(first) + last.var(ddof=1) / len(last)))
    if first.mean() < _SOLVED or fall > 2 * error or fall > _LEAST_FALL * abs(first.mean()):
        return ""
    if len(looks) > 1 and max(point.value for point in looks[1:]) > looks[0].value + _LEAST_LOST:
        return ""
    return (
        f"the loss is stuck: {first.mean():.3f} over the first steps, {last.mean():.3f} over the last. "
        "Try a higher learning rate, or look whether queries and answers belong together."
    )


def dev_falls_while_loss_falls(looks: Sequence[MetricPoint], losses: Sequence[MetricPoint]) -> str:
    """Whether the training queries are learnt by heart: dev fell at each of the last three looks, the loss goes on
    falling; "" where not."""
    if len(looks) <= _FALLS:
        return ""
    best = max(looks, key=lambda point: (point.value, -point.step))
    tail = [point.value for point in looks[-_FALLS - 1 :]]
    if any(later >= earlier for earlier, later in pairwise(tail)):
        return ""
    lost = best.value - tail[-1]
    after = [point.value for point in losses if point.step > best.step]
    before = [point.value for point in losses if point.step <= best.step][-max(len(after), 1) :]
    if lost < _LEAST_LOST or not after or not before or np.mean(after) > (1 - _LEAST_FALL) * np.mean(before):
        return ""
    return (
        f"the dev score falls while the loss falls (nDCG@10 {best.value:.3f} at step {best.step}, {tail[-1]:.3f} now): "
        f"training queries are learnt by heart. Step {best.step} is kept; stop early, or train with more queries."
    )
