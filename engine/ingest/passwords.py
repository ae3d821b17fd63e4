"""Passwords that a person gave for single files, archives or folders; they live as long as one import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath


class Passwords:
    """Finds the password of a file: its own, or that of the nearest archive or folder it lies in ("" for all)."""

    def __init__(self, by_path: Mapping[str, str]) -> None:
        self._by_path = {(str(PurePath(path)) if path else ""): word for path, word in by_path.items()}

    def __repr__(self) -> str:
        return f"{len(self._by_path)} passwords"

    def of(self, name: str) -> str:
        """The password for the file known by `name` (a path, or an archive's path and the name within); "" for none."""
        if not self._by_path:
            return ""
        path = PurePath(name)
        for place in (path, *path.parents):
            if word := self._by_path.get(str(place)):
                return word
        return self._by_path.get("", "")

    def within(self, name: str) -> bool:
        """Whether a password was given for the file, or for one in the archive `name`."""
        return bool(self.of(name)) or any(path.startswith(f"{name}/") for path in self._by_path)
