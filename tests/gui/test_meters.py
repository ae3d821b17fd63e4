"""What the window says of the machine's memory, with a stand-in for the driver's tool."""

from __future__ import annotations

import sys

import pytest

from gui.jobs.meters import MachineMeters
from gui.pages.home.check import SelfCheck
from gui.settings import SettingsStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Answers as nvidia-smi does, which counts in MiB; called with what it is to answer."""

    def answer(line):
        script = tmp_path / "nvidia-smi"
        script.write_text(f"#!/bin/sh\necho '{line}'\n", encoding="utf-8")
        script.chmod(0o755)
        monkeypatch.setattr("shutil.which", lambda _name: str(script))

    return answer


def test_the_cards_memory_is_told_in_the_same_gigabytes_as_the_computers(qtbot, tool):
    tool("12, 12288, 24576")
    meters = MachineMeters()
    qtbot.addWidget(meters)
    meters.show()
    qtbot.waitUntil(lambda: bool(meters._gpu_memory.text()), timeout=10_000)
    assert meters._gpu_memory.text() == "12.9 / 25.8 GB"


def test_the_self_check_tells_the_cards_free_memory_in_the_same_gigabytes(qtbot, tool, tmp_path):
    tool("NVIDIA A10, 12288, 24576")
    check = SelfCheck(SettingsStore(tmp_path / "settings.json"))
    qtbot.addWidget(check)
    qtbot.waitUntil(lambda: check._gpu is not None, timeout=10_000)
    assert check._gpu.detail == "12.9 GB of 25.8 GB free"
