"""Giving way to more urgent tasks, if the package `hfai` is there; without it the training is never asked to."""

from __future__ import annotations

try:
    from hfai import client
except ImportError:
    client = None


def is_asked_for() -> bool:
    """Whether the platform wants this task to save and end now."""
    return client is not None and client.receive_suspend_command()


def leave() -> None:
    """Ends the process, which will be started again later. Returns only if the platform is out of reach."""
    if client is not None:
        client.go_suspend()
