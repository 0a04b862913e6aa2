"""How the ranks find each other: rank 0 listens, the others connect, and each proves that it belongs here.

A rank that connects sends one frame of JSON: a `Greeting`. When all are there, rank 0 answers each with one. It
answers at once to refuse: `refusal` says why, `belongs` whether the newcomer is of this training. Strangers (a port
scanner, a rank of another training) are sent away and forgotten; a rank of this very training that has been started
differently ends the training, since waiting would not mend it.
"""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from typing import Dict, List, Optional

from allreduce import Group
from link import GroupError, Link

_PROGRAM = "charlm/1"
_MAX_GREETING_BYTES = 4096
_GREETING_SECS = 2.0
_CONNECT_SECS = 5.0
_RETRY_SECS = 0.1


@dataclass(frozen=True)
class Place:
    """Where this process stands among the ranks, and where they meet."""

    rank: int
    world_size: int
    address: str
    port: int
    join_secs: float
    """How long to wait for all ranks to be there."""
    silence_secs: float
    """How long a rank may say nothing before it counts as lost."""


@dataclass(frozen=True)
class Greeting:
    """Who a rank says it is."""

    rank: int
    world_size: int
    token: str
    """Tells this training from others which happen to use the same port."""
    plan: str
    """Digest of everything the ranks must agree on."""
    program: str = _PROGRAM


class _Stranger(Exception):
    """The other side of a connection is not a rank that is missing here."""


class _Absent(Exception):
    """Rank 0 is not there yet, or something else is in its place."""


def join(place: Place, token: str, plan: str) -> Group:
    """Brings the ranks together, or raises `GroupError`. A single rank needs no sockets."""
    own = Greeting(place.rank, place.world_size, token, plan)
    deadline = time.monotonic() + place.join_secs
    if place.world_size == 1:
        links = []
    elif place.rank == 0:
        links = _gather(place, own, deadline)
    else:
        links = [_find_rank_0(place, own, deadline)]
    for link in links:
        link.set_patience(place.silence_secs)
    return Group(place.rank, links)


def _gather(place: Place, own: Greeting, deadline: float) -> List[Link]:
    """Rank 0: accepts connections until every other rank is there."""
    joined: Dict[int, Link] = {}
    with _listen(place) as listener, ExitStack() as undo:
        while len(joined) < place.world_size - 1:
            missing = [rank for rank in range(1, place.world_size) if rank not in joined]
            link = Link(_accept(listener, deadline, missing, place), "a newcomer")
            undo.callback(link.close)
            try:
                rank = _admit(link, own, missing)
            except _Stranger:
                link.close()
            else:
                link.name = f"rank {rank}"
                joined[rank] = link
        for link in joined.values():
            link.send(_answer(None, belongs=True))
        undo.pop_all()
    return [joined[rank] for rank in sorted(joined)]


def _listen(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
    try:
        return socket.create_server((place.address, place.port), family=family, backlog=128)
    except OSError as error:
        reason = error.strerror or error
        raise GroupError(f"cannot listen on {place.address} port {place.port}: {reason}") from error


def _accept(listener: socket.socket, deadline: float, missing: List[int], place: Place) -> socket.socket:
    listener.settimeout(max(0.001, deadline - time.monotonic()))
    try:
        return listener.accept()[0]
    except socket.timeout as error:
        names = ", ".join(map(str, missing))
        raise GroupError(f"rank {names} of {place.world_size} did not come within {place.join_secs:g} s") from error


def _admit(link: Link, own: Greeting, missing: List[int]) -> int:
    """Reads a greeting. Gives the rank of the newcomer, who is answered later, or answers why not."""
    link.set_patience(_GREETING_SECS)
    try:
        theirs = Greeting(**json.loads(link.receive(limit=_MAX_GREETING_BYTES)))
    except (GroupError, ValueError, TypeError) as error:
        raise _Stranger from error
    if (theirs.program, theirs.token) != (own.program, own.token):
        _refuse(link, "another training is running there", belongs=False)
        raise _Stranger
    misfit = _misfit(theirs, own)
    if misfit is not None:
        _refuse(link, misfit, belongs=True)
        raise GroupError(f"rank {theirs.rank} does not fit: {misfit}")
    if theirs.rank not in missing:
        _refuse(link, f"there is no free place for a rank {theirs.rank}", belongs=True)
        raise _Stranger
    return theirs.rank


def _refuse(link: Link, refusal: str, belongs: bool) -> None:
    with suppress(GroupError):  # who does not wait for the answer does not need it
        link.send(_answer(refusal, belongs))


def _answer(refusal: Optional[str], belongs: bool) -> bytes:
    return json.dumps({"refusal": refusal, "belongs": belongs}).encode()


def _misfit(theirs: Greeting, own: Greeting) -> Optional[str]:
    """Why a rank of this training makes the whole training impossible, if it does."""
    if theirs.world_size != own.world_size:
        return f"it counts {theirs.world_size} ranks where rank 0 counts {own.world_size}"
    if theirs.plan != own.plan:
        return "it has other options or other text to learn from than rank 0"
    return None


def _find_rank_0(place: Place, own: Greeting, deadline: float) -> Link:
    """Every other rank: tries until rank 0 welcomes it."""
    while True:
        try:
            return _knock(place, own, deadline)
        except _Absent as reason:
            if time.monotonic() + _RETRY_SECS >= deadline:
                where = f"{place.address} port {place.port}"
                raise GroupError(f"did not meet rank 0 at {where} within {place.join_secs:g} s: {reason}") from reason
            time.sleep(_RETRY_SECS)


def _knock(place: Place, own: Greeting, deadline: float) -> Link:
    """One attempt to join."""
    remaining = max(0.001, deadline - time.monotonic())
    try:
        connection = socket.create_connection((place.address, place.port), timeout=min(_CONNECT_SECS, remaining))
    except OSError as error:
        raise _Absent(error.strerror or error) from error
    with ExitStack() as undo:
        undo.callback(connection.close)
        link = Link(connection, "rank 0")
        link.set_patience(remaining)
        _introduce(link, own)
        undo.pop_all()
    return link


def _introduce(link: Link, own: Greeting) -> None:
    """Returns when rank 0 has welcomed us."""
    try:
        # While nobody listens on a port of the range for outgoing connections, the kernel may choose that same port
        # for our side and connect us to ourselves. Holding on to that would keep rank 0 from listening.
        if link.is_to_itself():
            raise _Absent("nobody listens")
        link.send(json.dumps(asdict(own)).encode())
        answer = json.loads(link.receive(limit=_MAX_GREETING_BYTES))
        refusal, belongs = answer["refusal"], answer["belongs"]
    except (GroupError, ValueError, KeyError, TypeError) as error:
        raise _Absent(error) from error
    if refusal is not None and belongs:
        raise GroupError(f"rank 0 refused this rank: {refusal}")
    if refusal is not None:
        raise _Absent(refusal)
