"""Where the program's own files lie, in a checkout and in an installed build alike."""

from __future__ import annotations

from pathlib import Path

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
