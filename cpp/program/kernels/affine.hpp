// The kernels of sums of products. Almost all of a neural network's time is spent here.
//
// An affine call is a product of two matrices: weights, the same for all points, times a block's
// registers. Its two gradients are such products, too. Tiles of results are kept in registers, so
// that what is loaded is used several times.
#pragma once

#include <algorithm>
#include <type_traits>

#include "program/kernels/block.hpp"

namespace megagrad::MEGAGRAD_ISA {

// weight * x + total, where a weight has no tangent.
template <class T>
MEGAGRAD_INLINE T plus_product(T total, T weight, T x) {
    return fma(weight, x, total);
}
template <class T>
MEGAGRAD_INLINE Dual<T> plus_product(Dual<T> total, T weight, Dual<T> x) {
    return {fma(weight, x.value, total.value), fma(weight, x.tangent, total.tangent)};
}

// Gradients and tangents are sums of shares (functions.hpp). They are computed as sums of products,
// which are as fast as the machine is; only where one comes out as NaN, it is computed again, and
// then what stands beside a 0 is left out.
template <class T>
MEGAGRAD_INLINE T plus_share(T total, T slope, T upstream) {
    const auto is_nothing = slope == T(0.0) || upstream == T(0.0);
    return where(is_nothing, total, fma(slope, upstream, total));
}
template <class T>
MEGAGRAD_INLINE T plus_share(T total, T weight, T x, bool is_gradient) {
    return is_gradient ? plus_share(total, weight, x) : fma(weight, x, total);
}
template <class T>
MEGAGRAD_INLINE Dual<T> plus_share(Dual<T> total, T weight, Dual<T> x, bool is_gradient) {
    return {plus_share(total.value, weight, x.value, is_gradient),
            plus_share(total.tangent, weight, x.tangent)};
}

// What is NaN if sums have to be computed again: the sum of all that are sums of shares.
template <class T>
MEGAGRAD_INLINE T shares_in(T total, bool is_gradient) {
    return is_gradient ? total : T(0.0);
}
template <class T>
MEGAGRAD_INLINE T shares_in(Dual<T> total, bool is_gradient) {
    return is_gradient ? total.value + total.tangent : total.tangent;
}
template <class T>
MEGAGRAD_INLINE bool is_nan_in(T number) {
    return any(number != number);
}

template <class N>
struct Weight {
    using type = N;
};
template <class T>
struct Weight<Dual<T>> {
    using type = T;
};
template <class N>
inline constexpr bool has_tangents = !std::is_same_v<typename Weight<N>::type, N>;

// out[j] = initial[j] + sum over i of weights[j * by_out + i * by_in] * in[i], where backward ins
// and outs are gradients.
template <class Place>
struct MatrixProduct {
    const double* weights;
    std::size_t by_out, by_in;
    const Place* ins;
    std::size_t in_count;
    const Place* outs;
    std::size_t out_count;
    const double* biases;  // what outs begin with; of gradients, themselves or 0

