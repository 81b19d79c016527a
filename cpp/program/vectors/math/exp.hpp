// exp and what it carries: expm1, sinh, cosh, tanh.
#pragma once

#include "program/vectors/math/two_fold.hpp"

namespace megagrad::MEGAGRAD_ISA {

// ln 2 in two parts (fdlibm's): multiples of the first, by whole numbers up to 2^20, are exact.
inline constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;

// A number x as k ln 2 + r + c, where c is what r lost by rounding and 2^k scale.
template <class T>
struct ByLn2 {
    T r, c;
    typename T::Bits scale;  // k, where a double's exponent is
};

// For x + low.
template <class T>
MEGAGRAD_INLINE ByLn2<T> reduced_by_ln2(T x, T low = T(0)) {
    const Whole<T> k = rounded_product(x, T(0x1.71547652b82fep0));  // 1 / ln 2
    const T high = fma(k.number, T(-ln2_high), x), rest = fma(k.number, T(ln2_low), -low);
    const T r = high - rest;
    return {r, (high - r) - rest, shifted_left<52>(k.bits)};
}

// 2^k
template <class T>
MEGAGRAD_INLINE T power_of_2(T like, typename T::Bits scale) {
    return from_bits(like, scale + bits(T(1)));
}

// e^r - 1 - r for |r| <= ln(2) / 2: minimax for the error relative to r (2^-61.7).
template <class T>
MEGAGRAD_INLINE T exp_beyond_linear(T r) {
    static constexpr double coefficients[]{0.5,
                                           0.16666666666666677,
                                           0.0416666666666667,
                                           0.008333333333321579,
                                           0.0013888888888866765,
                                           0.00019841269886266717,
                                           2.480158736069882e-05,
                                           2.755724406140516e-06,
                                           2.7557242637054233e-07,
                                           2.5109090599998887e-08,
                                           2.092448140321606e-09};
    return r * r * polynomial(r, coefficients);
}

// e^(x + low) for |x| <= 708.
template <class T>
MEGAGRAD_INLINE T exp_of_usual(T x, T low) {
    const ByLn2<T> parts = reduced_by_ln2(x, low);
    const T y = T(1) + (parts.r + (exp_beyond_linear(parts.r) + parts.c));
    return from_bits(y, bits(y) + parts.scale);
}

// e^(x + low) in the whole range, by two factors: 2^k alone may be no double.
template <class T>
MEGAGRAD_INLINE T exp_of_any(T x, T low) {
    const T bounded = where(x > T(710), T(710), where(x < T(-746), T(-746), x));
    const ByLn2<T> parts = reduced_by_ln2(bounded, low);
    const T y = T(1) + (parts.r + (exp_beyond_linear(parts.r) + parts.c));
    const auto is_small = x < T(0);
    const T nearer = where(is_small, T(0x1p1000), T(0x1p-100));
    const T scaled = from_bits(y, bits(y) + parts.scale + (bits(nearer) - bits(T(1)))) *
                     where(is_small, T(0x1p-1000), T(0x1p100));
    return where(x != x, x, scaled);
}
template <class T>
MEGAGRAD_NOINLINE T exp_of_any(T x) {
    return exp_of_any(x, T(0));
}

template <class T>
MEGAGRAD_INLINE T exp(T x) {
    if (any(!(fabs(x) <= T(708)))) [[unlikely]]
        return exp_of_any(x);
    return exp_of_usual(x, T(0));
}

// e^x - 1 for -50 <= x <= 36. The sums of large parts are exact, so that no digits cancel.
template <class T>
MEGAGRAD_INLINE Twofold<T> expm1_in_two_parts(T x) {
    const ByLn2<T> parts = reduced_by_ln2(x);
    const T power = power_of_2(x, parts.scale);
    const T rest = exp_beyond_linear(parts.r) + fma(parts.r, parts.c, parts.c);
    const Twofold<T> sum = sum_of_ordered(power - T(1), power * parts.r);
    return {sum.high, fma(power, rest, sum.low)};
}

// By m = e^-2|x| - 1, which is accurate near 0, as -m / (2 + m), with what m, the divisor and the
// quotient lose by rounding. By the first guess y, 1 / (2 + m) is (1 + y) / 2.
template <class T>
MEGAGRAD_INLINE T tanh(T x) {
    const T magnitude = fabs(x), bounded = where(magnitude > T(20), T(20), magnitude);
    const Twofold<T> parts = expm1_in_two_parts(T(-2) * bounded);
    const Twofold<T> m = sum_of_ordered(parts.high, parts.low);
    const Twofold<T> divisor = sum_of_ordered(T(2), m.high);
    const T y = -m.high / divisor.high;
    const T left = left_by_quotient(-m.high, y, divisor.high) - fma(y, divisor.low + m.low, m.low);
    return copysign(fma(left, fma(T(0.5), y, T(0.5)), y), x);
}

// e^x / 16 for 0 <= x: no overflow before sinh and cosh themselves overflow.
template <class T>
MEGAGRAD_INLINE Twofold<T> sixteenth_of_exp(T x) {
    const ByLn2<T> parts = reduced_by_ln2(where(x > T(711), T(711), x));
    const T sixteenth = power_of_2(x, parts.scale - (std::uint64_t{4} << 52));
    const Twofold<T> y = sum_of_ordered(T(1), parts.r + (exp_beyond_linear(parts.r) + parts.c));
    return {y.high * sixteenth, y.low * sixteenth};
}

template <class T>
MEGAGRAD_NOINLINE T expm1_of_large(T x) {
    const Twofold<T> y = sixteenth_of_exp(x);
    return T(16) * (y.high + (y.low - T(0.0625)));
}

template <class T>
MEGAGRAD_NOINLINE T expm1(T x) {
    const Twofold<T> parts = expm1_in_two_parts(where(x < T(-50), T(-50), x));
    const T y = copysign(parts.high + parts.low, x);
    if (any(!(x <= T(36)))) [[unlikely]]
        return where(x <= T(36), y, expm1_of_large(x));
    return y;
}

template <class T>
MEGAGRAD_NOINLINE T sinh(T x) {
    // (sinh(x) - x) / x^3 in x^2 up to x = 1: minimax (2^-63.2)
    static constexpr double coefficients[]{0.16666666666666669,    0.008333333333333139,
                                           0.0001984126984143768,  2.7557319155337057e-06,
                                           2.5052123398525803e-08, 1.6057240343396722e-10,
                                           7.75931214424206e-13};
    const T magnitude = fabs(x), square = x * x;
    const T near = fma(square * magnitude, polynomial(square, coefficients), magnitude);
    const Twofold<T> y = sixteenth_of_exp(magnitude);
    const T far = T(8) * (y.high + (y.low - T(0x1p-8) / y.high));
    return copysign(where(magnitude < T(1), near, far), x);
}

template <class T>
MEGAGRAD_NOINLINE T cosh(T x) {
    const Twofold<T> y = sixteenth_of_exp(fabs(x));
    return T(8) * (y.high + (y.low + T(0x1p-8) / y.high));
}

}  // namespace megagrad::MEGAGRAD_ISA
