"""Lists of floats as bytes, the same bytes on every machine (IEEE 754, little-endian)."""

from __future__ import annotations

import sys
from array import array
from typing import List, Sequence

BYTES = 8
"""Size of one float, in bytes."""


def pack(values: Sequence[float]) -> bytes:
    """The exact bits of `values`, 8 bytes each."""
    packed = array("d", values)
    if sys.byteorder != "little":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes) -> List[float]:
    """The floats which `pack` turned into `data`."""
    packed = array("d")
    packed.frombytes(data)
    if sys.byteorder != "little":
        packed.byteswap()
    return packed.tolist()
