// sin, cos, tan and their inverses.
#pragma once

#include <cmath>

#include "program/vectors/math/two_fold.hpp"

namespace megagrad::MEGAGRAD_ISA {

inline constexpr double half_pi = 0x1.921fb54442d18p0, half_pi_low = 0x1.1a62633145c07p-54;

// Quarter turns are subtracted exactly up to here.
inline constexpr double reducible = 1.6e6;

// An angle as so many quarter turns and r + c, where c is what r lost by rounding.
template <class T>
struct ByQuarterTurns {
    T r, c;
    typename T::Bits turns;
};

// By Cody and Waite's method, with fdlibm's parts of pi / 2: whole multiples of the first three are
// exact.
template <class T>
MEGAGRAD_INLINE ByQuarterTurns<T> reduced_by_quarter_turns(T x) {
    const Whole<T> turns = rounded_product(x, T(0x1.45f306dc9c883p-1));  // 2 / pi
    const T n = turns.number, first = fma(n, T(-0x1.921fb544p0), x);
    const Twofold<T> second = sum_of_ordered(first, -(n * T(0x1.0b4611a6p-34)));
    const Twofold<T> third = sum_of_ordered(second.high, -(n * T(0x1.3198a2e0p-69)));
    const T low = fma(n, T(-0x1.b839a252049c1p-104), second.low + third.low);
    const Twofold<T> sum = sum_of_ordered(third.high, low);
    return {sum.high, sum.low, turns.bits};
}

// Of r + c up to pi / 4, as sums.
template <class T>
MEGAGRAD_INLINE Twofold<T> sin_of_reduced(T r, T c) {
    // (sin(r) - r) / r^3 in r^2: minimax (2^-58)
    static constexpr double coefficients[]{-0.16666666666666632,    0.008333333333322316,
                                           -0.00019841269829725191, 2.7557313662052833e-06,
                                           -2.5050753263803436e-08, 1.589650490510128e-10};
    const T square = r * r, slope = T(1) - T(0.5) * square;
    return {r, fma(r * square, polynomial(square, coefficients), c * slope)};
}
template <class T>
MEGAGRAD_INLINE Twofold<T> cos_of_reduced(T r, T c) {
    // (cos(r) - 1 + r^2 / 2) / r^4 in r^2: minimax (2^-64)
    static constexpr double coefficients[]{0.0416666666666666,     -0.001388888888887399,
                                           2.4801587289394916e-05, -2.755731432602774e-07,
                                           2.0875719558275443e-09, -1.1359448657040425e-11};
    const T square = r * r;
    const Twofold<T> sum = sum_of_ordered(T(1), T(-0.5) * square);
    return {sum.high, sum.low + fma(square * square, polynomial(square, coefficients), -(r * c))};
}

// Of a mask in bits, instead of a Mask: SSE2 cannot compare 64-bit integers.
template <class T>
MEGAGRAD_INLINE T where_bits(typename T::Bits mask, T yes, T no) {
    return from_bits(yes, (bits(yes) & mask) | (bits(no) & ~mask));
}
template <class T>
MEGAGRAD_INLINE Twofold<T> where_bits(typename T::Bits mask, Twofold<T> yes, Twofold<T> no) {
    return {where_bits(mask, yes.high, no.high), where_bits(mask, yes.low, no.low)};
}

template <class T>
MEGAGRAD_INLINE Twofold<T> normalized(Twofold<T> sum) {
    return sum_of_ordered(sum.high, sum.low);
}

// The sine, or the cosine as the sine of a quarter turn more.
template <class T>
MEGAGRAD_INLINE T sin_after_quarter_turns(T x, std::uint64_t more) {
    const ByQuarterTurns<T> parts = reduced_by_quarter_turns(x);
    const typename T::Bits turns = parts.turns + more;
    const Twofold<T> sum = where_bits(-(turns & std::uint64_t{1}), cos_of_reduced(parts.r, parts.c),
                                      sin_of_reduced(parts.r, parts.c));
    const T y = sum.high + sum.low;
    return from_bits(y, bits(y) ^ shifted_left<62>(turns & std::uint64_t{2}));
}

// y, but what <cmath> says where x is too large for it.
template <class T, class Function>
MEGAGRAD_INLINE T unless_large(T x, T y, Function by_cmath) {
    if (any(!(fabs(x) <= T(reducible)))) [[unlikely]] {
        const T large = where(fabs(x) < T(infinity), x, T(not_a_number));
        return where(fabs(x) <= T(reducible), y, for_each_lane(large, by_cmath));
    }
    return y;
}

template <class T>
MEGAGRAD_NOINLINE T sin(T x) {
    const T y = where(x == T(0), x, sin_after_quarter_turns(x, 0));
    return unless_large(x, y, [](double lane) { return std::sin(lane); });
}

template <class T>
MEGAGRAD_NOINLINE T cos(T x) {
    return unless_large(x, sin_after_quarter_turns(x, 1),
                        [](double lane) { return std::cos(lane); });
}

template <class T>
MEGAGRAD_NOINLINE T tan(T x) {
    const ByQuarterTurns<T> parts = reduced_by_quarter_turns(x);
    const typename T::Bits odd = -(parts.turns & std::uint64_t{1});
    const Twofold<T> sine = normalized(sin_of_reduced(parts.r, parts.c));
    const Twofold<T> cosine = normalized(cos_of_reduced(parts.r, parts.c));
    const Twofold<T> a = where_bits(odd, cosine, sine), b = where_bits(odd, sine, cosine);
    const T quotient = a.high / b.high;
    const T left = left_by_quotient(a.high, quotient, b.high) + (a.low - quotient * b.low);
    const T y = quotient + left / b.high;
    return unless_large(x, where(x == T(0), x, from_bits(y, bits(y) ^ shifted_left<63>(odd))),
                        [](double lane) { return std::tan(lane); });
}

// asin(x) from the arc sine of t, which is |x| or, beyond 1/2, sqrt((1 - |x|) / 2) for half of the
// complement: t and what is to be added to t.
template <class T>
MEGAGRAD_INLINE Twofold<T> asin_in_two_parts(T x) {
    // (asin(t) - t) / t^3 in t^2 up to t = 1/2: minimax (2^-59.8)
    static constexpr double coefficients[]{
        0.16666666666666763,  0.07499999999970261,  0.0446428571751212,   0.030381942683603544,
        0.02237221566056874,  0.017351600088545794, 0.013980961479489948, 0.011397775809812487,
        0.010786529932922288, 0.003683038654558052, 0.021763507903564537, -0.021077306023110913,
        0.032676899383344414};
    const T magnitude = fabs(x), half = T(0.5) * (T(1) - magnitude), root = sqrt(half);
    const auto is_near = magnitude < T(0.5);
    const T square = where(is_near, x * x, half), t = where(is_near, magnitude, root);
    const T lost = exactly_left_by_quotient(half, root, root) / (root + root + T(smallest_normal));
    return {t, fma(t * square, polynomial(square, coefficients), where(is_near, T(0), lost))};
}

template <class T>
MEGAGRAD_NOINLINE T asin(T x) {
    const Twofold<T> t = asin_in_two_parts(x);
    const Twofold<T> far = sum_of_ordered(T(half_pi), T(-2) * t.high);
    const auto is_near = fabs(x) < T(0.5);
    return copysign(where(is_near, t.high, far.high) +
                        where(is_near, t.low, far.low + (T(half_pi_low) - T(2) * t.low)),
                    x);
}

template <class T>
MEGAGRAD_NOINLINE T acos(T x) {
    const Twofold<T> t = asin_in_two_parts(x);
    const auto is_near = fabs(x) < T(0.5), is_right = x >= T(0.5);
    // As base - factor * asin(t).
    const T base = where(is_near, T(half_pi), where(is_right, T(0), T(2 * half_pi)));
    const T base_low = where(is_near, T(half_pi_low), where(is_right, T(0), T(2 * half_pi_low)));
    const T factor = where(is_near, copysign(T(1), x), where(is_right, T(-2), T(2)));
    const Twofold<T> sum = sum_of_ordered(base, -(factor * t.high));
    return sum.high + (sum.low + (base_low - factor * t.low));
}

// One of five, by how large the magnitude is: fdlibm's intervals for atan.
template <class T>
MEGAGRAD_INLINE T by_magnitude(T magnitude, T for_0, T for_half, T for_1, T for_3_halves,
                               T for_infinity) {
    return where(magnitude < T(11.0 / 16), where(magnitude < T(7.0 / 16), for_0, for_half),
                 where(magnitude < T(19.0 / 16), for_1,
                       where(magnitude < T(39.0 / 16), for_3_halves, for_infinity)));
}

// After fdlibm's s_atan.c: atan(x) = atan(m) + atan((x - m) / (1 + m x)), with an m beside x.
template <class T>
MEGAGRAD_NOINLINE T atan(T x) {
    // (atan(t) - t) / t^3 in t^2 up to t = 7/16: minimax (2^-57.7)
    static constexpr double coefficients[]{
        -0.3333333333333293,   0.1999999999987616,   -0.14285714272480646, 0.1111111040461081,
        -0.09090887114506412,  0.07691875938340853,  -0.06661070693556455, 0.058335556074239604,
        -0.049768239650655605, 0.036530430106942915, -0.016284771399629323};
    const T m = fabs(x);
    const T above = by_magnitude(m, m, T(2) * m - T(1), m - T(1), m - T(1.5), T(-1));
    const T below = by_magnitude(m, T(1), T(2) + m, T(1) + m, fma(T(1.5), m, T(1)), m);
    const T base = by_magnitude(m, T(0), T(0x1.dac670561bb4fp-2), T(0.5 * half_pi),
                                T(0x1.f730bd281f69bp-1), T(half_pi));
    const T base_low = by_magnitude(m, T(0), T(0x1.a2b7f222f65e2p-56), T(0.5 * half_pi_low),
                                    T(0x1.007887af0cbbdp-56), T(half_pi_low));
    const T t = above / below, square = t * t;
    return copysign(base + (t + fma(t * square, polynomial(square, coefficients), base_low)), x);
}

}  // namespace megagrad::MEGAGRAD_ISA
