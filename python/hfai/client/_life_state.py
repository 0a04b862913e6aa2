"""A number that a task hands from each of its runs to the next."""

import os

from hfai.client._situation import Situation, not_in_cluster, situation

_VARIABLE = "MARSV2_WHOLE_LIFE_STATE"


def get_whole_life_state() -> int:
    """What the previous run of this task left, or what the task was submitted with, or 0.

    The meaning is the training code's own: a stage of a curriculum, the number of a phase. The value is read from
    the environment, so it does not change during a run. In a simulation it is the one given by `-ls`. Elsewhere it
    is 0 unless you set the variable yourself, and one line on stderr says "not in cluster".

    Raises `ValueError` if the environment holds something which is not a whole number.
    """
    if situation(os.environ) is Situation.ELSEWHERE:
        not_in_cluster.give()
    text = os.environ.get(_VARIABLE, "").strip()
    try:
        return int(text or "0")
    except ValueError:
        raise ValueError(f"{_VARIABLE} must be a whole number, not {text!r}") from None
