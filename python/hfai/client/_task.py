"""What a task may say about itself while it runs: how urgent it is, how long it may be quiet, what is broken."""

import enum
import os
from typing import Any, Optional, Union

from hfai.client._agent import attempt
from hfai.client._situation import Situation, not_in_cluster, simulate, situation

_LOCAL_SECS = 5.0
_LONGEST_TEXT = 1000
"""Characters. Longer texts belong into the log; the agent takes at most 16 KiB a request."""


class EXP_PRIORITY(enum.IntEnum):
    """How urgent a task is. The higher, the sooner it runs; each level has its quota."""

    EXTREME_HIGH = 50
    VERY_HIGH = 40
    HIGH = 30
    ABOVE_NORMAL = 20
    NORMAL = 10
    UNDER_NORMAL = 8
    BELOW_NORMAL = 5
    LOW = 0
    AUTO = -1


def set_priority(
    prio: Union[EXP_PRIORITY, int],
    timeout: float = 500,
    raise_exception: bool = False,
    custom_rank: Optional[float] = None,
) -> bool:
    """Makes this task more or less urgent from now on, which may interrupt it at once.

    `custom_rank` places it among the tasks of the same user. Returns when the platform has stored it: True if it has.
    See `set_whole_life_state` for the rest.

    Raises `ValueError` for a number that is no level.
    """
    level = EXP_PRIORITY(prio)
    return _say(
        f"the priority is {level.name}",
        "set_priority",
        timeout,
        raise_exception,
        priority=level.name,
        custom_rank=custom_rank,
    )


def set_watchdog_time(seconds: int) -> bool:
    """For how long the task may print nothing before it counts as stuck: 30 minutes unless it was submitted otherwise.

    Only the output of rank 0 is watched; on the other ranks this does nothing. True if it was set.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < 2**32:
        raise ValueError(f"the watchdog's time must be a whole number of seconds above 0, not {seconds!r}")
    what = f"the task may print nothing for {seconds} s"
    return _say(what, "set_watchdog_time", _LOCAL_SECS, False, seconds=seconds)


def report_failure(
    message: str, hardware_ok: bool = False, timeout: float = 500, raise_exception: bool = False
) -> bool:
    """Says that the training cannot go on here, and why.

    With `hardware_ok=False` the machine is to blame: this process is ended soon after, and the task is run again on
    others. With `hardware_ok=True` it is not, and nothing is ended: exit with a code other than 0, and the task fails.
    True if the platform knows; see `set_whole_life_state` for the rest.
    """
    text = str(message)[:_LONGEST_TEXT]
    what = f"failure reported: {text}"
    facts = {"hardware_ok": bool(hardware_ok), "message": text}
    return _say(what, "report_failure", timeout, raise_exception, **facts)


def _say(what: str, name: str, timeout: float, raise_exception: bool, **arguments: Any) -> bool:
    where = situation(os.environ)
    if where is Situation.ELSEWHERE:
        not_in_cluster.give()
        return False
    if where is Situation.SIMULATED:
        simulate(what)
        return True
    return attempt(name, timeout, raise_exception, **arguments)
