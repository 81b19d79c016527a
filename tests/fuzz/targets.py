"""What is fuzzed from Python. Each takes any bytes, and raises if something does not hold."""

from collections.abc import Callable

from fuzz.expectations import check_engine
from fuzz.files import function_file, state_file
from fuzz.unpickling import function_arguments, pickled, value_graph

TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (value_graph, pickled, function_arguments, function_file, state_file)
}


def run(name: str, data: bytes) -> None:
    TARGETS[name](data)
    check_engine()
