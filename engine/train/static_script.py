"""A run of a table of vectors as a Python script: its batches as counts of tokens, and the parts of its tokens."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UserError
from engine.records import Model
from engine.store.files import write_whole, writing_whole
from engine.store.kept import rows_named
from engine.train.pieces import Parts, token_names
from engine.train.repeating import title_of, write_module
from engine.train.static_work import StaticWork

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_KINDS = ("asked", "read", "pieces", "rests")

_SCRIPT = '''"""Repeats the run "{name}", which tunes a table of vectors: same batches, tokens left out, and rates.

Needs: pip install sentence-transformers scipy. Reads parts.npz, batches.npz and bags.py beside it, writes the folder
"model". A batch holds its texts as counts of tokens: queries, their passages, and pairs cut out of documents.
With the same versions on the same processor it gives the same model; elsewhere the last digits differ.
"""

from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_array, load_npz, vstack
from sentence_transformers import SentenceTransformer

HERE = Path(__file__).parent
BASE = {base!r}
SCALE, WEIGHT_DECAY = {scale!r}, {weight_decay!r}
BASE_SHARE = {base_share!r}
PROMPTS = {prompts!r}  # what the model keeps of them
KINDS = {kinds!r}


def read(found, step):
    """The batch of a step: each kind of texts as counts, pairs that are no negatives."""
    parts = ("data", "indices", "indptr", "shape")
    kinds = []
    for kind in KINDS:
        *counts, shape = (found[f"{{step}}_{{kind}}_{{part}}"] for part in parts)
        kinds.append(csr_array(tuple(counts), shape))
    blocked = np.zeros((kinds[0].shape[0], kinds[1].shape[0]), bool)
    blocked[tuple(found[f"{{step}}_blocked"])] = True
    return kinds, blocked


def main():
    from bags import make_bag, rank_loss, vectors  # beside this file

    model = SentenceTransformer(BASE, device="cpu")
    table = model[0].embedding.weight
    before = table.detach().clone()
    bag = make_bag(before.numpy().copy(), csr_array(load_npz(HERE / "parts.npz")))
    decays = {{"params": [bag.change], "weight_decay": WEIGHT_DECAY}}
    optimizer = torch.optim.AdamW([decays, {{"params": [bag.weight], "weight_decay": 0.0}}], lr=1e-5, fused=True)
    batches = np.load(HERE / "batches.npz")
    for step, rate in enumerate(batches["lr"]):
        kinds, blocked = read(batches, step)
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        made = vectors(csr_array(vstack(kinds)), bag.rows())
        asked, read_, pieces, rests = torch.split(made, [counts.shape[0] for counts in kinds])
        loss = rank_loss(asked, read_, blocked, SCALE)
        told = loss.item()
        if len(pieces) > 1:
            loss = loss + rank_loss(pieces, rests, np.zeros((len(pieces),) * 2, bool), SCALE)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(bag.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        print(f"step {{step + 1}}: loss {{told:.4f}}", flush=True)
    with torch.no_grad():
        rows = bag.rows()
        table.copy_(torch.lerp(rows, before, BASE_SHARE) if BASE_SHARE else rows)
    model.prompts = PROMPTS
    model.save(str(HERE / "model"))


if __name__ == "__main__":
    main()
'''


def write_static(
    work: StaticWork, run: Model, rates: tuple[float, ...], base_share: float, place: Path
) -> dict[str, str]:
    """Write `train.py`, `bags.py`, `parts.npz` and `batches.npz` into `place`; returns paths.

    Args:
        work: the run's, not begun yet, with what it learnt from.
        rates: learning rates by step.
        base_share: how much of the base was mixed in at the end.

    Raises:
        UserError: documents that pairs were cut out of are gone.
    """
    from scipy.sparse import save_npz

    names = work.kept.value("documents")
    if names and rows_named(work.source.corpus, names) is None:
        raise UserError(
            f"Documents that {run.name} learnt from were removed since, so that no script can repeat it.",
            hint="Train again with the same settings.",
        )
    with writing_whole(place / "batches.npz") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, array in _batches(work, rates[: int(run.summary["best_step"])]):
            with pack.open(f"{name}.npy", "w") as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    parts = Parts.of(token_names(work.model[0].tokenizer), 2 * len(work.model[0].embedding.weight))
    with writing_whole(place / "parts.npz") as file:
        save_npz(file, parts.matrix)
    write_module(place, "bags.py")
    script = _SCRIPT.format(
        name=title_of(run),
        base=str(work.base_folder),
        scale=work.params.scale,
        weight_decay=work.params.weight_decay,
        base_share=base_share,
        prompts=dict(work.model.prompts),
        kinds=_KINDS,
    )
    write_whole(place / "train.py", script.encode())
    return {"script": str(place / "train.py"), "batches": str(place / "batches.npz")}


def _batches(work: StaticWork, rates: tuple[float, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """The rates, then the batches of as many steps, as arrays with their names."""
    yield "lr", np.array(rates)
    for step, texts in enumerate(islice(work.source.batches(0), len(rates))):
        batch = work.ready(texts, step)
        yield f"{step}_blocked", np.array(batch.blocked.nonzero())
        for kind in _KINDS:
            counts: csr_array = getattr(batch, kind)
            for part in ("data", "indices", "indptr", "shape"):
                yield f"{step}_{kind}_{part}", np.asarray(getattr(counts, part))
