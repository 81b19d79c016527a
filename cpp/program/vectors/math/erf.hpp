// The error function and its complement.
#pragma once

#include "program/vectors/math/exp.hpp"
#include "program/vectors/math/two_fold.hpp"

namespace megagrad::MEGAGRAD_ISA {

// erf(x) / x - 1 for |x| <= 1.
template <class T>
MEGAGRAD_INLINE T erf_near_0(T x) {
    // In x^2: minimax (2^-62.8)
    static constexpr double coefficients[]{
        0.1283791670955126,      -0.3761263890318375,     0.11283791670954885,
        -0.026866170645077875,   0.005223977624828431,    -0.0008548326981425542,
        0.0001205533113295582,   -1.4925595772180906e-05, 1.64610084778027e-06,
        -1.6350396222864617e-07, 1.4660328722742255e-08,  -1.1374955736070135e-09,
        5.960685338520947e-11};
    return polynomial(x * x, coefficients);
}

// erf(x) for 1 <= x <= 6, as 1 less a power of e.
template <class T>
MEGAGRAD_INLINE T erf_beyond_1(T x) {
    // -log(erfc(x)) in x - 1: minimax for the error of erf (2^-57). The constant, which counts
    // most, is added last.
    static constexpr double constant = 1.8496055099332482;
    static constexpr double coefficients[]{
        2.6389675142347775,     0.8431072563593551,      0.041561098025962875,
        -0.010033825186654691,  0.001977901255677514,    -0.00023731657487204615,
        -2.629598548454374e-05, 2.7198378382301907e-05,  -9.670624161037015e-06,
        2.1312384263261194e-06, -2.0432984044933828e-07, -5.825477498264113e-08,
        3.347992435764289e-08,  -8.541453007562623e-09,  1.322955183907255e-09,
        -1.197152258510579e-10, 4.882709159942743e-12};
    const T t = x - T(1), logarithm = fma(t, polynomial(t, coefficients), T(constant));
    const ByLn2<T> parts = reduced_by_ln2(-logarithm);
    const T complement = T(1) + (parts.r + exp_beyond_linear(parts.r));
    return fma(complement, -power_of_2(x, parts.scale), T(1));
}

template <class T>
MEGAGRAD_NOINLINE T erf(T x) {
    const T magnitude = fabs(x);
    const T near = fma(magnitude, erf_near_0(x), magnitude);
    const T far = erf_beyond_1(where(magnitude > T(6), T(6), magnitude));
    return copysign(where(magnitude < T(1), near, far), x);
}

// e^(x^2) erfc(x) for 1/2 <= x <= 28, after Shepherd and Laframboise (Math. Comp. 36, 1981): times
// 1 + 2x it is smooth in (x - k) / (x + k) up to infinity.
template <class T>
MEGAGRAD_INLINE Twofold<T> scaled_erfc(T x) {
    static constexpr double k = 3.5, constant = 1.2423492448711544,
                            constant_low = -1.0444847429535543e-17;
    // Without the constant: minimax (2^-60)
    static constexpr double coefficients[]{
        -0.14000918013761943,    -0.010555596332218342,   0.09751909515325892,
        -0.11508959816018859,    0.0879831538248522,      -0.04882332582797977,
        0.01909933094269553,     -0.004215019906965747,   -0.0003022678811382104,
        0.0005643844134779379,   -0.00012151239316732676, -4.2782221807812987e-05,
        2.426080597751045e-05,   2.3283074629394734e-06,  -3.8140495497815856e-06,
        -4.4266080169573336e-08, 5.99639301174404e-07,    -7.885767844038145e-09,
        -9.258742845536081e-08,  5.518891987042631e-10,   1.0247891845621286e-08};
    const T t = (x - T(k)) / (x + T(k));
    const Twofold<T> above = sum_of_ordered(T(constant), t * polynomial(t, coefficients));
    const Twofold<T> below = sum_of_ordered(x + x, T(1));
    const T y = above.high / below.high;
    const Twofold<T> back = exact_product(y, below.high);
    const T left =
        ((above.high - back.high) - back.low) + (above.low + T(constant_low)) - y * below.low;
    return {y, left * y * T(0.82)};  // left / below: above is near 1 / 0.82 everywhere
}

// erfc(x) for x >= 1/2. x is squared exactly: the square's last bit would be many of the power's.
template <class T>
MEGAGRAD_INLINE T erfc_far_from_0(T x) {
    const Twofold<T> scaled = scaled_erfc(x), square = exact_product(x, x);
    const ByLn2<T> parts = reduced_by_ln2(-square.high, -square.low);
    const Twofold<T> linear = sum_of_ordered(T(1), parts.r);
    const Twofold<T> power = sum_of_ordered(linear.high, exp_beyond_linear(parts.r) + parts.c);
    const Twofold<T> product = exact_product(scaled.high, power.high);
    const T low = fma(scaled.high, power.low + linear.low, scaled.low * power.high);
    // 2^k alone may be too small for a double.
    const T larger = power_of_2(x, parts.scale + (std::uint64_t{600} << 52));
    return (product.high + (product.low + low)) * larger * T(0x1p-600);
}

template <class T>
MEGAGRAD_NOINLINE T erfc(T x) {
    const T magnitude = fabs(x);
    const Twofold<T> linear = sum_of_ordered(T(1), -x);
    const T near = linear.high + (linear.low - x * erf_near_0(x));
    const T far = erfc_far_from_0(where(magnitude > T(28), T(28), magnitude));
    return where(magnitude < T(0.5), near, where(x < T(0), T(2) - far, far));
}

}  // namespace megagrad::MEGAGRAD_ISA
