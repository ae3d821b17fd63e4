"""The engine's processes as the window follows them, against a small fake engine over real pipes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.errors import ProtocolError
from engine.protocol import MAX_LINE, SearchQuery
from gui.jobs import queue as queue_module
from gui.jobs.drawer import read_log
from gui.jobs.job import Job, Phase
from gui.jobs.process import EngineProcess, LineBuffer, death_sentence
from gui.jobs.queue import JobQueue
from gui.jobs.resident import Resident
from tests.gui.conftest import spawn_fake

PROJECT = Path("/nowhere")


@pytest.fixture
def queue(qtbot):
    made = JobQueue(spawn_fake)
    yield made
    made.close()


@pytest.fixture
def resident(qtbot):
    made = Resident(spawn_fake)
    yield made
    made.close()


def run(qtbot, queue, kind="mine", **params):
    with qtbot.waitSignal(queue.job_finished, timeout=10_000) as ended:
        queue.add(kind, PROJECT, params)
    return ended.args[0]


def test_lines_come_out_whole_however_they_are_cut():
    buffer = LineBuffer()
    found = []
    for piece in (b"on", b"e\ntw", b"o\n\nthr", b"ee", b"\n"):
        found += buffer.feed(piece)
    assert found == [b"one", b"two", b"three"]


def test_a_line_over_the_limit_is_refused_before_it_ends():
    buffer = LineBuffer()
    for _ in range(MAX_LINE // 1000):
        buffer.feed(b"x" * 1000)
    with pytest.raises(ProtocolError):
        buffer.feed(b"x")


def test_a_job_brings_progress_metrics_and_its_summary(qtbot, queue):
    job = run(qtbot, queue, steps=4)
    assert job.phase is Phase.DONE
    assert (job.done, job.total, job.record) == (4, 4, 7)
    assert job.metrics["loss"] == [(0, 1.0), (1, 0.5), (2, 1 / 3), (3, 0.25)]
    assert job.changed == ["queries", "jobs"]
    assert "pid" in job.summary


def test_lines_that_arrive_in_pieces_are_read(qtbot, queue):
    assert run(qtbot, queue, steps=3, split=True).done == 3


def test_only_one_job_runs_at_a_time_and_each_in_its_own_process(qtbot, queue):
    ended = []
    queue.job_finished.connect(ended.append)
    first = queue.add("mine", PROJECT, {"steps": 2, "wait": 0.1})
    second = queue.add("train", PROJECT, {})
    assert queue.running is first
    assert queue.waiting == (second,)
    qtbot.waitUntil(lambda: len(ended) == 2, timeout=10_000)
    assert ended == [first, second]
    assert first.summary["pid"] != second.summary["pid"]


def test_a_job_that_fails_brings_words_and_a_hint(qtbot, queue):
    job = run(qtbot, queue, fail="There is nothing to mine.")
    assert (job.phase, job.message, job.hint) == (Phase.FAILED, "There is nothing to mine.", "Do it otherwise.")


def test_a_warning_is_kept_and_told(qtbot, queue):
    with qtbot.waitSignal(queue.job_warned, timeout=10_000) as warned:
        job = queue.add("import", PROJECT, {"warn": "Reads no Chinese."})
    assert warned.args == [job, "Reads no Chinese."]
    qtbot.waitUntil(lambda: job.is_over, timeout=10_000)
    assert job.warnings == ["Reads no Chinese."]


def test_an_engine_that_dies_is_told_in_a_sentence_with_its_last_words(qtbot, queue):
    job = run(qtbot, queue, die=3)
    assert job.phase is Phase.FAILED
    assert job.code == "crash"
    assert "code 3" in job.message
    assert "the last words" in job.traceback
    assert job.changed == ["all"]


def test_after_a_death_the_next_job_runs(qtbot, queue):
    run(qtbot, queue, die=3)
    assert run(qtbot, queue).phase is Phase.DONE


def test_cancel_stops_a_running_job(qtbot, queue):
    job = queue.add("train", PROJECT, {"steps": 1000, "wait": 0.02})
    qtbot.waitUntil(lambda: job.done > 1, timeout=10_000)
    with qtbot.waitSignal(queue.job_finished, timeout=3000):
        queue.cancel(job)
    assert job.phase is Phase.CANCELLED


def test_a_job_that_has_not_begun_is_cancelled_at_once(qtbot, queue):
    job = queue.add("train", PROJECT, {"steps": 1000, "wait": 0.02})
    with qtbot.waitSignal(queue.job_finished, timeout=1000):
        queue.cancel(job)
    assert job.phase is Phase.CANCELLED


def test_a_job_that_takes_no_cancel_is_killed(qtbot, queue, monkeypatch):
    queue._killer.setInterval(200)
    job = queue.add("train", PROJECT, {"steps": 1000, "wait": 0.02, "stubborn": True})
    qtbot.waitUntil(lambda: job.done > 1, timeout=10_000)
    with qtbot.waitSignal(queue.job_finished, timeout=5000):
        queue.cancel(job)
    assert job.phase is Phase.CANCELLED
    assert job.changed == ["all"]


def test_a_waiting_job_leaves_the_queue_at_once(qtbot, queue):
    first = queue.add("mine", PROJECT, {"steps": 50, "wait": 0.02})
    second = queue.add("train", PROJECT, {})
    queue.cancel(second)
    assert second.phase is Phase.CANCELLED
    assert queue.waiting == ()
    queue.cancel(first)
    qtbot.waitUntil(lambda: first.is_over, timeout=5000)


def test_a_paused_job_stands_still_until_it_goes_on(qtbot, queue):
    job = queue.add("train", PROJECT, {"steps": 40, "wait": 0.02})
    qtbot.waitUntil(lambda: job.done > 1, timeout=10_000)
    queue.pause(job, True)
    assert job.phase is Phase.PAUSED
    qtbot.wait(200)
    stood = job.done
    qtbot.wait(200)
    assert job.done == stood
    queue.pause(job, False)
    qtbot.waitUntil(lambda: job.is_over, timeout=10_000)
    assert job.phase is Phase.DONE


def test_a_spare_process_waits_and_takes_the_next_job(qtbot):
    asked = []

    def spawn(warm):
        asked.append(warm)
        return spawn_fake()

    queue = JobQueue(spawn)
    queue._spare_timer.setInterval(0)
    queue.keep_spare()
    qtbot.waitUntil(lambda: queue._spare is not None and queue._spare.is_ready, timeout=10_000)
    spare = queue._spare.pid
    job = run(qtbot, queue)
    assert job.summary["pid"] == spare
    assert asked[0] is True
    queue.close()


def test_time_left_is_units_left_over_the_rate():
    job = Job(1, "mine", PROJECT, {}, phase=Phase.RUNNING, done=40, total=100, rate=30.0)
    assert job.seconds_left == 2.0
    assert job.share == 0.4
    job.rate = 0.0
    assert job.seconds_left is None


@pytest.mark.parametrize(("code", "words"), [(-9, "memory"), (-11, "crashed"), (-1, "started"), (3, "code 3")])
def test_every_death_has_a_sentence_and_a_way_out(code, words):
    message, hint = death_sentence(code)
    assert words in message
    assert hint


def test_a_program_that_is_not_there_ends_the_job_with_words(qtbot):
    queue = JobQueue(lambda _warm: EngineProcess(["/no/such/program"]))
    job = queue.add("mine", PROJECT, {})
    qtbot.waitUntil(lambda: job.is_over, timeout=5000)
    assert job.phase is Phase.FAILED
    assert "could not be started" in job.message
    queue.close()


def test_noise_on_the_pipe_ends_the_process_and_the_job(qtbot):
    program = "import sys; print('hello'); sys.stdout.flush(); sys.stdin.read()"
    queue = JobQueue(lambda _warm: EngineProcess([sys.executable, "-c", program]))
    job = queue.add("mine", PROJECT, {})
    qtbot.waitUntil(lambda: job.is_over, timeout=5000)
    assert job.phase is Phase.FAILED
    assert "Not a message" in job.traceback
    queue.close()


def test_an_edit_is_answered_with_what_it_says(qtbot, resident):
    answers = []
    resident.edit(PROJECT, "review", {"query_id": 3}, lambda event: answers.append(event.values), lambda *_: None)
    qtbot.waitUntil(lambda: bool(answers), timeout=10_000)
    assert answers == [{"kind": "review", "query_id": 3}]


def test_an_edit_that_fails_brings_message_and_hint(qtbot, resident):
    failures = []
    resident.edit(PROJECT, "fail", {}, lambda _: None, lambda *words: failures.append(words))
    qtbot.waitUntil(lambda: bool(failures), timeout=10_000)
    assert failures == [("No.", "Try another.")]


def test_a_search_warms_the_index_once(qtbot, resident):
    ready, hits = [], []
    resident.search_ready.connect(lambda *words: ready.append(words))
    for text in ("a", "bcd"):
        query = SearchQuery(request=0, text=text)
        resident.search(query, PROJECT, lambda event: hits.append(event.hits[0].passage_id), lambda *_: None)
    qtbot.waitUntil(lambda: len(hits) == 2, timeout=10_000)
    assert hits == [1, 3]
    assert len(ready) == 1


def test_a_dropped_search_is_not_answered(qtbot, resident):
    hits = []
    first = resident.search(SearchQuery(request=0, text="a"), PROJECT, lambda _: hits.append("first"), lambda *_: None)
    resident.drop(first)
    resident.search(SearchQuery(request=0, text="b"), PROJECT, lambda _: hits.append("second"), lambda *_: None)
    qtbot.waitUntil(lambda: bool(hits), timeout=10_000)
    assert hits == ["second"]


def test_a_search_that_kills_the_engine_fails_in_words_and_the_next_one_works(qtbot, resident):
    failures, hits = [], []
    resident.search(SearchQuery(request=0, text="die"), PROJECT, lambda _: None, lambda *words: failures.append(words))
    qtbot.waitUntil(lambda: bool(failures), timeout=10_000)
    assert "code 3" in failures[0][0]
    resident.search(SearchQuery(request=0, text="ok"), PROJECT, hits.append, lambda *_: None)
    qtbot.waitUntil(lambda: bool(hits), timeout=10_000)


def test_the_third_death_in_ten_minutes_is_the_last_restart(qtbot, resident):
    failures = []
    for number in range(1, 5):
        query = SearchQuery(request=0, text="die")
        resident.search(query, PROJECT, lambda _: None, lambda *words: failures.append(words))
        qtbot.waitUntil(lambda number=number: len(failures) == number, timeout=10_000)
    assert "ended 3 times" in failures[3][0]


def test_a_log_is_read_as_lines_for_people(tmp_path):
    log = tmp_path / "job-1.jsonl"
    log.write_text(
        '{"time": 0, "stage": "encode", "done": 3, "total": 9}\nnot json\n{"time": 0, "warning": "cut"}\n'
        '{"time": 0, "metric": "loss", "step": 4, "value": 0.25}\n',
        encoding="utf-8",
    )
    assert [line[10:] for line in read_log(log)] == ["encode: 3 of 9", "! cut", "loss 0.25 at step 4"]


def test_a_log_that_is_not_there_is_empty(tmp_path):
    assert read_log(tmp_path / "none.jsonl") == []


def test_the_kill_comes_after_five_seconds():
    assert queue_module.KILL_AFTER_MS == 5000
