"""What the set-up must know of the computer: Python, compiler, Qt's libraries, GPU, disk; standard library only."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

OLDEST, NEWEST = (3, 11), (3, 13)
TORCH = "2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CUDA_INDEX = "https://download.pytorch.org/whl/cu130"

# Shared objects that PySide6_Essentials 6.11 names as NEEDED, and the Debian packages that hold them.
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
}
WINDOW_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11-xcb.so.1": "libx11-xcb1",
}
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")


class SetupError(Exception):
    """Why the set-up cannot go on, in one sentence with the way out."""


class TorchBuild(NamedTuple):
    """What to ask pip for, in order, until one is found: (requirement, pip options)."""

    reason: str
    attempts: list[tuple[str, list[str]]]
    fallback: str = ""


def use_supported_python() -> None:
    """Go on with a Python of a supported version, another one of this computer if need be."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        words = ["py", f"-3.{minor}"] if os.name == "nt" else [f"python3.{minor}"]
        if shutil.which(words[0]) and _answers([*words, "-c", "import sys"]) is not None:
            sys.exit(subprocess.call([*words, *sys.argv]))
    have = ".".join(map(str, sys.version_info[:2]))
    raise SetupError(
        f"Searchsmith needs Python 3.11 to 3.13 and this is {have}. Install one (https://www.python.org/downloads/, "
        "or: sudo apt-get install -y python3.12 python3.12-venv python3.12-dev), then start again."
    )


def check_space(folder: Path, *, gigabytes: int) -> None:
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes and not (folder / ".venv").exists():
        raise SetupError(f"{folder} has {free:.1f} GB free and the set-up needs {gigabytes} GB. Free some space.")


def check_system() -> list[str]:
    """Find a compiler and Qt's libraries; install what is missing where we are root on Debian or Ubuntu.

    Returns notes for the person. Raises SetupError with one copyable line where something is missing.
    """
    if sys.platform == "darwin":
        return _check_mac()
    if os.name == "nt":
        return _check_windows()
    missing = _missing_for_build()
    missing.update({name: package for name, package in LIBRARIES.items() if not _loads(name)})
    window = {name: package for name, package in WINDOW_LIBRARIES.items() if not _loads(name)}
    if not _has_fonts():
        window["a font"] = "fonts-dejavu-core"
    if not missing and not window:
        return ["all there"]
    wanted = sorted({*missing.values(), *window.values()})
    if shutil.which("apt-get") and os.geteuid() == 0:
        return _apt_install(wanted, needed=bool(missing))
    line = _install_line(wanted, [*missing, *window])
    if missing or _has_display():
        raise SetupError(
            f"missing on this computer: {', '.join([*missing, *window])}. Install them with:\n\n  {line}\n"
        )
    return [f"no display here, so it goes on; a window would also need: {line}"]


def gpu_name() -> str:
    """The first NVIDIA GPU that the driver lists, "" where there is none."""
    if sys.platform == "darwin" or not shutil.which("nvidia-smi"):
        return ""
    answer = _answers(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]) or ""
    return answer.strip().splitlines()[0] if answer.strip() else ""


def torch_build(gpu: str) -> TorchBuild:
    """The build of torch for this computer. On Linux, PyPI's carries CUDA: gigabytes that a CPU has no use for."""
    plain = f"torch=={TORCH}"
    hasty = ["--timeout", "20", "--retries", "1"]
    if sys.platform == "darwin":
        return TorchBuild("the build for Macs with Apple silicon", [(plain, [])])
    if os.name == "nt" and gpu:
        return TorchBuild(
            f"the build with CUDA, about 3 GB, for the GPU ({gpu})",
            [(plain, ["--index-url", CUDA_INDEX, *hasty]), (plain, [])],
            f"{CUDA_INDEX} cannot be reached; installing the build for the processor alone.",
        )
    if os.name == "nt":
        return TorchBuild("the build for the processor (nvidia-smi finds no GPU)", [(plain, [])])
    if gpu:
        return TorchBuild(f"the build with CUDA, about 3 GB, for the GPU ({gpu})", [(plain, [])])
    local = f"{plain}+cpu"
    return TorchBuild(
        "the build for the processor, about 200 MB (nvidia-smi finds no GPU; --torch gpu takes the one with CUDA)",
        # The folders and mirrors that pip is set up with come first, then PyTorch's own index.
        [(local, []), (local, ["--index-url", CPU_INDEX, *hasty]), (plain, [])],
        f"{CPU_INDEX} cannot be reached; installing PyPI's build, which brings about 3 GB of CUDA libraries.",
    )


