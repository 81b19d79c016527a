"""The inputs that fuzzing found, kept in tests/fuzz/corpus, through the installed module.

Campaigns with a fuzzer that is led by coverage are run by tests/fuzz/run.
"""

import pytest

from fuzz import corpus
from fuzz.expectations import check_engine, check_function
from fuzz.files import sealed
from fuzz.targets import TARGETS, run
from megagrad import Function, Value, record


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


def test_a_program_that_is_cut_off_says_in_which_part():
    f = record(lambda x, y: x * y * 3 + x.tanh(), 2)
    program = f.__reduce__()[1][0][:-8]
    texts = [restored(sealed(program[:length])) for length in range(8, len(program))]
    parts = dict.fromkeys(text.partition(" cut off in its ")[2] for text in texts)
    assert list(parts) == [
        *("head", "list of ops", "inputs", "parameters", "counts", "constants", "instructions"),
        *("operands", "outputs"),
    ]


def test_a_program_has_the_operands_that_its_instructions_say():
    f = record(lambda x, y: x.maximum(y), 2)
    program = f.__reduce__()[1][0][:-8]
    operands = program.rindex(bytes([2, 0, 0, 0, 0, 0, 0, 0]))
    more = bytes([3]) + program[operands + 1 : operands + 16] + bytes(4) + program[operands + 16 :]
    text = restored(sealed(program[:operands] + more))
    assert text.endswith("its instructions have 2 operands, not 3")
