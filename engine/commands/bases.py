"""The command that makes a base model out of the project's own documents."""

from __future__ import annotations

import argparse

from engine.commands.common import Add, Values, given, job


def add_commands(add: Add) -> None:
    """Register them."""
    make = add(
        "make-base",
        "make a base model from the documents, where the present one cannot read them",
        job("make_base", _values),
        example="make-base patents",
    )
    make.add_argument("--way", choices=["static", "vocabulary"], help="own words, or the base with what it lacks")
    make.add_argument("--name", help="what the model is called")
    make.add_argument("--tokens", type=int, metavar="N", help="size of the vocabulary at most")
    make.add_argument("--dim", type=int, metavar="N", help="numbers a vector")
    make.add_argument("--keep-base", dest="use", action="store_const", const=False, help="do not make it the base")
    make.add_argument("--seed", type=int, metavar="N", help="of its random directions (13)")


def _values(options: argparse.Namespace) -> Values:
    return given(options, "way", "name", "tokens", "dim", "use", "seed")
