"""Schedules of learning rates: their rates, states and arguments."""

import json
import math
from functools import partial

import pytest
from support.nested import with_, without
from support.optimiser_runs import same

from megagrad import Value
from megagrad.optim import SGD
from megagrad.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
    StepLR,
)


def rates(make, steps=50, lr=0.5):
    optimizer = SGD([{"params": [Value(1.0)]}, {"params": [Value(1.0)], "lr": 2 * lr}], lr=lr)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        first, second = scheduler.get_last_lr()
        assert [group["lr"] for group in optimizer.param_groups] == [first, second]
        assert same(second, 2 * first)
        found.append(first)
        scheduler.step()
    return found


def test_step_lr():
    found = rates(lambda o: StepLR(o, step_size=20, gamma=0.5))
    assert found == [0.5] * 20 + [0.25] * 20 + [0.125] * 10


def test_linear_lr():
    found = rates(lambda o: LinearLR(o, start_factor=0.25, total_iters=30))
    assert same(found, [0.5 * (0.25 + 0.75 * min(n, 30) / 30) for n in range(50)])
    assert same(rates(LinearLR, 6), [0.5 * (1 + 2 * n / 5) / 3 for n in range(6)])


def test_cosine_annealing_lr():
    found = rates(lambda o: CosineAnnealingLR(o, T_max=20))
    expected = [0.5 * (1 + math.cos(math.pi * n / 20)) / 2 for n in range(50)]
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-16)


def test_a_warm_up_before_a_cosine():
    found = rates(
        lambda o: SequentialLR(
            o, [LinearLR(o, 0.1, total_iters=10), CosineAnnealingLR(o, 40)], milestones=[10]
        )
    )
    warm_up = [0.5 * (0.1 + 0.9 * n / 10) for n in range(10)]
    cosine = [0.5 * (1 + math.cos(math.pi * n / 40)) / 2 for n in range(40)]
    assert same(found, warm_up + cosine)


@pytest.mark.parametrize("last_epoch", range(10))
def test_a_sequence_goes_on_from_a_last_epoch(last_epoch):
    def make(lr, last_epoch=-1, **entries):
        o = SGD([{"params": [Value(1.0)], "lr": lr, **entries}], lr=lr)
        return SequentialLR(o, [LinearLR(o), CosineAnnealingLR(o, 9)], [5], last_epoch)

    whole = make(0.5)
    for _ in range(last_epoch + 1):
        whole.step()
    resumed = make(whole.get_last_lr()[0], last_epoch, initial_lr=0.5)
    for _ in range(8):
        assert resumed.get_last_lr() == whole.get_last_lr()
        assert resumed.last_epoch == whole.last_epoch
        whole.step()
        resumed.step()


@pytest.mark.parametrize(
    "make",
    [
        lambda o, last: StepLR(o, 3, last_epoch=last),
        lambda o, last: LinearLR(o, last_epoch=last),
        lambda o, last: CosineAnnealingLR(o, 9, last_epoch=last),
        lambda o, last: SequentialLR(o, [LinearLR(o), CosineAnnealingLR(o, 9)], [5], last),
    ],
)
@pytest.mark.parametrize("last_epoch", [*range(20), 99])
def test_a_schedule_goes_on_from_a_last_epoch_and_the_optimisers_state(make, last_epoch):
    optimizer, other = SGD([Value(1.0)], lr=0.5), SGD([Value(1.0)], lr=0.1)
    whole = make(optimizer, -1)
    for _ in range(last_epoch + 1):
        whole.step()
    other.load_state_dict(optimizer.state_dict())
    resumed = make(other, last_epoch)
    other.load_state_dict(optimizer.state_dict())
    for _ in range(30):
        assert resumed.last_epoch == whole.last_epoch
        assert other.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
        whole.step()
        resumed.step()


@pytest.mark.parametrize("kind", [LinearLR, partial(CosineAnnealingLR, T_max=9)])
@pytest.mark.parametrize("last_epoch", range(12))
def test_a_schedule_that_goes_on_leaves_the_rates_that_it_finds(kind, last_epoch):
    """They are those of its last step; only those to come are computed."""
    optimizer = SGD([{"params": [Value(1.0)], "lr": 0.375, "initial_lr": 0.5}], lr=0.1)
    resumed = kind(optimizer, last_epoch=last_epoch)
    assert resumed.last_epoch == last_epoch + 1
    assert resumed.get_last_lr() == [0.375] == [optimizer.param_groups[0]["lr"]]


