"""Messages between window and engine."""

from __future__ import annotations

import pytest

from engine.errors import ProtocolError
from engine.protocol import MAX_LINE, JobDone, RunJob, SearchQuery, read_command, read_event, to_line


@pytest.mark.parametrize(
    "message",
    [
        RunJob(job=1, kind="mine", project="/päth/空", params={"depth": 5}),
        SearchQuery(request=2, text='quote " and\nnewline'),
    ],
)
def test_a_command_comes_back_as_it_was_said(message):
    line = to_line(message)
    assert line.count(b"\n") == 1
    assert read_command(line) == message


def test_an_event_comes_back_as_it_was_said():
    event = JobDone(job=1, changed=["runs"], summary={"queries": 3})
    assert read_event(to_line(event)) == event


@pytest.mark.parametrize(
    "line",
    [
        b"not json\n",
        b'{"type": "Unknown", "v": 1}\n',
        b'{"type": "CancelJob", "job": 1, "v": 2}\n',
        b'{"type": "CancelJob", "job": "x", "v": 1}\n',
        b'{"type": "CancelJob", "job": 1, "v": 1, "more": 0}\n',
        b"x" * (MAX_LINE + 1),
    ],
)
def test_what_is_no_message_of_this_version_is_refused(line):
    with pytest.raises(ProtocolError):
        read_command(line)
