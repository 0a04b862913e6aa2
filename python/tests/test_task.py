"""Priority, watchdog and failures in a task, in a simulation and elsewhere."""

import unittest

from tests.agent import Agent, ask

CALLS = {
    "client.set_priority(client.EXP_PRIORITY.HIGH)": {
        "call": "set_priority",
        "priority": "HIGH",
        "custom_rank": None,
    },
    "client.set_priority(-1, custom_rank=1.5)": {"call": "set_priority", "priority": "AUTO", "custom_rank": 1.5},
    "client.set_watchdog_time(60)": {"call": "set_watchdog_time", "seconds": 60},
    "client.report_failure('GPU 3 is gone')": {
        "call": "report_failure",
        "hardware_ok": False,
        "message": "GPU 3 is gone",
    },
}


class WhatATaskSays(unittest.TestCase):
    def setUp(self):
        self.agent = Agent()
        self.addCleanup(self.agent.close)

    def test_reaches_the_agent(self):
        for program, call in CALLS.items():
            with self.subTest(program):
                self.assertEqual(ask(f"print({program})", **self.agent.environment()), ("True", ""))
                self.assertEqual(self.agent.heard(), [call])

    def test_may_be_refused(self):
        for program, call in CALLS.items():
            with self.subTest(program):
                self.agent.answers = [b'{"ok":false,"message":"Not now."}\n']
                expected = ("False", f"hfai: {call['call']}: Not now.")
                self.assertEqual(ask(f"print({program})", **self.agent.environment()), expected)

    def test_is_only_shown_in_a_simulation(self):
        program = "; ".join(CALLS)
        expected = [
            "hfai: simulated: the priority is HIGH",
            "hfai: simulated: the priority is AUTO",
            "hfai: simulated: the task may print nothing for 60 s",
            "hfai: simulated: failure reported: GPU 3 is gone",
        ]
        output, errors = ask(program, HFAI_SIMULATE="1")
        self.assertEqual((output.splitlines(), errors), (expected, ""))

    def test_has_no_effect_elsewhere(self):
        program = "; ".join(f"print({call})" for call in CALLS)
        self.assertEqual(ask(program), ("\n".join(["False"] * 4), "hfai: not in cluster"))

    def test_must_make_sense(self):
        for program in ("client.set_priority(31)", "client.set_watchdog_time(0)", "client.set_watchdog_time(1.5)"):
            with self.subTest(program):
                self.assertIn("ValueError: ", ask(program)[1])

    def test_may_be_long_but_not_endless(self):
        program = "print(client.report_failure('\\U0001f4a5' * 100000))"
        self.assertEqual(ask(program, **self.agent.environment()), ("True", ""))
        (call,) = self.agent.heard()
        self.assertEqual(call["message"], "\U0001f4a5" * 1000)


if __name__ == "__main__":
    unittest.main()
