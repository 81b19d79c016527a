"""Optimisers, schedules and clipping: the textbooks' numbers, errors, states, lifetimes."""

import copy
import gc
import json
import math
import pickle
import random
import re
import subprocess
import sys
import weakref

import pytest

import megagrad
from megagrad import Value, optim
from megagrad.optim import SGD, Adam, AdamW, clip_grad_norm_, clip_grad_value_
from megagrad.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
    StepLR,
)

STEPS = 200
OPTIMISERS = [SGD, Adam, AdamW]
optimisers = pytest.mark.parametrize("optimiser", OPTIMISERS)


def leaves(count=3):
    return [Value(1.0 + i) for i in range(count)]


def numbers(values):
    return [value.data for value in values]


def gradients(seed=0):
    draw = random.Random(seed)
    return [draw.gauss(0.3, 1) for _ in range(STEPS)]


def trained(optimizer, values, seed=0, steps=STEPS):
    for grad in gradients(seed)[:steps]:
        for index, value in enumerate(values):
            value.grad = grad + index
        optimizer.step()
    return numbers(values)


def same(actual, expected):
    return actual == pytest.approx(expected, rel=1e-12)


# --- update rules, against the textbooks -----------------------------------------------------


def plain_sgd(p, grads, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, sign=1):
    velocity = None
    for grad in grads:
        grad = sign * grad + weight_decay * p
        velocity = grad if velocity is None else momentum * velocity + (1 - dampening) * grad
        p = p - lr * (grad + momentum * velocity if nesterov else velocity)
    return p


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ],
    ids=str,
)
@pytest.mark.parametrize("maximize", [False, True])
def test_sgd(options, maximize):
    p = Value(1.5)
    expected = plain_sgd(
        1.5, gradients(), **{"dampening": 0, "momentum": 0, **options}, sign=1 - 2 * maximize
    )
    assert same(trained(SGD([p], **options, maximize=maximize), [p]), [expected])


def test_sgd_without_momentum_does_not_keep_the_last_gradient():
    p = Value(1.0)
    optimizer = SGD([p], lr=0.5)
    for grad, expected in ((2.0, 0.0), (0.0, 0.0), (-4.0, 2.0)):
        p.grad = grad
        optimizer.step()
        assert p.data == expected


