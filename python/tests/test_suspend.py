"""Giving way in a task, in a simulation and elsewhere."""

import unittest

from tests.agent import Agent, ask, start

POLL = "print(client.receive_suspend_command())"
NOT_IN_CLUSTER = "hfai: not in cluster"


class InATask(unittest.TestCase):
    def setUp(self):
        self.agent = Agent()
        self.addCleanup(self.agent.close)

    def ask(self, program, **more):
        return ask(program, **self.agent.environment(**more))

    def start(self, program):
        process = start(program, **self.agent.environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_without_an_order_the_answer_is_no_and_nobody_is_called(self):
        self.assertEqual(self.ask(POLL), ("False", ""))
        self.assertEqual(self.agent.heard(), [])

    def test_the_order_is_seen_when_it_comes_and_when_it_is_withdrawn(self):
        process = self.start("for _ in range(3):\n    input()\n    print(client.receive_suspend_command(), flush=True)")
        for flag, answer in ((b"0", "False"), (b"1", "True"), (b"0", "False")):
            self.agent.set_flag(flag)
            process.stdin.write("\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline().strip(), answer)
        self.assertEqual(self.agent.heard(), [{"call": "suspend_received"}])

    def test_the_answer_is_yes_even_if_nobody_could_be_told(self):
        self.agent.set_flag(b"1")
        self.agent.answers = [b'{"ok":false,"message":"No."}\n']
        self.assertEqual(self.ask(POLL), ("True", "hfai: suspend_received: No."))

    def test_who_wants_an_exception_gets_one(self):
        self.agent.set_flag(b"1")
        self.agent.answers = [b'{"ok":false,"message":"No."}\n']
        _, errors = self.ask("client.receive_suspend_command(raise_exception=True)")
        self.assertIn("AgentError: suspend_received: No.", errors)

    def test_an_agent_that_hangs_up_is_called_again(self):
        self.agent.set_flag(b"1")
        self.agent.answers = [b"", b'{"ok":tr']
        self.assertEqual(self.ask(POLL), ("True", ""))
        self.assertEqual(len(self.agent.heard()), 3)

    def test_an_agent_that_only_hangs_up_is_given_up(self):
        self.agent.answers = [b""] * 9
        _, errors = self.ask("client.go_suspend(timeout=0.5)")
        self.assertEqual(errors, "hfai: go_suspend: no answer within 0.5 s: it hung up")

    def test_going_tells_the_agent_and_waits(self):
        process = self.start("client.go_suspend()\nprint('went on')")
        self.assertEqual(process.stdout.readline(), "hfai: waiting to be suspended\n")
        self.assertEqual(self.agent.heard(), [{"call": "go_suspend"}])
        self.assertIsNone(process.poll())

    def test_waiting_says_so_again_and_again(self):
        process = self.start("import hfai.client._suspend as s; s._SAY_EVERY_SECS = 0.01; client.go_suspend()")
        lines = [process.stdout.readline() for _ in range(3)]
        self.assertEqual(lines, ["hfai: waiting to be suspended\n"] * 3)

    def test_saving_is_told(self):
        self.assertEqual(self.ask("client.saving()"), ("", ""))
        self.assertEqual(self.agent.heard(), [{"call": "saving"}])

    def test_an_agent_that_is_gone_ends_nothing(self):
        (self.agent.directory / "agent.sock").unlink()
        self.agent.set_flag(b"1")
        output, errors = self.ask("print(client.receive_suspend_command()); client.saving(); client.go_suspend()")
        self.assertEqual(output, "True")
        reason = "the agent cannot be reached: No such file or directory"
        expected = [f"hfai: {name}: {reason}" for name in ("suspend_received", "saving", "go_suspend")]
        self.assertEqual(errors.splitlines(), expected)

    def test_without_a_control_directory_it_says_once_that_it_will_not_hear(self):
        output, errors = ask(f"{POLL}; {POLL}", MARSV2_NB_NAME="train.py")
        self.assertEqual(output.split(), ["False", "False"])
        self.assertEqual(errors, "hfai: no agent supervises this process; it will not hear of suspensions")
        self.agent.flag.unlink()
        output, errors = self.ask(f"{POLL}; {POLL}")
        self.assertEqual(output.split(), ["False", "False"])
        self.assertRegex(errors, "^hfai: .*/suspend: .*No such file.*; this process will not hear of suspensions$")


class InASimulation(unittest.TestCase):
    def test_the_order_comes_after_the_seconds_asked_for(self):
        ask_now = "print(client.receive_suspend_command(), client.receive_suspend_command())"
        said = "hfai: simulated: this task is to suspend\nTrue True"
        self.assertEqual(ask(ask_now, HFAI_SIMULATE="1", SIMULATE_SUSPEND="0"), (said, ""))
        self.assertEqual(ask(ask_now, HFAI_SIMULATE="1", SIMULATE_SUSPEND="1000"), ("False False", ""))
        self.assertEqual(ask(ask_now, HFAI_SIMULATE="1"), ("False False", ""))
        counted = "import hfai.client._suspend as s; s._imported_at -= 7"
        self.assertEqual(ask(f"{counted}; {ask_now}", HFAI_SIMULATE="1", SIMULATE_SUSPEND="7"), (said, ""))

    def test_nonsense_is_an_error_which_names_the_variable(self):
        _, errors = ask(POLL, HFAI_SIMULATE="1", SIMULATE_SUSPEND="soon")
        self.assertIn("ValueError: SIMULATE_SUSPEND must be a number of seconds, not 'soon'", errors)

    def test_going_ends_the_process_with_success(self):
        process = start("client.saving(); client.go_suspend(); print('went on')", HFAI_SIMULATE="1")
        output, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, output, errors), (0, "hfai: simulated: suspended here\n", ""))

    def test_going_ends_the_process_from_any_thread(self):
        program = "import threading, time; threading.Thread(target=client.go_suspend).start(); time.sleep(1000)"
        process = start(program, HFAI_SIMULATE="1")
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)


class Elsewhere(unittest.TestCase):
    def test_nobody_has_to_give_way(self):
        program = "print(client.receive_suspend_command()); client.saving(); client.go_suspend(); print('went on')"
        output, errors = ask(program, SIMULATE_SUSPEND="0")
        self.assertEqual((output.split("\n"), errors), (["False", "went on"], NOT_IN_CLUSTER))


if __name__ == "__main__":
    unittest.main()
