"""Every Python block of `docs/training.md` does what the page says: interrupted anywhere, nothing is lost or repeated."""

import pickle
import socket
import unittest
from typing import Any

from tests.agent import Agent, ask, start
from tests.page import (
    LOOKS_BEFORE_IT_LEAVES,
    Task,
    block,
    blocks,
    killed_at,
    killed_in_save,
    languages,
    slow_in_save,
    steps,
    suspended_at,
)

GAVE_WAY = ["suspend_received", "go_suspend"]
SIMULATED = ["hfai: simulated: this task is to suspend", "hfai: simulated: suspended here"]

try:
    import torch
except (ImportError, OSError, ValueError) as error:  # the last two: it is installed, but lacks a library of its own
    torch, why_not = None, str(error)
else:
    why_not = ""
needs_torch = unittest.skipUnless(torch, f"PyTorch cannot be imported ({why_not}), so its two scripts are not executed")


class ThePage(unittest.TestCase):
    def test_has_no_python_that_is_not_executed_here(self):
        executed = [case.heading for case in (*Snippet.__subclasses__(), *Script.__subclasses__()) if case.heading]
        self.assertEqual(sorted(found.heading for found in blocks()), sorted(executed))

    def test_has_no_other_code_than_python_and_command_lines(self):
        self.assertEqual(languages(), {"python", "sh"})

    def test_every_python_block_can_be_read_by_this_python(self):
        for found in blocks():
            with self.subTest(found.heading):
                compile(found.code, found.heading, "exec")


class Snippet(unittest.TestCase):
    """A test of the block under this heading."""

    heading = ""

    def agent(self):
        agent = Agent()
        self.addCleanup(agent.close)
        return agent


class Script(unittest.TestCase):
    """A test of the complete script under this heading, on so many ranks."""

    heading = ""
    ranks = 1

    def begin(self):
        task = Task(self.script())
        self.addCleanup(task.remove)
        return task

    def script(self):
        return block(self.heading)

    def run_ranks(self, task, disturbance=""):
        """Rank 0 of a run which is disturbed there. When the others leave, its checkpoint must be there already."""
        others = [LOOKS_BEFORE_IT_LEAVES] * (self.ranks - 1)
        zero, *others = task.run_ranks([disturbance, *others], **self.environment())
        if zero.is_suspended:
            for rank in others:
                self.assertEqual((rank.heard, rank.is_suspended), (["go_suspend"], True), rank.errors)
                self.assertEqual(rank.lines[-1], task.checkpoint())
        return zero

    def environment(self):
        return {}

    def suspend(self, task, disturbance):
        """What is printed by a run that has to give way."""
        run = self.run_ranks(task, disturbance)
        self.assertEqual((run.heard, run.is_suspended), (GAVE_WAY, True), run.errors)
        return run.lines

    def finish(self, task, disturbance=""):
        """What is printed by a run that comes to its end."""
        run = self.run_ranks(task, disturbance)
        self.assertEqual((run.exit_code, run.heard), (0, []), run.errors)
        return run.lines

    def kill(self, task, disturbance):
        """What is printed by a run whose machine breaks."""
        run = self.run_ranks(task, disturbance)
        self.assertEqual((run.exit_code, run.heard), (-9, []), run.errors)
        return run.lines


