#include "graph/census.hpp"

#include "graph/bundle.hpp"

namespace megagrad {

namespace {

// The exponent in x**2 is part of the op.
bool keeps_a_number(const Node& node) {
    return has_two_operands(node.op()) && node.op() != Op::pow && !node.has(rhs_is_node);
}

}  // namespace

void Census::count(const Node& node) {
    const Op op = node.op();
    if (op == Op::bundle) return;
    if (is_bulk(op)) {
        count_loop(bundle_of(node.lhs), node.has(rhs_is_node) ? &bundle_of(rhs_of(node)) : nullptr);
        if (is_on_dot(op)) ++of(without_dot(op));
        return;
    }
    ++of(op);
    if (op == Op::leaf || op == Op::custom) return;
    numbers += !node.has(lhs_is_node);
    numbers += keeps_a_number(node);
}

void Census::count_loop(const Bundle& terms, const Bundle* x) {
    Node made;
    const auto make = [&](Op op, const Term&, const Term& rhs, double) {
        ++of(op);
        numbers += rhs.node == nullptr;
        return &made;
    };
    const auto [first, second] = unrolled(terms, x, make);
    make(Op::add, first, second, 0);
}

}  // namespace megagrad
