"""What `import megagrad` loads, and that it works without NumPy being loaded."""

import importlib

import pytest
from support.processes import printed


@pytest.mark.parametrize("module", ["megagrad", "megagrad.engine", "megagrad.nn"])
def test_numpy_is_not_loaded(module):
    heavy = ["numpy", "matplotlib", "argparse", "rich"]
    loaded = printed(f"import sys, {module}; print(*[m for m in {heavy} if m in sys.modules])")
    assert loaded == []


def test_the_engine_works_without_numpy():
    code = "import sys; sys.modules['numpy'] = None\nfrom megagrad.engine import Value\n"
    assert printed(code + "x = Value(3); (x * x).backward(); print(x.grad)") == ["6.0"]


@pytest.mark.parametrize(
    "room",
    [
        *("show.drawing", "show.explanation", "show.expression", "cli.compat"),
        *("demo.datasets", "demo.scaling", "demo.training"),
    ],
)
def test_a_module_that_has_a_room_is_found_where_it_was(room):
    there = importlib.import_module(f"megagrad.{room}")
    here = importlib.import_module(f"megagrad.{room.partition('.')[2]}")
    assert here.__all__ == there.__all__
    assert all(getattr(here, name) is getattr(there, name) for name in there.__all__)
    assert f"``megagrad.{room}``" in here.__doc__


def test_nn_is_imported_when_asked_for():
    code = "import sys, megagrad; print('megagrad.nn' in sys.modules)\n"
    assert printed(code + "print(megagrad.nn.MLP(2, [1]))")[:2] == ["False", "MLP"]
    import megagrad

    with pytest.raises(AttributeError, match="module 'megagrad' has no attribute 'missing'"):
        megagrad.missing  # noqa: B018


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("from megagrad import MLP", "Write: from megagrad.nn import MLP"),
        ("from megagrad import Adam", "Write: from megagrad.optim import Adam"),
        ("from megagrad import softmax", "Write: from megagrad.functional import softmax"),
        ("from megagrad.nn import record", "Write: from megagrad import record"),
        ("from megagrad import Vlaue", "Did you mean: 'Value'?"),
        ("from megagrad import optimizer", "Did you mean: 'optim'?"),
        ("from megagrad.nn import Tahn", "Did you mean: 'Tanh'?"),
    ],
)
def test_a_name_that_is_elsewhere_or_misspelt_is_pointed_out(line, hint):
    with pytest.raises(ImportError) as raised:
        exec(line, {})  # noqa: S102
    _, module, _, name = line.split()
    assert str(raised.value) == f"cannot import name {name!r} from {module!r}. {hint}"
    assert raised.value.name == module
    place = importlib.import_module(module)
    with pytest.raises(AttributeError) as missing:
        getattr(place, name)
    assert str(missing.value) == f"module {module!r} has no attribute {name!r}. {hint}"
    assert (missing.value.name, missing.value.obj) == (name, None)  # Python adds no second hint
    assert not hasattr(place, name)


@pytest.mark.parametrize("name", ["zzzzz", "__wrapped__", "_MLP"])
def test_without_a_hint_the_error_is_pythons(name):
    with pytest.raises(ImportError, match=f"cannot import name '{name}' from 'megagrad'"):
        exec(f"from megagrad import {name}", {})  # noqa: S102
    with pytest.raises(AttributeError, match=f"^module 'megagrad' has no attribute '{name}'$"):
        getattr(importlib.import_module("megagrad"), name)


def test_modules_are_imported_by_name_however_close_to_another():
    names = {}
    exec("from megagrad import function, demo, engine\nfrom megagrad.nn import linear", names)  # noqa: S102
    assert names["function"].__name__ == "megagrad.function"
    assert names["linear"].__name__ == "megagrad.nn.linear"
