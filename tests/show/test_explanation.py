"""Explanations: every number follows from others that are shown."""

import math
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.op_table import TABLE, reference
from support.random_programs import ALL, BETWEEN, Bulk, examples, run, steps, tamed

from megagrad import Value, explain, nn
from megagrad._core import ops


def lecture():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    n = x1 * w1 + x2 * w2 + Value(6.8813735870195432, label="b")
    n.label = "n"
    out = n.tanh()
    out.label = "o"
    return out


def test_a_second_pass_is_noticed_where_its_numbers_do_not_add_up():
    out = lecture()
    out.backward()
    assert explain(out).heading == "10 nodes, operands first."
    out.backward()
    assert "The gradient of n has more in it" in explain(out).heading
    out = lecture()
    (out + out).backward()  # of which `out` is a part: its gradient is from elsewhere
    assert explain(out).heading == "10 nodes, operands first."


def test_a_leaf_is_explained_by_what_it_went_into():
    out = lecture()
    out.backward()
    leaf = next(value for value in out._children[0]._children if not value._children)
    assert explain(leaf).heading.endswith("explain what it went into.")


def test_the_text():
    out = lecture()
    out.backward()
    assert str(explain(out)).splitlines() == [
        "10 nodes, operands first.",
        "x1 = 2",
        "    x1.grad = -1.5 from v1",
        "w1 = -3",
        "    w1.grad = 1 from v1",
        "v1 = x1 * w1 = -6",
        "    v1.grad = 0.5 from v3",
        "    dv1/dx1 = w1 = -3   x1.grad += -3 * 0.5 = -1.5",
        "    dv1/dw1 = x1 = 2    w1.grad += 2 * 0.5 = 1",
        "x2 = 0",
        "    x2.grad = 0.5 from v2",
        "w2 = 1",
        "    w2.grad = 0 from v2",
        "v2 = x2 * w2 = 0",
        "    v2.grad = 0.5 from v3",
        "    dv2/dx2 = w2 = 1   x2.grad += 1 * 0.5 = 0.5",
        "    dv2/dw2 = x2 = 0   w2.grad += 0 * 0.5 = 0",
        "v3 = v1 + v2 = -6",
        "    v3.grad = 0.5 from n",
        "    dv3/dv1 = 1   v1.grad += 1 * 0.5 = 0.5",
        "    dv3/dv2 = 1   v2.grad += 1 * 0.5 = 0.5",
        "b = 6.88137",
        "    b.grad = 0.5 from n",
        "n = v3 + b = 0.881374",
        "    n.grad = 0.5 from o",
        "    dn/dv3 = 1   v3.grad += 1 * 0.5 = 0.5",
        "    dn/db = 1    b.grad += 1 * 0.5 = 0.5",
        "o = tanh(n) = 0.707107",
        "    o.grad = 1",
        "    do/dn = 1 - o * o = 0.5   n.grad += 0.5 * 1 = 0.5",
    ]


def test_before_backward_it_says_what_is_missing():
    assert "backward()" in explain(lecture()).heading
    assert explain(Value(1.0)).heading.startswith("One node.")


