"""What the tests share: a small text to learn from, places to meet, and ranks as real processes."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

EXAMPLE = Path(__file__).resolve().parents[1]
SMALL = ["--batch", "8", "--context", "2", "--hidden", "4", "--eval-chars", "50", "--log-every", "1"]
"""Options of a training whose steps take about a millisecond."""

_meetings = itertools.count(1)


def write_corpus(folder: Path) -> Path:
    """Twenty files of repetitive source text, of which two will be held out."""
    folder.mkdir()
    for number in range(20):
        line = f"def function_{number}(argument):\n    return {number} + argument\n\n\n"
        (folder / f"module_{number:02}.py").write_text(line * 30)
    return folder


def meeting_point() -> Dict[str, str]:
    """MASTER_ADDR and MASTER_PORT for one group of ranks.

    All of 127/8 is this machine: with an address that no other process uses, a free port stays free until it is used.
    """
    process, meeting = os.getpid(), next(_meetings)
    address = f"127.{64 + process // 65536 % 64}.{process // 256 % 256}.{process % 256}"
    with socket.socket() as probe:
        probe.bind((address, 0))
        return {"MASTER_ADDR": address, "MASTER_PORT": str(probe.getsockname()[1]), "MARSV2_TASK_ID": str(meeting)}


def start(arguments: List[str], **environment: str) -> subprocess.Popen:
    """A rank as a process of its own, with its output in pipes."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("RANK", "WORLD_SIZE")}
    return subprocess.Popen(
        [sys.executable, str(EXAMPLE / "train.py"), *arguments],
        env={**inherited, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_two(arguments: List[str]) -> List[subprocess.Popen]:
    """Rank 0 and rank 1 of one training."""
    place = meeting_point()
    return [start(arguments, RANK=str(rank), WORLD_SIZE="2", **place) for rank in range(2)]


def wait_for_step(rank: subprocess.Popen, step: int) -> None:
    """Reads the log of `rank` until this step, which its checkpoint then has."""
    for line in rank.stdout:
        if line.startswith(f"step {step}/"):
            return
    raise AssertionError(f"ended before step {step}: {rank.communicate()[1]}")
