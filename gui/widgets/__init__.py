"""The parts pages are made of. They hold no colour and no pixel of their own: `gui.theme` has them by name.

theme: theme.color("good") QColor · hex_of · theme.font("title", "medium") · theme.events.changed · theme.is_dark()
    fonts: caption 11, dense 12, body 13, heading 15, figure/title 20, welcome 28, verdict 40, mono 12;
    measures: theme.MARGIN 24, GAP 16, PAD 16, ROW 30, HEAD 56, INSPECTOR 304, RADIUS_*
icons: icons.icon("search", "text2") QIcon that follows the theme · icons.mark("done")
    · icons.draw(painter, rect, name, token); names: the files of resources/icons (home document query negatives train
    evaluate search export folder refresh plus filter undo check copy open trash play pause stop merge shield pin ...)
words: count 3,175 · decimal 0.603 · signed +0.101 · share 2.3 % · duration 3 min 12 s · about ≈ 3 min · left 36 s left
    · size 91.4 MB · when 14:32 · plain(foreign_text) for every text that comes from the project, tip(...) for tooltips
labels: label(text, role, tone, weight=, wrap=) · ElidedLabel · Link(.clicked) · Chip(text, state) · StateMark(state)
    · Icon(name, token) · key_cap("Ctrl K") · tag("train") · set_tone(label, token)
    chip states: good (check) bad (cross) warn (diamond) accent (ring) none (dash) up down;
    mark states: none ready running done stale problem
buttons: Button(text, "primary" | "plain" | "soft" | "flat" | "danger", icon_name=, after=, size=, keys="N", bind=True)
    · set_possible(False, "Choose a model first") · IconButton(icon, tooltip) · SegmentedControl(choices).changed
inputs: FilterBox(hint, keys="Ctrl+F").settled · ChoiceBox([(words, value)]).picked · SettingRow(name, effect, field)
sliders: LabelledSlider(name, min, max, value, step=, words=fn).changed/.released · RangeSlider (two handles)
cards: Card(title, fact) with .head .body · PageHead · InfoRow(name, value) · Figure(value, caption) · EmptyState(icon,
    title, sentence, button, link) · ErrorPanel.show_error(title, where, kept=, details=, actions=) · Inspector
    · Drawer · Fact(mark, name, sentence) · IconTile · scroller(widget) · row() column() rule()
gauges: Meter(share) · IntervalBar([Interval(value, low, high, name)]) · Sparkline · StackBar · LineKey("bm25")
    · system_pen("bm25")
charts: LineChart.set_line/.set_limits/.set_faint · Histogram.set_bars/.set_threshold/.threshold_moved · ScatterChart
    (pyqtgraph is loaded with the first of them: build them in a page, never at import)
tables: TableView(accessible).set_widths(0, 80) · RowList · Role.CHIP/MARK/TONE/MONO/BOLD/SECOND/ICON/TAG/KEY in models
page: gui.pages.page.Page: head, problem, body, use_inspector(), refresh(topics), commands()
toast: the window owns one: session.say(text, undo_words, run)
focus: the window owns one ring; nothing to do
"""
