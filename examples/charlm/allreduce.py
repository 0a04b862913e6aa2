"""The ranks of one training as a group that adds up numbers, through rank 0.

Every rank makes the same sequence of calls. Rank 0 adds its own numbers, then rank 1's, rank 2's and so on, and sends
the total back. Floating point sums depend on the order, so the order must not depend on the network.
"""

from __future__ import annotations

from operator import add
from typing import List, Optional, Sequence

import floats
from link import GroupError, Link


class Group:
    """All ranks of the training, seen from one of them. Use it in a `with` statement, which closes it."""

    def __init__(self, rank: int, links: Sequence[Link]) -> None:
        """Rank 0 has a link to every other rank, in the order of the ranks; the others have one, to rank 0."""
        self._rank = rank
        self._links = links

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *_: object) -> None:
        for link in self._links:
            link.close()

    def sum(self, values: List[float]) -> List[float]:
        """Element by element over all ranks; the same bits on every rank."""
        if self._rank > 0:
            self._links[0].send(floats.pack(values))
            return self._receive(self._links[0], len(values))
        total = values
        for link in self._links:
            total = list(map(add, total, self._receive(link, len(values))))
        self._tell(floats.pack(total))
        return total

    def share(self, payload: Optional[bytes]) -> bytes:
        """Rank 0's `payload` on every rank. The other ranks pass None."""
        if payload is None:
            return self._links[0].receive()
        self._tell(payload)
        return payload

    def wait(self) -> None:
        """Returns once every rank has come here."""
        self.sum([])

    def _receive(self, link: Link, count: int) -> List[float]:
        payload = link.receive(limit=count * floats.BYTES)
        if len(payload) != count * floats.BYTES:
            raise GroupError(f"{link.name} sent {len(payload)} bytes instead of {count} numbers")
        return floats.unpack(payload)

    def _tell(self, payload: bytes) -> None:
        for link in self._links:
            link.send(payload)
