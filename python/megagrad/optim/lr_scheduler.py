"""Learning-rate schedules, with PyTorch's names and numbers.

A schedule sets the ``'lr'`` of its optimiser's groups, at once when it is made and again at each
``step()``, which belongs after the optimiser's::

    scheduler = CosineAnnealingLR(optimizer, T_max=100)
    for _ in range(100):
        ...
        optimizer.step()
        scheduler.step()

As in PyTorch, each rate is computed from the one before, so several schedules on one optimiser act
together. An optimiser's ``state_dict()`` has its groups' rates; a schedule's has where it is.
"""

import bisect
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from megagrad._checks import kind, real_number, whole_number
from megagrad.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR", "LRScheduler", "LinearLR", "SequentialLR", "StepLR"]

# Floats, which the rates are computed in, do not tell larger numbers from their neighbours.
MOST_STEPS = 2**53
# Steps are taken again one by one: these take two minutes.
MOST_STEPS_AGAIN = 10_000_000


class LRScheduler(ABC):
    """The base class of the schedules; one of your own defines ``get_lr()``.

    optimizer: whose learning rates are set. last_epoch: -1 begins anew, from the groups' present
    rates; n goes on after n + 1 steps of an earlier schedule, from the groups' present rates and
    those under ``'initial_lr'``, which they then need. Load the optimiser's state before, and once
    more after: as in PyTorch, a StepLR multiplies the rates again if epoch n + 1 is its turn.

    Raises TypeError for what is no Optimizer or no integer, ValueError for a last_epoch below -1 or
    above 2**53, and KeyError if a group has no ``'initial_lr'`` to go on from. A ``get_lr()`` that
    returns no list or tuple is a TypeError, and another number of rates than there are groups a
    ValueError.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        """See the class."""
        self.optimizer = _optimizer(optimizer)
        self.last_epoch = _steps("last_epoch", last_epoch, -1)
        for index, group in enumerate(optimizer.param_groups):
            if self.last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param_groups[{index}] has no 'initial_lr', which a schedule that goes on "
                    f"from last_epoch={last_epoch} needs; load the optimiser's state first"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self._begin()

    @abstractmethod
    def get_lr(self) -> list[float]:
        """Compute each group's rate at ``self.last_epoch`` from its present one."""

    def step(self) -> None:
        """Go one step on, and set the groups' learning rates. After an error nothing has changed."""
        self._go_to(self.last_epoch + 1, self.get_lr)

    def _go_to(self, epoch: int, rates: Callable[[], list[float]]) -> None:
        """Set the rates of a step, which are computed there. After an error nothing has changed."""
        before, self.last_epoch = self.last_epoch, epoch
        try:
            self._set_lr(rates())
        except BaseException:
            self.last_epoch = before
            raise

    def get_last_lr(self) -> list[float]:
        """Return the learning rates last set, one for each group."""
        return list(self._last_lr)

    def state_dict(self) -> dict[str, Any]:
        """Return where the schedule is, and its settings, in plain Python."""
        return {
            name: list(entry) if isinstance(entry, list) else entry
            for name, entry in vars(self).items()
            if name != "optimizer"
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what ``state_dict()`` returned, of a schedule of the same class.

        The groups' rates stay; they are in the optimiser's state. Raises TypeError for what is not
        a dict or not a number where one should be, KeyError for a missing entry and ValueError for
        an unknown one, for a setting out of its range or another number of groups. After an error
        nothing has changed.
        """
        vars(self).update(self._checked_state(state_dict))

    def _checked_state(self, state: Mapping[str, Any]) -> dict[str, Any]:
        _check_names(type(self).__name__, state, self.state_dict())
        rates = {name: _rates(name, state[name], self) for name in ("base_lrs", "_last_lr")}
        last_epoch = _steps("last_epoch", state["last_epoch"], -1)
        return {**self._settings(state), **rates, "last_epoch": last_epoch}

    def _settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Check the class's own settings, which are among those given, and return them."""
        return dict(given)

    def _begin(self) -> None:
        """Set the first rates."""
        self._last_lr: list[float] = []
        self.step()

    def _is_beginning(self) -> bool:
        return not self._last_lr

    def _restart(self) -> None:
        """Begin anew from the initial rates, whatever the present ones are."""
        self._go_to(0, self._first_lr)

    def _first_lr(self) -> list[float]:
        return self.get_lr()

    def _set_lr(self, rates: list[float]) -> None:
        rates = _rates("get_lr()", rates, self)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = rates

    def _present_lr(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]


class StepLR(LRScheduler):
    """Multiply the learning rate by gamma every step_size steps.

    optimizer, last_epoch: see LRScheduler. step_size: an integer, at least 1. gamma: a number.
    After n steps the rate is ``lr * gamma ** (n // step_size)``. Raises what LRScheduler raises,
    and TypeError or ValueError for a wrong setting.
    """

    step_size: int
    gamma: float

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        """See the class."""
        vars(self).update(self._settings({"step_size": step_size, "gamma": gamma}))
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute each group's rate from its present one."""
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._present_lr()
        return [lr * self.gamma for lr in self._present_lr()]

    def _first_lr(self) -> list[float]:
        return list(self.base_lrs)

    def _settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        step_size = _steps("step_size", given["step_size"], 1)
        return {"step_size": step_size, "gamma": real_number("gamma", given["gamma"])}


class LinearLR(LRScheduler):
    """Go in a straight line from ``start_factor * lr`` to ``end_factor * lr``: a warm-up.

    optimizer, last_epoch: see LRScheduler. start_factor: above 0, at most 1. end_factor: from 0 to
    1. total_iters: after how many steps the end is reached, at least 1. Raises what LRScheduler
    raises, and TypeError or ValueError for a wrong setting.
    """

    start_factor: float
    end_factor: float
    total_iters: int

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        """See the class."""
        given = {
            "start_factor": start_factor,
            "end_factor": end_factor,
            "total_iters": total_iters,
        }
        vars(self).update(self._settings(given))
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute each group's rate from its present one."""
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self._present_lr()]
        if self._is_beginning() or self.last_epoch > self.total_iters:
            return self._present_lr()
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return [lr * (1.0 + rise / before) for lr in self._present_lr()]

    def _first_lr(self) -> list[float]:
        return [lr * self.start_factor for lr in self.base_lrs]

    def _settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        start = real_number("start_factor", given["start_factor"])
        end = real_number("end_factor", given["end_factor"])
        if not 0 < start <= 1:
            raise ValueError(f"start_factor must be above 0 and at most 1, got {start}")
        if not 0 <= end <= 1:
            raise ValueError(f"end_factor must be from 0 to 1, got {end}")
        total = _steps("total_iters", given["total_iters"], 1)
        return {"start_factor": start, "end_factor": end, "total_iters": total}


