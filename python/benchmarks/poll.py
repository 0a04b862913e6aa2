#!/usr/bin/env python3
"""What `receive_suspend_command()` costs while nothing is to be suspended: `python3 benchmarks/poll.py`.

Exits with 1 if it is more than the 3 microseconds that the package promises.
"""

import os
import sys
import tempfile
import timeit
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

PROMISED_NS = 3000
N_POLLS = 200_000


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "suspend").write_bytes(b"0")
        os.environ.update(MARSV2_NB_NAME="benchmark", HAI_CONTROL_DIR=directory)
        from hfai.client import receive_suspend_command

        if receive_suspend_command():
            raise AssertionError("nobody asked to suspend")
        # The fastest of several rounds is the one that was disturbed least.
        secs = min(timeit.repeat(receive_suspend_command, number=N_POLLS, repeat=7))
    cost_ns = secs / N_POLLS * 1e9
    print(f"{cost_ns:.0f} ns per poll (Python {sys.version.split()[0]}, {N_POLLS} polls, best of 7)")
    return 0 if cost_ns <= PROMISED_NS else 1


if __name__ == "__main__":
    sys.exit(main())
