"""The whole life state in a task, in a simulation and elsewhere, as a fresh Python process sees it."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
OURS = ("MARSV2_NB_NAME", "MARSV2_WHOLE_LIFE_STATE", "HFAI_SIMULATE")


def ask(program="print(hfai.client.get_whole_life_state())", **environment):
    """What `program` prints and what it complains about."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [sys.executable, "-c", f"import hfai.client; {program}"],
        env={**inherited, "PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    return done.stdout.strip(), done.stderr.strip()


class TheWholeLifeState(unittest.TestCase):
    def test_in_a_task_is_what_the_previous_run_left(self):
        self.assertEqual(ask(MARSV2_NB_NAME="train.py", MARSV2_WHOLE_LIFE_STATE="7"), ("7", ""))
        self.assertEqual(ask(MARSV2_NB_NAME="train.py", MARSV2_WHOLE_LIFE_STATE="-3"), ("-3", ""))

    def test_in_the_first_run_of_a_task_is_0(self):
        self.assertEqual(ask(MARSV2_NB_NAME="train.py"), ("0", ""))
        self.assertEqual(ask(MARSV2_NB_NAME="train.py", MARSV2_WHOLE_LIFE_STATE=""), ("0", ""))

    def test_in_a_simulation_is_the_one_asked_for(self):
        self.assertEqual(ask(HFAI_SIMULATE="1", MARSV2_WHOLE_LIFE_STATE="5"), ("5", ""))

    def test_elsewhere_is_0_unless_set_by_hand_and_says_once_that_there_is_no_platform(self):
        twice = "print(hfai.client.get_whole_life_state(), hfai.client.get_whole_life_state())"
        self.assertEqual(ask(twice), ("0 0", "hfai: not in cluster"))
        self.assertEqual(ask(HFAI_SIMULATE="0", MARSV2_WHOLE_LIFE_STATE="5"), ("5", "hfai: not in cluster"))

    def test_that_is_not_a_number_is_an_error_which_names_the_variable(self):
        _, errors = ask(MARSV2_NB_NAME="train.py", MARSV2_WHOLE_LIFE_STATE="seven")
        self.assertIn("ValueError: MARSV2_WHOLE_LIFE_STATE must be a whole number, not 'seven'", errors)


if __name__ == "__main__":
    unittest.main()
