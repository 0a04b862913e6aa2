"""What the tests share: a tiny agent for programs that use the package, and those programs as fresh processes."""

import json
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Dict, List, Tuple

PACKAGE = Path(__file__).resolve().parents[1]
OURS = ("MARSV2_NB_NAME", "MARSV2_WHOLE_LIFE_STATE", "HFAI_SIMULATE", "SIMULATE_SUSPEND", "HAI_CONTROL_DIR")
OK = b'{"ok":true}\n'


def start(program: str, **environment: str) -> subprocess.Popen:
    """A process that runs `program` after `from hfai import client`, with its output in pipes."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.Popen(
        [sys.executable, "-c", f"from hfai import client\n{program}"],
        env={**inherited, "PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )


def ask(program: str, **environment: str) -> Tuple[str, str]:
    """What `program` prints and what it complains about."""
    with start(program, **environment) as process:
        output, errors = process.communicate(timeout=60)
    return output.strip(), errors.strip()


class Agent:
    """The control directory of a rank: a flag, and a socket that answers each call as told."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory()
        # Longer than the address of a socket may be.
        self.directory = Path(self._scratch.name) / ("d" * 120)
        self.directory.mkdir()
        self.flag = self.directory / "suspend"
        self.flag.write_bytes(b"0")
        self.calls: "queue.Queue[Dict[str, Any]]" = queue.Queue()
        self.answers: List[bytes] = []
        """What the next calls are answered with; then `OK`. An empty answer hangs up."""
        self._listener = socket.socket(socket.AF_UNIX)
        opened = os.open(self.directory, os.O_RDONLY)
        self._listener.bind(f"/proc/self/fd/{opened}/agent.sock")
        os.close(opened)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._scratch.cleanup()

    def set_flag(self, byte: bytes) -> None:
        with open(self.flag, "r+b") as file:
            file.write(byte)

    def environment(self, **more: str) -> Dict[str, str]:
        return {"MARSV2_NB_NAME": "train.py", "HAI_CONTROL_DIR": str(self.directory), **more}

    def heard(self) -> List[Dict[str, Any]]:
        """The calls so far."""
        return [self.calls.get() for _ in range(self.calls.qsize())]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                call = json.loads(lines.readline())
                self.calls.put(call)
                connection.sendall(self.answers.pop(0) if self.answers else OK)
