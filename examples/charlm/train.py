#!/usr/bin/env python3
"""Trains a small character language model on all ranks of a task: `python3 train.py --help`."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Union

import adam
import checkpoint
import data
import floats
import rendezvous
import suspension
from adam import State
from allreduce import Group
from checkpoint import CheckpointError, Recipe
from data import Corpus, DataError
from link import GroupError
from model import Model
from settings import Settings, parse

Result = Dict[str, Union[int, float, str]]
"""The content of `result.json`; the README says what each entry means."""


class Diverged(Exception):
    """The weights are no longer numbers: training on would be pointless."""


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code: 0 only when the training is complete and its result written."""
    settings = parse(arguments, environment)
    try:
        run(settings)
    except (DataError, GroupError, CheckpointError, Diverged) as error:
        return _fail(settings, str(error))
    except OSError as error:
        return _fail(settings, f"{error.filename or 'writing'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return _fail(settings, "interrupted", code=130)
    return 0


def run(settings: Settings) -> None:
    """From the options to `result.json`."""
    started = time.monotonic()
    place = settings.place
    training = Training.prepare(settings)
    with rendezvous.join(place, training.token(), training.plan()) as group:
        state = checkpoint.decode(group.share(training.begin() if place.rank == 0 else None), training.recipe)
        resumed_from = state.step
        if resumed_from > 0:
            training.say(f"continuing after step {resumed_from}")
        state = training.learn(group, state)
        result = training.evaluate(group, state)
        result.update(resumed_from=resumed_from, seconds=round(time.monotonic() - started, 3))
        if place.rank == 0:
            training.publish(result)
        group.wait()  # no rank succeeds before the result is safe
    training.say(
        f"held-out {result['bpc']:.3f} bpc, unigram {result['unigram_bpc']:.3f} bpc,"
        f" better by {result['improvement']:.3f} bits"
    )


@dataclass(frozen=True)
class Training:
    """What stays the same from the first step to the last."""

    settings: Settings
    corpus: Corpus
    model: Model
    recipe: Recipe

    @staticmethod
    def prepare(settings: Settings) -> Training:
        """Reads the text and says what will be trained."""
        corpus = data.load(settings.corpus)
        model = Model(data.SYMBOLS, settings.context, settings.hidden)
        recipe: Recipe = {
            "seed": settings.seed,
            "batch": settings.batch,
            "context": settings.context,
            "hidden": settings.hidden,
            "learning_rate": settings.learning_rate,
            "corpus": corpus.digest[:16],
        }
        training = Training(settings, corpus, model, recipe)
        training.say(
            f"world size {settings.place.world_size}, seed {settings.seed}, {model.size} weights,"
            f" {len(corpus.training)} characters to learn from, {len(corpus.held_out)} held out"
        )
        return training

    def token(self) -> str:
        """What a process must know to be taken for a rank of this training."""
        return _digest([self.settings.task, self.settings.seed])

    def plan(self) -> str:
        """What the ranks must agree on, so that they make the same calls and end with the same weights."""
        return _digest([self.recipe, self.settings.steps, self.settings.eval_chars])

    def begin(self) -> bytes:
        """Rank 0: the checkpoint to start from, which is made if there is none yet."""
        path = self._checkpoint()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                fresh = State.fresh(self.model.initial(self.settings.seed))
                checkpoint.write_atomically(path, checkpoint.encode(fresh, self.recipe))
            content = path.read_bytes()
        except OSError as error:
            raise CheckpointError(f"cannot use {path.parent}: {error.strerror}; choose another --out") from error
        try:
            state = checkpoint.decode(content, self.recipe)
        except CheckpointError as error:
            raise CheckpointError(f"{path} {error}; remove it or choose another --out") from error
        if state.step > self.settings.steps:
            raise CheckpointError(f"{path} is at step {state.step} already, beyond --steps {self.settings.steps}")
        self._result().unlink(missing_ok=True)  # until the end there is no result, rather than an old one
        return content

    def learn(self, group: Group, state: State) -> State:
        """Steps until the last one, with all ranks in the same state after each."""
        settings = self.settings
        bits, since, clock = 0.0, state.step, time.monotonic()
        while state.step < settings.steps:
            batch = self._share(self.corpus.batch(settings.seed, state.step, settings.batch, settings.context))
            loss, gradient = self.model.gradient(state.weights, self.corpus.training, batch)
            # What rank 0 has heard travels with the gradients, so that all ranks leave after the same step.
            *gradient, loss, leaving = group.sum(gradient + [loss, self._wish_to_leave()])
            state = adam.advance(state, [slope / settings.batch for slope in gradient], settings.learning_rate)
            if not math.isfinite(loss):
                raise Diverged(f"the loss is {loss} at step {state.step}: choose a smaller --learning-rate")
            bits += loss

            # Between two steps `state` is all there is, the same on every rank: the place to save it.
            is_last = state.step == settings.steps
            is_leaving = leaving > 0 and not is_last
            is_due = is_last or is_leaving or state.step % settings.checkpoint_every == 0
            if settings.place.rank == 0 and is_due:
                checkpoint.write_atomically(self._checkpoint(), checkpoint.encode(state, self.recipe))
            if is_last or state.step % settings.log_every == 0:
                n_steps, now = state.step - since, time.monotonic()
                mean = bits / (n_steps * settings.batch)
                pace = n_steps / (now - clock)
                self.say(f"step {state.step}/{settings.steps} train {mean:.3f} bpc, {pace:.1f} steps/s")
                bits, since, clock = 0.0, state.step, now
            if is_leaving:
                group.wait()  # no rank leaves before the checkpoint is safe
                self.say(f"suspended after step {state.step}")
                suspension.leave()
        return state

    def evaluate(self, group: Group, state: State) -> Result:
        """How well text which was never trained on is predicted, and the other facts of `result.json`."""
        settings = self.settings
        probes = self.corpus.probes(settings.eval_chars, settings.context)
        (bits,) = group.sum([self.model.bits(state.weights, self.corpus.held_out, self._share(probes))])
        bpc = bits / len(probes)
        unigram_bpc = self.corpus.unigram_bits(probes) / len(probes)
        return {
            "steps": state.step,
            "seed": settings.seed,
            "world_size": settings.place.world_size,
            "eval_chars": len(probes),
            "bpc": bpc,
            "unigram_bpc": unigram_bpc,
            "improvement": unigram_bpc - bpc,
            "weights_sha256": hashlib.sha256(floats.pack(state.weights)).hexdigest(),
        }

    def publish(self, result: Result) -> None:
        """Rank 0: writes `result.json`."""
        content = json.dumps(result, indent=2, sort_keys=True) + "\n"
        checkpoint.write_atomically(self._result(), content.encode())

    def say(self, text: str) -> None:
        """One line of log, visible at once. Ranks other than 0 say who they are."""
        rank = self.settings.place.rank
        print(f"[rank {rank}] {text}" if rank > 0 else text, flush=True)

    def _wish_to_leave(self) -> float:
        """Above 0 if rank 0 has been told to give way."""
        return float(self.settings.place.rank == 0 and suspension.is_asked_for())

    def _share(self, positions: Sequence[int]) -> Sequence[int]:
        """This rank's part of the positions."""
        rank, world_size = self.settings.place.rank, self.settings.place.world_size
        return positions[len(positions) * rank // world_size : len(positions) * (rank + 1) // world_size]

    def _checkpoint(self) -> Path:
        return self.settings.out / "checkpoint.bin"

    def _result(self) -> Path:
        return self.settings.out / "result.json"


def _digest(facts: List[object]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _fail(settings: Settings, reason: str, code: int = 1) -> int:
    print(f"charlm: rank {settings.place.rank}: {reason}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
