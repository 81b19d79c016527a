"""What has parameters: their names, and their numbers as a state."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from megagrad._checks import kind, real_number
from megagrad.engine import Value

__all__ = ["IncompatibleKeys", "Module"]


class IncompatibleKeys(NamedTuple):
    """How a state differs from the module it was loaded into."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """What has parameters: the base class of neurons, layers, networks and your own models.

    The parameters of a module are the Values that its attributes hold, directly or in lists,
    tuples, dicts and other modules; a Value that was computed from others is a result, not a
    parameter. A subclass may override ``parameters()``, as in micrograd, to say so itself.
    """

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0

    def parameters(self) -> list[Value]:
        """List the parameters, in the order in which the attributes were defined."""
        return [value for _, value in _named_values(self) if not value._children]

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Iterate over the parameters with their names, such as ``layers.0.neurons.3.w.1``.

        The order is that of ``parameters()``. A parameter held in several places comes once, under
        the first name found. Raises ValueError if an overridden ``parameters()`` lists a Value
        that no attribute leads to, as it has no name, and if two have the same name, such as under
        the keys ``1`` and ``'1'`` of a dict.
        """
        names: dict[Value, str] = {}
        values: dict[str, Value] = {}
        for name, value in _named_values(self):
            if values.setdefault(name, value) is not value:
                raise ValueError(f"two Values of the {type(self).__name__} have the name {name!r}")
            names[value] = name
        for parameter in dict.fromkeys(self.parameters()):
            if parameter not in names:
                raise ValueError(
                    f"{parameter!r} is one of parameters(), but no attribute of the "
                    f"{type(self).__name__} leads to it through lists, tuples, dicts and modules, "
                    "so it has no name"
                )
            yield names[parameter], parameter

    def state_dict(self) -> dict[str, float]:
        """Return the parameters' names and numbers: all that training has changed."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float], strict: bool = True) -> IncompatibleKeys:
        """Set the parameters to the numbers of a ``state_dict()``; gradients stay as they are.

        state: a real number for each name. With ``strict=False``, names that only one side knows
        are passed over. Returns those names, as PyTorch does.

        Raises RuntimeError, as PyTorch does, if strict and the names differ, and TypeError for a
        state that is not a mapping to real numbers. After an error nothing has changed.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"a state must be a mapping of names to numbers, not {kind(state)}")
        parameters = dict(self.named_parameters())
        differences = IncompatibleKeys(
            missing_keys=[name for name in parameters if name not in state],
            unexpected_keys=[name for name in state if name not in parameters],
        )
        if strict and any(differences):
            raise RuntimeError(
                f"the state does not fit the {type(self).__name__}: "
                f"missing names {differences.missing_keys}, "
                f"unexpected names {differences.unexpected_keys}"
            )
        numbers = {
            name: real_number(f"state[{name!r}]", state[name])
            for name in parameters
            if name in state
        }
        for name, number in numbers.items():
            parameters[name].data = number
        return differences


def _named_values(module: Module) -> Iterator[tuple[str, Value]]:
    """Walk a module's attributes, with a stack of its own as nesting may be deep."""
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [("", module)]
    while stack:
        name, found = stack.pop()
        inside = _inside(found)
        if (inside is None and not isinstance(found, Value)) or id(found) in seen:
            continue
        seen.add(id(found))
        if inside is None:
            yield name, found
        else:
            prefix = f"{name}." if name else ""
            stack.extend([(f"{prefix}{key}", part) for key, part in inside][::-1])


def _inside(found: object) -> Iterable[tuple[object, object]] | None:
    if isinstance(found, Module):
        return vars(found).items()
    if isinstance(found, dict):
        return found.items()
    if isinstance(found, list | tuple):
        return enumerate(found)
    return None
