"""A normaliser that writes characters twice, so that a tokenizer can cut overlapping pairs out of what it reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

_LEAF = 1 << 8
_VALUE = 1 << 31


def doubling(characters: Iterable[str]) -> Any:  # Any: a tokenizers normalizer
    """A normaliser of the `tokenizers` library that turns each of `characters` into two of it, all else into itself.

    Tokenizers cut a text into pieces that do not overlap, so 头疼药 can give 头疼 or 疼药 but never both. Written
    twice, 头头疼疼药药, it can: 头, 头疼, 疼药, 药. The form is sentencepiece's map of characters, which every copy
    of the library reads back from `tokenizer.json`.
    """
    from tokenizers import normalizers

    return normalizers.Precompiled(_character_map({character: character * 2 for character in characters}))


def _character_map(replacements: dict[str, str]) -> bytes:
    """Sentencepiece's precompiled map: size of a trie, the trie as darts-clone lays it out, texts ended by zeros.

    A unit of the trie holds its label in bits 0 to 7, whether a value follows in bit 8, and from bit 10 on the
    exclusive-or of its own place and its children's. No key may begin another, as with characters in UTF-8.
    """
    texts, starts = bytearray(), {}
    for key, text in sorted(replacements.items()):
        starts[key.encode()] = len(texts)
        texts += text.encode() + b"\0"
    prefixes = sorted({key[:size] for key in starts for size in range(len(key))})
    block = {prefix: 256 * (place + 1) for place, prefix in enumerate(prefixes)}  # children of a prefix: block ^ byte
    values_at = 256 * (len(prefixes) + 1)
    units = np.zeros(values_at + len(starts), np.uint32)
    for prefix in prefixes:
        place = block[prefix[:-1]] ^ prefix[-1] if prefix else 0
        units[place] = (prefix[-1] if prefix else 0) | (place ^ block[prefix]) << 10
    for value_at, (spelt, start) in enumerate(starts.items(), values_at):
        place = block[spelt[:-1]] ^ spelt[-1]
        units[place] = spelt[-1] | _LEAF | (place ^ value_at) << 10
        units[value_at] = _VALUE | start
    trie = units.astype("<u4").tobytes()
    return len(trie).to_bytes(4, "little") + trie + bytes(texts)
