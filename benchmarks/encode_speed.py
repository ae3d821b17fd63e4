"""Encoding against `SentenceTransformer.encode` as it comes, on texts of mixed length, in the same run.

    python -m benchmarks.encode_speed [--texts 400] [--rounds 3] [--threads 2]

Exact is the default; fast is int8, which a project may choose where the processor has it.

Texts are documentation strings of the standard library. Rounds alternate, the best of each is compared, by the clock
and by the processor's time (which other programs disturb less). The last figure is what no code in the same precision
can beat in fp32: the model's matrix products with its weights, alone, over the tokens that there are.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

MODULES = (
    "os json typing argparse email.message logging socket datetime collections pathlib asyncio unittest decimal "
    "tarfile zipfile urllib.request http.client sqlite3 threading subprocess statistics difflib"
)


def docstrings(count: int, seed: int = 13) -> list[str]:
    """Distinct documentation strings of functions and classes, shuffled."""
    import numpy as np

    found: dict[str, None] = {}
    for name in MODULES.split():
        for thing in vars(importlib.import_module(name)).values():
            members = list(vars(thing).values()) if inspect.isclass(thing) else []
            for each in (thing, *members):
                text = inspect.getdoc(each) if callable(each) else None
                if text:
                    found.setdefault(text)
    texts = list(found)
    return [texts[i] for i in np.random.default_rng(seed).permutation(len(texts))[:count]]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    clock, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - used


def bare_products(model: torch.nn.Module, tokens: int, chunk: int = 2048) -> Callable[[], None]:
    """The products of `tokens` rows with each weight matrix of the transformer's layers, and nothing else."""
    import torch

    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    rows = {m.in_features: torch.randn(chunk, m.in_features) for m in linear}
    out = {m.out_features: torch.empty(chunk, m.out_features) for m in linear}

    def work() -> None:
        with torch.inference_mode():
            for start in range(0, tokens, chunk):
                n = min(chunk, tokens - start)
                for m in linear:
                    torch.mm(rows[m.in_features][:n], m.weight.T, out=out[m.out_features][:n])

    return work


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--texts", type=int, default=400)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--threads", type=int, default=2)
    chosen = options.parse_args()

    from engine.encode.models import BUNDLED, describe_folder, load_checked

    folder = BUNDLED.check()
    facts = describe_folder(folder)
    plain = load_checked(folder, facts)
    import numpy as np
    import torch

    from engine.encode.encoder import Encoder, cpu_has_bf16, tokenize

    torch.set_num_threads(chosen.threads)
    ours = Encoder("bundled", load_checked(folder, facts), facts, device="cpu", precision="auto")
    start = time.perf_counter()
    fast = Encoder("bundled", load_checked(folder, facts), facts, device="cpu", precision="int8")
    loaded = time.perf_counter() - start
    texts = docstrings(chosen.texts)
    lengths = [len(ids) for ids in tokenize(plain, texts)["input_ids"]]
    print(f"{len(texts)} texts, {sum(lengths)} tokens, median {int(np.median(lengths))}, longest {max(lengths)}")
    print(f"exact: {ours.precision}, bf16 in hardware: {cpu_has_bf16()}, {chosen.threads} threads")
    print(f"fast: {fast.precision}{f' ({fast.instead})' if fast.instead else ''}, loaded in {loaded:.1f} s")
    ways = {
        "plain": lambda: plain.encode(texts, normalize_embeddings=True),
        "exact": lambda: ours.encode(texts, "passage"),
        "fast": lambda: fast.encode(texts, "passage"),
    }
    reference = ways["plain"]()
    for name in ("exact", "fast"):
        cosines = (reference * ways[name]()).sum(axis=1)
        print(f"{name}: lowest cosine {cosines.min():.6f}, mean {cosines.mean():.6f}")
    rounds = [{name: timed(work) for name, work in ways.items()} for _ in range(chosen.rounds)]
    bare = [timed(bare_products(plain, sum(lengths))) for _ in range(chosen.rounds)]
    for place, what in enumerate(("clock", "processor")):
        best = {name: min(each[name][place] for each in rounds) for name in ways}
        ratios = ", ".join(f"{name} {best[name]:.2f} s ({best['plain'] / best[name]:.2f} times)" for name in best)
        print(f"{what}: {ratios}; bare fp32 products {min(each[place] for each in bare):.2f} s")


if __name__ == "__main__":
    main()
