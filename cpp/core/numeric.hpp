// The functions that the op table's formulas may call besides <cmath>'s own,
// written so that they keep their accuracy far from zero.
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

inline double sign(double x) { return static_cast<double>((x > 0) - (x < 0)); }

// 1 / (1 + e^-x). The exponential's argument is never positive, so it cannot overflow.
inline double sigmoid(double x) {
    const double e = std::exp(-std::fabs(x));
    return where(x < 0, e, 1.0) / (1.0 + e);
}

// log(1 + e^x) without overflow, and without losing e^x beside 1.
inline double softplus(double x) {
    return where(x > 0, x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

// The standard normal distribution: cumulative and density (Abramowitz & Stegun 26.2).
// erfc keeps the left tail's digits, where (1 + erf) / 2 would cancel.
inline double normal_cdf(double x) { return 0.5 * std::erfc(-x * 0.70710678118654752440); }
inline double normal_pdf(double x) { return 0.39894228040143267794 * std::exp(-0.5 * x * x); }

// NaN if either is NaN, as in NumPy and PyTorch.
inline double maximum(double x, double y) { return where(x > y || std::isnan(x), x, y); }
inline double minimum(double x, double y) { return where(x < y || std::isnan(x), x, y); }

}  // namespace megagrad
