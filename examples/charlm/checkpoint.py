"""A training at rest: one file that holds everything needed to go on with the very next step.

The file is one line of JSON (the header) and the floats of the state: weights, mean, square. The same bytes travel
from rank 0 to the other ranks at the start, so that only rank 0 needs to see the file.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Dict, Union

import floats
from adam import State

Recipe = Dict[str, Union[int, float, str]]
"""What determines the training, besides the number of steps: a state may only be continued with the same recipe."""

_FORMAT = "charlm checkpoint 1"


class CheckpointError(Exception):
    """There is a checkpoint, but this training cannot continue from it."""


def encode(state: State, recipe: Recipe) -> bytes:
    """The content of a checkpoint file."""
    payload = b"".join(map(floats.pack, (state.weights, state.mean, state.square)))
    header = {
        "format": _FORMAT,
        "step": state.step,
        "recipe": recipe,
        "sha256": hashlib.sha256(payload).hexdigest(),
    }
    return json.dumps(header, sort_keys=True).encode() + b"\n" + payload


def decode(content: bytes, recipe: Recipe) -> State:
    """The state in a checkpoint file which was made with `recipe`, or `CheckpointError`."""
    line, _, payload = content.partition(b"\n")
    try:
        header = json.loads(line)
        is_known = header["format"] == _FORMAT
        step, theirs, digest = header["step"], header["recipe"], header["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError("is not a checkpoint of this program") from error
    if not is_known:
        raise CheckpointError("has an unknown format")
    if hashlib.sha256(payload).hexdigest() != digest or len(payload) % (3 * floats.BYTES):
        raise CheckpointError("is damaged: its checksum is wrong")
    for key in sorted(set(recipe) | set(theirs)):
        if recipe.get(key) != theirs.get(key):
            was, now = theirs.get(key), recipe.get(key)
            raise CheckpointError(f"was made with another {key.replace('_', ' ')} ({was}, now {now})")
    values = floats.unpack(payload)
    size = len(values) // 3
    return State(step, values[:size], values[size : 2 * size], values[2 * size :])


def write_atomically(path: Path, content: bytes) -> None:
    """After this `path` has the new content; if it fails or the machine stops anywhere in it, the old one."""
    temporary = path.with_name(path.name + ".tmp")  # one name: what a killed process leaves, the next one overwrites
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the new name itself must survive a power cut
    finally:
        os.close(folder)
