"""Whether a project's texts are encoded exactly, or fast with vectors that differ by next to nothing."""

from __future__ import annotations

from typing import Literal, get_args

from engine.errors import UserError
from engine.store.project import Project

Encoding = Literal["exact", "fast"]
_META = "encoding"


def encoding(project: Project) -> Encoding:
    """What the project asks for; `exact` where nobody chose."""
    return "fast" if project.meta(_META) == "fast" else "exact"


def choose_encoding(project: Project, wanted: str) -> None:
    """Keep the choice with the project.

    Raises:
        UserError: neither `exact` nor `fast`.
    """
    if wanted not in get_args(Encoding):
        raise UserError(f"'{wanted}' is no way to encode.", hint="Choose exact or fast.")
    project.set_meta(_META, wanted)
