"""Encoding against `SentenceTransformer.encode` as it comes, on texts of mixed length, in the same run.

    python -m benchmarks.encode_speed [--texts 400] [--rounds 3] [--threads 2]

Texts are documentation strings of the standard library. Rounds alternate, the best of each is compared, by the clock
and by the processor's time (which other programs disturb less). The last figure is what no code in the same precision
can beat: the model's matrix products with its weights, alone, over the tokens that there are.
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
    texts = docstrings(chosen.texts)
    lengths = [len(ids) for ids in tokenize(plain, texts)["input_ids"]]
    print(f"{len(texts)} texts, {sum(lengths)} tokens, median {int(np.median(lengths))}, longest {max(lengths)}")
    print(f"precision {ours.precision}, bf16 in hardware: {cpu_has_bf16()}, {chosen.threads} threads")
    cosines = (plain.encode(texts, normalize_embeddings=True) * ours.encode(texts, "passage")).sum(axis=1)
    rounds = [
        (timed(lambda: plain.encode(texts)), timed(lambda: ours.encode(texts, "passage"))) for _ in range(chosen.rounds)
    ]
    bare = [timed(bare_products(plain, sum(lengths))) for _ in range(chosen.rounds)]
    for place, what in enumerate(("clock", "processor")):
        theirs, mine = (min(r[side][place] for r in rounds) for side in (0, 1))
        least = min(each[place] for each in bare)
        print(f"{what}: plain {theirs:.2f} s, ours {mine:.2f} s, ratio {theirs / mine:.2f}; bare {least:.2f} s")
    print(f"lowest cosine {cosines.min():.6f}")


if __name__ == "__main__":
    main()
