"""Every public name says what it is, and shows how it is called."""

import inspect

import pytest
from support.public_names import MICROGRADS, MODULES, imported, members, public

import megagrad


def says_something(thing):
    """Whether it has a sentence of its own: Python's own words are inherited, or ``Name(field)``."""
    text = thing.__doc__ or ""
    name = getattr(thing, "__name__", "")
    return len(text.split()) >= 3 and "." in text and not text.startswith(f"{name}(")


def is_callable_with_a_signature(thing):
    """Whether help() shows the arguments; those of exceptions are Python's."""
    if not inspect.isclass(thing) or not issubclass(thing, Exception):
        inspect.signature(thing)  # raises ValueError
    return callable(thing)


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    module = imported(name)
    assert says_something(module)
    assert hasattr(module, "__all__") or name == "megagrad._core"
    assert all(hasattr(module, each) for each in getattr(module, "__all__", []))


@pytest.mark.parametrize("name", MODULES)
def test_functions_and_classes(name):
    for key, thing in public(imported(name)).items():
        assert says_something(thing), key
        assert is_callable_with_a_signature(thing), key


@pytest.mark.parametrize("name", MODULES)
def test_methods_and_attributes(name):
    classes = {key: cls for key, cls in public(imported(name)).items() if inspect.isclass(cls)}
    for key, cls in classes.items():
        for member, thing in members(cls).items():
            assert says_something(thing), f"{key}.{member}"
            if not inspect.isdatadescriptor(thing):
                assert is_callable_with_a_signature(getattr(cls, member)), f"{key}.{member}"


def test_what_is_looked_at():
    """The tests above look at C types, too, and at all that users meet."""
    offered = public(megagrad)
    assert {"Function", "Value", "record", "where", "save", "to_torch"} <= offered.keys()
    found = members(megagrad.Value)
    assert {"data", "grad", "label", "backward", "tanh", "leaky_relu", *MICROGRADS} <= found.keys()
    assert {"vjp", "hessian", "save", "load", "counts"} <= members(megagrad.Function).keys()
    assert {"parameters", "zero_grad", "state_dict"} <= members(megagrad.nn.Module).keys()
