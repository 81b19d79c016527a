// The kernels of sums of products of two rows.
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
void inner_forward(const Step& step, const Block& block) {
    const Inner& inner = block.inner(step);
    const Slot* slots = &block.plan->slots[inner.slots];
    double* out = block.row(step.out);
    for (std::size_t i = 0; i < block.lanes; i += N::width) {
        N total = inner.start_is_row ? load<N>(block, block.row(inner.start) + i)
                                     : N(block.uniforms[inner.start]);
        for (std::uint32_t k = 0; k < inner.products; ++k) {
            const Slot *product = slots + 4 * std::size_t{k}, sign = product[0] & subtracted;
            const N a = load<N>(block, block.row(product[0] & ~subtracted) + i);
            const N b = load<N>(block, block.row(product[1]) + i);
            total = plus_inner<false>(total, sign ? -a : a, b);
        }
        store(total, block, out + i);
    }
}

// grad += sign * factor * out_grad
template <class N>
MEGAGRAD_INLINE void add_factor(const Block& block, Slot grad_slot, Slot factor_slot,
                                const double* out_grad, bool minus) {
    if (grad_slot == no_slot) return;
    double* grad = block.row(grad_slot & ~first_write);
    const double* factor = block.row(factor_slot & ~subtracted);
    const bool is_first = (grad_slot & first_write) != 0;
    for (std::size_t i = 0; i < block.lanes; i += N::width) {
        const N a = load<N>(block, factor + i), g = load<N>(block, out_grad + i);
        const N before = is_first ? N(0.0) : load<N>(block, grad + i);
        store(plus_inner<true>(before, minus ? -a : a, g), block, grad + i);
    }
}

template <class N>
void inner_backward(const Step& step, const Block& block) {
    const Inner& inner = block.inner(step);
    const Slot* product = &block.plan->slots[inner.slots];
    const double* grad = block.row(step.out_grad);
    for (std::uint32_t k = 0; k < inner.products; ++k, product += 4) {
        const bool minus = (product[0] & subtracted) != 0;
        add_factor<N>(block, product[2], product[1], grad, minus);
        add_factor<N>(block, product[3], product[0], grad, minus);
    }
    if (inner.start_grad == no_slot) return;
    N total(0.0);
    for (std::size_t i = 0; i < block.lanes; i += N::width) {
        const N g = load<N>(block, grad + i);
        if (!inner.start_is_row) {
            total = total + of_points(g, block, i);
            continue;
        }
        double* start = block.row(inner.start_grad & ~first_write) + i;
        store(inner.start_grad & first_write ? g : load<N>(block, start) + g, block, start);
    }
    if (!inner.start_is_row) block.cells[inner.start_grad] += sum(value_of(total));
}

}  // namespace megagrad::MEGAGRAD_ISA
