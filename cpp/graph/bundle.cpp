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

bool is_unchanged(const Bundle& bundle) {
    for (std::size_t i = 0; i <= bundle.count; ++i)
        if (bundle.nodes[i] != nullptr && !is_same(bundle.nodes[i]->data, bundle.now[i]))
            return false;
    return true;
}

// Looks at all operands again. The bundle's own values stay what the loop was run on.
void refresh(Bundle& bundle) {
    if (!is_unchanged(bundle)) {
        if (bundle.now == bundle.values) bundle.now = new double[bundle.count + 1];
        for (std::size_t i = 0; i <= bundle.count; ++i)
            bundle.now[i] = bundle.nodes[i] != nullptr ? bundle.nodes[i]->data : bundle.values[i];
    }
    bundle.checked = data_writes;
}

void propagate_by(double grad, const Node& node) {
    if (grad == 0) return;
    Bundle &weights = bundle_of(node.lhs), &x = bundle_of(rhs_of(node));
    const std::size_t count = weights.count;
    const double *weights_now = current(weights), *x_now = current(x);
    add_shares(weights.grads, x_now, grad, count);
    add_shares(x.grads, weights_now, grad, count);
    weights.grads[count] += grad;
}

}  // namespace

double dot(const Bundle& weights, const Bundle& x) noexcept {
    double total = weights.values[weights.count];
    for (std::size_t i = 0; i < weights.count; ++i) total += weights.values[i] * x.values[i];
    return total;
}

double sum(const Bundle& terms) noexcept {
    double total = terms.values[terms.count];
    for (std::size_t i = 0; i < terms.count; ++i) total += terms.values[i];
    return total;
}

const double* current(Bundle& bundle) {
    if (bundle.checked != data_writes) refresh(bundle);
    return bundle.now;
}

double slope_on_dot(const Node& node) {
    const Op op = without_dot(node.op());
    const double y = info(op).default_parameter, z = node.data;
    // The dot is computed anew, by formulas that use it; most don't.
    return with_formulas(
        op, [&](auto f) { return f.dx(dot(bundle_of(node.lhs), bundle_of(rhs_of(node))), y, z); },
        [] { return 0.0; });
}

void propagate_dot(const Node& node) { propagate_by(node.grad, node); }

void propagate_on_dot(const Node& node) {
    propagate_by(share(slope_on_dot(node), node.grad), node);
}

void propagate_sum(const Node& node) {
    Bundle& terms = bundle_of(node.lhs);
    for (std::size_t i = 0; i <= terms.count; ++i) terms.grads[i] += node.grad;
}

void propagate_bundle(const Node& vertex) {
    Bundle& bundle = *vertex.lhs.bundle;
    for (std::size_t i = 0; i <= bundle.count; ++i) {
        if (bundle.nodes[i] != nullptr) bundle.nodes[i]->grad += bundle.grads[i];
        bundle.grads[i] = 0;
    }
}

}  // namespace megagrad
