"""The text to learn from: Python source files, as symbols, split into training and held-out files."""

from __future__ import annotations

import hashlib
import math
import random
import sysconfig
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

ALPHABET = "\n" + "".join(map(chr, range(ord(" "), ord("~") + 1)))
"""Newline and printable ASCII. Their symbols are 1, 2, 3, …; every other character is symbol 0."""

SYMBOLS = 1 + len(ALPHABET)
"""Number of different symbols."""

HELD_OUT_EVERY = 10
"""Of so many files in sorted order, the last one is never trained on."""

MAX_CHARS = 8_000_000
"""Reading stops after the file that reaches this total, so that starting stays quick and memory small."""

MIN_CHARS = 2_000
"""With less text than this in either part, no figure would mean anything."""


class DataError(Exception):
    """There is no usable text on this machine."""


@dataclass(frozen=True)
class Corpus:
    """One byte per character, each the character's symbol."""

    training: bytes
    held_out: bytes
    digest: str
    """SHA-256 over the names and symbols of all files, by which ranks see that they learn from the same text."""

    def batch(self, seed: int, step: int, size: int, context: int) -> List[int]:
        """Positions in `training` to learn at `step`: a function of its arguments, so it needs no checkpoint."""
        order = random.Random(f"batch/{seed}/{step}")
        return order.choices(range(context, len(self.training)), k=size)

    def probes(self, count: int, context: int) -> range:
        """At most `count` positions, spread evenly over `held_out`."""
        stride = max(1, math.ceil((len(self.held_out) - context) / count))
        return range(context, len(self.held_out), stride)

    def unigram_bits(self, positions: range) -> float:
        """Bits to write the held-out characters at `positions`, knowing only how often each occurs in training."""
        seen = Counter(self.training)
        total = len(self.training) + SYMBOLS
        cost = [math.log2(total / (seen[symbol] + 1)) for symbol in range(SYMBOLS)]
        return math.fsum(cost[self.held_out[position]] for position in positions)


def load(directory: Optional[str] = None) -> Corpus:
    """Reads the `*.py` files right inside `directory` (default: the standard library of this Python), by name."""
    folder = Path(directory or sysconfig.get_paths()["stdlib"])
    parts: List[List[bytes]] = [[], []]
    digest = hashlib.sha256()
    n_files = n_chars = 0
    for path in _sources(folder):
        if n_chars >= MAX_CHARS:
            break
        symbols = encode(_read(path))
        held_out = n_files % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        parts[held_out].append(symbols)
        digest.update(f"{path.name}\0{len(symbols)}\0".encode())
        digest.update(symbols)
        n_files += 1
        n_chars += len(symbols)
    training, held_out_text = (b"".join(part) for part in parts)
    if min(len(training), len(held_out_text)) < MIN_CHARS:
        raise DataError(
            f"{folder} has too little Python source to learn from: {n_files} files, {len(training)} characters"
            f" for training and {len(held_out_text)} held out (at least {MIN_CHARS} of each are needed)"
        )
    return Corpus(training, held_out_text, digest.hexdigest())


def encode(text: str) -> bytes:
    """One symbol per character of `text`."""
    return text.translate(_TABLE).encode("latin-1")


class _Table(Dict[int, int]):
    """Character code to symbol; whatever is not in the alphabet is symbol 0."""

    def __missing__(self, code: int) -> int:
        return 0


_TABLE = _Table({ord(char): symbol for symbol, char in enumerate(ALPHABET, start=1)})


def _sources(folder: Path) -> List[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".py" and path.is_file())
    except OSError as error:
        raise DataError(f"cannot list {folder}: {error.strerror}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
