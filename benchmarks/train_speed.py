"""A training step against plain sentence-transformers: its loss, one graph, fp32, fused attention, in the same run.

    python -m benchmarks.train_speed [--queries 64] [--rounds 2] [--threads 2]

Triplets are made of documentation strings: first sentence, rest, another's rest, cut at 128 tokens. The plain step is
what the library's trainer does on a processor: pad each column to its longest text, one graph, AdamW. Where the
processor computes in bf16, so do we, and the trainer's own option `bf16=True` is measured, too. The last figure is what
no code in fp32 can beat: three times (forward, and back to inputs and to weights) the products of the batch's tokens
with the model's weight matrices, and nothing else.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.encode_speed import bare_products, docstrings, timed
from engine.train.examples import Batch


def triplets(count: int) -> Batch:
    """`count` queries with their positive and one negative each."""
    whole = [text.partition(". ") for text in docstrings(4000) if len(text) > 200 and ". " in text]
    queries = [first for first, _, _ in whole[:count]]
    rests = [rest for _, _, rest in whole[: 2 * count]]
    return Batch(queries, rests, np.zeros((len(queries), len(rests)), np.bool_))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--queries", type=int, default=64)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--threads", type=int, default=2)
    chosen = options.parse_args()

    from engine.encode.models import BUNDLED, describe_folder, load_checked

    folder = BUNDLED.check()
    facts = describe_folder(folder)
    plain, ours = load_checked(folder, facts).train(), load_checked(folder, facts).train()
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    from engine.encode.encoder import pick_precision
    from engine.train.memory import freed_stays
    from engine.train.objectives import ranking
    from engine.train.steps import Stepper, TokenBatch, autocast

    torch.set_num_threads(chosen.threads)
    plain.max_seq_length = ours.max_seq_length = 128
    batch, precision = triplets(chosen.queries), pick_precision("cpu", "auto")
    loss = MultipleNegativesRankingLoss(plain)
    stepper = Stepper(ours, "cpu", precision, ranking(20.0), 16 * 128, 1 << 40, lambda: None, print)
    optimizers = [torch.optim.AdamW(model.parameters(), lr=5e-5, fused=model is ours) for model in (plain, ours)]

    def plain_step(kind: str = "fp32") -> None:
        count = chosen.queries
        columns = [batch.queries, batch.passages[:count], batch.passages[count:]]
        with autocast("cpu", kind):
            value = loss([plain.preprocess(column) for column in columns], None)
        value.backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        optimizers[0].step()
        optimizers[0].zero_grad()

    def our_step() -> None:
        stepper.backward(TokenBatch.of(ours, batch, {}), 1)
        torch.nn.utils.clip_grad_norm_(ours.parameters(), 1.0)
        optimizers[1].step()
        optimizers[1].zero_grad()

    tokens = TokenBatch.of(ours, batch, {})
    lengths = tokens.passages.lengths
    bare = bare_products(ours, 3 * int(sum(lengths) + sum(tokens.queries.lengths)))
    print(f"{len(batch.queries)} triplets, passages of {int(np.median(lengths))} tokens in the median, {precision}")

    def all_of_them() -> list[tuple[float, float]]:
        theirs = [timed(lambda kind=kind: plain_step(kind)) for kind in kinds]
        with freed_stays():  # as around a run; the first step within it fetches the memory
            our_step()
            return [*theirs, timed(our_step)]

    kinds = ["fp32"] if precision == "fp32" else ["fp32", precision]
    rounds = [all_of_them() for _ in range(chosen.rounds + 1)][1:]
    least = [timed(bare) for _ in range(chosen.rounds)]
    for place, what in enumerate(("clock", "processor")):
        *theirs, mine = (min(taken[place] for taken in side) for side in zip(*rounds, strict=True))
        floor = min(each[place] for each in least)
        for kind, took in zip(kinds, theirs, strict=True):
            print(f"{what}: plain in {kind} {took:.2f} s a step, ours {mine:.2f} s, ratio {took / mine:.2f}")
        print(f"{what}: bare products in fp32 {floor:.2f} s")


if __name__ == "__main__":
    main()
