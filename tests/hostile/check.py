"""One hostile call, and all that has to hold after it."""

import gc
import inspect
import random
import shutil
import sys
import tempfile
import types
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

import numpy as np
from support.needs import FREE_THREADED

from hostile.judge import fault
from hostile.kind import Hostile, Sabotage
from megagrad import Function, Value
from megagrad._core import census
from megagrad.nn import Module
from megagrad.optim import Optimizer
from megagrad.optim.lr_scheduler import LRScheduler

EXPECTED = (
    ArithmeticError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    Sabotage,
    TypeError,
    ValueError,
)

# More than a portrait shows.
MANY = 50

# The one empty tuple, and objects of these, anyone may refer to.
NOTHING: tuple[()] = ()
SHARED = (NoneType, bool, int, float, str, bytes, type, types.ModuleType, types.EllipsisType)
if FREE_THREADED:  # which counts some references to functions only when it collects
    SHARED += (types.FunctionType,)


class Call(NamedTuple):
    """A call that works.

    names: of the positional arguments, where inspect.signature does not know. watched: what the call
    may change. anything: arguments that take every object, as those that are tested for truth.
    allowed: exceptions that are not EXPECTED. keeps: whether
    something watched holds on to the arguments. arrays_too: whether NumPy computes with each item.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    names: tuple[str, ...] = ()
    watched: tuple[Any, ...] = ()
    anything: tuple[str, ...] = ()
    allowed: tuple[type[Exception], ...] = ()
    keeps: bool = False
    arrays_too: bool = False

    def places(self) -> list[int | str]:
        return [*range(len(self.args)), *self.named]

    def name_of(self, place: int | str) -> str:
        if isinstance(place, str):
            return place
        if self.names:
            return self.names[place]
        try:
            parameters = list(inspect.signature(self.function).parameters.values())
        except ValueError:
            return ""
        if place < len(parameters) and parameters[place].kind != inspect.Parameter.VAR_POSITIONAL:
            return parameters[place].name
        return ""

    def names_of_all(self) -> list[str]:
        return [self.name_of(place) for place in self.places()]

    def with_argument(self, place: int | str, argument: object) -> "Call":
        if isinstance(place, str):
            return self._replace(named={**self.named, place: argument})
        return self._replace(args=(*self.args[:place], argument, *self.args[place + 1 :]))

    def without(self, places: set[int | str]) -> list[Any]:
        """All that is involved, but for the arguments at these places."""
        return [
            *(arg for place, arg in enumerate(self.args) if place not in places),
            *(arg for place, arg in self.named.items() if place not in places),
            *self.watched,
        ]

    def __call__(self) -> Any:
        random.seed(1)
        return self.function(*self.args, **self.named)


class Folder:
    """A folder whose files are watched."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def files(self) -> list[str]:
        return sorted(file.name for file in self.path.rglob("*"))


class Outcome(NamedTuple):
    result: Any
    error: BaseException | None


class Seen(NamedTuple):
    portrait: Any
    failed: bool


def outcome(call: Call) -> Outcome:
    try:
        return Outcome(call(), None)
    except Exception as error:  # noqa: BLE001
        return Outcome(None, error)


def portrait(thing: Any, depth: int = 6, *, graphs: bool = True) -> Any:
    """What there is to see of an object, so that portraits can be compared.

    graphs: whether Values are shown with what they were computed from.
    """
    if depth == 0:
        return "..."
    inner = depth - 1

    def portrait_of(part: Any) -> Any:
        return portrait(part, inner, graphs=graphs)

    if issubclass(type(thing), float):
        return float.__repr__(thing)
    if type(thing).__module__.startswith("hostile."):
        return type(thing).__name__
    if type(thing) in (NoneType, bool, int, bytes):
        return thing
    if issubclass(type(thing), str):
        return str.__repr__(thing)
    if type(thing) is Value and not graphs:
        return repr(thing.data), repr(thing.grad)
    if type(thing) is Value:
        node = (repr(thing.data), repr(thing.grad), thing.label, thing._op, len(vars(thing)))
        if sum(census(thing).values()) > MANY:
            return node
        return (*node, *(portrait_of(child) for child in thing._children))
    if type(thing) is np.ndarray:
        return thing.shape, repr(thing.tolist()) if 0 < thing.size < 10_000 else ""
    if isinstance(thing, Function):
        return str(thing), thing.n_inputs, thing.n_outputs, len(thing.parameters)
    if isinstance(thing, Module):
        return type(thing), portrait_of(vars(thing))
    if isinstance(thing, Optimizer):
        groups = [{**group, "params": len(group["params"])} for group in thing.param_groups]
        return portrait_of([groups, thing.state_dict()["state"]])
    if isinstance(thing, LRScheduler):
        return portrait_of(thing.state_dict()), portrait_of(thing.optimizer)
    if isinstance(thing, Mapping):
        return {repr(portrait_of(key)): portrait_of(item) for key, item in thing.items()}
    if isinstance(thing, list | tuple | set):
        items = list(thing)
        seen = items if len(items) < MANY else [*items[:10], *items[-10:]]
        return type(thing).__name__, len(items), [portrait_of(item) for item in seen]
    if isinstance(thing, Folder):
        return thing.files()
    name = type(thing).__name__
    return thing.source if name == "Digraph" else name


