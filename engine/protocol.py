"""The messages between the window and the engine's processes: one JSON object a line, of one version.

Ids, counts, paths and scores cross the pipe; texts, vectors and tables do not: both sides read the project.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from engine.errors import ProtocolError

VERSION = 1
MAX_LINE = 4_000_000


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=True, forbid_unknown_fields=True, kw_only=True):
    """One line; `v` is the protocol's version."""

    v: int = VERSION


# window -> engine


class RunJob(Message, frozen=True):
    """Do the job `kind` (a key of `engine.jobs.JOBS`) on the project; `params` as JSON values."""

    job: int
    kind: str
    project: str
    params: dict[str, Any] = {}  # Any: JSON values, checked by params_from_dict


class CancelJob(Message, frozen=True):
    job: int


class PauseJob(Message, frozen=True):
    """Pause (`paused` true) or go on."""

    job: int
    paused: bool


class FinishJob(Message, frozen=True):
    """Stop a running training early and keep the best model so far; answered by its `JobDone`."""

    job: int


class SkipFile(Message, frozen=True):
    """Go on without the file that is being read; `file` is the progress' note, "" for whatever is read now."""

    job: int
    file: str = ""


class OpenSearch(Message, frozen=True):
    """Load the index of the project's `model` and keep it warm."""

    project: str
    model: str = "tuned"


class SearchQuery(Message, frozen=True):
    """Rank passages for `text`; answered by `SearchHits` with the same `request`."""

    request: int
    text: str
    k: int = 10
    mode: str = "dense"
    model: str = "tuned"
    rerank: int = 0


class Edit(Message, frozen=True):
    """A small change by hand (a key of `engine.edits.EDITS`); answered by `EditDone` or `EditFailed`."""

    request: int
    project: str
    kind: str
    values: dict[str, Any] = {}  # Any: JSON values, checked by the edit


class Shutdown(Message, frozen=True):
    pass


# engine -> window


class WorkerReady(Message, frozen=True):
    pid: int


class JobStarted(Message, frozen=True):
    job: int
    kind: str
    record: int = 0


class JobProgress(Message, frozen=True):
    """`done` of `total` units of `stage`; `rate` in units a second; `note` names what is being worked on."""

    job: int
    stage: str
    done: int
    total: int
    rate: float = 0.0
    note: str = ""


class JobMetric(Message, frozen=True):
    job: int
    name: str
    step: int
    value: float


class ProbeRank(msgspec.Struct, frozen=True):
    """Where the first answer of a watched query stands, and the passages that come first."""

    query_id: int
    rank: int
    top: list[int]


class JobProbes(Message, frozen=True):
    """Watched queries after a look at `step` of a training."""

    job: int
    step: int
    probes: list[ProbeRank]


class JobWarning(Message, frozen=True):
    job: int
    message: str


class JobDone(Message, frozen=True):
    """`changed` names topics (documents, queries, negatives, models, runs, exports, jobs)."""

    job: int
    changed: list[str]
    summary: dict[str, Any] = {}  # Any: the job's JSON summary


class JobCancelled(Message, frozen=True):
    job: int
    changed: list[str] = []


class JobFailed(Message, frozen=True):
    job: int
    code: str
    message: str
    hint: str = ""
    traceback: str = ""
    changed: list[str] = []


class FoundHit(msgspec.Struct, frozen=True):
    rank: int
    passage_id: int
    score: float


class SearchHits(Message, frozen=True):
    request: int
    mode: str
    model: str
    hits: list[FoundHit]
    milliseconds: float


class SearchFailed(Message, frozen=True):
    request: int
    message: str
    hint: str = ""


class SearchReady(Message, frozen=True):
    """The index of `model` is warm."""

    project: str
    model: str
    passages: int


class SearchProgress(Message, frozen=True):
    """How far the passages are that a search with `model` waits for: `done` of `total` units of `stage`."""

    project: str
    model: str
    stage: str
    done: int
    total: int
    rate: float = 0.0


class EditDone(Message, frozen=True):
    request: int
    changed: list[str]
    values: dict[str, Any] = {}  # Any: what the edit says of itself, e.g. counts


class EditFailed(Message, frozen=True):
    request: int
    message: str
    hint: str = ""


Command = RunJob | CancelJob | PauseJob | FinishJob | SkipFile | OpenSearch | SearchQuery | Edit | Shutdown
Event = (
    WorkerReady
    | JobStarted
    | JobProgress
    | JobMetric
    | JobProbes
    | JobWarning
    | JobDone
    | JobCancelled
    | JobFailed
    | SearchHits
    | SearchFailed
    | SearchReady
    | SearchProgress
    | EditDone
    | EditFailed
)

M = TypeVar("M", bound=Message)

_encoder = msgspec.json.Encoder()
_commands = msgspec.json.Decoder(Command)
_events = msgspec.json.Decoder(Event)


def to_line(message: Message) -> bytes:
    """One message as one line, newline included."""
    return _encoder.encode(message) + b"\n"


def read_command(line: bytes) -> Command:
    """Read what the window says.

    Raises:
        ProtocolError: not a known message of this version, or longer than `MAX_LINE` bytes.
    """
    command: Command = _checked(line, _commands)
    return command


def read_event(line: bytes) -> Event:
    """Read what the engine says; raises as `read_command`."""
    event: Event = _checked(line, _events)
    return event


def _checked(line: bytes, decoder: msgspec.json.Decoder[M]) -> M:
    if len(line) > MAX_LINE:
        raise ProtocolError(f"A message of {len(line)} bytes is longer than {MAX_LINE}.")
    try:
        message: M = decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"Not a message of this program: {error}.") from error
    if message.v != VERSION:
        raise ProtocolError(f"A message of version {message.v}; this program speaks {VERSION}.")
    return message
