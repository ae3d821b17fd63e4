"""Asks a language model for queries, over the interface that OpenAI's servers and the local ones share."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from engine.errors import UserError
from engine.records import Passage
from engine.task import Task

_TRIES = 4
_FIRST_WAIT = 1.0
_MOST_ANSWER = 1 << 20
_MOST_PASSAGE = 6000  # characters
_MARK = re.compile(r"^\s*(?:[-*•]|\d+[.):、])\s*|^[\"'“「]+|[\"'”」]+$")
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask. The key is read from the environment and kept nowhere; `seconds` is the time an answer may take."""

    url: str
    model: str
    key_variable: str
    seconds: float
    temperature: float

    @property
    def address(self) -> str:
        base = self.url.rstrip("/")
        return base if base.endswith("/chat/completions") else f"{base}/chat/completions"


@dataclass(frozen=True, slots=True)
class Answer:
    """Queries one a line of the answer; tokens as the server counted them, 0 where it did not."""

    queries: tuple[str, ...]
    tokens: int
    seconds: float


def ask_for_queries(endpoint: Endpoint, prompt: str, passage: Passage, count: int, task: Task) -> Answer:
    """Queries that a passage answers; tried again where the server is busy.

    Raises:
        UserError: the address is wrong, the server refuses, or it cannot be reached.
        Cancelled: also between tries.
    """
    if not endpoint.url.startswith(("http://", "https://")):
        raise UserError(f"'{endpoint.url}' is no address of a server.", hint="It begins with http:// or https://.")
    text = f"{passage.heading}\n\n{passage.text}" if passage.heading else passage.text
    words = prompt.replace("{count}", str(count)).replace("{passage}", text[:_MOST_PASSAGE])
    body = {
        "model": endpoint.model,
        "messages": [{"role": "user", "content": words}],
        "temperature": endpoint.temperature,
    }
    began = time.monotonic()
    for attempt in range(_TRIES):
        task.check_cancelled()
        try:
            return _read(_post(endpoint, body), count, time.monotonic() - began)
        except urllib.error.HTTPError as error:
            if error.code not in _RETRIED or attempt == _TRIES - 1:
                raise _refused(endpoint, error) from error
            wait = _seconds(error.headers.get("Retry-After")) or _FIRST_WAIT * 2**attempt
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            if attempt == _TRIES - 1:
                reason = getattr(error, "reason", error)
                raise UserError(
                    f"The server {endpoint.url} cannot be reached: {reason}.", hint="Is it running? Check the address."
                ) from error
            wait = _FIRST_WAIT * 2**attempt
        _wait(wait, task)
    raise AssertionError("the last try returns or raises")


def lines_of(answer: str, count: int) -> tuple[str, ...]:
    """The queries of an answer: one a line, without numbers, dashes and quotation marks; thoughts are left out."""
    answer = re.sub(r"<think>.*?</think>", "", answer, flags=re.DOTALL)
    found = []
    for line in answer.splitlines():
        text = " ".join(line.split())
        while (shorter := _MARK.sub("", text).strip()) != text:
            text = shorter
        if text and not text.endswith((":", "：")):
            found.append(text)
    return tuple(dict.fromkeys(found))[:count]


def _post(endpoint: Endpoint, body: dict[str, Any]) -> dict[str, Any]:  # Any: JSON values
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if key := os.environ.get(endpoint.key_variable, ""):
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(endpoint.address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=endpoint.seconds) as response:
        content = response.read(_MOST_ANSWER)
    try:
        answer = json.loads(content)
    except ValueError as error:
        raise UserError(f"{endpoint.url} answered with something else than JSON.", hint="Check the address.") from error
    return answer if isinstance(answer, dict) else {}


def _read(answer: dict[str, Any], count: int, seconds: float) -> Answer:  # Any: JSON values
    choices = answer.get("choices") or [{}]
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    text = message.get("content") if isinstance(message, dict) else ""
    usage = answer.get("usage")
    tokens = usage.get("total_tokens", 0) if isinstance(usage, dict) else 0
    return Answer(lines_of(str(text or ""), count), int(tokens or 0), seconds)


def _refused(endpoint: Endpoint, error: urllib.error.HTTPError) -> UserError:
    if error.code in (401, 403):
        hint = f"Put its key into the environment variable {endpoint.key_variable} before you start."
    elif error.code == 404:
        hint = f"Is the address right, and does the server have the model '{endpoint.model}'?"
    else:
        hint = "Wait a little and go on; what was made is kept."
    return UserError(f"{endpoint.url} refused: {error.code} {error.reason}.", hint=hint)


def _seconds(text: str | None) -> float:
    return min(float(text), 60.0) if text and text.replace(".", "", 1).isdigit() else 0.0


def _wait(seconds: float, task: Task) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        task.check_cancelled()
        time.sleep(min(left, 0.1))