def _missing_for_build() -> dict[str, str]:
    """What Linux lacks to make a virtual environment and compile hnswlib, with the Debian packages."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    missing = {}
    if not any(shutil.which(name) for name in ("g++", "clang++", "c++")):
        missing["a C++ compiler"] = "build-essential"
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        missing["Python's headers"] = f"{version}-dev"
    if importlib.util.find_spec("ensurepip") is None:
        missing["Python's venv module"] = f"{version}-venv"
    return missing


def _check_mac() -> list[str]:
    if platform.machine() != "arm64" or int(platform.mac_ver()[0].split(".")[0] or 0) < 14:
        raise SetupError(f"PyTorch {TORCH} runs on Macs with Apple silicon and macOS 14 or newer only.")
    if _answers(["xcode-select", "-p"]) is None:
        raise SetupError("there is no C++ compiler. Install Apple's with:\n\n  xcode-select --install\n")
    return ["all there"]


def _check_windows() -> list[str]:
    if shutil.which("cl"):
        return ["all there"]
    places = os.environ.get("ProgramFiles(x86)", r"C:\Program Files (x86)")  # noqa: SIM112 - its real name
    finder = Path(places) / "Microsoft Visual Studio" / "Installer" / "vswhere.exe"
    tools = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
    found = _answers([str(finder), "-latest", "-products", "*", "-requires", tools, "-property", "installationPath"])
    if not found or not found.strip():
        raise SetupError(
            "there is no C++ compiler (hnswlib is compiled here). Install Microsoft's build tools with:\n\n"
            "  winget install Microsoft.VisualStudio.2022.BuildTools --override "
            '"--wait --quiet --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"\n'
        )
    return ["all there"]


def _apt_install(packages: list[str], *, needed: bool) -> list[str]:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "-qq", "--no-install-recommends", "-y", "install", *packages]
    print(f"     installing from Debian: {' '.join(packages)}", flush=True)
    reason = ""
    for attempt in (1, 2):
        if attempt == 2:
            subprocess.run(["apt-get", "-qq", "update"], env=environment, capture_output=True)
        outcome = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if outcome.returncode == 0:
            return ["installed"]
        reason = (outcome.stderr.strip().splitlines() or ["no reason given"])[-1]
    if needed or _has_display():
        raise SetupError(f"apt-get could not install {' '.join(packages)} ({reason}). Install them, then start again.")
    return [f"apt-get could not install them ({reason}); only a window on a screen needs them, so it goes on"]


def _install_line(packages: list[str], objects: list[str]) -> str:
    if shutil.which("apt-get"):
        return f"sudo apt-get install -y {' '.join(packages)}"
    if shutil.which("dnf"):
        names = " ".join(f"'{name}()(64bit)'" for name in objects if name.startswith("lib"))
        return f"sudo dnf install -y gcc-c++ python3-devel {names}"
    return f"(your system's packages that hold) {' '.join(objects)}"


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _has_fonts() -> bool:
    return any(next(Path(folder).expanduser().rglob("*.[to]t[fc]"), None) for folder in FONT_FOLDERS)


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _answers(command: list[str]) -> str | None:
    """What a program says, None where it is absent, fails or hangs."""
    try:
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return outcome.stdout if outcome.returncode == 0 else None
