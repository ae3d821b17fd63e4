"""A number with its noun, one form for one and another for the rest; both forms come translated."""

from __future__ import annotations

from gui import words


def amount(number: int, one: str, many: str) -> str:
    """`1 passage`, `3,175 passages`."""
    return f"{words.count(number)} {one if number == 1 else many}"
