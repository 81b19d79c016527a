"""What has parameters: their names, and their numbers as a state."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, Protocol, Self, TypeVar

from megagrad._checks import kind, real_number
from megagrad.engine import Value

if TYPE_CHECKING:
    import numpy as np

__all__ = ["IncompatibleKeys", "Module"]

# A state: a number for a Value, an array for an array of Values and for a buffer.
State = Mapping[str, Any]


class IncompatibleKeys(NamedTuple):
    """How a state differs from the module it was loaded into."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """What has parameters: the base class of neurons, layers, networks and your own models.

    The parameters of a module are the Values that its attributes hold, directly or in lists, tuples,
    dicts, NumPy arrays and other modules; a Value that was computed from others is a result, not a
    parameter. A subclass may override ``parameters()``, as in micrograd, to say so itself.

    Calling a module calls its ``forward``, as in PyTorch; or define ``__call__``, as in micrograd::

        from megagrad import nn

        class Net(nn.Module):
            def __init__(self):
                self.hidden, self.out = nn.Linear(2, 3), nn.Linear(3, 1)

            def forward(self, x):
                return self.out(nn.Tanh()(self.hidden(x)))
    """

    training = True  # what train() and eval() set: Dropout and BatchNorm1d look at it

    # The attributes that say how a module was made: PyTorch's arguments, which have the same names.
    _settings: tuple[str, ...] = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what ``forward`` returns."""
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs: what a subclass defines. Raises NotImplementedError otherwise."""
        raise NotImplementedError(f"{type(self).__name__} defines neither forward nor __call__")

    def modules(self) -> Iterator["Module"]:
        """Iterate over this module and all those in it, each once."""
        yield from dict.fromkeys(found for _, found in _walk(self) if isinstance(found, Module))

    def train(self, mode: bool = True) -> Self:
        """Set ``training`` of this module and all those in it, and return the module."""
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """Do what ``train(False)`` does: dropout passes all, normalisation uses running numbers."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0

    def parameters(self) -> list[Value]:
        """List the parameters, in the order in which the attributes were defined."""
        return [value for value in _named_values(self) if not value._children]

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Iterate over the parameters with their names, such as ``layers.0.neurons.3.w.1``.

        The order is that of ``parameters()``. A parameter held in several places comes once, under
        the first name found. Raises ValueError if an overridden ``parameters()`` lists a Value
        that no attribute leads to, as it has no name, and if two have the same name, such as under
        the keys ``1`` and ``'1'`` of a dict.
        """
        names = _named_values(self)
        values: dict[str, Value] = {}
        for value, name in names.items():
            if values.setdefault(name, value) is not value:
                raise ValueError(f"two Values of the {type(self).__name__} have the name {name!r}")
        for parameter in dict.fromkeys(self.parameters()):
            if parameter not in names:
                raise ValueError(
                    f"{parameter!r} is one of parameters(), but no attribute of the "
                    f"{type(self).__name__} leads to it through lists, tuples, dicts and modules, "
                    "so it has no name"
                )
            yield names[parameter], parameter

    def state_dict(self) -> dict[str, Any]:
        """Return all that training has changed, by name: PyTorch's names where the module is PyTorch's.

        A Value gives a float. A NumPy array of Values, as ``Linear.weight``, gives one float64 array
        under its own name; so does a buffer, as the running mean of BatchNorm1d. An array that is in
        several places comes under each of its names, as in PyTorch. All are copies.
        """
        return {name: _numbers(part) for name, part in self._parts().items()}

    def load_state_dict(self, state: State, strict: bool = True) -> IncompatibleKeys:
        """Set the parameters to the numbers of a ``state_dict()``; gradients stay as they are.

        state: a real number or an array for each name; tensors of PyTorch are taken, too. With
        ``strict=False``, names that only one side knows are passed over. Returns those names, as PyTorch
        does.

        Raises RuntimeError, as PyTorch does, if a shape differs, or if strict and the names differ;
        TypeError for a state that is not a mapping to real numbers; ValueError for a number that a
        buffer of whole numbers cannot hold. After an error nothing has changed.
        """
        if not isinstance(state, Mapping):
            hint = "; of a file, megagrad.load(path) returns it" if isinstance(state, str) else ""
            raise TypeError(
                f"a state must be a mapping of names to numbers, not {kind(state)}{hint}"
            )
        parts = self._parts()
        differences = IncompatibleKeys(
            missing_keys=[name for name in parts if name not in state],
            unexpected_keys=[name for name in state if name not in parts],
        )
        if strict and any(differences):
            raise RuntimeError(
                f"the state does not fit the {type(self).__name__}: "
                f"missing names {differences.missing_keys}, "
                f"unexpected names {differences.unexpected_keys}"
            )
        numbers = {
            name: _fitting(f"state[{name!r}]", state[name], part)
            for name, part in parts.items()
            if name in state
        }
        for name, number in numbers.items():
            _set_numbers(parts[name], number)
        return differences

    def register_buffer(self, name: str, array: "np.ndarray[Any, Any]") -> None:
        """Set the attribute ``name`` to an array of numbers that is part of the state, and no parameter.

        name: a string. array: a NumPy array of real numbers; later, change what is in it:
        ``self.mean[:] = ...``. Raises TypeError for anything else, as a list.
        """
        if not _has_numbers(array) or array.dtype.kind not in "biuf":
            raise TypeError(f"a buffer must be a NumPy array of real numbers, not {kind(array)}")
        setattr(self, name, array)
        vars(self)["_buffers"] = [*vars(self).get("_buffers", ()), name]  # a copy has its own

    def extra_repr(self) -> str:
        """Return what stands between the brackets of the repr: the arguments it was made with."""
        return ", ".join(f"{name}={setting!r}" for name, setting in self._arguments().items())

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments it was made with; of a bias, whether there is one."""
        arguments = {name: getattr(self, name) for name in self._settings}
        bias = arguments.get("bias", False)
        if not isinstance(bias, bool):
            arguments["bias"] = bias is not None
        return arguments

    @recursive_repr()
    def __repr__(self) -> str:
        """Return PyTorch's form: the class, its settings, and the modules in it, one a line."""
        inside = [
            f"({name}): {found!r}"
            for name, found in vars(self).items()
            if isinstance(found, Module)
        ]
        lines = "".join(f"\n{line}" for line in inside).replace("\n", "\n  ")
        return f"{type(self).__name__}({self.extra_repr()}{lines}{(inside and chr(10)) or ''})"

    def _parts(self) -> dict[str, Any]:
        """Name all that a state holds: Values that are in no array, arrays of Values, and buffers."""
        arrays = {name: found for name, found in _walk(self, again=True) if _is_state(found)}
        inside = {id(v) for array in arrays.values() if array.dtype == object for v in array.flat}
        values = {n: value for n, value in self.named_parameters() if id(value) not in inside}
        return values | arrays


