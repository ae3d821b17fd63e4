"""The parts pages are made of."""

from __future__ import annotations

import pytest
import shiboken6
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.buttons import Button, IconButton, SegmentedControl
from gui.widgets.cards import Card, Drawer, EmptyState, ErrorPanel, InfoRow, column
from gui.widgets.charts import Histogram, LineChart, nice_step
from gui.widgets.focus import FocusRing
from gui.widgets.gauges import Interval, IntervalBar, Meter, _axis
from gui.widgets.groups import TwoGroups
from gui.widgets.inputs import ChoiceBox, FilterBox, SettingRow
from gui.widgets.labels import Chip, ElidedLabel, Link, StateMark, label
from gui.widgets.paragraph import Paragraph
from gui.widgets.sliders import LabelledSlider, RangeSlider
from gui.widgets.tables import Role, TableView
from gui.widgets.toast import Toast

HOSTILE = '<img src="file:///etc/passwd"><b>bold</b>'


@pytest.fixture
def window(qtbot):
    made = QWidget()
    made.resize(800, 600)
    qtbot.addWidget(made)
    return made


def shown(qtbot, window, *widgets):
    layout = column(window)
    for widget in widgets:
        layout.addWidget(widget)
    with qtbot.waitExposed(window):
        window.show()


@pytest.mark.parametrize(
    "made", [lambda: label(HOSTILE), lambda: ElidedLabel(HOSTILE), lambda: label(HOSTILE, wrap=True)]
)
def test_labels_show_markup_as_it_is_written(qtbot, made):
    widget = made()
    qtbot.addWidget(widget)
    assert widget.textFormat() == Qt.TextFormat.PlainText
    assert widget.text() == HOSTILE


def test_two_groups_stand_below_each_other_where_the_line_is_too_short(qtbot, window):
    left, right = [Button("Repeat…"), Button("Copy as command")], [Button("See the verdict")]
    groups = TwoGroups(left, right)
    shown(qtbot, window, groups)
    assert not groups.is_split()
    assert right[0].mapTo(groups, right[0].rect().topRight()).x() == groups.width() - 1
    in_line = groups.sizeHint().width()
    window.resize(in_line - 20, 600)
    qtbot.waitUntil(groups.is_split, timeout=2000)
    assert groups.width() == in_line - 20
    qtbot.waitUntil(lambda: right[0].mapTo(groups, QPoint(0, 0)).y() > left[0].mapTo(groups, QPoint(0, 0)).y())
    right[0].hide()
    groups.arrange()
    assert not groups.is_split()


def test_an_elided_text_has_its_whole_in_the_tooltip(qtbot, window):
    long = ElidedLabel(HOSTILE * 20)
    shown(qtbot, window, long)
    assert QLabel.text(long).endswith("…")
    assert "&lt;img" in long.toolTip()
    assert "<img" not in long.toolTip()
    assert long.accessibleName() == HOSTILE * 20


def test_a_paragraph_is_as_high_as_its_lines(qtbot):
    text = Paragraph("one\ntwo\nthree", "body", "text")
    qtbot.addWidget(text)
    assert text.heightForWidth(400) == 60
    assert text.heightForWidth(400) < Paragraph("word " * 200, "body", "text").heightForWidth(400)


def test_a_button_that_cannot_be_pressed_says_why(qtbot):
    button = Button("Train", "primary")
    qtbot.addWidget(button)
    button.set_possible(False, "Import queries first")
    assert not button.isEnabled()
    assert button.shown_text() == "Import queries first"
    assert button.accessibleDescription() == "Import queries first"
    button.set_possible(True)
    assert button.shown_text() == "Train"


def test_enter_and_space_press_a_button(qtbot, window):
    button = Button("Go")
    shown(qtbot, window, button)
    button.setFocus()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Space):
        with qtbot.waitSignal(button.clicked):
            qtbot.keyClick(button, key)


def test_a_bound_key_presses_its_button(qtbot, window):
    button = Button("Negative", keys="N", bind=True)
    shown(qtbot, window, button)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    with qtbot.waitSignal(button.clicked):
        qtbot.keyClick(window, Qt.Key.Key_N)


def test_an_icon_button_is_named_by_its_tooltip(qtbot):
    button = IconButton("undo", "Undo")
    qtbot.addWidget(button)
    assert button.accessibleName() == "Undo"


def test_arrow_keys_move_the_choice(qtbot, window):
    choice = SegmentedControl(["All", "Ready", "Look"])
    shown(qtbot, window, choice)
    with qtbot.waitSignal(choice.changed) as changed:
        qtbot.keyClick(choice, Qt.Key.Key_Right)
    assert changed.args == [1]
    assert choice.accessibleDescription() == "Ready"


