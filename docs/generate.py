"""Write what is expanded from the op table: the stub of `_core`, and the README's table of ops.

``python docs/generate.py`` rewrites both files; with ``--check`` it only tells whether they are up to
date, and exits with 1 if not.
"""

import argparse
import re
import sys
from pathlib import Path

from megagrad._core import OpInfo, ops

ROOT = Path(__file__).resolve().parent.parent
STUB = ROOT / "python" / "megagrad" / "_core.pyi"
README = ROOT / "README.md"
BEGIN, END = "<!-- ops: written by docs/generate.py -->", "<!-- end of ops -->"

# The slots of each row that has a symbol of its own.
SLOTS = {
    "add": ("__add__", "__radd__"),
    "sub": ("__sub__", "__rsub__"),
    "mul": ("__mul__", "__rmul__"),
    "div": ("__truediv__", "__rtruediv__"),
}

STUB_TEMPLATE = """\
# Written by docs/generate.py from the op table; do not edit.

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from os import PathLike
from typing import (
    Any,
    Final,
    Literal,
    NoReturn,
    Self,
    SupportsFloat,
    SupportsIndex,
    TypeAlias,
    final,
)

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import disjoint_base

__version__: Final[str]

# What an operator takes beside a Value. NumPy's float64 is a float.
_Number: TypeAlias = float | Fraction | np.floating[Any] | np.integer[Any] | np.bool_
_Numbers: TypeAlias = Iterable[Value | _Number]
_Array: TypeAlias = NDArray[np.float64]
# A float of one point if the outputs were one Value, else an array: a union would need a cast
# wherever a result is used.
_Outputs: TypeAlias = Any

@disjoint_base
class Value:
    @property
    def data(self) -> float: ...
    @data.setter
    def data(self, value: _Number) -> None: ...
    @property
    def grad(self) -> float: ...
    @grad.setter
    def grad(self, value: _Number) -> None: ...
    label: str
    _op: str
    @property
    def _prev(self) -> set[Value]: ...
    @property
    def _children(self) -> tuple[Value, ...]: ...
    @property
    def _local_grads(self) -> tuple[float, ...]: ...
    @property
    def _backward(self) -> Callable[[], object]: ...
    @_backward.setter
    def _backward(self, value: Callable[[], object]) -> None: ...
    @_backward.deleter
    def _backward(self) -> None: ...
    def __init__(
        self,
        data: _Number,
        _children: Iterable[Value] = (),
        _op: str | Iterable[_Number] = "",
        label: str = "",
        *,
        children: Iterable[Value] = (),
        op: str = "",
        local_grads: Iterable[_Number] = (),
    ) -> None: ...
    def backward(self) -> None: ...
    def _repr_html_(self) -> str: ...
{operators}
    def __pow__(self, value: Value | _Number, mod: None = None, /) -> Value: ...
    def __rpow__(self, value: _Number, mod: None = None, /) -> Value: ...
    def __neg__(self, /) -> Value: ...
    def __abs__(self, /) -> Value: ...
    # It raises. Were this NoReturn, float(v) and math.sqrt(v) would pass as the float they want.
    def __float__(self, /) -> object: ...
    def __lt__(self, value: Value | _Number, /) -> bool: ...
    def __le__(self, value: Value | _Number, /) -> bool: ...
    def __gt__(self, value: Value | _Number, /) -> bool: ...
    def __ge__(self, value: Value | _Number, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __bool__(self, /) -> bool: ...
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any: ...
    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any: ...
    # Free attributes, as `p.momentum = 0.0`, work but are not typed. With __getattr__, mypy would take
    # a Value for whatever protocol is wanted: float(v), len(v) and softmax(v) would pass. With
    # __setattr__, `p.gard = 0` would, which does not even fail when it runs. A program that is checked
    # declares them in a subclass, `class Parameter(Value): momentum: float`, or keeps a dict by Value.
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[Any, Any], /) -> Self: ...
    def __reduce_ex__(self, protocol: Any, /) -> tuple[Any, ...]: ...
{methods}

class OpInfo:
    def __init__(self, *args: object, **kwargs: object) -> NoReturn: ...
{fields}

def ops() -> tuple[OpInfo, ...]: ...
def census(root: Value) -> dict[str, int]: ...
def op_name(value: Value) -> str: ...
def as_value(number: Value | _Number, /) -> Value: ...
def refuse_more_than_numbers(object: Any, /) -> None: ...
def dot(w: _Numbers, x: _Numbers, bias: Value | _Number | None = None) -> Value: ...
def while_recording(inputs: tuple[Value, ...], fn: Callable[[], Any]) -> Any: ...
def sum(xs: _Numbers, start: Value | _Number = 0) -> Value: ...
def mean(xs: _Numbers) -> Value: ...
def logsumexp(xs: _Numbers) -> Value: ...
def softmax(xs: _Numbers) -> list[Value]: ...
def log_softmax(xs: _Numbers) -> list[Value]: ...
def rms_norm(
    xs: _Numbers, weight: _Numbers | None = None, eps: SupportsFloat = 1e-5
) -> list[Value]: ...
def mse_loss(input: _Numbers, target: _Numbers) -> Value: ...
def hinge(scores: _Numbers, labels: _Numbers) -> Value: ...
def cross_entropy(input: _Numbers, target: SupportsIndex) -> Value: ...
def binary_cross_entropy_with_logits(input: _Numbers, target: _Numbers) -> Value: ...
def _layer(neurons: Iterable[Any], x: Iterable[Any], /) -> Any: ...
def _network(layers: Iterable[Any], x: Iterable[Any] | Value, /) -> Any: ...
def _know_classes(neuron: type, layer: type, /) -> None: ...
def _restore(
    before: object,
    cls: type[Value],
    op: str,
    data: float,
    grad: float,
    lhs: object = ...,
    rhs: object = ...,
    /,
) -> Value: ...
def _set_state(value: Value, state: object, /) -> None: ...

@disjoint_base
class Function:
    def __new__(
        cls,
        inputs: Iterable[Value],
        outputs: Value | Iterable[Value],
        parameters: Iterable[Value] | None = None,
        *,
        contract: bool = True,
    ) -> Self: ...
    @property
    def parameters(self) -> tuple[Value, ...]: ...
    @property
    def n_inputs(self) -> int: ...
    @property
    def n_outputs(self) -> int: ...
    @property
    def stripe(self) -> int: ...
    @property
    def counts(self) -> dict[str, int]: ...
    def __call__(
        self, data: ArrayLike, params: ArrayLike | None = None, threads: int | None = None
    ) -> _Outputs: ...
    def value_and_grad(
        self, data: ArrayLike, params: ArrayLike | None = None, threads: int | None = None
    ) -> tuple[_Outputs, _Array]: ...
    def vjp(
        self,
        data: ArrayLike,
        seeds: ArrayLike | None = None,
        params: ArrayLike | None = None,
        threads: int | None = None,
    ) -> tuple[_Outputs, _Array, _Array]: ...
    def backward(
        self,
        data: ArrayLike,
        seeds: ArrayLike | None = None,
        params: ArrayLike | None = None,
        threads: int | None = None,
    ) -> _Outputs: ...
    def jvp(
        self,
        data: ArrayLike,
        tangents: ArrayLike,
        params: ArrayLike | None = None,
        threads: int | None = None,
    ) -> tuple[_Outputs, _Outputs]: ...
    def jacobian(
        self, data: ArrayLike, params: ArrayLike | None = None, threads: int | None = None
    ) -> _Array: ...
    def hessian(
        self, data: ArrayLike, params: ArrayLike | None = None, threads: int | None = None
    ) -> _Array: ...
    def hvp(
        self,
        data: ArrayLike,
        v: ArrayLike,
        params: ArrayLike | None = None,
        threads: int | None = None,
    ) -> _Array: ...
    def save(self, path: str | PathLike[str], /) -> None: ...
    @classmethod
    def load(cls, path: str | PathLike[str], /) -> Self: ...
    @classmethod
    def _restore(
        cls, program: bytes, parameters: tuple[Value, ...], has_one_output: bool, /
    ) -> Self: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

def instruction_sets() -> list[str]: ...
def use_instruction_set(name: str) -> None: ...

@final
class SGDRule:
    def __init__(
        self, parameters: tuple[Value, ...], columns: Mapping[str, Sequence[float]]
    ) -> None: ...
    def step(self, group: dict[str, Any]) -> None: ...
    def zero_grad(self) -> None: ...
    def columns(self) -> dict[str, list[float]]: ...

@final
class AdamRule:
    def __init__(
        self, parameters: tuple[Value, ...], columns: Mapping[str, Sequence[float]]
    ) -> None: ...
    def step(self, group: dict[str, Any]) -> None: ...
    def zero_grad(self) -> None: ...
    def columns(self) -> dict[str, list[float]]: ...

def gradient_norm(values: list[Value], order: float) -> float: ...
def scale_gradients(values: list[Value], factor: float) -> None: ...
def clamp_gradients(values: list[Value], limit: float) -> None: ...
"""


