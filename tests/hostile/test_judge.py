"""The judge of messages: what it takes for a help, and what not."""

import pytest

from hostile.judge import fault
from megagrad import Value

HELP = [
    ("lr must be at least 0, got -1.0", ["params", "lr"], -1.0),
    ("last_epoch must be at least -1, got one of 1329 bits", ["last_epoch"], -(10**400)),
    ("lr must be a real number, not 'str'", ["lr"], "x"),
    ("n_inputs must be at most 2147483647, got one of 1329 bits", ["fn", "n_inputs"], 10**400),
    ("dot() needs Values and real numbers, but w[1] is a 'str'", ["w", "x"], [1.0, "x"]),
    ("seeds must have shape (2,), not (3,)", ["data", "seeds"], [1, 2, 3]),
    ("ReLUNeuron(2) got 3 inputs, expected 2", ["x"], [1, 2, 3]),
    ("a state must be a dict, not 'list'", ["state_dict"], []),
    ("rankdir must be one of LR, TB, RL, BT, got 'left'", ["rankdir"], "left"),
    ("data.csv: has no column 'size'; it has 'a', 'b'", ["path", "target"], "size"),
    ("base_lrs has 2 rates, the optimiser has 1 groups", ["base_lrs"], [0.1, 0.2]),
    ("log(-1.0) is undefined", ["self"], Value(-1.0)),
    # Python's, NumPy's and the system's words
    ("'int' object is not iterable", ["children"], 5),
    ("object __array__ method not producing an array\nwhile NumPy made an array of v", ["v"], None),
    ("[Errno 21] Is a directory: '.'", ["path"], "."),
]
NO_HELP = [
    # neither which, nor what would be right
    ("must be at least", ["lr"], -1.0),
    ("bad argument type for built-in operation", ["lr"], "x"),
    ("", ["lr"], -1.0),
    ("invalid value", ["lr"], -1.0),
    ("TypeError", ["lr"], "x"),
    # which, and not what would be right
    ("lr", ["lr"], -1.0),
    ("lr is wrong: -1.0", ["lr"], -1.0),
    ("lr must be at least", ["lr"], -1.0),
    ("lr must be at least, got -1.0", ["lr"], -1.0),
    ("points must be", ["points"], 0),
    ("unknown activation 'x': known are", ["activation"], "x"),
    # what would be right, and not which
    ("must be at least 0", ["lr"], -1.0),
    ("must be a list of dicts", ["param_groups"], "x"),
    ("expected a Value", ["root"], 5),
    ("it does not begin as a program has to", ["data"], b""),
]


@pytest.mark.parametrize(("text", "names", "argument"), HELP)
def test_a_message_that_helps(text, names, argument):
    assert fault(text, names, argument) is None


@pytest.mark.parametrize(("text", "names", "argument"), NO_HELP)
def test_a_message_that_does_not_help(text, names, argument):
    assert fault(text, names, argument) is not None


def test_a_name_is_a_word_of_its_own():
    assert fault("maximum must be at least 0", ["x", "max"], -1.0)
    assert not fault("_children must be Values, not numbers", ["children"], -1.0)
