"""Drawings of graphs: what is in them, and what is said where one cannot be made."""

import html
import random
import re
import shutil
import sys
from collections import Counter

import pytest

import megagrad
from megagrad import Value, draw_dot, nn

graphviz = pytest.importorskip("graphviz")
needs_program = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's program")

NODE = re.compile(r"\t(v\d+) \[label=(.*?) fillcolor=(.*?) shape=record")
OP = re.compile(r"\t(v\d+)op \[label=(.*?)(?: style=(dashed))?\]")
EDGE = re.compile(r"\t(v\d+) -> (v\d+)op(?: \[headlabel=\" (\d) \"\])?")


def unquoted(text):
    return text[1:-1].strip("{ }") if text.startswith('"') else text


class Drawn:
    """What a drawing's DOT text says, by the names that it gives its nodes."""

    def __init__(self, *args, **options):
        self.dot = draw_dot(*args, **options)
        source = self.dot.source
        self.records = {name: unquoted(label) for name, label, _ in NODE.findall(source)}
        self.colours = {name: colour.strip('"') for name, _, colour in NODE.findall(source)}
        self.ops = {name: unquoted(label) for name, label, _ in OP.findall(source)}
        self.dashed = {name for name, _, style in OP.findall(source) if style}
        self.operands = {name: [] for name in self.records}
        self.places = []
        for operand, name, place in EDGE.findall(source):
            self.operands[name].append(operand)
            if place:
                self.places.append(int(place))
        assert source.count("->") == len(self.ops) + sum(map(len, self.operands.values()))

    def shape(self, name=None):
        """Return a node as nested tuples of its record, its op, and its operands in order."""
        name = name or list(self.records)[-1]
        operands = tuple(self.shape(operand) for operand in self.operands[name])
        return (self.records[name], self.ops.get(name, ""), *operands)


def shape_of(value):
    """Return the same, as micrograd's users find it by walking the graph themselves."""
    record = f"data {value.data:.4f} | grad {value.grad + 0.0:.4f}"
    label = f"{value.label} | " if value.label else ""
    return (label + record, value._op, *map(shape_of, value._children))


def lecture():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    out = (x1 * w1 + x2 * w2 + 6.8813735870195432).tanh()
    out.backward()
    return out


def test_a_drawing_shows_what_walking_finds():
    out = lecture()
    assert Drawn(out).shape() == shape_of(out)
    random.seed(1337)
    neuron = nn.Neuron(2)
    folded = neuron([Value(1.0), Value(-2.0)])
    folded.backward()
    drawn = Drawn(folded)
    assert drawn.shape() == shape_of(folded)
    assert Counter(drawn.ops.values()) == {"*": 2, "+": 2, "ReLU": 1}
    assert isinstance(drawn.dot, graphviz.Digraph)


def test_the_same_graph_gives_the_same_text():
    assert draw_dot(lecture()).source == draw_dot(lecture()).source


def test_a_graph_that_contains_itself():
    x = Value(1.0)
    y = x * 2
    z = y + 1
    y.__init__(3.0, (z,))
    for options in ({}, {"collapsed": True}, {"limit": None}, {"depth": 9}):
        drawn = Drawn(z, **options)
        assert drawn.operands == {"v0": ["v2"], "v1": [], "v2": ["v0", "v1"]}
    x.__init__(2.0, (x,), local_grads=(1.0,))
    assert Drawn(x).operands == {"v0": ["v0"]}


def test_format_and_direction():
    dot = draw_dot(Value(1.0), "png", "TB")
    assert (dot.format, "rankdir=TB" in dot.source) == ("png", True)
    dot = draw_dot(Value(1.0))
    assert (dot.format, "rankdir=LR" in dot.source) == ("svg", True)


def test_graphviz_is_told_to_stop_looking_for_better_places():
    """Without these bounds it takes minutes for a leaf that a hundred ops use."""
    attributes = draw_dot(Value(1.0)).source.partition("\n")[2].partition("\n")[0]
    assert attributes == "\tgraph [nslimit=1 nslimit1=1 rankdir=LR]"


def test_a_node_used_twice_is_drawn_once_with_two_arrows():
    x = Value(3.0)
    drawn = Drawn(x * x + x)
    assert len(drawn.records) == 3
    assert Counter(drawn.operands["v1"]) == {"v0": 2}


def test_operands_that_cannot_be_exchanged_are_numbered():
    x, y = Value(3.0), Value(2.0)
    for out in (x - y, x / y, x**y, x.less(y)):
        assert Drawn(out).places == [1, 2]
    for out in (x + y, x * y, x.maximum(y), -x):
        assert Drawn(out).places == []


def test_root_leaves_and_parameters_differ_in_colour():
    model = nn.Neuron(1)
    drawn = Drawn(model([Value(1.0)]) * 2, parameters=model)
    by_kind = {"leaf": set(), "parameter": set(), "interior": set()}
    *rest, root = drawn.records
    for name in rest:
        is_parameter = drawn.records[name].startswith(("w.0 |", "b |"))
        kind = "parameter" if is_parameter else "interior" if drawn.operands[name] else "leaf"
        by_kind[kind].add(drawn.colours[name])
    assert all(len(colours) == 1 for colours in by_kind.values())
    assert len(set().union(*by_kind.values(), {drawn.colours[root]})) == 4


