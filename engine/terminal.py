"""What the terminal shows: progress on stderr, summaries and tables on stdout, foreign text made harmless."""

from __future__ import annotations

import shutil
import signal
import sys
import time
import unicodedata
from collections.abc import Sequence
from typing import Any

from engine.records import bare_reason
from engine.store.verdicts import signed
from engine.task import Task

Values = dict[str, Any]  # Any: JSON values


class TerminalTask(Task):
    """Shows one line that moves on a terminal, and a line every few seconds in a file."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__()
        self._quiet = quiet
        self._moving = sys.stderr.isatty()
        self._every = 0.2 if self._moving else 5.0
        self._stage = ""
        self._began = 0.0
        self._shown_at = 0.0
        self._open = False
        self._slow = -1  # the file that was said to take long

    def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began = stage, now
        elif now - self._shown_at < self._every and (not total or done < total):
            return
        if self._quiet:
            return
        self._shown_at = now
        self._show(_progress_line(stage, done, total, now - self._began, note))

    def on_metric(self, name: str, step: int, value: float) -> None:
        if name == "seconds_on_file" and step != self._slow and hasattr(signal, "SIGQUIT"):
            self._slow = step
            self.on_warning(f"A file takes long ({value:.0f} s so far); Ctrl+\\ goes on without it.")

    def on_warning(self, message: str) -> None:
        self.end_line()
        if not self._quiet:
            say(f"! {plain(message)}")

    def end_line(self) -> None:
        """Leave the moving line standing and go to a new one."""
        if self._open:
            print(file=sys.stderr, flush=True)
            self._open = False

    def _show(self, line: str) -> None:
        if self._moving:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r{line[:width]:<{width}}", end="", file=sys.stderr, flush=True)
            self._open = True
        else:
            say(line)


def _progress_line(stage: str, done: int, total: int, seconds: float, note: str) -> str:
    rate = done / seconds if seconds > 0.5 else 0.0
    line = f"{stage}: {done:,}" + (f" / {total:,}" if total else "")
    if rate:
        line += f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.1f}/s"
    if rate and total > done:
        line += f", {duration((total - done) / rate)} left"
    return f"{line}  {plain(note)}" if note else line


def say(line: str) -> None:
    """One line for the person, on stderr."""
    print(line, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """A span of time in words: `36 s`, `3 min 12 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def plain(text: str) -> str:
    """Foreign text for a terminal: control and direction characters become a visible mark."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in ("Cc", "Cf", "Cs") else char
        for char in text.replace("\n", " ").replace("\t", " ")
    )


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows (the first one the head) as aligned columns; columns in `right` are right-aligned."""
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            " " * (widths[i] - _width(cell)) + cell if i in right else cell + " " * (widths[i] - _width(cell))
            for i, cell in enumerate(row)
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(lines)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def show_nothing(summary: Values) -> None:
    """The tour has told its story already."""


def show_facts(summary: Values) -> None:
    """Names and values, one a line; what is empty is left out."""
    for name, value in summary.items():
        if value is None or value in ("", [], {}):
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{key} {count}" for key, count in value.items())
        elif isinstance(value, list | tuple):
            value = ", ".join(str(part) for part in value)
        elif isinstance(value, float):
            value = f"{value:.4g}"
        print(f"{name.replace('_', ' ')}: {plain(str(value))}")


def show_import(summary: Values) -> None:
    """What an import brought and what it did not take, for a person."""
    brought = ", ".join(f"{summary[name]:,} {name}" for name in ("documents", "passages", "queries", "qrels"))
    print(f"In this import: {brought}.")
    print(", ".join(f"{summary[name]:,} {name}" for name in ("new", "updated", "unchanged", "skipped")))
    show_problems(summary["problems"])


def show_problems(problems: Sequence[Values]) -> None:
    """The first things that an import could not take, for a person."""
    for problem in problems[:20]:
        line = f", line {problem['line']}" if problem["line"] else ""
        reason = bare_reason(problem["file"], problem["reason"])
        print(f"  not taken: {plain(problem['file'])}{line}: {plain(reason)}")
    if len(problems) > 20:
        print(f"  … and {len(problems) - 20:,} more: searchsmith problems list PROJECT")


def evaluation_table(summary: Values) -> str:
    """Systems by metrics, as trec_eval counts."""
    names = ("ndcg@10", "mrr@10", "recall@10", "hit_rate@10", "map@100")
    rows = [["system", *names]]
    for system, metrics in summary["systems"].items():
        rows.append([system, *(f"{metrics[name]:.4f}" for name in names)])
    return table(rows, right=range(1, len(rows[0])))


def comparison_lines(summary: Values) -> list[str]:
    """Each comparison in one sentence with its interval; below one that is no win the reasons that are known."""
    lines = []
    for place, c in enumerate(summary["comparisons"]):
        corrected = f", {c['p_adjusted']:.4f} corrected for {c['family']} systems" if c["family"] > 1 else ""
        word = summary["words"][place] if summary.get("words") else c["verdict"]
        lines.append(
            f"{word}: {plain(c['a'])} against {plain(c['b'])}: {signed(c['delta'])} {c['metric']} "
            f"(95 % interval {signed(c['low'])} to {signed(c['high'])}, p {c['p']:.4f}{corrected}); "
            f"fixed {c['fixed']:,}, broke {c['broken']:,}"
        )
        lines += [f"  {plain(reason)}" for reason in (summary.get("reasons") or [[]] * (place + 1))[place]]
    return lines


def show_evaluation(summary: Values) -> None:
    """Systems by metrics and the verdicts, for a person."""
    made = summary.get("made_queries", 0)
    print(
        f"{summary['queries']:,} {summary['split']} {'query' if summary['queries'] == 1 else 'queries'}"
        + (f", {made:,} of them made by the program" if made else "")
    )
    print(evaluation_table(summary))
    for line in comparison_lines(summary):
        print(line)
    for said in ("joined", "reach"):
        if summary.get(said):
            print(summary[said])


def show_hits(summary: Values) -> None:
    """Hits of a search, for a person."""
    for hit in summary["hits"]:
        where = plain(hit["document"] or hit["external_id"])
        page = f", page {hit['page']}" if hit["page"] else ""
        print(f"{hit['rank']:>3}  {hit['score']:.3f}  {where}{page}")
        text = plain(hit["text"])
        print(f"            {text[:100]}{'…' if len(text) > 100 else ''}")
    print(f"{len(summary['hits'])} hits in {summary['milliseconds']:.0f} ms ({summary['mode']}, {summary['model']})")


def unfinished_words(broken: Values) -> str:
    """What is said of an import that was ended from outside."""
    where = f" at file {broken['done'] + 1:,} of {broken['total']:,}" if broken["total"] else ""
    file = f" ({plain(broken['file'])})" if broken["file"] else ""
    what = ", ".join(plain(path) for path in broken["paths"])
    return f"The import of {what} stopped{where}{file}; import it again and it goes on there."


def show_info(summary: Values) -> None:
    """Where a project stands, for a person."""
    print(f"{summary['name']}  ({summary['path']})")
    marks = {"done": "✓", "ready": "○", "none": "·", "stale": "◆", "problem": "✗"}
    for stage in summary["stages"]:
        print(f"  {marks.get(stage['state'], '·')} {stage['name']:<10} {stage['detail']}")
    for broken in summary["unfinished_imports"]:
        print(f"  ◆ {unfinished_words(broken)}")
    if summary["open_problems"]:
        print(f"  ◆ {summary['open_problems']:,} problems with imports: searchsmith problems list PROJECT")
    step = summary["next_step"]
    for kind in summary["interrupted"]:
        if kind in ("train", "autopilot") and "resume" in step["params"]:
            continue  # the next step says how it goes on
        print(f"  ◆ The job '{kind}' was interrupted; run it again and it goes on.")
    report = summary["token_report"]
    if report and report["sentence"]:
        print(f"  ◆ {report['sentence']}")
    resumed = f" --resume {step['params']['resume']}" if "resume" in step["params"] else ""
    print(f"Next step: {step['label']} (searchsmith {next_command(step['job'], step['page'])} PROJECT{resumed})")


def next_command(job: str, page: str) -> str:
    """The command that does the next step of a project."""
    by_page = {"documents": "import", "queries": "queries make"}
    return job.replace("_", "-") if job else by_page.get(page, page)
