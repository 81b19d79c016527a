"""Cycles of Values, a function each, which a process can make without pytest."""

from megagrad.engine import Value
from support.lifetimes import Node


def closure_cycle():
    x = Value(2.0)
    out = Value(4.0, (x,), "square")

    def rule():
        x.grad += 2 * x.data * out.grad

    out._backward = rule
    return out


def attribute_cycle():
    x = Value(2.0)
    x.me = x
    return x


def attribute_to_a_later_node():
    x = Value(2.0)
    x.users = []
    y = (x * 2 + 1).relu()
    x.users.append(y)
    return y


def attribute_set_late():
    x = Value(2.0)
    middle = x * 2 + 1
    y = middle.relu()
    x.owner = y
    return y


def container_set_and_filled_late():
    x = Value(2.0)
    y = (x * 2 + 1).relu()
    x.users = []
    x.users.append(y)
    return y


def dict_filled_late():
    x = Value(2.0)
    y = (x * 2 + 1).relu()
    vars(x)["owner"] = y
    return y


def closure_set_late():
    x = Value(2.0)
    y = (x * 2 + 1).relu()
    x._backward = lambda: y
    return y


def plain_number_that_turned_leaf():
    y = (Value(2.0) + 5.0).relu()
    leaf = y._children[0]._children[1]
    leaf.owner = y
    return y


def initialised_again_with_a_descendant():
    x = Value(2.0)
    y = (x * 2 + 1).relu()
    x.__init__(3.0, (y,), (1.0,))
    return y


def its_own_child():
    x = Value(2.0)
    x.__init__(3.0, (x,), (1.0,))
    return x


def initialised_again_with_what_is_tracked():
    x = Value(1.0)
    y = x * 2
    holder = Value(0.0)
    holder.users = []
    x.__init__(1.0, (holder,))
    holder.users.append(y)
    return holder


class Text(str):
    """A str that can hold anything."""


def label_that_leads_back():
    x = Value(1.0)
    label = Text("x")
    label.owner = x
    x.label = label
    return x


def subclass_cycle():
    x = Node(2.0)
    y = (x * 2 + 1).relu()
    x.owner = y
    return y


CYCLES = [
    closure_cycle,
    attribute_cycle,
    attribute_to_a_later_node,
    attribute_set_late,
    container_set_and_filled_late,
    dict_filled_late,
    closure_set_late,
    plain_number_that_turned_leaf,
    initialised_again_with_a_descendant,
    its_own_child,
    initialised_again_with_what_is_tracked,
    label_that_leads_back,
    subclass_cycle,
]