def test_new_words_keep_the_choice(qtbot):
    choice = SegmentedControl(["All 3", "Ready 2"], 1)
    qtbot.addWidget(choice)
    choice.set_choices(["All 5", "Ready 4"])
    assert choice.current() == 1


def test_setting_a_choice_by_hand_is_silent(qtbot):
    choice = SegmentedControl(["a", "b"])
    qtbot.addWidget(choice)
    with qtbot.assertNotEmitted(choice.changed):
        choice.set_current(1)


def test_a_slider_snaps_to_its_steps_and_moves_by_keys(qtbot, window):
    slider = RangeSlider(0, 1, 0.05, handles=1)
    shown(qtbot, window, slider)
    slider.set_values(0, 0.52)
    assert slider.values()[1] == 0.5
    with qtbot.waitSignal(slider.changed) as changed:
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert changed.args[1] == pytest.approx(0.55)


def test_two_handles_never_pass_each_other(qtbot, window):
    slider = RangeSlider(0, 100)
    shown(qtbot, window, slider)
    slider.set_values(40, 50)
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(int(slider._x(41)), 10))
    qtbot.mouseMove(slider, QPoint(int(slider._x(90)), 10))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(int(slider._x(90)), 10))
    low, high = slider.values()
    assert low <= high == 50


def test_of_two_handles_that_stand_together_an_arrow_moves_the_one_that_has_room(qtbot):
    slider = RangeSlider(0, 100)
    qtbot.addWidget(slider)
    slider.set_values(100, 100)
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    assert slider.values() == (99, 100)
    slider.set_values(0, 0)
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert slider.values() == (0, 1)


def test_a_labelled_slider_says_its_value_in_words(qtbot):
    slider = LabelledSlider("Size", 32, 512, 256, words="{:.0f} tokens".format)
    qtbot.addWidget(slider)
    assert slider._shown.text() == "256 tokens"
    slider.set_value(300)
    assert slider._shown.text() == "300 tokens"


def test_the_filter_settles_after_the_last_letter(qtbot, window):
    box = FilterBox("Filter", keys="Ctrl+F")
    shown(qtbot, window, box)
    heard = []
    box.settled.connect(heard.append)
    with qtbot.waitSignal(box.settled):
        qtbot.keyClicks(box, "abc")
    assert heard == ["abc"]


def test_a_choice_stays_where_its_value_is_still_there(qtbot):
    box = ChoiceBox([("A", 1), ("B", 2)])
    qtbot.addWidget(box)
    box.set_value(2)
    box.set_choices([("C", 3), ("B!", 2)])
    assert box.value() == 2


def test_a_changed_setting_has_a_dot_and_a_way_back(qtbot, window):
    setting = SettingRow("Seed", "The same seed gives the same run", ChoiceBox([("7", 7)]))
    shown(qtbot, window, setting)
    setting.set_changed(True)
    assert setting._label.text().endswith("•")
    with qtbot.waitSignal(setting.reset):
        setting._reset.click()


def test_an_error_says_what_where_and_what_was_kept(qtbot, window):
    panel = ErrorPanel()
    shown(qtbot, window, panel)
    panel.show_error("Training stopped", "At step 61.", kept="Kept: step 56", details="Traceback")
    assert panel.isVisible()
    assert panel.accessibleName() == "Training stopped At step 61. Kept: step 56"
    panel._details_button.click()
    assert panel._details.isVisible()
    with qtbot.waitSignal(panel.dismissed):
        panel._close.click()
    assert not panel.isVisible()


def test_errors_follow_each_other_with_their_own_buttons(qtbot, window):
    panel = ErrorPanel()
    shown(qtbot, window, panel)
    panel.show_error("One", actions=[Button("Again")])
    panel.show_error("Two", details="more")
    assert panel._copy.isVisible()


def test_a_toast_undoes_what_it_tells(qtbot, window):
    toast = Toast(window)
    with qtbot.waitExposed(window):
        window.show()
    undone = []
    toast.show_message("Marked", "Undo", lambda: undone.append(True))
    assert toast.isVisible()
    toast._action.click()
    assert undone == [True]
    assert not toast.isVisible()


def test_the_focus_ring_follows_the_keyboard_only(qtbot, window):
    first, second = Button("One"), Button("Two")
    ring = FocusRing(window)
    shown(qtbot, window, first, second)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    top = window.windowHandle()
    qtbot.mouseClick(top, Qt.MouseButton.LeftButton, pos=first.mapTo(window, first.rect().center()))
    first.setFocus()
    assert not ring.isVisible()
    qtbot.keyClick(top, Qt.Key.Key_Tab)
    qtbot.waitUntil(ring.isVisible)
    assert ring.geometry().contains(second.geometry())
    first.setFixedHeight(120)
    qtbot.waitUntil(lambda: ring.geometry().contains(second.geometry()))
    qtbot.mouseClick(top, Qt.MouseButton.LeftButton, pos=first.mapTo(window, first.rect().center()))
    assert not ring.isVisible()


