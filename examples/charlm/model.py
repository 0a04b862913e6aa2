"""The network: the last characters, through one hidden layer, to a probability for each next character.

    hidden = tanh(bias + sum over p of embedding[p][the character p places back])
    logits = output_bias + output · hidden
    probabilities = softmax(logits)

An input is a choice among few characters, so the first layer is a table look-up: each (place, character) has a
vector of its own. The numbers live in one flat list of floats: this is what is summed over ranks, stepped and saved.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import chain
from operator import add, mul
from typing import Iterable, List, NamedTuple, Sequence, Tuple

Vector = List[float]

_NATS_PER_BIT = math.log(2.0)


class _Layers(NamedTuple):
    """The flat list cut into rows."""

    embedding: List[Vector]  # context * symbols rows of `hidden` numbers; row = place * symbols + symbol
    bias: Vector  # hidden
    output: List[Vector]  # symbols rows of `hidden` numbers
    output_bias: Vector  # symbols


class _Forward(NamedTuple):
    """What the network makes of one position."""

    bits: float  # the cost of the true symbol
    rows: List[int]  # of the embedding, one per place of the context
    hidden: Vector
    probabilities: Vector


@dataclass(frozen=True)
class Model:
    """The sizes of the network; the weights themselves are passed in."""

    symbols: int
    context: int
    hidden: int

    @property
    def size(self) -> int:
        """How many weights there are."""
        return (self.context * self.symbols + 1) * self.hidden + self.symbols * (self.hidden + 1)

    def initial(self, seed: int) -> Vector:
        """Small random weights and zero biases."""
        source = random.Random(f"weights/{seed}")

        def noise(count: int) -> Vector:
            return [source.random() * 0.4 - 0.2 for _ in range(count)]

        embedding = noise(self.context * self.symbols * self.hidden)
        output = noise(self.symbols * self.hidden)
        return embedding + [0.0] * self.hidden + output + [0.0] * self.symbols

    def bits(self, weights: Vector, text: bytes, positions: Iterable[int]) -> float:
        """Bits to write the characters of `text` at `positions` with this model: lower is better."""
        layers = self._cut(weights)
        return math.fsum(self._forward(layers, text, position).bits for position in positions)

    def gradient(self, weights: Vector, text: bytes, positions: Sequence[int]) -> Tuple[float, Vector]:
        """The loss (in bits) and its gradient (in nats per weight), summed over `positions`."""
        layers = self._cut(weights)
        columns = list(zip(*layers.output))
        embedding: List[Vector] = [[]] * len(layers.embedding)
        deltas, hiddens, errors = [], [], []
        loss = 0.0
        for position in positions:
            bits, rows, hidden, error = self._forward(layers, text, position)
            loss += bits
            error[text[position]] -= 1.0  # softmax and cross-entropy: d loss / d logits = probabilities - truth
            delta = [sum(map(mul, error, column)) * (1.0 - h * h) for column, h in zip(columns, hidden)]
            for row in rows:
                embedding[row] = list(map(add, embedding[row], delta)) if embedding[row] else delta
            deltas.append(delta)
            hiddens.append(hidden)
            errors.append(error)

        untouched = [0.0] * self.hidden
        hidden_columns = list(zip(*hiddens))
        gradient: Vector = list(chain.from_iterable(row or untouched for row in embedding))
        gradient += map(sum, zip(*deltas))
        for column in zip(*errors):
            gradient += [sum(map(mul, column, hidden)) for hidden in hidden_columns]
        gradient += map(sum, zip(*errors))
        return loss, gradient

    def _forward(self, layers: _Layers, text: bytes, position: int) -> _Forward:
        rows = list(map(add, self._places, text[position - self.context : position]))
        vectors = map(layers.embedding.__getitem__, rows)
        hidden = list(map(math.tanh, map(sum, zip(layers.bias, *vectors))))
        logits = [sum(map(mul, hidden, row)) + bias for row, bias in zip(layers.output, layers.output_bias)]
        highest = max(logits)  # exp() of differences to it cannot overflow
        exponentials = [math.exp(logit - highest) for logit in logits]
        total = sum(exponentials)
        # From the logits and not from the probability, which may be too small for a float.
        bits = (math.log(total) + highest - logits[text[position]]) / _NATS_PER_BIT
        scale = 1.0 / total
        return _Forward(bits, rows, hidden, [value * scale for value in exponentials])

    @property
    def _places(self) -> range:
        """Where in the embedding the rows of each place of the context begin."""
        return range(0, self.context * self.symbols, self.symbols)

    def _cut(self, weights: Vector) -> _Layers:
        bias_at = self.context * self.symbols * self.hidden
        output_at = bias_at + self.hidden
        output_bias_at = output_at + self.symbols * self.hidden
        return _Layers(
            embedding=_rows(weights[:bias_at], self.hidden),
            bias=weights[bias_at:output_at],
            output=_rows(weights[output_at:output_bias_at], self.hidden),
            output_bias=weights[output_bias_at:],
        )


def _rows(values: Vector, width: int) -> List[Vector]:
    return [values[start : start + width] for start in range(0, len(values), width)]
