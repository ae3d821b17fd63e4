"""Commands that clean and split queries."""

from __future__ import annotations

from engine.commands.common import Add, given, job


def add_commands(add: Add) -> None:
    """Register them."""
    dedup = add("dedup", "find near-duplicate queries and merge them", job("dedup", lambda o: given(o, "threshold")))
    dedup.add_argument("--threshold", type=float, metavar="T", help="how alike, 0 to 1")
    split = add(
        "split", "split queries into train, dev and test without leaks", job("split", lambda o: given(o, "seed"))
    )
    split.add_argument("--seed", type=int, metavar="N")
