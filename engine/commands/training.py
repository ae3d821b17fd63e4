"""Commands that tune models."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.commands.common import Add, Values, absolute, edit, given, job, settings
from engine.errors import Cancelled, UserError
from engine.objectives import OBJECTIVES
from engine.store.verdicts import signed
from engine.terminal import TerminalTask, duration, plain, say, table

_PRESETS = ("quick", "balanced", "thorough")


def add_commands(add: Add) -> None:
    """Register them."""
    train = add("train", "tune the model", _train, example="train faq --set learning_rate=3e-5", show=_show_trained)
    _add_settings(train)
    train.add_argument("--minutes", type=float, metavar="N", help="stop after so many minutes")
    train.add_argument("--resume", type=int, metavar="ID", help="go on with an interrupted training")
    train.add_argument("--finish", action="store_true", help="with --resume: train no further, keep the best so far")
    train.add_argument("--from-run", type=int, metavar="ID", help="repeat a run; --set changes one thing of it")
    train.add_argument("--rounds", type=int, metavar="N", help="mine and train up to N times, until nothing is gained")

    auto = add(
        "autopilot",
        "measure, mine and train in rounds until nothing is gained or time is up",
        job("autopilot", _autopilot_values),
        example="autopilot faq --minutes 10",
        show=_show_rounds,
    )
    _add_settings(auto)
    auto.add_argument("--minutes", type=float, metavar="N", help="all in all, the last measurement included")
    auto.add_argument("--rounds", type=int, metavar="N", help="at most so many rounds (3)")
    adapt = ["off", "simcse", "augmented", "tsdae", "mlm"]
    auto.add_argument("--adapt", choices=adapt, help="get used to the corpus first, without labels")

    forecast = add(
        "forecast",
        "say how long a training will take and how much memory",
        job("forecast", _train_values),
        show=show_forecast,
    )
    _add_settings(forecast)
    forecast.add_argument("--minutes", type=float, metavar="N", help="the limit it would have")

    add("objectives", "list objectives and which of them the data fits", _list_objectives, show=_show_fit)
    mixed = add("merge", "mix a tuned model with the one it came from", job("merge", _merge_values))
    mixed.add_argument("--model", metavar="ID", help="a tuned model (the newest)")
    mixed.add_argument("--alpha", type=float, metavar="A", help="share of the base's weights, 0 to 1 (the best on dev)")

    script = add(
        "script",
        "write a run as a command and as a script for sentence-transformers",
        edit("script", _script_values),
        example="script faq --model 2 --dest repeat",
    )
    script.add_argument("--model", type=int, required=True, metavar="ID", help="the tuned model, or a reranker")
    script.add_argument("--dest", required=True, metavar="FOLDER", help="where train.py and batches.jsonl go")

    reranker = add(
        "reranker",
        "train a cross-encoder that sorts first hits again",
        _train_reranker,
        example="reranker faq --loss pairwise --minutes 10",
    )
    reranker.add_argument("--minutes", type=float, metavar="N", help="stop after so many minutes")
    reranker.add_argument("--base", metavar="ID", help="the model to start from")
    losses = ["binary", "pairwise", "listwise"]
    reranker.add_argument("--loss", choices=losses, help="right or wrong, in pairs, or in lists (binary)")
    reranker.add_argument("--set", action="append", metavar="NAME=VALUE", help="any setting; may be repeated")
    reranker.add_argument("--resume", type=int, metavar="ID", help="go on with an interrupted one")
    reranker.add_argument("--finish", action="store_true", help="with --resume: keep the best so far")

    scores = add("scores", "score training pairs for objectives that need a teacher", job("scores", _score_values))
    scores.add_argument("--model", metavar="ID", help="a reranker (the newest)")
    scores.add_argument("--file", metavar="PATH", help="JSON lines of query, passage and score instead")


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--preset", choices=_PRESETS, help="how long and how large (quick)")
    command.add_argument("--base", metavar="ID|PATH", help="the model to start from: base, tuned, an id or a folder")
    command.add_argument("--objective", choices=list(OBJECTIVES), metavar="NAME", help="searchsmith objectives PROJECT")
    command.add_argument("--set", action="append", metavar="NAME=VALUE", help="any setting; may be repeated")


def _train(options: argparse.Namespace, task: TerminalTask) -> Values:
    """One training, or several in rounds; one that was stopped says how it goes on."""
    if options.rounds:
        if options.resume or options.from_run:
            raise UserError("Rounds start anew.", hint="Leave out --resume and --from-run.")
        return job("autopilot", _autopilot_values)(options, task)
    try:
        return job("train", _train_values)(options, task)
    except Cancelled:
        _say_how_to_go_on(options.project, "train", "tuned")
        raise


def _show_trained(summary: Values) -> None:
    """One training in sentences, rounds in a table."""
    if "rounds" in summary:
        _show_rounds(summary)
        return
    ended = {"time": "; ended when its time was up", "patience": "; ended without further gain", "asked": "; stopped"}
    steps = f"{summary['steps']:,} steps in {duration(summary['seconds'])}, the best at step {summary['best_step']:,}"
    print(f"{summary['name']} (model {summary['model']}): {steps}{ended.get(summary['stopped'], '')}")
    if summary["dev"] is not None:
        rivals = {"base": summary["dev_base"], "BM25": summary["dev_bm25"]}
        known = "".join(f"; {name} {value:.3f}" for name, value in rivals.items() if value is not None)
        print(f"dev nDCG@10 {summary['dev']:.3f}{known}")
    if summary["gain"] is not None:
        low, high = signed(summary["gain_low"]), signed(summary["gain_high"])
        print(
            f"over the base {signed(summary['gain'])} (95 % interval {low} to {high}); evaluate says it on test queries"
        )
    for warning in summary["warnings"]:
        print(f"! {warning}")


_STOPPED = {
    "rounds": "All rounds were done.",
    "gain": "Ended because the last round's gain lies inside its interval.",
    "time": "Ended because the time left was not worth another round.",
    "asked": "Ended because it was asked to.",
}


def _show_rounds(summary: Values) -> None:
    """Each round with what it gained on dev, why no other followed, and what stands on test."""
    rows = [["round", "model", "from", "steps", "training", "dev", "gain on dev (95 % interval)", ""]]
    for made in summary["rounds"]:
        dev = "–" if made["dev"] is None else f"{made['dev']:.3f}"
        gain = "–"
        if made["gain"] is not None:
            gain = f"{signed(made['gain'])} ({signed(made['gain_low'])} to {signed(made['gain_high'])})"
        names = [str(made[name]) for name in ("number", "model", "parent")]
        kept = "" if made["kept"] else "left out"
        rows.append([*names, f"{made['steps']:,}", duration(made["seconds"]), dev, gain, kept])
    print(table(rows, right=(0, 1, 2, 3)))
    print(f"{_STOPPED[summary['stopped']]} Model {summary['model']} stands; {duration(summary['seconds'])} in all.")
    if summary["evaluation"]:
        scores = ", ".join(f"{name} {value:.3f}" for name, value in summary["evaluation"].items())
        print(f"test nDCG@10: {scores}")
    for a, b, verdict, delta in summary["verdicts"]:
        print(f"{a} against {b}: {verdict} ({signed(delta)})")


def _train_reranker(options: argparse.Namespace, task: TerminalTask) -> Values:
    """As `_train`, for a reranker."""
    try:
        return job("reranker", _reranker_values)(options, task)
    except Cancelled:
        _say_how_to_go_on(options.project, "reranker", "reranker")
        raise


def _say_how_to_go_on(project: str, name: str, kind: str) -> None:
    from engine.store.models import interrupted_models
    from engine.store.project import Project

    with Project.open(Path(project), readonly=True) as opened:
        left = interrupted_models(opened, kind=kind)
    if left:
        command = f"searchsmith {name} {project} --resume {left[0].id}"
        say(f"The run {left[0].id} can go on: {command}")
        say(f"Or keep the best so far: {command} --finish")


def _train_values(options: argparse.Namespace) -> Values:
    chosen = given(options, "preset", "base", "minutes", "objective")
    resumed = given(options, "resume") if hasattr(options, "resume") else {}
    values = {**chosen, **resumed, **_set_by_hand(options)}
    if resumed:
        _check_alone(values, bool(options.from_run))
    if getattr(options, "from_run", None):
        values = {**_settings_of(options.project, options.from_run), **values}
    if getattr(options, "finish", False):
        values["finish"] = True
    return values


def _check_alone(values: Values, repeats: bool = False) -> None:
    """Refuse settings for a run that goes on with those it was begun with."""
    others = [name for name in values if name != "resume"] + ["from_run"] * repeats
    if others:
        raise UserError(
            f"A run that goes on keeps its own settings; {others[0]} would change nothing.",
            hint="Leave it out, or train anew.",
        )


def _settings_of(project: str, model_id: int) -> Values:
    """What was changed for a run, as given settings; it starts from the same model again."""
    from engine.store.models import model
    from engine.store.project import Project
    from engine.train.scripts import changes_of, run_params

    with Project.open(Path(project), readonly=True) as opened:
        found = model(opened, model_id)
    if found is None or found.kind != "tuned":
        raise UserError(f"There is no run {model_id}.", hint="searchsmith runs PROJECT lists them.")
    params = run_params(found)
    return {**changes_of(params), "preset": params.preset, "base": str(found.parent_id)}


def _autopilot_values(options: argparse.Namespace) -> Values:
    names = [name for name in ("preset", "base", "minutes", "rounds", "adapt") if hasattr(options, name)]
    return {**given(options, *names), "settings": {**given(options, "objective"), **_set_by_hand(options)}}


def _set_by_hand(options: argparse.Namespace) -> Values:
    """What `--set` says; other projects' folders are found from wherever the run goes on."""
    values = settings(options.set)
    return {**values, **{name: absolute(str(values[name])) for name in ("guard", "replay") if values.get(name)}}


