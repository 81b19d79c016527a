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
