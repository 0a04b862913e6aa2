"""A checkpoint comes back bit for bit, or not at all."""

import math
import os
import struct
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import checkpoint
from adam import State
from checkpoint import CheckpointError

RECIPE = {"seed": 1, "learning_rate": 0.1}
STATE = State(step=3, weights=[0.1, -0.0], mean=[5e-324, math.inf], square=[1 / 3, 1e308])


def bits_of(state):
    values = state.weights + state.mean + state.square
    return state.step, struct.pack(f"<{len(values)}d", *values)


class ACheckpoint(unittest.TestCase):
    def test_comes_back_bit_for_bit(self):
        self.assertEqual(bits_of(checkpoint.decode(checkpoint.encode(STATE, RECIPE), RECIPE)), bits_of(STATE))

    def test_is_refused_when_any_byte_of_its_numbers_is_wrong_or_missing(self):
        content = checkpoint.encode(STATE, RECIPE)
        begin = content.index(b"\n") + 1
        for index in range(begin, len(content)):
            damaged = bytearray(content)
            damaged[index] ^= 1
            for wrong in (bytes(damaged), content[:index]):
                with self.assertRaisesRegex(CheckpointError, "damaged"):
                    checkpoint.decode(wrong, RECIPE)

    def test_is_refused_when_it_is_something_else(self):
        for content in (b"", b"\n", b"[]\n", b"null", b"{}\n", b"\x80\x04pickle", b'{"format": "other"}\n'):
            with self.assertRaises(CheckpointError, msg=content):
                checkpoint.decode(content, RECIPE)

    def test_is_refused_by_another_recipe_which_is_named(self):
        content = checkpoint.encode(STATE, RECIPE)
        with self.assertRaisesRegex(CheckpointError, r"another learning rate \(0.1, now 0.2\)"):
            checkpoint.decode(content, {**RECIPE, "learning_rate": 0.2})


class WritingAFile(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = Path(scratch.name) / "file"
        checkpoint.write_atomically(self.path, b"old")

    def test_replaces_the_content_and_leaves_nothing_else(self):
        checkpoint.write_atomically(self.path, b"new")
        self.assertEqual(self.path.read_bytes(), b"new")
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    def test_leaves_the_old_content_when_it_fails_before_the_new_one_is_safe(self):
        for call in ("fsync", "replace"):
            with mock.patch.object(os, call, side_effect=OSError("no space")), self.assertRaises(OSError):
                checkpoint.write_atomically(self.path, b"new")
            self.assertEqual(self.path.read_bytes(), b"old", msg=call)

    def test_never_opens_the_file_itself(self):
        opened = []

        def watching(path, *arguments, **options):
            opened.append(Path(path))
            return open(path, *arguments, **options)

        with mock.patch.object(checkpoint, "open", watching, create=True):
            checkpoint.write_atomically(self.path, b"new")
        self.assertNotIn(self.path, opened)

    def test_is_not_hindered_by_what_a_killed_process_left(self):
        self.path.with_name("file.tmp").write_bytes(b"half of a checkp")
        checkpoint.write_atomically(self.path, b"new")
        self.assertEqual(self.path.read_bytes(), b"new")


if __name__ == "__main__":
    unittest.main()
