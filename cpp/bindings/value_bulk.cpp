// Bulk nodes unfold when someone looks at them.
#include "backward.hpp"
#include "operands.hpp"

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

void share_gradient(const Node& node, double slope, const std::vector<Owned>& nodes) {
    std::vector<Node*> parts;
    for (const Owned& part : nodes) {
        parts.push_back(&as_value(part.get())->node);
        parts.back()->grad = node.grad == 0 ? 0.0 : slope * node.grad;
    }
    note_unfolded(node, slope, parts);
}

void replace(PyValue* value, Op op, const Term& first, const Term& second) {
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
    release_operand(old_lhs);
    if (old_rhs != nullptr) release_operand(old_rhs);
}

}  // namespace

bool unfold(PyValue* value) {
    const Node& node = value->node;
    const Op op = node.op();
    // Held: making nodes may run the collector, and so code that unfolds this one meanwhile.
    const Owned terms(Py_NewRef(object_of(node.lhs.node)));
    const Owned x(node.has(rhs_is_node) ? Py_NewRef(object_of(rhs_of(node).node)) : nullptr);
    try {
        if (is_on_dot(op)) {
            std::vector<Owned> sum;
            sum.emplace_back(dot_node(terms, x));
            if (!sum.back()) return false;
            if (node.op() != op) return true;
            share_gradient(node, slope_on_dot(node), sum);
            const Op activation = without_dot(op);
            replace(value, activation, {&as_value(sum.back().get())->node, 0},
                    {nullptr, info(activation).default_parameter});
            return true;
        }
        const auto [nodes, last] = unroll(operands_in(terms), x ? &operands_in(x) : nullptr);
        if (node.op() != op) return true;
        share_gradient(node, 1, nodes);  // slopes of sums are 1
        replace(value, Op::add, last.first, last.second);
        return true;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
}

}  // namespace megagrad::python
