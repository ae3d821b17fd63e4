"""Every labelled set with a train split: BM25, base, ours and plain sentence-transformers at equal steps, in one table.

    python -m benchmarks.results_table FOLDER [--sets NAME...] [--preset quick] [--steps N] [--keep DIR] [--alone]
        [--plain-bf16]

FOLDER holds sets in the BEIR layout. A set that is finished stays in DIR/results.json and is not run
again, so that the table can be made in pieces; the table is printed as Markdown after each set, below it the seconds of
each stage. At most 2,000 training queries of each. The table's last line is the mean over sets of ours − plain, with
the interval of 10,000 bootstrap draws of the queries within each set.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.plain_recipe import compare
from engine.encode.models import quiet_libraries

Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="*", help="all with a train split if not given")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--max-train", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=0, help="exactly so many steps instead of the preset's time")
    parser.add_argument("--alone", action="store_true", help="without the plain side, which takes three times as long")
    parser.add_argument("--plain-bf16", action="store_true", help="the plain side with its own option bf16=True")
    parser.add_argument("--keep", type=Path, default=Path("build/results"), help="projects and finished rows")
    options = parser.parse_args()
    quiet_libraries()
    names = options.sets or sorted(path.parent.parent.name for path in options.folder.glob("*/qrels/train.tsv"))
    if not names:
        print(f"{options.folder} holds no set with qrels/train.tsv.")
    store = options.keep / "results.json"
    rows: dict[str, Row] = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
    for name in names:
        sides = {"alone": options.alone, "plain-bf16": options.plain_bf16}
        asked = [name, options.preset, str(options.steps or ""), *(side for side in sides if sides[side])]
        key = " ".join(part for part in asked if part)
        if key not in rows:
            place = options.keep / key.replace(" ", "-")
            settings = (options.preset, options.max_train, options.steps)
            rows[key] = compare(
                options.folder / name, place, *settings, alone=options.alone, plain_bf16=options.plain_bf16
            )
            store.parent.mkdir(parents=True, exist_ok=True)
            store.write_text(json.dumps(rows, indent=1), encoding="utf-8")
        print(table(rows), seconds_table(rows), sep="\n\n", flush=True)


def table(rows: dict[str, Row]) -> str:
    """The finished rows as Markdown."""
    lines = [
        "| Set | Test queries | Steps | BM25 | Base | Ours | Plain | Ours − Base | Ours − BM25 | Ours − Plain |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for key, row in rows.items():
        against = {(a, b): (delta, low, high, verdict) for a, b, delta, low, high, verdict, *_ in row["comparisons"]}
        base, bm25 = (_with_verdict(against[("tuned", other)]) for other in ("base", "bm25"))
        plain = _interval(*row["ours_minus_plain"]) if "plain" in row else "–"
        scores = " | ".join(f"{row[name]:.3f}" if name in row else "–" for name in ("bm25", "base", "tuned", "plain"))
        lines.append(f"| {key} | {row['queries']:,} | {row['steps']} | {scores} | {base} | {bm25} | {plain} |")
    both = {key: row for key, row in rows.items() if "plain" in row}
    if len(both) > 1:
        lines += ["", f"Mean over {len(both)} rows of ours − plain: {_interval(*mean_difference(both))}"]
    return "\n".join(lines)


def seconds_table(rows: dict[str, Row]) -> str:
    """The finished rows' seconds by stage as Markdown; measuring is that of BM25, the base and the tuned model."""
    stages = {
        "Import": ("new", "import"), "Duplicates": ("dedup",), "Split": ("split",), "Mine": ("mine",),
        "Train": ("train",), "Measure": ("evaluate",), "Plain: mine": ("plain_mine",), "Plain: train": ("plain_train",),
    }  # fmt: skip
    lines = [f"| Set | {' | '.join(stages)} |", f"|---|{'---|' * len(stages)}"]
    for key, row in rows.items():
        took = row["seconds"]
        cells = (f"{sum(took[p] for p in parts):.0f}" if parts[0] in took else "–" for parts in stages.values())
        lines.append(f"| {key} | {' | '.join(cells)} |")
    return "\n".join(lines)


def mean_difference(rows: dict[str, Row], resamples: int = 10_000, seed: int = 13) -> tuple[float, float, float]:
    """The mean over sets of the mean difference by query, and its 95 % interval."""
    draws = np.zeros(resamples)
    generator = np.random.default_rng(seed)
    for row in rows.values():
        differences = np.asarray(row["differences"])
        for start in range(0, resamples, 500):
            picks = generator.integers(0, len(differences), (500, len(differences)))
            draws[start : start + 500] += differences[picks].mean(axis=1) / len(rows)
    mean = float(np.mean([np.mean(row["differences"]) for row in rows.values()]))
    low, high = np.percentile(draws, [2.5, 97.5])
    return mean, float(low), float(high)


def _interval(delta: float, low: float, high: float) -> str:
    return f"{delta:+.3f} ({low:+.3f} to {high:+.3f})".replace("-", "−")


def _with_verdict(test: tuple[float, float, float, str]) -> str:
    *figures, verdict = test
    return f"{_interval(*figures)}, {verdict}"


if __name__ == "__main__":
    main()