def test_as_html():
    x = Value(2.0, label="<x>")
    out = x * 3
    out.backward()
    html = explain(out)._repr_html_()
    cells = [re.sub("<br>", "\n", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", html)]
    assert cells[:5] == ["&lt;x&gt;", "2", "3 from v2", "", ""]
    assert cells[10:] == [
        "v2 = (&lt;x&gt;) * v1",
        "6",
        "1",
        "dv2/d&lt;x&gt; = v1 = 3\ndv2/dv1 = (&lt;x&gt;) = 2",
        "&lt;x&gt;.grad += 3 * 1 = 3\nv1.grad += 2 * 1 = 2",
    ]


# What the formulas may call.
WORDS = {
    "where": lambda condition, x, y: x if condition else y,
    "sign": lambda x: math.copysign(1, x) if x else 0,
    "exp_of_minus_square": lambda x: math.exp(-x * x),
    "normal_cdf": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
    "normal_pdf": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    "pow": math.pow,
    "share": lambda slope, upstream: slope * upstream if slope != 0 != upstream else 0,
    "one_minus_square": lambda x: (1 - x) * (1 + x),
    "sigmoid_slope": lambda x: 1 / (2 + math.exp(x) + math.exp(-x)),
    **{row.name: reference(row) for row in ops() if row.kind != "infix"},
    **{row.parameter: row.default for row in ops() if row.kind == "parametric"},
    "leaky_relu": lambda x: reference(TABLE["leaky_relu"])(x, TABLE["leaky_relu"].default),
    "elu": lambda x: reference(TABLE["elu"])(x, TABLE["elu"].default),
}


def check_every_number(out, names):
    """Compute each number of an explanation from the others, by its formulas."""
    steps = explain(out, limit=None)
    data = {step.name: step.data for step in steps}
    assert len(data) == len(steps)
    grads = dict.fromkeys(data, 0.0)
    grads[steps[-1].name] = 1.0
    for step in reversed(steps):
        assert step.grad == pytest.approx(grads[step.name], rel=1e-9, abs=1e-12)
        assert sum(share.gradient for share in step.received) == pytest.approx(
            step.grad - (step is steps[-1]), rel=1e-9, abs=1e-12
        )
        if step.formula:
            assert eval(step.formula, dict(names), data) == pytest.approx(step.data, rel=1e-9)
        for passed in step.passed:
            if passed.local != 0:
                assert eval(passed.formula.replace("&&", "and"), dict(names), data) == (
                    pytest.approx(passed.local, rel=1e-9)
                )
            assert passed.gradient == pytest.approx(passed.local * step.grad, rel=1e-12)
            grads[passed.operand] += passed.gradient


@examples(60)
@given(steps(ALL, BETWEEN), st.lists(BETWEEN, min_size=1, max_size=4))
def test_every_number_can_be_checked_by_hand(program, leaves):
    nodes = run(program, leaves, Bulk(), after=tamed)
    nodes[-1].backward()
    check_every_number(nodes[-1], WORDS)


@pytest.mark.parametrize("row", ops(), ids=lambda row: row.name)
def test_every_op_is_explained_by_its_row(row):
    x = Value(0.7, label="x")
    y = Value(2.5, label="y")
    slots = {"add": x + y, "sub": x - y, "mul": x * y, "div": x / y, "pow": x**y}
    out = slots[row.name] if row.kind == "infix" else None
    if out is None:
        out = getattr(x, row.name)(*[y] * (row.kind == "binary"))
    out.label = "z"
    out.backward()
    *_, last = explain(out)
    assert (
        last.formula
        == {
            "infix": f"x {row.label} y",
            "binary": f"{row.name}(x, y)",
            "unary": "-x" if row.name == "neg" else f"{row.name}(x)",
            "parametric": f"{row.name}(x)",
        }[row.kind]
    )
    formulas = [passed.formula for passed in last.passed]
    if row.name == "pow":
        assert formulas == ["y * pow(x, y - 1)", "pow(x, y) * log(x)"]
    else:
        parameter = row.parameter or "y"
        usual = [re.sub(r"share\((\w+\(-?x\)), x\)", r"\1 * x", text) for text in (row.dx, row.dy)]
        assert formulas == [re.sub(r"\by\b", parameter, text) for text in usual if text]
    assert [passed.local for passed in last.passed] == list(out._local_grads)


def test_a_plain_exponent_is_part_of_the_formula():
    x = Value(3.0, label="x")
    *_, last = explain(x**2)
    assert (last.formula, last.passed[0].formula) == ("x ** 2", "2 * pow(x, 2 - 1)")


def test_where_a_special_case_is_in_force_the_formula_has_it():
    x, zero = Value(0.0, label="x"), Value(0.0, label="y")
    (by_x,) = explain(x**0)[-1].passed
    assert (by_x.formula, by_x.local) == ("where(0 == 0, share(0, 1 / x), 0 * pow(x, 0 - 1))", 0.0)
    _, by_y = explain(x ** Value(2.0, label="y"))[-1].passed
    assert (by_y.formula, by_y.local) == ("where(x == 0 && y >= 0, 0, pow(x, y) * log(x))", 0.0)
    by_x, _ = explain(x.when(zero))[-1].passed
    assert (by_x.formula, by_x.local) == ("where(y == 0, 0, 1)", 0.0)


def test_an_ops_parameter_has_its_name():
    x, y = Value(-1.0, label="x"), Value(3.0, label="y")
    steps = explain(x.leaky_relu(0.2) * y)
    assert steps[1].passed[0].formula == "where(x > 0, 1, negative_slope)"


def test_labels_of_ops_are_not_taken_for_their_rules():
    x = Value(0.5, label="x")
    out = x.tanh()
    out._op = "exp"
    assert (explain(out)[-1].formula, explain(out)[-1].passed[0].formula) == (
        "tanh(x)",
        "1 - v1 * v1",
    )
    own = Value(4.0, (x,), (7.0,))
    own._op = "tanh"
    assert (explain(own)[-1].formula, *explain(own)[-1].passed[0][1:3]) == ("tanh(x)", "", 7.0)


def test_a_rule_of_the_programs_own_on_one_of_our_nodes():
    x = Value(0.5, label="x")
    out = x.tanh()
    out._backward = lambda: None
    assert explain(out)[-1].passed[0][1:] == ("", None, None)


def test_labels_that_are_no_names():
    product = Value(2.0, label="a b") * Value(3.0, label="line\nend")
    assert explain(product)[-1].formula == "(a b) * (line\\nend)"
    assert len(str(explain(product)).splitlines()) == 1 + 2 * 2 + 4


def test_ops_of_the_programs_own():
    x = Value(3.0, label="x")
    out = Value(9.0, (x,), "square")

    def chain_rule():
        x.grad += 6 * out.grad

    out._backward = chain_rule
    out.backward()
    text = str(explain(out))
    assert "v1 = square(x) = 9" in text
    assert "dv1/dx: known to its own _backward" in text
    assert "x.grad = 6\n" in text
    cube = Value(27.0, (x,), (27.0,))
    assert "v1 = op(x) = 27" in str(explain(cube))
    assert "dv1/dx = 27   x.grad += 27 * 0 = 0" in str(explain(cube))
    # Named like one of ours, but with other operands.
    odd = Value(1.0, (x, x, x), "tanh")
    assert explain(odd)[-1].formula == "tanh(x, x, x)"


def test_a_gradient_from_elsewhere_is_told_apart():
    x = Value(3.0, label="x")
    (x * 5).backward()
    out = x * 2
    out.backward()
    assert "x.grad = 7, of which 2 from v2" in str(explain(out))


def test_shares_of_several_users_are_added_up():
    x = Value(3.0, label="x")
    out = x * x + x
    out.backward()
    assert "x.grad = 1 + 3 + 3 = 7 from v2, v1, v1" in str(explain(out))


def test_names_are_unique():
    x, other = Value(1.0, label="v1"), Value(2.0, label="v1")
    names = [step.name for step in explain(x * other + 3)]
    assert names == ["v1", "v1#2", "v2", "v3", "v4"]
    labels = "a", "a", "a#2", "a", "v2"
    names = [step.name for step in explain(sum(Value(1.0, label=each) for each in labels))]
    assert len(set(names)) == len(names)


def test_parameters_have_their_names_in_the_model():
    random.seed(1)
    model = nn.Neuron(1)
    names = [step.name for step in explain(model([2.0]), parameters=model)]
    assert names == ["b", "w.0", "v1", "v2", "v3", "v4"]


def test_infinities_and_nan_do_no_harm():
    x = Value(0.0, label="x")
    out = x.sqrt() * math.inf
    out.backward()
    assert "nan" in str(explain(out))


def test_depth_and_limit():
    out = lecture()
    assert [step.name for step in explain(out, depth=1)] == ["n", "o"]
    assert explain(out, depth=1)[0].formula == "... + ..."
    assert explain(out, depth=0)[0].formula == "tanh(...)"
    assert explain(Value(3.0) ** 2, depth=0)[0].formula == "... ** 2"
    large = explain(out, limit=3)
    assert len(large) == 0
    assert str(large).startswith("10 nodes, more than the limit of 3")
    assert "<table>" not in large._repr_html_()


def test_an_explanation_is_a_sequence():
    steps = explain(lecture())
    assert steps[-1].name == "o"
    assert [step.name for step in steps[:2]] == ["x1", "w1"]
    assert len(steps) == len(list(steps)) == 10


@pytest.mark.parametrize("bad", [{"root": 3}, {"depth": 0.5}, {"parameters": 3}])
def test_wrong_arguments(bad):
    root = bad.pop("root", Value(1.0))
    with pytest.raises(TypeError):
        explain(root, **bad)


def test_a_value_in_a_notebook():
    x = Value(3.0, label="<x>")
    assert "<b>&lt;x&gt;</b>" in x._repr_html_()
    total = sum([x, x])
    html = total._repr_html_()
    assert ("data 6.0" in html, "grad 0.0" in html, "op +" in html) == (True, True, True)


def test_a_graph_that_contains_itself():
    x = Value(2.0)
    y = x * 3
    x.__init__(2.0, (y,), local_grads=(0.5,))
    assert str(explain(y)).splitlines()[1:] == [
        "v1 = op(v3) = 2",
        "    v1.grad = 0 from v3",
        "    dv1/dv3 = 0.5   v3.grad += 0.5 * 0 = 0",
        "v2 = 3",
        "    v2.grad = 0 from v3",
        "v3 = v1 * v2 = 6",
        "    v3.grad = 0 from v1",
        "    dv3/dv1 = v2 = 3   v1.grad += 3 * 0 = 0",
        "    dv3/dv2 = v1 = 2   v2.grad += 2 * 0 = 0",
    ]
