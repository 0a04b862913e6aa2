"""Giving way: a task that is to suspend saves, says so, and is run again later."""

import mmap
import os
import sys
import threading
import time
from typing import Callable, Optional

from hfai.client._agent import attempt, control_directory
from hfai.client._situation import Situation, not_in_cluster, simulate, situation

_FLAG = "suspend"
_RAISED = ord("1")
_SIMULATED_AFTER = "SIMULATE_SUSPEND"
_SAY_EVERY_SECS = 10.0
_LOCAL_SECS = 5.0
"""The patience with an agent where nothing depends on its answer."""

_imported_at = time.monotonic()


def receive_suspend_command(timeout: float = 500, raise_exception: bool = False) -> bool:
    """Whether this task is to give way now. Ask once per step: a no costs less than 3 microseconds.

    True also tells the platform that the task has taken notice. From then on it has some seconds to save, more while it
    prints or calls `saving`, and then calls `go_suspend`. Every rank gets to know; what counts is that rank 0 asks, so
    let rank 0 decide at which step all leave. The platform may change its mind: then the answer is no again.

    In a simulation it is True once the seconds of `-ss` have passed since the import of this package. Elsewhere it is
    False.

    If the platform could not be told that the task has taken notice (`timeout` in seconds), the answer is True all the
    same and a line on stderr says so, or `AgentError` is raised if `raise_exception`.
    """
    if not _is_due():
        return False
    return _take_notice(timeout, raise_exception)


def go_suspend(timeout: float = 500, raise_exception: bool = False) -> None:
    """Says that everything is saved and this process may be ended, and waits for that. Any rank may call it.

    In a task it does not return: the process is ended from outside, and later the task is run again from its beginning,
    by the same command. Only if the platform cannot be told within `timeout` seconds, a line on stderr says so and it
    returns, or `AgentError` is raised if `raise_exception`. In a simulation the process exits with code 0. Elsewhere it
    says "not in cluster" and returns.
    """
    where = situation(os.environ)
    if where is Situation.ELSEWHERE:
        not_in_cluster.give()
        return
    sys.stdout.flush()
    sys.stderr.flush()
    if where is Situation.SIMULATED:
        simulate("suspended here")
        _exit()
        return
    if attempt("go_suspend", timeout, raise_exception):
        _wait_for_the_end()


def saving() -> None:
    """Says that a checkpoint is being written, so that a task that is to suspend gets some seconds more.

    Call it every few seconds while saving without printing anything. It costs less than a millisecond, and does nothing
    harmful when no suspension is under way.
    """
    where = situation(os.environ)
    if where is Situation.ELSEWHERE:
        not_in_cluster.give()
    elif where is Situation.TASK:
        attempt("saving", _LOCAL_SECS, raise_exception=False)


def _take_notice(timeout: float, raise_exception: bool) -> bool:
    if situation(os.environ) is Situation.SIMULATED:
        _simulated_notice.give()
    else:
        # Each time: the suspension may have been withdrawn and ordered again since the last one.
        attempt("suspend_received", timeout, raise_exception)
    return True


def _wait_for_the_end() -> None:
    while True:
        print("hfai: waiting to be suspended", flush=True)
        time.sleep(_SAY_EVERY_SECS)


def _exit() -> None:
    """Ends the process from any thread. The main one runs the handlers of a normal exit."""
    if threading.current_thread() is threading.main_thread():
        sys.exit(0)
    os._exit(0)


class _SimulatedNotice:
    def __init__(self) -> None:
        self._is_given = False

    def give(self) -> None:
        if not self._is_given:
            self._is_given = True
            simulate("this task is to suspend")


_simulated_notice = _SimulatedNotice()


def _first_look() -> bool:
    """Finds out how to look, and looks."""
    global _is_due
    _is_due = _find_look()
    return _is_due()


_is_due: Callable[[], bool] = _first_look


def _find_look() -> Callable[[], bool]:
    where = situation(os.environ)
    if where is Situation.TASK:
        directory = control_directory(os.environ)
        if directory is None:
            _complain("no agent supervises this process; it will not hear of suspensions")
            return _never
        return _look_at(directory)
    if where is Situation.SIMULATED:
        return _look_at_clock(os.environ.get(_SIMULATED_AFTER))
    not_in_cluster.give()
    return _never


def _complain(what: str) -> None:
    print(f"hfai: {what}", file=sys.stderr, flush=True)


def _never() -> bool:
    return False


def _look_at(directory: str) -> Callable[[], bool]:
    """The agent sets a byte in a file. Mapped, it is read without a system call."""
    path = os.path.join(directory, _FLAG)
    try:
        with open(path, "rb") as file:
            flag = mmap.mmap(file.fileno(), 1, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        _complain(f"{path}: {error}; this process will not hear of suspensions")
        return _never
    return lambda: flag[0] == _RAISED


def _look_at_clock(after_secs: Optional[str]) -> Callable[[], bool]:
    if not after_secs:
        return _never
    try:
        due_at = _imported_at + float(after_secs)
    except ValueError:
        raise ValueError(f"{_SIMULATED_AFTER} must be a number of seconds, not {after_secs!r}") from None
    return lambda: time.monotonic() >= due_at