def _merge_values(options: argparse.Namespace) -> Values:
    return given(options, "model", "alpha")


def _script_values(options: argparse.Namespace) -> Values:
    return {"model_id": options.model, "dest": absolute(options.dest)}


def _reranker_values(options: argparse.Namespace) -> Values:
    values = {**given(options, "base", "loss", "minutes", "resume"), **settings(options.set)}
    if options.resume:
        _check_alone(values)
    return {**values, "finish": True} if options.finish else values


def _score_values(options: argparse.Namespace) -> Values:
    path = {"path": absolute(options.file)} if options.file else {}
    return {**given(options, "model"), **path}


def _list_objectives(options: argparse.Namespace, task: TerminalTask) -> Values:
    """As the edit does; looks only, so that it works beside a training."""
    from engine.store.project import Project
    from engine.train.sources import fitting

    with Project.open(Path(options.project), readonly=True) as opened:
        return {"obstacles": fitting(opened)}


def _show_fit(summary: Values) -> None:
    """Objectives with what each teaches, or why not with this data, and where they and their defaults come from."""
    rows = [["objective", "fits", "what it teaches", "source, with the defaults taken from it"]]
    for name, obstacle in summary["obstacles"].items():
        facts = OBJECTIVES[name]
        rows.append([name, "no" if obstacle else "yes", plain(obstacle or facts.words), facts.source])
    print(table(rows))


def show_forecast(summary: Values) -> None:
    """A forecast in words, with the parts it is made of."""
    print(summary["words"])
    print(f"a step {duration(summary['step_seconds'])}, a look at dev {duration(summary['look_seconds'])}")
