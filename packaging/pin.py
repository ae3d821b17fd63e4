"""Write `constraints.txt` from what is installed in `.venv`: run after a change of versions that passed every test.

.venv/bin/python packaging/pin.py
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "constraints.txt"
OWN = {"searchsmith"}
# Wanted on other systems or while a source distribution is built, so not to be found in this environment.
ELSEWHERE = """\
macholib==1.16.4 ; sys_platform == "darwin"
pefile==2024.8.26 ; sys_platform == "win32"
pywin32-ctypes==0.2.3 ; sys_platform == "win32"
pybind11==3.1.0
setuptools==84.2.1
wheel==0.48.0
"""
HEAD = "# Every version that Searchsmith is tested with, made by packaging/pin.py; for pip -c.\n"


def main() -> None:
    elsewhere = {_name(line.partition("==")[0]) for line in ELSEWHERE.splitlines()}
    pins = {}
    for package in metadata.distributions():
        name = _name(package.name)
        if name not in OWN | elsewhere:
            pins[name] = package.version.partition("+")[0]  # 2.13.0 fits 2.13.0+cpu, too
    lines = "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))
    TARGET.write_text(HEAD + lines + ELSEWHERE, encoding="utf-8")
    print(f"{TARGET}: {len(pins)} packages")


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
