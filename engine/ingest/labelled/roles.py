"""What the columns of a table are for, guessed from their names and contents; a guess is only a proposal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from engine.formats import Role
from engine.ingest.labelled.fields import split_of
from engine.ingest.readers.rows import Columns

_NAMES: dict[Role, tuple[str, ...]] = {
    "query": (
        *("query", "question", "q", "anchor", "search", "keyword", "request", "prompt", "utterance", "user", "title"),
        *("问题", "查询", "提问", "质问", "frage", "pregunta", "requete", "sentence1", "text1"),
    ),
    "positive": (
        *("positive", "pos", "answer", "passage", "document", "doc", "relevant", "context", "response", "reply"),
        *(
            "body",
            "content",
            "text",
            "答案",
            "回答",
            "文档",
            "段落",
            "正例",
            "antwort",
            "respuesta",
            "sentence2",
            "text2",
        ),
    ),
    "negative": ("negative", "neg", "wrong", "irrelevant", "distractor", "负例", "错误", "错误答案", "falsch"),
    "score": ("score", "grade", "label", "relevance", "rating", "similarity", "分数", "相关性", "标签", "note"),
    "split": ("split", "fold", "subset", "partition", "集合", "划分"),
    "group": ("group", "topic", "category", "cluster", "source", "product", "intent", "分类", "类别", "主题"),
}
# The header of our own CSV; its columns are what their names say, whatever stands in them.
OWN: dict[str, Role] = {"query": "query", "positive": "positive", "grade": "score", "split": "split"}
# Names that hardly a table of documents has.
_ASKING = ("query", "question", "问题", "查询", "提问", "frage", "pregunta")
_ANSWERING = ("answer", "positive", "response", "reply", "答案", "回答", "antwort", "respuesta")
_ID = re.compile(r"(^|[_\-\s])(id|ids|key|no|number|idx)$|^(pid|docid|did|docno|corpusid|passageid|documentid)$")
_QUERY_ID = re.compile(r"^(q|query|question|row|line|index|idx|id|_id|unnamed)")


def guess_roles(rows: Sequence[Columns], known: Mapping[str, Role] | None = None) -> dict[str, Role]:
    """A role for each column of the first rows; `known` (how a person mapped this header before) is taken as it is."""
    names = list(dict.fromkeys(name for columns in rows for name in columns))
    if known and set(known) <= set(names):
        return {name: known.get(name, "ignore") for name in names}
    if {"query", "positive", "grade"} <= set(names):
        return {name: OWN.get(name, "ignore") for name in names}
    values = {name: [columns[name] for columns in rows if columns.get(name) not in (None, "")] for name in names}
    roles = {name: _by_name(name, values[name]) for name in names}
    _keep_one(roles, "query")
    _keep_one(roles, "split")
    _keep_one(roles, "score")
    _keep_one(roles, "group")
    _fill_by_content(roles, values)
    return roles


def asked_and_answered(names: Sequence[str]) -> tuple[str, str] | None:
    """The columns that are called questions and answers, where there is just one of each."""
    asking, answering = ([name for name in names if _is_called(name, wanted)] for wanted in (_ASKING, _ANSWERING))
    return (asking[0], answering[0]) if len(asking) == 1 and len(answering) == 1 else None


def _is_called(name: str, wanted: Sequence[str]) -> bool:
    words = _words(name)
    return words[-1:] != ["id"] and any(word in wanted or word.rstrip("s") in wanted for word in words)


def _words(name: str) -> list[str]:
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).strip().lower()
    return [word for word in re.split(r"[\s_\-./:]+", plain) if word]


def _by_name(name: str, values: Sequence[object]) -> Role:
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).strip().lower()
    words = _words(name)
    joined = "".join(words)
    if _is_id_name(plain, joined) and not _is_long(values):
        return "ignore" if _QUERY_ID.match(joined) else "passage_id"
    if values and all(split_of(f"{value}.x") for value in values[:50]):
        return "split"
    for role, wanted in _NAMES.items():
        if any(word.rstrip("s0123456789") in wanted or word in wanted for word in words) or joined in wanted:
            if role in ("query", "positive", "negative") and _are_numbers(values):
                continue
            if role == "score" and not _are_numbers(values):
                continue
            return role
    return "ignore"


def _is_id_name(plain: str, joined: str) -> bool:
    return bool(_ID.search(plain) or _ID.match(joined))


def _is_long(values: Sequence[object]) -> bool:
    texts = [value for value in values if isinstance(value, str)]
    return bool(texts) and sum(map(len, texts)) / len(texts) > 60


def _are_numbers(values: Iterable[object]) -> bool:
    seen = False
    for value in values:
        seen = True
        try:
            float(str(value))
        except ValueError:
            return False
    return seen


def _keep_one(roles: dict[str, Role], role: Role) -> None:
    """Only the first column of a role that can stand once; a second query column may be the answer."""
    for name in [name for name, has in roles.items() if has == role][1:]:
        roles[name] = "ignore"


def _fill_by_content(roles: dict[str, Role], values: Mapping[str, Sequence[object]]) -> None:
    """Where names say nothing: the shorter text column asks, the longer answers."""

    def free() -> list[str]:
        texts = [name for name, role in roles.items() if role == "ignore" and _is_text(values[name])]
        return sorted(texts, key=lambda name: _mean_length(values[name]))

    answers = [name for name, role in roles.items() if role in ("positive", "passage_id")]
    if "query" not in roles.values():
        left = free() or ([answers[0]] if len(answers) > 1 else [])
        if left:
            roles[left[0]] = "query"
    answers = [name for name, role in roles.items() if role in ("positive", "passage_id")]
    if not answers and free():
        roles[free()[-1]] = "positive"


def _is_text(values: Sequence[object]) -> bool:
    return bool(values) and any(isinstance(value, str | list) for value in values) and not _are_numbers(values)


def _mean_length(values: Sequence[object]) -> float:
    return sum(len(str(value)) for value in values) / max(len(values), 1)
