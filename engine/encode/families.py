"""Prompts of well-known model families, for folders that do not say theirs themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_README_READ = 20_000

_E5 = {"query": "query: ", "passage": "passage: "}
_TASK = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
# Each as its authors' model card says; names as the folders of the Hugging Face hub carry them.
_BY_NAME: tuple[tuple[re.Pattern[str], dict[str, str]], ...] = (
    (re.compile(r"\be5-\S*instruct", re.I), {"query": f"{_TASK} ", "passage": ""}),
    (re.compile(r"\be5-(?:small|base|large)", re.I), _E5),
    (re.compile(r"\bbge-(?:small|base|large)-en", re.I), {
        "query": "Represent this sentence for searching relevant passages: ", "passage": ""}),
    (re.compile(r"\bbge-(?:small|base|large)-zh", re.I), {
        "query": "为这个句子生成表示以用于检索相关文章：", "passage": ""}),
    (re.compile(r"\bqwen3-embedding", re.I), {"query": _TASK, "passage": ""}),
)  # fmt: skip
_E5_IN_CARD = re.compile(r"['\"`]query: .*['\"`]passage: ", re.S)


def known_prompts(folder: Path, config: Mapping[str, Any]) -> dict[str, str] | None:
    """Prompts by kind ("query", "passage") of the family that the configuration or folder names; None for others.

    Args:
        config: the transformer's `config.json`; `_name_or_path` is where the weights came from.
    """
    for name in (str(config.get("_name_or_path") or ""), folder.name):
        for pattern, prompts in _BY_NAME:
            if pattern.search(name.replace("_", "-")):
                return dict(prompts)
    return dict(_E5) if _E5_IN_CARD.search(_card(folder)) else None


def _card(folder: Path) -> str:
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as file:
            return file.read(_README_READ)
    except OSError:
        return ""
