"""The documentation strings installed on this machine, read out of compiled modules without running any of them."""

from __future__ import annotations

import dis
import importlib
import inspect
import pkgutil
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from types import CodeType, ModuleType

# Docstrings are taken from code objects, not from source (a packaged build has none) and not by importing (imports run
# code, open windows, print, take minutes). Compiled stdlib modules of C have no code object: only those that are safe
# and quick to import are asked for their functions.
BUILTIN_MODULES = (
    *("builtins", "math", "cmath", "itertools", "time", "sys", "gc", "zlib", "binascii", "array", "marshal", "select"),
    *("unicodedata", "_struct", "_socket", "_operator", "_functools", "_collections", "_bisect", "_heapq", "_random"),
    *("_io", "_datetime", "_decimal", "_sqlite3", "_csv", "_json", "_ssl", "_hashlib", "_thread", "_signal", "_string"),
    *("posix", "nt", "resource", "mmap", "fcntl", "pwd", "grp", "termios", "syslog", "readline", "atexit", "errno"),
)
SHOWN = {
    "posix": "os",
    "nt": "os",
    "builtins": "",
    "_socket": "socket",
    "_struct": "struct",
    "_io": "io",
    "_ssl": "ssl",
}
# Compiled functions with documentation, in packages that the program imports anyway.
UFUNC_MODULES = ("numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.char", "scipy.special")
# What opens windows or browsers, is only for tests, or is no library.
LEFT_OUT = frozenset(
    {
        *("antigravity", "this", "idlelib", "tkinter", "turtle", "turtledemo", "test", "tests", "lib2to3", "ensurepip"),
        *("conftest", "testing", "pydoc_data", "__main__", "_pyrepl", "distutils", "msilib", "setup", "externals"),
        *(
            "array_api_compat",
            "array_api_extra",
            "f2py",
            "vendored",
            "compat",
            "estimator_checks",
            "testutils",
            "doccer",
        ),
    }
)
_FUNCTION_DOC_FLAG = 0x4000000  # CO_HAS_DOCSTRING since Python 3.13; before, constant 0 is the docstring or None


@dataclass(frozen=True, slots=True)
class Documented:
    """A public function, method or class with its documentation string as it was written."""

    name: str
    doc: str


def documented(packages: Sequence[str], beat: Callable[[str], None] = lambda _: None) -> list[Documented]:
    """Everything public with a docstring in `packages`, in order of name, each name once.

    Args:
        packages: top-level names; "" stands for the standard library. Those that are not installed are left out.
        beat: called with each module's name before it is read.
    """
    found: dict[str, str] = {}
    for package in packages:
        tops = sorted(sys.stdlib_module_names) if package == "" else [package]
        for top in tops:
            for spec in _specs(top):
                beat(spec.name)
                for entry in _of_module(spec):
                    found.setdefault(entry.name, entry.doc)
    for name, module in _compiled(packages).items():
        beat(name)
        for entry in _of_compiled(name, module):
            found.setdefault(entry.name, entry.doc)
    return [Documented(name, doc) for name, doc in sorted(found.items())]


def _specs(top: str) -> Iterator[ModuleSpec]:
    """The module `top` and, if it is a package, all public modules below it; nothing is imported."""
    if not _is_public(top):
        return
    spec = PathFinder.find_spec(top) or _frozen_spec(top)
    if spec is None:
        return
    yield spec
    waiting = [spec]
    while waiting:
        package = waiting.pop()
        locations = package.submodule_search_locations
        if not locations:
            continue
        for module in sorted(pkgutil.iter_modules(list(locations), f"{package.name}."), key=lambda module: module.name):
            # Packages outside the standard library keep public functions in modules such as scipy.stats._stats_py;
            # those of the standard library hold second copies (_pydatetime, _pyio).
            part = module.name.rpartition(".")[2]
            if not _is_public(part if top in sys.stdlib_module_names else part.lstrip("_")):
                continue
            below = module.module_finder.find_spec(module.name, None)
            if below is not None:
                yield below
                waiting.append(below)