    static constexpr bool is_gradient = std::is_same_v<Place, Accumulator>;
};

template <class N>
MEGAGRAD_INLINE N initial(const MatrixProduct<Register>& p, const Block&, std::size_t j,
                          std::size_t) {
    return N(p.biases[j]);
}
template <class N>
MEGAGRAD_INLINE N initial(const MatrixProduct<Accumulator>& p, const Block& block, std::size_t j,
                          std::size_t point) {
    if (p.outs[j].is_first()) return N(0.0);
    return load<N>(block, block.numbers(p.outs[j]) + point);
}

// One out, for one vector of points.
template <class N, class Place>
MEGAGRAD_NOINLINE void sum_of_shares(const MatrixProduct<Place>& p, const Block& block,
                                     std::size_t j, std::size_t point) {
    using W = typename Weight<N>::type;
    N total = initial<N>(p, block, j, point);
    const double* weight = p.weights + j * p.by_out;
    for (std::size_t i = 0; i < p.in_count; ++i, weight += p.by_in) {
        const N x = load<N>(block, block.numbers(p.ins[i]) + point);
        total = plus_share(total, W(*weight), x, p.is_gradient);
    }
    store(total, block, block.numbers(p.outs[j]) + point);
}

// `J` outs from `j` on, for `L` vectors of points from `point` on.
template <class N, std::size_t J, std::size_t L, class Place>
MEGAGRAD_INLINE void product_tile(const MatrixProduct<Place>& p, const Block& block, std::size_t j,
                                  std::size_t point) {
    using W = typename Weight<N>::type;
    N total[J][L];
    for (std::size_t a = 0; a < J; ++a)
        for (std::size_t l = 0; l < L; ++l)
            total[a][l] = initial<N>(p, block, j + a, point + l * N::width);
    const double* weights = p.weights + j * p.by_out;
    for (std::size_t i = 0; i < p.in_count; ++i, weights += p.by_in) {
        const double* in = block.numbers(p.ins[i]) + point;
        N x[L];
        for (std::size_t l = 0; l < L; ++l) x[l] = load<N>(block, in + l * N::width);
        for (std::size_t a = 0; a < J; ++a) {
            const W weight(weights[a * p.by_out]);
            for (std::size_t l = 0; l < L; ++l)
                total[a][l] = plus_product(total[a][l], weight, x[l]);
        }
    }
    if (has_tangents<N> || p.is_gradient) {
        W shares(0.0);
        for (std::size_t a = 0; a < J; ++a)
            for (std::size_t l = 0; l < L; ++l)
                shares = shares + shares_in(total[a][l], p.is_gradient);
        if (is_nan_in(shares)) [[unlikely]] {
            for (std::size_t a = 0; a < J; ++a)
                for (std::size_t l = 0; l < L; ++l)
                    sum_of_shares<N>(p, block, j + a, point + l * N::width);
            return;
        }
    }
    for (std::size_t a = 0; a < J; ++a) {
        double* out = block.numbers(p.outs[j + a]) + point;
        for (std::size_t l = 0; l < L; ++l) store(total[a][l], block, out + l * N::width);
    }
}

template <class N, std::size_t L, class Place>
MEGAGRAD_INLINE void product_columns(const MatrixProduct<Place>& p, const Block& block,
                                     std::size_t point) {
    std::size_t j = 0;
    for (; j + 4 <= p.out_count; j += 4) product_tile<N, 4, L>(p, block, j, point);
    if (j + 2 <= p.out_count) product_tile<N, 2, L>(p, block, j, point), j += 2;
    if (j < p.out_count) product_tile<N, 1, L>(p, block, j, point);
}

// How many vectors of points make a tile: as many as there are registers for.
template <class N>
inline constexpr std::size_t tile_vectors = N::width == 1   ? 1
                                            : N::width == 8 ? 4
                                                            : 2;
template <class T>
inline constexpr std::size_t tile_vectors<Dual<T>> = 1;

template <class N, class Place>
MEGAGRAD_INLINE void multiply(const MatrixProduct<Place>& p, const Block& block) {
    constexpr std::size_t L = tile_vectors<N>;
    std::size_t point = 0;
    for (; point + (L - 1) * N::width < block.points; point += L * N::width)
        product_columns<N, L>(p, block, point);
    if constexpr (L > 1)
        for (; point < block.points; point += N::width) product_columns<N, 1>(p, block, point);
}

// The registers' numbers beyond the last point are 0 from then on, so that sums may take them in.
template <class N, class Place>
MEGAGRAD_INLINE void clear_beyond(const Block& block, const Place* places, std::size_t count) {
    if constexpr (N::width > 1) {
        const std::size_t end = (block.points + N::width - 1) / N::width * N::width;
        if (end == block.points) return;
        for (std::size_t i = 0; i < count; ++i) {
            double* numbers = block.numbers(places[i]);
            for (std::size_t point = block.points; point < end; ++point) numbers[point] = 0;
        }
    }
}

// The same for one weight, as a sum of shares.
template <class N>
MEGAGRAD_NOINLINE double weight_share(const Block& block, const double* grads, const double* xs) {
    N total(0.0);
    for (std::size_t point = 0; point < block.points; point += N::width)
        total = plus_share(total, N::load(grads + point), N::load(xs + point));
    return sum(total);
}

// Adds a tile's sums over points of out gradient times in to the weights' cells.
template <class N, std::size_t J, std::size_t K>
MEGAGRAD_INLINE void weight_tile(const Block& block, const Accumulator* out_grads,
                                 const Register* ins, double* cells, std::size_t by_out) {
    N total[J][K];
    for (std::size_t a = 0; a < J; ++a)
        for (std::size_t b = 0; b < K; ++b) total[a][b] = N(0.0);
    const double *grads[J], *xs[K];
    for (std::size_t a = 0; a < J; ++a) grads[a] = block.numbers(out_grads[a]);
    for (std::size_t b = 0; b < K; ++b) xs[b] = block.numbers(ins[b]);
    for (std::size_t point = 0; point < block.points; point += N::width) {
        N x[K];
        for (std::size_t b = 0; b < K; ++b) x[b] = N::load(xs[b] + point);
        for (std::size_t a = 0; a < J; ++a) {
            const N grad = N::load(grads[a] + point);
            for (std::size_t b = 0; b < K; ++b) total[a][b] = fma(grad, x[b], total[a][b]);
        }
    }
    for (std::size_t a = 0; a < J; ++a)
        for (std::size_t b = 0; b < K; ++b) {
            const double shares = sum(total[a][b]);
            const bool is_nan = shares != shares;
            cells[a * by_out + b] += is_nan ? weight_share<N>(block, grads[a], xs[b]) : shares;
        }
}

template <class N, std::size_t J>
MEGAGRAD_INLINE void weight_rows(const Block& block, const Accumulator* out_grads,
                                 const Register* ins, std::size_t in_count, double* cells) {
    constexpr std::size_t K = N::width == 8 ? 4 : 2;
    std::size_t i = 0;
    for (; i + K <= in_count; i += K)
        weight_tile<N, J, K>(block, out_grads, ins + i, cells + i, in_count);
    for (; i < in_count; ++i) weight_tile<N, J, 1>(block, out_grads, ins + i, cells + i, in_count);
}

template <class N>
MEGAGRAD_INLINE void add_weight_gradients(const Affine& affine, const Block& block,
                                          const Accumulator* out_grads, const Register* ins) {
    clear_beyond<N>(block, out_grads, affine.outs);
    clear_beyond<N>(block, ins, affine.ins);
    double *cells = block.cells + affine.weights, *biases = block.cells + affine.biases();
    std::size_t j = 0;
    for (; j + 4 <= affine.outs; j += 4)
        weight_rows<N, 4>(block, out_grads + j, ins, affine.ins, cells + j * affine.ins);
    for (; j < affine.outs; ++j)
        weight_rows<N, 1>(block, out_grads + j, ins, affine.ins, cells + j * affine.ins);
    for (j = 0; j < affine.outs; ++j) {
        const double* grad = block.numbers(out_grads[j]);
        N total(0.0);
        for (std::size_t point = 0; point < block.points; point += N::width)
            total = total + N::load(grad + point);
        biases[j] += sum(total);
    }
}

// One neuron at one point, where finding out about tiles would take longer than the sum itself.
inline void lone_forward(const Affine& affine, const Block& block, Register out,
                         const Register* ins) {
    const double* weights = block.weights + affine.weights;
    Scalar total(weights[affine.ins]);
    for (std::uint32_t i = 0; i < affine.ins; ++i)
        total = fma(Scalar(weights[i]), Scalar(*block.numbers(ins[i])), total);
    total.store(block.numbers(out));
}
inline void lone_backward(const Affine& affine, const Block& block, const Register* ins,
                          Accumulator out_grad, const Accumulator* in_grads) {
    const Scalar grad(*block.numbers(out_grad));
    for (std::uint32_t i = 0; affine.inputs_wanted && i < affine.ins; ++i) {
        if (!in_grads[i].is_wanted()) continue;
        double* in_grad = block.numbers(in_grads[i]);
        const Scalar before(in_grads[i].is_first() ? 0.0 : *in_grad);
        plus_share(before, Scalar(block.weights[affine.weights + i]), grad).store(in_grad);
    }
    if (!affine.weights_wanted) return;
    double* cells = block.cells + affine.weights;
    for (std::uint32_t i = 0; i < affine.ins; ++i)
        cells[i] += share(grad.value, *block.numbers(ins[i]));
    cells[affine.ins] += grad.value;
}

template <class N>
void affine_forward(const KernelCall& call, const Block& block) {
    const Affine& affine = block.affine(call);
    const Register* outs = block.plan->affine_registers.data() + affine.registers;
    const Register* ins = outs + affine.outs;
    if constexpr (std::is_same_v<N, Scalar>)
        if (affine.outs == 1 && block.points == 1) return lone_forward(affine, block, *outs, ins);
    multiply<N>(
        MatrixProduct<Register>{block.weights + affine.weights, affine.ins, 1, ins, affine.ins,
                                outs, affine.outs, block.weights + affine.biases()},
        block);
}

template <class N>
void zero(const Block& block, Accumulator grad) {
    for (std::size_t i = 0; i < block.points; i += N::width)
        store(N(0.0), block, block.numbers(grad) + i);
}

// Where only some of the ins have a gradient, the others' part of the tile would be in the way.
template <class N>
MEGAGRAD_INLINE void add_in_gradients(const Affine& affine, const Block& block,
                                      const Accumulator* out_grads, const Accumulator* in_grads) {
    for (std::uint32_t i = 0; i < affine.ins;) {
        std::uint32_t end = i;
        while (end < affine.ins && in_grads[end].is_wanted()) {
            ++end;
            if (affine.has_repeated_ins) break;
        }
        if (end > i)
            multiply<N>(
                MatrixProduct<Accumulator>{block.weights + affine.weights + i, 1, affine.ins,
                                           out_grads, affine.outs, in_grads + i, end - i, nullptr},
                block);
        i = std::max(end, i + 1);
    }
}

template <class N>
void affine_backward(const KernelCall& call, const Block& block) {
    const Affine& affine = block.affine(call);
    const Register* ins = block.plan->affine_registers.data() + affine.in_registers();
    const Accumulator* out_grads = block.plan->affine_gradients.data() + affine.registers;
    const Accumulator* in_grads = out_grads + affine.outs;
    if constexpr (std::is_same_v<N, Scalar>)
        if (affine.outs == 1 && block.points == 1)
            return lone_backward(affine, block, ins, *out_grads, in_grads);
    for (std::uint32_t j = 0; j < affine.outs; ++j)
        if (out_grads[j].is_first()) zero<N>(block, out_grads[j]);
    if (affine.inputs_wanted) add_in_gradients<N>(affine, block, out_grads, in_grads);
    if constexpr (!has_tangents<N>)
        if (affine.weights_wanted) add_weight_gradients<N>(affine, block, out_grads, ins);
}

}  // namespace megagrad::MEGAGRAD_ISA
