"""A call that works of everything that is public, by its name."""

import concurrent.futures
import contextlib
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from hostile.check import Call
from megagrad import (
    Function,
    Value,
    _core,
    function,
    nn,
    parallel,
)

Rows = dict[str, Callable[[], Call]]

BLANK = object.__new__


def setter(name: str) -> Callable[[Any, Any], None]:
    return lambda thing, value: setattr(thing, name, value)


# --- Value ----------------------------------------------------------------------------------------


def value_rows() -> Rows:
    rows: Rows = {
        "Value": lambda: Call(
            Value,
            (1.5, (Value(2.0),), "op", "label"),
            names=("data", "children", "local gradient", "label"),
        ),
        "Value()": lambda: Call(
            Value,
            (1.5,),
            {"children": (Value(2.0),), "local_grads": (3.0,), "label": "x"},
            names=("data",),
        ),
        "Value.__init__": lambda: Call(
            (Value(1.0) * 2.0).__init__,
            (1.5, (Value(2.0),), (0.5,)),
            names=("data", "children", "local gradient"),
            keeps=True,
        ),
        "Value(names of class copies)": lambda: Call(
            Value,
            (1.5,),
            {"_prev": (Value(2.0),), "local_grads": (3.0,), "name": "x", "grad": 2.0},
            names=("data", "_children", "local gradient", "label", "grad"),
        ),
        "Value.__setstate__": lambda: Call(
            set_state,
            ({"data": 2.0}, {"grad": 3.0}),
            names=("state", "slots"),
            anything=("state", "slots"),
            keeps=True,
        ),
        "Value.__setstate__ data": lambda: Call(
            lambda data, grad, prev, rule: set_state(
                {"data": data, "grad": grad, "_prev": prev, "_backward": rule}, {}
            ),
            (2.0, 3.0, {Value(1.0)}, None),
            names=("data", "grad", "_children", "_backward"),
            anything=("_backward",),
            keeps=True,
        ),
        "Value.__format__": lambda: Call(Value(1.5).__format__, (".3f",), names=("str",)),
        "Value.__new__": lambda: Call(
            Value.__new__, (Value, 1), names=("X", ""), anything=("X", "")
        ),
        "Value.backward": lambda: Call(
            Value.backward, (Value(1.0) * 2.0,), anything=("self",), allowed=(UserWarning,)
        ),
        "Value._backward()": lambda: Call((Value(1.0) * 2.0)._backward),
        "Value.__copy__": lambda: Call(Value.__copy__, (Value(1.0) * 2.0,), anything=("self",)),
        "Value.__deepcopy__": lambda: Call(
            deep_copy, (Value(1.0) * 2.0, {}), names=("value", "memo"), anything=("value", "memo")
        ),
        "Value.__reduce_ex__": lambda: Call(
            lambda protocol: type((Value(1.0) * 2.0).__reduce_ex__(protocol)),
            (2,),
            anything=("protocol",),
        ),
        "Value.item": lambda: Call((Value(1.0) * 2.0).item),
        "Value.clip": lambda: Call(
            Value(0.375).clip, (0.25, 0.5), names=("min/other", "max/other")
        ),
        "Value._repr_html_": lambda: Call(Value(1.0)._repr_html_),
        "getattr": lambda: Call(
            getattr,
            (with_attribute(), "x"),
            names=("object", "name"),
            allowed=(AttributeError,),
            anything=("object",),
        ),
        "setattr": lambda: Call(
            setattr,
            (with_attribute(), "x", 2),
            names=("object", "name", "value"),
            allowed=(AttributeError,),
            anything=("object", "name", "value"),
            keeps=True,
        ),
        "delattr": lambda: Call(
            delattr,
            (with_attribute(), "x"),
            names=("object", "name"),
            allowed=(AttributeError,),
            anything=("object",),
        ),
        "Value.__dict__": lambda: Call(
            partial(setattr, Value(1.0), "__dict__"),
            ({"a": 1},),
            names=("__dict__",),
            anything=("__dict__",),
            keeps=True,
        ),
        "Value.__class__": lambda: Call(
            partial(setattr, Value(1.0), "__class__"),
            (Value,),
            names=("__class__",),
            anything=("__class__",),
            keeps=True,
        ),
    }
    for name in ("data", "grad", "label", "_op", "_backward"):
        rows[f"Value.{name}"] = attribute_row(name)
    for name in ("_prev", "_children", "_local_grads"):
        rows[f"Value.{name}"] = read_only_row(lambda: Value(1.5) * 2.0, name)
    for row in _core.ops():
        if row.kind == "infix":
            continue
        method = getattr(Value, row.name)
        parameter = (0.5,) if row.kind != "unary" else ()
        rows[f"Value.{row.name}"] = lambda m=method, p=parameter: Call(
            m, (Value(0.375), *p), names=("self", "other")
        )
    for name in ("add", "sub", "mul", "truediv", "pow", "lt", "le", "gt", "ge", "eq", "ne"):
        rows[f"Value {name}"] = operator_row(getattr(operator, name), is_left=True)
        rows[f"{name} Value"] = operator_row(getattr(operator, name), is_left=False)
    rows["pow"] = lambda: Call(lambda z: pow(Value(1.5), 2, z), (None,), names=("modulus",))
    return rows


