"""Tests of the example: `python3 -m unittest` in the folder above."""
