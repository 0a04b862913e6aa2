"""The optimizer: from one state of the training and a gradient to the next state (Adam, Kingma and Ba 2015)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List

MEAN_DECAY = 0.9
SQUARE_DECAY = 0.99
TINY = 1e-8
WARM_UP_STEPS = 20
DECAY_STEPS = 100


@dataclass(frozen=True)
class State:
    """All that a training has learnt. Together with its recipe it determines everything that follows."""

    step: int
    """How many gradients went into `weights`."""
    weights: List[float]
    mean: List[float]
    """Decaying mean of the gradients."""
    square: List[float]
    """Decaying mean of their squares."""

    @staticmethod
    def fresh(weights: List[float]) -> State:
        """The state before the first step."""
        return State(0, weights, [0.0] * len(weights), [0.0] * len(weights))


def rate(peak: float, step: int) -> float:
    """The learning rate of the `step`th update (from 1). It does not know the last step: trainings can be prolonged."""
    return peak * min(1.0, step / WARM_UP_STEPS) / math.sqrt(1.0 + step / DECAY_STEPS)


def advance(state: State, gradient: List[float], learning_rate: float) -> State:
    """One update of every weight."""
    step = state.step + 1
    mean = [m + (g - m) * (1.0 - MEAN_DECAY) for m, g in zip(state.mean, gradient)]
    square = [s + (g * g - s) * (1.0 - SQUARE_DECAY) for s, g in zip(state.square, gradient)]
    stride = rate(learning_rate, step) * math.sqrt(1.0 - SQUARE_DECAY**step) / (1.0 - MEAN_DECAY**step)
    root = math.sqrt
    weights = [w - stride * m / (root(s) + TINY) for w, m, s in zip(state.weights, mean, square)]
    return State(step, weights, mean, square)
