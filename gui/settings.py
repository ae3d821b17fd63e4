"""What the person set for all projects, kept as one JSON file in the system's place for settings."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
from platformdirs import user_config_path, user_documents_path

from engine.store.files import write_json

RECENT = 12


def default_projects_folder() -> str:
    return str(user_documents_path() / "Searchsmith")


@dataclass(frozen=True, slots=True)
class Recent:
    """A project that was open; `fact` is the last thing known of it."""

    path: str
    name: str
    opened_at: str
    fact: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """`base_model` is `bundled` or a folder."""

    theme: Literal["system", "light", "dark"] = "system"
    language: str = "en"
    projects_folder: str = field(default_factory=default_projects_folder)
    base_model: str = "bundled"
    recent: tuple[Recent, ...] = ()
    geometry: str = ""


class SettingsStore:
    """Reads the settings once and writes them whole at each change; a damaged file is put aside, not overwritten."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or user_config_path("Searchsmith", appauthor=False) / "settings.json"
        self.values = self._read()

    def change(self, **values: Any) -> None:  # Any: the fields of Settings
        """Set some fields and write the file; a full or read-only disk is no reason to stop."""
        self.values = replace(self.values, **values)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.path, msgspec.to_builtins(self.values))
        except OSError:
            return

    def remember(self, project: Recent) -> None:
        """Put a project first among the recent ones."""
        others = [known for known in self.values.recent if known.path != project.path]
        self.change(recent=(project, *others)[:RECENT])

    def forget(self, path: str) -> None:
        self.change(recent=tuple(known for known in self.values.recent if known.path != path))

    def _read(self) -> Settings:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return msgspec.convert(found, Settings, strict=False)
        except FileNotFoundError:
            return Settings()
        except (OSError, ValueError):
            self._put_aside()
            return Settings()

    def _put_aside(self) -> None:
        try:
            self.path.replace(self.path.with_suffix(".damaged.json"))
        except OSError:
            return
