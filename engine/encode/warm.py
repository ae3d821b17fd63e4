"""Encoders kept for the next question: one copy of each model in a process, the last few that were asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from engine.encode.models import open_encoder
from engine.records import Model
from engine.store.project import Project

if TYPE_CHECKING:
    from engine.encode.encoder import Encoder

MOST = 3
# What the libraries take beside the weights: a process of 42 MB stood at 647 with the bundled model, whose weights
# are 91.
_LIBRARIES = 520_000_000
_kept: OrderedDict[tuple[str, int, str], Encoder] = OrderedDict()
_lock = threading.Lock()


def warm_encoder(project: Project, model: Model) -> Encoder:
    """The model, loaded once however often it is asked for; a second thread that asks for it waits.

    Raises:
        ModelError: as `open_encoder`.
    """
    key = (str(project.path), model.id, model.weights_digest)
    with _lock:
        if key not in _kept:
            _kept[key] = open_encoder(project, model)
            while len(_kept) > MOST:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def has_room(model: Model) -> bool:
    """Whether a model may be loaded before anybody asks for it: half of the free memory stays free."""
    import psutil

    weights = 4 * int(model.params.get("parameters") or 0)
    return int(psutil.virtual_memory().available) > 2 * (weights + _LIBRARIES)
