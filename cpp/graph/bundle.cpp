#include "graph/bundle.hpp"

#include <bit>
#include <cmath>

namespace megagrad {

namespace {

// Adds the share of each slope. Only an infinite gradient makes NaN of a slope of 0.
void add_shares(double* into, const double* slopes, double upstream, std::size_t count) {
    if (std::isfinite(upstream))
        for (std::size_t i = 0; i < count; ++i) into[i] += slopes[i] * upstream;
    else
        for (std::size_t i = 0; i < count; ++i) into[i] += share(slopes[i], upstream);
}

bool is_same(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool is_unchanged(const Operands& row) {
    for (std::size_t i = 0; i <= row.count; ++i)
        if (row.nodes[i] != nullptr && !is_same(row.nodes[i]->data, row.now[i])) return false;
    return true;
}

// Looks at all operands again. The row's own values stay what the loop was run on.
void refresh(Operands& row) {
    if (!is_unchanged(row)) {
        if (row.now == row.values) row.now = new double[row.count + 1];
        for (std::size_t i = 0; i <= row.count; ++i)
            row.now[i] = row.nodes[i] != nullptr ? row.nodes[i]->data : row.values[i];
    }
    row.checked = data_writes;
}

void propagate_by(double grad, const Node& node) {
    if (grad == 0) return;
    Operands &weights = row_of(node.lhs), &x = row_of(rhs_of(node));
    const std::size_t count = weights.count;
    const double *weights_now = current(weights), *x_now = current(x);
    add_shares(weights.grads, x_now, grad, count);
    add_shares(x.grads, weights_now, grad, count);
    weights.grads[count] += grad;
}

}  // namespace

double dot(const Operands& weights, const Operands& x) noexcept {
    double total = weights.values[weights.count];
    for (std::size_t i = 0; i < weights.count; ++i) total += weights.values[i] * x.values[i];
    return total;
}

double sum(const Operands& terms) noexcept {
    double total = terms.values[terms.count];
    for (std::size_t i = 0; i < terms.count; ++i) total += terms.values[i];
    return total;
}

const double* current(Operands& row) {
    if (row.checked != data_writes) refresh(row);
    return row.now;
}

double slope_on_dot(const Node& node) {
    const Op op = without_dot(node.op());
    const double y = info(op).default_parameter, z = node.data;
    // The dot is computed anew, by formulas that use it; most don't.
    return with_formulas(
        op, [&](auto f) { return f.dx(dot(row_of(node.lhs), row_of(rhs_of(node))), y, z); },
        [] { return 0.0; });
}

void propagate_dot(const Node& node) { propagate_by(node.grad, node); }

void propagate_on_dot(const Node& node) {
    propagate_by(share(slope_on_dot(node), node.grad), node);
}

void propagate_sum(const Node& node) {
    Operands& terms = row_of(node.lhs);
    for (std::size_t i = 0; i <= terms.count; ++i) terms.grads[i] += node.grad;
}

void propagate_row(const Node& vertex) {
    Operands& row = *vertex.lhs.operands;
    for (std::size_t i = 0; i <= row.count; ++i) {
        if (row.nodes[i] != nullptr) row.nodes[i]->grad += row.grads[i];
        row.grads[i] = 0;
    }
}

}  // namespace megagrad
