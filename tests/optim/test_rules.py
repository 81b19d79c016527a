"""Optimisers: their update rules against the textbooks, steps, what they are given by default."""

import math
import random
import re

import pytest
from support.optimiser_runs import gradients, leaves, numbers, optimisers, same, trained
from support.processes import printed

import megagrad
from megagrad import Value, optim
from megagrad.optim import SGD, Adam, AdamW


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
    assert printed(code) == ["False", "Adam", "False"]
    assert re.match("Optimisers", optim.__doc__)
