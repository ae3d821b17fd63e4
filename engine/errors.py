"""What can go wrong, sorted by whose fault it is; every message is a sentence for a person."""

from __future__ import annotations


class SearchsmithError(Exception):
    """A fault that can be said in one sentence, with a way out.

    Args:
        message: what happened, to which thing.
        hint: what the person can do now; may be empty.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UserError(SearchsmithError):
    """The request cannot be done as it stands: a wrong path, a stage without its input, a bad value."""

    code = "user"


class FormatError(UserError):
    """A file does not have the shape its format asks for; names the file and, where known, the line."""

    code = "format"


class PasswordError(FormatError):
    """A file asks for a password; `code` says whether none was given or a wrong one."""

    def __init__(self, message: str, *, hint: str = "", wrong: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.code = "wrong_password" if wrong else "password"


class LimitError(FormatError):
    """A file needs more time, memory or room than a file is given; with larger limits it may be read.

    Args:
        code: `too_slow`, `memory` or `too_large`.
    """

    def __init__(self, message: str, *, hint: str = "", code: str = "too_large") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class ProjectError(UserError):
    """The project folder cannot be used: absent, damaged, of a newer version, locked by another process."""

    code = "project"


class OldProjectError(ProjectError):
    """The project was made by an earlier version and is brought up to date only by a process that may write."""

    code = "old"


class ProjectBusyError(ProjectError):
    """Another process holds the project's write lock."""

    code = "busy"


class ModelError(UserError):
    """A model folder cannot be loaded safely or does not hold what it says."""

    code = "model"


class TrainingError(SearchsmithError):
    """Training cannot go on (a loss that is no number, memory that does not suffice); the best checkpoint is kept."""

    code = "training"


class ExportError(SearchsmithError):
    """An export was written but does not give the same answers as the original."""

    code = "export"


class ProtocolError(SearchsmithError):
    """A line on the pipe is no message of this version."""

    code = "protocol"


class Skipped(Exception):  # noqa: N818 - a wish is no error
    """The person asked to go on without the file that is being read."""


class Cancelled(Exception):  # noqa: N818 - being cancelled is no error
    """The person asked to stop; what was committed stays."""
