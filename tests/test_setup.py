"""The set-up decides by what the computer is; here computers are made up."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PACKAGING = Path(__file__).resolve().parents[1] / "packaging"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"searchsmith_{name}", PACKAGING / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def system(monkeypatch):
    """The module of a Linux computer that has everything, without root and without a display."""
    module = load("system")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(module, "_loads", lambda _: True)
    monkeypatch.setattr(module, "_has_fonts", lambda: True)
    monkeypatch.setattr(module, "_missing_for_build", dict)
    monkeypatch.setattr(module, "_has_display", lambda: False)
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(module.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "apt-get" else None)
    return module


@pytest.fixture
def setup(monkeypatch):
    monkeypatch.setitem(sys.modules, "system", load("system"))
    return load("setup")


def test_linux_without_gpu_asks_for_the_cpu_build_before_the_one_with_cuda(system):
    requirements = [requirement for requirement, _ in system.torch_build("").attempts]
    assert requirements == ["torch==2.13.0+cpu", "torch==2.13.0+cpu", "torch==2.13.0"]


def test_own_mirror_is_asked_before_pytorchs_index(system):
    options = [options for _, options in system.torch_build("").attempts]
    assert options[0] == []
    assert system.CPU_INDEX in options[1]


def test_linux_with_gpu_takes_the_build_with_cuda_and_names_the_gpu(system):
    build = system.torch_build("NVIDIA RTX 4070")
    assert build.attempts == [("torch==2.13.0", [])]
    assert "NVIDIA RTX 4070" in build.reason


def test_mac_takes_the_plain_build(system, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert system.torch_build("").attempts == [("torch==2.13.0", [])]


def test_complete_computer_passes(system):
    assert system.check_system() == ["all there"]


def test_missing_compiler_is_said_in_one_line_to_copy(system, monkeypatch):
    monkeypatch.setattr(system, "_missing_for_build", lambda: {"a C++ compiler": "build-essential"})
    with pytest.raises(system.SetupError, match=r"sudo apt-get install -y build-essential\n"):
        system.check_system()


def test_missing_window_library_stops_where_there_is_a_display(system, monkeypatch):
    monkeypatch.setattr(system, "_loads", lambda name: name != "libxcb-cursor.so.0")
    monkeypatch.setattr(system, "_has_display", lambda: True)
    with pytest.raises(system.SetupError, match="sudo apt-get install -y libxcb-cursor0"):
        system.check_system()


def test_missing_window_library_is_only_noted_without_a_display(system, monkeypatch):
    monkeypatch.setattr(system, "_loads", lambda name: name != "libxcb-cursor.so.0")
    (note,) = system.check_system()
    assert "libxcb-cursor0" in note


def test_root_on_debian_installs_what_is_missing(system, monkeypatch):
    asked = []

    def run(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(system, "_loads", lambda name: name != "libEGL.so.1")
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    monkeypatch.setattr(system.subprocess, "run", run)
    assert system.check_system() == ["installed"]
    assert asked[0][-2:] == ["install", "libegl1"]


def test_failing_apt_is_reported_with_its_reason(system, monkeypatch):
    monkeypatch.setattr(system, "_loads", lambda name: name != "libEGL.so.1")
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    outcome = subprocess.CompletedProcess([], 100, "", "E: Unable to locate package libegl1")
    monkeypatch.setattr(system.subprocess, "run", lambda *_, **__: outcome)
    with pytest.raises(system.SetupError, match="Unable to locate package"):
        system.check_system()


def test_every_library_of_qt_has_a_package(system):
    assert all(package for package in {**system.LIBRARIES, **system.WINDOW_LIBRARIES}.values())


def test_too_old_python_without_another_is_told_what_to_install(system, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(system.SetupError, match=r"needs Python 3\.11 to 3\.13 and this is 3\.9"):
        system.use_supported_python()


def test_environment_is_ready_until_a_pin_changes(setup, monkeypatch, tmp_path):
    pins = tmp_path / "constraints.txt"
    pins.write_text("torch==2.13.0\n", encoding="utf-8")
    monkeypatch.setattr(setup, "INPUTS", (pins,))
    monkeypatch.setattr(setup, "STAMP", tmp_path / ".ready")
    monkeypatch.setattr(setup, "PYTHON", Path(sys.executable))
    setup.STAMP.write_text(setup.fingerprint("auto"), encoding="utf-8")
    assert setup.is_ready("auto")
    assert not setup.is_ready("gpu")
    pins.write_text("torch==2.14.0\n", encoding="utf-8")
    assert not setup.is_ready("auto")


def test_failed_pip_says_why_and_where_the_log_is(setup, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(setup, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(setup, "LOG", tmp_path / "setup.log")
    with pytest.raises(setup.system.SetupError, match="no build of this version") as caught:
        setup._pip("install", "--no-index", "--find-links", str(tmp_path), "no-such-package-anywhere")
    assert str(tmp_path / "setup.log") in str(caught.value)
    assert "No matching distribution" in (tmp_path / "setup.log").read_text(encoding="utf-8")
    capsys.readouterr()


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_continuous_integration_calls_make_test():
    script = (PACKAGING.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert "make --no-print-directory test" in script
    assert os.access(PACKAGING.parent / ".ci" / "run", os.X_OK)
