// The kernels of sums of products of two registers.
#pragma once

#include "program/kernels/affine.hpp"
#include "program/kernels/block.hpp"

namespace megagrad::MEGAGRAD_ISA {

template <class T>
MEGAGRAD_INLINE T multiply_add(T a, T b, T total) {
    return fma(a, b, total);
}
template <class T>
MEGAGRAD_INLINE Dual<T> multiply_add(Dual<T> a, Dual<T> b, Dual<T> total) {
    return {fma(a.value, b.value, total.value),
            fma(a.tangent, b.value, fma(a.value, b.tangent, total.tangent))};
}

template <class T>
MEGAGRAD_INLINE Dual<T> plus_share(Dual<T> total, Dual<T> a, Dual<T> b, bool is_gradient) {
    return {plus_share(total.value, a.value, b.value, is_gradient),
            plus_share(plus_share(total.tangent, a.value, b.tangent), a.tangent, b.value)};
}

// a * b + total
template <bool is_gradient, class N>
MEGAGRAD_INLINE N plus_inner(N total, N a, N b) {
    const N sum = multiply_add(a, b, total);
    if constexpr (is_gradient || has_tangents<N>)
        if (is_nan_in(shares_in(sum, is_gradient))) [[unlikely]]
            return plus_share(total, a, b, is_gradient);
    return sum;
}

template <class N>
void inner_forward(const KernelCall& call, const Block& block) {
    const Inner& inner = block.inner(call);
    const Product* products = &block.plan->products[inner.first];
    double* out = block.numbers(call.out);
    for (std::size_t i = 0; i < block.points; i += N::width) {
        N total = inner.start_varies ? load<N>(block, block.numbers(inner.start) + i)
                                     : N(block.uniforms[inner.start]);
        for (std::uint32_t k = 0; k < inner.products; ++k) {
            const Factor factor = products[k].a;
            const N a = load<N>(block, block.numbers(factor.number()) + i);
            const N b = load<N>(block, block.numbers(products[k].b) + i);
            total = plus_inner<false>(total, factor.is_subtracted() ? -a : a, b);
        }
        store(total, block, out + i);
    }
}

// grad += sign * factor * out_grad
template <class N>
MEGAGRAD_INLINE void add_factor(const Block& block, Accumulator target, Register factor_register,
                                const double* out_grad, bool minus) {
    if (!target.is_wanted()) return;
    double* grad = block.numbers(target);
    const double* factor = block.numbers(factor_register);
    const bool is_first = target.is_first();
    for (std::size_t i = 0; i < block.points; i += N::width) {
        const N a = load<N>(block, factor + i), g = load<N>(block, out_grad + i);
        const N before = is_first ? N(0.0) : load<N>(block, grad + i);
        store(plus_inner<true>(before, minus ? -a : a, g), block, grad + i);
    }
}

template <class N>
void inner_backward(const KernelCall& call, const Block& block) {
    const Inner& inner = block.inner(call);
    const Product* product = &block.plan->products[inner.first];
    const double* grad = block.numbers(call.out_grad);
    for (std::uint32_t k = 0; k < inner.products; ++k, ++product) {
        const bool minus = product->a.is_subtracted();
        add_factor<N>(block, product->a_grad, product->b, grad, minus);
        add_factor<N>(block, product->b_grad, product->a.number(), grad, minus);
    }
    if (!inner.start_grad.is_wanted()) return;
    N total(0.0);
    for (std::size_t i = 0; i < block.points; i += N::width) {
        const N g = load<N>(block, grad + i);
        if (!inner.start_varies) {
            total = total + of_points(g, block, i);
            continue;
        }
        double* start = block.numbers(inner.start_grad) + i;
        store(inner.start_grad.is_first() ? g : load<N>(block, start) + g, block, start);
    }
    if (!inner.start_varies) block.cells[inner.start_grad.number()] += sum(value_of(total));
}

}  // namespace megagrad::MEGAGRAD_ISA