class CosineAnnealingLR(LRScheduler):
    """Go down to eta_min along half a cosine, in T_max steps, and after that up and down again.

    optimizer, last_epoch: see LRScheduler. T_max: an integer, at least 1. eta_min: a number. After
    n steps the rate is ``eta_min + (lr - eta_min) * (1 + cos(pi * n / T_max)) / 2``: Loshchilov &
    Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), without the restarts.
    Raises what LRScheduler raises, and TypeError or ValueError for a wrong setting.
    """

    T_max: int
    eta_min: float

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        """See the class."""
        vars(self).update(self._settings({"T_max": T_max, "eta_min": eta_min}))
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute each group's rate from its present one."""
        if self._is_beginning():
            return self._present_lr()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [
                lr + (base - self.eta_min) * rise
                for base, lr in zip(self.base_lrs, self._present_lr(), strict=True)
            ]
        shrink = self._height(self.last_epoch) / self._height(self.last_epoch - 1)
        return [shrink * (lr - self.eta_min) + self.eta_min for lr in self._present_lr()]

    def _height(self, epoch: int) -> float:
        return 1 + math.cos(math.pi * epoch / self.T_max)

    def _first_lr(self) -> list[float]:
        return list(self.base_lrs)

    def _settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        eta_min = real_number("eta_min", given["eta_min"])
        return {"T_max": _steps("T_max", given["T_max"], 1), "eta_min": eta_min}