def _frozen_spec(top: str) -> ModuleSpec | None:
    """Modules in the interpreter itself or in a packaged build's archive."""
    for finder in sys.meta_path:
        spec = finder.find_spec(top, None)
        if spec is not None:
            return spec
    return None


def _is_public(name: str) -> bool:
    return not name.startswith("_") and name not in LEFT_OUT and not name.startswith("test_")


def _of_module(spec: ModuleSpec) -> Iterator[Documented]:
    get_code = getattr(spec.loader, "get_code", None)
    if get_code is None:
        return
    try:
        code = get_code(spec.name)
    except (ImportError, SyntaxError, OSError, ValueError, EOFError):
        return  # templates and modules for other versions; the sample does not need each one
    if code is not None:
        # scipy.stats._stats_py.zscore is what people know as scipy.stats.zscore.
        shown = ".".join(part for part in spec.name.split(".") if not part.startswith("_"))
        yield from _of_code(code, shown)


def _of_code(code: CodeType, prefix: str) -> Iterator[Documented]:
    """Public functions and classes defined right in `code`; what is local to a function is nobody's to call."""
    for inner in code.co_consts:
        if not isinstance(inner, CodeType) or inner.co_name.startswith(("_", "<")):
            continue
        name = f"{prefix}.{inner.co_name}"
        is_function = bool(inner.co_flags & inspect.CO_NEWLOCALS)
        doc = _function_doc(inner) if is_function else _class_doc(inner)
        if doc:
            yield Documented(name, inspect.cleandoc(doc))
        if not is_function:
            yield from _of_code(inner, name)


def _function_doc(code: CodeType) -> str:
    if sys.version_info >= (3, 13) and not code.co_flags & _FUNCTION_DOC_FLAG:
        return ""
    first = code.co_consts[0] if code.co_consts else None
    return first if isinstance(first, str) else ""


def _class_doc(code: CodeType) -> str:
    """A class body stores its docstring as its first string into `__doc__`."""
    last = None
    for step, instruction in enumerate(dis.get_instructions(code)):
        if instruction.opname == "STORE_NAME" and instruction.argval == "__doc__":
            return last if isinstance(last, str) else ""
        last = instruction.argval if instruction.opname == "LOAD_CONST" else None
        if step > 40:
            return ""
    return ""


def _compiled(packages: Sequence[str]) -> dict[str, ModuleType]:
    """Modules of compiled code, all imported before any is read: scipy.special rewrites the text of numpy.sinc."""
    modules = {}
    for name in (*BUILTIN_MODULES, *UFUNC_MODULES):
        package = "" if name in BUILTIN_MODULES else name.partition(".")[0]
        if package not in packages:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                modules[name] = importlib.import_module(name)
        except ImportError:
            continue  # of another system
    return modules


def _of_compiled(module_name: str, module: ModuleType) -> Iterator[Documented]:
    shown = SHOWN.get(module_name, module_name.removeprefix("_"))
    for name in sorted(vars(module)):
        member = vars(module)[name]
        if name.startswith("_") or inspect.ismodule(member) or inspect.isfunction(member):
            continue  # functions written in Python were met with their own module
        yield from _of_member(f"{shown}.{name}" if shown else name, member)


def _of_member(name: str, member: object) -> Iterator[Documented]:
    doc = member.__doc__
    if isinstance(doc, str) and callable(member):
        yield Documented(name, inspect.cleandoc(doc))
    if inspect.isclass(member):
        for part, method in sorted(vars(member).items()):
            own = getattr(method, "__doc__", None)
            if not part.startswith("_") and callable(method) and isinstance(own, str) and not inspect.isclass(method):
                yield Documented(f"{name}.{part}", inspect.cleandoc(own))


_SIGNATURE = re.compile(r"^[\w.]+\(.*?\)(?:\s*->\s*[^\n]+)?(?=\n|$)", re.DOTALL)


def without_signature(doc: str) -> str:
    """Compiled functions begin their docstring with how they are called, which their name would give away."""
    match = _SIGNATURE.match(doc)
    return doc[match.end() :].lstrip("\n -") if match and match.end() < 600 else doc