def operator_lines(row: OpInfo) -> list[str]:
    """The stub of a binary operator and its reflected form; the one of pow has a third argument."""
    plain, reflected = SLOTS[row.name]
    return [
        f"    def {plain}(self, value: Value | _Number, /) -> Value: ...",
        f"    def {reflected}(self, value: _Number, /) -> Value: ...",
    ]


def method_line(row: OpInfo) -> str:
    """The stub of a method of the table."""
    arguments = {
        "binary": "self, other: Value | _Number, /",
        "unary": "self, /",
        "parametric": f"self, /, {row.parameter}: _Number = {row.default}",
    }[row.kind]
    return f"    def {row.name}({arguments}) -> Value: ..."


def field_line(name: str) -> str:
    """The stub of one field of OpInfo."""
    kinds = 'Literal["infix", "binary", "unary", "parametric"]'
    kind = {"kind": kinds, "arity": "int", "default": "float"}.get(name, "str")
    return f"    @property\n    def {name}(self) -> {kind}: ..."


def stub() -> str:
    """The text of `_core.pyi`."""
    fields = [name for name, value in vars(OpInfo).items() if isinstance(value, property)]
    lines = [line for row in ops() if row.name in SLOTS for line in operator_lines(row)]
    return STUB_TEMPLATE.format(
        operators="\n".join(lines),
        methods="\n".join(method_line(row) for row in ops() if row.kind != "infix"),
        fields="\n".join(map(field_line, fields)),
    )