class SequentialLR(LRScheduler):
    """Schedules one after the other, such as a warm-up and then a cosine.

    optimizer, last_epoch: see LRScheduler. schedulers: at least one, all of this optimiser, none of
    them a SequentialLR. milestones: after how many steps each but the first begins, increasing.
    With a last_epoch, the earlier steps are taken again one by one, from ``'initial_lr'``: at most
    10,000,000.

    Raises TypeError for what is no Optimizer, schedule or integer, and ValueError if there are no
    schedulers, one belongs to another optimiser, the milestones do not fit, or last_epoch is below -1
    or too large.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        """See the class."""
        self.optimizer = _optimizer(optimizer)
        earlier = whole_number("last_epoch", last_epoch, -1, at_most=MOST_STEPS_AGAIN) + 1
        self.last_epoch = 0
        self._schedulers = _checked_schedulers(schedulers, optimizer)
        self._milestones = _checked_milestones(milestones, len(self._schedulers) - 1)
        # Each schedule set its first rates when it was made; only the one whose turn it is may.
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for scheduler in self._schedulers:
            scheduler.last_epoch = -1 if earlier else scheduler.last_epoch - 1
        first = self._schedulers[bisect.bisect_right(self._milestones, 0)]
        first._begin()
        self._last_lr = first.get_last_lr()
        # Each schedule computes its rates from those before, so the earlier steps are taken again.
        for _ in range(earlier):
            self.step()

    def get_lr(self) -> list[float]:
        """Return the rates of the schedule whose turn it is."""
        return self._schedulers[self._turn()].get_last_lr()

    def step(self) -> None:
        """Go one step on with the schedule whose turn it is."""
        self._go_to(self.last_epoch + 1, self._step_of_the_turn)

    def _step_of_the_turn(self) -> list[float]:
        turn = self._turn()
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._restart()
        else:
            scheduler.step()
        return scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """Return where the schedules are, and their settings, in plain Python."""
        states = [scheduler.state_dict() for scheduler in self._schedulers]
        return {**super().state_dict(), "_schedulers": states}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what ``state_dict()`` returned; see LRScheduler."""
        _check_names(type(self).__name__, state_dict, self.state_dict())
        states = state_dict["_schedulers"]
        if not isinstance(states, list | tuple) or len(states) != len(self._schedulers):
            raise ValueError(f"'_schedulers' must be a list of {len(self._schedulers)} states")
        own = {
            "last_epoch": _steps("last_epoch", state_dict["last_epoch"], 0),
            "_milestones": _checked_milestones(state_dict["_milestones"], len(states) - 1),
            "_last_lr": _rates("_last_lr", state_dict["_last_lr"], self),
        }
        pairs = list(zip(self._schedulers, states, strict=True))
        checked = [scheduler._checked_state(state) for scheduler, state in pairs]
        for scheduler, state in zip(self._schedulers, checked, strict=True):
            vars(scheduler).update(state)
        vars(self).update(own)

    def _turn(self) -> int:
        return bisect.bisect_right(self._milestones, self.last_epoch)


def _steps(name: str, number: int, at_least: int) -> int:
    return whole_number(name, number, at_least, at_most=MOST_STEPS)


def _optimizer(optimizer: object) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an Optimizer, not {kind(optimizer)}")
    return optimizer


def _checked_schedulers(
    schedulers: Sequence[LRScheduler], optimizer: Optimizer
) -> list[LRScheduler]:
    listed = list(schedulers)
    if not listed:
        raise ValueError("schedulers must have at least one schedule, got none")
    for index, scheduler in enumerate(listed):
        if not isinstance(scheduler, LRScheduler) or isinstance(scheduler, SequentialLR):
            raise TypeError(
                f"schedulers[{index}] must be a schedule, and no SequentialLR, "
                f"not {kind(scheduler)}"
            )
        if scheduler.optimizer is not optimizer:
            raise ValueError(f"schedulers[{index}] belongs to another optimiser")
    return listed


def _checked_milestones(milestones: Sequence[int], count: int) -> list[int]:
    checked = [_steps("a milestone", milestone, 0) for milestone in milestones]
    if len(checked) != count:
        raise ValueError(
            f"milestones must be one fewer than the schedulers, {count}, got {len(checked)}"
        )
    if any(later <= earlier for earlier, later in itertools.pairwise(checked)):
        raise ValueError(f"milestones must increase, got {checked}")
    return checked


def _check_names(name: str, state: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    if not isinstance(state, Mapping):
        raise TypeError(f"a state must be a dict, not {kind(state)}")
    for missing in own.keys() - state.keys():
        raise KeyError(f"the state of a {name} needs {missing!r}")
    for unknown in state.keys() - own.keys():
        raise ValueError(f"a {name} has no {unknown!r}; its state has {', '.join(own)}")


def _rates(name: str, rates: object, scheduler: LRScheduler) -> list[float]:
    count = len(scheduler.optimizer.param_groups)
    if not isinstance(rates, list | tuple):
        raise TypeError(f"{name} must be a list of numbers, not {kind(rates)}")
    if len(rates) != count:
        raise ValueError(f"{name} has {len(rates)} rates, the optimiser has {count} groups")
    return [real_number(f"{name}[{i}]", rate) for i, rate in enumerate(rates)]