def plain_adam(
    p, grads, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, decay=0, sign=1
):
    mean = square = largest = 0
    for t, grad in enumerate(grads, 1):
        p = p - lr * decay * p
        grad = sign * grad + weight_decay * p
        mean = betas[0] * mean + (1 - betas[0]) * grad
        square = betas[1] * square + (1 - betas[1]) * grad**2
        largest = max(largest, square)
        unbiased = (largest if amsgrad else square) / (1 - betas[1] ** t)
        p = p - lr * (mean / (1 - betas[0] ** t)) / (math.sqrt(unbiased) + eps)
    return p


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1},
        {"betas": (0.2, 0.9), "eps": 0.01},
        {"weight_decay": 0.1, "lr": 0.01},
        {"amsgrad": True, "lr": 0.01, "betas": (0.9, 0.5)},
    ],
    ids=str,
)
@pytest.mark.parametrize("maximize", [False, True])
def test_adam(options, maximize):
    p, q = Value(1.5), Value(1.5)
    sign = 1 - 2 * maximize
    expected = plain_adam(1.5, gradients(), **options, sign=sign)
    assert same(trained(Adam([p], **options, maximize=maximize), [p]), [expected])
    decay = {"decay": 0.01, **options}
    decay["decay"] = decay.pop("weight_decay", 0.01)
    expected = plain_adam(1.5, gradients(), **decay, sign=sign)
    assert same(trained(AdamW([q], **options, maximize=maximize), [q]), [expected])


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
def test_any_number_of_parameters(count):
    values = leaves(count)
    trained(Adam(values, lr=0.1), values)
    for index in {0, count // 2, count - 1}:
        expected = plain_adam(1.0 + index, [grad + index for grad in gradients()], lr=0.1)
        assert same(values[index].data, expected)


def test_a_parameter_that_backward_has_not_reached_moves_by_momentum_alone():
    p = Value(1.0)
    optimizer = SGD([p], lr=0.1, momentum=0.5)
    p.grad = 1.0
    optimizer.step()
    optimizer.zero_grad()
    optimizer.step()
    assert same(p.data, 1 - 0.1 - 0.05)


def test_amsgrad_may_be_switched_on_later():
    p = Value(1.0)
    optimizer = Adam([p])
    p.grad = 1.0
    optimizer.step()
    optimizer.param_groups[0]["amsgrad"] = True
    optimizer.step()
    assert optimizer.state[p]["max_exp_avg_sq"] == optimizer.state[p]["exp_avg_sq"]


def test_a_network_learns():
    random.seed(1)
    model = megagrad.nn.MLP(2, [8, 1], activation="tanh")
    optimizer = Adam(model.parameters(), lr=0.05)
    points = {(0, 0): -1, (0, 1): 1, (1, 0): 1, (1, 1): -1}

    def loss():
        optimizer.zero_grad()
        total = sum((model(x) - y) ** 2 for x, y in points.items())
        total.backward()
        return total

    first = loss().data
    for _ in range(200):
        last = optimizer.step(loss)
    assert last.data < first / 100


@optimisers
def test_step_returns_what_the_closure_returns(optimiser):
    p = Value(1.0)
    optimizer = optimiser([p], lr=0.1)

    def closure():
        p.grad = 1.0
        return "loss"

    assert optimizer.step(closure) == "loss"
    assert p.data < 0.91
    assert optimizer.step() is None


@optimisers
def test_zero_grad(optimiser):
    values = leaves()
    for value in values:
        value.grad = 3.0
    optimiser([{"params": values[:1]}, {"params": values[1:]}]).zero_grad()
    assert [value.grad for value in values] == [0, 0, 0]
    assert numbers(values) == [1, 2, 3]


# --- parameter groups ------------------------------------------------------------------------


def test_groups_have_options_of_their_own():
    a, b, c = leaves()
    optimizer = SGD([{"params": [a], "lr": 0.5}, {"params": b}], lr=0.25)
    optimizer.add_param_group({"params": (v for v in [c]), "momentum": 0.5})
    assert [g["lr"] for g in optimizer.param_groups] == [0.5, 0.25, 0.25]
    assert [g["momentum"] for g in optimizer.param_groups] == [0, 0, 0.5]
    assert [g["params"] for g in optimizer.param_groups] == [(a,), (b,), (c,)]
    a.grad = b.grad = c.grad = 1.0
    optimizer.step()
    optimizer.step()
    assert numbers([a, b, c]) == [0.0, 1.5, 3 - 0.25 - 0.375]


def test_an_option_that_is_changed_holds_from_the_next_step_on():
    p = Value(1.0)
    p.grad = 1.0
    optimizer = SGD([p], lr=0.5)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()
    assert p.data == 0.25
    optimizer.param_groups[0].update(momentum=0.5, nesterov=True, maximize=True, lr=1)
    optimizer.step()
    assert p.data == 0.25 + 1.5


def test_the_defaults_are_pytorchs():
    p = Value(1.0)
    assert SGD([p]).defaults == {
        "lr": 1e-3,
        "momentum": 0,
        "dampening": 0,
        "weight_decay": 0,
        "nesterov": False,
        "maximize": False,
    }
    adam = {
        "lr": 1e-3,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0,
        "amsgrad": False,
        "maximize": False,
    }
    assert Adam([p]).defaults == adam
    assert AdamW([p]).defaults == {**adam, "weight_decay": 0.01}


def test_repr_has_the_options():
    text = repr(Adam(leaves(), lr=0.5))
    assert text.startswith("Adam(3 parameters, lr=0.5, betas=(0.9, 0.999)")


computed = Value(1.0) * 2
shared = Value(1.0)


@optimisers
@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ([], ValueError, "at least one parameter"),
        (Value(1.0), TypeError, "params must be a list of Values or of dicts, not 'Value'"),
        (3, TypeError, "not 'int'"),
        ({"params": [Value(1.0)]}, TypeError, "not 'dict'"),
        ([Value(1.0), 2.0], TypeError, "parameter 1 must be a Value, not 'float'"),
        ([[Value(1.0)]], TypeError, "parameter 0 must be a Value, not 'list'"),
        ([shared, Value(1.0), shared], ValueError, "parameter 2, .* occurs twice"),
        (
            [Value(1.0), computed],
            ValueError,
            r"parameter 1, .* was computed from others \(by '\*'\)",
        ),
        ([{"params": [shared]}, {"params": [shared]}], ValueError, "in another group already"),
        ([{"params": [Value(1.0)]}, Value(1.0)], TypeError, "group must be a dict, not 'Value'"),
        ([{"lr": 1.0}], KeyError, "params"),
        ([{"params": {Value(1.0)}}], TypeError, "fixed order, not 'set'"),
        ([{"params": 1.0}], TypeError, "not 'float'"),
    ],
    ids=str,
)
def test_wrong_parameters(optimiser, params, error, message):
    with pytest.raises(error, match=message):
        optimiser(params)