def test_parameters_of_a_list_have_a_colour_and_no_name():
    x = Value(1.0)
    drawn = Drawn(x * 2, parameters=[x])
    assert drawn.colours["v0"] != drawn.colours["v1"]
    assert drawn.records["v0"] == "data 1.0000 | grad 0.0000"


def test_a_label_goes_before_a_parameters_name():
    model = nn.Neuron(1)
    model.b.label = "bias"
    records = Drawn(model([1.0]), parameters=model).records.values()
    assert sum(record.startswith("bias |") for record in records) == 1
    assert not any(record.startswith("b |") for record in records)


def test_numbers_that_four_decimals_do_not_show():
    records = Drawn(Value(1.25e-7) * 3e12).records.values()
    assert [record.split(" |")[0] for record in records] == [
        "data 1.25e-07",
        "data 3e+12",
        "data 375000.0000",
    ]


# --- collapsed ----------------------------------------------------------------------------------


def ops_when_collapsed(out):
    return Counter(Drawn(out, collapsed=True).ops.values())


def test_a_neuron_collapses_to_a_dot_and_its_activation_before_and_after_a_look():
    random.seed(1)
    model = nn.MLP(2, [3, 1])
    out = model([1.0, 2.0])
    first = Drawn(out, collapsed=True)
    assert Counter(first.ops.values()) == {"dot": 4, "ReLU": 3}
    dots = [name for name, op in first.ops.items() if op == "dot"]
    assert sorted(len(first.operands[name]) for name in dots) == [5, 5, 5, 7]
    assert Drawn(out, collapsed=True).dot.source == first.dot.source


def test_handwritten_sums_collapse_too():
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    assert ops_when_collapsed(a + b + c) == {"sum": 1}
    assert ops_when_collapsed(a * b + b * c + c) == {"dot": 1}
    assert ops_when_collapsed(a + b) == {"+": 1}
    assert ops_when_collapsed(a * b) == {"*": 1}
    assert ops_when_collapsed((a + b) * c) == {"+": 1, "*": 1}
    assert ops_when_collapsed((a + b) ** 2 + c) == {"+": 2, "**2": 1}
    drawn = Drawn(a * b + (c + a), collapsed=True)
    assert [drawn.records[o] for o in drawn.operands[list(drawn.records)[-1]]] == [
        f"data {n:.4f} | grad 0.0000" for n in (1, 2, 3, 1)
    ]


def test_what_is_labelled_or_used_elsewhere_stays():
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    product = a * b
    assert ops_when_collapsed(product + c + product) == {"sum": 1, "*": 1}
    product = a * b
    product.label = "ab"
    assert ops_when_collapsed(product + c) == {"+": 1, "*": 1}


def test_parameters_and_ops_of_the_programs_own_stay():
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    product = a * b
    drawn = Drawn(product + c, collapsed=True, parameters=[product])
    assert Counter(drawn.ops.values()) == {"+": 1, "*": 1}
    assert ops_when_collapsed(Value(99.0, (a, b), "+") + c) == {"+": 2}
    difference = a - b
    difference._op = "+"
    assert ops_when_collapsed(difference + c) == {"+": 2}


# --- large graphs -------------------------------------------------------------------------------


def test_depth_draws_what_is_next_to_the_root():
    out = lecture()
    drawn = Drawn(out, depth=2)
    assert sorted(drawn.ops.values()) == ["+", "+", "tanh"]
    assert {drawn.ops[name] for name in drawn.dashed} == {"+"}
    assert Drawn(out, depth=0).dashed
    assert Drawn(out, depth=10).dot.source == draw_dot(out).source


def test_a_large_graph_is_counted_instead():
    x = Value(1.0)
    out = x
    for _ in range(100_000):
        out = out * 2 + x
    source = draw_dot(out).source
    assert source.count("\n") < 10
    for part in (
        "300,001 nodes",
        "+ 100,000",
        "* 100,000",
        "plain numbers 100,000",
        "leaves 1",
        "limit=None",
    ):
        assert part in source
    assert "record" not in source
    assert "limit of 3:" in draw_dot(x * 2 + 1, limit=3).source
    assert "summary" not in draw_dot(x * 2, limit=3).source
    assert draw_dot(out, depth=3).source.count("record") == 6


def test_a_large_graph_is_not_unfolded_by_being_counted():
    model = nn.MLP(2, [16, 16, 1])
    outs = [model([float(i), 1.0]) for i in range(100)]
    total = megagrad.functional.sum(outs)
    before = megagrad._core.census(total)
    assert sum(before.values()) > 10_000
    draw_dot(total)
    assert megagrad._core.census(total) == before
    assert draw_dot(outs[0], limit=None).source.count("shape=record") == sum(
        megagrad._core.census(outs[0]).values()
    )


