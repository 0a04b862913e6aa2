"""A number that a task hands from each of its runs to the next."""

import os
from typing import Optional

from hfai.client._agent import attempt
from hfai.client._situation import Situation, not_in_cluster, simulate, situation

_VARIABLE = "MARSV2_WHOLE_LIFE_STATE"
_LOWEST, _HIGHEST = -(2**31), 2**31 - 1

_handed_on: Optional[int] = None
"""What this process last set."""


def get_whole_life_state() -> int:
    """What the previous run of this task left, or what the task was submitted with, or 0.

    The meaning is the training code's own: a stage of a curriculum, the number of a phase. The value is read from
    the environment, so it does not change during a run. In a simulation it is the one given by `-ls`. Elsewhere it
    is 0 unless you set the variable yourself, and one line on stderr says "not in cluster".

    Raises `ValueError` if the environment holds something which is not a whole number.
    """
    if situation(os.environ) is Situation.ELSEWHERE:
        not_in_cluster.give()
    return _received()


def set_whole_life_state(state: int, timeout: float = 500, raise_exception: bool = True) -> bool:
    """Leaves a number for the next run of this task. Returns when the platform has stored it.

    True if it was stored. False if there was nothing to do, because it is what the next run would get anyway, and
    elsewhere. If the platform does not take it within `timeout` seconds, `AgentError` is raised, or a line on stderr
    says so and the answer is False unless `raise_exception`. A simulation says it on stdout, and succeeds.

    Raises `ValueError` for what is not a whole number of 32 bits.
    """
    global _handed_on
    if isinstance(state, bool) or not isinstance(state, int) or not _LOWEST <= state <= _HIGHEST:
        raise ValueError(f"the whole life state must be a whole number of 32 bits, not {state!r}")
    where = situation(os.environ)
    if where is Situation.ELSEWHERE:
        not_in_cluster.give()
        return False
    if state == (_received() if _handed_on is None else _handed_on):
        return False
    if where is Situation.SIMULATED:
        simulate(f"the whole life state is {state}")
    elif not attempt("set_whole_life_state", timeout, raise_exception, state=state):
        return False
    _handed_on = state
    return True


def _received() -> int:
    text = os.environ.get(_VARIABLE, "").strip()
    try:
        return int(text or "0")
    except ValueError:
        raise ValueError(f"{_VARIABLE} must be a whole number, not {text!r}") from None