@pytest.mark.parametrize(
    ("optimiser", "option", "wrong", "error"),
    [
        (SGD, "lr", -0.1, ValueError),
        (SGD, "lr", math.nan, ValueError),
        (SGD, "lr", "0.1", TypeError),
        (SGD, "lr", Value(0.1), TypeError),
        (SGD, "lr", 1j, TypeError),
        (SGD, "momentum", -1, ValueError),
        (SGD, "weight_decay", -1, ValueError),
        (SGD, "dampening", None, TypeError),
        (Adam, "lr", -1, ValueError),
        (Adam, "betas", (1.0, 0.9), ValueError),
        (Adam, "betas", (0.9, -0.1), ValueError),
        (Adam, "betas", (0.9, math.nan), ValueError),
        (Adam, "betas", (0.9, 0.9, 0.9), ValueError),
        (Adam, "betas", 0.9, TypeError),
        (Adam, "betas", (0.9, "0.9"), TypeError),
        (Adam, "eps", -1e-8, ValueError),
        (AdamW, "weight_decay", -1, ValueError),
    ],
)
def test_wrong_options(optimiser, option, wrong, error):
    p = Value(1.0)
    with pytest.raises(error, match=option):
        optimiser([p], **{option: wrong})
    with pytest.raises(error, match=option):
        optimiser([{"params": [p], option: wrong}])


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "dampening": 0.1}, {"dampening": 0.1}])
def test_nesterov_needs_momentum_and_no_dampening(options):
    with pytest.raises(ValueError, match="nesterov needs a momentum above 0 and a dampening of 0"):
        SGD(leaves(), nesterov=True, **options)


@optimisers
def test_a_wrong_group_is_not_added(optimiser):
    values = leaves()
    optimizer = optimiser(values)
    for group in ({"params": [values[0]]}, {"params": [Value(1.0)], "lr": -1}):
        with pytest.raises(ValueError, match=r"another group|lr must be at least 0"):
            optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == 1
    optimizer.step()


def test_options_that_were_spoilt_are_named_at_the_next_step():
    optimizer = Adam(leaves())
    group = optimizer.param_groups[0]
    for name, wrong in (("lr", "fast"), ("eps", Value(1.0)), ("betas", (0.9, None)), ("betas", 1)):
        right = group[name]
        group[name] = wrong
        with pytest.raises(TypeError, match=name):
            optimizer.step()
        group[name] = right
    del group["weight_decay"]
    with pytest.raises(KeyError, match="weight_decay"):
        optimizer.step()
    assert optimizer.state == {}


@optimisers
def test_params_of_a_group_cannot_be_changed_unnoticed(optimiser):
    values = leaves()
    optimizer = optimiser(values)
    group = optimizer.param_groups[0]
    with pytest.raises(AttributeError):
        group["params"].append(Value(1.0))
    for replaced in ([], (), list(values), tuple(reversed(values)), None):
        group["params"] = replaced
        gc.collect()
        with pytest.raises(ValueError, match="params of a parameter group were replaced"):
            optimizer.step()
    optimizer.zero_grad()
    optimizer.param_groups.clear()
    for use in (optimizer.step, optimizer.state_dict):
        with pytest.raises(ValueError, match="add groups with add_param_group"):
            use()
    assert numbers(values) == [1, 2, 3]


def test_a_parameter_may_become_a_result():
    p = Value(1.0)
    optimizer = SGD([p], lr=1)
    p.__init__(2.0, (Value(1.0),))
    p.grad = 0.5
    optimizer.step()
    assert p.data == 1.5


# --- states ----------------------------------------------------------------------------------

