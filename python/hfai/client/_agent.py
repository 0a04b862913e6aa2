"""Calls to the agent that supervises this process: one line of JSON there, one back, over a Unix socket."""

import errno
import json
import os
import socket
import sys
import time
from typing import Any, Mapping, Optional

_DIRECTORY = "HAI_CONTROL_DIR"
_SOCKET = "agent.sock"
_PAUSE_SECS = 1.0
_BUSY = (errno.EAGAIN, errno.ECONNRESET, errno.EPIPE, errno.EINTR)
"""What a healthy agent may cause when it has much to do. After anything else trying again is in
vain: an agent that is gone does not return."""


class AgentError(Exception):
    """The agent refused a request, did not answer in time, or is gone."""


class _Busy(Exception):
    """Worth trying again."""


def control_directory(environment: Mapping[str, str]) -> Optional[str]:
    """Where the agent of this process is reached; None if it has none."""
    return environment.get(_DIRECTORY) or None


def call(name: str, timeout: float, **arguments: Any) -> None:
    """Returns when the agent has done what was asked, or raises `AgentError`. Tries again each second for `timeout`."""
    directory = control_directory(os.environ)
    if directory is None:
        raise AgentError(f"{name}: no agent supervises this process ({_DIRECTORY} is not set)")
    line = json.dumps({"call": name, **arguments}).encode() + b"\n"
    deadline = time.monotonic() + timeout
    while True:
        try:
            answer = _ask(directory, line, max(0.001, deadline - time.monotonic()))
        except _Busy as error:
            if time.monotonic() + _PAUSE_SECS >= deadline:
                raise AgentError(f"{name}: no answer within {timeout:g} s: {error}") from error
            time.sleep(_PAUSE_SECS)
            continue
        except OSError as error:
            raise AgentError(f"{name}: the agent cannot be reached: {error.strerror or error}") from error
        if answer.get("ok") is not True:
            raise AgentError(f"{name}: {answer.get('message') or 'refused'}")
        return


def attempt(name: str, timeout: float, raise_exception: bool, **arguments: Any) -> bool:
    """The same for those who prefer a line on stderr and False to an exception."""
    try:
        call(name, timeout, **arguments)
    except AgentError as error:
        if raise_exception:
            raise
        print(f"hfai: {error}", file=sys.stderr, flush=True)
        return False
    return True


def _ask(directory: str, line: bytes, secs: float) -> Mapping[str, Any]:
    # The address of a socket has at most 107 bytes. Through an open directory, any socket has a short one.
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(secs)
            connection.connect(f"/proc/self/fd/{opened}/{_SOCKET}")
            connection.sendall(line)
            with connection.makefile("rb") as answers:
                answer = answers.readline()
    except socket.timeout as error:
        raise _Busy("it is silent") from error
    except OSError as error:
        if error.errno in _BUSY:
            raise _Busy(error.strerror) from error
        raise
    finally:
        os.close(opened)
    if not answer.endswith(b"\n"):
        raise _Busy("it hung up")
    try:
        content = json.loads(answer)
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {"message": "the agent's answer cannot be read"}