class Halving(LRScheduler):
    def get_lr(self):
        return [rate / 2**self.last_epoch for rate in self.base_lrs]


def test_a_schedule_of_ones_own():
    assert rates(Halving, 4) == [0.5, 0.25, 0.125, 0.0625]
    in_turn = rates(lambda o: SequentialLR(o, [StepLR(o, 9), Halving(o)], milestones=[2]), 5)
    assert in_turn == [0.5, 0.5, 0.5, 0.25, 0.125]


SCHEDULES = [
    lambda o: StepLR(o, 3, gamma=0.5),
    lambda o: LinearLR(o, 0.1, 0.75, total_iters=17),
    lambda o: CosineAnnealingLR(o, 6, eta_min=0.01),
    lambda o: SequentialLR(o, [LinearLR(o, 0.1), CosineAnnealingLR(o, 20)], milestones=[5]),
]
# The same schedules with other settings, which a state brings with it.
OTHER_SETTINGS = [
    lambda o: StepLR(o, 4),
    LinearLR,
    lambda o: CosineAnnealingLR(o, 5),
    lambda o: SequentialLR(o, [LinearLR(o), CosineAnnealingLR(o, 9)], milestones=[3]),
]


@pytest.mark.parametrize(("make", "make_other"), [*zip(SCHEDULES, OTHER_SETTINGS, strict=True)])
@pytest.mark.parametrize("stop", [0, 1, 4, 5, 6, 12])
def test_schedules_go_on_from_their_state(make, make_other, stop):
    optimizer, other = SGD([Value(1.0)], lr=0.5), SGD([Value(1.0)], lr=0.5)
    scheduler = make(optimizer)
    for _ in range(stop):
        scheduler.step()
    state = json.loads(json.dumps(scheduler.state_dict()))
    resumed = make_other(other)
    other.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(state)
    for _ in range(30):
        assert other.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
        assert resumed.get_last_lr() == scheduler.get_last_lr()
        scheduler.step()
        resumed.step()


@pytest.mark.parametrize("make", SCHEDULES)
@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda s: [], TypeError, "must be a dict, not 'list'"),
        (lambda s: without(s, "last_epoch"), KeyError, "last_epoch"),
        (lambda s: {**s, "height": 1}, ValueError, "has no 'height'"),
        (lambda s: {**s, "last_epoch": 1.5}, TypeError, "last_epoch must be an integer"),
        (lambda s: {**s, "_last_lr": [0.1, 0.2]}, ValueError, "_last_lr has 2 rates"),
        (lambda s: {**s, "_last_lr": ["1"]}, TypeError, r"_last_lr\[0\] must be a real"),
        (lambda s: {**s, "_last_lr": 0.1}, TypeError, "_last_lr must be a list"),
    ],
)
def test_a_wrong_state_of_a_schedule_changes_nothing(make, spoil, error, message):
    scheduler = make(SGD([Value(1.0)], lr=0.5))
    scheduler.step()
    before = scheduler.state_dict()
    with pytest.raises(error, match=message):
        scheduler.load_state_dict(spoil(before))
    assert scheduler.state_dict() == before


