"""Trainings as a user runs them: alone, in twos, killed and started again, and with wrong options."""

import json
import signal
import tempfile
import unittest
from pathlib import Path

from tests.launch import SMALL, start, start_two, wait_for_step, write_corpus

FOR_EVER = "1000000"


class ATraining(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.corpus = write_corpus(self.scratch / "corpus")

    def options(self, out, *more):
        return [*SMALL, "--corpus", str(self.corpus), "--out", str(self.scratch / out), *map(str, more)]

    def finish(self, process, code=0):
        """The log of a process which must end with `code`, and its lines on stderr."""
        log, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, code, msg=errors)
        return log.splitlines(), errors.splitlines()

    def alone(self, out, *more):
        return self.finish(start(self.options(out, *more)))

    def in_twos(self, out, *more):
        return [self.finish(rank) for rank in self.start_two(out, *more)]

    def result(self, out):
        return json.loads((self.scratch / out / "result.json").read_text())

    def saved_step(self, out):
        with open(self.scratch / out / "checkpoint.bin", "rb") as file:
            return json.loads(file.readline())["step"]

    def endless_twos(self, out):
        ranks = self.start_two(out, "--steps", FOR_EVER, "--checkpoint-every", 1)
        wait_for_step(ranks[0], 5)
        return ranks

    def start_two(self, out, *more):
        """Two ranks which are gone after the test, whatever happens in it."""
        ranks = start_two(self.options(out, *more))
        for rank in ranks:
            self.addCleanup(rank.communicate)
            self.addCleanup(rank.kill)
        return ranks

    def test_learns(self):
        log, errors = self.alone("out", "--steps", 150, "--learning-rate", 0.1)
        self.assertEqual(errors, [])
        self.assertRegex(log[0], r"^world size 1, seed 1, \d+ weights, \d+ characters to learn from, \d+ held out$")
        self.assertRegex(log[150], r"^step 150/150 train \d\.\d{3} bpc, [\d.]+ steps/s$")
        self.assertRegex(log[-1], r"^held-out \d\.\d{3} bpc, unigram \d\.\d{3} bpc, better by \d\.\d{3} bits$")
        result = self.result("out")
        self.assertGreater(result["improvement"], 1.0)
        self.assertAlmostEqual(result["improvement"], result["unigram_bpc"] - result["bpc"])
        self.assertEqual((result["steps"], result["seed"], result["world_size"]), (150, 1, 1))
        files = sorted(path.name for path in (self.scratch / "out").iterdir())
        self.assertEqual(files, ["checkpoint.bin", "result.json"])

    def test_that_is_continued_ends_like_one_that_was_never_interrupted(self):
        self.alone("whole", "--steps", 9)
        self.alone("parts", "--steps", 4)
        log, _ = self.alone("parts", "--steps", 9)
        self.assertEqual(log[1], "continuing after step 4")
        self.assertTrue(log[2].startswith("step 5/9 "))
        self.assertEqual(self.result("parts")["resumed_from"], 4)
        self.assertEqual(self.result("parts")["weights_sha256"], self.result("whole")["weights_sha256"])

    def test_that_is_complete_is_only_evaluated_again(self):
        self.alone("out", "--steps", 3)
        before = self.result("out")
        log, _ = self.alone("out", "--steps", 3)
        self.assertEqual(len(log), 3)
        self.assertEqual(self.result("out")["bpc"], before["bpc"])

    def test_depends_on_its_seed(self):
        self.alone("one", "--steps", 2)
        self.alone("two", "--steps", 2, "--seed", 2)
        self.assertNotEqual(self.result("one")["weights_sha256"], self.result("two")["weights_sha256"])

    def test_on_two_ranks_gives_the_same_bits_each_time_and_learns_what_one_rank_learns(self):
        for out in ("first", "second"):
            (log_0, errors_0), (log_1, errors_1) = self.in_twos(out, "--steps", 20)
            self.assertEqual((errors_0, errors_1), ([], []))
            self.assertEqual(log_1[-1], f"[rank 1] {log_0[-1]}")
        self.assertEqual(self.result("first")["world_size"], 2)
        self.assertEqual(self.result("first")["weights_sha256"], self.result("second")["weights_sha256"])
        self.alone("alone", "--steps", 20)
        self.assertAlmostEqual(self.result("first")["bpc"], self.result("alone")["bpc"], places=9)

    def test_that_was_killed_goes_on_at_the_very_next_step_with_the_same_bits(self):
        rank_0, rank_1 = self.endless_twos("killed")
        rank_0.kill()
        self.finish(rank_0, code=-signal.SIGKILL)
        _, errors = self.finish(rank_1, code=1)
        self.assertEqual(len(errors), 1)
        self.assertRegex(errors[0], "^charlm: rank 1: lost rank 0: ")

        saved = self.saved_step("killed")
        self.assertGreaterEqual(saved, 5)
        (log, _), _ = self.in_twos("killed", "--steps", saved + 3)
        self.assertEqual(log[1], f"continuing after step {saved}")
        self.in_twos("undisturbed", "--steps", saved + 3)
        self.assertEqual(self.result("killed")["weights_sha256"], self.result("undisturbed")["weights_sha256"])

    def test_ends_on_rank_0_when_rank_1_is_killed(self):
        rank_0, rank_1 = self.endless_twos("out")
        rank_1.kill()
        _, errors = self.finish(rank_0, code=1)
        self.assertEqual(len(errors), 1)
        self.assertRegex(errors[0], "^charlm: rank 0: lost rank 1: ")
        self.assertFalse((self.scratch / "out" / "result.json").exists())

    def test_ends_when_it_diverges(self):
        _, errors = self.finish(start(self.options("out", "--learning-rate", "1e308")), code=1)
        self.assertEqual(len(errors), 1)
        self.assertRegex(errors[0], r"the loss is (nan|inf) at step \d+: choose a smaller --learning-rate")
        self.assertFalse((self.scratch / "out" / "result.json").exists())

    def test_refuses_what_it_cannot_continue(self):
        self.alone("out", "--steps", 4)
        before = self.result("out")
        for more, reason in (
            (("--steps", 2), "is at step 4 already, beyond --steps 2"),
            (("--seed", 2), r"was made with another seed \(1, now 2\); remove it or choose another --out"),
        ):
            with self.subTest(reason):
                _, errors = self.finish(start(self.options("out", *more)), code=1)
                self.assertEqual(len(errors), 1)
                self.assertRegex(errors[0], reason)
                self.assertEqual(self.result("out"), before)

    def test_refuses_a_place_it_cannot_write_to(self):
        (self.scratch / "file").write_text("not a directory")
        _, errors = self.finish(start(self.options("file/out")), code=1)
        self.assertEqual(len(errors), 1)
        self.assertRegex(errors[0], "cannot use .*file/out: Not a directory; choose another --out")

    def test_answers_a_wrong_option_with_one_sentence_and_code_2(self):
        for option, value, reason in (
            ("--steps", "0", "must be a whole number from 1 to 1000000000, not '0'"),
            ("--steps", "many", "not 'many'"),
            ("--seed", "-1", "must be a whole number from 0 to"),
            ("--context", "1001", "must be a whole number from 1 to 1000"),
            ("--learning-rate", "nan", "must be a number above 0"),
            ("--join-timeout", "inf", "must be a number of seconds above 0"),
            ("--colour", "red", "unrecognized arguments: --colour red"),
        ):
            with self.subTest(option=option, value=value):
                _, errors = self.finish(start([option, value]), code=2)
                self.assertEqual(len(errors), 1)
                self.assertIn(reason, errors[0])

    def test_answers_a_wrong_environment_with_one_sentence_and_code_2(self):
        for environment, reason in (
            ({"WORLD_SIZE": "two"}, "WORLD_SIZE must be a whole number from 1 to 1024, not 'two'"),
            ({"WORLD_SIZE": "2", "RANK": "2"}, "RANK must be a whole number from 0 to 1, not '2'"),
            ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": ""}, "MASTER_ADDR must name the machine of rank 0"),
            ({"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "x"}, "MASTER_PORT must be a whole number"),
            ({"WORLD_SIZE": "512", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, "--batch 256 cannot be divided among 512"),
        ):
            with self.subTest(environment=environment):
                _, errors = self.finish(start([], **environment), code=2)
                self.assertEqual(len(errors), 1)
                self.assertIn(reason, errors[0])


if __name__ == "__main__":
    unittest.main()
