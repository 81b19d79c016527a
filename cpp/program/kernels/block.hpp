// How kernels read and write the numbers of a block.
#pragma once

#include "program/kernels/dual.hpp"
#include "program/kernels/kernels.hpp"
#include "program/vectors/vector.hpp"

namespace megagrad::MEGAGRAD_ISA {

template <class N>
struct Access {
    MEGAGRAD_INLINE static N load(const Block&, const double* from) { return N::load(from); }
    MEGAGRAD_INLINE static void store(N number, const Block&, double* to) { number.store(to); }
};
template <class T>
struct Access<Dual<T>> {
    MEGAGRAD_INLINE static Dual<T> load(const Block& block, const double* from) {
        return {T::load(from), T::load(from + block.tangents)};
    }
    MEGAGRAD_INLINE static void store(Dual<T> number, const Block& block, double* to) {
        number.value.store(to);
        number.tangent.store(to + block.tangents);
    }
};

template <class N>
MEGAGRAD_INLINE N load(const Block& block, const double* from) {
    return Access<N>::load(block, from);
}
template <class N>
MEGAGRAD_INLINE void store(N number, const Block& block, double* to) {
    Access<N>::store(number, block, to);
}

template <class T>
MEGAGRAD_INLINE T value_of(T number) {
    return number;
}
template <class T>
MEGAGRAD_INLINE T value_of(Dual<T> number) {
    return number.value;
}

// An operand of a call: a register, or one number for all points.
template <class N>
class Operand {
public:
    MEGAGRAD_INLINE Operand(const Block& block, Register place, bool is_uniform)
        : numbers_(is_uniform ? nullptr : block.numbers(place)),
          number_(is_uniform ? block.uniforms[place] : 0.0) {}
    template <bool is_uniform>
    MEGAGRAD_INLINE N at(const Block& block, std::size_t i) const {
        if constexpr (is_uniform) return number_;
        return load<N>(block, numbers_ + i);
    }

private:
    const double* numbers_;
    N number_;
};

// x where a vector that begins at point i has points, 0 beyond them.
template <class N>
MEGAGRAD_INLINE N of_points(N x, const Block& block, std::size_t i) {
    if constexpr (N::width == 1) {
        return x;
    } else {
        if (i + N::width <= block.points) [[likely]]
            return x;
        double numbers[2 * N::width] = {};
        Block beside = block;
        beside.tangents = N::width;
        store(x, beside, numbers);
        for (std::size_t lane = block.points - i; lane < N::width; ++lane)
            numbers[lane] = numbers[lane + N::width] = 0;
        return load<N>(beside, numbers);
    }
}

}  // namespace megagrad::MEGAGRAD_ISA
