"""Lifetimes of optimisers and of the compiled rules that they hold."""

import gc
import weakref

import pytest
from support.optimiser_runs import leaves, optimisers

from megagrad import Value


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


def test_rules_that_were_never_initialised_are_refused():
    from megagrad._core import AdamRule

    rule = AdamRule.__new__(AdamRule)
    gc.collect()
    for use in (rule.zero_grad, rule.columns, lambda: rule.step({})):
        with pytest.raises(TypeError, match="__init__ was not called"):
            use()
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Subclass", (AdamRule,), {})
    with pytest.raises(TypeError, match="no rule"):
        AdamRule.zero_grad(3)
