"""What unpickling may be given: arguments of Value's and Function's reconstructors, and bytes."""

import abc
import copy
import gc
import io
import pickle
import warnings
from typing import Any

import megagrad._core as core
from fuzz.expectations import check_function, refused
from fuzz.stream import Stream
from megagrad import Function, Value

OPS = [
    *("leaf", "custom", "add", "sub", "mul", "div", "pow", "exp", "tanh", "relu", "log", "maximum"),
    *(
        *("less", "when", "leaky_relu", "elu", "neg", "dot", "sum", "operands", "nonsense", ""),
        *(5, None),
    ),
]


class Free(Value):
    """Has a __dict__ of its own."""


class Slotted(Value):
    __slots__ = ("momentum",)


class Packed(Value):
    def __setstate__(self, state: Any) -> None:
        self.state = state


class Abstract(Value, abc.ABC):
    @abc.abstractmethod
    def missing(self) -> None: ...


def rule() -> None:
    """A chain rule of the user's own."""


TYPES = [Value, Free, Slotted, Packed, Abstract, int, type, Function, object]

# The texts of errors, by their types: each names what was wrong.
VALUE_REFUSALS = {
    TypeError: [
        r"^_restore\(\) argument [12] must be \w+, not ",
        r"^_restore\(\) takes at (least|most) \d+ arguments \(\d+ given\)",
        r"^'.+' is not a kind of Value",
        r"^Can't instantiate abstract class Abstract",
        r"^(data|grad) to restore must be a real number, not '",
        r"^an operand to restore must be a Value or a real number, not '",
        r"^a custom op is restored from two tuples, not '.+' and '",
        r"^_children must be Values, not '",
        r"^a local gradient must be a real number, not '",
    ],
    ValueError: [
        r"^cannot restore a Value made by an unknown op, .+",
        r"^wrong (number of )?operands for '\w+'",
        r"^Value\(\) got \d+ local gradients for \d+ children",
    ],
    OverflowError: [r"^int too large to convert to float"],
}
STATE_REFUSALS = {
    TypeError: [
        r"^not the state of a Value",
        r"^a state of '.+' must be a dict, or a pair of dicts",
        r"^(label|_op) must be a str, not '",
        r"^_backward must be callable, not '",
        r"^attribute name must be string, not '",
    ],
    AttributeError: [r" object has no attribute '", r"^'\w+' object attribute '\w+' is read-only"],
}
CYCLE_REFUSALS = {ValueError: [r"^cannot (copy|pickle) a graph that contains itself"]}
FUNCTION_REFUSALS = {
    TypeError: [
        r"^_restore\(\) argument [12] must be \w+, not ",
        r"^parameters must be Values",
    ],
    ValueError: [
        r"^not a saved program of this version: .+",
        r"^no valid program: .+",
        r"^the program has \d+ parameters, not \d+",
        r"^the program has \d+ outputs",
    ],
}


def an_object(stream: Stream, made: list[Any], depth: int = 0) -> Any:
    """Anything: mostly a Value that was made, or a number."""
    kind = stream.below(16)
    if kind < 5 and made:
        return made[-1 - stream.below(len(made))]
    if kind < 9:
        return stream.number()
    if kind == 9:
        return stream.one_of(
            [None, True, 2, -1, 10**400, 1j, b"x", "x", rule, object, Value, "data"]
        )
    if kind == 10:
        return stream.take(stream.below(8))
    items = [an_object(stream, made, depth + 1) for _ in range(stream.below(4) if depth < 3 else 0)]
    if kind < 14:
        return tuple(items)
    if kind == 14:
        return items
    return {stream.one_of(["x", "momentum", 5]): item for item in items}


def restore_arguments(stream: Stream, made: list[Any]) -> tuple[Any, ...]:
    if stream.below(16) == 15:
        return tuple(an_object(stream, made) for _ in range(stream.below(10)))
    op = stream.one_of(OPS)
    cls = stream.one_of(TYPES) if stream.below(4) == 3 else Value
    numbers = (stream.number(), stream.number())
    if stream.below(32) == 31:
        numbers = (an_object(stream, made), an_object(stream, made))
    if op == "leaf" and stream.below(16) < 15:
        return (None, cls, op, *numbers)
    if op == "custom" and made and stream.below(16) < 15:
        children = tuple(stream.one_of(made) for _ in range(stream.below(6)))
        partials = tuple(stream.number() for _ in children) if stream.below(4) else ()
        return (None, cls, op, *numbers, children, partials)
    return (None, cls, op, *numbers, an_object(stream, made), an_object(stream, made))


