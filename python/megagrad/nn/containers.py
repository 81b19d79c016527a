"""Modules of modules, and those that only change a shape: PyTorch's Sequential, ModuleList, Flatten."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from megagrad import _arrays
from megagrad._arrays import Array, ArrayLike
from megagrad._checks import kind, whole_number
from megagrad.module import Module, TypedModule

__all__ = ["Flatten", "Identity", "ModuleList", "Sequential"]


class _Numbered(Module):
    """Modules whose names are 0, 1, 2, …, as in PyTorch: they are attributes of these names."""

    def __init__(self, modules: Iterable[Callable[..., Any]]) -> None:
        for place, module in enumerate(modules):
            if isinstance(module, type):
                wanted = f"{type(self).__name__} needs modules, not {kind(module)}"
                raise TypeError(f"{wanted}: write {module.__name__}()")
            if not callable(module):
                raise TypeError(f"{type(self).__name__} needs modules, not {kind(module)}")
            setattr(self, str(place), module)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the modules in order."""
        return (module for name, module in vars(self).items() if name.isdecimal())

    def __len__(self) -> int:
        """Return how many modules there are."""
        return sum(1 for _ in self)

    def __getitem__(self, place: int) -> Any:
        """Return the module at a place; from the end where it is negative. Raises IndexError."""
        return list(self)[place]


class Sequential(_Numbered):
    """Modules one after the other, each on what the one before returns.

    args: modules, or functions of one argument. Their names are 0, 1, 2, …, so that the first one's
    weights are ``0.weight``, as in PyTorch. Raises TypeError for what cannot be called.
    """

    def __init__(self, *args: Callable[..., Any]) -> None:
        """See the class."""
        super().__init__(args)

    def forward(self, input: Any) -> Any:
        """Return what the last module returns; the input if there is none."""
        for module in self:
            input = module(input)
        return input


class ModuleList(_Numbered):
    """A list of modules, whose names are 0, 1, 2, …: what calls them is up to you.

    modules: an iterable of them. Raises TypeError for what cannot be called.
    """

    def __init__(self, modules: Iterable[Callable[..., Any]] = ()) -> None:
        """See the class."""
        super().__init__(modules)

    def append(self, module: Callable[..., Any]) -> "ModuleList":
        """Add a module at the end, and return the list."""
        super().__init__([*self, module])
        return self


class Identity(TypedModule):
    """What returns its input."""

    def forward(self, input: Any) -> Any:
        """Return the input."""
        return input


class Flatten(TypedModule):
    """What makes one dimension of several.

    start_dim, end_dim: the first and last of these, from the end where negative. The default keeps
    the first, of a batch, as PyTorch does; ``start_dim=0`` is for a single example.
    """

    _settings = ("start_dim", "end_dim")

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        """See the class."""
        self.start_dim = whole_number("start_dim", start_dim)
        self.end_dim = whole_number("end_dim", end_dim)

    def forward(self, input: ArrayLike) -> Array:
        """Return the same elements in an array of fewer dimensions.

        Raises IndexError for a dimension that the input has not.
        """
        x = _arrays.array("input", input)
        first = _arrays.dimension("start_dim", self.start_dim, x)
        last = _arrays.dimension("end_dim", self.end_dim, x)
        if first > last:
            raise ValueError(f"start_dim must not come after end_dim, got {first} and {last}")
        size = math.prod(x.shape[first : last + 1])
        return x.reshape(*x.shape[:first], size, *x.shape[last + 1 :])