RESUMED = [
    lambda values: SGD(values, lr=0.01),
    lambda values: SGD(values, lr=0.01, momentum=0.9, nesterov=True),
    lambda values: Adam(values, lr=0.01, amsgrad=True),
    lambda values: AdamW([{"params": values[:1], "lr": 0.1}, {"params": values[1:]}]),
]
resumed = pytest.mark.parametrize("make", RESUMED)


def as_json(state):
    loaded = json.loads(json.dumps(state))
    return {**loaded, "state": {int(number): row for number, row in loaded["state"].items()}}


@resumed
@pytest.mark.parametrize(
    "travel",
    [lambda s: s, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s)), as_json],
    ids=["as it is", "deepcopy", "pickle", "json"],
)
def test_training_goes_on_bit_for_bit_from_a_state(make, travel):
    values = leaves()
    optimizer = make(values)
    trained(optimizer, values, seed=1)
    others = [Value(number) for number in numbers(values)]
    state = travel(optimizer.state_dict())
    expected = trained(optimizer, values, seed=2)

    other = make(others)
    other.param_groups[0]["lr"] = 7.0
    other.load_state_dict(state)
    assert trained(other, others, seed=2) == expected


@resumed
@pytest.mark.parametrize("steps", [0, 5])
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))], ids=["copy", "pickle"]
)
def test_copies_go_on_by_themselves(make, steps, copied):
    values = leaves()
    optimizer = make(values)
    scheduler = StepLR(optimizer, 3)
    trained(optimizer, values, steps=steps)
    others, other, following = copied((values, optimizer, scheduler))
    assert following.optimizer is other
    assert others[0] is other.param_groups[0]["params"][0]
    before = numbers(values)
    expected = trained(other, others)
    assert numbers(values) == before
    assert trained(optimizer, values) == expected
    scheduler.step()
    following.step()
    assert other.state_dict() == optimizer.state_dict()


def test_a_parameter_that_leads_back_to_its_optimiser_is_copied_with_it():
    p = Value(1.0)
    p.optimizer = optimizer = Adam([p])
    p.grad = 1.0
    optimizer.step()
    for other in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert other.optimizer.param_groups[0]["params"] == (other,)
        other.optimizer.step()
    assert copy.deepcopy(optimizer).param_groups[0]["params"][0] is not p


def test_the_form_of_a_state():
    values = leaves()
    optimizer = Adam([{"params": values[:2], "lr": 0.5, "name": "first"}, {"params": values[2:]}])
    assert optimizer.state_dict()["state"] == {}
    for value in values:
        value.grad = 2.0
    optimizer.step()
    state = optimizer.state_dict()
    assert list(state) == ["state", "param_groups"]
    assert list(state["state"]) == [0, 1, 2]
    expected = {"step": 1.0, "exp_avg": 0.2, "exp_avg_sq": 0.004}
    assert state["state"][2] == pytest.approx(expected)
    assert {type(entry) for entry in state["state"][2].values()} == {float}
    assert state["param_groups"][0]["params"] == [0, 1]
    assert state["param_groups"][1]["params"] == [2]
    assert state["param_groups"][0]["name"] == "first"
    assert optimizer.state[values[2]] == state["state"][2]


def without(mapping, *path):
    changed = copy.deepcopy(mapping)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return changed


