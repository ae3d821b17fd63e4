"""Where the real corpora lie that some tests read; a test skips with a reason where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_data(name: str) -> Path:
    """The folder or file `name` of the shared corpora; skips the test where it is not there."""
    root = Path(os.environ.get("SEARCHSMITH_DATA", _BESIDE))
    path = root / name
    if not path.exists():
        pytest.skip(f"the shared data set '{name}' is not on this machine (SEARCHSMITH_DATA)")
    return path