_Arguments = ParamSpec("_Arguments")
_Output_co = TypeVar("_Output_co", covariant=True)


class _Forward(Protocol[_Arguments, _Output_co]):
    def forward(self, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Output_co: ...


class TypedModule(Module):
    """A module whose call has, for type checkers, the arguments and the result of its ``forward``.

    Module itself has not, so that a subclass may define ``__call__`` with arguments of its own.
    """

    if TYPE_CHECKING:

        def __call__(
            self: _Forward[_Arguments, _Output_co],
            *args: _Arguments.args,
            **kwargs: _Arguments.kwargs,
        ) -> _Output_co: ...


def _named_values(module: Module) -> dict[Value, str]:
    """Find the Values that a module's attributes lead to, each under the first name found."""
    names: dict[Value, str] = {}
    for name, found in _walk(module):
        if isinstance(found, Value):
            names.setdefault(found, name)
        elif _is_array(found) and found.dtype == object:
            np = sys.modules["numpy"]
            for index, value in zip(np.ndindex(found.shape), found.flat, strict=True):
                if isinstance(value, Value):
                    names.setdefault(value, ".".join([name, *map(str, index)]))
    return names


def _walk(module: Module, again: bool = False) -> Iterator[tuple[str, Any]]:
    """Walk all that a module's attributes lead to.

    again: look into what is held in several places by every way to it, but in circles; otherwise by the
    first. The levels that are open stand in a dict by what they are of: nesting may be deep.
    """
    open_levels: dict[int, Iterator[tuple[str, Any]]] = {0: iter([("", module)])}
    seen: set[int] = set()
    while open_levels:
        level = next(reversed(open_levels))
        name, found = next(open_levels[level], (None, None))
        if name is None:
            del open_levels[level]
            continue
        yield name, found
        if id(found) not in (open_levels if again else seen):
            prefix = f"{name}." if name else ""
            inside = [(f"{prefix}{key}", part) for key, part in _inside(found)]
            if inside:
                seen.add(id(found))
                open_levels[id(found)] = iter(inside)


def _inside(found: object) -> list[tuple[object, Any]]:
    parts: Iterable[tuple[object, Any]] = ()
    buffers: list[object] = []
    if isinstance(found, Module):
        parts, buffers = vars(found).items(), vars(found).get("_buffers", [])
    elif isinstance(found, dict):
        parts = found.items()
    elif isinstance(found, list | tuple):
        parts = enumerate(found)
    return [(key, part) for key, part in parts if key in buffers or not _has_numbers(part)]


def _is_array(found: object) -> bool:
    numpy = sys.modules.get("numpy")  # without which there is no array
    return numpy is not None and isinstance(found, numpy.ndarray)


def _has_numbers(found: Any) -> bool:
    return _is_array(found) and found.dtype != object


def _is_state(found: Any) -> bool:
    """Whether it is a buffer, or an array of parameters: Values that were computed are results."""
    return _has_numbers(found) or (
        _is_array(found) and all(isinstance(v, Value) and not v._children for v in found.flat)
    )


def _numbers(part: Any) -> Any:
    if isinstance(part, Value):
        return part.data
    from megagrad import _arrays

    return _arrays.data(part) if part.dtype == object else part.copy()


def _fitting(name: str, numbers: Any, part: Any) -> Any:
    """Return the numbers for a part of a module, checked."""
    from megagrad import _arrays

    if isinstance(part, Value):
        return real_number(name, numbers.detach() if _arrays.is_tensor(numbers) else numbers)
    array = _arrays.numbers(name, numbers)
    if array.shape != part.shape:
        raise RuntimeError(f"{name} must have the shape {part.shape}, not {array.shape}")
    if part.dtype.kind in "biu" and not _holds(part.dtype, array):
        raise ValueError(f"{name} must have numbers that {part.dtype} can hold, not {array}")
    return array


def _holds(dtype: Any, array: Any) -> bool:
    np = sys.modules["numpy"]
    with np.errstate(invalid="ignore"):
        return bool((array.astype(dtype) == array).all())


def _set_numbers(part: Any, numbers: Any) -> None:
    if isinstance(part, Value):
        part.data = numbers
    elif part.dtype == object:
        for value, number in zip(part.flat, numbers.ravel().tolist(), strict=True):
            value.data = number
    else:
        part[...] = numbers
