"""The inputs that fuzzing found, kept in tests/fuzz/corpus, through the installed module.

Campaigns with a fuzzer that is led by coverage are run by tests/fuzz/run.
"""

import pytest
from fuzz import corpus
from fuzz.expectations import check_engine, check_function
from fuzz.targets import TARGETS, run

from megagrad import Function, Value


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_that_was_kept(target):
    inputs = corpus.inputs(target)
    assert len(inputs) > 5
    for name, data in inputs.items():
        try:
            run(target, data)
        except BaseException as error:
            error.add_note(f"input {name} of {target}")
            raise


REFUSED = (
    "not a saved program of this version: ",
    "no valid program: ",
    "the program has 0 outputs",
)


def restored(program):
    """The Function of a program's bytes, with as many parameters as it needs; or what is wrong."""
    count = 0
    while True:
        try:
            return Function._restore(program, (Value(0.5),) * count, False)
        except ValueError as error:
            text = str(error)
            if not text.endswith(f" parameters, not {count}"):
                return text
            count = int(text.split()[3])


def test_every_program_that_was_kept():
    accepted = []
    for name, data in corpus.inputs("program").items():
        found = restored(data)
        if isinstance(found, Function):
            check_function(found)
            accepted.append(name)
        else:
            assert found.startswith(REFUSED), (name, found)
    assert len(accepted) > 20
    check_engine()