def state(stream: Stream, made: list[Any]) -> Any:
    if stream.below(8) == 7:
        return an_object(stream, made)
    own = {
        stream.one_of(["x", "momentum", 5]): an_object(stream, made) for _ in range(stream.below(3))
    }
    named: list[Any] = [stream.one_of([None, "x", 5]), stream.one_of([None, "y", b"y"])]
    rules = stream.one_of([None, None, rule, 5])
    return (stream.one_of([None, own, (own, None), (None, own), 5]), *named, rules)


def value_graph(data: bytes) -> None:
    """Calls of the reconstructor, one after another, each with what came before it."""
    stream, made = Stream(data), []
    while stream and len(made) < 200:
        if made and stream.below(4) == 3:
            value, given = stream.one_of(made), state(stream, made)
            before = looks(value)
            if refused(STATE_REFUSALS, lambda: core._set_state(value, given)):  # noqa: B023
                assert looks(value) == before
            continue
        arguments = restore_arguments(stream, made)
        made.append(None)
        if refused(VALUE_REFUSALS, lambda: made.__setitem__(-1, core._restore(*arguments))):  # noqa: B023
            made.pop()
    check_values(made)


def looks(value: Value) -> tuple[Any, ...]:
    return repr(value), value.label, value._op, value._backward is rule


def check_values(made: list[Value]) -> None:
    """What was accepted can be walked, differentiated, copied, pickled and freed."""
    for value in made:
        assert all(isinstance(child, Value) for child in value._children)
        assert len(value._local_grads) in (0, len(value._children)), value._op
    for root in made[-3:]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of nodes without a rule
            root.backward()
        refused(CYCLE_REFUSALS, lambda: check_copies(root))  # noqa: B023
    made.clear()
    gc.collect(0)


def check_copies(root: Value) -> None:
    twin = copy.deepcopy(root)
    assert repr(twin) == repr(root)
    again = pickle.loads(pickle.dumps(root))
    assert repr(again) == repr(root)
    assert [child._op for child in again._children] == [child._op for child in root._children]


def function_arguments(data: bytes) -> None:
    """Arguments of Function's reconstructor, with a program that is right or nearly so."""
    stream = Stream(data)
    has_one_output, count = stream.one_of([True, False, 0, "x"]), stream.below(256)
    parameters: Any = tuple(Value(stream.number()) for _ in range(count))
    if stream.below(16) == 15:
        parameters = an_object(stream, [Value(1.0)])
    program: Any = stream.rest()
    made: list[Any] = []
    if not refused(
        FUNCTION_REFUSALS,
        lambda: made.append(Function._restore(program, parameters, has_one_output)),
    ):
        check_function(made[0])


class _Unpickler(pickle._Unpickler):  # type: ignore[name-defined]
    """Finds what a pickle of ours needs, and nothing that does more."""

    # What makes memory be taken that the bytes do not fill is Python's own business.
    dispatch = dict(pickle._Unpickler.dispatch)  # type: ignore[attr-defined]
    for opcode in (pickle.BYTEARRAY8, pickle.NEXT_BUFFER):
        del dispatch[opcode[0]]

    def find_class(self, module: str, name: str) -> Any:
        found = {
            "_restore": core._restore,
            "_set_state": core._set_state,
            "Value": Value,
            "Function": Function,
            "list": list,
            "getattr": lambda *_: Function._restore,
            "type": lambda *_: type(None),
            "rule": rule,
            **{cls.__name__: cls for cls in (Free, Slotted, Packed)},
        }.get(name)
        if found is None:
            raise pickle.UnpicklingError(f"{module}.{name} is not for a fuzzer")
        return found


def pickled(data: bytes) -> None:
    """A pickle's bytes. What Python says of them is not ours; what comes of them works."""
    try:
        loaded = _Unpickler(io.BytesIO(data)).load()
    except SystemError:
        raise
    except Exception:  # noqa: BLE001
        return
    found = loaded if isinstance(loaded, list) else [loaded]
    for item in found[:50]:
        if type(item) is Value:
            check_values([item])
        elif type(item) is Function:
            check_function(item)
