"""The whole life state in a task, in a simulation and elsewhere, as a fresh Python process sees it."""

import unittest

from tests.agent import Agent
from tests.agent import ask as ask_program

GET = "print(client.get_whole_life_state())"


def ask(program=GET, **environment):
    return ask_program(program, **environment)


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
        twice = "print(client.get_whole_life_state(), client.get_whole_life_state())"
        self.assertEqual(ask(twice), ("0 0", "hfai: not in cluster"))
        self.assertEqual(ask(HFAI_SIMULATE="0", MARSV2_WHOLE_LIFE_STATE="5"), ("5", "hfai: not in cluster"))

    def test_that_is_not_a_number_is_an_error_which_names_the_variable(self):
        _, errors = ask(MARSV2_NB_NAME="train.py", MARSV2_WHOLE_LIFE_STATE="seven")
        self.assertIn("ValueError: MARSV2_WHOLE_LIFE_STATE must be a whole number, not 'seven'", errors)


class ANumberForTheNextRun(unittest.TestCase):
    def setUp(self):
        self.agent = Agent()
        self.addCleanup(self.agent.close)

    def ask(self, *calls, **more):
        program = "; ".join(f"print(client.set_whole_life_state({call}))" for call in calls)
        return ask(program, **self.agent.environment(**more))

    def test_is_handed_to_the_agent_unless_it_is_known(self):
        output, errors = self.ask("7", "8", "8", "7", "-1", MARSV2_WHOLE_LIFE_STATE="7")
        self.assertEqual((output.split(), errors), (["False", "True", "False", "True", "True"], ""))
        expected = [{"call": "set_whole_life_state", "state": state} for state in (8, 7, -1)]
        self.assertEqual(self.agent.heard(), expected)

    def test_does_not_change_the_one_of_this_run(self):
        output, _ = ask(f"client.set_whole_life_state(3); {GET}", **self.agent.environment())
        self.assertEqual(output, "0")

    def test_that_is_refused_is_an_exception_unless_you_prefer_a_line(self):
        refusal = b'{"ok":false,"message":"The run is over."}\n'
        self.agent.answers = [refusal]
        _, errors = self.ask("3")
        self.assertIn("AgentError: set_whole_life_state: The run is over.", errors)
        self.agent.answers = [refusal]
        output, errors = self.ask("3, raise_exception=False", "3")
        self.assertEqual(output.split(), ["False", "True"])
        self.assertEqual(errors, "hfai: set_whole_life_state: The run is over.")

    def test_is_shown_in_a_simulation_and_nothing_elsewhere(self):
        program = "print(client.set_whole_life_state(3))"
        expected = ("hfai: simulated: the whole life state is 3\nTrue", "")
        self.assertEqual(ask(program, HFAI_SIMULATE="1"), expected)
        self.assertEqual(ask(program), ("False", "hfai: not in cluster"))

    def test_must_be_a_number_of_32_bits(self):
        for state in ("'3'", "3.0", "True", "2**31", "None"):
            with self.subTest(state):
                self.assertIn("ValueError: the whole life state must be", self.ask(state)[1])


if __name__ == "__main__":
    unittest.main()
