"""Where this code runs, as far as the platform is concerned."""

import enum
import sys
from typing import Mapping


class Situation(enum.Enum):
    """Decides what the functions of the package do."""

    TASK = "in a task of the platform"
    SIMULATED = "started by hai-cli on the user's own machine, as if it were a task"
    ELSEWHERE = "without the platform"


def situation(environment: Mapping[str, str]) -> Situation:
    """A real task wins over a simulation, which its environment may have inherited from."""
    if environment.get("MARSV2_NB_NAME"):
        return Situation.TASK
    if environment.get("HFAI_SIMULATE") == "1":
        return Situation.SIMULATED
    return Situation.ELSEWHERE


class _Notice:
    """One line on stderr, once per process: training loops call these functions often."""

    def __init__(self) -> None:
        self._is_given = False

    def give(self) -> None:
        if not self._is_given:
            self._is_given = True
            print("hfai: not in cluster", file=sys.stderr, flush=True)


not_in_cluster = _Notice()


def simulate(what: str) -> None:
    """Shows what would have been said to the platform."""
    print(f"hfai: simulated: {what}", flush=True)
