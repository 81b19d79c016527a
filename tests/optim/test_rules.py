"""Optimisers: their update rules against the textbooks, steps, what they are given by default."""

import math
import random
import re

import pytest
from support.optimiser_runs import gradients, leaves, numbers, optimisers, same, trained
from support.processes import printed

import megagrad
from megagrad import Value, optim
from megagrad.optim import SGD, Adagrad, Adam, AdamW, NAdam, RMSprop

# Where 0.05 is not a good learning rate for a small network.
RATES = {SGD: 0.03, Adagrad: 0.3}


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


def plain_nadam(
    p,
    grads,
    lr=2e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0,
    momentum_decay=4e-3,
    decoupled_weight_decay=False,
    sign=1,
):
    def momentum(t):
        return betas[0] * (1 - 0.96 ** (t * momentum_decay) / 2)

    mean = square = 0
    product = 1
    for t, grad in enumerate(grads, 1):
        grad = sign * grad
        if decoupled_weight_decay:
            p = p * (1 - lr * weight_decay)
        else:
            grad += weight_decay * p
        mean = betas[0] * mean + (1 - betas[0]) * grad
        square = betas[1] * square + (1 - betas[1]) * grad**2
        product *= momentum(t)
        ahead = momentum(t + 1) / (1 - product * momentum(t + 1)) * mean
        here = (1 - momentum(t)) / (1 - product) * grad
        p = p - lr * (here + ahead) / (math.sqrt(square / (1 - betas[1] ** t)) + eps)
    return p


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.01, "betas": (0.2, 0.9), "eps": 0.01, "momentum_decay": 0.5},
        {"lr": 0.01, "weight_decay": 0.1},
        {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("maximize", [False, True])
def test_nadam(options, maximize):
    p = Value(1.5)
    expected = plain_nadam(1.5, gradients(), **options, sign=1 - 2 * maximize)
    assert same(trained(NAdam([p], **options, maximize=maximize), [p]), [expected])


def plain_rmsprop(
    p, grads, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, sign=1
):
    mean = square = velocity = 0
    for grad in grads:
        grad = sign * grad + weight_decay * p
        square = alpha * square + (1 - alpha) * grad**2
        mean = alpha * mean + (1 - alpha) * grad
        root = math.sqrt(square - centered * mean**2) + eps
        velocity = momentum * velocity + grad / root
        p = p - lr * velocity
    return p


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "alpha": 0.5, "eps": 0.01},
        {"momentum": 0.9},
        {"centered": True, "weight_decay": 0.1},
        {"centered": True, "momentum": 0.5, "weight_decay": 0.1},
    ],
    ids=str,
)
@pytest.mark.parametrize("maximize", [False, True])
def test_rmsprop(options, maximize):
    p = Value(1.5)
    expected = plain_rmsprop(1.5, gradients(), **options, sign=1 - 2 * maximize)
    assert same(trained(RMSprop([p], **options, maximize=maximize), [p]), [expected])


def plain_adagrad(
    p, grads, lr=0.01, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, sign=1
):
    total = initial_accumulator_value
    for t, grad in enumerate(grads):
        grad = sign * grad + weight_decay * p
        total += grad**2
        p = p - lr / (1 + t * lr_decay) * grad / (math.sqrt(total) + eps)
    return p


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "lr_decay": 0.1, "eps": 0.01},
        {"lr": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 2.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("maximize", [False, True])
def test_adagrad(options, maximize):
    p = Value(1.5)
    expected = plain_adagrad(1.5, gradients(), **options, sign=1 - 2 * maximize)
    assert same(trained(Adagrad([p], **options, maximize=maximize), [p]), [expected])


def test_each_group_has_its_own_sum_of_squares_to_begin_with():
    a, b = leaves(2)
    groups = [{"params": a, "initial_accumulator_value": 15}, {"params": b}]
    optimizer = Adagrad(groups, lr=1, eps=0, initial_accumulator_value=3)
    assert [row["sum"] for row in optimizer.state.values()] == [15, 3]
    a.grad = b.grad = 1.0
    optimizer.step()
    assert numbers([a, b]) == [1 - 1 / 4, 2 - 1 / 2]
    optimizer.load_state_dict({**optimizer.state_dict(), "state": {}})
    assert [row["sum"] for row in optimizer.state.values()] == [15, 3]


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


def test_momentum_and_centring_may_be_switched_on_later():
    p = Value(1.0)
    optimizer = RMSprop([p], lr=0.5, alpha=0.75, eps=0)
    p.grad = 2.0
    optimizer.step()
    assert (p.data, list(optimizer.state[p])) == (0.0, ["square_avg", "step"])
    optimizer.param_groups[0].update(momentum=0.5, centered=True)
    optimizer.step()
    state = {"step": 2, "square_avg": 1.75, "grad_avg": 0.5, "momentum_buffer": 2 / 1.5**0.5}
    assert optimizer.state[p] == pytest.approx(state)
    assert same(p.data, -0.5 * state["momentum_buffer"])


@optimisers
def test_a_network_learns(optimiser):
    random.seed(1)
    model = megagrad.nn.MLP(2, [8, 1], activation="tanh")
    optimizer = optimiser(model.parameters(), lr=RATES.get(optimiser, 0.05))
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
    assert NAdam([p]).defaults == {
        "lr": 2e-3,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0,
        "momentum_decay": 4e-3,
        "decoupled_weight_decay": False,
        "maximize": False,
    }
    assert RMSprop([p]).defaults == {
        "lr": 0.01,
        "alpha": 0.99,
        "eps": 1e-8,
        "weight_decay": 0,
        "momentum": 0,
        "centered": False,
        "maximize": False,
    }
    assert Adagrad([p]).defaults == {
        "lr": 0.01,
        "lr_decay": 0,
        "weight_decay": 0,
        "initial_accumulator_value": 0,
        "eps": 1e-10,
        "maximize": False,
    }


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
