"""Commands that bring documents and labelled sets in."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.commands.common import Add, Values, absolute, edit, given, job
from engine.errors import UserError
from engine.formats import LABELLED, ROLES
from engine.params import ImportParams, params_from_dict, params_to_dict
from engine.terminal import TerminalTask, plain, show_import


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
    again = add(
        "reimport",
        "read again what was imported; only what changed is taken anew",
        job("reimport", lambda o: {"remove_vanished": o.remove_vanished}),
        example="reimport faq --remove-vanished",
    )
    again.add_argument("--remove-vanished", action="store_true", help="take out documents whose file is gone")
    undo = add(
        "undo-import", "take back what an import brought", edit("undo_import", _undo_values), example="undo-import faq"
    )
    undo.add_argument("import_id", metavar="ID", type=int, nargs="?", help="the newest one if not given")
    take.add_argument("--preview", action="store_true", help="say what would come, and store nothing")


def _undo_values(options: argparse.Namespace) -> Values:
    return {"import_id": options.import_id or 0}


def _import(options: argparse.Namespace, task: TerminalTask) -> Values:
    if options.preview:
        return _preview(options)
    summary = job("import", _import_values)(options, task)
    problems = summary["problems"]
    if problems and not (summary["new"] or summary["updated"] or summary["unchanged"]):
        more = f" and {len(problems) - 1:,} more like it" if len(problems) > 1 else ""
        raise UserError(f"Nothing was imported. {plain(problems[0]['file'])}: {plain(problems[0]['reason'])}{more}")
    return summary


def _import_values(options: argparse.Namespace) -> Values:
    paths = [absolute(path) for path in options.paths]
    values = {"paths": paths, **given(options, "kind", "format", "split", "existing")}
    return {**values, "mapping": _mapping(options.map)} if options.map else values


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


def _show(summary: Values) -> None:
    if "kinds" not in summary:
        show_import(summary)
        return
    for kind in summary["kinds"]:
        what = LABELLED.get(kind["format"], kind["format"] or "file")
        print(f"{kind['files']:,} {'left out' if kind['kind'] == 'skipped' else kind['kind']}: {plain(what)}")
    for file in summary["files"]:
        if file["kind"] != "documents":
            print(f"  {plain(file['shown'])}: {LABELLED.get(file['format'], 'not taken')}: {plain(file['reason'])}")
        if sentence := summary["sentences"].get(file["path"]):
            print(f"    {plain(sentence)}")
    if not summary["complete"]:
        print("There are too many files to look into each; documents are counted by their names.")