class PlainPython(Script):
    heading = "Plain Python"

    def setUp(self):
        self.task = self.begin()
        undisturbed = self.begin()
        self.undisturbed = self.finish(undisturbed)
        self.expected = self.state(undisturbed)
        self.assertEqual(list(steps(self.undisturbed)), [str(step) for step in range(1, 301)])

    def state(self, task):
        state = pickle.loads((task.directory / "checkpoint.pickle").read_bytes())
        return {**state, "chance": state["chance"].getstate()}

    def test_suspended_in_any_step_goes_on_at_the_very_next_one(self):
        for step in (1, 49, 50, 137, 299, 300):
            with self.subTest(step=step):
                task = self.begin()
                said = self.suspend(task, suspended_at(step))
                self.assertEqual(len(said), step)
                said += self.finish(task)
                self.assertEqual((said, self.state(task)), (self.undisturbed, self.expected))

    def test_suspended_again_and_again_loses_nothing(self):
        said = []
        for _ in range(300 // 47):
            said += self.suspend(self.task, suspended_at(47))
        said += self.finish(self.task)
        self.assertEqual((said, self.state(self.task)), (self.undisturbed, self.expected))

    def test_killed_repeats_the_steps_since_the_last_checkpoint_and_nothing_else(self):
        said = [
            *self.kill(self.task, killed_at(20)),  # before the first checkpoint
            *self.kill(self.task, killed_at(137)),
            *self.kill(self.task, killed_in_save(2)),
        ]
        self.assertEqual([len(said), said[20 + 137].split()[1]], [20 + 137 + 100, "101"])
        said += self.finish(self.task)
        self.assertEqual(set(said), set(self.undisturbed))
        self.assertEqual((said[-1], self.state(self.task)), (self.undisturbed[-1], self.expected))

    def test_is_simulated_and_then_run_to_the_end(self):
        run = self.task.simulate()
        self.assertEqual((run.errors, run.exit_code, run.lines[1:]), ("", 0, SIMULATED))
        said = run.lines[:1] + self.finish(self.task)
        self.assertEqual((said, self.state(self.task)), (self.undisturbed, self.expected))

    def test_runs_without_the_platform_and_says_so_once(self):
        run = self.task.run(MARSV2_NB_NAME="")
        self.assertEqual((run.lines, run.errors), (self.undisturbed, "hfai: not in cluster\n"))

    def test_complete_only_prints_its_result_again(self):
        self.finish(self.task)
        self.assertEqual(self.finish(self.task), self.undisturbed[-1:])


class SeveralRanks(Script):
    """The block is a loop. Here is what it stands in: two ranks which meet at a socket in their directory."""

    heading = "Several ranks"
    ranks = 2
    context = """
import contextlib, os, pickle, time
from multiprocessing.connection import Client, Listener
from hfai import client

STEPS = 40
rank = int(os.environ["RANK"])
step, weights = 0, [1.0, 1.0]
if os.path.exists("checkpoint"):
    with open("checkpoint", "rb") as file:
        step, weights = pickle.load(file)

class Group:
    def __init__(self):
        if rank == 0:
            with contextlib.suppress(FileNotFoundError):
                os.remove("socket")
            self.link = Listener("socket").accept()
            return
        while not hasattr(self, "link"):
            try:
                self.link = Client("socket")
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.01)

    def sum(self, values):
        self.link.send(values)
        theirs = self.link.recv()
        return [a + b for a, b in zip(values, theirs)]

    def wait(self):
        self.sum([])

def gradient_of(weights, step):
    return [(weight - rank) * (step % 3) / 10 for weight in weights]

def updated(weights, gradient):
    weights = [weight - slope for weight, slope in zip(weights, gradient)]
    print("step", step + 1, *weights)
    return weights

def save(*state):
    with open("checkpoint.tmp", "wb") as file:
        pickle.dump(state, file)
    os.replace("checkpoint.tmp", "checkpoint")

group = Group()
"""

    def script(self):
        return self.context + super().script()

    def test_leave_after_the_same_step_and_not_before_the_checkpoint_is_safe(self):
        expected = self.finish(self.begin())
        self.assertEqual(len(expected), 40)
        task = self.begin()
        said = self.suspend(task, suspended_at(1) + slow_in_save(1))
        said += self.suspend(task, suspended_at(20) + slow_in_save(1))
        said += self.finish(task)
        self.assertEqual(said, expected)


class TorchScript:
    """What is asked of both scripts for PyTorch. Its import takes seconds, so there are few runs."""

    def environment(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        return {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}

    def state(self, task):
        return plain(torch.load(task.directory / "checkpoint.pt", weights_only=True))

    def undisturbed(self):
        """What is printed, and what the last checkpoint holds."""
        task = self.begin()
        said = self.finish(task)
        self.assertEqual(list(steps(said)), [str(step) for step in range(1, 61)])
        return said, self.state(task)


@needs_torch
class PyTorch(TorchScript, Script):
    heading = "PyTorch"

    def test_killed_while_it_saves_and_then_suspended_ends_with_the_same_weights(self):
        expected, state = self.undisturbed()
        task = self.begin()
        self.assertEqual(self.kill(task, killed_in_save(2)), expected[:40])
        self.assertEqual(set(task.names()), {"train.py", "checkpoint.pt", "checkpoint.tmp"})
        # The last checkpoint is that of step 20. Step 51 is in the middle of an epoch.
        said = self.suspend(task, suspended_at(31))
        self.assertEqual(len(said), 31)
        said += self.finish(task)
        self.assertEqual((said, self.state(task)), (expected[20:], state))


@needs_torch
class PyTorchOnSeveralRanks(TorchScript, Script):
    heading = "PyTorch on several ranks"
    ranks = 2

    def test_suspended_between_two_checkpoints_ends_with_the_same_weights(self):
        expected, state = self.undisturbed()
        task = self.begin()
        said = self.suspend(task, suspended_at(31) + slow_in_save(2))
        self.assertEqual(len(said), 31)
        said += self.finish(task)
        self.assertEqual((said, self.state(task)), (expected, state))


def plain(value: Any) -> Any:
    """Tensors as lists, so that `==` compares every number."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value


class LongSaves(Snippet):
    heading = "Long saves, long steps"

    def start(self, within):
        agent = self.agent()
        program = f"{block(self.heading)}\nwith said_to_be_saving(every_secs=0.01):\n    {within}"
        return agent, start(program, **agent.environment())

    def test_are_said_to_go_on_until_they_are_done(self):
        agent, process = self.start("input()")
        with process:
            self.addCleanup(process.kill)
            for _ in range(3):
                self.assertEqual(agent.calls.get(timeout=60), {"call": "saving"})
            output, errors = process.communicate("\n", timeout=60)
        self.assertEqual((process.returncode, output, errors), (0, "", ""))

    def test_that_fail_are_over(self):
        _, process = self.start("raise OSError('disk full')")
        with process:
            self.addCleanup(process.kill)
            _, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, errors.splitlines()[-1]), (1, "OSError: disk full"))


class ANumberForTheNextRun(Snippet):
    heading = "A number for the next run"
    context = "warm_up, learn, measure = (lambda name=name: print(name) for name in ('warm_up', 'learn', 'measure'))\n"

    def test_says_where_to_go_on(self):
        agent = self.agent()
        breaks = self.context + "def learn(): raise SystemExit('broken')\n"
        output, errors = ask(breaks + block(self.heading), **agent.environment())
        (call,) = agent.heard()
        self.assertEqual((output, errors, call), ("warm_up", "broken", {"call": "set_whole_life_state", "state": 1}))
        kept = {"MARSV2_WHOLE_LIFE_STATE": str(call["state"])}
        output, errors = ask(self.context + block(self.heading), **agent.environment(**kept))
        self.assertEqual((output.split(), errors), (["learn", "measure"], ""))
        self.assertEqual([call["state"] for call in agent.heard()], [2, 3])


class QuietHours(Snippet):
    heading = "Quiet hours, broken machines"

    def test_are_announced_and_machines_are_blamed_only_if_they_are_broken(self):
        quiet = {"call": "set_watchdog_time", "seconds": 7200}
        broken = {"call": "report_failure", "hardware_ok": False, "message": "GPU 3 has lost its memory"}
        for is_healthy, expected in ((True, [quiet]), (False, [quiet, broken])):
            with self.subTest(is_healthy=is_healthy):
                agent = self.agent()
                context = f"gpu_is_healthy = lambda: {is_healthy}\n"
                self.assertEqual(ask(context + block(self.heading), **agent.environment()), ("", ""))
                self.assertEqual(agent.heard(), expected)


if __name__ == "__main__":
    unittest.main()
