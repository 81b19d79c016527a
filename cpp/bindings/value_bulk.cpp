// Bulk nodes unfold when someone looks at them.
#include "backward.hpp"
#include "bulk.hpp"
#include "value.hpp"

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
unsigned flag(const Term& term, Flag is_node) { return term.node != nullptr ? is_node : 0u; }

// The nodes of the loop, and the last addition's operands, of which the second may be a number.
struct Unrolled {
    std::vector<Owned> nodes;
    std::pair<Term, Term> last;
};

// May throw std::bad_alloc.
Unrolled unroll(const Operands& terms, const Operands* x) {
    std::vector<Owned> nodes;
    const auto make = [&](Op op, const Term& lhs, const Term& rhs, double data) {
        const unsigned flags = flag(lhs, lhs_is_node) | flag(rhs, rhs_is_node);
        nodes.emplace_back(new_node(op, data, operand_of(lhs), operand_of(rhs), flags));
        if (!nodes.back()) throw std::bad_alloc();
        return &as_value(nodes.back().get())->node;
    };
    const auto last = unrolled(terms, x, make);
    return {std::move(nodes), last};
}

// Slopes of sums are 1: what the last addition got, all of them got.
void share_gradient(const Node& node, const std::vector<Owned>& nodes) {
    std::vector<Node*> parts;
    for (const Owned& part : nodes) {
        parts.push_back(&as_value(part.get())->node);
        parts.back()->grad = node.grad;
    }
    note_unfolded(node, std::move(parts));
}

void replace_operands(PyValue* value, const Term& first, const Term& second) {
    Node& node = value->node;
    PyObject* old_lhs = object_of(node.lhs.node);
    PyObject* old_rhs = node.has(rhs_is_node) ? object_of(rhs_of(node).node) : nullptr;
    node.lhs = operand_of(first);
    rhs_of(node) = operand_of(second);
    node.clear(lhs_is_node | rhs_is_node);
    node.set(flag(first, lhs_is_node) | flag(second, rhs_is_node));
    node.set_op(Op::add);
    adopt(value, first.node);
    if (second.node != nullptr) adopt(value, second.node);
    release_operand(old_lhs);
    if (old_rhs != nullptr) release_operand(old_rhs);
}

}  // namespace

bool unfold(PyValue* value) {
    const Node& node = value->node;
    const bool has_x = node.op() == Op::dot;
    // Held: making nodes may run the collector, and so code that unfolds this one meanwhile.
    const Owned terms(Py_NewRef(object_of(node.lhs.node)));
    const Owned x(has_x ? Py_NewRef(object_of(rhs_of(node).node)) : nullptr);
    const auto row = [](const Owned& object) { return as_value(object.get())->node.lhs.operands; };
    try {
        const auto [nodes, last] = unroll(*row(terms), has_x ? row(x) : nullptr);
        if (!is_bulk(node.op())) return true;
        share_gradient(node, nodes);
        replace_operands(value, last.first, last.second);
        return true;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
}

}  // namespace megagrad::python
