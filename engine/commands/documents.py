"""Commands that bring documents and labelled sets in."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from dataclasses import asdict
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.common import Add, Values, absolute, edit, given, job
from engine.errors import Cancelled, UserError
from engine.formats import LABELLED, ROLES
from engine.params import ImportParams, params_from_dict, params_to_dict
from engine.records import bare_reason
from engine.terminal import TerminalTask, plain, say, show_import, show_problems, table

if TYPE_CHECKING:
    from engine.store.arrivals import ImportRow

_THOROUGH = "look into files whose size and times say that they did not change"
_LARGER = "let each file take four times the time, memory and size"


def add_commands(add: Add) -> None:
    """Register them."""
    take = add(
        "import",
        "read documents or labelled sets into the project",
        _import,
        example="import faq ~/manuals pairs.jsonl",
        show=_show,
    )
    take.add_argument("paths", metavar="PATH", nargs="+", help="files and folders")
    take.add_argument(
        "--as", dest="kind", choices=["documents", "labelled"], help="what they are (found out if not given)"
    )
    take.add_argument("--format", metavar="NAME", help=f"auto, {', '.join(LABELLED)}")
    take.add_argument("--split", choices=["train", "dev", "test"], help="the split these queries belong to")
    take.add_argument(
        "--map", metavar="ROLE=COLUMN,...", help=f"what the columns of a table are for; roles: {', '.join(ROLES[:-1])}"
    )
    take.add_argument("--existing", choices=["merge", "skip"], help="queries that are there already (merge)")
    take.add_argument("--thorough", action="store_true", help=_THOROUGH)
    take.add_argument("--on-cancel", choices=["keep", "undo"], help="what came before a cancel: stays, or goes (keep)")
    take.add_argument("--larger", action="store_true", help=_LARGER)
    _add_passwords(take)
    again = add(
        "reimport",
        "read again what was imported or is watched; only what changed is taken anew",
        _reimport,
        example="reimport faq --remove-vanished",
        show=_show_again,
    )
    again.add_argument("paths", metavar="PATH", nargs="*", help="only these places (all)")
    again.add_argument("--remove-vanished", action="store_true", help="take out documents whose file is gone")
    again.add_argument("--thorough", action="store_true", help=_THOROUGH)
    _add_passwords(again)
    _add_problem_commands(add)
    watch = add(
        "watch",
        "remember a folder that each reimport reads",
        _watch,
        example="watch faq ~/manuals",
        show=_show_watched,
    )
    watch.add_argument("folder", metavar="FOLDER", nargs="?", help="the folder (or file) to watch")
    watch.add_argument("--list", action="store_true", help="say which places are watched (also without FOLDER)")
    watch.add_argument("--remove", metavar="FOLDER", help="watch it no more; what came from it stays")
    undo = add(
        "undo-import",
        "take back what an import brought",
        edit("undo_import", _undo_values),
        example="undo-import faq 3",
        show=_show_undone,
    )
    undo.add_argument(
        "import_id", metavar="ID", type=int, nargs="?", help="as listed by: imports list (the newest one if not given)"
    )
    add(
        "imports list",
        "list every import: what it brought, what it could not take, whether it was taken back",
        _list_imports,
        example="imports list faq",
        show=_show_imports,
    )
    take.add_argument("--preview", action="store_true", help="say what would come, and store nothing")


def _add_passwords(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password",
        metavar="FILE=WORD",
        action="append",
        help="the password of a file, or of all files in a folder or archive; never stored. Others on this computer "
        "may see a command's words: --ask-password is safer",
    )
    parser.add_argument(
        "--ask-password",
        action="store_true",
        help="ask for the password of each file that needs one; without a terminal, read FILE=WORD lines from stdin",
    )


def _add_problem_commands(add: Add) -> None:
    listed = add(
        "problems list",
        "list what imports could not take and is still open",
        _list_problems,
        example="problems list faq",
        show=_show_problems,
    )
    listed.add_argument("--all", action="store_true", help="also those that are ignored")
    ignore = add(
        "problems ignore",
        "leave problems as they are; they are counted no more",
        _ignore,
        example="problems ignore faq 12 13",
    )
    ignore.add_argument("ids", metavar="ID", type=int, nargs="+", help="as listed by: problems list")
    ignore.add_argument("--undo", action="store_true", help="count them again")
    retry = add(
        "problems retry",
        "read files again that were not taken",
        _retry,
        example="problems retry faq --larger",
        show=_show_retry,
    )
    retry.add_argument("--file", metavar="PATH", action="append", help="only this file or folder (all with a problem)")
    retry.add_argument("--larger", action="store_true", help=_LARGER)
    _add_passwords(retry)


def _undo_values(options: argparse.Namespace) -> Values:
    return {"import_id": options.import_id or 0}


def _import(options: argparse.Namespace, task: TerminalTask) -> Values:
    if options.preview:
        return _preview(options)
    values = {**_import_values(options), **_passwords(options)}
    try:
        summary = _ask_and_retry(options, task, _read("import", values, options, task))
    except Cancelled:
        if options.on_cancel != "undo":
            raise
        task.end_line()
        say("Cancelled; what this import had brought was taken back.")
        raise SystemExit(130) from None
    problems = summary["problems"]
    taken = summary["new"] or summary["updated"] or summary["unchanged"]
    if problems and not taken and not any(problem["code"] == "existing" for problem in problems):
        more = f"; {len(problems) - 1:,} more: searchsmith problems list" if len(problems) > 1 else ""
        reason = bare_reason(problems[0]["file"], problems[0]["reason"])
        raise UserError(f"Nothing was imported. {plain(problems[0]['file'])}: {plain(reason)}{more}")
    return summary


def _import_values(options: argparse.Namespace) -> Values:
    paths = [absolute(path) for path in options.paths]
    values = {"paths": paths, **given(options, "kind", "format", "split", "existing", "on_cancel")}
    values.update({"thorough": options.thorough, "limits": "large" if options.larger else "normal"})
    return {**values, "mapping": _mapping(options.map)} if options.map else values


def _reimport(options: argparse.Namespace, task: TerminalTask) -> Values:
    values = {
        "remove_vanished": options.remove_vanished,
        "thorough": options.thorough,
        "paths": [absolute(path) for path in options.paths],
        **_passwords(options),
    }
    return _ask_and_retry(options, task, _read("reimport", values, options, task))


def _retry(options: argparse.Namespace, task: TerminalTask) -> Values:
    values = {
        "files": [absolute(path) for path in options.file or []],
        "larger": options.larger,
        **_passwords(options),
    }
    return _ask_and_retry(options, task, _read("retry", values, options, task))


def _read(kind: str, values: Values, options: argparse.Namespace, task: TerminalTask) -> Values:
    """Do a job that reads files; where the system has the key for it (Ctrl+\\), it goes on without the current one."""
    if not hasattr(signal, "SIGQUIT"):
        return job(kind, lambda _: values)(options, task)
    before = signal.signal(signal.SIGQUIT, lambda *_: task.skip())
    try:
        return job(kind, lambda _: values)(options, task)
    finally:
        signal.signal(signal.SIGQUIT, before)


def _passwords(options: argparse.Namespace) -> Values:
    """Passwords by absolute path, from the options and, where no person can be asked, from stdin."""
    pairs = list(options.password or [])
    if options.ask_password and not sys.stdin.isatty():
        pairs += [line.rstrip("\r\n") for line in sys.stdin if line.strip()]
    words = dict(_password(pair) for pair in pairs)
    return {"passwords": words} if words else {}


def _password(pair: str) -> tuple[str, str]:
    """The absolute path and the word of FILE=WORD; both may hold equals signs, so that what is there decides."""
    cuts = [place for place, letter in enumerate(pair) if letter == "="]
    there = [place for place in cuts if Path(absolute(pair[:place])).exists()]
    place = next(iter([*there, *cuts]), 0)
    if not place or place + 1 == len(pair):
        raise UserError("A password is given as FILE=WORD.", hint="For example: --password report.pdf=secret")
    return absolute(pair[:place]), pair[place + 1 :]


def _ask_and_retry(options: argparse.Namespace, task: TerminalTask, summary: Values) -> Values:
    """With --ask-password, ask for each file that needs one and read those again; Enter leaves a file."""
    if not options.ask_password or not sys.stdin.isatty():
        return summary
    locked = [problem for problem in summary["problems"] if problem["code"] in ("password", "wrong_password")]
    words = {}
    task.end_line()
    for problem in locked:
        wrong = "not the right one; " if problem["code"] == "wrong_password" else ""
        word = getpass(f"Password of {plain(problem['file'])} ({wrong}Enter leaves it): ", stream=sys.stderr)
        if word:
            words[problem["path"]] = word
    if not words:
        return summary
    values = {"files": list(words), "passwords": words, "larger": options.larger if "larger" in options else False}
    found = _read("retry", values, options, task)
    return _ask_and_retry(options, task, _together(summary, found, set(words)))


def _together(first: Values, then: Values, paths: set[str]) -> Values:
    """A summary after some of its files were read again."""
    left = [problem for problem in first["problems"] if problem["path"] not in paths]
    counted: Values = {
        name: first[name] + then.get(name, 0)
        for name in ("documents", "passages", "new", "updated", "unchanged")
        if name in first
    }
    skipped = first["skipped"] - len(paths) + then["skipped"]
    return {**first, **counted, "skipped": skipped, "problems": [*left, *then["problems"]]}


def _list_imports(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.store.arrivals import import_rows
    from engine.store.project import Project

    with Project.open(Path(options.project), readonly=True) as project:
        rows = import_rows(project, limit=-1)
    return {
        "imports": [
            {
                "id": row.report.id,
                "created_at": row.report.created_at,
                "paths": list(row.report.paths),
                "format": row.report.format,
                **asdict(row.report.counts),
                "state": _import_state(row),
                "problems": row.problems,
                "open_problems": row.open,
            }
            for row in rows
        ]
    }


def _import_state(row: ImportRow) -> str:
    if row.undone:
        return "taken back"
    return "broken off" if not row.ended else "stopped" if row.report.format == "cancelled" else "done"


def _show_imports(summary: Values) -> None:
    counters = ("new", "updated", "unchanged", "skipped")
    rows = [["ID", "When (UTC)", *counters, "State", "From"]]
    for row in summary["imports"]:
        counts = [f"{row[name]:,}" for name in counters]
        when = row["created_at"].replace("T", " ").rstrip("Z")
        rows.append([str(row["id"]), when, *counts, row["state"], plain(", ".join(row["paths"]))])
    print(table(rows, right=[0, 2, 3, 4, 5]) if len(rows) > 1 else "Nothing was imported yet.")


def _show_undone(summary: Values) -> None:
    names = ("documents", "passages", "queries", "qrels", "negatives", "rankings")
    gone = ", ".join(f"{summary[name]:,} {name}" for name in names if summary[name])
    print(f"Import {summary['import_id']} is taken back: {gone or 'nothing of it was left'}.")
    for what in ("documents", "queries"):
        if summary[f"kept_{what}"]:
            print(
                f"  {summary[f'kept_{what}']:,} {what} stay, because they were judged, pinned or brought again since."
            )
    if summary["changed_documents"]:
        print(f"  {summary['changed_documents']:,} documents that it read anew stay as they are now.")


def _list_problems(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.store.imports import open_problems
    from engine.store.project import Project

    with Project.open(Path(options.project), readonly=True) as project:
        return {"problems": [asdict(problem) for problem in open_problems(project, ignored=options.all)]}


def _show_problems(summary: Values) -> None:
    for problem in summary["problems"]:
        line = f", line {problem['line']}" if problem["line"] else ""
        mark = " (ignored)" if problem["state"] == "ignored" else ""
        reason = bare_reason(problem["file"], problem["reason"])
        print(f"{problem['id']:>6}  {plain(problem['file'])}{line}{mark}: {plain(reason)}")
    count = sum(problem["state"] == "open" for problem in summary["problems"])
    print(f"{count:,} open." if count else "No open problems.")


def _ignore(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.store.imports import open_problems
    from engine.store.project import Project

    with Project.open(Path(options.project), readonly=True) as project:
        known = {problem.id for problem in open_problems(project, ignored=True)}
    if unknown := [number for number in options.ids if number not in known]:
        raise UserError(f"There is no open problem {unknown[0]}.", hint="searchsmith problems list PROJECT names them.")
    kind = "unignore_problem" if options.undo else "ignore_problem"
    return edit(kind, lambda o: {"problem_ids": o.ids})(options, task)


def _watch(options: argparse.Namespace, task: TerminalTask) -> Values:
    from engine.store.places import watched
    from engine.store.project import Project

    if options.remove:
        edit("unwatch", lambda o: {"path": absolute(o.remove)})(options, task)
    if options.folder:
        edit("watch", lambda o: {"path": absolute(o.folder)})(options, task)
    with Project.open(Path(options.project), readonly=True) as project:
        return {"watched": [{"path": place.path, "read_at": place.read_at} for place in watched(project)]}


def _show_watched(summary: Values) -> None:
    for place in summary["watched"]:
        print(f"{plain(place['path'])}  ({'last read ' + place['read_at'] if place['read_at'] else 'not read yet'})")
    print("Read them with: searchsmith reimport PROJECT" if summary["watched"] else "No folder is watched.")


def _show_again(summary: Values) -> None:
    print(", ".join(f"{summary[name]:,} {name}" for name in ("new", "updated", "unchanged", "skipped")))
    show_problems(summary["problems"])
    for path in summary["missing"]:
        print(f"  not there now, so nothing of it was removed: {plain(path)}")
    verb = "removed" if summary["removed"] else "vanished; --remove-vanished takes it out of the project"
    for path in summary["vanished"]:
        print(f"  {verb}: {plain(path)}")


def _show_retry(summary: Values) -> None:
    print(f"{summary['files']:,} files read again; each might take {summary['limits']}.")
    print(", ".join(f"{summary[name]:,} {name}" for name in ("new", "updated", "unchanged", "skipped")))
    show_problems(summary["problems"])
    for path in summary["gone"]:
        print(f"  not there any more: {plain(path)}")


def _mapping(text: str) -> dict[str, str]:
    """ROLE=COLUMN pairs as roles by column; a role may stand several times."""
    mapping = {}
    for pair in text.split(","):
        role, equals, column = pair.partition("=")
        if not equals or not column.strip():
            raise UserError(f"'{pair}' gives no column a role.", hint="For example: --map query=q_text,positive=answer")
        if role.strip() not in ROLES:
            raise UserError(f"There is no role '{role.strip()}'.", hint=f"Roles: {', '.join(ROLES[:-1])}.")
        mapping[column.strip()] = role.strip()
    return mapping


def _preview(options: argparse.Namespace) -> Values:
    from engine.ingest.preview import preview
    from engine.store.project import Project

    params = params_from_dict(ImportParams, _import_values(options))
    with Project.open(Path(options.project), readonly=True) as project:
        return params_to_dict(preview(project, params))


def _offer(file: Values) -> str:
    """How a table that is read as documents could be read as queries with answers, where its columns look so."""
    roles = file["table"]["roles"] if file["kind"] == "documents" and file["table"] else {}
    known = {role: column for column, role in roles.items() if role != "ignore"}
    if "query" not in known or not known.keys() & {"positive", "passage_id"}:
        return ""
    pairs = ",".join(f"{role}={column}" for column, role in roles.items() if role != "ignore")
    return f"its rows look like questions with answers; to read them so: --map {shlex.quote(plain(pairs))}"


def _show(summary: Values) -> None:
    if "kinds" not in summary:
        show_import(summary)
        for path in summary["vanished"]:
            print(f"  vanished; reimport --remove-vanished takes it out of the project: {plain(path)}")
        return
    for kind in summary["kinds"]:
        what = LABELLED.get(kind["format"], kind["format"] or "file")
        print(f"{kind['files']:,} {'left out' if kind['kind'] == 'skipped' else kind['kind']}: {plain(what)}")
    for file in summary["files"]:
        if file["kind"] != "documents":
            print(f"  {plain(file['shown'])}: {LABELLED.get(file['format'], 'not taken')}: {plain(file['reason'])}")
        if sentence := summary["sentences"].get(file["path"]):
            print(f"    {plain(sentence)}")
        elif offer := _offer(file):
            print(f"  {plain(file['shown'])}: {offer}")
    if not summary["complete"]:
        print("There are too many files to look into each; documents are counted by their names.")
