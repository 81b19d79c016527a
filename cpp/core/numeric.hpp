// The functions that the op table's formulas may call besides <cmath>'s own,
// written so that they keep their accuracy far from zero. Templates over the number type: what
// they call is found in <cmath> for double, and beside the type for others.
#pragma once

#include <cmath>
#include <limits>

namespace megagrad {

// Both branches are evaluated; the choice is by value, so that a formula reads
// the same for a scalar and for a block of lanes.
template <class T>
constexpr T where(bool condition, T yes, T no) {
    return condition ? yes : no;
}

// NaN has none, and 0 neither.
template <class T>
inline T sign(T x) {
    return where(x > T(0), T(1), where(x < T(0), T(-1), T(0)));
}

// 1 / (1 + e^-x). The exponential's argument is never positive, so it cannot overflow.
template <class T>
inline T sigmoid(T x) {
    using std::exp, std::fabs;
    const T e = exp(-fabs(x));
    return where(x < T(0), e, T(1)) / (T(1) + e);
}

// log(1 + e^x) without overflow, and without losing e^x beside 1.
template <class T>
inline T softplus(T x) {
    using std::exp, std::fabs, std::log1p;
    return where(x > T(0), x, T(0)) + log1p(exp(-fabs(x)));
}

// The standard normal distribution: cumulative and density (Abramowitz & Stegun 26.2).
// erfc keeps the left tail's digits, where (1 + erf) / 2 would cancel.
template <class T>
inline T normal_cdf(T x) {
    using std::erfc;
    return T(0.5) * erfc(-x * T(0.70710678118654752440));
}
template <class T>
inline T normal_pdf(T x) {
    using std::exp;
    return T(0.39894228040143267794) * exp(T(-0.5) * x * x);
}

// NaN if either is NaN, as in NumPy and PyTorch.
template <class T>
inline T maximum(T x, T y) {
    return where(x > y || x != x, x, y);
}
template <class T>
inline T minimum(T x, T y) {
    return where(x < y || x != x, x, y);
}

}  // namespace megagrad
