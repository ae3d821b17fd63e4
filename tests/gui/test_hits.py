"""Two lists of hits and the lines between them."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget

from gui.tables.hits import HitCard, HitList, hit_card
from gui.widgets.hit_columns import HitColumns, Link, links_between


def _cards(*ids: int) -> list[HitCard]:
    return [HitCard(rank, p, f"title {p}", f"text of {p}", 0.5) for rank, p in enumerate(ids, start=1)]


def test_lines_say_what_rose_fell_stayed_and_came_from_below():
    links = links_between([1, 2, 3], [3, 2, 1, 9, 8], {1: 1, 2: 2, 3: 3, 9: 41})
    assert links == [Link(2, 0, "rose"), Link(1, 1, "same"), Link(0, 2, "fell"), Link(-1, 3, "below")]


def test_hidden_characters_of_a_passage_are_made_visible():
    card = hit_card("x", rank=1, passage_id=1, title="a\u202eb", text="safe\u202e?", score=1.0)
    assert (card.title, card.text) == ("a⟨202E⟩b", "safe⟨202E⟩?")


def test_the_chosen_passage_stays_chosen_when_hits_change(qtbot):
    hits = HitList("hits")
    qtbot.addWidget(hits)
    hits.set_cards(_cards(1, 2, 3))
    hits.setCurrentIndex(hits.hits.index(1))
    hits.set_cards(_cards(7, 8, 2))
    assert hits.chosen_passage() == 2


def test_choosing_says_the_passage(qtbot):
    hits = HitList("hits")
    qtbot.addWidget(hits)
    hits.set_cards(_cards(4, 5))
    with qtbot.waitSignal(hits.chosen) as caught:
        hits.setCurrentIndex(hits.hits.index(1))
    assert caught.args == [5]


def test_plus_votes_up_and_a_second_time_takes_it_back(qtbot):
    hits = HitList("hits")
    qtbot.addWidget(hits)
    hits.set_cards(_cards(4, 5))
    hits.setCurrentIndex(hits.hits.index(0))
    votes = []
    hits.voted.connect(lambda passage, vote: votes.append((passage, vote)))
    qtbot.keyClick(hits, Qt.Key.Key_Plus)
    hits.hits.set_vote(4, 1)
    qtbot.keyClick(hits, Qt.Key.Key_Plus)
    assert votes == [(4, 1), (4, 0)]


def test_a_click_on_a_thumb_votes(qtbot):
    hits = HitList("hits")
    qtbot.addWidget(hits)
    hits.resize(400, 200)
    hits.set_cards(_cards(4))
    hits.show()
    thumb_up = QPoint(400 - 12 - 24 - 8 - 44, 20)
    with qtbot.waitSignal(hits.voted) as caught:
        qtbot.mouseClick(hits.viewport(), Qt.MouseButton.LeftButton, pos=thumb_up)
    assert caught.args == [4, 1]


def test_choosing_at_the_right_tells_where_it_stood_at_the_left(qtbot):
    columns = HitColumns(QWidget(), QWidget())
    qtbot.addWidget(columns)
    columns.set_hits(_cards(1, 2), _cards(9, 1), {1: 1, 2: 2, 9: 41})
    columns.right.setCurrentIndex(columns.right.hits.index(0))
    assert columns.note() == "title 9 is at rank 41"


def test_a_passage_that_was_nowhere_is_said_to_be_below_the_last_rank(qtbot):
    columns = HitColumns(QWidget(), QWidget())
    qtbot.addWidget(columns)
    columns.set_hits(_cards(1, 2), _cards(9, 1), {1: 1, 2: 2, 3: 50})
    columns.choose(9)
    assert columns.note() == "title 9 is below rank 50"


def test_one_system_hides_the_right_column(qtbot):
    columns = HitColumns(QWidget(), QWidget())
    qtbot.addWidget(columns)
    columns.set_two(False)
    assert columns.right.isHidden()
    assert columns.gutter.isHidden()


def test_long_and_chinese_texts_are_painted(qtbot):
    hits = HitList("hits")
    qtbot.addWidget(hits)
    hits.resize(300, 400)
    hits.set_cards(
        [
            hit_card(
                "链条 chain", rank=1, passage_id=1, title="链" * 90, text="更换链条" * 99, score=0.1, was=3, answer=True
            ),
            hit_card("chain", rank=2, passage_id=2, title="x" * 300, text="chain" * 400, score=-12.5, was=0, vote=-1),
            hit_card("", rank=3, passage_id=3, title="", text="", score=0.0),
        ]
    )
    assert not hits.grab().isNull()
