"""A tiny agent: what a rank is told by the platform, and what it is told by the rank."""

import json
import os
import queue
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Dict

HFAI = Path(__file__).resolve().parents[3] / "python"


class Agent:
    """The control directory of one rank. Use it in a `with` statement."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory()
        self._directory = Path(self._scratch.name)
        self._flag = self._directory / "suspend"
        self._flag.write_bytes(b"0")
        self.calls: "queue.Queue[str]" = queue.Queue()
        """Names of the calls of the rank."""
        self._listener = socket.socket(socket.AF_UNIX)
        opened = os.open(self._directory, os.O_RDONLY)
        self._listener.bind(f"/proc/self/fd/{opened}/agent.sock")
        os.close(opened)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Agent":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._scratch.cleanup()

    def environment(self) -> Dict[str, str]:
        """What makes a process a rank of a task with this agent."""
        path = os.environ.get("PYTHONPATH")
        search = f"{HFAI}:{path}" if path else str(HFAI)
        return {"PYTHONPATH": search, "MARSV2_NB_NAME": "charlm", "HAI_CONTROL_DIR": str(self._directory)}

    def suspend(self) -> None:
        with open(self._flag, "r+b") as file:
            file.write(b"1")

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                self.calls.put(json.loads(lines.readline())["call"])
                with suppress(OSError):  # a rank that is ended needs no answer
                    connection.sendall(b'{"ok":true}\n')
