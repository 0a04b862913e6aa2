"""A connection to one other rank, which carries frames: a length (8 bytes, big-endian) and as many bytes."""

from __future__ import annotations

import socket
import struct

MAX_FRAME_BYTES = 1 << 30
"""No honest frame is longer; a wrong length must not make us reserve all memory."""

_LENGTH = struct.Struct("!Q")


class GroupError(Exception):
    """The group of ranks cannot be formed or has lost a rank: the training cannot go on."""


class Link:
    """Sends and receives whole frames. Whatever goes wrong is a `GroupError` that names the other side."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        self.name = name
        self._connection = connection
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def set_patience(self, secs: float) -> None:
        """From now on the other side counts as lost when it moves nothing for so long."""
        self._connection.settimeout(secs)

    def is_to_itself(self) -> bool:
        """Whether both ends of the connection are this very socket."""
        try:
            return bool(self._connection.getsockname() == self._connection.getpeername())
        except OSError as error:
            raise self._lost(error) from error

    def send(self, payload: bytes) -> None:
        try:
            self._connection.sendall(_LENGTH.pack(len(payload)) + payload)
        except OSError as error:
            raise self._lost(error) from error

    def receive(self, limit: int = MAX_FRAME_BYTES) -> bytes:
        """The next frame, which may have at most `limit` bytes."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > limit:
            raise GroupError(f"{self.name} announced {length} bytes where at most {limit} make sense")
        return self._exactly(length)

    def close(self) -> None:
        self._connection.close()

    def _exactly(self, count: int) -> bytes:
        received = bytearray(count)
        rest = memoryview(received)
        while rest:
            try:
                n_bytes = self._connection.recv_into(rest)
            except OSError as error:
                raise self._lost(error) from error
            if n_bytes == 0:
                raise GroupError(f"lost {self.name}: it closed the connection")
            rest = rest[n_bytes:]
        return bytes(received)

    def _lost(self, error: OSError) -> GroupError:
        if isinstance(error, socket.timeout):
            return GroupError(f"lost {self.name}: silent for {self._connection.gettimeout():g} s")
        return GroupError(f"lost {self.name}: {error.strerror or error}")
