"""The report as one HTML page that loads nothing."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from engine import __version__
from engine.export.charts import curve_chart, interval_chart, shortened
from engine.export.report_story import METRICS, Story, settings_in_words
from engine.records import Comparison, QueryMovement
from engine.store import models, pins, runs, slices
from engine.store.project import now
from engine.store.task_figures import task_figures
from engine.store.verdicts import (
    circumstances,
    made_sentence,
    metric_name,
    movement_sentence,
    signed,
    verdict_reasons,
    verdict_sentence,
    verdict_word,
)

FIRST_LINE = "<!doctype html>"
_SHOWN, _LETTERS, _LONGEST = 50, 40, 240
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # a browser loads nothing and runs nothing, whatever it reads
_STYLE = Path(__file__).resolve().parents[2] / "resources" / "report.css"


def page(story: Story) -> str:
    best = _main_comparisons(story)
    parts = [_verdict(story, best), _scoreboard(story), _comparisons(story), _models_table(story), _tasks_table(story)]
    if best:
        parts += [_moved(story, best[0]), _slices_of(story, best[0])]
    parts.append(_pinned(story, best))
    title = f"{story.project.name}: verdict"
    body = "\n".join(part for part in parts if part)
    about = f"Written by Searchsmith {__version__} on {now()[:16].replace('T', ' ')} UTC"
    style = _STYLE.read_text(encoding="utf-8")
    return (
        f'{FIRST_LINE}\n<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f"<body><main><h1>{_text(story.project.name)}</h1>{body}<footer>{about}. Measures as trec_eval counts them; "
        "ties by score, then id; intervals: paired bootstrap, 95 %; WIN and LOSS where the randomisation test agrees."
        "</footer></main></body></html>\n"
    )


def _main_comparisons(story: Story) -> list[Comparison]:
    """Those of the newest tuned model with the baselines, else of the base model, BM25 first; as the page begins."""
    tuned = [run for run in story.runs if run.system == "tuned"]
    run = max(tuned, key=lambda run: (run.model_id or 0, run.id)) if tuned else None
    first = run or next((found for found in story.runs if found.system == "base"), None)
    systems = {found.id: found.system for found in story.runs}
    kept = [c for c in story.comparisons if first and c.run_a == first.id and systems[c.run_b] in ("bm25", "base")]
    return sorted(kept, key=lambda c: systems[c.run_b] != "bm25")


def _verdict(story: Story, best: Sequence[Comparison]) -> str:
    if not best:
        return "<section><h2>Verdict</h2><p>No two systems were compared yet.</p></section>"
    parts, known = [], circumstances(story.project, story.split)
    for found in best:
        reasons = "".join(f"<li>{_text(r.sentence)}</li>" for r in verdict_reasons(found, known))
        word = verdict_word(found, known)
        parts.append(
            f'<div class="verdict {word.lower()}"><b class="chip">{word}</b>'
            f"<p>{_text(verdict_sentence(found, story.split, known))} {_text(movement_sentence(found))}</p>"
            f"{f'<ul>{reasons}</ul>' if reasons else ''}</div>"
        )
    tuned = {run.id: story.names[run.id] for run in story.runs if run.system == "tuned"}
    named = f"<p>The tuned model: {_text(tuned[best[0].run_a])}</p>" if best[0].run_a in tuned else ""
    chart = interval_chart([(story.names[c.run_b], c.delta, c.low, c.high) for c in best])
    return f"<section><h2>Verdict</h2>{named}{''.join(parts)}<h3>Gain over each, nDCG@10</h3>{chart}</section>"


def _scoreboard(story: Story) -> str:
    head = "".join(f"<th>{_text(metric_name(metric))}</th>" for metric in METRICS)
    rows = "".join(
        f"<tr><td>{_name(story, run.id)}</td>"
        + "".join(f"<td>{run.metrics[metric]:.4f}</td>" for metric in METRICS)
        + "</tr>"
        for run in story.runs
    )
    asked = max(run.n_queries for run in story.runs)
    made = made_sentence(circumstances(story.project, story.split), asked)
    held_out = f"{asked:,} {story.split.value} {'query' if asked == 1 else 'queries'}."
    return (
        f"<section><h2>Scoreboard</h2><p>{held_out} {_text(made)}</p>"
        f"<table><tr><th>System</th>{head}</tr>{rows}</table></section>"
    )


def _comparisons(story: Story) -> str:
    """Every pair that was tested, with what an expert asks for."""
    if not story.comparisons:
        return ""
    known = circumstances(story.project, story.split)
    words = {c.id: verdict_word(c, known) for c in story.comparisons}
    rows = "".join(
        f'<tr><td class="text">{_name(story, c.run_a)} against {_name(story, c.run_b)}</td>'
        f'<td class="{words[c.id].lower()}"><b class="chip">{words[c.id]}</b></td><td>{signed(c.delta)}</td>'
        f"<td>{signed(c.low)} to {signed(c.high)}</td><td>{c.p:.4f}</td><td>{c.p_adjusted:.4f}</td>"
        f"<td>{c.fixed:,}</td><td>{c.broken:,}</td></tr>"
        for c in story.comparisons
    )
    return (
        "<section><h2>All comparisons</h2><p>nDCG@10, the same queries in pairs. p: randomisation test; adjusted: "
        "Holm, over the systems compared with the same one.</p>"
        "<table><tr><th>Pair</th><th>Verdict</th><th>Difference</th>"
        f"<th>95 % interval</th><th>p</th><th>adjusted</th><th>Fixed</th><th>Broken</th></tr>{rows}</table></section>"
    )


def _models_table(story: Story) -> str:
    rows = []
    curves = []
    for line in story.trained:
        dev = "–" if line.dev is None else f"{line.dev:.3f}"
        test = f"{line.run.metrics['ndcg@10']:.3f}" if line.run else "–"
        cells = (
            line.model.name,
            line.parent or "–",
            line.preset or "–",
            settings_in_words(line.changed) or "–",
            line.data or "–",
        )
        rows.append(
            "<tr>"
            + "".join(f'<td class="text">{_text(cell) or "–"}</td>' for cell in cells)
            + f'<td>{dev}</td><td>{test}</td><td class="text">{_text(line.note)}</td></tr>'
        )
        points = models.curve(story.project, line.model.id, "dev_ndcg@10")
        if len(points) > 1:
            curves.append((line.model.name, [(float(point.step), point.value) for point in points]))
    chart = f"<h3>nDCG@10 on the dev queries while training</h3>{curve_chart(curves)}" if curves else ""
    return (
        '<section><h2>Models</h2><table><tr><th>Model</th><th class="text">From</th>'
        '<th class="text">Preset</th><th class="text">Changed</th><th class="text">Learnt from</th>'
        f'<th>Dev</th><th>Test</th><th class="text">Note</th></tr>{"".join(rows)}</table>{chart}</section>'
    )


def _tasks_table(story: Story) -> str:
    """Figures on other tasks, a column a model, where any were measured."""
    found = task_figures(story.project, story.split)
    names = {line.model.id: line.model.name for line in story.trained if line.model.id in found.models}
    measures = dict.fromkeys(name for model in names for name in found.models[model])
    if not measures:
        return ""
    head = "".join(f"<th>{_text(shortened(name, _LETTERS))}</th>" for name in names.values())
    rows = []
    for measure in measures:
        values = (found.models[model].get(measure) for model in names)
        cells = "".join("<td>–</td>" if value is None else f"<td>{value:.4f}</td>" for value in values)
        size = found.sizes.get(measure.partition(":")[0], 0)
        rows.append(f'<tr><td class="text">{_text(measure)}</td><td>{size:,}</td>{cells}</tr>')
    return (
        f"<section><h2>Other tasks</h2><p>On the {story.split.value} queries, as far as they have the data.</p>"
        f"<table><tr><th>Task</th><th>Made of</th>{head}</tr>{''.join(rows)}</table></section>"
    )


def _moved(story: Story, found: Comparison) -> str:
    a, b = _name(story, found.run_a), _name(story, found.run_b)
    short = [_text(shortened(story.names[run_id], 16)) for run_id in (found.run_a, found.run_b)]
    columns = []
    for kind, title in (("fixed", "Fixed"), ("broken", "Broken")):
        rows = runs.movements(story.project, found.run_a, found.run_b, only=kind)
        more = f"<p>… and {len(rows) - _SHOWN:,} more.</p>" if len(rows) > _SHOWN else ""
        columns.append(
            f"<div><h3>{title}: {len(rows):,}</h3><table><tr><th>Query</th><th>{short[1]}</th><th>{short[0]}</th></tr>"
            f"{''.join(_movement(row) for row in rows[:_SHOWN])}</table>{more}</div>"
        )
    return (
        f"<section><h2>{a} against {b}, query by query</h2><p>The rank of the first answer; "
        "fixed: it came into the first ten, broken: it left them.</p>"
        f'<div class="pair">{"".join(columns)}</div></section>'
    )


def _movement(row: QueryMovement) -> str:
    before, after = (str(rank) if rank else "–" for rank in (row.rank_b, row.rank_a))
    text = row.text if len(row.text) <= _LONGEST else f"{row.text[:_LONGEST]}…"
    return f'<tr><td class="text">{_text(text)}</td><td>{before}</td><td>{after}</td></tr>'


def _slices_of(story: Story, found: Comparison) -> str:
    parts = []
    for by in slices.BYS:
        rows = slices.slices(story.project, found.run_a, found.run_b, by)
        if len(rows) < 2:
            continue
        cells = "".join(
            f'<tr><td class="text">{_text(part.name)}</td><td>{part.n:,}</td><td>{part.b:.3f}</td><td>{part.a:.3f}</td>'
            f"<td>{signed(part.delta)}</td><td>{signed(part.low)} to {signed(part.high)}</td></tr>"
            for part in rows
        )
        parts.append(
            f"<h3>By {by}</h3><table><tr><th>Queries</th><th>How many</th><th>{_name(story, found.run_b)}</th>"
            f"<th>{_name(story, found.run_a)}</th><th>Gain</th><th>95 % interval</th></tr>{cells}</table>"
        )
    return f"<section><h2>Where it gains and loses</h2>{''.join(parts)}</section>" if parts else ""


def _pinned(story: Story, best: Sequence[Comparison]) -> str:
    found = pins.pins(story.project, best[0].run_a) if best else []
    if not found:
        return ""
    rows = "".join(
        f'<tr><td class="text">{_text(pin.text)}</td><td>{pin.k}</td><td>{pin.rank or "–"}</td>'
        f"<td>{'left the first ' + str(pin.k) if pin.is_broken else 'kept'}</td></tr>"
        for pin in found
    )
    return (
        "<section><h2>Pinned queries</h2><table><tr><th>Query</th><th>Must stay in the first</th><th>Rank</th>"
        f"<th></th></tr>{rows}</table></section>"
    )


def _name(story: Story, run_id: int) -> str:
    """A system's name, cut in the middle where it would fill a table; whole in the list of models."""
    return _text(shortened(story.names[run_id], _LETTERS))


def _text(text: str) -> str:
    return html.escape("".join(letter if letter.isprintable() else " " for letter in text))
