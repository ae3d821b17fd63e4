"""Commands that tune models."""

from __future__ import annotations

import argparse

from engine.commands.common import Add, Values, given, job, settings


def add_commands(add: Add) -> None:
    """Register them."""
    train = add("train", "tune the model", job("train", _train_values), example="train faq --set learning_rate=3e-5")
    train.add_argument("--preset", choices=["quick", "balanced", "thorough"])
    train.add_argument("--base", metavar="ID|PATH", help="the model to start from: base, tuned, an id or a folder")
    train.add_argument("--set", action="append", metavar="NAME=VALUE", help="any setting; may be repeated")
    train.add_argument("--minutes", type=float, metavar="N", help="stop after so many minutes")
    train.add_argument("--resume", type=int, metavar="ID", help="go on with an interrupted training")


def _train_values(options: argparse.Namespace) -> Values:
    return {**given(options, "preset", "base", "minutes", "resume"), **settings(options.set)}
