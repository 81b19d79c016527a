// log and what it carries: log1p, pow; and cbrt, which takes numbers apart the same way.
#pragma once

#include "program/vectors/math/exp.hpp"
#include "program/vectors/math/two_fold.hpp"

namespace megagrad::MEGAGRAD_ISA {

// A positive normal number as 2^k (1 + f), with 1 + f between sqrt(1/2) and sqrt(2).
template <class T>
struct ByPowerOf2 {
    T k, f;
};
template <class T>
MEGAGRAD_INLINE ByPowerOf2<T> by_power_of_2(T x) {
    constexpr std::uint64_t exponent = 0x7ff0000000000000;
    const auto moved = bits(x) + (bits(T(1)) - bits(T(0x1.6a09e667f3bcdp-1)));
    const T k = from_bits(x, shifted_right<52>(moved) | bits(T(0x1p52))) - T(0x1p52 + 1023);
    return {k, from_bits(x, bits(x) - ((moved & exponent) - bits(T(1)))) - T(1)};
}

// The same for subnormal ones, too.
template <class T>
MEGAGRAD_INLINE ByPowerOf2<T> by_power_of_2_of_any(T x) {
    const auto is_subnormal = x < T(smallest_normal);
    const ByPowerOf2<T> parts = by_power_of_2(where(is_subnormal, x * T(0x1p54), x));
    return {parts.k - where(is_subnormal, T(54), T(0)), parts.f};
}

// log(2^k (1 + f)) + low, after fdlibm's e_log.c: f's own square is subtracted, which is exact
// enough, so that the polynomial counts for little. The polynomial: (log((1+s) / (1-s)) - 2s) / s^3
// in s^2, minimax (2^-58.5).
template <class T>
MEGAGRAD_INLINE T log_of(ByPowerOf2<T> x, T low = T(0)) {
    static constexpr double coefficients[]{
        0.6666666666666735,  0.3999999999941109, 0.2857142874326274, 0.2222219847597861,
        0.18183569740269231, 0.1531390323352979, 0.14797507850252};
    const T half_square = T(0.5) * x.f * x.f, s = x.f / (T(2) + x.f), z = s * s;
    const T rest =
        fma(s, fma(z, polynomial(z, coefficients), half_square), fma(x.k, T(ln2_low), low));
    return fma(x.k, T(ln2_high), x.f - (half_square - rest));
}

template <class T>
MEGAGRAD_NOINLINE T log_of_any(T x) {
    const T y = where(x < T(infinity), log_of(by_power_of_2_of_any(x)), x);
    return where(x == T(0), T(-infinity), where(x < T(0), T(not_a_number), y));
}

template <class T>
MEGAGRAD_INLINE T log(T x) {
    if (any(!(x >= T(smallest_normal) && x < T(infinity)))) [[unlikely]]
        return log_of_any(x);
    return log_of(by_power_of_2(x));
}

// By log(1 + x), and what 1 + x loses by rounding.
template <class T>
MEGAGRAD_NOINLINE T log1p(T x) {
    const T sum = T(1) + x;
    ByPowerOf2<T> parts = by_power_of_2(sum);
    const auto is_near = parts.k == T(0);
    parts.f = where(is_near, x, parts.f);
    const T lost = where(x < T(1), x - (sum - T(1)), T(1) - (sum - x));
    T y = log_of(parts, where(is_near, T(0), lost / sum));
    y = where(x == T(0), x, y);
    if (any(!(x > T(-1) && x < T(infinity)))) [[unlikely]] {
        y = where(x < T(infinity), y, x);
        y = where(x > T(-1) || x != x, y, where(x == T(-1), T(-infinity), T(not_a_number)));
    }
    return y;
}

// s = f / (2 + f) in two parts: log(1 + f) = 2 s + 2/3 s^3 + ...
template <class T>
MEGAGRAD_INLINE Twofold<T> log_argument(T f) {
    const Twofold<T> divisor = sum_of_ordered(T(2), f);
    const T s = f / divisor.high;
    const T remainder = exactly_left_by_quotient(f, s, divisor.high) - s * divisor.low;
    return {s, remainder * fma(T(-0.5), s, T(0.5))};  // 1 / (2 + f) is (1 - s) / 2
}

// log(1 + f) to some 67 bits.
template <class T>
MEGAGRAD_INLINE Twofold<T> log1p_in_two_parts(T f) {
    // (log((1+s) / (1-s)) / s - 2 - 2/3 s^2) / s^4 in s^2: minimax (2^-72.5 of the logarithm)
    static constexpr double coefficients[]{
        0.3999999999999998,  0.2857142857144522,  0.22222222217510532, 0.18181818873499941,
        0.15384556653436646, 0.13336325799887064, 0.11674648150946235, 0.11990433928059};
    const Twofold<T> s = log_argument(f), square = exact_product(s.high, s.high);
    const T square_low = fma(T(2) * s.high, s.low, square.low);
    const T rest = polynomial(square.high, coefficients);
    Twofold<T> factor = sum_of_ordered(T(0x1.5555555555555p-1), square.high * rest);
    factor.low = factor.low + fma(square_low, rest, T(0x1.5555555555555p-55));
    Twofold<T> cubic = exact_product(square.high, factor.high);
    cubic.low = fma(square.high, factor.low, fma(square_low, factor.high, cubic.low));
    Twofold<T> beyond = exact_product(s.high, cubic.high);
    beyond.low = fma(s.high, cubic.low, fma(s.low, cubic.high, beyond.low));
    const Twofold<T> sum = sum_of_ordered(T(2) * s.high, beyond.high);
    return {sum.high, sum.low + fma(T(2), s.low, beyond.low)};
}

// log(x) to some 67 bits.
template <class T>
MEGAGRAD_INLINE Twofold<T> log_in_two_parts(ByPowerOf2<T> x) {
    const Twofold<T> of_f = log1p_in_two_parts(x.f);
    const Twofold<T> sum = sum_of_ordered(x.k * T(ln2_high), of_f.high);
    return sum_of_ordered(sum.high, sum.low + fma(x.k, T(ln2_low), of_f.low));
}

template <class T>
MEGAGRAD_INLINE auto is_whole(T x) {
    const T magnitude = fabs(x);
    return magnitude >= T(0x1p52) || (magnitude + T(0x1p52)) - T(0x1p52) == magnitude;
}

// x^y for x >= 0.
template <class T>
MEGAGRAD_INLINE T power_of_magnitude(T x, T y) {
    Twofold<T> log_x = log_in_two_parts(by_power_of_2_of_any(x));
    log_x.high = where(x == T(0), T(-infinity), where(x < T(infinity), log_x.high, x));
    // Beyond 2^65 the power is 0, 1 or infinite.
    const T bounded = where(fabs(y) > T(0x1p65), copysign(T(0x1p65), y), y);
    const Twofold<T> product = exact_product(bounded, log_x.high);
    const T low = fma(bounded, log_x.low, product.low);
    return exp_of_any(product.high, where(fabs(product.high) < T(800), low, T(0)));
}

template <class T>
MEGAGRAD_NOINLINE T power_of_any(T x, T y) {
    const T magnitude = power_of_magnitude(fabs(x), y);
    const auto is_odd = is_whole(y) && !is_whole(T(0.5) * y);
    T z = where(is_odd, copysign(magnitude, x), magnitude);
    z = where(x < T(0) && x > T(-infinity) && !is_whole(y) && y == y, T(not_a_number), z);
    return where(y == T(0) || x == T(1), T(1), z);
}

// The same bits for ordinary numbers, without the steps that they do not need.
template <class T>
MEGAGRAD_INLINE T power_by_logarithm(T x, T y) {
    if (any(!(x >= T(smallest_normal) && x < T(infinity)))) [[unlikely]]
        return power_of_any(x, y);
    const Twofold<T> log_x = log_in_two_parts(by_power_of_2(x));
    const Twofold<T> product = exact_product(y, log_x.high);
    if (any(!(fabs(product.high) <= T(708)))) [[unlikely]]
        return power_of_any(x, y);
    return exp_of_usual(product.high, fma(y, log_x.low, product.low));
}

// Common powers need no logarithm; squares, the most common, not even a call. Which way a lane goes
// is up to its own numbers, here and above.
template <class T>
MEGAGRAD_NOINLINE T power_beyond_square(T x, T y) {
    T z = T(0);
    if (any(y != T(1) && y != T(2) && y != T(3) && y != T(-1) && y != T(0.5)))
        z = power_by_logarithm(x, y);
    z = where(y == T(0.5), where(x == T(-infinity), T(infinity), sqrt(x + T(0))), z);
    z = where(y == T(-1), T(1) / x, z);
    z = where(y == T(3), x * x * x, z);
    return where(y == T(1), x, where(y == T(2), x * x, z));
}

template <class T>
MEGAGRAD_INLINE T pow(T x, T y) {
    if (!any(y != T(2))) return x * x;
    return power_beyond_square(x, y);
}

// Of 2^k (1 + f), after fdlibm's s_cbrt.c: one step of Halley's method for 2^(k - 3j) (1 + f), on
// an estimate with so few bits that its square is exact.
template <class T>
MEGAGRAD_INLINE T cbrt_of(ByPowerOf2<T> x) {
    // Minimax (2^-22.4)
    static constexpr double coefficients[]{
        0.9999998738690733,   0.3333357138888802,  -0.11108572055903376, 0.06156074749686454,
        -0.04182365735048171, 0.03347562032845552, -0.020365299168953955};
    const Whole<T> j = rounded_product(x.k, T(1.0 / 3));
    const T left = x.k - T(3) * j.number;
    const T scale = where(left > T(0), T(2), where(left < T(0), T(0.5), T(1)));
    const T scale_root = where(left > T(0), T(0x1.428a2f98d728bp0),
                               where(left < T(0), T(0x1.965fea53d6e3dp-1), T(1)));
    const T t = first_half(polynomial(x.f, coefficients) * scale_root);
    const T quotient = (x.f + T(1)) * scale / (t * t);
    const T root = t + t * ((quotient - t) / (t + t + quotient));
    return root * power_of_2(root, shifted_left<52>(j.bits));
}

template <class T>
MEGAGRAD_NOINLINE T cbrt(T x) {
    const T magnitude = fabs(x);
    const T y = cbrt_of(by_power_of_2_of_any(magnitude));
    return where(magnitude > T(0) && magnitude < T(infinity), copysign(y, x), x);
}

}  // namespace megagrad::MEGAGRAD_ISA