def with_(mapping, value, *path):
    changed = copy.deepcopy(mapping)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda s: None, TypeError, "must be a dict, not 'NoneType'"),
        (lambda s: without(s, "state"), KeyError, "no 'state'"),
        (lambda s: without(s, "param_groups"), KeyError, "no 'param_groups'"),
        (lambda s: with_(s, 3, "state"), TypeError, "dict of dicts"),
        (lambda s: with_(s, 3, "state", 0), TypeError, "dict of dicts"),
        (lambda s: with_(s, 3, "param_groups"), TypeError, "list of dicts"),
        (
            lambda s: without(s, "param_groups", 1),
            ValueError,
            "has 1 parameter groups, the Adam has 2",
        ),
        (lambda s: without(s, "param_groups", 1, "params"), TypeError, "under 'params'"),
        (lambda s: without(s, "param_groups", 0, "params", 1), ValueError, "1 parameters where"),
        (lambda s: with_(s, [0, 1, 9], "param_groups", 0, "params"), ValueError, "3 parameters"),
        (
            lambda s: with_(s, [0, "1"], "param_groups", 0, "params"),
            TypeError,
            "integer, not 'str'",
        ),
        (lambda s: with_(s, [0, 0], "param_groups", 0, "params"), ValueError, "list 0 twice"),
        (lambda s: with_(s, [1], "param_groups", 1, "params"), ValueError, "list 1 twice"),
        (lambda s: with_(s, -1, "param_groups", 1, "lr"), ValueError, "lr must be at least 0"),
        (lambda s: with_(s, "1", "param_groups", 1, "eps"), TypeError, "eps must be a real"),
        (lambda s: without(s, "state", 0), ValueError, "all parameters of a group need the same"),
        (lambda s: without(s, "state", 1), ValueError, "all parameters of a group need the same"),
        (lambda s: without(s, "state", 1, "step"), ValueError, "need the same"),
        (lambda s: without(s, "state", 2, "step"), ValueError, "no step"),
        (lambda s: with_(s, 1.0, "state", 2, "height"), ValueError, "unknown height"),
        (lambda s: with_(s, "1", "state", 1, "exp_avg"), TypeError, r"state\[1\]\['exp_avg'\]"),
        (lambda s: with_(s, 7.0, "state", 1, "step"), ValueError, "the same for all parameters"),
        (lambda s: with_(s, 0.0, "state", 2, "step"), ValueError, "step must be at least 1"),
        (lambda s: with_(s, {}, "state", 5), ValueError, "entry for 5"),
        (lambda s: json.loads(json.dumps(s)), ValueError, "entry for '0'.*JSON"),
    ],
)
def test_a_wrong_state_changes_nothing(spoil, error, message):
    def make(values):
        return Adam([{"params": values[:2]}, {"params": values[2:]}], lr=0.1)

    values = leaves()
    optimizer = make(values)
    trained(optimizer, values, steps=5)
    before = optimizer.state_dict()
    other = make(leaves())
    trained(other, leaves(), steps=3)
    state = other.state_dict()
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(spoil(state))
    assert optimizer.state_dict() == before


def test_a_state_of_another_class_is_refused():
    values = leaves()
    adam, sgd = Adam(values), SGD(values, momentum=0.9)
    adam.step()
    sgd.step()
    with pytest.raises(ValueError, match="no momentum_buffer"):
        sgd.load_state_dict(adam.state_dict())
    with pytest.raises(ValueError, match="no step"):
        adam.load_state_dict(sgd.state_dict())


# --- clipping --------------------------------------------------------------------------------


def with_gradients(*grads):
    values = [Value(0.0) for _ in grads]
    for value, grad in zip(values, grads, strict=True):
        value.grad = grad
    return values


def test_clipping_by_norm():
    values = with_gradients(3.0, -4.0)
    assert clip_grad_norm_(values, 10) == 5
    assert [value.grad for value in values] == [3, -4]
    assert clip_grad_norm_((value for value in values), 1.0) == 5
    assert same([value.grad for value in values], [3 / (5 + 1e-6), -4 / (5 + 1e-6)])
    assert clip_grad_norm_(with_gradients(3.0, -4.0), 1, norm_type=math.inf) == 4
    assert clip_grad_norm_(with_gradients(3.0, -4.0), 1, norm_type=1) == 7
    assert clip_grad_norm_([], 1) == 0


def test_a_single_value_is_clipped():
    (value,) = with_gradients(-8.0)
    assert clip_grad_norm_(value, 2) == 8
    assert same(value.grad, -8 * 2 / (8 + 1e-6))
    clip_grad_value_(value, 0.5)
    assert value.grad == -0.5


@pytest.mark.parametrize("odd", [math.inf, math.nan])
def test_a_norm_that_is_not_finite(odd):
    values = with_gradients(1.0, odd)
    with pytest.raises(RuntimeError, match=r"norm of order 2\.0 .* error_if_nonfinite=False"):
        clip_grad_norm_(values, 1.0, error_if_nonfinite=True)
    assert values[0].grad == 1
    assert not math.isfinite(clip_grad_norm_(values, 1.0))
    assert values[0].grad == 0 if odd == math.inf else math.isnan(values[0].grad)