def test_the_focus_ring_follows_keys_that_come_to_a_dialog_and_lets_closed_ones_go(qtbot, window):
    button = Button("One")
    ring = FocusRing(window)
    shown(qtbot, window, button)
    dialog = QDialog(window)
    dialog.setLayout(QVBoxLayout())
    dialog.layout().addWidget(Button("In it"))
    dialog.open()
    qtbot.waitUntil(dialog.isActiveWindow)
    qtbot.keyClick(dialog.windowHandle(), Qt.Key.Key_Escape)
    shiboken6.delete(dialog)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    button.setFocus()
    qtbot.waitUntil(ring.isVisible)
    assert ring.geometry().contains(button.geometry())


def test_a_drawer_keeps_its_head_when_folded(qtbot, window):
    drawer = Drawer("sliders", "Passages", "how documents are cut")
    shown(qtbot, window, drawer)
    with qtbot.waitSignal(drawer.toggled) as toggled:
        drawer._fold.click()
    assert toggled.args == [False]
    assert not drawer.content.isVisible()
    assert drawer.title.isVisible()


def test_the_axis_of_an_interval_always_shows_zero():
    low, high, step = _axis([0.068, 0.134])
    assert low <= 0 <= high
    assert step > 0
    low, high, _ = _axis([-0.3, -0.1])
    assert low <= -0.3
    assert high >= 0


@pytest.mark.parametrize(("low", "high", "token"), [(0.01, 0.2, "good"), (-0.2, -0.01, "bad"), (-0.1, 0.1, "text2")])
def test_an_interval_is_green_only_above_zero(low, high, token):
    assert Interval(0.0, low, high).token == token


def test_every_painted_widget_can_be_drawn_in_both_looks(qtbot, qapp, window):
    parts = [
        IntervalBar([Interval(0.1, 0.05, 0.15, "BM25")], name_width=40, figures=True),
        Meter(0.5),
        Chip("WIN", "good"),
        StateMark("running"),
        Link("Open"),
        InfoRow("Rank", "3"),
        EmptyState("query", "Title", "Sentence", Button("Do", "primary")),
        Card("Title", "fact"),
    ]
    shown(qtbot, window, *parts)
    for choice in ("light", "dark"):
        theme.choose(qapp, choice)
        assert not window.grab().isNull()


def test_a_line_flags_where_it_crosses_what_is_to_beat(qtbot):
    chart = LineChart()
    qtbot.addWidget(chart)
    chart.set_limits([("bm25", "BM25", 0.5), ("base", "Base", 0.9)])
    chart.set_line([(0, 0.4), (10, 0.6)])
    assert chart.crossings() == [("BM25", pytest.approx(5.0), 0.5)]


def test_a_histogram_tells_where_its_line_is_put(qtbot):
    chart = Histogram(log=True)
    qtbot.addWidget(chart)
    chart.set_bars([0.7, 0.8, 0.9, 1.0], [100, 10, 1])
    chart.set_threshold(0.92)
    with qtbot.waitSignal(chart.threshold_moved) as moved:
        chart._line.setValue(0.85)
        chart._line.sigDragged.emit(chart._line)
    assert moved.args == [pytest.approx(0.85)]


def test_charts_without_points_are_empty_not_broken(qtbot):
    for chart in (LineChart(), Histogram()):
        qtbot.addWidget(chart)
        chart.resize(300, 200)
        assert not chart.grab().isNull()


@pytest.mark.parametrize(("raw", "step"), [(0.03, 0.05), (0.011, 0.02), (1, 1), (33.5, 50), (7, 10)])
def test_ticks_stand_at_round_numbers(raw, step):
    assert nice_step(raw) == pytest.approx(step)


def test_a_table_draws_chips_marks_tags_and_figures(qtbot):
    table = TableView("Documents")
    qtbot.addWidget(table)
    model = QStandardItemModel(0, 3)
    name, figure, state = QStandardItem("bisect"), QStandardItem("6"), QStandardItem("stale")
    name.setData(True, Role.MONO)
    name.setData("done", Role.MARK)
    figure.setTextAlignment(Qt.AlignmentFlag.AlignRight)
    state.setData("warn", Role.CHIP)
    model.appendRow([name, figure, state])
    table.setModel(model)
    table.set_widths(0, 80, 112)
    table.resize(500, 200)
    table.selectRow(0)
    assert table.rowHeight(0) == theme.ROW
    assert not table.grab().isNull()
