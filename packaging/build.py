"""Build the folder to hand on, dist/searchsmith, with PyInstaller, and say how large it became and how long it took.

.venv/bin/python packaging/build.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGING = Path(__file__).resolve().parent
PORTABLE = ROOT / "build" / "portable"
TARGET = ROOT / "dist" / "searchsmith"
CONSTRAINTS = ["-c", str(ROOT / "constraints.txt"), "--build-constraint", str(ROOT / "constraints.txt")]


def main() -> int:
    started = time.monotonic()
    _pip("install", *CONSTRAINTS, "pyinstaller")
    if not PORTABLE.exists():
        print("Compiling hnswlib for any processor of this kind", flush=True)
        # Compiled as usual it uses every instruction of this processor and stops on older ones.
        _pip(
            "install", "--no-deps", "--no-cache-dir", "--target", str(PORTABLE), *CONSTRAINTS, "hnswlib", portable=True
        )
    print("Building (about ten minutes)", flush=True)
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    places = ["--distpath", str(ROOT / "dist"), "--workpath", str(ROOT / "build" / "pyinstaller")]
    subprocess.run([*command, *places, str(PACKAGING / "searchsmith.spec")], cwd=ROOT, check=True)
    if sys.platform.startswith("linux"):
        _add_desktop_files()
    size = sum(path.stat().st_size for path in TARGET.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"{TARGET}: {size / 1e6:.0f} MB after {time.monotonic() - started:.0f} s")
    return 0


def _pip(*words: str, portable: bool = False) -> None:
    environment = {**os.environ, **({"HNSWLIB_NO_NATIVE": "1"} if portable else {})}
    subprocess.run([sys.executable, "-m", "pip", *words, "--quiet"], env=environment, check=True)


def _add_desktop_files() -> None:
    """Icons and menu entry in the places below `share` where a Linux desktop looks."""
    share = TARGET / "share"
    entry = share / "applications" / "searchsmith.desktop"
    entry.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(PACKAGING / "searchsmith.desktop", entry)
    icons = ROOT / "resources" / "icons"
    for picture in (icons / "app").glob("searchsmith-*.png"):
        size = picture.stem.removeprefix("searchsmith-")
        place = share / "icons" / "hicolor" / f"{size}x{size}" / "apps"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy2(picture, place / "searchsmith.png")
    scalable = share / "icons" / "hicolor" / "scalable" / "apps"
    scalable.mkdir(parents=True, exist_ok=True)
    shutil.copy2(icons / "searchsmith.svg", scalable / "searchsmith.svg")


if __name__ == "__main__":
    sys.exit(main())
