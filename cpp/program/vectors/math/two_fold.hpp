// What the functions of vector_math.hpp are made of: polynomials, and numbers in two parts.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "program/vectors/vector.hpp"

namespace megagrad::MEGAGRAD_ISA {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline constexpr double smallest_normal = std::numeric_limits<double>::min();

// Estrin's scheme: by halves, which take fewer steps one after another than Horner's.
template <std::size_t begin, std::size_t size, class T>
MEGAGRAD_INLINE T polynomial_part(const double* c, const T* squares) {
    if constexpr (size == 1) {
        return T(c[begin]);
    } else {
        constexpr std::size_t low = std::bit_floor(size - 1), power = std::bit_width(low) - 1;
        return fma(polynomial_part<begin + low, size - low>(c, squares), squares[power],
                   polynomial_part<begin, low>(c, squares));
    }
}

// c[0] + c[1] x + c[2] x^2 + ...
template <class T, std::size_t size>
MEGAGRAD_INLINE T polynomial(T x, const double (&c)[size]) {
    const T x2 = x * x, x4 = x2 * x2, x8 = x4 * x4;
    const T squares[]{x, x2, x4, x8, x8 * x8};
    return polynomial_part<0, size>(c, squares);
}

// A whole number; `bits` has it in its last 51 bits, others above.
template <class T>
struct Whole {
    T number;
    typename T::Bits bits;
};

// The whole number nearest to a * b, which is below 2^51: adding that much leaves no room for a
// fraction.
template <class T>
MEGAGRAD_INLINE Whole<T> rounded_product(T a, T b) {
    const T magic(0x1.8p52), moved = fma(a, b, magic);
    return {moved - magic, bits(moved)};
}

// The number high + low, |low| <= half a unit in high's last place (or little more).
template <class T>
struct Twofold {
    T high, low;
};

// a + b, exactly (Dekker), if |a| >= |b| or a = 0.
template <class T>
MEGAGRAD_INLINE Twofold<T> sum_of_ordered(T a, T b) {
    const T high = a + b;
    return {high, (a - high) + b};
}

// Without the last 27 bits: products of two such numbers are exact.
template <class T>
MEGAGRAD_INLINE T first_half(T x) {
    return from_bits(x, bits(x) & ~std::uint64_t{0x7ffffff});
}

// a * b, exactly but for overflow and underflow.
template <class T>
MEGAGRAD_INLINE Twofold<T> exact_product(T a, T b) {
    const T high = a * b;
    if constexpr (has_fma) {
        return {high, fma(a, b, -high)};
    } else {
        const T a1 = first_half(a), b1 = first_half(b), a2 = a - a1, b2 = b - b1;
        return {high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2};
    }
}

// What the quotient of a and b left of a by its rounding: a - quotient * b.
template <class T>
MEGAGRAD_INLINE T exactly_left_by_quotient(T a, T quotient, T b) {
    if constexpr (has_fma) {
        return fma(-quotient, b, a);
    } else {
        const Twofold<T> back = exact_product(quotient, b);
        return (a - back.high) - back.low;
    }
}
// The same where it is worth half an ulp: 0 if it takes more than an instruction.
template <class T>
MEGAGRAD_INLINE T left_by_quotient(T a, T quotient, T b) {
    return has_fma ? fma(-quotient, b, a) : T(0);
}

}  // namespace megagrad::MEGAGRAD_ISA
