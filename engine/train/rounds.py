"""From the starting point to the best model without a hand on it: mine, train, mine with the tuned one, again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from engine.errors import UserError
from engine.evaluate.evaluation import evaluate
from engine.mine.mining import mine
from engine.params import AutopilotParams, EvaluateParams, MineParams, TrainParams, params_from_dict
from engine.records import Split, State
from engine.store import models, queries
from engine.store.project import Project
from engine.task import Task
from engine.train.summary import TrainSummary
from engine.train.training import model_ref, train

# A round is begun only where this share of it would still be training, not mining and measuring.
_LEAST_TRAINING = 0.25
_LEAST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Round:
    """One run of training: `kept` False where its gain was none, so that the model before it stays the newest."""

    number: int
    model: int
    parent: int
    steps: int
    seconds: float
    dev: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    kept: bool


@dataclass(frozen=True, slots=True)
class AutopilotSummary:
    """What the rounds brought.

    Attributes:
        model: the model that stands at the end.
        rounds: in order; an adaptation to the corpus before them counts as round 0.
        stopped: why no round followed: "rounds", "gain" (inside its interval), "time" or "asked".
        evaluation: nDCG@10 on test by system, empty without test queries.
        verdicts: comparisons in words: (a, b, WIN/TIE/LOSS, delta).
    """

    model: int
    rounds: tuple[Round, ...]
    stopped: str
    seconds: float
    evaluation: dict[str, float]
    verdicts: tuple[tuple[str, str, str, float], ...]


def autopilot(project: Project, params: AutopilotParams, task: Task) -> AutopilotSummary:
    """Measure the start, then mine and train in rounds until nothing more is gained or time is up; measure the end.

    Cancelled in a training, that run can go on by itself; finished early, it goes to the last measurement.

    Raises:
        UserError: no training query with an answer, or settings that training does not know.
    """
    return _Autopilot(project, params, task).run()


class _Autopilot:
    def __init__(self, project: Project, params: AutopilotParams, task: Task) -> None:
        self.project, self.params, self.task = project, params, task
        self.began = self.task.clock()
        self.rounds: list[Round] = []
        self.mine_seconds = self.evaluate_seconds = 0.0
        self.minings = 0
        if "resume" in params.settings or "finish" in params.settings:
            raise UserError("Rounds start anew.", hint="Go on with an interrupted training by itself.")
        values = {"preset": params.preset, "base": params.base, **params.settings}
        self.train_params = params_from_dict(TrainParams, values)
        self.start = model_ref(project, self.train_params.base)
        self.has_test = any(True for _ in queries.representatives(project, Split.TEST))

    def run(self) -> AutopilotSummary:
        if self.has_test:
            self._evaluate(("bm25", "base"))
        current = self._adapt()
        stopped = "rounds"
        for number in range(1, self.params.rounds + 1):
            if number > 1 and (stopped := self._reason_to_stop()):
                break
            stopped = "rounds"
            self._mine(current)
            made = self._train(number, replace(self.train_params, base=current), last=number == self.params.rounds)
            gained = made.gain_low is None or made.gain_low > 0
            if made.kept:
                current = str(made.model)
            if not gained:
                stopped = "gain"
                break
        scores, verdicts = self._last_evaluation()
        standing = models.resolve_model(self.project, current)
        seconds = round(self.task.clock() - self.began, 1)
        return AutopilotSummary(standing.id, tuple(self.rounds), stopped, seconds, scores, verdicts)

    def _adapt(self) -> str:
        """The unsupervised stage of the two-stage recipe; returns the model the rounds start from."""
        if self.params.adapt == "off":
            return self.start
        values: dict[str, Any] = {  # Any: settings
            "objective": self.params.adapt,
            "max_steps": self.params.adapt_steps,
            "base": self.start,
            "merge": "off",
            "device": self.train_params.device,
            "precision": self.train_params.precision,
            "max_length": self.train_params.max_length,
            "eval_every": 0,
            "minutes": self._share(0.25),
        }
        made = self._train(0, params_from_dict(TrainParams, values), last=False, timed=False)
        return str(made.model)

    def _mine(self, model: str) -> None:
        began = self.task.clock()
        mine(self.project, MineParams(model=model), self.task)
        self.mine_seconds = self.task.clock() - began
        self.minings += 1

    def _next_mining(self) -> float:
        """Seconds that the next one will take: the first found vectors that the measurement before it had made."""
        return self.mine_seconds + (self.evaluate_seconds if self.minings < 2 else 0.0)

    def _train(self, number: int, params: TrainParams, *, last: bool, timed: bool = True) -> Round:
        if timed and self.params.minutes:
            params = replace(params, minutes=self._minutes(last=last))
        summary = train(self.project, params, self.task, all_in=timed and bool(self.params.minutes))
        worse = summary.dev is not None and summary.dev_base is not None and summary.dev <= summary.dev_base
        kept = number < 2 or not worse
        if not kept:
            self._leave_out(summary)
        parent = models.model(self.project, summary.model)
        made = Round(
            number,
            summary.model,
            (parent.parent_id if parent else None) or 0,
            summary.steps,
            summary.seconds,
            summary.dev,
            summary.gain,
            summary.gain_low,
            summary.gain_high,
            kept,
        )
        self.rounds.append(made)
        return made

    def _leave_out(self, summary: TrainSummary) -> None:
        """Keep the record of a round without gain, but not as the newest tuned model."""
        told = {**asdict(summary), "left_out": "no gain on dev over its parent"}
        models.set_model_state(self.project, summary.model, State.FAILED, summary=told)

    def _share(self, share: float) -> float:
        return self.params.minutes * share

    def _left(self) -> float:
        """Seconds left for training, without those of the last measurement."""
        return 60 * self.params.minutes - (self.task.clock() - self.began) - self.evaluate_seconds

    def _minutes(self, *, last: bool) -> float:
        """A run's limit: half of what is left where another round is worth its mining then, else all of it."""
        left, mining = self._left(), self._next_mining()
        if left < _LEAST_SECONDS:
            self.task.warn(
                f"Measuring and mining took most of the {self.params.minutes:g} minutes; the training is given "
                f"{_LEAST_SECONDS:.0f} seconds. Give it more time, or train without rounds."
            )
        half = (left - mining) / 2
        again = not last and self._is_worth(half + mining)
        return max(half if again else left, _LEAST_SECONDS) / 60

    def _is_worth(self, left: float) -> bool:
        """Whether a round in so many seconds would be training enough, and not mining alone."""
        training = left - self._next_mining()
        return training > _LEAST_SECONDS and training > _LEAST_TRAINING * left

    def _reason_to_stop(self) -> str:
        if self.task.is_finishing:
            return "asked"
        if not self.params.minutes:
            return ""
        return "" if self._is_worth(self._left()) else "time"

    def _evaluate(self, systems: tuple[str, ...]) -> Any:  # Any: an EvaluateSummary
        began = self.task.clock()
        found = evaluate(self.project, EvaluateParams(systems=systems), self.task)
        self.evaluate_seconds = self.task.clock() - began
        return found

    def _last_evaluation(self) -> tuple[dict[str, float], tuple[tuple[str, str, str, float], ...]]:
        if not self.has_test:
            return {}, ()
        found = self._evaluate(("bm25", "base", "tuned"))
        called = zip(found.comparisons, found.words, strict=True)
        verdicts = tuple((c.a, c.b, word, c.delta) for c, word in called)
        return {name: metrics["ndcg@10"] for name, metrics in found.systems.items()}, verdicts
