"""Qt objects in reference cycles die in the window's thread, whatever other threads allocate."""

from __future__ import annotations

import gc
import threading

import pytest
from PySide6.QtCore import QObject

from gui.garbage import MANY, Collector, uncollected


class _Cycle(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.me = self
        self.destroyed.connect(lambda: None)


@pytest.fixture
def collector(qapp):
    made = Collector()
    yield made
    made.stop()
    gc.disable()  # as tests with windows are held


def test_other_threads_collect_nothing(collector):
    dead = threading.Event()

    class Told(_Cycle):
        def __del__(self) -> None:
            dead.set()

    Told()
    thread = threading.Thread(target=lambda: [[] for _ in range(200_000)])
    thread.start()
    thread.join()
    assert not dead.is_set()
    gc.collect()
    assert dead.is_set()


def test_the_windows_thread_collects_what_has_gathered(collector, qtbot):
    where: list[int] = []

    class Told(_Cycle):
        def __del__(self) -> None:
            where.append(threading.get_ident())

    Told()
    kept = [[] for _ in range(5000)]
    collector._timer.start(10)
    qtbot.waitUntil(lambda: bool(where), timeout=5000)
    assert where == [threading.get_ident()]
    assert len(kept) == 5000


def test_very_many_objects_are_put_aside_and_few_are_not(collector):
    gc.collect()
    before = gc.get_freeze_count()
    with uncollected():
        few = [[] for _ in range(100)]
    assert gc.get_freeze_count() == before
    with uncollected():
        many = [[] for _ in range(MANY + 1000)]
    assert gc.get_freeze_count() >= before + MANY
    assert not gc.isenabled()
    gc.unfreeze()
    assert len(few) + len(many) > MANY
