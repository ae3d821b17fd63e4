"""Every toolkit's format is recognised with a reason and becomes the queries, answers and negatives that it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.ingest.importing import import_paths
from engine.ingest.labelled import detect
from engine.params import FileChoice, ImportParams
from engine.records import Split
from engine.store import documents, imported_runs, outside, queries, scores
from engine.store.project import Project
from engine.task import Task


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as project:
        yield project


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def _lines(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _take(project, *paths: Path, **settings):
    return import_paths(project, ImportParams(tuple(map(str, paths)), **settings), Task())


def content(project) -> dict[str, tuple[dict[str, int], set[str]]]:
    """Grades and negatives by the texts of queries and passages."""
    text_of = {passage.id: passage.search_text for passage in documents.all_passages(project)}
    judged, wrong = queries.judgements(project), queries.imported_negatives(project)
    return {
        query.text: (
            {text_of[p]: grade for p, grade in judged.get(query.id, {}).items()},
            {text_of[p] for p in wrong.get(query.id, [])},
        )
        for query in queries.all_queries(project)
    }


ONE = {"how to descale": ({"Boil vinegar.": 1}, {"Kettles were first."})}


def _message(text):
    return [{"role": "user", "content": text}]


FILES = {
    "tevatron": [
        {
            "query_id": "q1",
            "query": "how to descale",
            "positive_passages": [{"docid": "d1", "title": "", "text": "Boil vinegar."}],
            "negative_passages": [{"docid": "d2", "title": "", "text": "Kettles were first."}],
        }
    ],
    "ms-swift": [
        {
            "messages": _message("how to descale"),
            "positive_messages": [_message("Boil vinegar.")],
            "negative_messages": [_message("Kettles were first.")],
        }
    ],
    "nvidia": [{"query": "how to descale", "pos_doc": "Boil vinegar.", "neg_doc": ["Kettles were first."]}],
    "uniem": [{"text": "how to descale", "text_pos": "Boil vinegar.", "text_neg": "Kettles were first."}],
    "triples": ["how to descale\tBoil vinegar.\tKettles were first."],
}


@pytest.mark.parametrize("format", FILES)
def test_a_file_of_lines_is_recognised_and_taken(project, folder, format):
    path = _lines(folder / ("train.tsv" if format == "triples" else "train.jsonl"), *FILES[format])
    found = detect(path)
    assert (found.format, found.reason.startswith("1 of 1 lines")) == (format, True)
    report = _take(project, path)
    assert (report.format, report.problems) == (format, ())
    assert content(project) == ONE
    assert queries.all_queries(project)[0].official_split is Split.TRAIN


def test_tevatron_ids_find_their_passages_in_the_corpus_beside_them(project, folder):
    _lines(
        folder / "corpus.jsonl",
        {"docid": "d1", "title": "", "text": "Boil vinegar."},
        {"docid": "d2", "document_text": "Kettles were first."},
    )
    _lines(
        folder / "train.jsonl",
        {"query_id": "q1", "query_text": "how to descale", "query_image": None, "positive_document_ids": ["d1"], "negative_document_ids": ["d2", "d9"]},
    )  # fmt: skip
    report = _take(project, folder)
    assert report.format == "tevatron"
    assert content(project) == ONE
    assert [(p.file, p.line, p.reason) for p in report.problems] == [
        ("files/train.jsonl", 1, "there is no passage 'd9' in this set")
    ]
    assert queries.all_queries(project)[0].external_id == "q1"


def test_nvidia_questions_find_their_corpus_folder(project, folder):
    _lines(folder / "corpus" / "merlin_metadata.json", {"class": "TextQADataset", "corpus_id": "c"})
    _lines(
        folder / "corpus" / "train.jsonl",
        {"id": "d1", "text": "Boil vinegar."},
        {"id": "d7", "text": "Kettles were first."},
    )
    path = folder / "train.json"
    data = [
        {
            "question_id": "q1",
            "question": "how to descale",
            "corpus_id": "c",
            "pos_doc": [{"id": "d1"}],
            "neg_doc": [{"id": "d7"}],
        }
    ]
    path.write_text(json.dumps({"corpus": [{"path": "./corpus"}], "data": data}, indent=1), encoding="utf-8")
    assert detect(path).reason == "one object with `corpus` and `data`"
    _take(project, path)
    assert content(project) == ONE


def test_nvidia_corpus_outside_the_folder_is_not_read(project, folder, tmp_path):
    _lines(tmp_path / "secret" / "a.jsonl", {"id": "d1", "text": "not yours"})
    path = folder / "train.json"
    data = [{"question_id": "q1", "question": "q", "pos_doc": ["d1"], "neg_doc": []}]
    path.write_text(json.dumps({"corpus": [{"path": "../secret"}], "data": data}), encoding="utf-8")
    _take(project, path)
    assert documents.count_passages(project) == 0


def test_pylate_scores_are_kept_and_the_best_is_the_answer(project, folder):
    _lines(
        folder / "documents.jsonl",
        {"document_id": "d1", "text": "Boil vinegar."},
        {"document_id": "d7", "text": "Kettles were first."},
    )
    _lines(folder / "queries.jsonl", {"query_id": "q1", "text": "how to descale"})
    _lines(folder / "train.jsonl", {"query_id": "q1", "document_ids": ["d7", "d1"], "scores": [-2.5, 9.25]})
    assert _take(project, folder).format == "pylate"
    assert content(project) == ONE
    ids = {p.external_id: p.id for p in documents.all_passages(project)}
    assert scores.scores(project, "imported") == {1: {ids["d1"]: 9.25, ids["d7"]: -2.5}}


def test_a_set_of_parquet_files_is_one_too(project, folder, monkeypatch):
    import pyarrow
    import pyarrow.parquet

    tables = {
        "documents": {"document_id": ["d1", "d7"], "text": ["Boil vinegar.", "Kettles were first."]},
        "queries": {"query_id": ["q1"], "text": ["how to descale"]},
        "train": {"query_id": ["q1"], "document_ids": [["d7", "d1"]], "scores": [[-2.5, 9.25]]},
    }
    for name, columns in tables.items():
        pyarrow.parquet.write_table(pyarrow.table(columns), folder / f"{name}.parquet")
    monkeypatch.chdir(folder)
    assert detect(Path()).format == "pylate"
    assert _take(project, folder).format == "pylate"
    assert content(project) == ONE


def test_gpl_folder_brings_made_queries_and_negatives_of_every_source(project, folder):
    _lines(
        folder / "corpus.jsonl",
        {"_id": "d1", "title": "", "text": "Boil vinegar."},
        {"_id": "d7", "title": "", "text": "Kettles were first."},
        {"_id": "d8", "title": "", "text": "Tea."},
    )
    _lines(folder / "qgen-queries.jsonl", {"_id": "g1", "text": "how to descale"})
    _lines(folder / "qgen-qrels" / "train.tsv", "query-id\tcorpus-id\tscore", "g1\td1\t1")
    _lines(
        folder / "hard-negatives.jsonl", {"qid": "g1", "pos": ["d1"], "neg": {"bm25": ["d7"], "msmarco": ["d7", "d8"]}}
    )
    _lines(folder / "gpl-training-data.tsv", "g1\td1\td7\t3.25")
    assert _take(project, folder).format == "gpl"
    assert content(project) == {"how to descale": ({"Boil vinegar.": 1}, {"Kettles were first.", "Tea."})}


def test_a_grade_of_llamaindex_that_is_no_number_is_told_and_the_rest_comes_in(project, folder):
    judged = {"q1": {"d1": 2, "d2": None}}
    path = folder / "a.json"
    path.write_text(json.dumps({"queries": {"q1": "q"}, "corpus": {"d1": "a", "d2": "b"}, "relevant_docs": judged}))
    report = _take(project, path)
    assert content(project) == {"q": ({"a": 2}, set())}
    assert [(found.line, found.reason) for found in report.problems] == [(1, "the score 'None' is no number")]


def test_llamaindex_is_one_object_over_many_lines(project, folder):
    path = folder / "test.json"
    found = {
        "queries": {"q1": "how to descale"},
        "corpus": {"d1": "Boil vinegar."},
        "relevant_docs": {"q1": ["d1"]},
        "mode": "text",
    }
    path.write_text(json.dumps(found, indent=2), encoding="utf-8")
    assert _take(project, path).format == "llamaindex"
    assert content(project) == {"how to descale": ({"Boil vinegar.": 1}, set())}
    assert queries.all_queries(project)[0].official_split is Split.TEST


def test_trec_folder_old_and_new_topics(project, folder):
    (folder / "docs.trec").write_text(
        "<DOC>\n<DOCNO> d1 </DOCNO>\n<TITLE>Kettles</TITLE>\n<TEXT>\nBoil vinegar &amp; water.\n</TEXT>\n</DOC>\n",
        encoding="utf-8",
    )
    (folder / "topics.txt").write_text(
        "<top>\n<num> Number: 301\n<title> how to descale\n<desc> Description:\nLong.\n</top>\n", encoding="utf-8"
    )
    (folder / "qrels.test.txt").write_text("301 0 d1 2\n301 0 d9 1\n", encoding="utf-8")
    report = _take(project, folder)
    assert report.format == "trec"
    assert content(project) == {"how to descale": ({"Kettles Boil vinegar & water.": 2}, set())}
    assert [(p.file, p.line, p.code) for p in report.problems] == [("files/qrels.test.txt", 2, "unknown_id")]


def test_a_run_alone_is_kept_as_a_system_over_the_projects_own_ids(project, folder):
    _lines(
        folder / "set" / "corpus.jsonl",
        {"_id": "d1", "title": "", "text": "A"},
        {"_id": "d2", "title": "", "text": "B"},
    )
    _lines(folder / "set" / "queries.jsonl", {"_id": "q1", "text": "ask"})
    _take(project, folder / "set")
    path = folder / "their.run"
    path.write_text("q1 Q0 d1 2 0.5 theirs\nq1 Q0 d2 1 0.75 theirs\nq1 Q0 zz 3 0.1 theirs\n", encoding="utf-8")
    assert detect(path).reason == "3 of 3 lines are hits of a run"
    report = _take(project, path)
    (run,) = imported_runs.imported_runs(project)
    assert (run.name, run.n_queries, run.depth) == ("theirs", 1, 2)
    query_ids, passage_ids, values = imported_runs.imported_hits(project, run.id)
    names = {p.id: p.external_id for p in documents.all_passages(project)}
    assert query_ids.tolist() == [1]
    assert [names[p] for p in passage_ids[0].tolist()] == ["d2", "d1"]
    assert values[0].tolist() == [0.75, 0.5]
    assert report.counts.new + report.counts.skipped == 3


def test_judgements_alone_name_the_projects_own_numbers(project, folder):
    _lines(folder / "a.jsonl", {"query": "ask", "pos": ["A"], "neg": ["B"]})
    _take(project, folder / "a.jsonl")
    wrong = next(p.id for p in documents.all_passages(project) if p.text == "B")
    (folder / "mine.qrels").write_text(f"1 0 {wrong} 3\n", encoding="utf-8")
    _take(project, folder / "mine.qrels")
    assert content(project)["ask"][0] == {"A": 1, "B": 3}


def test_graded_labels_of_flagembedding_are_kept_as_scores(project, folder):
    _lines(folder / "a.jsonl", {"query": "ask", "pos": ["A"], "neg": ["B"], "pos_scores": [0.98], "neg_scores": [0.41]})
    _take(project, folder / "a.jsonl")
    ids = {p.text: p.id for p in documents.all_passages(project)}
    assert scores.scores(project, "imported") == {1: {ids["A"]: 0.98, ids["B"]: 0.41}}


def test_mapping_names_the_columns_of_a_table(project, folder):
    path = folder / "a.csv"
    path.write_text(
        "q_text,reply,bad,teil,sorte,note\nhow to descale,Boil vinegar.,Kettles were first.,validation,kettles,x\n"
        ",no query,,test,,\n", encoding="utf-8",
    )  # fmt: skip
    mapping = {"q_text": "query", "reply": "positive", "bad": "negative", "teil": "split", "sorte": "group"}
    report = _take(project, path, mapping=mapping)
    assert content(project) == ONE
    assert queries.all_queries(project)[0].official_split is Split.DEV
    assert outside.groups(project) == {1: ["kettles"]}
    assert [(p.line, p.reason) for p in report.problems] == [(3, "the query is empty")]


def test_questions_and_answers_that_become_documents_are_pointed_out(project, folder):
    class Listening(Task):
        said: list[str] = []

        def on_warning(self, message: str) -> None:
            self.said.append(message)

    _lines(folder / "faq.jsonl", {"Question": "how to descale", "answer_text": "Boil vinegar.", "split": "train"})
    _lines(folder / "pages.jsonl", {"title": "Kettles", "text": "Kettles were first.", "answer_id": "7"})
    import_paths(project, ImportParams((str(folder),)), Listening())
    (said,) = Listening.said
    assert "faq.jsonl is taken as documents" in said
    assert "--map query=Question,positive=answer_text" in said
    chosen = ImportParams((str(folder),), choices={str(folder / "faq.jsonl"): FileChoice("documents")})
    import_paths(project, chosen, Listening())
    assert len(Listening.said) == 1


def test_a_mapping_is_remembered_by_header(project, folder):
    for name, text in (("a.csv", "f1,f2\nask,A\n"), ("b.csv", "f1,f2\nask more,B\n")):
        (folder / name).write_text(text, encoding="utf-8")
    _take(project, folder / "a.csv", mapping={"f1": "query", "f2": "positive"})
    assert _take(project, folder / "b.csv").format == "table"
    assert content(project)["ask more"] == ({"B": 1}, set())


def test_scores_of_a_table_are_grades_or_shares_of_their_scale(project, folder):
    (folder / "g.csv").write_text("f1,f2,f3\nask,A,3\nask,B,0\n", encoding="utf-8")
    (folder / "s.csv").write_text("f1,f2,f3\nwhich,C,4.5\nwhich,D,1.0\n", encoding="utf-8")
    mapping = {"f1": "query", "f2": "positive", "f3": "score"}
    _take(project, folder / "g.csv", mapping=mapping)
    _take(project, folder / "s.csv", mapping=mapping)
    assert content(project) == {"ask": ({"A": 3, "B": 0}, {"B"}), "which": ({"C": 1, "D": 0}, {"D"})}


def test_passage_ids_of_a_table_name_documents_of_the_project(project, folder):
    _lines(folder / "set" / "corpus.jsonl", {"_id": "17", "title": "", "text": "A"})
    _lines(folder / "set" / "queries.jsonl", {"_id": "q1", "text": "old"})
    _take(project, folder / "set")
    (folder / "a.csv").write_text("f1,f2\nask,17\nnobody,18\n", encoding="utf-8")
    report = _take(project, folder / "a.csv", mapping={"f1": "query", "f2": "passage_id"})
    assert content(project)["ask"] == ({"A": 1}, set())
    assert [(p.line, p.reason) for p in report.problems] == [(3, "there is no passage '18' in this project")]
    assert report.counts.skipped == 1


@pytest.mark.parametrize("suffix", ["xlsx", "parquet"])
def test_sheets_and_parquet_are_tables_like_any_other(project, folder, suffix):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"f1": ["how to descale", None], "f2": ["Boil vinegar.", "x"], "f3": ["Kettles were first.", None]}
    )
    path = folder / f"train.{suffix}"
    frame.to_excel(path, index=False) if suffix == "xlsx" else frame.to_parquet(path)
    report = _take(project, path, mapping={"f1": "query", "f2": "positive", "f3": "negative"})
    assert content(project) == ONE
    assert [(p.file, p.line, p.reason) for p in report.problems] == [
        (f"train.{suffix}", 3 if suffix == "xlsx" else 2, "the query is empty")
    ]
    assert queries.all_queries(project)[0].official_split is Split.TRAIN


def test_a_damaged_sheet_is_told_and_stops_nothing(project, folder):
    (folder / "a.xlsx").write_bytes(b"PK\x03\x04 broken")
    _lines(folder / "b.jsonl", {"query": "ask", "pos": ["A"], "neg": []})
    choices = {str(folder / "a.xlsx"): FileChoice("table", {"f1": "query", "f2": "positive"})}
    report = _take(project, folder, choices=choices)
    assert list(content(project)) == ["ask"]
    assert [p.file for p in report.problems] == ["a.xlsx"]


def test_queries_that_exist_are_left_as_they_are_on_request(project, folder):
    _lines(folder / "a.jsonl", {"query": "ask", "pos": ["A"], "neg": []})
    _take(project, folder / "a.jsonl")
    _lines(folder / "b.jsonl", {"query": "ask", "pos": ["B"], "neg": []}, {"query": "new", "pos": ["B"], "neg": []})
    report = _take(project, folder / "b.jsonl", existing="skip")
    assert content(project) == {"ask": ({"A": 1}, set()), "new": ({"B": 1}, set())}
    assert [p.code for p in report.problems] == ["existing"]
    _take(project, folder / "b.jsonl")
    assert content(project)["ask"] == ({"A": 1, "B": 1}, set())


def test_a_file_can_be_left_out_or_read_otherwise(project, folder):
    first = _lines(folder / "a.jsonl", {"query": "ask", "pos": ["A"], "neg": []})
    second = _lines(folder / "b.jsonl", {"query": "more", "pos": ["B"], "neg": []})
    third = _lines(folder / "c.jsonl", {"anchor": "which", "positive": "C"})
    choices = {
        str(first): FileChoice("skip"),
        str(second): FileChoice("documents"),
        str(third): FileChoice("table", {"anchor": "positive", "positive": "query"}),
    }
    report = _take(project, folder, choices=choices)
    assert content(project) == {"C": ({"which": 1}, set())}
    assert ("a.jsonl", "left_out") in [(p.file, p.code) for p in report.problems]


def test_a_mapping_that_cannot_work_says_what_to_write(project, folder):
    (folder / "a.csv").write_text("f1,f2\nask,A\n", encoding="utf-8")
    with pytest.raises(UserError, match="No table among these files has the columns f9"):
        _take(project, folder / "a.csv", mapping={"f9": "query"})