def formula(text: str, row: OpInfo) -> str:
    """A formula of the table, with the parameter's name in place of y."""
    return re.sub(r"\by\b", row.parameter, text) if row.parameter else text


def written(row: OpInfo) -> str:
    """How the op is called in Python."""
    if row.kind == "infix":
        return f"x {row.label} y"
    if row.name in ("neg", "abs"):
        return {"neg": "-x", "abs": "abs(x)"}[row.name]
    argument = {"binary": "y", "unary": "", "parametric": f"{row.parameter}={row.default}"}
    return f"x.{row.name}({argument[row.kind]})"


def readme_table() -> str:
    """The README's table of ops, one row each."""
    lines = ["| written | is | derivative by x | by y |", "|---|---|---|---|"]
    for row in ops():
        by_x, by_y = (f"`{formula(text, row)}`" if text else "" for text in (row.dx, row.dy))
        lines.append(f"| `{written(row)}` | {row.doc.replace('|', '&#124;')} | {by_x} | {by_y} |")
    return "\n".join(lines)


def readme() -> str:
    """The README with its table of ops written anew."""
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{readme_table()}\n{END}{after}"


def main() -> int:
    """Write the files, or check them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if outdated")
    check = parser.parse_args().check
    outdated = []
    for path, text in ((STUB, stub()), (README, readme())):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        outdated.append(path.relative_to(ROOT).as_posix())
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and outdated:
        print(f"{', '.join(outdated)} outdated: run python docs/generate.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
