"""Puts values into translated sentences."""

from __future__ import annotations

import re

_PLACE = re.compile(r"%([1-9])")


def fill(text: str, *values: object) -> str:
    """Put values into %1, %2 … of a sentence, all at once, so that a value holding "%2" itself stays as it is."""

    def value(match: re.Match[str]) -> str:
        place = int(match[1]) - 1
        return str(values[place]) if place < len(values) else match[0]

    return _PLACE.sub(value, text)
