"""A training that gives way and goes on later has lost nothing."""

import json
import random
import tempfile
import unittest
from contextlib import ExitStack
from pathlib import Path

from tests.agent import HFAI, Agent
from tests.launch import SMALL, meeting_point, start, start_two, wait_for_step, write_corpus

FOR_EVER = "1000000"
NEVER = "1000000"
"""So that the only checkpoint is the one of the suspension."""


class ASuspendedTraining(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.corpus = write_corpus(self.scratch / "corpus")

    def options(self, out, *more):
        places = ["--corpus", str(self.corpus), "--out", str(self.scratch / out)]
        return [*SMALL, *places, "--checkpoint-every", NEVER, *map(str, more)]

    def start(self, options, **environment):
        process = start(options, **environment)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def finish(self, process):
        """The log of a process which must succeed."""
        log, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, errors), (0, ""))
        return log.splitlines()

    def in_twos(self, out, *more):
        return [self.finish(rank) for rank in start_two(self.options(out, *more))]

    def result(self, out):
        return json.loads((self.scratch / out / "result.json").read_text())

    def saved_step(self, out):
        with open(self.scratch / out / "checkpoint.bin", "rb") as file:
            return json.loads(file.readline())["step"]

    def suspend_two(self, out, at_step, told):
        """Logs of two ranks which are to suspend from this step on, as `told` ranks hear, and are ended when ready."""
        with ExitStack() as stack:
            agents = [stack.enter_context(Agent()) for _ in range(2)]
            place = meeting_point()
            options = self.options(out, "--steps", FOR_EVER)
            ranks = [
                self.start(options, RANK=str(rank), WORLD_SIZE="2", **place, **agents[rank].environment())
                for rank in range(2)
            ]
            wait_for_step(ranks[0], at_step)
            for rank in told:
                agents[rank].suspend()
            # Rank 0 takes notice, and both say that they are ready: only then they are ended.
            self.assertEqual(agents[0].calls.get(timeout=60), "suspend_received")
            self.assertEqual(agents[0].calls.get(timeout=60), "go_suspend")
            self.assertEqual(agents[1].calls.get(timeout=60), "go_suspend")
            for rank in ranks:
                self.assertIsNone(rank.poll(), "it waits to be ended")
                rank.kill()
            return [rank.communicate()[0].splitlines() for rank in ranks]

    def test_goes_on_at_the_very_next_step_with_the_same_bits(self):
        seeded = random.Random(20261123)
        for number in range(3):
            at_step = seeded.randrange(1, 60)
            with self.subTest(at_step=at_step):
                out = f"suspended-{number}"
                log_0, log_1 = self.suspend_two(out, at_step, told=(0, 1))
                saved = self.saved_step(out)
                self.assertGreater(saved, at_step)
                self.assertIn(f"suspended after step {saved}", log_0)
                self.assertIn(f"[rank 1] suspended after step {saved}", log_1)

                log, _ = self.in_twos(out, "--steps", saved + 5)
                self.assertEqual(log[1], f"continuing after step {saved}")
                self.assertTrue(log[2].startswith(f"step {saved + 1}/"))
                self.in_twos(f"undisturbed-{number}", "--steps", saved + 5)
                ours, theirs = self.result(out), self.result(f"undisturbed-{number}")
                self.assertEqual(ours["weights_sha256"], theirs["weights_sha256"])

    def test_leaves_on_all_ranks_although_only_rank_0_was_told(self):
        self.suspend_two("out", 3, told=(0,))

    def test_in_a_simulation_ends_with_success_and_without_a_result(self):
        environment = {"PYTHONPATH": str(HFAI), "HFAI_SIMULATE": "1", "SIMULATE_SUSPEND": "0"}
        log = self.finish(self.start(self.options("out", "--steps", FOR_EVER), **environment))
        self.assertEqual(log[-2:], ["suspended after step 1", "hfai: simulated: suspended here"])
        self.assertEqual(self.saved_step("out"), 1)
        self.assertFalse((self.scratch / "out" / "result.json").exists())

    def test_is_complete_rather_than_suspended_after_its_last_step(self):
        environment = {"PYTHONPATH": str(HFAI), "HFAI_SIMULATE": "1", "SIMULATE_SUSPEND": "0"}
        self.finish(self.start(self.options("out", "--steps", 1), **environment))
        self.assertEqual(self.result("out")["steps"], 1)


if __name__ == "__main__":
    unittest.main()
