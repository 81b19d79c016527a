"""item() and detach(): a Value's number, as a float and as a Value, under PyTorch's names."""

import pytest

from megagrad import Value, functional, record


def test_item_is_the_data_as_a_float():
    for value in (Value(3), Value(1.5) * 2, functional.dot([Value(1.5)], [2.0])):
        assert type(value.item()) is float
        assert value.item() == value.data == 3.0


def test_item_takes_no_arguments():
    with pytest.raises(TypeError, match="takes no arguments"):
        Value(1.0).item(0)


def test_item_may_not_be_read_while_recording():
    for read in (lambda x: x.item(), lambda x: x.data):
        with pytest.raises(TypeError, match="the data of a Value that depends on an input"):
            record(lambda x, read=read: x * read(x * 2), 1)
    w = Value(2.0)
    assert record(lambda x: x * w.item(), 1)([3.0]) == 6.0


def test_detach_has_the_number_and_ends_backward():
    x = Value(3.0)
    y = x * 2
    detached = y.detach()
    (detached * x).backward()
    assert detached.data == 6.0
    assert (detached.grad, y.grad, x.grad) == (3.0, 0.0, 6.0)
    detached.backward()
    assert (y.grad, x.grad) == (0.0, 6.0)


def test_detach_is_a_node_and_keeps_its_number():
    """Other than PyTorch's, which shares the number, and knows nothing of what it came from."""
    x = Value(3.0)
    detached = x.detach()
    x.data = 5.0
    assert detached.data == 3.0
    assert detached._children == (x,)