def test_long_arrows_are_counted_too():
    x = Value(1.0)
    total = x
    for _ in range(150):  # which Graphviz would take half a minute for
        total = total + x
    source = draw_dot(total).source
    assert "151 nodes, with arrows that pass 11,475 ops" in source
    assert draw_dot(total, limit=None).source.count("shape=record") == 151
    assert draw_dot(total, collapsed=True).source.count("shape=record") == 2


def test_deep_graphs_are_drawn_without_recursion():
    out = Value(1.0)
    for _ in range(5_000):
        out = -out
    assert draw_dot(out, limit=None).source.count("shape=record") == 5_001


# --- Graphviz -----------------------------------------------------------------------------------


@needs_program
def test_pictures(tmp_path):
    x = Value(1.0, label=r'a|{b} "c" \N<x>')
    svg = draw_dot(x * 2).pipe(encoding="utf-8")
    assert r"a|{b} &quot;c&quot; \N&lt;x&gt;" in svg.replace("&#45;", "-").replace("&#160;", " ")
    path = draw_dot(x * 2, "png").render(tmp_path / "graph", cleanup=True)
    assert [p.name for p in tmp_path.iterdir()] == ["graph.png"]
    with open(path, "rb") as file:
        assert file.read(4) == b"\x89PNG"
    assert draw_dot(x)._repr_mimebundle_().keys() == {"image/svg+xml"}


@needs_program
@pytest.mark.parametrize(
    "text", ["a\\", r"\N", "<b>", "<b", "nul\0", "esc\x1b", "\ud800", '"', "&lt;", "&#65;"]
)
def test_labels_and_ops_of_any_kind(text):
    class Odd(Value):
        def __repr__(self):
            return text

    x = Odd(1.0, label=text)
    svg = draw_dot(Odd(4.0, (x,), text)).pipe(encoding="utf-8")
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    shown = html.escape(shown, quote=False).replace('"', "&quot;")
    assert len(re.findall(f"(?:>|&#160;){re.escape(shown)}(?:&#160;)?<", svg)) >= 2


@needs_program
@pytest.mark.parametrize("text", ["a  b", "  a", " a b", "a   b|  c"])
def test_all_spaces_are_shown(text):
    svg = draw_dot(Value(4.0, (Value(1.0, label=text),), text)).pipe(encoding="utf-8")
    # What a viewer shows: plain spaces become one, and none at the beginning.
    texts = [re.sub(" +", " ", found).lstrip(" ") for found in re.findall("<text.*?>(.*?)<", svg)]
    shown = [html.unescape(found).replace("\N{NO-BREAK SPACE}", " ") for found in texts]
    assert [found.rstrip(" ") for found in shown].count(text) == 2


def test_without_the_program_the_error_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    dot = draw_dot(Value(1.0) * 2)
    for use in (dot.pipe, lambda: dot.render(tmp_path / "graph"), dot._repr_image_svg_xml):
        with pytest.raises(graphviz.ExecutableNotFound, match=r"apt install graphviz.*'source'"):
            use()
    shown = dot._repr_mimebundle_()
    assert shown.keys() == {"text/plain"}
    assert dot.source in shown["text/plain"]


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "megagrad.show.digraph", raising=False)
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r"pip install 'megagrad\[viz\]'"):
        draw_dot(Value(1.0))


def test_no_gradient_is_a_negative_zero():
    w = Value(-3.0)
    assert "-0.0" not in " ".join(Drawn((w * 2.0 - 0.5).tanh()).records.values())


def value_of(module):
    """A node of another engine."""
    return type("Value", (), {"__module__": module})()


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (TypeError, "root must be a Value, not 'float'", {"root": 1.0}),
        (TypeError, "root must be megagrad's Value, not that of my", {"root": value_of("my")}),
        (ValueError, "rankdir must be one of LR, TB, RL, BT, got 'left'", {"rankdir": "left"}),
        (ValueError, "'sgv'", {"format": "sgv"}),
        (ValueError, "depth must be at least 0, or None, got -1", {"depth": -1}),
        (TypeError, "limit must be an integer", {"limit": 1.5}),
        (TypeError, "parameters must be a Module or", {"parameters": 3}),
        (TypeError, "parameters must be Values, got a 'float'", {"parameters": [1.0]}),
    ],
)
def test_wrong_arguments(error, message, arguments):
    with pytest.raises(error, match=message):
        draw_dot(**{"root": Value(1.0), **arguments})


class Three:
    def __index__(self):
        return 3


def test_bounds_are_integers_of_any_type():
    root = Value(1.0).tanh().tanh().tanh().tanh().tanh()
    assert draw_dot(root, depth=Three()).source == draw_dot(root, depth=3).source
    assert draw_dot(root, limit=Three()).summary == draw_dot(root, limit=3).summary != ""


@pytest.mark.parametrize("name", ["format", "rankdir"])
def test_words_that_are_none(name):
    with pytest.raises(TypeError, match=f"{name} must be a str, not 'int'"):
        draw_dot(Value(1.0), **{name: 5})
