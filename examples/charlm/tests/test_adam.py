"""The optimizer goes downhill and changes nothing in place."""

import unittest

import adam
from adam import State


class Adam(unittest.TestCase):
    def test_finds_the_bottom_of_a_bowl(self):
        bottom = [3.0, -1.0]
        state = State.fresh([0.0, 0.0])
        for _ in range(400):
            state = adam.advance(state, [w - b for w, b in zip(state.weights, bottom)], learning_rate=0.3)
        self.assertEqual(state.step, 400)
        for weight, best in zip(state.weights, bottom):
            self.assertAlmostEqual(weight, best, places=3)

    def test_leaves_the_former_state_as_it_was(self):
        before = State.fresh([1.0])
        adam.advance(before, [0.5], learning_rate=0.1)
        self.assertEqual(before, State.fresh([1.0]))

    def test_warms_up_and_then_slows_down(self):
        rates = [adam.rate(1.0, step) for step in range(1, 1000)]
        self.assertEqual(rates.index(max(rates)), adam.WARM_UP_STEPS - 1)
        self.assertLess(rates[-1], 0.4)
        self.assertGreater(min(rates), 0.0)


if __name__ == "__main__":
    unittest.main()
