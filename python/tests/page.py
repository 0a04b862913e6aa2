"""The Python of `docs/training.md`, and how it is run: again and again in one directory, as the platform runs a task."""

import hashlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Set, Tuple

from tests.agent import Agent, start

PAGE = Path(__file__).resolve().parents[2] / "docs" / "training.md"
WAITING = "hfai: waiting to be suspended"
PATIENCE_SECS = 120

_PARTS = re.compile(r"^#+ ([^\n]+)$|^ *(?:```|~~~) *([^\n]*)\n(.*?)^ *(?:```|~~~)$", re.MULTILINE | re.DOTALL)
"""A heading, or a block: its language and its text."""

_PREPARED = """
import hashlib, itertools, os, runpy, signal, time

def before(function, number, act):
    calls = itertools.count(1)
    def counted(*arguments, **options):
        if next(calls) == number:
            act(*arguments)
        return function(*arguments, **options)
    return counted

def raise_flag():
    with open(os.path.join(os.environ["HAI_CONTROL_DIR"], "suspend"), "r+b") as flag:
        flag.write(b"1")

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def die_with_half_of(file):
    os.ftruncate(file, os.fstat(file).st_size // 2)
    die()

def wait(*_):
    time.sleep(0.2)

def look():
    (name,) = [name for name in os.listdir() if name.startswith("checkpoint") and not name.endswith(".tmp")]
    with open(name, "rb") as file:
        print(hashlib.sha256(file.read()).hexdigest())

os.chdir({directory!r})
{disturbance}
runpy.run_path("train.py", run_name="__main__")
"""


def suspended_at(poll: int) -> str:
    """The platform asks the script to give way just before it asks for the `poll`-th time."""
    return f"client.receive_suspend_command = before(client.receive_suspend_command, {poll}, raise_flag)\n"


def killed_at(poll: int) -> str:
    """The machine breaks just before the script asks for the `poll`-th time."""
    return f"client.receive_suspend_command = before(client.receive_suspend_command, {poll}, die)\n"


def killed_in_save(number: int) -> str:
    """The machine breaks when the new checkpoint is written, but only half of it has come to the disk."""
    return f"os.fsync = before(os.fsync, {number}, die_with_half_of)\n"


def slow_in_save(number: int) -> str:
    """The disk takes its time for this checkpoint, so that whoever does not wait for it is caught."""
    return f"os.replace = before(os.replace, {number}, wait)\n"


LOOKS_BEFORE_IT_LEAVES = "client.go_suspend = before(client.go_suspend, 1, look)\n"
"""A rank which prints, when it leaves, what the checkpoint is then."""


class Block(NamedTuple):
    """A piece of code on the page."""

    heading: str
    code: str


def blocks(language: str = "python") -> List[Block]:
    """The blocks of the page in this language, each with the heading it stands under."""
    found, heading = [], ""
    for title, fence, code in _PARTS.findall(PAGE.read_text(encoding="utf-8")):
        heading = title or heading
        if not title and fence == language:
            found.append(Block(heading, code))
    return found


def languages() -> Set[str]:
    """What stands behind the ticks that begin a block."""
    return {fence for title, fence, _ in _PARTS.findall(PAGE.read_text(encoding="utf-8")) if not title}


def block(heading: str) -> str:
    """The code under this heading."""
    (code,) = [found.code for found in blocks() if found.heading == heading]
    return code


class Run(NamedTuple):
    """How one rank of a run ended."""

    lines: List[str]
    """What it printed, without the package's own lines."""
    is_suspended: bool
    """Whether it said that it may be ended, and then waited for that."""
    exit_code: int
    errors: str
    heard: List[str]
    """The calls its agent got."""


class Task:
    """A script with a directory in which its runs find what earlier ones left. `remove` it."""

    def __init__(self, script: str) -> None:
        self.directory = Path(tempfile.mkdtemp())
        (self.directory / "train.py").write_text(script, encoding="utf-8")

    def remove(self) -> None:
        """Removes the directory."""
        shutil.rmtree(self.directory)

    def checkpoint(self) -> str:
        """What tells its checkpoint from others."""
        (path,) = [path for path in self.directory.glob("checkpoint*") if path.suffix != ".tmp"]
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def names(self) -> List[str]:
        """The files which are there."""
        return [path.name for path in self.directory.iterdir() if path.is_file()]

    def run(self, disturbance: str = "", **environment: str) -> Run:
        """The only rank of a run."""
        (run,) = self.run_ranks([disturbance], **environment)
        return run

    def run_ranks(self, disturbances: Sequence[str], **environment: str) -> Tuple[Run, ...]:
        """One rank for each disturbance. When all wait to be ended, or are at their end, they are ended."""
        with ExitStack() as undo:
            ranks = []
            for rank, disturbance in enumerate(disturbances):
                agent = Agent()
                undo.callback(agent.close)
                places = {"RANK": str(rank), "WORLD_SIZE": str(len(disturbances)), "PYTHONUNBUFFERED": "1"}
                program = _PREPARED.format(directory=str(self.directory), disturbance=disturbance)
                process = start(program, **{**places, **agent.environment(), **environment})
                undo.enter_context(process)
                undo.callback(process.kill)
                ranks.append((agent, process))
            patience = threading.Timer(PATIENCE_SECS, lambda: [process.kill() for _, process in ranks])
            patience.start()
            undo.callback(patience.cancel)
            said = [_read(process) for _, process in ranks]
            return tuple(_end(agent, process, lines) for (agent, process), lines in zip(ranks, said))

    def simulate(self) -> Run:
        """As `hai-cli python train.py ++ -ss 0` does it."""
        return self.run(MARSV2_NB_NAME="", HFAI_SIMULATE="1", SIMULATE_SUSPEND="0")


def _read(process: "subprocess.Popen[str]") -> List[str]:
    """What it prints until it waits to be ended or is at its end."""
    lines: List[str] = []
    while WAITING not in lines:
        line = process.stdout.readline()
        if not line:
            break
        lines.append(line.rstrip("\n"))
    return lines


def _end(agent: Agent, process: "subprocess.Popen[str]", lines: List[str]) -> Run:
    is_waiting = WAITING in lines
    if is_waiting:
        process.kill()
    _, errors = process.communicate()
    heard = [call["call"] for call in agent.heard()]
    is_suspended = is_waiting and process.returncode == -signal.SIGKILL
    return Run([line for line in lines if line != WAITING], is_suspended, process.returncode, errors, heard)


def steps(lines: Sequence[str]) -> Dict[str, str]:
    """What was said about each step."""
    return {line.split()[1]: line for line in lines if line.startswith("step ")}
