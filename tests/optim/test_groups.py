"""Parameter groups of optimisers: their parameters and options, right and wrong."""

import gc
import math

import pytest
from support.optimiser_runs import leaves, numbers, optimisers

from megagrad import Value
from megagrad.optim import SGD, Adagrad, Adam, AdamW, NAdam, RMSprop


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
        (NAdam, "lr", -1, ValueError),
        (NAdam, "betas", (0.9, 1.0), ValueError),
        (NAdam, "eps", "1e-8", TypeError),
        (NAdam, "weight_decay", -1, ValueError),
        (NAdam, "momentum_decay", -1e-3, ValueError),
        (RMSprop, "lr", math.nan, ValueError),
        (RMSprop, "alpha", -0.1, ValueError),
        (RMSprop, "eps", -1e-8, ValueError),
        (RMSprop, "weight_decay", None, TypeError),
        (RMSprop, "momentum", -1, ValueError),
        (Adagrad, "lr", "fast", TypeError),
        (Adagrad, "lr_decay", -1, ValueError),
        (Adagrad, "weight_decay", -1, ValueError),
        (Adagrad, "initial_accumulator_value", -1, ValueError),
        (Adagrad, "eps", -1e-10, ValueError),
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


def test_a_group_that_is_none():
    optimizer = SGD([Value(1.0)])
    optimizer.param_groups[0] = [1.0]
    with pytest.raises(TypeError, match="a parameter group must be a dict, not 'list'"):
        optimizer.step()


def test_an_option_beyond_floats_is_named():
    with pytest.raises(OverflowError, match="lr must fit into a float, and is too large"):
        SGD([Value(1.0)], lr=10**400)