def operator_row(do: Callable[[Any, Any], Any], *, is_left: bool) -> Callable[[], Call]:
    """An operator with a Value on one side. NumPy computes with an array's items one by one."""

    def row() -> Call:
        value = Value(1.5)

        def compute(other: object) -> Any:
            result = do(value, other) if is_left else do(other, value)
            return result if isinstance(result, Value | bool) else type(result).__name__

        compares = ("other",) if do in (operator.eq, operator.ne) else ()
        return Call(
            compute,
            (2.0,),
            names=("other",),
            watched=(value,),
            anything=compares,
            arrays_too=True,
        )

    return row


def attribute_row(name: str) -> Callable[[], Call]:
    """Setting an attribute. Whatever can be called serves as _backward."""
    valid = {"data": 1.0, "grad": 1.0, "label": "x", "_op": "x", "_backward": len}[name]

    def row() -> Call:
        value = Value(1.5) * 2.0

        def set_it(attribute: object) -> Value:
            setattr(value, name, attribute)
            return value.__copy__()

        takes = ("_backward",) if name == "_backward" else ()
        return Call(set_it, (valid,), names=(name,), anything=takes, watched=(value,), keeps=True)

    return row


def read_only_row(make: Callable[[], Any], name: str) -> Callable[[], Call]:
    """An attribute that nobody can set."""

    def row() -> Call:
        thing = make()

        def set_it(attribute: object) -> object:
            with contextlib.suppress(AttributeError):
                setattr(thing, name, attribute)
                return "set"
            return getattr(thing, name)

        return Call(set_it, (1,), names=(name,), anything=(name,), watched=(thing,))

    return row


def set_state(attributes: Any, slots: Any) -> Value:
    value = Value(1.0) * 2.0
    value.__setstate__((attributes, slots))
    return value


def deep_copy(value: Value, memo: object) -> Value:
    # A memo keeps what was copied.
    return Value.__deepcopy__(value, dict(memo) if isinstance(memo, dict) else memo)


def with_attribute() -> Value:
    value = Value(1.0)
    value.x = 5  # type: ignore[attr-defined]
    return value


# --- sequences ------------------------------------------------------------------------------------


def numbers() -> list[Value]:
    return [Value(0.5), Value(-1.0)]


# --- Function -------------------------------------------------------------------------------------

DATA = [[0.5, 1.0], [1.5, 2.0]]


def a_function(outputs: int = 1) -> Function:
    x, y, p = Value(1.0), Value(2.0), Value(3.0, label="p")
    results = [x * y + p, (x * p).tanh()]
    return Function([x, y], results[0] if outputs == 1 else results)


def function_row(
    name: str, *more: Any, outputs: int = 1, params: tuple[Any, ...] = ([1.0], 1)
) -> Any:
    def row() -> Call:
        f = a_function(outputs)
        args = (DATA, *more, *params)
        middle = {"jvp": "tangents", "hvp": "v"}.get(name, "seeds")
        names = ("data", *([middle] if more else []), "params", "threads")[: len(args)]
        return Call(getattr(f, name), args, names=names, watched=(f, *f.parameters))

    return row


FUNCTION: Rows = {
    "Function": lambda: function_arguments(Function),
    "Function.__call__": function_row("__call__"),
    "Function.value_and_grad": function_row("value_and_grad"),
    "Function.vjp": function_row("vjp", [1.0, 2.0]),
    "Function.vjp of two outputs": function_row("vjp", DATA, outputs=2),
    "Function.backward": function_row("backward", [1.0, 2.0]),
    "Function.jvp": function_row("jvp", DATA),
    "Function.jacobian": function_row("jacobian"),
    "Function.jacobian of two outputs": function_row("jacobian", outputs=2),
    "Function.hessian": function_row("hessian"),
    "Function.hvp": function_row("hvp", DATA),
    "Function._restore": lambda: Call(
        a_function()._restore,
        a_function().__reduce__()[1],
        names=("argument 1", "argument 2/parameters", "has_one_output"),
        anything=("has_one_output",),
    ),
    "Function.parameters": read_only_row(a_function, "parameters"),
    "Function.n_inputs": read_only_row(a_function, "n_inputs"),
    "Function.n_outputs": read_only_row(a_function, "n_outputs"),
    "Function.stripe": read_only_row(a_function, "stripe"),
    "Function.counts": read_only_row(a_function, "counts"),
    "record": lambda: Call(function.record, (lambda x, y: x * y, 2, [Value(1.0)])),
}


