"""How much time, memory and room one file may take, and how the limits are raised for files that need more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LARGER = 4
"""How many times as much a file may take when it is read again with larger limits."""

MEMORY_BYTES = 1 << 30
STALL_SECONDS = 20.0
# mammoth says nothing while it works, and it took 14 to 17 s for 872 pages on 2 busy cores.
STALL_SECONDS_SILENT = 120.0
TOTAL_SECONDS = 300.0

_factor: ContextVar[int] = ContextVar("factor", default=1)


@contextmanager
def limits_times(factor: int) -> Iterator[None]:
    """Within, every limit that readers ask `raised` for is `factor` times as high."""
    token = _factor.set(factor)
    try:
        yield
    finally:
        _factor.reset(token)


def raised(limit: int) -> int:
    """The limit as it holds for the file that is being read."""
    return limit * _factor.get()


def more(otherwise: str) -> str:
    """What a person can do about a file that met a limit; `otherwise` helps where the limits are the larger ones."""
    if _factor.get() > 1:
        return f"{otherwise[0].upper()}{otherwise[1:]}."
    return f"Read it again with larger limits, or {otherwise}."


def in_words(factor: int) -> str:
    """What a file may take, for a person."""
    gigabytes = factor * MEMORY_BYTES / (1 << 30)
    return (
        f"{gigabytes:.0f} GB of memory, {factor * TOTAL_SECONDS / 60:.0f} minutes, and {factor * STALL_SECONDS:.0f} "
        "seconds without a sign of life"
    )
