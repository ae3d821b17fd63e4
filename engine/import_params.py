"""What a person can set for bringing documents and labelled sets in; `engine.params` hands these on with the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class FileChoice:
    """How a person wants one file read: `format` is `auto`, `documents`, `skip` or one of `formats.LABELLED`.

    `mapping` gives the columns of a table their roles; columns that it does not name are ignored.
    """

    format: str = "auto"
    mapping: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportParams:
    """Files and folders to read. `format` is `auto` or one of `formats.LABELLED`.

    `mapping` says of every table named what its columns are for (column: role); `choices` says it of single files by
    absolute path, and their format. `existing`: what happens to queries the project has already: `merge` adds their
    judgements, `skip` leaves such rows out.

    `passage_tokens`, `overlap_tokens`, `headings` as in `CutParams`; 0, -1 and None: as the project's are cut.

    `passwords` by absolute path; that of a folder or an archive holds for everything in it. They are never stored.
    `limits` large: a file may take `limits.LARGER` times the time, memory and size. `thorough` looks into files whose
    size and times say that they are as they were. `on_cancel`: whether what came before a cancel stays. `only`: of all
    files found, only these by name (`ImportProblem.path`), which are then read whatever is known of them.
    """

    paths: tuple[str, ...] = ()
    kind: Literal["auto", "documents", "labelled"] = "auto"
    format: str = "auto"
    split: Literal["", "train", "dev", "test"] = ""
    passage_tokens: int = 0
    overlap_tokens: int = -1
    headings: bool | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    choices: dict[str, FileChoice] = field(default_factory=dict)
    existing: Literal["merge", "skip"] = "merge"
    passwords: dict[str, str] = field(default_factory=dict, repr=False, metadata={"secret": True})
    limits: Literal["normal", "large"] = "normal"
    thorough: bool = False
    on_cancel: Literal["keep", "undo"] = "keep"
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReimportParams:
    """Read again what was imported or is watched; `remove_vanished` takes out documents whose file is gone.

    `paths`: only these places, () for all. `thorough` and `passwords` as in `ImportParams`.
    """

    remove_vanished: bool = False
    paths: tuple[str, ...] = ()
    thorough: bool = False
    passwords: dict[str, str] = field(default_factory=dict, repr=False, metadata={"secret": True})


@dataclass(frozen=True, slots=True)
class RetryParams:
    """Read files again that were not taken.

    `files`: by `ImportProblem.path` or a folder above it, () for every file with an open problem. `larger` takes the
    limits of time, memory and size `limits.LARGER` times as high, and without `files` only the files that met one.
    """

    files: tuple[str, ...] = ()
    larger: bool = False
    passwords: dict[str, str] = field(default_factory=dict, repr=False, metadata={"secret": True})


@dataclass(frozen=True, slots=True)
class CutParams:
    """How documents are cut into passages, in tokens of the project's base model.

    `passage_tokens`: at most, heading included. `headings`: the heading path stands in front of each passage.
    """

    passage_tokens: int = 220
    overlap_tokens: int = 24
    headings: bool = True


@dataclass(frozen=True, slots=True)
class UncutParams:
    """Take the last cutting back."""
