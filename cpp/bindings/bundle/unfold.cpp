// Bulk nodes unfold when someone looks at them.
#include "bindings/bundle/bundle.hpp"
#include "graph/backward.hpp"

namespace megagrad::python {

namespace {

Operand operand_of(const Term& term) {
    Operand operand;
    if (term.node != nullptr)
        operand.node = term.node;
    else
        operand.number = term.value;
    return operand;
}
unsigned flag(const Term& term, unsigned is_node) { return term.node != nullptr ? is_node : 0; }

// What a bulk node becomes: an op on two terms, of which the second may be a number, and the nodes
// below it, all of which get its gradient times a slope.
struct Unfolded {
    Op op;
    double slope;
    std::vector<Owned> nodes;
    Term first, second;
};

// May throw std::bad_alloc.
Unfolded unfold_sum(const Bundle& terms, const Bundle* x) {
    std::vector<Owned> nodes;
    const auto make = [&](Op op, const Term& lhs, const Term& rhs, double data) {
        const unsigned flags = flag(lhs, lhs_is_node) | flag(rhs, rhs_is_node);
        nodes.emplace_back(new_node(op, data, operand_of(lhs), operand_of(rhs), flags));
        if (!nodes.back()) throw std::bad_alloc();
        return &as_value(nodes.back().get())->node;
    };
    const auto [first, second] = unrolled(terms, x, make);
    return {Op::add, 1, std::move(nodes), first, second};
}

Unfolded unfold_neuron(Op op, double slope, const Owned& weights, const Owned& x) {
    std::vector<Owned> nodes;
    nodes.emplace_back(dot_node(weights, x));
    if (!nodes.back()) throw std::bad_alloc();
    Node* dot = &as_value(nodes.back().get())->node;
    return {op, slope, std::move(nodes), {dot, dot->data}, {nullptr, info(op).default_parameter}};
}

void share_gradient(const Node& node, const Unfolded& unfolded) {
    const double grad = share(unfolded.slope, node.grad);
    for (const Owned& part : unfolded.nodes) as_value(part.get())->node.grad = grad;
}

void become(PyValue* value, const Unfolded& unfolded) {
    const auto& [op, slope, nodes, first, second] = unfolded;
    Node& node = value->node;
    PyObject* old_lhs = object_of(node.lhs.node);
    PyObject* old_rhs = node.has(rhs_is_node) ? object_of(rhs_of(node).node) : nullptr;
    node.lhs = operand_of(first);
    rhs_of(node) = operand_of(second);
    node.clear(lhs_is_node | rhs_is_node);
    node.set(flag(first, lhs_is_node) | flag(second, rhs_is_node));
    node.set_op(op);
    adopt(value, first.node);
    if (second.node != nullptr) adopt(value, second.node);
    Py_DECREF(old_lhs);
    Py_XDECREF(old_rhs);
}

}  // namespace

bool unfold(PyValue* value) {
    const Node& node = value->node;
    const Op op = node.op();
    // Held: making nodes may run the collector, and so code that unfolds this one meanwhile.
    const Owned terms(Py_NewRef(object_of(node.lhs.node)));
    const Owned x(node.has(rhs_is_node) ? Py_NewRef(object_of(rhs_of(node).node)) : nullptr);
    const InMode graph({});  // of which these nodes are a part, within no_grad() too
    try {
        const Unfolded unfolded = is_on_dot(op)
                                      ? unfold_neuron(without_dot(op), slope_on_dot(node), terms, x)
                                      : unfold_sum(bundle_in(terms), x ? &bundle_in(x) : nullptr);
        if (node.op() != op) return true;
        share_gradient(node, unfolded);
        become(value, unfolded);
        return true;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
}

}  // namespace megagrad::python
