"""Queries are made from what passages say, carry their source, and never slip into a test of others' queries."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.curate.asking import lines_of
from engine.curate.making import first_sentence, is_askable, make_queries, questions_in
from engine.curate.phrases import Phrases
from engine.curate.splits import split
from engine.errors import Cancelled, UserError
from engine.params import MakeParams, SplitParams
from engine.records import Qrel, Split
from engine.store import documents, made, queries
from engine.store.documents import NewDocument, NewPassage
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.task import Task


def _fill(project: Project, passages: list[NewPassage]) -> list[int]:
    for number, passage in enumerate(passages):
        row = NewDocument(f"Manual {number}", f"/m/{number}.txt", "txt", str(number), passage.text)
        documents.put_document(project, row, [passage], import_id=1)
    return [passage.id for passage in documents.all_passages(project)]


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made_here:
        made_here.db.table("imports").insert(
            {"id": 1, "created_at": "", "format": "", "paths": "[]", "counts": "{}", "state": ""}
        )
        yield made_here


def _made(project: Project) -> dict[str, tuple[str, set[int]]]:
    answers = queries.positives(project)
    return {query.text: (query.source, set(answers.get(query.id, {}))) for query in queries.all_queries(project)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It broke. What can I do? Call us.", ["What can I do?"]),
        ("孕妇可以吃螃蟹吗？最好不要。", ["孕妇可以吃螃蟹吗？"]),
        ("- How do I return it?\nSend it back.", ["How do I return it?"]),
        ("See a.b?c=1 for more. No question here.", []),
        ("返品できますか？はい。", ["返品できますか？"]),
    ],
)
def test_questions_are_found_in_any_script(text, found):
    assert list(questions_in(text)) == found


def test_the_first_sentence_that_says_something_is_taken():
    assert first_sentence("Note. The warranty lasts for two years from the day of sale. More.") == [
        "The warranty lasts for two years from the day of sale"
    ]
    assert first_sentence("Short. Too.") == []
    assert first_sentence("保修期为自购买之日起两年。其他。") == ["保修期为自购买之日起两年"]


@pytest.mark.parametrize(
    ("text", "answer"), [("Warranty", False), ("two words", True), ("1 2 3", False), ("保修期多长", True)]
)
def test_what_a_person_would_type_is_told(text, answer):
    assert is_askable(text) is answer


def test_phrases_are_those_that_the_other_texts_lack():
    texts = ["The red toggle switch of the box lies below.", "The box is red.", "The box lies below the red lid."]
    (best,) = Phrases.of(texts, Task()).best(texts[0], 1)
    assert "toggle switch" in best
    chinese = ["本产品保修期为两年，请保留发票。", "本产品请保留发票。", "本产品很好。"]
    assert "保修期" in Phrases.of(chinese, Task()).best(chinese[0], 1)[0]


def test_headings_become_queries_with_their_passage_as_the_answer(project):
    first, second, third, _ = _fill(
        project,
        [
            NewPassage("Two years.", heading="Manual > 3.1 Length of warranty"),
            NewPassage("Press it.", heading="Phone > Reset all"),
            NewPassage("Hold it.", heading="Radio > Reset all"),
            NewPassage("x", heading="Manual > Introduction"),
        ],
    )
    summary = make_queries(project, MakeParams(sources=("headings",)), Task())
    assert (summary.queries, summary.by_source, summary.without) == (3, {"headings": 3}, 1)
    assert _made(project) == {
        "Length of warranty": ("made: headings", {first}),
        "Reset all of Phone": ("made: headings", {second}),
        "Reset all of Radio": ("made: headings", {third}),
    }
    again = make_queries(project, MakeParams(sources=("headings",)), Task())
    assert (again.queries, again.known) == (0, 3)


def test_a_query_of_a_person_is_not_touched(project):
    (passage,) = _fill(project, [NewPassage("Two years. How long is it?", heading="M > Length of warranty")])
    queries.put_queries(project, [NewQuery("Length of warranty")], import_id=None)
    make_queries(project, MakeParams(sources=("headings", "questions", "cloze", "phrases")), Task())
    found = _made(project)
    assert found["Length of warranty"] == ("imported", set())
    assert found["How long is it?"] == ("made: questions", {passage})


def test_made_queries_are_trained_on_and_never_measured_beside_others(project):
    ids = _fill(project, [NewPassage(f"text of thing {n}", heading=f"M > Heading of thing {n}") for n in range(60)])
    rows = queries.put_queries(project, [NewQuery(f"where is {n}") for n in range(30)], import_id=None)
    queries.put_qrels(project, [Qrel(query_id, ids[n], 1) for n, (query_id, _) in enumerate(rows)])
    make_queries(project, MakeParams(sources=("headings",)), Task())
    summary = split(project, SplitParams(), Task())
    assert summary.made_test == 0
    assert made.made_queries_in(project, Split.TEST) == made.made_queries_in(project, Split.DEV) == 0
    assert made.made_queries_in(project, Split.TRAIN) >= 30
    assert summary.leaks == 0
    held = {
        p
        for query in queries.representatives(project)
        if query.split in (Split.DEV, Split.TEST)
        for p in queries.positives(project)[query.id]
    }
    trained = {
        p for query in queries.representatives(project, Split.TRAIN) for p in queries.positives(project)[query.id]
    }
    assert held
    assert not held & trained  # a made query about a test query's answer is left out


def test_where_all_were_made_the_split_says_so(project):
    _fill(project, [NewPassage(f"text {n}", heading=f"M > Heading of thing {n}") for n in range(60)])
    make_queries(project, MakeParams(sources=("headings",)), Task())
    summary = split(project, SplitParams(), Task())
    assert summary.made_test == summary.test > 0
    assert "made queries" in summary.sentence


@pytest.mark.parametrize("counts", [{"per_passage": 0}, {"per_passage": -1}, {"limit": -2}])
def test_counts_that_cannot_be_are_refused(project, counts):
    _fill(project, [NewPassage("Two years. How long is it?", heading="M > Length of warranty")])
    with pytest.raises(UserError, match="cannot be made"):
        make_queries(project, MakeParams(**counts), Task())
    assert queries.count_queries(project) == 0


def test_without_passages_nothing_can_be_made(project):
    with pytest.raises(UserError, match="no passages"):
        make_queries(project, MakeParams(), Task())


class _Server:
    """A chat server on loopback: answers by script, remembers what it was asked."""

    def __init__(self, statuses: list[int]) -> None:
        self.asked: list[dict] = []
        self.keys: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = statuses.pop(0) if statuses else 200
                outer.keys.append(self.headers.get("Authorization"))
                outer.asked.append(body)
                answer = {"choices": [{"message": {"content": f"1. How long is thing {len(outer.asked)} good?\n- And so on?"}}],
                          "usage": {"total_tokens": 50}}  # fmt: skip
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setattr("engine.curate.asking._FIRST_WAIT", 0.01)
    started = []

    def start(*statuses: int) -> _Server:
        started.append(_Server(list(statuses)))
        return started[-1]

    yield start
    for server in started:
        server.http.shutdown()
        server.http.server_close()


def test_an_endpoint_writes_queries_and_is_asked_again_when_busy(project, serve, monkeypatch):
    monkeypatch.setenv("SEARCHSMITH_API_KEY", "secret-key")
    ids = _fill(project, [NewPassage(f"text {n}", heading="M > H") for n in range(2)])
    server = serve(429, 200, 503)
    params = MakeParams(sources=("endpoint",), url=server.url, model="m", price_per_million=2.0)
    summary = make_queries(project, params, Task())
    assert (summary.queries, summary.tokens, summary.cost) == (2, 100, pytest.approx(0.0002))
    assert {source for source, _ in _made(project).values()} == {"made: endpoint"}
    assert set.union(*(answers for _, answers in _made(project).values())) == set(ids)
    assert "text 0" in server.asked[0]["messages"][0]["content"]
    assert server.keys[0] == "Bearer secret-key"
    again = make_queries(project, params, Task())
    assert (again.queries, len(server.asked)) == (0, 4)
    stored = b"".join(path.read_bytes() for path in project.path.rglob("*") if path.is_file())
    assert b"secret-key" not in stored


def test_what_is_spent_is_shown_while_an_endpoint_is_asked(project, serve):
    class Listening(Task):
        notes: list[str] = []

        def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
            self.notes.append(note)

    _fill(project, [NewPassage(f"text {n}", heading="M > H") for n in range(2)])
    params = MakeParams(sources=("endpoint",), url=serve().url, model="m", price_per_million=2.0)
    make_queries(project, params, Listening())
    assert Listening.notes == ["", "50 tokens, cost 0.0001", "100 tokens, cost 0.0002"]


def test_an_ended_run_keeps_what_was_made_and_goes_on(project, serve):
    class EndsAfterTwo(Task):
        def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
            if stage == "ask the endpoint" and done == 2:
                self.cancel()

    _fill(project, [NewPassage(f"text {n}", heading="M > H") for n in range(4)])
    server = serve()
    params = MakeParams(sources=("endpoint",), url=server.url, model="m")
    with pytest.raises(Cancelled):
        make_queries(project, params, EndsAfterTwo())
    assert len(_made(project)) == 2
    assert make_queries(project, params, Task()).queries == 2
    assert len(server.asked) == 4


@pytest.mark.parametrize(("status", "words"), [(401, "SEARCHSMITH_API_KEY"), (404, "have the model")])
def test_a_refusal_says_what_to_do(project, serve, status, words):
    _fill(project, [NewPassage("text", heading="M > H")])
    with pytest.raises(UserError) as caught:
        make_queries(project, MakeParams(sources=("endpoint",), url=serve(status).url, model="m"), Task())
    assert words in caught.value.hint


def test_a_server_that_is_not_there_is_named(project, monkeypatch):
    monkeypatch.setattr("engine.curate.asking._FIRST_WAIT", 0.01)
    _fill(project, [NewPassage("text", heading="M > H")])
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9 cannot be reached"):
        make_queries(project, MakeParams(sources=("endpoint",), url="http://127.0.0.1:9", model="m"), Task())
    with pytest.raises(UserError, match="no address"):
        make_queries(project, MakeParams(sources=("endpoint",), url="file:///etc/passwd", model="m"), Task())


def test_lines_of_an_answer_lose_numbers_marks_and_thoughts():
    answer = '<think>hm\n1. no</think>Here they are:\n1. "How long?"\n2) - 保修多久？\n\n1. "How long?"\nmore'
    assert lines_of(answer, 3) == ("How long?", "保修多久？", "more")