def test_wrong_settings_in_the_state_of_a_schedule():
    scheduler = SCHEDULES[3](SGD([Value(1.0)], lr=0.5))
    before = scheduler.state_dict()
    inner = with_(before, 0, "_schedulers", 1, "T_max")
    for wrong, message in (
        (inner, "T_max must be at least 1"),
        (with_(before, [], "_milestones"), "milestones"),
        (with_(before, [], "_schedulers"), "a list of 2 states"),
    ):
        with pytest.raises(ValueError, match=message):
            scheduler.load_state_dict(wrong)
        assert scheduler.state_dict() == before


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: StepLR("o", 1), TypeError, "optimizer must be an Optimizer, not 'str'"),
        (lambda o: StepLR(o, 0), ValueError, "step_size must be at least 1"),
        (lambda o: StepLR(o, 1.5), TypeError, "step_size must be an integer"),
        (lambda o: StepLR(o, 1, gamma="a"), TypeError, "gamma must be a real number"),
        (lambda o: StepLR(o, 1, last_epoch=2), KeyError, "no 'initial_lr'"),
        (lambda o: StepLR(o, 1, last_epoch=-2), ValueError, "last_epoch must be at least -1"),
        (lambda o: LinearLR(o, start_factor=0), ValueError, "start_factor must be above 0"),
        (lambda o: LinearLR(o, start_factor=1.5), ValueError, "start_factor must be above 0"),
        (lambda o: LinearLR(o, end_factor=-1), ValueError, "end_factor must be from 0 to 1"),
        (lambda o: LinearLR(o, total_iters=0), ValueError, "total_iters must be at least 1"),
        (lambda o: CosineAnnealingLR(o, 0), ValueError, "T_max must be at least 1"),
        (lambda o: CosineAnnealingLR(o, 5, eta_min=None), TypeError, "eta_min must be a real"),
        (lambda o: SequentialLR(o, [], []), ValueError, "at least one schedule"),
        (lambda o: SequentialLR(o, [StepLR(o, 1)], [], 2**31), ValueError, "at most 10000000"),
        (lambda o: SequentialLR(o, [3], []), TypeError, r"schedulers\[0\] must be a schedule"),
        (lambda o: SequentialLR(o, [StepLR(o, 1)], [3]), ValueError, "one fewer than"),
        (
            lambda o: SequentialLR(o, [StepLR(o, 1), StepLR(o, 1), StepLR(o, 1)], [3, 3]),
            ValueError,
            "milestones must increase",
        ),
        (
            lambda o: SequentialLR(o, [StepLR(SGD([Value(1.0)]), 1)], []),
            ValueError,
            "belongs to another optimiser",
        ),
        (lambda o: LRScheduler(o), TypeError, "abstract"),
    ],
)
def test_wrong_schedules(make, error, message):
    with pytest.raises(error, match=message):
        make(SGD([Value(1.0)]))


@pytest.mark.parametrize("rates", [[0.5, "1"], [0.5], None, [0.5, 10**400]])
def test_a_schedule_whose_rates_are_none_changes_nothing(rates):
    class Own(StepLR):
        def get_lr(self):
            return rates if self.last_epoch == 1 else super().get_lr()

    optimizer = SGD([{"params": [Value(1.0)]}, {"params": [Value(2.0)]}], lr=0.1)
    scheduler = Own(optimizer, 5)
    before = scheduler.state_dict()
    with pytest.raises((TypeError, ValueError, OverflowError), match=r"get_lr\(\)"):
        scheduler.step()
    assert scheduler.state_dict() == before
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.1]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_sequence_whose_step_fails_goes_on_where_it_was(steps):
    """Before a milestone, at it, and after it."""

    class Fails(LRScheduler):
        fails = False

        def get_lr(self):
            if self.fails:
                raise RuntimeError
            return [0.5 / (1 + self.last_epoch)]

    def sequence():
        optimizer = SGD([Value(0.0)], lr=1.0)
        return SequentialLR(optimizer, [Fails(optimizer), Fails(optimizer)], [2])

    failing, plain = sequence(), sequence()
    for _ in range(steps - 1):
        failing.step()
        plain.step()
    Fails.fails = True
    with pytest.raises(RuntimeError):
        failing.step()
    Fails.fails = False
    assert failing.state_dict() == plain.state_dict()
    failing.step()
    plain.step()
    assert failing.state_dict() == plain.state_dict()


@pytest.mark.parametrize("steps", [2**53 + 1, 10**400], ids=["2**53 + 1", "10**400"])
def test_more_steps_than_floats_count(steps):
    optimizer = SGD([Value(1.0)])
    for make in (
        lambda: LinearLR(optimizer, total_iters=steps),
        lambda: CosineAnnealingLR(optimizer, steps),
        lambda: StepLR(optimizer, steps),
        lambda: StepLR(optimizer, 5, last_epoch=steps),
    ):
        with pytest.raises(ValueError, match="must be at most 9007199254740992"):
            make()
