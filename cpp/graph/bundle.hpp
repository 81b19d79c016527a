// Bulk nodes: one node for a loop over + and *, with the loop's own order of additions.
//
//     dot    start + w[0]*x[0] + w[1]*x[1] + ...    lhs: the bundle of w and start, rhs: that of x
//     f of a dot, for a table op f: what a neuron computes; lhs, rhs: the same
//     sum    start + x[0] + x[1] + ...              lhs: the bundle of x and start
//
// Where terms are plain numbers, the loop adds and multiplies plain numbers.
#pragma once

#include <utility>

#include "graph/node.hpp"
#include "platform/compiler.hpp"

namespace megagrad {

inline Bundle& bundle_of(const Operand& operand) { return *operand.node->lhs.bundle; }

MEGAGRAD_PURE double dot(const Bundle& weights, const Bundle& x) noexcept;
MEGAGRAD_PURE double sum(const Bundle& terms) noexcept;

// The derivative of f of a dot by the dot.
double slope_on_dot(const Node& node);

// The operands' data as they are now; may throw std::bad_alloc.
const double* current(Bundle& bundle);

// The chain rule of bulk nodes, and of the bundles that gather their gradients. May throw
// std::bad_alloc.
void propagate_dot(const Node& node);
void propagate_on_dot(const Node& node);
void propagate_sum(const Node& node);
void propagate_bundle(const Node& vertex);

// A number on the way through the loop, and the node that it is the value of, if any.
struct Term {
    Node* node;
    double value;
};

inline Term term(const Bundle& bundle, std::size_t i) {
    return {bundle.nodes[i], bundle.values[i]};
}

// Runs the loop that a bulk node stands for, on the data that its operands had when it was made,
// and returns the operands of the last addition, which is the bulk node itself. x: null for a sum.
// Calls make(op, lhs, rhs, data) for all other nodes; lhs is always a node.
template <class Make>
std::pair<Term, Term> unrolled(const Bundle& terms, const Bundle* x, Make make) {
    const auto apply = [&](Op op, Term a, Term b) {
        const double data = op == Op::add ? a.value + b.value : a.value * b.value;
        if (a.node == nullptr && b.node == nullptr) return Term{nullptr, data};
        if (a.node == nullptr) std::swap(a, b);  // as reflected operators do
        return Term{make(op, a, b, data), data};
    };
    Term total = term(terms, terms.count), last{};
    for (std::size_t i = 0; i < terms.count; ++i) {
        if (i > 0) total = apply(Op::add, total, last);
        last = term(terms, i);
        if (x != nullptr) last = apply(Op::mul, last, term(*x, i));
    }
    if (total.node == nullptr) std::swap(total, last);
    return {total, last};
}

}  // namespace megagrad
