"""What training code says to the platform that runs it, and hears from it.

    from hfai import client

    for step in range(first, last):
        train(step)
        if client.receive_suspend_command():
            save(step)
            client.go_suspend()

The same code runs in three situations: in a task of the platform, simulated (`hai-cli python train.py ++`), and
elsewhere, on any machine without the platform. There they say "not in cluster" once and do nothing.
"""

from hfai.client._agent import AgentError
from hfai.client._life_state import get_whole_life_state, set_whole_life_state
from hfai.client._suspend import go_suspend, receive_suspend_command, saving
from hfai.client._task import EXP_PRIORITY, report_failure, set_priority, set_watchdog_time

__all__ = [
    "EXP_PRIORITY",
    "AgentError",
    "get_whole_life_state",
    "go_suspend",
    "receive_suspend_command",
    "report_failure",
    "saving",
    "set_priority",
    "set_watchdog_time",
    "set_whole_life_state",
]
