"""Each engine in a process of its own, asked over a pipe.

A crash then ends that process alone, and no engine works with the heap, the threads or the
settings of another.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from engines import Engine
from field import Entrant
from timing import Sampler, repeated
from workload import Outcome, Row, Workload
from workloads import WORKLOADS

from peers.peer import Peer, Training
from peers.recorded import Recorded

LONGEST = 300.0
"""Seconds until an engine that does not answer is given up."""


class Refusal(Exception):
    """Why an engine cannot do a piece of work."""

    def __init__(self, reason: str, known: bool = False) -> None:
        """Take the reason, and whether it is the engine's adapter that gives it."""
        super().__init__(reason, known)
        self.reason = reason
        self.known = known


class WrittenMoons(Workload):
    """The step of a moons program that was written for an engine."""

    def __init__(self, peer: Peer) -> None:
        """Take the engine's adapter."""
        assert peer.moons is not None
        self.program = peer.moons

    def outcome(self, engine: Engine) -> Outcome:  # noqa: ARG002
        """Take the gradients before the first update, and the losses before and after it."""
        training: Training = self.program()
        gradients = training.gradients()
        return Outcome([training.step()], [*gradients, training.step()])

    def sampler(self, engine: Engine) -> Sampler:
        """Time whole steps of one training."""
        return repeated(self.program().step, engine.collector)


class RecordedProgram(Workload):
    """A program that an engine records, as its adapter writes it."""

    def __init__(self, program: Callable[[], Recorded]) -> None:
        """Take what makes it ready."""
        self.program = program

    def outcome(self, engine: Engine) -> Outcome:  # noqa: ARG002
        """Take its results."""
        return Outcome([], self.program().results())

    def sampler(self, engine: Engine) -> Sampler:
        """Time it alone, not how it is made ready, which with some engines the first run does."""
        run = self.program().run
        run()
        return repeated(run, engine.collector, at_least=0.1, warm=0.2)


class _Engine:
    """The engine, in its own process."""

    def __init__(self, entrant: Entrant) -> None:
        self.peer: Peer = import_module(f"peers.{entrant.adapter}").PEER
        self.engine = Engine(
            entrant.name,
            self.peer.value or type(None),
            collector=entrant.collector,
            functional=self.peer.functional,
            optim=self.peer.optim,
        )
        self.sample: Sampler = lambda: math.nan

    def workload(self, name: str) -> Workload:
        inability = self.peer.inability(name)
        if inability is not None:
            raise Refusal(inability, known=True)
        if name in self.peer.recorded:
            return RecordedProgram(self.peer.recorded[name])
        if name == "moons" and self.peer.moons is not None:
            return WrittenMoons(self.peer)
        return next(workload for workload in WORKLOADS if workload.name == name)

    def answer(self, question: str, name: str) -> Outcome | float | None:
        if question == "sample":
            return self.sample()
        workload = self.workload(name)
        if question == "outcome":
            outcome = workload.outcome(self.engine)
            assert outcome is not None
            return Outcome(*([float(x) for x in part] for part in vars(outcome).values()))
        self.sample = workload.sampler(self.engine)
        return None


def serve(pipe: Connection, entrant: Entrant) -> None:
    """Answer the questions that come through the pipe, until the process is killed."""
    # An interrupt from the keyboard goes to all processes; the asking one deals with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if entrant.cores is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-entrant.cores :])
    try:
        engine = _Engine(entrant)
    except Exception as error:  # noqa: BLE001 - an import may raise anything, and says why
        engine, broken = None, Refusal(f"{type(error).__name__}: {error}")
    while True:
        try:
            question, workload = pipe.recv()
        except EOFError:  # nobody asks any more
            return
        try:
            answer = broken if engine is None else engine.answer(question, workload)
        except Refusal as refusal:
            answer = refusal
        except Exception as error:  # noqa: BLE001 - so may any op
            answer = Refusal(f"{type(error).__name__}: {error}".partition("\n")[0])
        pipe.send(answer)


class Asked:
    """The asking end of an engine's process, which is started when it is needed."""

    def __init__(self, entrant: Entrant) -> None:
        """Take the engine; nothing is started yet."""
        self.entrant = entrant
        self._process: Any = None
        self._pipe: Any = None

    def outcome(self, workload: Row) -> Outcome:
        """Return what the engine computes; raise Refusal if it cannot."""
        outcome: Outcome = self._answer("outcome", workload)
        return outcome

    def sampler(self, workload: Row) -> Sampler:
        """Prepare the work and return what measures it; raise Refusal if the engine cannot.

        A crash while measuring is a figure of nan, then and ever after.
        """
        self._answer("prepare", workload)
        process = self._process

        def sample() -> float:
            if self._process is not process:
                return math.nan
            try:
                return float(self._answer("sample", workload))
            except Refusal:
                return math.nan

        return sample

    def stop(self) -> None:
        """Kill the process: some engines abort where they should exit."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = None

    def _answer(self, question: str, workload: Row) -> Any:
        if self._process is None:
            self._start()
        try:
            self._pipe.send((question, workload.name))
            answered = self._pipe.poll(LONGEST)
            answer = self._pipe.recv() if answered else Refusal(f"no answer in {LONGEST:g} s")
        except (EOFError, ConnectionError):
            self._process.join()
            answer, answered = Refusal(f"crashed: {_ending(self._process.exitcode)}"), False
        if not answered:
            self.stop()
        if isinstance(answer, Refusal):
            raise answer
        return answer

    def _start(self) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self.entrant), daemon=True)
        self._process.start()
        theirs.close()


def _ending(exit_code: int) -> str:
    return signal.Signals(-exit_code).name if exit_code < 0 else f"exit code {exit_code}"


@contextmanager
def asked(entrants: list[Entrant]) -> Iterator[list[Asked]]:
    """Give the engines' asking ends, and stop their processes afterwards."""
    ends = [Asked(entrant) for entrant in entrants]
    try:
        yield ends
    finally:
        for end in ends:
            end.stop()