def function_arguments(cls: type[Function]) -> Call:
    x, y, p = Value(1.0), Value(2.0), Value(3.0)
    return Call(
        cls,
        ([x, y], [x * y + p], [p]),
        names=("inputs", "outputs", "parameters"),
        anything=("outputs",),
    )


class SerialExecutor(concurrent.futures.Executor):
    """Computes at once."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_result(fn(*args, **kwargs))
        return future


def parallel_row(name: str) -> Any:
    def row() -> Call:
        f = a_function()
        named = {"seeds": [1.0, 2.0], "params": [1.0], "chunks": 2, "retries": 1}
        return Call(
            getattr(parallel, name), (f, DATA, SerialExecutor()), named, watched=(f, *f.parameters)
        )

    return row


PARALLEL: Rows = {"vjp": parallel_row("vjp"), "backward": parallel_row("backward")}

# --- nn -------------------------------------------------------------------------------------------


def module_row(name: str, *args: Any) -> Any:
    def row() -> Call:
        model = nn.MLP(2, [2, 1])
        return Call(getattr(model, name), args, watched=(model,))

    return row


class Model(nn.Module):
    """A module of one's own, which holds what it is given."""

    def __init__(self, held: object) -> None:
        self.held = held


def of_a_module(name: str) -> Any:
    def use(held: object) -> Any:
        found = getattr(Model(held), name)()
        return list(found) if name == "named_parameters" else found

    return lambda: Call(use, ([Value(1.0), {"a": Value(2.0)}],), anything=("held",))


def neuron_with(name: str) -> Any:
    def use(attribute: object) -> Any:
        model = nn.MLP(2, [2, 1])
        neuron = model.layers[0].neurons[0]
        setattr(neuron, name, attribute)
        return model([1.0, 2.0])

    valid = {"w": numbers(), "b": Value(1.0), "nonlin": True, "activation": "tanh"}[name]
    return lambda: Call(use, (valid,), anything=(name,), names=(name,), allowed=(AttributeError,))


def layers_of(value: object) -> Any:
    model = nn.MLP(2, [2, 1])
    model.layers = value
    return model([1.0, 2.0])


NN: Rows = {
    "Neuron": lambda: Call(nn.Neuron, (2, True, "tanh"), anything=("nonlin", "activation")),
    "Layer": lambda: Call(nn.Layer, (2, 2, True, "tanh"), anything=("nonlin", "activation")),
    "MLP": lambda: Call(nn.MLP, (2, [2, 1], "tanh"), anything=("activation",)),
    "Neuron()": lambda: Call(nn.Neuron(2), ([1.0, 2.0],)),
    "Layer()": lambda: Call(nn.Layer(2, 2), ([1.0, 2.0],)),
    "MLP()": lambda: Call(nn.MLP(2, [2, 1]), ([1.0, 2.0],)),
    "MLP.parameters": module_row("parameters"),
    "Module": lambda: Call(nn.Module),
    "Module.zero_grad": of_a_module("zero_grad"),
    "Module.parameters": of_a_module("parameters"),
    "Module.named_parameters": of_a_module("named_parameters"),
    "Module.state_dict": of_a_module("state_dict"),
    "Module.load_state_dict": lambda: load_state(nn.Neuron(2)),
    "Neuron.parameters": lambda: Call(nn.Neuron(2).parameters),
    "Layer.parameters": lambda: Call(nn.Layer(2, 2).parameters),
    "Neuron.w": neuron_with("w"),
    "Neuron.b": neuron_with("b"),
    "Neuron.nonlin": neuron_with("nonlin"),
    "Neuron.activation": neuron_with("activation"),
    "MLP.layers": lambda: Call(
        layers_of, ([nn.Layer(2, 1)],), names=("layers",), allowed=(AttributeError,)
    ),
}


def load_state(model: nn.Module) -> Call:
    return Call(
        model.load_state_dict, (model.state_dict(), True), watched=(model,), anything=("strict",)
    )