def described(call: Call, places: Mapping[int | str, tuple[str, Hostile]]) -> str:
    return f"{call.function!r} with { {place: name for place, (name, _) in places.items()} }"


def try_call(make: Callable[[], Call], places: dict[int | str, tuple[str, Hostile]]) -> Seen:
    """Make a call with hostile arguments at these places, and check all that has to hold."""
    seen, is_balanced = tried(make, places)
    if not is_balanced:
        # Perhaps the collector came by, and took what an earlier call had left.
        gc.collect()
        seen, is_balanced = tried(make, places)
    assert is_balanced, f"{described(make(), places)} leaves other reference counts"
    return seen


def tried(
    make: Callable[[], Call], places: dict[int | str, tuple[str, Hostile]]
) -> tuple[Seen, bool]:
    """What a call gave, and whether the reference counts are what they were."""
    call = make()
    arguments = {place: hostile.make() for place, (_, hostile) in places.items()}
    for place, argument in arguments.items():
        call = call.with_argument(place, argument)
    about = described(call, places)
    involved = call.without(set(places))
    held = [
        thing
        for thing in (*arguments.values(), *involved)
        if type(thing) not in SHARED and thing is not NOTHING
    ]
    before, counts = portrait(involved), reference_counts(held)
    result, error = outcome(call)
    if error is not None:
        check_error(call, arguments, places, error, about)
        assert portrait(involved) == before, f"{about} changed something and raised {error!r}"
    seen = Seen(portrait(result, graphs=False), error is not None)
    check_engine()
    if call.keeps and error is None:
        return seen, True
    del result, error
    if reference_counts(held) != counts:
        gc.collect(0)  # of what is so young a full collection would take a thousand times longer
    return seen, reference_counts(held) == counts


def reference_counts(held: list[Any]) -> list[int]:
    return [sys.getrefcount(thing) for thing in held]


def check_engine() -> None:
    x = Value(3.0)
    y = x * x + 1.0
    y.backward()
    assert (y.data, x.grad) == (10.0, 6.0)


def check_error(
    call: Call,
    arguments: Mapping[int | str, Any],
    places: Mapping[int | str, tuple[str, Hostile]],
    error: BaseException,
    about: str,
) -> None:
    lies = any(hostile.lies for _, hostile in places.values())
    allowed = (*EXPECTED, *call.allowed, *((AttributeError,) if lies else ()))
    assert isinstance(error, allowed), f"{about} raised {error!r}"
    if isinstance(error, Sabotage | MemoryError):
        return
    text = "\n".join([str(error), *getattr(error, "__notes__", ())])
    faults = [fault(text, call.names_of_all(), argument) for argument in arguments.values()]
    assert None in faults, f"{about} raised {type(error).__name__}: {text!r}, which {faults[0]}"


def is_right(make: Callable[[], Call], place: int | str, hostile: Hostile, seen: Any) -> bool:
    """Whether what a call gave is what it gives for something that the argument may count as."""
    call = make()
    if hostile.lies or call.name_of(place) in call.anything:
        return True
    if call.arrays_too and seen in ("'ndarray'", "'MaskedArray'", "'bool'"):
        return True
    plain = [*hostile.plain, *(as_values(each, hostile.make()) for each in hostile.plain)]
    return any(result_of(make().with_argument(place, each)) == seen for each in plain)


def result_of(call: Call) -> Any:
    """The result's portrait, after as much looking at the arguments as in a hostile call."""
    portrait([*call.args, *call.named.values(), *call.watched])
    return portrait(outcome(call).result, graphs=False)


def as_values(plain: Any, like: Any) -> Any:
    """The plain numbers as Values, if that is what they stand for."""
    if isinstance(like, Value):
        return Value(plain)
    is_row = isinstance(plain, list) and all(isinstance(each, float | int) for each in plain)
    return [Value(number) for number in plain] if is_row else plain
