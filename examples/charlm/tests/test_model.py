"""The network's gradient is the derivative of its loss, and parts of a batch add up."""

import random
import unittest

from model import Model

MODEL = Model(symbols=5, context=3, hidden=4)
TEXT = bytes(random.Random(7).choices(range(5), k=60))
POSITIONS = list(range(3, 23))
NATS_PER_BIT = 0.6931471805599453


class TheModel(unittest.TestCase):
    def setUp(self):
        source = random.Random(8)
        self.weights = [source.uniform(-0.5, 0.5) for _ in range(MODEL.size)]

    def test_has_as_many_weights_as_it_says(self):
        self.assertEqual(len(MODEL.initial(seed=1)), MODEL.size)

    def test_begins_with_weights_that_depend_on_the_seed_alone(self):
        self.assertEqual(MODEL.initial(seed=1), MODEL.initial(seed=1))
        self.assertNotEqual(MODEL.initial(seed=1), MODEL.initial(seed=2))

    def test_has_the_gradient_that_finite_differences_give_for_every_weight(self):
        _, gradient = MODEL.gradient(self.weights, TEXT, POSITIONS)
        self.assertEqual(len(gradient), MODEL.size)
        nudge = 1e-5
        for index, slope in enumerate(gradient):
            above, below = list(self.weights), list(self.weights)
            above[index] += nudge
            below[index] -= nudge
            rise = MODEL.bits(above, TEXT, POSITIONS) - MODEL.bits(below, TEXT, POSITIONS)
            self.assertAlmostEqual(slope, rise * NATS_PER_BIT / (2 * nudge), delta=1e-6, msg=f"weight {index}")

    def test_reports_the_same_loss_with_and_without_gradient(self):
        loss, _ = MODEL.gradient(self.weights, TEXT, POSITIONS)
        self.assertAlmostEqual(loss, MODEL.bits(self.weights, TEXT, POSITIONS), places=9)

    def test_has_a_gradient_that_is_the_sum_over_the_shares_of_two_ranks(self):
        loss, gradient = MODEL.gradient(self.weights, TEXT, POSITIONS)
        first_loss, first = MODEL.gradient(self.weights, TEXT, POSITIONS[:9])
        second_loss, second = MODEL.gradient(self.weights, TEXT, POSITIONS[9:])
        self.assertAlmostEqual(loss, first_loss + second_loss, places=9)
        for whole, one, other in zip(gradient, first, second):
            self.assertAlmostEqual(whole, one + other, places=9)

    def test_survives_weights_that_would_overflow_a_naive_softmax(self):
        weights = [1000.0 * weight for weight in self.weights]
        loss, gradient = MODEL.gradient(weights, TEXT, POSITIONS)
        self.assertTrue(1000.0 < loss < 1e6, msg=loss)
        self.assertTrue(all(abs(slope) < 1e6 for slope in gradient))


if __name__ == "__main__":
    unittest.main()