def test_clipping_by_value():
    values = with_gradients(3.0, -4.0, 0.5, math.nan)
    clip_grad_value_(values, 2)
    assert [value.grad for value in values[:3]] == [2, -2, 0.5]
    assert math.isnan(values[3].grad)


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_wrong_arguments_of_clipping(clip):
    for wrong in (3.0, [Value(1.0), 3.0], [[Value(1.0)]]):
        with pytest.raises(TypeError, match="must be a Value"):
            clip(wrong, 1.0)
    with pytest.raises(TypeError, match="must be a real number, not 'str'"):
        clip([Value(1.0)], "1")
    with pytest.raises(ValueError, match="at least 0"):
        clip([Value(1.0)], -1)


def test_wrong_norms():
    with pytest.raises(ValueError, match="norm_type must be a real number or 'inf', got 'two'"):
        clip_grad_norm_([Value(1.0)], 1, norm_type="two")


# --- schedules -------------------------------------------------------------------------------


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


class Halving(LRScheduler):
    def get_lr(self):
        return [rate / 2**self.last_epoch for rate in self.base_lrs]


def test_a_schedule_of_ones_own():
    assert rates(Halving, 4) == [0.5, 0.25, 0.125, 0.0625]
    in_turn = rates(lambda o: SequentialLR(o, [StepLR(o, 9), Halving(o)], milestones=[2]), 5)
    assert in_turn == [0.5, 0.5, 0.5, 0.25, 0.125]


SCHEDULES = [
    lambda o: StepLR(o, 3, gamma=0.5),
    lambda o: LinearLR(o, 0.1, total_iters=17),
    lambda o: CosineAnnealingLR(o, 6, eta_min=0.01),
    lambda o: SequentialLR(o, [LinearLR(o, 0.1), CosineAnnealingLR(o, 20)], milestones=[5]),
]


@pytest.mark.parametrize("make", SCHEDULES)
@pytest.mark.parametrize("stop", [0, 1, 4, 5, 6, 12])
def test_schedules_go_on_from_their_state(make, stop):
    optimizer, other = SGD([Value(1.0)], lr=0.5), SGD([Value(1.0)], lr=0.5)
    scheduler = make(optimizer)
    for _ in range(stop):
        scheduler.step()
    state = json.loads(json.dumps(scheduler.state_dict()))
    resumed = make(other)
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


# --- lifetimes and imports -------------------------------------------------------------------


@optimisers
def test_an_optimiser_keeps_its_parameters_until_it_dies(optimiser):
    gc.collect()
    gc.disable()
    try:
        values = leaves(100)
        optimizer = optimiser(values, lr=0.1)
        alive = [weakref.ref(value) for value in values]
        del values
        gc.collect()
        optimizer.step()
        assert all(reference() is not None for reference in alive)
        del optimizer
        assert all(reference() is None for reference in alive)
    finally:
        gc.enable()


@optimisers
def test_a_cycle_through_an_optimiser_is_collected(optimiser):
    p = Value(1.0)
    p.optimizer = optimiser([p])
    p.rules = p.optimizer._rules
    p.optimizer.step()
    gone = weakref.ref(p)
    del p
    gc.collect()
    assert gone() is None


def test_rules_refuse_what_would_not_fit_them():
    from megagrad._core import AdamRule

    with pytest.raises(TypeError, match="parameter 0 must be a Value, not 'int'"):
        AdamRule((1,), {})
    with pytest.raises(ValueError, match="exp_avg has 2 numbers for 1 parameters"):
        AdamRule((Value(1.0),), {"step": [1.0], "exp_avg": [1.0, 2.0], "exp_avg_sq": [1.0]})


def test_rules_that_were_never_initialised_are_refused():
    from megagrad._core import AdamRule

    class Careless(AdamRule):
        def __init__(self):
            pass

    for rule in (AdamRule.__new__(AdamRule), Careless()):
        gc.collect()
        for use in (rule.zero_grad, rule.columns, lambda rule=rule: rule.step({})):
            with pytest.raises(TypeError, match="__init__ was not called"):
                use()
    with pytest.raises(TypeError, match="no rule"):
        AdamRule.zero_grad(3)


def test_subclasses_of_value_are_parameters():
    class Weight(Value):
        __slots__ = ()

    weight = Weight(1.0)
    weight.grad = 1.0
    SGD([weight], lr=0.5).step()
    assert weight.data == 0.5


def test_optim_is_imported_when_asked_for():
    code = (
        "import sys, megagrad; print('megagrad.optim' in sys.modules)\n"
        "print(megagrad.optim.Adam.__name__, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "Adam", "False"], done.stderr
    assert re.match("Optimisers", optim.__doc__)
