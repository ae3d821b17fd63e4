"""Our reading of PDF files beside pypdf's, on the same files in one run.

    python benchmarks/pdf_speed.py FOLDER [FOLDER ...]

Reads every PDF in the folders with pypdf in this process, with our reader in this process, and with our reader in its
child process as an import does, each once; processor time and seconds of those that both can read, passwords left out.
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.ingest.foreign import Reader
from engine.ingest.readers.pdf import read_pdf
from engine.task import Task


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    paths = sorted(path for folder in parser.parse_args().folders for path in folder.rglob("*.pdf"))
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    import pypdf
    import pypdfium2  # noqa: F401  both are loaded before the clock starts

    def with_pypdf(path: Path) -> int:
        pages = pypdf.PdfReader(path).pages
        return len("".join(page.extract_text() for page in pages)) and len(pages)

    both = [path for path in paths if _reads(with_pypdf, path) and _reads(read_pdf, path)]
    pages = sum(with_pypdf(path) for path in both)
    print(f"{len(both)} files, {pages} pages\n\n| reader | processor time | seconds | pages a second | times pypdf |")
    print("|---|---|---|---|---|")
    base = _measure("pypdf", with_pypdf, both, pages, 0.0)
    _measure("ours, in process", read_pdf, both, pages, base)
    began, before = time.monotonic(), _work()
    with Reader(Task()) as reader:
        for path in both:
            reader.read(path, "pdf")
    _print("ours, in its child, its start included", _work() - before, time.monotonic() - began, pages, base)
    return 0


def _reads(read: Callable[[Path], object], path: Path) -> bool:
    try:
        return bool(read(path))
    except Exception:  # pypdf raises many kinds of its own
        return False


def _measure(name: str, read: Callable[[Path], object], paths: list[Path], pages: int, base: float) -> float:
    began, before = time.monotonic(), _work()
    for path in paths:
        read(path)
    work = _work() - before
    _print(name, work, time.monotonic() - began, pages, base or work)
    return work


def _print(name: str, work: float, seconds: float, pages: int, base: float) -> None:
    print(f"| {name} | {work:.2f} s | {seconds:.1f} s | {pages / work:,.0f} | {base / work:.1f} |", flush=True)


def _work() -> float:
    """Processor time of this process and of its children that ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


if __name__ == "__main__":
    sys.exit(main())
