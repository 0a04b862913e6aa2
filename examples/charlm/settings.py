"""What the user asked for: the command line and the environment, checked."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, NoReturn, Optional, Sequence

from rendezvous import Place

HERE = Path(__file__).resolve().parent

MAX_CONTEXT = 1000
"""Characters. The text must be longer, and `data.MIN_CHARS` sees to that."""


@dataclass(frozen=True)
class Settings:
    """Everything that is decided before the training begins."""

    place: Place
    task: str
    """The id of the platform's task this process belongs to; empty outside the platform."""
    steps: int
    seed: int
    batch: int
    """Characters learnt per step, by all ranks together."""
    context: int
    hidden: int
    learning_rate: float
    corpus: Optional[str]
    out: Path
    checkpoint_every: int
    log_every: int
    eval_chars: int


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage lines."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"charlm: {message} (--help shows all options)\n")


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Exits with code 2 and one sentence on stderr when something is wrong."""
    parser = _Parser(prog="train.py", description="Trains a small character language model on Python source text.")
    whole, positive, context = _whole(0), _whole(1), _whole(1, MAX_CONTEXT)
    option = parser.add_argument
    option("--steps", type=positive, default=600, metavar="N", help="train until this step (default %(default)s)")
    option("--seed", type=whole, default=1, metavar="N", help="another seed, another training (default %(default)s)")
    option("--batch", type=positive, default=256, metavar="N", help="characters per step over all ranks (%(default)s)")
    option("--context", type=context, default=6, metavar="N", help="characters it sees (%(default)s)")
    option("--hidden", type=positive, default=32, metavar="N", help="width of the hidden layer (%(default)s)")
    option("--learning-rate", type=_rate, default=0.04, metavar="X", help="highest learning rate (%(default)s)")
    option("--corpus", metavar="DIR", help="learn from DIR/*.py (default: this Python's standard library)")
    option("--out", type=Path, default=HERE / "out", metavar="DIR", help="checkpoint and result (default: %(default)s)")
    option("--checkpoint-every", type=positive, default=100, metavar="N", help="steps (default %(default)s)")
    option("--log-every", type=positive, default=20, metavar="N", help="steps (default %(default)s)")
    option("--eval-chars", type=positive, default=20_000, metavar="N", help="held-out characters (%(default)s)")
    option("--join-timeout", type=_secs, default=60, metavar="S", help="wait so long for all ranks (%(default)s s)")
    option("--peer-timeout", type=_secs, default=120, metavar="S", help="a silent rank is lost (%(default)s s)")
    options = vars(parser.parse_args(arguments))
    try:
        place = _place(environment, options.pop("join_timeout"), options.pop("peer_timeout"))
    except ValueError as error:
        parser.error(str(error))
    settings = Settings(place=place, task=environment.get("MARSV2_TASK_ID", ""), **options)
    if settings.batch < place.world_size:
        parser.error(f"--batch {settings.batch} cannot be divided among {place.world_size} ranks")
    return settings


def _place(environment: Mapping[str, str], join_secs: float, silence_secs: float) -> Place:
    world_size = _variable(environment, "WORLD_SIZE", "1", 1, 1024)
    rank = _variable(environment, "RANK", "0", 0, world_size - 1)
    if world_size == 1:
        return Place(rank, world_size, "", 0, join_secs, silence_secs)
    address = environment.get("MASTER_ADDR", "")
    if not address:
        raise ValueError(f"MASTER_ADDR must name the machine of rank 0 when WORLD_SIZE is {world_size}")
    port = _variable(environment, "MASTER_PORT", "", 1, 65535)
    return Place(rank, world_size, address, port, join_secs, silence_secs)


def _variable(environment: Mapping[str, str], name: str, default: str, lowest: int, highest: int) -> int:
    text = environment.get(name, default)
    try:
        value = int(text)
    except ValueError:
        value = lowest - 1
    if not lowest <= value <= highest:
        raise ValueError(f"{name} must be a whole number from {lowest} to {highest}, not '{text}'")
    return value


def _whole(lowest: int, highest: int = 1_000_000_000) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"must be a whole number from {lowest} to {highest}, not '{text}'")
        return value

    return convert


def _rate(text: str) -> float:
    return _positive_float(text, "must be a number above 0")


def _secs(text: str) -> float:
    return _positive_float(text, "must be a number of seconds above 0")


def _positive_float(text: str, rule: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{rule}, not '{text}'")
    return value
