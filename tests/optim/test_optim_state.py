"""States and copies of optimisers: training goes on from them to the last bit."""

import copy
import json
import pickle

import pytest
from support.nested import with_, without
from support.optimiser_runs import leaves, numbers, optimisers, trained

from megagrad import Value
from megagrad.optim import SGD, Adagrad, Adam, AdamW, NAdam, RMSprop
from megagrad.optim.lr_scheduler import StepLR

RESUMED = [
    lambda values: SGD(values, lr=0.01),
    lambda values: SGD(values, lr=0.01, momentum=0.9, nesterov=True),
    lambda values: Adam(values, lr=0.01, amsgrad=True),
    lambda values: AdamW([{"params": values[:1], "lr": 0.1}, {"params": values[1:]}]),
    lambda values: NAdam(values, momentum_decay=0.1),
    lambda values: RMSprop(values),
    lambda values: RMSprop(values, momentum=0.5, centered=True),
    lambda values: Adagrad(values, lr_decay=0.1, initial_accumulator_value=0.5),
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


@pytest.mark.parametrize(
    ("make", "entry", "wrong", "message"),
    [
        (NAdam, "step", 0.0, "step must be at least 1"),
        (NAdam, "step", 7.0, "step must be the same for all parameters of a group"),
        (NAdam, "mu_product", 0.25, "mu_product must be the same for all parameters"),
        (RMSprop, "step", 7.0, "step must be the same"),
        (RMSprop, "step", 0.0, "step must be at least 1"),
        (Adagrad, "step", -1.0, "step must be at least 0"),
        *((make, "height", 1.0, "unknown height") for make in (NAdam, RMSprop, Adagrad)),
        *((NAdam, entry, None, f"no {entry}") for entry in ("mu_product", "exp_avg", "exp_avg_sq")),
        (RMSprop, "square_avg", None, "no square_avg"),
        (Adagrad, "sum", None, "no sum"),
    ],
)
def test_a_wrong_entry_is_named(make, entry, wrong, message):
    optimizer = make(leaves(2))
    optimizer.step()
    before, state = optimizer.state_dict(), optimizer.state_dict()
    if wrong is None:
        for row in state["state"].values():
            del row[entry]
    elif "same" in message:
        state["state"][1][entry] = wrong
    else:
        for row in state["state"].values():
            row[entry] = wrong
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == before


@optimisers
def test_a_group_without_parameters(optimiser):
    optimizer = optimiser([{"params": []}, {"params": leaves(1)}])
    for _ in range(2):
        optimizer.step()
        optimizer.load_state_dict(copy.deepcopy(optimizer).state_dict())
    assert optimizer.param_groups[0]["params"] == ()


def test_rules_refuse_what_would_not_fit_them():
    from megagrad._core import AdamRule

    with pytest.raises(TypeError, match="parameter 0 must be a Value, not 'int'"):
        AdamRule((1,), {})
    with pytest.raises(ValueError, match="exp_avg has 2 numbers for 1 parameters"):
        AdamRule((Value(1.0),), {"step": [1.0], "exp_avg": [1.0, 2.0], "exp_avg_sq": [1.0]})
