"""A run of a table of vectors as a Python script: its batches as counts of tokens, and the parts of its tokens."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UserError
from engine.params import TrainParams
from engine.records import Model
from engine.store.files import write_whole
from engine.store.project import Project
from engine.task import Task
from engine.train.kept import Kept, rows_named
from engine.train.pieces import Parts, token_names
from engine.train.static_work import CountedBatch, StaticWork

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_KINDS = ("asked", "read", "pieces", "rests")

_SCRIPT = '''"""Repeats the run "{name}", which tunes a table of vectors: same batches, tokens left out, and rates.

Needs: pip install sentence-transformers scipy. Reads parts.npz, the folder "batches" and bags.py beside it, writes the
folder "model". A batch holds its texts as counts of tokens: queries, their passages, and pairs cut out of documents.
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
KINDS = {kinds!r}


def read(path):
    """A batch: each kind of texts as counts, pairs that are no negatives, the rate."""
    with np.load(path) as found:
        parts = ("data", "indices", "indptr")
        kinds = [csr_array(tuple(found[f"{{k}}_{{part}}"] for part in parts), found[f"{{k}}_shape"]) for k in KINDS]
        blocked = np.zeros((kinds[0].shape[0], kinds[1].shape[0]), bool)
        blocked[tuple(found["blocked"])] = True
        return kinds, blocked, float(found["lr"])


def main():
    from bags import make_bag, rank_loss, vectors  # beside this file

    model = SentenceTransformer(BASE, device="cpu")
    table = model[0].embedding.weight
    before = table.detach().clone()
    bag = make_bag(before.numpy().copy(), csr_array(load_npz(HERE / "parts.npz")))
    decays = {{"params": [bag.change], "weight_decay": WEIGHT_DECAY}}
    optimizer = torch.optim.AdamW([decays, {{"params": [bag.weight], "weight_decay": 0.0}}], lr=1e-5, fused=True)
    for number, path in enumerate(sorted((HERE / "batches").glob("*.npz")), 1):
        kinds, blocked, rate = read(path)
        for group in optimizer.param_groups:
            group["lr"] = rate
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
        print(f"step {{number}}: loss {{told:.4f}}", flush=True)
    with torch.no_grad():
        rows = bag.rows()
        table.copy_(torch.lerp(rows, before, BASE_SHARE) if BASE_SHARE else rows)
    model.save(str(HERE / "model"))


if __name__ == "__main__":
    main()
'''


def write_static(
    project: Project, run: Model, params: TrainParams, folder: Path, kept: Kept, rates: tuple[float, ...],
    base_share: float, place: Path,
) -> dict[str, str]:  # fmt: skip
    """Write `train.py`, `bags.py`, `parts.npz` and a file for each batch into `place`; returns their paths.

    Args:
        folder: of the model the run started from.
        kept: what the run learnt from.
        rates: learning rates by step.
        base_share: how much of the base was mixed in at the end.

    Raises:
        UserError: documents that pairs were cut out of are gone.
    """
    from scipy.sparse import save_npz

    work = StaticWork(project, folder, params, Task(), kept=kept)
    names = kept.value("documents")
    if names and rows_named(work.source.corpus, names) is None:
        raise UserError(
            f"Documents that {run.name} learnt from were removed since, so that no script can repeat it.",
            hint="Train again with the same settings.",
        )
    batches = place / "batches"
    steps = int(run.summary["best_step"])
    for old in batches.glob("*.npz"):
        old.unlink()
    for number, batch in enumerate(_first(work, steps)):
        write_whole(batches / f"{number + 1:05}.npz", _packed(batch, rates[number]))
    parts = Parts.of(token_names(work.model[0].tokenizer), 2 * len(work.model[0].embedding.weight))
    packed = io.BytesIO()
    save_npz(packed, parts.matrix)
    write_whole(place / "parts.npz", packed.getvalue())
    write_whole(place / "bags.py", (Path(__file__).parent / "bags.py").read_bytes())
    script = _SCRIPT.format(
        name=run.name.replace('"', "'").replace("\\", "/"),
        base=str(folder),
        scale=params.scale,
        weight_decay=params.weight_decay,
        base_share=base_share,
        kinds=_KINDS,
    )
    write_whole(place / "train.py", script.encode())
    return {"script": str(place / "train.py"), "batches": str(batches)}


def _first(work: StaticWork, steps: int) -> Iterator[CountedBatch]:
    return (work.ready(batch, step) for step, batch in enumerate(islice(work.source.batches(0), steps)))


def _packed(batch: CountedBatch, rate: float) -> bytes:
    """A batch as arrays by name, compressed."""
    arrays: dict[str, np.ndarray] = {"blocked": np.array(batch.blocked.nonzero()), "lr": np.array(rate)}
    for kind in _KINDS:
        counts: csr_array = getattr(batch, kind)
        arrays |= {f"{kind}_{part}": getattr(counts, part) for part in ("data", "indices", "indptr")}
        arrays[f"{kind}_shape"] = np.array(counts.shape)
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    return packed.getvalue()
